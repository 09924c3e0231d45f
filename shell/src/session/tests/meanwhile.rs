//! Two people at once.

use config::tree::DeleteOutcome;

use super::*;

/// A session whose changes were typed before somebody else's became active.
fn both(before: &str, mine: &[&str], theirs: &str) -> (Session, Fake) {
    let active = Tree::load(before).tree;
    let lines: Vec<&str> = std::iter::once("configure").chain(mine.iter().copied()).collect();
    let (_, session, mut world) = typed_into(Fake { active, revision: 4, ..Fake::default() }, &lines);
    for line in theirs.lines() {
        match line.split_once(' ').unwrap() {
            ("set", path) => world.active.set(&words(path)).map(|_| ()).unwrap(),
            (_, path) => assert_eq!(world.active.delete(&words(path)), DeleteOutcome::Deleted),
        }
    }
    world.revision = 5;
    (session, world)
}

fn type_on(session: &mut Session, world: &mut Fake, line: &str) -> String {
    let mut transcript = Transcript::default();
    interpreter::run(line, session, world, &mut transcript, OnFailure::GoOn);
    transcript.0
}

#[test]
fn changes_elsewhere_are_told_once_and_compared_with() {
    let (mut session, mut world) =
        both("set system host-name r1", &["set system time-zone Etc/UTC"], "set system host-name r2");
    let notice = session.keep_up(None, &mut world).unwrap();
    assert_eq!(notice, "bob committed revision 5 meanwhile; your changes now stand on it.\n");
    assert_eq!(session.keep_up(None, &mut world), None);
    assert_eq!(type_on(&mut session, &mut world, "compare commands"), "set system time-zone 'Etc/UTC'\n");
    assert_eq!(session.prompt().1, "alice@r2# ");
    assert_eq!(type_on(&mut session, &mut world, "commit"), "");
    assert_eq!(world.active.value(&words("system host-name")), Some("r2"));
    assert_eq!(world.active.value(&words("system time-zone")), Some("Etc/UTC"));
}

#[test]
fn without_changes_the_working_configuration_becomes_what_is_active() {
    let (mut session, mut world) = both("set system host-name r1", &[], "set system host-name r2");
    assert_eq!(session.keep_up(None, &mut world).unwrap(), "bob committed revision 5 meanwhile.\n");
    assert!(!session.has_uncommitted_changes());
    assert_eq!(type_on(&mut session, &mut world, "show system"), " host-name r2\n");
}

#[test]
fn where_both_changed_the_same_it_is_told_and_the_own_word_can_be_committed() {
    let (mut session, mut world) =
        both("set system host-name r1", &["set system host-name mine"], "set system host-name theirs");
    let notice = session.keep_up(None, &mut world).unwrap();
    assert!(notice.contains("Both of you changed these"), "{notice}");
    assert!(notice.ends_with("  [ system host-name mine ]\n"), "{notice}");
    assert_eq!(type_on(&mut session, &mut world, "show system"), ">host-name mine\n");
    assert_eq!(type_on(&mut session, &mut world, "commit"), "");
    assert_eq!(world.active.value(&words("system host-name")), Some("mine"));
}

#[test]
fn what_cannot_be_made_any_more_is_told() {
    let (mut session, mut world) = both(
        "set protocols bgp 64512",
        &["set protocols bgp 64512 neighbor 192.0.2.1 remote-as 64512"],
        "delete protocols bgp 64512\nset protocols bgp 64513",
    );
    let notice = session.keep_up(None, &mut world).unwrap();
    assert!(notice.contains("are gone:\n  [ protocols bgp 64512 neighbor 192.0.2.1"), "{notice}");
    assert!(!session.has_uncommitted_changes());
}

#[test]
fn a_commit_that_meets_another_keeps_the_changes_and_the_next_one_wins() {
    let (mut session, mut world) =
        both("set system host-name r1", &["set system host-name mine"], "set system host-name theirs");
    let problems = vec![Problem {
        path: words("system host-name mine"),
        message: "changed meanwhile by somebody else".to_owned(),
    }];
    world.refuse = Some(Refusal { reason: RefusalReason::Conflict, problems });
    let text = type_on(&mut session, &mut world, "commit");
    assert!(text.contains("![ system host-name mine ]\n!  changed meanwhile by somebody else\n"), "{text}");
    assert!(text.contains("look at them with 'compare'") && text.ends_with("!Commit failed\n"), "{text}");
    assert_eq!(type_on(&mut session, &mut world, "compare"), "[edit system]\n>host-name mine\n");
    assert_eq!(type_on(&mut session, &mut world, "commit"), "");
    assert_eq!(world.active.value(&words("system host-name")), Some("mine"));
}

#[test]
fn a_base_that_is_not_kept_any_more_is_left_the_same_way() {
    let (mut session, mut world) =
        both("set system host-name r1", &["set system host-name mine"], "set system host-name theirs");
    world.forgotten = true;
    let text = type_on(&mut session, &mut world, "commit");
    assert!(text.contains("now stand on the new active configuration"), "{text}");
    assert_eq!(type_on(&mut session, &mut world, "commit"), "");
}
