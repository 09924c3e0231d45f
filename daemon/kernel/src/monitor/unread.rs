//! What the kernel tells of links that nothing leads through: kept as it came, and read once nothing more of it is there.
//!
//! A link that comes up is told half a dozen times within a moment, and one that goes is told to be down first. Of what is
//! told of a link in one go only the last counts, as long as it only comes up: to have gone down is news of its own, and
//! so is to have come up after that. Never tells an address before its link, and never keeps anything of a link that is gone.

use std::collections::HashMap;
use std::ops::Range;

use rib::world::{LinkAddress, WorldEvent};

use crate::attribute::{Message, u8_at, u32_at};
use crate::decode;
use crate::number::{AF_UNSPEC, IFF_LOWER_UP, IFF_RUNNING, IFF_UP, RTM_DELADDR, RTM_DELLINK, RTM_NEWADDR, RTM_NEWLINK};

/// Flags of a link that comes up.
const UP: u32 = IFF_UP | IFF_RUNNING | IFF_LOWER_UP;

/// What was told, in its order.
#[derive(Debug, Default)]
pub(super) struct Unread {
    told: Vec<Told>,
    /// The messages' bodies.
    octets: Vec<u8>,
    /// The last word on each link that is not gone, read or not.
    last: HashMap<u32, Last>,
    /// How often it was read.
    times: u64,
}

#[derive(Debug)]
enum Told {
    /// Where the body of a message about a link is.
    Link(Range<usize>),
    Gone(u32),
    Address(LinkAddress),
    AddressGone(LinkAddress),
    /// Something that does not count any more.
    Nothing,
}

/// The last word on a link.
#[derive(Clone, Copy, Debug)]
struct Last {
    /// Its place, and before which reading that is.
    told: usize,
    time: u64,
    flags: u32,
    /// No flag of it was lost since the word before, or the link is new.
    rises: bool,
}

impl Unread {
    /// How many octets it keeps.
    pub(super) fn len(&self) -> usize {
        self.octets.len()
    }

    /// Takes in a message about a link, or about an address of it.
    pub(super) fn take_in(&mut self, link: u32, message: Message<'_>) {
        match message.kind {
            RTM_NEWLINK => self.link(link, message.body),
            RTM_DELLINK => self.link_gone(link, message.body),
            RTM_NEWADDR => self.told.extend(decode::address(message.body).map(Told::Address)),
            RTM_DELADDR => self.told.extend(decode::address(message.body).map(Told::AddressGone)),
            _ => {}
        }
    }

    /// A link is there, or changed.
    fn link(&mut self, index: u32, body: &[u8]) {
        let Some(flags) = u32_at(body, 8).filter(|_| is_of_link(body)).map(|flags| flags & UP) else { return };
        let last = self.last.get(&index).copied();
        // A new link is told with all flags changed (`rtnl_configure_link`).
        let is_new = u32_at(body, 12) == Some(u32::MAX) && flags & IFF_UP == 0;
        let rises = last.map_or(is_new, |last| last.flags & !flags == 0);
        let before = last.filter(|last| rises && last.rises && last.time == self.times).map(|last| last.told);
        let earlier = before.and_then(|told| self.told.get(told));
        let room = match earlier {
            Some(Told::Link(place)) if place.len() >= body.len() => place.start,
            _ => self.octets.len(),
        };
        let place = room..room.saturating_add(body.len());
        match self.octets.get_mut(place.clone()) {
            Some(octets) => octets.copy_from_slice(body),
            None => self.octets.extend_from_slice(body),
        }
        let told = before.unwrap_or(self.told.len());
        match self.told.get_mut(told) {
            Some(earlier) => *earlier = Told::Link(place),
            None => self.told.push(Told::Link(place)),
        }
        self.last.insert(index, Last { told, time: self.times, flags, rises });
    }

    /// A link is gone.
    fn link_gone(&mut self, index: u32, body: &[u8]) {
        if !is_of_link(body) {
            return;
        }
        let unread = self.last.remove(&index).filter(|last| last.time == self.times);
        if let Some(told) = unread.and_then(|last| self.told.get_mut(last.told)) {
            *told = Told::Nothing;
        }
        self.told.push(Told::Gone(index));
    }

    /// Reads all of it.
    pub(super) fn read(&mut self, events: &mut Vec<WorldEvent>) {
        if self.told.is_empty() {
            return;
        }
        let Self { told, octets, times, .. } = self;
        *times = times.wrapping_add(1);
        events.extend(told.drain(..).filter_map(|told| match told {
            Told::Link(place) => octets.get(place).and_then(decode::link).map(WorldEvent::Link),
            Told::Gone(index) => Some(WorldEvent::LinkGone(index)),
            Told::Address(address) => Some(WorldEvent::Address(address)),
            Told::AddressGone(address) => Some(WorldEvent::AddressGone(address)),
            Told::Nothing => None,
        }));
        octets.clear();
    }

    /// A link that leads somewhere changed: what was known of its flags is outdated.
    pub(super) fn forget(&mut self, index: Option<u32>) {
        index.map(|index| self.last.remove(&index));
    }
}

/// Not one of the messages of bridges and protocol families that only look like it.
fn is_of_link(body: &[u8]) -> bool {
    u8_at(body, 0) == Some(AF_UNSPEC)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;
    use crate::attribute::{Batch, HEADER};
    use crate::number::{IFLA_IFALIAS, IFLA_IFNAME};

    /// The body of a message about a link.
    fn body(index: u32, flags: u32, is_new: bool, alias: &str) -> Vec<u8> {
        let mut batch = Batch::default();
        let change = if is_new { u32::MAX } else { 0 };
        let fixed = [0, index, flags, change].into_iter().flat_map(u32::to_ne_bytes).collect::<Vec<_>>();
        batch.begin(16, 0, 1, &fixed);
        batch.attribute(IFLA_IFNAME, format!("c{index}\0").as_bytes());
        batch.attribute(IFLA_IFALIAS, format!("{alias}\0").as_bytes());
        batch.end();
        batch.octets().get(HEADER..).unwrap().to_vec()
    }

    fn tell(unread: &mut Unread, index: u32, flags: u32, alias: &str) {
        unread.link(index, &body(index, flags, alias == "new", alias));
    }

    /// Links as index, whether up, and their remark; those that are gone alone.
    fn read(unread: &mut Unread) -> Vec<(u32, Option<(bool, String)>)> {
        let mut events = Vec::new();
        unread.read(&mut events);
        let told = events.into_iter().filter_map(|event| match event {
            WorldEvent::Link(link) => Some((link.index, Some((link.admin_up, link.alias)))),
            WorldEvent::LinkGone(index) => Some((index, None)),
            _ => None,
        });
        told.collect()
    }

    fn there(index: u32, is_up: bool, alias: &str) -> (u32, Option<(bool, String)>) {
        (index, Some((is_up, alias.to_owned())))
    }

    #[test]
    fn of_a_new_link_that_comes_up_the_last_word_counts_at_the_place_of_the_first() {
        let mut unread = Unread::default();
        let told = [(7, 0, "new"), (8, 0, "new"), (7, IFF_UP, "a longer remark"), (7, UP, "up"), (8, 0, "b")];
        told.into_iter().for_each(|(index, flags, alias)| tell(&mut unread, index, flags, alias));
        assert_eq!(read(&mut unread), [there(7, true, "up"), there(8, false, "b")]);
        assert!(read(&mut unread).is_empty(), "it is told once");
        tell(&mut unread, 8, IFF_UP, "c");
        tell(&mut unread, 8, UP, "d");
        assert_eq!(read(&mut unread), [there(8, true, "d")], "it is known to have been down");
    }

    #[test]
    fn that_a_link_went_down_is_told_and_so_is_what_comes_after() {
        let mut unread = Unread::default();
        let told = [(UP, "a"), (0, "b"), (IFF_UP, "c"), (UP, "d"), (UP & !IFF_RUNNING, "e"), (UP, "f")];
        told.into_iter().for_each(|(flags, alias)| tell(&mut unread, 7, flags, alias));
        let expect = [("a", true), ("b", false), ("d", true), ("e", true), ("f", true)];
        assert_eq!(read(&mut unread), expect.map(|(alias, up)| there(7, up, alias)), "what it was before is not known");
        tell(&mut unread, 7, 0, "g");
        tell(&mut unread, 7, UP, "h");
        assert_eq!(read(&mut unread), [there(7, false, "g"), there(7, true, "h")], "it was up when it was read last");
    }

    #[test]
    fn of_a_link_that_is_gone_nothing_else_is_told_and_its_number_may_come_again() {
        let mut unread = Unread::default();
        tell(&mut unread, 7, UP, "old");
        unread.link_gone(7, &body(7, 0, false, "old"));
        tell(&mut unread, 7, 0, "new");
        assert_eq!(read(&mut unread), [(7, None), there(7, false, "new")]);
    }

    #[test]
    fn what_a_bridge_tells_of_its_port_says_nothing_of_the_link() {
        let mut unread = Unread::default();
        let mut port = body(7, UP, false, "");
        *port.first_mut().unwrap() = 7;
        unread.link(7, &port);
        unread.link_gone(7, &port);
        assert!(read(&mut unread).is_empty());
    }
}
