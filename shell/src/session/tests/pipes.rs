//! Pipes behind commands of both modes, and texts that must come through unchanged.

use proptest::prelude::*;

use super::*;

const LINES: [&str; 3] = [
    "configure",
    "set protocols bgp 64512 neighbor 192.0.2.1 remote-as 64513",
    "set protocols bgp 64512 neighbor 192.0.2.1 password topsecret",
];

fn piped(line: &str) -> (String, Fake) {
    let (text, _, world) = typed_into(Fake::default(), &[&LINES[..], &[line]].concat());
    (text, world)
}

#[test]
fn configuration_mode_has_all_pipes() {
    for (line, expect) in [
        (
            "show protocols | commands",
            "set protocols bgp 64512 neighbor 192.0.2.1 password 'topsecret'\n\
             set protocols bgp 64512 neighbor 192.0.2.1 remote-as '64513'\n",
        ),
        ("show protocols | commands | count", "2\n"),
        ("show protocols | match remote-as", "+        remote-as 64513\n"),
        (
            "show protocols | strip-private | match 'bgp|neighbor|pass|remote'",
            "+bgp XXXXXX {\n+    neighbor xxx.xxx.2.1 {\n+        password xxxxxx\n+        remote-as XXXXXX\n",
        ),
        ("compare | match bgp | no-match edit", "+    bgp 64512 {\n"),
        (
            "compare | commands | strip-private | match pass",
            "set protocols bgp XXXXXX neighbor xxx.xxx.2.1 password 'xxxxxx'\n",
        ),
        ("show protocols | json | match password", "          \"password\": \"topsecret\",\n"),
        ("run show configuration | commands | count", "0\n"),
        ("show protocols | commands | save /x", "Wrote 2 lines to '/x'\n"),
        ("show | save /full/x", "!Cannot write '/full/x': no space left on device\n"),
        ("commit check | commands", "!This command shows no configuration, or 'commands' is not its first pipe\n"),
    ] {
        assert_eq!(piped(line).0, expect, "{line}");
    }
    let (_, world) = piped("show protocols | commands | save /x");
    assert!(world.files["/x"].starts_with("set protocols bgp 64512"), "{:?}", world.files);
}

#[test]
fn operational_mode_has_them_too_without_secrets() {
    let (text, ..) = typed_into(
        Fake::default(),
        &[&LINES[..], &["commit", "exit", "show configuration | commands | match pass"]].concat(),
    );
    assert_eq!(text, "set protocols bgp 64512 neighbor 192.0.2.1 password '****************'\n");
}

#[test]
fn what_cannot_be_read_is_told_and_loses_nothing() {
    let before = typed(&["set system host-name r1", "compare"]);
    for broken in ["set system 'x", "set \"", "show |", "| count", "&& commit", "set system { }", "}", "\\"] {
        let (text, session, world) =
            typed_into(Fake::default(), &["configure", "set system host-name r1", broken, "compare"]);
        assert_eq!(text, before, "{broken}");
        assert!(session.has_uncommitted_changes() && world.active.is_empty(), "{broken}");
        assert!(typed(&[broken]).starts_with('!'), "{broken}: {}", typed(&[broken]));
    }
}

#[test]
fn a_line_of_ten_megabytes_is_refused_or_kept_and_nothing_breaks() {
    let long = format!("set protocols bgp 64512 neighbor 192.0.2.1 description '{}'", "x".repeat(10_000_000));
    let text = typed(&[&long]);
    assert!(text.starts_with('!') && text.len() < 2000, "{} octets", text.len());
    assert!(text.ends_with("!Set failed\n"), "{}", &text[..200]);
    let (text, ..) = typed_into(Fake::default(), &[&"y".repeat(10_000_000)]);
    assert!(text.starts_with("!Invalid command: [yyy") && text.len() < 2000, "{} octets", text.len());
    let mut world = Fake::default();
    world.files.insert("/long".to_owned(), format!("system {{\n host-name r1\n {}\n}}\n", "{ ".repeat(5_000_000)));
    let (text, session, _) = typed_into(world, &["configure", "load /long"]);
    assert!(text.contains("Warning: line 3:") && text.len() < 100_000, "{} octets", text.len());
    assert_eq!(session.editing().unwrap().1.value(&words("system host-name")), Some("r1"));
}

/// Sets a description by a line, and follows it through every form back to a tree.
fn through_every_form(line: &str, value: &str) {
    let path = words("protocols bgp 64512 neighbor 192.0.2.1 description");
    let (said, session, world) = typed_into(Fake::default(), &["configure", line, "commit; save"]);
    assert!(said.ends_with("Done\n"), "{line}: {said}");
    assert_eq!(world.saved.value(&path), Some(value), "{line}");
    let tree = session.editing().unwrap().1.clone();
    let (commands, _, mut world) = typed_into(world, &["configure", "show | commands"]);
    world.files.insert("/file".to_owned(), print::file(&tree));
    world.files.insert("/commands".to_owned(), commands.clone());
    for file in ["load /file", "load /commands"] {
        let fresh = Fake { files: world.files.clone(), ..Fake::default() };
        let (_, session, _) = typed_into(fresh, &["configure", file]);
        assert_eq!(session.editing().unwrap().1, &tree, "{file}: {commands}");
    }
    let typed_again: Vec<&str> = std::iter::once("configure").chain(commands.lines()).collect();
    let (_, session, _) = typed_into(Fake::default(), &typed_again);
    assert_eq!(session.editing().unwrap().1, &tree, "{commands}");
}

#[test]
fn quotes_backslashes_and_all_letters_come_through_every_form() {
    for (typed, value) in [
        ("'node 1'", "node 1"),
        ("\"node 1\"", "node 1"),
        ("node\\ 1", "node 1"),
        ("'it'\\''s'", "it's"),
        ("\"say \\\"hi\\\"\"", "say \"hi\""),
        ("'C:\\temp\\'", "C:\\temp\\"),
        ("'größe — 東京 ☂'", "größe — 東京 ☂"),
        ("'a;b|c&&d#e{f}'", "a;b|c&&d#e{f}"),
        ("'/* x */ // y'", "/* x */ // y"),
        ("'why?'", "why?"),
        ("'$HOME `x` !y'", "$HOME `x` !y"),
    ] {
        through_every_form(&format!("set protocols bgp 64512 neighbor 192.0.2.1 description {typed}"), value);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_description_comes_through_every_form(text in r"[ -~äß東☂\\'\x22]{1,40}") {
        let value = text.trim();
        if !value.is_empty() {
            let line = format!(
                "set protocols bgp 64512 neighbor 192.0.2.1 description {}",
                grammar::quote_single(value)
            );
            through_every_form(&line, value);
        }
    }
}
