//! What is offered to somebody who edits: names of the working configuration, and only what stands where nothing new
//! can be.

use super::*;
use crate::completion;

/// The words that could stand at the end of a line, after some lines of configuration mode.
fn offered(lines: &[&str], line: &str) -> Vec<String> {
    let (_, session, mut world) = typed_into(Fake::default(), &[&["configure"], lines].concat());
    let completion = completion::at(line, line.len(), &session, &mut world);
    completion.words().map(str::to_owned).collect()
}

const MINE: &[&str] = &[
    "set protocols bgp 64512 peer-group nodes remote-as 64513",
    "set protocols bgp 64512 neighbor 192.0.2.1 peer-group nodes",
    "set policy prefix-list PODS rule 10 action permit",
    "set policy route-map IN rule 10 action permit",
];

#[test]
fn names_can_be_used_before_the_commit_that_makes_them() {
    for (line, expect) in [
        ("set protocols bgp 64512 neighbor 192.0.2.2 peer-group ", &["nodes"][..]),
        ("set protocols bgp 64512 neighbor 192.0.2.2 address-family ipv4-unicast route-map import ", &["IN"]),
        ("set policy route-map IN rule 10 match ip address prefix-list ", &["PODS"]),
        ("set policy route-map ", &["IN"]),
    ] {
        let words = offered(MINE, line);
        assert_eq!(words, expect, "{line}");
        assert!(!offered(&[], line).contains(&expect[0].to_owned()), "{line}");
    }
}

#[test]
fn where_nothing_new_can_be_only_what_stands_is_offered() {
    for (line, expect) in [
        ("delete ", &["policy", "protocols"][..]),
        ("show protocols bgp 64512 ", &["neighbor", "peer-group"]),
        ("delete protocols bgp 64512 neighbor 192.0.2.1 ", &["peer-group"]),
        ("comment policy ", &["prefix-list", "route-map"]),
        ("copy policy route-map ", &["IN"]),
        ("rename policy route-map IN ", &["to", "rule"]),
        ("rename policy route-map IN to ", &["route-map"]),
        ("show | st", &["strip-private"]),
        ("run show vers", &["version"]),
    ] {
        assert_eq!(offered(MINE, line), expect, "{line}");
    }
    let lines = [MINE, &["edit protocols bgp 64512"]].concat();
    assert_eq!(offered(&lines, "delete neighbor "), ["192.0.2.1"], "relative to the level");
}

#[test]
fn where_nothing_can_follow_it_is_told_why() {
    for (lines, line, told) in [
        (&["set system host-name r1"][..], "foo", "Invalid command: [foo]"),
        (&["set system host-name r1"], "set foo ", "Configuration path: [foo] is not valid"),
        (&["edit protocols"], "set foo ", "Configuration path: protocols [foo] is not valid"),
        (&["set system host-name r1"], "run show foo ", "Invalid command: show [foo]"),
        (&["set system host-name r1"], "commit foo ", "Invalid command: commit [foo]"),
        (&["set system host-name r1"], "show | foo", "Nothing that is known can stand here"),
        (&["exit"], "show foo ", "Invalid command: show [foo]"),
        (&["exit"], "sh ip foo", "Invalid command: show ip [foo]"),
    ] {
        let (_, session, mut world) = typed_into(Fake::default(), &[&["configure"], lines].concat());
        let answer = completion::answer(line, &session, &mut world);
        assert_eq!(answer.lines().next(), Some(told), "{line:?}: {answer}");
    }
}
