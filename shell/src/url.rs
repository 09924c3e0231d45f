//! Addresses of files elsewhere: `scp://user@host/path`, `http://host/path`.
//!
//! Only takes them apart, and makes the arguments of the programs that fetch and put them; no shell reads these.

/// An address of a file on another machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url {
    /// The whole text.
    text: String,
    scheme: Scheme,
    /// `user@` or nothing.
    user: String,
    /// A password that was typed into the address.
    password: bool,
    host: String,
    port: Option<u16>,
    path: String,
}

/// Who carries the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    /// `curl`
    Curl,
    /// `scp`
    Scp,
}

/// A program that carries a file, and what it reads on its standard input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Carrier {
    /// Its name.
    pub(crate) program: &'static str,
    /// Its arguments.
    pub(crate) arguments: Vec<String>,
    /// What it reads: secrets stay off the command line, which everybody on the machine can see.
    pub(crate) input: String,
}

const SCHEMES: &[(&str, Scheme)] = &[
    ("http://", Scheme::Curl),
    ("https://", Scheme::Curl),
    ("ftp://", Scheme::Curl),
    ("tftp://", Scheme::Curl),
    ("scp://", Scheme::Scp),
    ("sftp://", Scheme::Scp),
];

impl Url {
    /// Reads a text; none when it is the name of a file on this machine.
    ///
    /// # Errors
    /// What is wrong with the address.
    pub(crate) fn read(text: &str) -> Result<Option<Self>, String> {
        let Some((before, rest)) = text.split_once("://") else { return Ok(None) };
        let scheme = SCHEMES.iter().find(|(known, _)| known.trim_end_matches("://") == before);
        let Some((_, scheme)) = scheme else {
            let known: Vec<&str> = SCHEMES.iter().map(|(known, _)| *known).collect();
            return Err(format!("Cannot use '{before}://': it takes a file here, or {}", known.join(", ")));
        };
        let broken = |why: &str| format!("The address '{}' {why}; write scp://user@host/path", hidden(text));
        if text.chars().any(|sign| sign.is_control() || sign.is_whitespace()) {
            return Err(broken("holds a blank"));
        }
        let (authority, path) = rest.split_once('/').ok_or_else(|| broken("names no file"))?;
        let (login, place) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = login.split_once(':').map_or((login, false), |(user, _)| (user, true));
        let (host, port) = split_port(place).ok_or_else(|| broken("has a wrong port"))?;
        if host.is_empty() || host.starts_with('-') || user.starts_with('-') || path.is_empty() {
            return Err(broken("names no host or no file"));
        }
        let user = if user.is_empty() { String::new() } else { format!("{user}@") };
        let (text, host, path) = (text.to_owned(), host.to_owned(), format!("/{path}"));
        Ok(Some(Self { text, scheme: *scheme, user, password, host, port, path }))
    }

    /// The address as messages show it, without a password.
    #[must_use]
    pub(crate) fn shown(&self) -> String {
        hidden(&self.text)
    }

    /// The program that copies the file to a file of this machine.
    ///
    /// # Errors
    /// When the address holds a password that its program does not take.
    pub(crate) fn fetch_to(&self, file: &str) -> Result<Carrier, String> {
        self.carrier(file, false)
    }

    /// The program that copies a file of this machine there.
    ///
    /// # Errors
    /// When the address holds a password that its program does not take.
    pub(crate) fn put_from(&self, file: &str) -> Result<Carrier, String> {
        self.carrier(file, true)
    }

    fn carrier(&self, file: &str, away: bool) -> Result<Carrier, String> {
        match self.scheme {
            Scheme::Curl => {
                let direction = if away { "upload-file" } else { "output" };
                let arguments = ["--fail", "--silent", "--show-error", "--location", "--config", "-"];
                let input = format!("url = {}\n{direction} = {}\n", in_quotes(&self.text), in_quotes(file));
                Ok(Carrier { program: "curl", arguments: arguments.map(str::to_owned).to_vec(), input })
            }
            Scheme::Scp if self.password => {
                Err("scp takes no password in the address: leave it away, and type it when asked or use a key".into())
            }
            Scheme::Scp => {
                let port = self.port.map(|port| ["-P".to_owned(), port.to_string()]);
                let there = format!("{}{}:{}", self.user, self.host, self.path);
                let (from, to) = if away { (file.to_owned(), there) } else { (there, file.to_owned()) };
                let arguments = ["-q".to_owned()].into_iter().chain(port.into_iter().flatten());
                let arguments = arguments.chain(["--".to_owned(), from, to]).collect();
                Ok(Carrier { program: "scp", arguments, input: String::new() })
            }
        }
    }
}

/// The host, in its brackets for IPv6, and the port; none for a port that is no number.
fn split_port(place: &str) -> Option<(&str, Option<u16>)> {
    let behind = place.rfind(']').unwrap_or(0);
    match place.get(behind..)?.find(':') {
        Some(at) => {
            let (host, port) = place.split_at_checked(behind.saturating_add(at))?;
            Some((host, Some(port.get(1..)?.parse().ok()?)))
        }
        None => Some((place, None)),
    }
}

/// An address with its password hidden.
fn hidden(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let authority = rest.split('/').next().unwrap_or_default();
    match authority.rsplit_once('@').and_then(|(login, _)| login.split_once(':')) {
        Some((user, password)) => {
            let after = rest.get(user.len().saturating_add(password.len()).saturating_add(1)..).unwrap_or_default();
            format!("{scheme}://{user}:****{after}")
        }
        None => text.to_owned(),
    }
}

/// A value of curl's configuration file.
fn in_quotes(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;

    #[test]
    fn files_of_this_machine_are_no_addresses() {
        for text in ["/config/config.boot", "x.boot", "a:b", ""] {
            assert_eq!(Url::read(text), Ok(None), "{text}");
        }
    }

    #[test]
    fn programs_get_clean_arguments_and_no_secret() {
        for (text, arguments, input) in [
            ("scp://bob@host/srv/x", "-q -- bob@host:/srv/x /tmp/f", ""),
            ("sftp://host:2222/x", "-q -P 2222 -- host:/x /tmp/f", ""),
            ("scp://[2001:db8::1]:22/x", "-q -P 22 -- [2001:db8::1]:/x /tmp/f", ""),
            (
                "ftp://bob:pw@host/x\"y",
                "--fail --silent --show-error --location --config -",
                "url = \"ftp://bob:pw@host/x\\\"y\"\noutput = \"/tmp/f\"\n",
            ),
        ] {
            let carrier = Url::read(text).unwrap().unwrap().fetch_to("/tmp/f").unwrap();
            assert_eq!((carrier.arguments.join(" ").as_str(), carrier.input.as_str()), (arguments, input), "{text}");
        }
        let away = Url::read("scp://host/x").unwrap().unwrap().put_from("/tmp/f").unwrap();
        assert_eq!(away.arguments.join(" "), "-q -- /tmp/f host:/x");
    }

    #[test]
    fn wrong_addresses_say_what_is_wrong_without_the_password() {
        for (text, words) in [
            ("gopher://host/x", "'gopher://'"),
            ("scp://host", "names no file"),
            ("scp:///x", "no host"),
            ("scp://-oProxyCommand=x/y", "no host"),
            ("scp://host:port/x", "wrong port"),
            ("http://host/a b", "blank"),
        ] {
            assert!(Url::read(text).unwrap_err().contains(words), "{text}");
        }
        let url = Url::read("scp://bob:secret@host/x").unwrap().unwrap();
        assert_eq!(url.shown(), "scp://bob:****@host/x");
        assert!(url.fetch_to("/tmp/f").unwrap_err().contains("no password"));
    }
}
