//! The sentences that scripts match on, one row for each.

use super::*;

const NEIGHBOR: &str = "set protocols bgp 64512 neighbor 192.0.2.1 remote-as 64512";
const OTHER: &str = "set protocols bgp 64512 neighbor 192.0.2.2 remote-as 64512";

/// What the last of the lines prints must hold these lines, in this order; complaints begin with `!`.
type Row = (&'static str, &'static [&'static str], &'static [&'static str]);

const ROWS: &[Row] = &[
    (
        "unknown path in set",
        &["set protocols bgp 64512 foo"],
        &["!Configuration path: protocols bgp 64512 [foo] is not valid", "!Set failed"],
    ),
    ("unknown path in delete", &["delete foo"], &["!Configuration path: [foo] is not valid", "!Delete failed"]),
    ("unknown path in edit", &["edit foo"], &["!Configuration path: [foo] is not valid"]),
    (
        "value missing",
        &["set system host-name"],
        &["!Configuration path: [system host-name] requires a value", "!Set failed"],
    ),
    (
        "already set",
        &["set system host-name r1", "set system host-name r1"],
        &["Configuration path: [system host-name r1] already exists"],
    ),
    (
        "wrong type",
        &["set protocols bgp 64512 parameters router-id abc"],
        &["!\"abc\" is not a valid value of type \"ipv4\"", "!Value validation failed", "!Set failed"],
    ),
    (
        "too many values",
        &["set protocols bgp 64512", "set protocols bgp 64513"],
        &["!Cannot set value \"64513\": number of values exceeded (1 allowed)", "!Set failed"],
    ),
    (
        "ambiguous word",
        &["set protocols bgp 64512 ne 192.0.2.1"],
        &["!Configuration path: protocols bgp 64512 [ne] is ambiguous", "!Possible completions:", "!Set failed"],
    ),
    ("unknown command", &["foo"], &["!Invalid command: [foo]"]),
    ("ambiguous command", &["co"], &["!Ambiguous command: [co]", "!Possible completions:"]),
    ("delete of nothing", &["delete system host-name"], &["Nothing to delete (the specified node does not exist)"]),
    (
        "delete of a value that is not there",
        &["set system host-name r1", "delete system host-name r2"],
        &["Nothing to delete (the specified value does not exist)"],
    ),
    ("edit of a leaf", &["edit system host-name"], &["!The \"edit\" command cannot be issued at the specified level"]),
    (
        "exit with changes",
        &["set system host-name r1", "exit"],
        &["!Cannot exit: configuration modified.", "!Use 'exit discard' to discard the changes and exit."],
    ),
    (
        "exit committed, unsaved",
        &["set system host-name r1", "commit", "exit"],
        &["Warning: configuration changes have not been saved."],
    ),
    (
        "save with uncommitted",
        &["set system host-name r1", "save"],
        &["Warning: you have uncommitted changes that will not be saved.", "Done"],
    ),
    (
        "load with uncommitted",
        &["set system host-name r1", "load"],
        &["!Cannot load: configuration modified.", "!Commit or discard the changes before loading a config file."],
    ),
    (
        "merge with uncommitted",
        &["set system host-name r1", "merge x"],
        &["!Cannot merge: configuration modified.", "!Commit or discard the changes before merging a config file."],
    ),
    ("load done", &["load /a"], &["Load complete. Use 'commit' to make changes effective."]),
    ("discard", &["set system host-name r1", "discard"], &["Changes have been discarded"]),
    ("discard of nothing", &["discard"], &["No changes have been discarded"]),
    ("nothing to commit", &["commit"], &["No configuration changes to commit"]),
    ("top level", &["up"], &["Already at the top level"]),
    ("copy without a part", &["copy protocols"], &["!Invalid copy command", "!Copy failed"]),
    ("rename without a part", &["rename"], &["!Invalid rename command", "!Rename failed"]),
    (
        "copy of nothing",
        &[NEIGHBOR, "edit protocols bgp 64512", "copy neighbor 192.0.2.7 to neighbor 192.0.2.8"],
        &["!Configuration \"neighbor 192.0.2.7\" does not exist", "!Copy failed"],
    ),
    (
        "copy onto another",
        &[NEIGHBOR, OTHER, "edit protocols bgp 64512", "copy neighbor 192.0.2.1 to neighbor 192.0.2.2"],
        &["!Configuration \"neighbor 192.0.2.2\" already exists", "!Copy failed"],
    ),
    (
        "rename to another node",
        &[NEIGHBOR, "edit protocols bgp 64512", "rename neighbor 192.0.2.1 to network 192.0.2.0/24"],
        &["!Cannot rename from \"neighbor\" to \"network\"", "!Rename failed"],
    ),
    (
        "copy to a wrong name",
        &[NEIGHBOR, "edit protocols bgp 64512", "copy neighbor 192.0.2.1 to neighbor a/b"],
        &["!\"a/b\" is not a valid value of type", "!Copy failed"],
    ),
    (
        "comment on a value",
        &[NEIGHBOR, "comment protocols bgp 64512 neighbor 192.0.2.1 remote-as 64512 x"],
        &["!Cannot comment on config values", "!Comment failed"],
    ),
    (
        "comment at a wrong level",
        &[NEIGHBOR, "comment protocols bgp x"],
        &["!Cannot add comment at this level", "!Comment failed"],
    ),
    (
        "comment with a star",
        &[NEIGHBOR, "comment protocols bgp 64512 'a * b'"],
        &["!Cannot use the '*' character in a comment", "!Comment failed"],
    ),
    ("run alone", &["run"], &["!Incomplete command: run"]),
    (
        "reboot inside configure",
        &["reboot"],
        &["!Invalid command: [reboot]", "!Exit from configure mode before rebooting."],
    ),
    ("reboot by run", &["run reboot"], &["!Exit from configure mode before rebooting."]),
    ("commit confirm", &["commit confirm"], &["!Invalid command: commit [confirm]", "!Use 'commit-confirm'"]),
    ("no confirm pending", &["confirm"], &["!No confirm pending"]),
    (
        "commit-confirm",
        &["set system host-name r1", "commit-confirm"],
        &["Initialized commit-confirm; 10 minutes to confirm before reload"],
    ),
    (
        "another confirm is pending",
        &["set system host-name r1", "commit-confirm", "set system host-name r2", "commit-confirm"],
        &["!Another confirm is pending"],
    ),
    ("confirm", &["set system host-name r1", "commit-confirm", "confirm"], &["Reload timer stopped"]),
    ("rollback without a number", &["rollback"], &["!Error: must include a revision # to rollback to"]),
    ("rollback to a word", &["rollback x"], &["!Invalid revision [x]"]),
    ("rollback too far", &["rollback 7"], &["!Invalid revision number 7: must be 0 < rev < 1"]),
    ("no difference", &["compare"], &["No changes between working and active configurations"]),
    ("no difference from the file", &["compare saved"], &["No changes between working and saved configurations"]),
];

#[test]
fn every_sentence_that_scripts_know_appears() {
    for (situation, lines, expect) in ROWS {
        let mut world = Fake::default();
        world.files.insert("/a".to_owned(), "set system host-name r9\n".to_owned());
        let (text, ..) = typed_into(world, &[&["configure"], *lines].concat());
        let mut printed = text.lines();
        for line in *expect {
            assert!(printed.any(|printed| printed.starts_with(line)), "{situation}: '{line}' in\n{text}");
        }
    }
}

#[test]
fn whole_lines_stand_alone() {
    // Scripts match these from the beginning to the end of a line.
    for (situation, lines, expect) in ROWS.iter().filter(|(_, _, expect)| expect.len() == 1) {
        let mut world = Fake::default();
        world.files.insert("/a".to_owned(), "set system host-name r9\n".to_owned());
        let (text, ..) = typed_into(world, &[&["configure"], *lines].concat());
        assert!(text.lines().any(|line| expect.contains(&line)), "{situation}: {text}");
    }
}

#[test]
fn a_commit_while_another_one_runs_is_refused_in_one_line() {
    let refuse = Some(Refusal { reason: RefusalReason::Busy, problems: Vec::new() });
    let lines = ["configure", "set system host-name r1", "commit"];
    let (text, ..) = typed_into(Fake { refuse, ..Fake::default() }, &lines);
    assert_eq!(text, "!Configuration system temporarily locked due to another commit in progress\n!Commit failed\n");
}

#[test]
fn copies_and_renamed_instances_stand_where_they_were_asked_for() {
    for (lines, expect) in [
        (
            &["edit protocols bgp 64512", "copy neighbor 192.0.2.1 to neighbor 192.0.2.9"][..],
            &["192.0.2.1", "192.0.2.2", "192.0.2.9"][..],
        ),
        (&["rename protocols bgp 64512 neigh 192.0.2.1 to neighbor 192.0.2.9"], &["192.0.2.2", "192.0.2.9"]),
        (
            &["rename protocols bgp 64512 neighbor 192.0.2.2 to protocols bgp 64512 neighbor 192.0.2.0"],
            &["192.0.2.0", "192.0.2.1"],
        ),
    ] {
        let (text, session, _) = typed_into(Fake::default(), &[&["configure", NEIGHBOR, OTHER], lines].concat());
        assert_eq!(text, "", "{lines:?}");
        let tree = session.editing().unwrap().1;
        assert_eq!(tree.children(&words("protocols bgp 64512 neighbor")), expect, "{lines:?}");
    }
    let (text, session, _) =
        typed_into(Fake::default(), &["configure", NEIGHBOR, "edit protocols", "rename bgp 64512 to bgp 64513"]);
    assert_eq!(text, "");
    assert_eq!(session.editing().unwrap().1.children(&words("protocols bgp")), ["64513"]);
}
