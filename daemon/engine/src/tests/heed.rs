//! Which links are told of at once, whatever others come and go.

use nouns::IfName;

use super::*;

/// The names in the effects' last word on that.
fn heeded(effects: &[Effect]) -> Option<Vec<String>> {
    let heed = |effect: &Effect| match effect {
        Effect::Heed(names) => Some(names.iter().map(IfName::to_string).collect()),
        _ => None,
    };
    effects.iter().rev().find_map(heed)
}

/// Does what the engine wants until it wants nothing more; all of that.
fn carried_out(engine: &mut Engine, at: Moment, mut effects: Vec<Effect>) -> Vec<Effect> {
    let mut all = Vec::new();
    while !effects.is_empty() {
        let done = effects.iter().filter_map(|effect| match effect {
            Effect::Step(id, _) => Some(Event::StepDone(*id, Ok(()))),
            Effect::Journal(_) => Some(Event::Journaled(Ok(()))),
            Effect::Remember { .. } => Some(Event::Remembered),
            _ => None,
        });
        let done: Vec<Event> = done.collect();
        all.append(&mut effects);
        for event in done {
            engine.handle(at, event, &mut effects);
            engine.settle(at, &mut effects);
        }
    }
    all
}

#[test]
fn links_that_the_configuration_names_are_heeded_from_the_start_and_those_of_a_commit_from_then_on() {
    let at = Moment { instant: Instant::now(), unix: 0 };
    let mut engine = Engine::new(at, Facts::default());
    let mut effects = Vec::new();
    engine.boot(at, boot(0, "set interfaces ethernet eth1 description uplink"), &mut effects);
    let effects = carried_out(&mut engine, at, effects);
    assert_eq!(heeded(&effects), Some(vec!["eth1".to_owned()]));
    let mut commit = |line: &str| {
        let edits = vec![Edit::Set(line.split_whitespace().map(str::to_owned).collect())];
        let candidate = Candidate { base: engine.revision(), edits };
        let ask = AskId { client: ClientId(1), id: 1 };
        let mut effects = Vec::new();
        let request = Request::Commit { candidate, comment: None, confirm: None };
        engine.handle(at, Event::Ask(ask, admin(), request), &mut effects);
        let effects = carried_out(&mut engine, at, effects);
        let answer = effects.iter().find(|effect| matches!(effect, Effect::Answer(_, Reply::Committed(_))));
        assert!(answer.is_some(), "{effects:?}");
        effects
    };
    let effects = commit("protocols static route 10.8.0.0/16 interface eth7");
    assert_eq!(heeded(&effects), Some(vec!["eth1".to_owned(), "eth7".to_owned()]));
    assert_eq!(heeded(&commit("protocols static route 10.9.0.0/16 interface eth7")), None, "the same names");
}
