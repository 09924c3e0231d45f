//! What is written into dump files, when, and what a disk that is full costs.

use bgp_wire::message::Message;
use bgp_wire::mrt::{Record, decode, frame};

use super::policies::{SPEAKER, Stage, prefixes};
use super::*;
use crate::effect::{DumpFile, Writing};

const LINES: &str = "set protocols bgp 64512 parameters ebgp-requires-policy disable
set protocols bgp 64512 dump table file /t.%S
set protocols bgp 64512 dump table interval 10
set protocols bgp 64512 dump updates file /u.%S
set protocols bgp 64512 dump updates interval 10";

/// Takes what was written out of what the stage wrote down: names of files and records, a line each.
fn written(stage: &mut Stage, file: DumpFile) -> Vec<String> {
    while stage.engine.dumps.is_unsettled() {
        stage.take(Event::Tick);
    }
    let (ours, rest) = std::mem::take(&mut stage.others)
        .into_iter()
        .partition(|effect| matches!(effect, Effect::Dump(which, _) if *which == file));
    stage.others = rest;
    let ours: Vec<Effect> = ours;
    let mut lines = Vec::new();
    for effect in ours {
        match effect {
            Effect::Dump(_, Writing::Open(name)) => lines.push(format!("open {name}")),
            Effect::Dump(_, Writing::Close) => lines.push("close".to_owned()),
            Effect::Dump(_, Writing::Octets(octets)) => {
                let mut rest = octets.as_slice();
                while let Some(length) = frame(rest).unwrap() {
                    lines.push(line(&decode(&rest[..length]).unwrap().1));
                    rest = &rest[length..];
                }
                assert!(rest.is_empty());
                stage.take(Event::Dumped(file, octets.len(), Ok(())));
            }
            _ => unreachable!(),
        }
    }
    lines
}

fn line(record: &Record) -> String {
    match record {
        Record::Peers { peers, .. } => {
            let peers: Vec<String> = peers.iter().map(|peer| format!("{} AS {}", peer.address, peer.asn)).collect();
            peers.join(", ")
        }
        Record::Rib(rib) => {
            let from: Vec<String> = rib.entries.iter().map(|entry| entry.peer.to_string()).collect();
            format!("{} {} from {}", rib.sequence, rib.prefix, from.join(" "))
        }
        Record::Message { ends, message, .. } => {
            let codec = bgp_wire::Negotiated {
                four_octet_as: true,
                internal: true,
                families: Family::ALL.to_vec(),
                ..Default::default()
            };
            let Ok(Message::Update(update)) = Message::decode(message, &codec) else { panic!("{message:?}") };
            let came = update.reach.iter().flat_map(|reach| &reach.nlri).map(|nlri| format!(" +{}", nlri.prefix));
            let gone = update.unreach.iter().flat_map(|gone| &gone.nlri).map(|nlri| format!(" -{}", nlri.prefix));
            format!("{} to {}{}", ends.peer, ends.local, came.chain(gone).collect::<String>())
        }
        Record::StateChange { ends, from, to } => format!("{} {from} to {to}", ends.peer),
    }
}

#[test]
fn a_table_is_written_at_the_turn_of_each_interval_and_updates_as_they_come() {
    let mut stage = Stage::new(LINES);
    stage.announces(prefixes(2), 1);
    stage.rest();
    assert_eq!(
        written(&mut stage, DumpFile::Updates),
        [
            "open /u.00",
            "192.0.2.2 3 to 4",
            "192.0.2.2 4 to 5",
            "192.0.2.2 5 to 6",
            "192.0.2.3 3 to 4",
            "192.0.2.3 4 to 5",
            "192.0.2.3 5 to 6",
            "192.0.2.2 to 192.0.2.1 +10.0.0.0/24 +10.0.1.0/24",
        ]
    );
    assert!(written(&mut stage, DumpFile::Table).is_empty(), "not before the turn");
    stage.wait(10);
    assert_eq!(
        written(&mut stage, DumpFile::Table),
        [
            "open /t.00",
            "0.0.0.0 AS 64512, 192.0.2.2 AS 65002, 192.0.2.3 AS 65003",
            "0 10.0.0.0/24 from 1",
            "1 10.0.1.0/24 from 1",
            "close",
        ]
    );
    stage.withdrawn_by(SPEAKER, prefixes(1));
    stage.breaks(SPEAKER);
    assert_eq!(
        written(&mut stage, DumpFile::Updates),
        ["close", "open /u.00", "192.0.2.2 to 192.0.2.1 -10.0.0.0/24", "192.0.2.2 6 to 1"]
    );
    stage.commit("delete protocols bgp 64512 dump");
    assert_eq!(written(&mut stage, DumpFile::Updates), ["close"]);
    assert_eq!(stage.engine.dumps.deadline(), None);
}

#[test]
fn a_full_disk_costs_records_until_the_next_file_and_nothing_else() {
    let mut stage = Stage::new(LINES);
    written(&mut stage, DumpFile::Updates);
    stage.take(Event::Dumped(DumpFile::Updates, 0, Err("/u.00 cannot be written: no space left".to_owned())));
    stage.announces(prefixes(3), 1);
    stage.rest();
    assert!(written(&mut stage, DumpFile::Updates).is_empty());
    assert_eq!(stage.known.len(), 3, "routes go on");
    stage.wait(10);
    stage.announces(prefixes(4), 1);
    let after = written(&mut stage, DumpFile::Updates);
    assert_eq!(after.first().map(String::as_str), Some("open /u.00"), "{after:?}");
    assert_eq!(after.len(), 2, "{after:?}");
    let told: Vec<String> = stage.engine.log.newest(9).map(|(_, _, text)| text.clone()).collect();
    assert!(told.iter().any(|text| text.starts_with("1 records were left out of the dump of updates")), "{told:?}");
}

#[test]
fn a_slow_disk_stops_the_walk_through_the_table_until_it_has_caught_up() {
    let mut stage = Stage::new(LINES);
    stage.announces(prefixes(30_000), 1);
    stage.rest();
    stage.others.clear();
    stage.wait(10);
    // Nothing is taken by the disk: what waits for it is bounded.
    let first = taken(&mut stage);
    assert!((1 << 20..(1 << 20) + 20_000).contains(&first.0), "{first:?}");
    assert!(!first.1, "the file is not whole");
    stage.take(Event::Dumped(DumpFile::Table, first.0, Ok(())));
    let second = taken(&mut stage);
    assert!(second.0 > 100_000 && second.1, "{second:?}");
}

#[test]
fn a_table_that_is_handed_over_before_its_file_fails_is_told_of_all_the_same() {
    let mut stage = Stage::new(LINES);
    stage.announces(prefixes(1), 1);
    stage.rest();
    stage.wait(10);
    assert_eq!(written(&mut stage, DumpFile::Table).last().map(String::as_str), Some("close"));
    stage.take(Event::Dumped(DumpFile::Table, 0, Err("/t.00 cannot be made: Permission denied".to_owned())));
    let told: Vec<String> = stage.engine.log.newest(1).map(|(_, _, text)| text.clone()).collect();
    assert_eq!(told, ["the dump of table goes on with the next file: /t.00 cannot be made: Permission denied"]);
}

/// Octets that were given to the disk for the table since that was asked last, and whether the file is whole.
fn taken(stage: &mut Stage) -> (usize, bool) {
    while stage.engine.dumps.is_unsettled() {
        stage.take(Event::Tick);
    }
    let (mut octets, mut whole) = (0, false);
    for effect in std::mem::take(&mut stage.others) {
        match effect {
            Effect::Dump(DumpFile::Table, Writing::Octets(some)) => octets += some.len(),
            Effect::Dump(DumpFile::Table, Writing::Close) => whole = true,
            _ => {}
        }
    }
    (octets, whole)
}

/// A table that a person asks for is written beside all else, and its end is told.
#[test]
fn a_person_asks_for_the_table_and_hears_when_it_is_there() {
    let mut stage = Stage::new("set protocols bgp 64512 parameters ebgp-requires-policy disable");
    stage.announces(prefixes(3), 1);
    stage.rest();
    let ask = |id, file: &str| {
        let request = Request::DumpTable { file: file.to_owned() };
        Event::Ask(AskId { client: ClientId(1), id }, admin(), request)
    };
    let answers = |stage: &mut Stage| -> Vec<String> {
        std::mem::take(&mut stage.replies).into_iter().map(|reply| format!("{reply:?}")).collect()
    };
    answers(&mut stage);
    stage.take(ask(1, "/now"));
    assert_eq!(answers(&mut stage), [""; 0], "it is not there yet");
    stage.take(ask(2, "/other"));
    assert!(answers(&mut stage)[0].contains("being written already"));
    let lines = written(&mut stage, DumpFile::Once);
    assert_eq!((lines[0].as_str(), lines.len(), lines[5].as_str()), ("open /now", 6, "close"), "{lines:?}");
    stage.take(Event::Dumped(DumpFile::Once, 0, Ok(())));
    assert!(answers(&mut stage)[0].contains("The table is in /now"));
    stage.take(ask(3, "/full"));
    stage.take(Event::Dumped(DumpFile::Once, 0, Err("/full cannot be made: no room".to_owned())));
    assert!(answers(&mut stage)[0].contains("no room"));
    assert!(!stage.engine.dumps.is_unsettled(), "nothing is left of it");
}
