//! Live names for completion: interfaces, neighbors, groups, prefixes.
//!
//! A table of a million prefixes is asked for what begins as typed only. Never tells a secret.

use std::net::IpAddr;

use grammar::complete::MOST_NAMES;
use grammar::value::NameKind;
use nouns::Family;
use rib::world::{Link, LinkKind};
use rib::world_view::is_link_local;

use crate::engine::Engine;
use crate::views;

/// So many prefixes are looked at for one completion, so that nobody else has to wait.
const MOST_READ: usize = 10_000;

impl Engine {
    /// Names of a kind that begin as typed.
    pub(crate) fn names(&self, kind: NameKind, typed: &str) -> Vec<String> {
        let mut names = match kind {
            NameKind::Interface => self.link_names(|_| true),
            NameKind::Ethernet => {
                self.link_names(|link| !link.loopback && matches!(link.kind, LinkKind::Card | LinkKind::Other(_)))
            }
            NameKind::Bridge => self.link_names(|link| matches!(link.kind, LinkKind::Bridge(_))),
            NameKind::Dummy => self.link_names(|link| link.kind == LinkKind::Dummy),
            NameKind::Loopback => self.link_names(|link| link.loopback),
            NameKind::LocalAddress => {
                let addresses = self.world.addresses().map(|there| there.address.address());
                let addresses = addresses.filter(|address| !is_link_local(*address)).map(|address| address.to_string());
                addresses.chain(self.link_names(|_| true)).collect()
            }
            NameKind::Neighbor => self.peers.iter().map(|peer| peer.address.to_string()).collect(),
            NameKind::PeerGroup => self.running.model.bgp.iter().flat_map(|bgp| bgp.groups.iter().cloned()).collect(),
            NameKind::Service => views::balancer::names(self).collect(),
            NameKind::Backend => views::balancer::nodes(self).into_iter().map(|node| node.to_string()).collect(),
            NameKind::Profile => self.running.model.bfd.profiles.keys().cloned().collect(),
            NameKind::Prefix4 => self.prefixes(Family::Ipv4Unicast, typed),
            NameKind::Prefix6 => self.prefixes(Family::Ipv6Unicast, typed),
            NameKind::Policy(list) => self.running.model.policy.names(list),
            // The disk of whoever types is not the engine's to read: all it knows is the saved configuration.
            NameKind::File => vec![self.facts.boot_file.clone()],
            // Revisions have a request of their own.
            NameKind::TimeZone | NameKind::Revision => Vec::new(),
        };
        names.retain(|name| name.starts_with(typed));
        names.truncate(MOST_NAMES);
        names
    }

    fn link_names(&self, wanted: impl Fn(&Link) -> bool) -> Vec<String> {
        self.world.links().filter(|link| wanted(link)).map(|link| link.name.to_string()).collect()
    }

    /// Prefixes that begin as typed, in the order of the table, without a look at the others.
    fn prefixes(&self, family: Family, typed: &str) -> Vec<String> {
        let table = self.tables.of(family);
        let ranges = match family {
            Family::Ipv4Unicast => ranges4(typed),
            Family::Ipv6Unicast => ranges6(typed),
        };
        let near = ranges.into_iter().flat_map(|(from, to)| table.range(from, to)).take(MOST_READ);
        let names = near.map(|(prefix, _)| prefix.to_string()).filter(|name| name.starts_with(typed));
        names.take(MOST_NAMES).collect()
    }
}

/// The first and the last address of each stretch that IPv4 prefixes begin in whose text begins as typed.
fn ranges4(typed: &str) -> Vec<(IpAddr, IpAddr)> {
    let address = typed.split('/').next().unwrap_or_default();
    let mut octets: Vec<&str> = address.split('.').collect();
    let begun = if typed.contains('/') { None } else { octets.pop() };
    let known: Option<Vec<u8>> = octets.into_iter().map(|octet| octet.parse().ok()).collect();
    let Some(known) = known.filter(|known| known.len() <= 4) else { return Vec::new() };
    let stretch = |octets: &[u8]| {
        let fill = |rest: u8| {
            let mut filled = [rest; 4];
            filled.iter_mut().zip(octets).for_each(|(place, octet)| *place = *octet);
            IpAddr::from(filled)
        };
        (fill(0), fill(255))
    };
    match begun {
        None | Some("") => vec![stretch(&known)],
        Some(begun) => {
            let fits = |octet: &u8| octet.to_string().starts_with(begun);
            (0..=255_u8).filter(fits).map(|octet| stretch(&[known.as_slice(), &[octet]].concat())).collect()
        }
    }
}

/// The same for IPv6. Behind `::` any number of groups is zero, so there the texts have to be looked at.
fn ranges6(typed: &str) -> Vec<(IpAddr, IpAddr)> {
    let address = typed.split('/').next().unwrap_or_default();
    let (before, shortened) = address.split_once("::").map_or((address, false), |(before, _)| (before, true));
    let mut groups: Vec<&str> = before.split(':').filter(|group| !group.is_empty()).collect();
    let whole = shortened || before.ends_with(':') || before.is_empty() || typed.contains('/');
    let begun = if whole { None } else { groups.pop() };
    let known: Option<Vec<u16>> = groups.into_iter().map(|group| u16::from_str_radix(group, 16).ok()).collect();
    let Some(mut known) = known.filter(|known| known.len() <= 8) else { return Vec::new() };
    if shortened && known.len() < 8 {
        known.push(0);
    }
    let stretch = |low: &[u16], high: &[u16]| {
        let fill = |rest: u16, groups: &[u16]| {
            let mut filled = [rest; 8];
            filled.iter_mut().zip(groups).for_each(|(place, group)| *place = *group);
            IpAddr::from(filled)
        };
        (fill(0, low), fill(u16::MAX, high))
    };
    let Some(begun) = begun else { return vec![stretch(&known, &known)] };
    let Ok(value) = u16::from_str_radix(begun, 16) else { return Vec::new() };
    // `d` begins d, d0 to df, d00 to dff and d000 to dfff.
    let more = 4_usize.saturating_sub(begun.len());
    let lengths = (0..=more).filter_map(|digits| {
        let shift = u32::try_from(digits).ok()?.checked_mul(4)?;
        let low = u16::try_from(u32::from(value).checked_shl(shift)?).ok()?;
        let high = u16::try_from(u32::from(low) | 1_u32.checked_shl(shift)?.checked_sub(1)?).ok()?;
        Some(stretch(&[known.as_slice(), &[low]].concat(), &[known.as_slice(), &[high]].concat()))
    });
    if value == 0 { lengths.take(1).collect() } else { lengths.collect() }
}

#[cfg(test)]
mod tests {
    use nouns::Prefix;
    use proptest::prelude::*;

    use super::*;

    fn covers(ranges: &[(IpAddr, IpAddr)], prefix: Prefix) -> bool {
        ranges.iter().any(|(from, to)| (*from..=*to).contains(&prefix.address()))
    }

    #[test]
    fn what_is_no_beginning_of_an_address_covers_nothing() {
        for typed in ["x", "256.1", "1.2.3.4.5.6", "a.b"] {
            assert_eq!(ranges4(typed), [], "{typed}");
        }
        for typed in ["x", "12345:", "2001:g"] {
            assert_eq!(ranges6(typed), [], "{typed}");
        }
    }

    proptest! {
        #[test]
        fn every_beginning_of_a_prefix_covers_it(octets in any::<[u8; 4]>(), bits in 0_u8..=32, length in 0_usize..20) {
            let prefix = Prefix::masked_or_host(IpAddr::from(octets), bits);
            let text = prefix.to_string();
            let typed = text.get(..length.min(text.len())).unwrap_or_default();
            prop_assert!(covers(&ranges4(typed), prefix), "{} {}", typed, text);
        }

        #[test]
        fn every_beginning_of_an_ipv6_prefix_covers_it(
            groups in proptest::array::uniform8(prop_oneof![Just(0_u16), any::<u16>()]),
            bits in 0_u8..=128,
            length in 0_usize..45,
        ) {
            let prefix = Prefix::masked_or_host(IpAddr::from(groups), bits);
            let text = prefix.to_string();
            let typed = text.get(..length.min(text.len())).unwrap_or_default();
            prop_assert!(covers(&ranges6(typed), prefix), "{} {}", typed, text);
        }

        #[test]
        fn any_text_is_looked_for(typed in any::<String>()) {
            let _ = (ranges4(&typed), ranges6(&typed));
        }
    }
}
