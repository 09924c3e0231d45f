//! What typed paths resolve to, and the messages for those that do not.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use super::*;
use crate::parse;
use crate::schema::ROOT;

fn words(text: &str) -> Vec<Word> {
    parse::line(text).unwrap().into_iter().next().map(|command| command.words).unwrap_or_default()
}

fn base(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn typed_words_become_canonical_ones() {
    for (level, typed, expect, end) in [
        ("", "protocols bgp 64512", "protocols bgp 64512", End::Instance),
        (
            "",
            "pro bg 64512 param router 192.168.101.1",
            "protocols bgp 64512 parameters router-id 192.168.101.1",
            End::Value,
        ),
        (
            "protocols bgp 64512",
            "nei FD00::0201 remot internal",
            "protocols bgp 64512 neighbor fd00::201 remote-as internal",
            End::Value,
        ),
        ("protocols static", "route 10.0.0.0/8 black", "protocols static route 10.0.0.0/8 blackhole", End::Inner),
        // `route` is a prefix of `route6`, and wins because it is exact.
        ("", "prot static route 10.0.0.0/8", "protocols static route 10.0.0.0/8", End::Instance),
        (
            "protocols bgp 64512 neighbor 192.0.2.1",
            "shut",
            "protocols bgp 64512 neighbor 192.0.2.1 shutdown",
            End::Flag,
        ),
        (
            "protocols bgp 64512 neighbor 192.0.2.1",
            "shutdown-m gone",
            "protocols bgp 64512 neighbor 192.0.2.1 shutdown-message gone",
            End::Value,
        ),
        ("", "interfaces ethernet eth0 mtu 01500", "interfaces ethernet eth0 mtu 1500", End::Value),
        (
            "interfaces ethernet eth0",
            "description 'two words'",
            "interfaces ethernet eth0 description two words",
            End::Value,
        ),
    ] {
        let resolved = path(&ROOT, &base(level), &words(typed)).unwrap();
        assert_eq!((resolved.words.join(" ").as_str(), resolved.end), (expect, end), "{level} / {typed}");
    }
}

#[test]
fn the_value_is_returned_beside_the_path() {
    let resolved = path(&ROOT, &[], &words("system host-name r1")).unwrap();
    assert_eq!((resolved.node.name, resolved.value.as_deref()), ("host-name", Some("r1")));
    let resolved = partial(&ROOT, &[], &words("system host-name")).unwrap();
    assert_eq!((resolved.end, resolved.value), (End::Leaf, None));
}

#[test]
fn wrong_paths_are_refused_in_words_that_scripts_know() {
    for (typed, expect) in [
        (
            "policy route-map M rule 10 set metric-type",
            "Configuration path: policy route-map M rule 10 set [metric-type] is not valid\nIt is a thing of OSPF, which this \
             router does not speak; delete it",
        ),
        (
            "protocols bgp foo",
            "\"foo\" is not a valid value of type \"u32\"\nAn AS number from 1 to 4294967294 is wanted\nValue validation failed",
        ),
        (
            "protocols foo bar",
            "Configuration path: protocols [foo] is not valid\nPossible: bfd, bgp, key-chain, rpki, static",
        ),
        (
            "protocol bgp 1 nieghbor",
            "Configuration path: protocols bgp 1 [nieghbor] is not valid\nDid you mean 'neighbor'?",
        ),
        (
            "protocols bgp",
            "Configuration path: [protocols bgp] requires a value\nIt takes <1-4294967294>, such as 64512",
        ),
        (
            "system host-name",
            "Configuration path: [system host-name] requires a value\nIt takes <hostname>, such as router1",
        ),
        (
            "system host-name a b",
            "Configuration path: system host-name a [b] is not valid\nOne value has been given already; quote a value that holds blanks: 'two words'",
        ),
        (
            "interfaces ethernet eth0 disable now",
            "Configuration path: interfaces ethernet eth0 disable [now] is not valid\n'disable' takes no value",
        ),
        (
            "interfaces ethernet eth0 mtu 17000",
            "\"17000\" is not a valid value of type \"u32\"\nA number from 68 to 16000 is wanted\nValue validation failed",
        ),
        (
            "protocols bgp 1 neighbor 192.0.2.1 passw 'a b'",
            "\"****************\" is not a valid value of type \"txt\"\nA password of 1 to 80 octets without blanks and control characters is wanted\nValue validation failed",
        ),
        (
            "''",
            "Configuration path: [] is not valid\nPossible: balancer, interfaces, policy, protocols, service, system",
        ),
        (
            "protocols bgp 1 neighbor 192.0.2.1 pass",
            "Configuration path: protocols bgp 1 neighbor 192.0.2.1 [pass] is ambiguous\n\nPossible completions:\n  passive   Wait for the neighbor to connect\n  password  TCP MD5 password of 1 to 80 characters",
        ),
    ] {
        assert_eq!(path(&ROOT, &[], &words(typed)).unwrap_err().to_string(), expect, "{typed}");
    }
}

#[test]
fn a_secret_is_not_repeated_in_a_message() {
    let error = path(&ROOT, &[], &words("protocols bgp 1 neighbor 192.0.2.1 password hunter2 now")).unwrap_err();
    assert!(error.to_string().starts_with(
        "Configuration path: protocols bgp 1 neighbor 192.0.2.1 password **************** [now] is not valid"
    ));
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[test]
fn a_message_fits_on_one_line_for_lists() {
    for (typed, expect) in [
        (
            "protocols foo",
            "Configuration path: protocols [foo] is not valid: possible: bfd, bgp, key-chain, rpki, static",
        ),
        ("protocols bgp 0", "\"0\" is not a valid value of type \"u32\": an AS number from 1 to 4294967294 is wanted"),
        ("protocols bgp", "Configuration path: [protocols bgp] requires a value"),
    ] {
        assert_eq!(path(&ROOT, &[], &words(typed)).unwrap_err().brief(), expect);
    }
}

#[test]
fn a_file_has_to_spell_words_in_full() {
    assert!(exact(&ROOT, &[], &words("system host-name r1")).is_ok());
    assert!(exact(&ROOT, &[], &words("sys host-name r1")).is_err());
}

#[test]
fn only_levels_can_be_edited() {
    for (typed, good) in [
        ("protocols", true),
        ("protocols bgp 64512", true),
        ("protocols bgp", false),
        ("system host-name", false),
        ("system host-name r1", false),
        ("interfaces ethernet eth0 disable", false),
    ] {
        assert_eq!(level(&ROOT, &[], &words(typed)).is_ok(), good, "{typed}");
    }
    let error = level(&ROOT, &[], &words("system host-name")).unwrap_err();
    assert_eq!(error.to_string(), "The \"edit\" command cannot be issued at the specified level");
}

#[test]
fn control_characters_never_reach_the_terminal() {
    let error = path(&ROOT, &[], &[Word::new("\u{1b}[2J")]).unwrap_err();
    assert!(!error.to_string().contains('\u{1b}'));
    let error = path(&ROOT, &[], &[Word::new("system"), Word::new("host-name"), Word::new("\u{1b}[2J")]).unwrap_err();
    assert!(!error.to_string().contains('\u{1b}'));
}
