//! What was told of links and of their addresses, so that what the kernel was not listened to about can be told later: it is
//! found by comparing.
//!
//! Also knows which links matter, whatever else comes and goes. Never asks the kernel.

use std::collections::{BTreeMap, BTreeSet};

use nouns::IfName;
use rib::world::{Link, LinkAddress, WorldEvent};
use rib::world_view::is_link_local;

use crate::snapshot::Picture;

/// Links and addresses by the index of the link.
#[derive(Debug, Default)]
pub(super) struct Roster {
    entries: BTreeMap<u32, Entry>,
    /// What links are called that are waited for, or used.
    names: BTreeSet<IfName>,
    /// Links of these names, and those with an address that leads somewhere.
    mattering: BTreeSet<u32>,
}

/// What was told of one link.
#[derive(Debug, Default)]
struct Entry {
    link: Option<Link>,
    addresses: BTreeSet<LinkAddress>,
}

impl Roster {
    /// The names that matter are these.
    pub(super) fn heed(&mut self, names: BTreeSet<IfName>) {
        self.names = names;
        self.judge_all();
    }

    pub(super) fn names(&self) -> &BTreeSet<IfName> {
        &self.names
    }

    /// The links that have a name that matters, or an address that leads somewhere.
    pub(super) fn mattering(&self) -> &BTreeSet<u32> {
        &self.mattering
    }

    /// This was told in place of everything.
    pub(super) fn begin(&mut self, told: Picture) {
        self.entries = by_link(told);
        self.mattering.clear();
        self.judge_all();
    }

    /// This is told; of which link.
    pub(super) fn take(&mut self, event: &WorldEvent) -> Option<u32> {
        let index = match event {
            WorldEvent::Link(link) => {
                self.entries.entry(link.index).or_default().link = Some(link.clone());
                link.index
            }
            WorldEvent::LinkGone(index) => {
                self.entries.remove(index);
                *index
            }
            WorldEvent::Address(address) => {
                self.entries.entry(address.ifindex).or_default().addresses.insert(*address);
                address.ifindex
            }
            WorldEvent::AddressGone(address) => {
                if let Some(entry) = self.entries.get_mut(&address.ifindex) {
                    entry.addresses.remove(address);
                }
                address.ifindex
            }
            _ => return None,
        };
        self.judge(index);
        Some(index)
    }

    /// Tells how all that is there differs from what was told, but of links that are heard anyway; how much that is. What is
    /// missing of links that matter is believed to be gone only where the picture is `whole`.
    pub(super) fn compare(
        &mut self,
        (found, whole): (Picture, bool),
        heard: &BTreeSet<u32>,
        events: &mut Vec<WorldEvent>,
    ) -> usize {
        let mut news = Vec::new();
        let found = by_link(found);
        let is_gone = |index: &&u32| {
            !found.contains_key(index) && !heard.contains(index) && (whole || !self.mattering.contains(index))
        };
        // What is gone comes first: its name may be another's by now.
        news.extend(self.entries.keys().filter(is_gone).map(|index| WorldEvent::LinkGone(*index)));
        for (index, entry) in found.into_iter().filter(|(index, _)| !heard.contains(index)) {
            self.differ(index, entry, whole, &mut news);
        }
        let differ = news.len();
        self.tell(news, events);
        differ
    }

    /// The same of one link.
    pub(super) fn compare_at(&mut self, index: u32, found: Picture, events: &mut Vec<WorldEvent>) {
        let mut news = Vec::new();
        match by_link(found).remove(&index) {
            Some(entry) => self.differ(index, entry, true, &mut news),
            None => news.extend(self.entries.contains_key(&index).then_some(WorldEvent::LinkGone(index))),
        }
        self.tell(news, events);
    }

    fn differ(&self, index: u32, found: Entry, whole: bool, news: &mut Vec<WorldEvent>) {
        let (none, nothing) = (None, BTreeSet::new());
        let known = self.entries.get(&index);
        let (link, addresses) = known.map_or((&none, &nothing), |known| (&known.link, &known.addresses));
        let gone = addresses.difference(&found.addresses).filter(|address| whole || !leads_somewhere(address));
        news.extend(gone.map(|address| WorldEvent::AddressGone(*address)));
        let added = found.addresses.difference(addresses).map(|address| WorldEvent::Address(*address));
        let added: Vec<WorldEvent> = added.collect();
        if found.link != *link {
            news.extend(found.link.map(WorldEvent::Link));
        }
        news.extend(added);
    }

    fn tell(&mut self, news: Vec<WorldEvent>, events: &mut Vec<WorldEvent>) {
        for event in &news {
            self.take(event);
        }
        events.extend(news);
    }

    fn judge_all(&mut self) {
        let all: Vec<u32> = self.entries.keys().copied().collect();
        all.into_iter().for_each(|index| self.judge(index));
    }

    fn judge(&mut self, index: u32) {
        let matters = self.entries.get(&index).is_some_and(|entry| {
            entry.link.as_ref().is_some_and(|link| self.names.contains(&link.name))
                || entry.addresses.iter().any(leads_somewhere)
        });
        if matters {
            self.mattering.insert(index);
        } else {
            self.mattering.remove(&index);
        }
    }
}

/// A link-local address leads nowhere that anything is routed to.
fn leads_somewhere(address: &LinkAddress) -> bool {
    !is_link_local(address.address.address())
}

fn by_link(picture: Picture) -> BTreeMap<u32, Entry> {
    let mut entries: BTreeMap<u32, Entry> = BTreeMap::new();
    for link in picture.links {
        let index = link.index;
        entries.entry(index).or_default().link = Some(link);
    }
    for address in picture.addresses {
        entries.entry(address.ifindex).or_default().addresses.insert(address);
    }
    entries
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;

    fn picture(links: &[(u32, &str)], addresses: &[(u32, &str)]) -> Picture {
        let links = links.iter().map(|(index, name)| Link::card(*index, name.parse().unwrap()));
        let addresses = addresses.iter().map(|(ifindex, address)| LinkAddress {
            ifindex: *ifindex,
            address: address.parse().unwrap(),
            peer: None,
        });
        Picture { links: links.collect(), addresses: addresses.collect() }
    }

    /// Links 7 and 8, of which 7 has an address that leads somewhere; both have link-local ones.
    fn roster() -> Roster {
        let mut roster = Roster::default();
        let addresses = [(7, "fe80::7/64"), (7, "192.0.2.1/24"), (8, "fe80::8/64")];
        roster.begin(picture(&[(7, "east"), (8, "idle")], &addresses));
        roster
    }

    /// What differs, in words.
    fn differs(roster: &mut Roster, found: (Picture, bool), heard: &[u32]) -> Vec<String> {
        let mut events = Vec::new();
        let count = roster.compare(found, &heard.iter().copied().collect(), &mut events);
        assert_eq!(count, events.len());
        let words = |event: &WorldEvent| match event {
            WorldEvent::Link(link) => format!("{} is {}", link.index, link.name),
            WorldEvent::LinkGone(index) => format!("{index} is gone"),
            WorldEvent::Address(there) => format!("{} has {}", there.ifindex, there.address),
            WorldEvent::AddressGone(gone) => format!("{} has no {}", gone.ifindex, gone.address),
            _ => String::new(),
        };
        events.iter().map(words).collect()
    }

    #[test]
    fn what_differs_is_told_once_and_what_is_gone_comes_first() {
        let mut roster = roster();
        let now = || picture(&[(8, "east"), (9, "new")], &[(9, "fe80::9/64"), (8, "192.0.2.1/24")]);
        let expect =
            ["7 is gone", "8 has no fe80::8/64", "8 is east", "8 has 192.0.2.1/24", "9 is new", "9 has fe80::9/64"];
        assert_eq!(differs(&mut roster, (now(), true), &[]), expect);
        assert_eq!(differs(&mut roster, (now(), true), &[]), [""; 0]);
    }

    #[test]
    fn of_links_that_are_heard_a_picture_is_older_than_what_was_told() {
        let mut roster = roster();
        assert_eq!(differs(&mut roster, (picture(&[(9, "new")], &[]), true), &[7, 9]), ["8 is gone"]);
    }

    #[test]
    fn what_a_broken_picture_lacks_is_not_gone_if_it_matters() {
        let mut roster = roster();
        let broken = picture(&[(7, "east")], &[]);
        assert_eq!(differs(&mut roster, (broken, false), &[]), ["8 is gone", "7 has no fe80::7/64"]);
        assert_eq!(differs(&mut roster, (picture(&[], &[]), false), &[]), [""; 0]);
        assert_eq!(differs(&mut roster, (picture(&[], &[]), true), &[]), ["7 is gone"]);
    }

    #[test]
    fn links_matter_by_their_names_and_by_addresses_that_lead_somewhere() {
        let mut roster = roster();
        let mattering = |roster: &Roster| roster.mattering().iter().copied().collect::<Vec<_>>();
        assert_eq!(mattering(&roster), [7]);
        roster.heed(["idle".parse().unwrap(), "new".parse().unwrap()].into());
        assert_eq!(mattering(&roster), [7, 8]);
        let [east, new] = [(7, "192.0.2.1/24"), (9, "new")];
        let gone = picture(&[], &[east]).addresses.remove(0);
        roster.take(&WorldEvent::AddressGone(gone));
        roster.take(&WorldEvent::Link(picture(&[new], &[]).links.remove(0)));
        assert_eq!(mattering(&roster), [8, 9]);
        roster.take(&WorldEvent::LinkGone(9));
        roster.heed(BTreeSet::new());
        assert_eq!(mattering(&roster), [0; 0]);
    }
}
