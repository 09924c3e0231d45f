//! A peer that keeps its session alive and never reads: nothing is made for it beyond what waits already, and in the
//! end it loses its session (RFC 9687), and nobody else.

use super::churn::heap;
use super::policies::{Heard, LISTENER, SPEAKER, Stage, prefixes};
use super::*;

const COUNT: u32 = 100;
/// Changes of all of them in a minute.
const CHANGES: u32 = 300;
/// Octets that wait to be written, and do not get fewer: so many that others who hear the same do not wait for it.
const QUEUE: usize = 9 << 20;

fn is_up(stage: &Stage, last: u8) -> bool {
    stage.engine.peers.at([192, 0, 2, last].into()).is_some_and(|peer| peer.session.negotiated().is_some())
}

#[test]
fn a_peer_that_never_reads_costs_little_and_is_ended_after_eight_minutes() {
    let mut stage = Stage::new("set protocols bgp 64512 parameters ebgp-requires-policy disable");
    let mute = ConnId(u64::from(LISTENER) * 2 + 1);
    stage.announces(prefixes(COUNT), 1);
    stage.rest();
    assert_eq!(stage.known.len(), COUNT as usize);
    stage.take(Event::SendQueue(mute, QUEUE));
    stage.forget_what_was_heard();
    let mut sizes = Vec::with_capacity(7);
    for minute in 0..7 {
        for change in 0..CHANGES {
            stage.announces(prefixes(COUNT), minute * CHANGES + change);
            stage.rest();
        }
        stage.take(Event::SendQueue(mute, QUEUE));
        stage.wait(60);
        sizes.push(heap());
    }
    assert_eq!(stage.heard, [], "nothing is made for who does not read");
    // Sets of attributes gather until they are swept, now and then; a queue would grow by half a megabyte a minute.
    let (first, last) = (sizes[..4].iter().copied().max().unwrap_or_default(), sizes[6]);
    assert!(last <= first + first / 10, "hundreds of changes of a table wait as one: {sizes:?}");
    stage.wait(59);
    assert!(is_up(&stage, LISTENER), "it has a second left");
    stage.wait(2);
    assert_eq!((stage.heard.as_slice(), stage.closed), ([Heard::Notified].as_slice(), true));
    assert!(!is_up(&stage, LISTENER) && is_up(&stage, SPEAKER), "and nobody else is ended");
    // When it comes back it hears of the table as it is now.
    stage.known.clear();
    stage.open(LISTENER);
    stage.rest();
    assert_eq!(stage.known.len(), COUNT as usize);
    assert!(stage.known.values().all(|attributes| attributes.communities == [7 * CHANGES - 1]));
}

#[test]
fn a_peer_that_reads_slowly_keeps_its_session_and_hears_the_newest_only() {
    let mut stage = Stage::new("set protocols bgp 64512 parameters ebgp-requires-policy disable");
    let slow = ConnId(u64::from(LISTENER) * 2 + 1);
    stage.announces(prefixes(COUNT), 1);
    stage.rest();
    stage.forget_what_was_heard();
    for minute in 0..20 {
        stage.take(Event::SendQueue(slow, QUEUE - minute));
        stage.announces(prefixes(COUNT), 100);
        stage.announces(prefixes(COUNT), 101);
        stage.wait(60);
    }
    assert!(is_up(&stage, LISTENER) && stage.heard.is_empty());
    stage.take(Event::SendQueue(slow, 0));
    stage.rest();
    assert_eq!(stage.heard.len(), COUNT as usize, "each prefix once");
    assert!(stage.known.values().all(|attributes| attributes.communities == [101]));
}
