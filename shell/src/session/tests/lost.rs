//! A terminal that went away, and what is offered later.

use super::*;

/// What a session that is lost after these lines leaves behind.
fn left_behind(world: Fake, lines: &[&str]) -> (Option<Unfinished>, Fake) {
    let (_, session, world) = typed_into(world, &[&["configure"], lines].concat());
    (session.unfinished(), world)
}

#[test]
fn only_changes_that_are_not_committed_are_kept() {
    for (lines, kept) in [
        (&[][..], false),
        (&["set system host-name r1"], true),
        (&["set system host-name r1", "commit"], false),
        (&["set system host-name r1", "discard"], false),
    ] {
        assert_eq!(left_behind(Fake::default(), lines).0.is_some(), kept, "{lines:?}");
    }
}

#[test]
fn a_lost_session_is_written_down_and_read_back() {
    let (lost, _) = left_behind(Fake::default(), &["edit protocols bgp 64512", "set neighbor 192.0.2.1 remote-as 1"]);
    let lost = lost.unwrap();
    assert_eq!(Unfinished::from_text(&lost.to_text(77)), Some((77, lost)));
    for broken in ["", "{}", "{\"time\":1}", "nonsense"] {
        assert_eq!(Unfinished::from_text(broken), None);
    }
}

#[test]
fn it_is_taken_up_where_it_was_on_what_is_active_now() {
    let mine = ["edit protocols bgp 64512", "set neighbor 192.0.2.1 remote-as 64512"];
    let (lost, mut world) = left_behind(Fake::default(), &mine);
    world.active.set(&words("system host-name r7")).unwrap();
    world.revision = 3;
    world.lost = lost.map(|lost| (1_609_935_533, lost));
    let (text, session, world) = typed_into(world, &["configure"]);
    assert_eq!(
        text,
        "Uncommitted changes of a lost session (2021-01-06 12:18:53 UTC) are loaded: 'compare', then 'commit' or \
         'discard' them.\n"
    );
    assert!(session.has_taken_up());
    assert_eq!(session.prompt().0, "[edit protocols bgp 64512]\n");
    let (_, tree) = session.editing().unwrap();
    assert_eq!(tree.value(&words("system host-name")), Some("r7"));
    assert!(tree.contains(&words("protocols bgp 64512 neighbor 192.0.2.1")));
    let mut session = session;
    let mut world = world;
    let mut transcript = Transcript::default();
    interpreter::run("commit", &mut session, &mut world, &mut transcript, OnFailure::GoOn);
    assert_eq!(transcript.0, "");
    assert!(session.unfinished().is_none() && world.active.contains(&words("protocols bgp 64512")));
}

#[test]
fn where_others_changed_the_same_it_is_told() {
    let (lost, mut world) = left_behind(Fake::default(), &["set system host-name mine"]);
    world.active.set(&words("system host-name theirs")).unwrap();
    world.revision = 3;
    world.lost = lost.map(|lost| (0, lost));
    let (text, ..) = typed_into(world, &["configure"]);
    assert!(text.contains("Both of you changed these"), "{text}");
}
