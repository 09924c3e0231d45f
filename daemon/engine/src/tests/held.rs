//! What an earlier life of the daemon has changed of the system goes back once nothing names it, and never while a commit
//! may.

use config::edit::{Candidate, Edit};

use super::*;
use crate::plan::{AccountChange, Held, Step};

fn moment() -> Moment {
    Moment { instant: Instant::now(), unix: 0 }
}

fn started(lines: &str) -> (Engine, Vec<Effect>) {
    let mut engine = Engine::new(moment(), Facts::default());
    let mut out = Vec::new();
    engine.boot(moment(), boot(0, lines), &mut out);
    (engine, out)
}

fn handle(engine: &mut Engine, event: Event) -> Vec<Effect> {
    let mut out = Vec::new();
    engine.handle(moment(), event, &mut out);
    out
}

fn account(name: &str) -> Event {
    Event::Held(Ok(Held { accounts: [name.to_owned()].into(), ..Held::default() }))
}

fn taken_away(effects: &[Effect]) -> Vec<String> {
    let user = |effect: &Effect| match effect {
        Effect::Step(_, Step::Account { user, change: AccountChange::Exists { to: false, .. } }) => Some(user.clone()),
        _ => None,
    };
    effects.iter().filter_map(user).collect()
}

#[test]
fn an_account_that_nothing_names_is_given_back_and_one_that_is_named_stays() {
    let (mut engine, _) = started("set system login user anna level operator");
    assert_eq!(taken_away(&handle(&mut engine, account("anna"))), Vec::<String>::new());
    assert_eq!(taken_away(&handle(&mut engine, account("otto"))), ["otto"]);
}

#[test]
fn it_is_asked_for_behind_addresses_and_before_accounts() {
    let lines = "set system login user anna level operator\nset interfaces ethernet eth1 address 10.0.0.1/24";
    let (_, out) = started(lines);
    let asked = out.iter().position(|effect| *effect == Effect::AskHeld).unwrap();
    let place = |wanted: fn(&Step) -> bool| {
        let is_it = |effect: &Effect| matches!(effect, Effect::Step(_, step) if wanted(step));
        out.iter().position(is_it).unwrap()
    };
    assert!(place(|step| matches!(step, Step::Address { .. })) < asked);
    assert!(place(|step| matches!(step, Step::Account { .. })) > asked);
}

#[test]
fn while_a_commit_is_under_way_it_waits_for_its_end() {
    let (mut engine, mut out) = started("set system login user anna level operator");
    let words = "system login user otto level operator".split_whitespace().map(str::to_owned).collect();
    let candidate = Candidate { base: engine.revision(), edits: vec![Edit::Set(words)] };
    let ask = AskId { client: ClientId(1), id: 1 };
    let commit = Request::Commit { candidate, comment: None, confirm: None };
    out.extend(handle(&mut engine, Event::Ask(ask, admin(), commit)));
    assert_eq!(taken_away(&handle(&mut engine, account("otto"))), Vec::<String>::new());
    let mut committed = false;
    let mut out = VecDeque::from(out);
    while let Some(effect) = out.pop_front() {
        out.extend(match effect {
            Effect::Step(id, _) => handle(&mut engine, Event::StepDone(id, Ok(()))),
            Effect::Journal(_) => handle(&mut engine, Event::Journaled(Ok(()))),
            Effect::Remember { .. } => handle(&mut engine, Event::Remembered),
            Effect::Answer(_, reply) => {
                committed |= matches!(reply, Reply::Committed(_));
                Vec::new()
            }
            _ => Vec::new(),
        });
    }
    assert!(committed);
    assert!(engine.deadline().is_some_and(|deadline| deadline <= moment().instant), "it is due now");
    assert_eq!(taken_away(&handle(&mut engine, Event::Tick)), Vec::<String>::new(), "the commit names it");
    assert_eq!(engine.held, None);
}

#[test]
fn one_that_does_not_tell_is_told_of() {
    let (mut engine, _) = started("");
    handle(&mut engine, Event::Held(Err("the steward does not answer".to_owned())));
    assert!(engine.running.notices.contains(&"the steward does not answer".to_owned()));
}
