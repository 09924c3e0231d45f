//! Changes as the datagrams that make them, encoded before the writer's turn comes.
//!
//! The writer is what a full table waits for, so that whoever orders changes makes the messages, and the writer only
//! hands them over. Never opens a socket.

use rib::fib::FibChange;

use super::append;
use crate::attribute::Batch;

/// Octets of one datagram at which it is full; the largest group fits behind it.
const OCTETS: usize = 60 * 1024;
/// Changes that one datagram carries: even if each is refused, the refusals fit into the writer's receive queue.
const CHANGES: usize = 256;
/// Octets of most messages: that of an IPv4 route.
const ROUTE: usize = 52;

/// Where a datagram ends.
#[derive(Clone, Copy, Debug, Default)]
struct End {
    changes: usize,
    octets: usize,
}

/// Changes in their order, and the datagrams that make them.
#[derive(Debug)]
pub struct Datagrams {
    changes: Vec<FibChange>,
    messages: Batch,
    ends: Vec<End>,
    first: u32,
}

/// One of them: the kernel acknowledges the last of its messages, and refuses each for itself.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    pub(crate) changes: &'a [FibChange],
    pub(crate) octets: &'a [u8],
    /// `nlmsg_seq` of the first message; those behind it count on.
    pub(crate) first: u32,
}

impl Datagrams {
    /// Encodes changes; their messages have the sequence numbers from `first` on, one each.
    #[must_use]
    pub fn new(changes: Vec<FibChange>, first: u32) -> Self {
        let mut messages = Batch::with_capacity(changes.len().saturating_mul(ROUTE));
        let mut ends = Vec::new();
        let mut began = End::default();
        for ((change, behind), offset) in changes.iter().zip(1_usize..).zip(0_u32..) {
            append(&mut messages, change, first.wrapping_add(offset));
            let end = End { changes: behind, octets: messages.octets().len() };
            let full = end.changes.saturating_sub(began.changes) >= CHANGES
                || end.octets.saturating_sub(began.octets) >= OCTETS;
            if full || behind == changes.len() {
                messages.acknowledge_last();
                ends.push(end);
                began = end;
            }
        }
        Self { changes, messages, ends, first }
    }

    /// The datagrams in the order in which they have to be written.
    pub fn iter(&self) -> impl Iterator<Item = Datagram<'_>> {
        let mut began = End::default();
        self.ends.iter().filter_map(move |end| {
            let start = std::mem::replace(&mut began, *end);
            let offset = u32::try_from(start.changes).unwrap_or(u32::MAX);
            Some(Datagram {
                changes: self.changes.get(start.changes..end.changes)?,
                octets: self.messages.octets().get(start.octets..end.octets)?,
                first: self.first.wrapping_add(offset),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        reason = "a test may fail"
    )]

    use rib::fib::{FibTarget, GROUP_ID_BASE, NEXT_HOP_ID_BASE};

    use super::*;
    use crate::attribute::messages;
    use crate::number::NLM_F_ACK;

    fn routes(count: u32) -> Vec<FibChange> {
        let prefix = |number: u32| nouns::Prefix::host(std::net::IpAddr::V4((0x0a00_0000 | number).into()));
        let target = FibTarget::Group(GROUP_ID_BASE);
        (0..count).map(|number| FibChange::Route { key: prefix(number).into(), target }).collect()
    }

    /// The largest groups that there are: 2,048 members.
    fn groups(count: u32) -> Vec<FibChange> {
        let members: Vec<(u32, u16)> = (0..2048).map(|number| (NEXT_HOP_ID_BASE + number, 1)).collect();
        (0..count).map(|number| FibChange::Group { id: GROUP_ID_BASE + number, members: members.clone() }).collect()
    }

    #[test]
    fn each_change_has_its_message_and_its_number_and_only_the_last_of_a_datagram_asks_for_an_answer() {
        for (changes, sizes) in [
            (routes(0), vec![]),
            (routes(1), vec![1]),
            (routes(256), vec![256]),
            (routes(600), vec![256, 256, 88]),
            ([groups(5), routes(3)].concat(), vec![4, 4]),
        ] {
            // Numbers go round.
            let first = u32::MAX - 2;
            let datagrams = Datagrams::new(changes.clone(), first);
            assert_eq!(datagrams.iter().map(|datagram| datagram.changes.len()).collect::<Vec<_>>(), sizes);
            let told: Vec<FibChange> = datagrams.iter().flat_map(|datagram| datagram.changes.to_vec()).collect();
            assert_eq!(told, changes);
            let mut number = first;
            for datagram in datagrams.iter() {
                assert_eq!(datagram.first, number);
                let mut rest = datagram.changes.iter().peekable();
                for message in messages(datagram.octets) {
                    let change = rest.next().unwrap();
                    let alone = super::super::message(change, number);
                    assert_eq!(message.body, messages(&alone).next().unwrap().body);
                    assert_eq!(message.sequence, number);
                    assert_eq!(message.flags & NLM_F_ACK != 0, rest.peek().is_none());
                    number = number.wrapping_add(1);
                }
                assert!(rest.next().is_none(), "a message is missing");
            }
        }
    }
}
