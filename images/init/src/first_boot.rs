//! The configuration of a machine that has none yet: what somebody left for it, or one that is safe.
//!
//! Reads the few fields of cloud-init's user data and of OpenStack's metadata that a router has a use for, as text. Never opens
//! anything.

use serde_json::Value;

/// What a volume of cloud-init or QEMU holds, as far as it is of use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seed {
    /// A whole configuration.
    pub(crate) config: Option<String>,
    /// `user-data`: a `#cloud-config`.
    pub(crate) user_data: Option<String>,
    /// `meta-data`.
    pub(crate) meta_data: Option<String>,
    /// `meta_data.json` of a volume of OpenStack.
    pub(crate) openstack: Option<String>,
}

/// Somebody who may log in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Person {
    name: String,
    hash: Option<String>,
    plain: Option<String>,
    keys: Vec<String>,
}

/// What user data asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Wishes {
    host_name: Option<String>,
    people: Vec<Person>,
}

/// Who logs in where nobody else is named.
pub(crate) const FIRST_USER: &str = "towpath";

/// The configuration of the first start.
pub(crate) fn config(seed: &Seed) -> String {
    let wishes = wishes(seed);
    let people: String = wishes.people.iter().map(login).collect();
    let host_name = wishes.host_name.as_deref().filter(|name| is_host_name(name));
    if let Some(config) = &seed.config {
        let more = match (host_name, people.as_str()) {
            (None, "") => String::new(),
            (name, people) => system(name, people),
        };
        // Persons come first: what is damaged further down takes nobody's way in.
        return format!("{more}{}\n", config.trim_end());
    }
    let closed =
        wishes.people.iter().all(|person| person.keys.is_empty() && person.hash.is_none() && person.plain.is_none());
    let service = if closed { "" } else { "service {\n    ssh {\n    }\n}\n" };
    let people =
        if people.is_empty() { login(&Person { name: FIRST_USER.to_owned(), ..Person::default() }) } else { people };
    format!(
        "interfaces {{\n    ethernet eth0 {{\n        address dhcp\n    }}\n    loopback lo {{\n    }}\n}}\n{service}{}",
        system(Some(host_name.unwrap_or("towpath")), &people)
    )
}

fn system(host_name: Option<&str>, people: &str) -> String {
    let name = host_name.map(|name| format!("    host-name {name}\n")).unwrap_or_default();
    let login = if people.is_empty() { String::new() } else { format!("    login {{\n{people}    }}\n") };
    format!("system {{\n{name}{login}}}\n")
}

/// A user with key and password, as the configuration has it.
fn login(person: &Person) -> String {
    let mut inner = String::new();
    if let Some(hash) = &person.hash {
        inner.push_str(&format!("                encrypted-password \"{hash}\"\n"));
    }
    if let Some(plain) = &person.plain {
        inner.push_str(&format!("                plaintext-password \"{plain}\"\n"));
    }
    for (number, key) in person.keys.iter().enumerate() {
        let mut words = key.split_whitespace();
        if let (Some(kind), Some(octets)) = (words.next(), words.next()) {
            inner.push_str(&format!(
                "                public-keys seed{number} {{\n                    key {octets}\n                    type {kind}\n                }}\n"
            ));
        }
    }
    let authentication = if inner.is_empty() {
        String::new()
    } else {
        format!("            authentication {{\n{inner}            }}\n")
    };
    format!("        user {} {{\n{authentication}            level admin\n        }}\n", person.name)
}

fn wishes(seed: &Seed) -> Wishes {
    let mut wishes = Wishes::default();
    let mut meta = entries(seed.meta_data.as_deref().unwrap_or_default());
    meta.extend(openstack_entries(seed.openstack.as_deref().unwrap_or_default()));
    let user = match seed.user_data.as_deref() {
        Some(text) if text.starts_with("#cloud-config") => entries(text),
        _ => Vec::new(),
    };
    let mut first = Person { name: FIRST_USER.to_owned(), ..Person::default() };
    let mut others: Vec<Person> = Vec::new();
    for entry in meta.iter().chain(&user) {
        let Entry { path, value } = entry;
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        match path.as_slice() {
            ["local-hostname" | "hostname"] => wishes.host_name = Some(value.clone()),
            ["user"] if is_user(value) => first.name.clone_from(value),
            ["password"] => set_password(&mut first, value),
            ["ssh_authorized_keys", "-"] => add_key(&mut first, value),
            ["users", "-", "name"] if is_user(value) => {
                others.push(Person { name: value.clone(), ..Person::default() });
            }
            ["users", "-", "passwd" | "hashed_passwd" | "plain_text_passwd"] => {
                others.last_mut().into_iter().for_each(|person| set_password(person, value));
            }
            ["users", "-", "ssh_authorized_keys", "-"] => {
                others.last_mut().into_iter().for_each(|person| add_key(person, value));
            }
            _ => {}
        }
    }
    let named = first.hash.is_some() || first.plain.is_some() || !first.keys.is_empty();
    wishes.people = named.then_some(first).into_iter().chain(others).collect();
    wishes
}

fn set_password(person: &mut Person, value: &str) {
    let clean = !value.is_empty() && value.len() < 200 && !value.contains(['"', '\\', '\n']);
    match value.starts_with('$') {
        true if clean => person.hash = Some(value.to_owned()),
        false if clean => person.plain = Some(value.to_owned()),
        _ => {}
    }
}

fn add_key(person: &mut Person, value: &str) {
    let mut words = value.split_whitespace();
    let letters = |word: &str| word.chars().all(|c| c.is_ascii_alphanumeric() || "+/=-@.".contains(c));
    if words.next().is_some_and(letters) && words.next().is_some_and(letters) {
        person.keys.push(value.to_owned());
    }
}

fn is_user(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
        && name != "root"
}

fn is_host_name(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.ends_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

/// A value of YAML and the keys that lead to it; an element of a list is `-`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    path: Vec<String>,
    value: String,
}

/// The plain values of a text in YAML: blocks of mappings and lists, no flows, anchors or folded texts.
fn entries(text: &str) -> Vec<Entry> {
    let mut found = Vec::new();
    // Each key with the column at which it stands.
    let mut path: Vec<(usize, String)> = Vec::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
        let mut rest = line.trim_start();
        let mut column = line.len() - rest.len();
        while let Some(behind) = rest.strip_prefix("- ") {
            // An element may stand in the column of its key.
            path.retain(|(at, key)| *at < column || (*at == column && key != "-"));
            path.push((column, "-".to_owned()));
            let inner = behind.trim_start();
            column += rest.len() - inner.len();
            rest = inner;
        }
        if rest.is_empty() {
            continue;
        }
        path.retain(|(at, _)| *at < column);
        let pair = rest.split_once(':').filter(|(key, value)| {
            (value.is_empty() || value.starts_with(' '))
                && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
        });
        let (key, value) = pair.map_or((None, rest), |(key, value)| (Some(key), value));
        let mut full: Vec<String> = path.iter().map(|(_, key)| key.clone()).collect();
        if let Some(key) = key {
            full.push(key.to_owned());
            path.push((column, key.to_owned()));
        }
        let value = unquoted(value.trim());
        if !value.is_empty() && full.len() < 10 {
            found.push(Entry { path: full, value });
        }
    }
    found
}

/// What OpenStack's `meta_data.json` says of the host name and of keys, in the words of cloud-init: nothing where it is no JSON.
/// Its host name may have a domain behind it.
fn openstack_entries(text: &str) -> Vec<Entry> {
    let Ok(Value::Object(meta)) = serde_json::from_str(text) else { return Vec::new() };
    let entry = |path: &[&str], value: &str| Entry {
        path: path.iter().map(|key| (*key).to_owned()).collect(),
        value: value.trim().to_owned(),
    };
    let host = meta.get("hostname").and_then(Value::as_str).and_then(|name| name.split('.').next());
    let keys = meta.get("public_keys").and_then(Value::as_object).into_iter().flat_map(|keys| keys.values());
    let keys = keys.filter_map(Value::as_str).map(|key| entry(&["ssh_authorized_keys", "-"], key));
    host.map(|name| entry(&["hostname"], name)).into_iter().chain(keys).collect()
}

fn unquoted(value: &str) -> String {
    for quote in ['"', '\''] {
        if let Some(inner) = value.strip_prefix(quote) {
            return inner.split(quote).next().unwrap_or_default().to_owned();
        }
    }
    value.split(" #").next().unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER_DATA: &str = "#cloud-config\nhostname: edge1\npassword: '$6$salt$hash'\nssh_authorized_keys:\n\
                             - ssh-ed25519 AAAAC3 anna@desk\nusers:\n  - name: berta\n    passwd: \"$6$b$c\"\n\
                             \x20   ssh_authorized_keys:\n      - ssh-rsa AAAAB3 b\n  - name: root\n    passwd: x\n\
                             runcmd:\n  - [ rm, -rf, / ]\n";

    fn seed(user_data: &str) -> Seed {
        Seed { user_data: Some(user_data.to_owned()), ..Seed::default() }
    }

    #[test]
    fn without_a_word_of_anybody_the_start_is_safe() {
        let config = config(&Seed::default());
        assert!(config.contains("ethernet eth0 {\n        address dhcp"), "{config}");
        assert!(config.contains("host-name towpath") && config.contains("user towpath {"), "{config}");
        assert!(!config.contains("ssh") && !config.contains("password"), "{config}");
    }

    #[test]
    fn host_name_keys_and_hashes_are_taken_from_user_data() {
        let wishes = wishes(&seed(USER_DATA));
        let towpath = Person {
            name: "towpath".to_owned(),
            hash: Some("$6$salt$hash".to_owned()),
            plain: None,
            keys: vec!["ssh-ed25519 AAAAC3 anna@desk".to_owned()],
        };
        assert_eq!(wishes.host_name.as_deref(), Some("edge1"));
        assert_eq!(wishes.people.first(), Some(&towpath));
        assert_eq!(wishes.people.get(1).map(|person| (person.name.as_str(), person.keys.len())), Some(("berta", 1)));
        let config = config(&seed(USER_DATA));
        for part in ["host-name edge1", "service {\n    ssh {", "key AAAAC3\n", "type ssh-ed25519\n", "\"$6$b$c\""] {
            assert!(config.contains(part), "{part} in {config}");
        }
        assert!(!config.contains("rm"), "{config}");
    }

    #[test]
    fn host_name_and_keys_are_taken_from_openstack_s_metadata() {
        let meta = r#"{"uuid": "d8e02d56", "hostname": "edge2.novalocal", "name": "edge2", "launch_index": 0,
                       "public_keys": {"anna": "ssh-ed25519 AAAAC3 anna@desk\n", "bad": "ssh-rsa }{", "odd": 7},
                       "keys": [{"name": "anna", "type": "ssh", "data": "ssh-ed25519 AAAAC3 anna@desk\n"}]}"#;
        let of = |text: &str| Seed { openstack: Some(text.to_owned()), ..Seed::default() };
        let config = config(&of(meta));
        for part in ["host-name edge2\n", "service {\n    ssh {", "user towpath {", "key AAAAC3\n"] {
            assert!(config.contains(part), "{part} in {config}");
        }
        assert!(!config.contains("}{") && config.matches("public-keys").count() == 1, "{config}");
        let named = Seed { user_data: Some("#cloud-config\nhostname: edge3\n".to_owned()), ..of(meta) };
        assert_eq!(wishes(&named).host_name.as_deref(), Some("edge3"), "what a person wrote counts more");
        for text in
            ["", "{", "[]", "7", r#"{"hostname": 7, "public_keys": ["ssh-rsa AAAA"]}"#, r#"{"hostname": "a } b"}"#]
        {
            assert_eq!(super::config(&of(text)), super::config(&Seed::default()), "{text}");
        }
    }

    #[test]
    fn a_whole_configuration_is_taken_as_it_is() {
        let whole = Seed { config: Some("system {\n    host-name r9\n}\n".to_owned()), ..Seed::default() };
        assert_eq!(config(&whole), "system {\n    host-name r9\n}\n");
        let more = Seed { config: whole.config, ..seed("#cloud-config\npassword: secret\n") };
        assert!(config(&more).contains("plaintext-password \"secret\""));
    }

    #[test]
    fn what_does_not_fit_is_left_out_and_never_ends_up_in_the_configuration() {
        for text in [
            "#!/bin/sh\nhostname: edge1\n",
            "#cloud-config\nhostname: \"a } b\"\n",
            "#cloud-config\npassword: 'a\"b'\n",
            "#cloud-config\nusers:\n- name: \"x { }\"\n",
            "#cloud-config\nssh_authorized_keys:\n- \"ssh-rsa }{\"\n",
            "#cloud-config\n- - - -\n: :\n\t-\n",
        ] {
            assert_eq!(config(&seed(text)), config(&Seed::default()), "{text}");
        }
    }
}
