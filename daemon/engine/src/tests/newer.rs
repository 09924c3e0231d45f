//! The saved configuration of a newer release: nothing of it comes up, and nothing is written over it unasked.

use config::store::RevisionRecord;
use nouns::Revision;

use super::*;
use crate::event::SavedAs;

const NEWER: &str = "system {\n    host-name from-the-future\n}\n/* === towpath-config-version: \"99\" === */\n";
const OLDER: &str = "system {\n    host-name r1\n}\n";

fn booted(boot: Boot) -> (Engine, Vec<Effect>) {
    let at = Moment { instant: Instant::now(), unix: 0 };
    let mut engine = Engine::new(at, Facts { boot_file: "config.boot".to_owned(), ..Facts::default() });
    let mut effects = Vec::new();
    engine.boot(at, boot, &mut effects);
    (engine, effects)
}

/// What `save` without a file is answered, if it is not carried out.
fn save(engine: &mut Engine) -> Option<Reply> {
    save_named(engine, false)
}

fn save_named(engine: &mut Engine, named: bool) -> Option<Reply> {
    let at = Moment { instant: Instant::now(), unix: 0 };
    let mut effects = Vec::new();
    let ask = AskId { client: ClientId(1), id: 1 };
    let event = Event::Ask(ask, admin(), Request::Save { named });
    engine.handle(at, event, &mut effects);
    effects.into_iter().find_map(|effect| match effect {
        Effect::Answer(_, reply) => Some(reply),
        _ => None,
    })
}

#[test]
fn the_last_active_configuration_or_an_empty_one_comes_up_in_its_place() {
    let revision = |text: &str| RevisionRecord {
        revision: Revision(7),
        time: 0,
        user: "root".to_owned(),
        via: "cli".to_owned(),
        comment: None,
        text: text.to_owned(),
    };
    for (text, saved, latest, expect, guarded) in [
        (NEWER, None, None, "", true),
        (NEWER, None, Some(OLDER), "r1", true),
        (NEWER, None, Some(NEWER), "", true),
        (NEWER, Some(OLDER), None, "r1", false),
        (OLDER, Some(NEWER), None, "r1", true),
        (OLDER, None, Some(NEWER), "r1", false),
    ] {
        let boot = Boot {
            text: Some(text.to_owned()),
            saved: saved.map(str::to_owned),
            latest: latest.map(revision),
            ..Boot::default()
        };
        let (mut engine, _) = booted(boot);
        let host_name = engine.running.tree.value(&["system", "host-name"].map(str::to_owned)).unwrap_or_default();
        assert_eq!(host_name, expect, "{text} {saved:?} {latest:?}");
        assert_eq!(save(&mut engine).is_some(), guarded, "{text} {saved:?} {latest:?}");
        let told = engine.running.notices.iter().any(|notice| notice.contains("newer towpath"));
        assert_eq!(told, text == NEWER, "{:?}", engine.running.notices);
    }
}

#[test]
fn who_names_the_file_writes_over_it_and_then_save_needs_no_name() {
    let (mut engine, _) = booted(Boot { text: Some(NEWER.to_owned()), ..Boot::default() });
    let Some(Reply::Error(error)) = save(&mut engine) else { panic!("it was saved") };
    assert_eq!(error.code, "newer-file");
    assert_eq!(save_named(&mut engine, true), None);
    let at = Moment { instant: Instant::now(), unix: 0 };
    engine.handle(at, Event::Saved(Ok(SavedAs::default())), &mut Vec::new());
    assert_eq!(save(&mut engine), None);
}
