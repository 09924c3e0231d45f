//! Who may ask what, and what the log tells of those who asked.

use std::time::Instant;

use api::request::{Clear, ClearHow, ClearTarget, Flush, Show, Which};
use api::watch::Watch;
use api::{Level, NameKind, Reply, Request};
use config::edit::{Candidate, Edit};
use nouns::Revision;

use super::boot;
use crate::{AskId, Caller, ClientId, Effect, Engine, Event, Facts, Moment};

const ADMIN: &[Level] = &[Level::Admin];
const EVERYBODY: &[Level] = &[Level::Operator, Level::Admin];

fn candidate() -> Candidate {
    let words = "system host-name other".split(' ').map(str::to_owned).collect();
    Candidate { base: Revision(1), edits: vec![Edit::Set(words)] }
}

/// Every request with those who may ask it. A new one does not compile until it stands in `kind`, too.
fn table() -> Vec<(Request, &'static [Level])> {
    let clear = Clear { target: ClearTarget::All, how: ClearHow::Soft, family: None, message: None };
    vec![
        (Request::Hello { user: "root".to_owned(), via: "cli".to_owned(), tty: None }, EVERYBODY),
        (Request::Configuration(Which::Active), EVERYBODY),
        (Request::Configuration(Which::Saved), EVERYBODY),
        (Request::Check { candidate: candidate() }, ADMIN),
        (Request::Commit { candidate: candidate(), comment: None, confirm: None }, ADMIN),
        (Request::Commit { candidate: candidate(), comment: None, confirm: Some(1) }, ADMIN),
        (Request::Confirm, ADMIN),
        (Request::Save { named: false }, ADMIN),
        (Request::Show(Show::Version), EVERYBODY),
        (Request::Clear(clear), ADMIN),
        (Request::ClearDamping { family: None, prefix: None }, ADMIN),
        (Request::DumpTable { file: "/t".to_owned() }, ADMIN),
        (Request::Flush(Flush::Balancer), ADMIN),
        (Request::Flush(Flush::Counters { interface: None }), ADMIN),
        (Request::Names { kind: NameKind::Neighbor, typed: String::new() }, EVERYBODY),
        (Request::Revisions, EVERYBODY),
        (Request::Revision(Revision(1)), EVERYBODY),
        (Request::Watch(Watch::Bgp), EVERYBODY),
    ]
}

fn kind(request: &Request) -> usize {
    match request {
        Request::Hello { .. } => 0,
        Request::Configuration(_) => 1,
        Request::Check { .. } => 2,
        Request::Commit { .. } => 3,
        Request::Confirm => 4,
        Request::Save { .. } => 5,
        Request::Show(_) => 6,
        Request::Clear(_) => 7,
        Request::Names { .. } => 8,
        Request::Revisions => 9,
        Request::Revision(_) => 10,
        Request::Watch(_) => 11,
        Request::Flush(_) => 12,
        Request::ClearDamping { .. } => 13,
        Request::DumpTable { .. } => 14,
    }
}

/// A router with a secret, and what it wants done when this is asked.
fn ask(level: Level, request: Request) -> (Vec<Effect>, Engine) {
    let at = Moment { instant: Instant::now(), unix: 0 };
    let mut engine = Engine::new(at, Facts::default());
    let lines = "set protocols bgp 64512 neighbor 192.0.2.2 remote-as 64512\n\
                 set protocols bgp 64512 neighbor 192.0.2.2 password s3cret";
    engine.boot(at, boot(0, lines), &mut Vec::new());
    let caller = Caller { user: "alice".to_owned(), via: "cli".to_owned(), tty: Some("pts/3".to_owned()), level };
    let mut effects = Vec::new();
    engine.handle(at, Event::Ask(AskId { client: ClientId(1), id: 1 }, caller, request), &mut effects);
    (effects, engine)
}

fn notices(effects: &[Effect]) -> Vec<&str> {
    let texts = effects.iter().map(|effect| match effect {
        Effect::Notice(notice) => Some(notice.text.as_str()),
        _ => None,
    });
    texts.flatten().collect()
}

#[test]
fn each_request_is_for_those_who_may_ask_it_and_refusals_are_in_the_log() {
    let table = table();
    let kinds: std::collections::BTreeSet<usize> = table.iter().map(|(request, _)| kind(request)).collect();
    assert_eq!(kinds.len(), 15);
    for (request, who) in table {
        for level in EVERYBODY {
            let (effects, engine) = ask(*level, request.clone());
            let refused = effects.iter().any(
                |effect| matches!(effect, Effect::Answer(_, Reply::Error(error)) if error.code == "not-permitted"),
            );
            assert_eq!(refused, !who.contains(level), "{level}: {request:?}: {effects:?}");
            if refused {
                assert_eq!(effects.len(), 2, "nothing but an answer and a line of the log: {effects:?}");
                let line = format!("refused: alice via cli on pts/3 (level operator) may not {}", request.deed());
                assert_eq!(notices(&effects), [line]);
                assert!(engine.commit.is_none() && engine.watching() == 0);
            }
        }
    }
}

#[test]
fn an_operator_sees_the_configuration_without_its_secrets() {
    for (level, masked) in [(Level::Operator, true), (Level::Admin, false)] {
        let (effects, _) = ask(level, Request::Configuration(Which::Active));
        let [Effect::Answer(_, Reply::Configuration(configuration))] = &effects[..] else { panic!("{effects:?}") };
        assert_eq!(configuration.text.contains("s3cret"), !masked);
        assert_eq!(configuration.text.contains(config::print::MASK), masked);
        let (effects, _) = ask(level, Request::Configuration(Which::Saved));
        let [Effect::Recall(_, crate::effect::Recall::Saved { masked: told, .. })] = &effects[..] else {
            panic!("{effects:?}")
        };
        assert_eq!(*told, masked);
        let (effects, _) = ask(level, Request::Revision(Revision(1)));
        let [Effect::Recall(_, crate::effect::Recall::Revision { masked: told, .. })] = &effects[..] else {
            panic!("{effects:?}")
        };
        assert_eq!(*told, masked);
    }
}

#[test]
fn hello_tells_the_level() {
    for level in EVERYBODY {
        let hello = Request::Hello { user: "root".to_owned(), via: "cli".to_owned(), tty: None };
        let (effects, _) = ask(*level, hello);
        assert!(matches!(&effects[..], [Effect::Answer(_, Reply::Hello(hello))] if hello.level == *level));
    }
}
