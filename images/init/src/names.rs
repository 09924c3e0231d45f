//! What each network card is called: by its hardware address where the configuration names it, else the next free number.
//!
//! A function of what is there; never renames anything.

use std::collections::{BTreeMap, BTreeSet};

/// A hardware address as the kernel writes it, in small letters.
pub(crate) type Mac = String;

/// A card as the kernel found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Card {
    /// What the kernel calls it for now.
    pub(crate) name: String,
    /// Its hardware address.
    pub(crate) mac: Mac,
}

/// One renaming: from, to.
pub(crate) type Renaming = (String, String);

/// The `hw-id` of each `ethernet` in a configuration file: hardware address to name.
pub(crate) fn hardware_ids(config: &str) -> BTreeMap<Mac, String> {
    let mut found = BTreeMap::new();
    walk(config, |path, line| {
        if let (Some(value), [interfaces, card]) = (line.strip_prefix("hw-id "), path)
            && interfaces.as_slice() == ["interfaces"]
            && let ["ethernet", name] = card.as_slice()
        {
            found.insert(bare(value).to_lowercase(), (*name).to_owned());
        }
    });
    found
}

/// The host's name in a configuration file.
pub(crate) fn host_name(config: &str) -> Option<String> {
    let mut found = None;
    walk(config, |path, line| {
        if let (Some(value), [system]) = (line.strip_prefix("host-name "), path)
            && system.as_slice() == ["system"]
        {
            found = Some(bare(value).to_owned());
        }
    });
    found
}

/// Tells each line of a configuration file that opens and closes nothing, with the words that lead there.
fn walk<'a>(config: &'a str, mut tell: impl FnMut(&[Vec<&'a str>], &'a str)) {
    let mut path: Vec<Vec<&str>> = Vec::new();
    for line in config.lines().map(str::trim) {
        if let Some(opened) = line.strip_suffix('{') {
            path.push(opened.split_whitespace().collect());
        } else if line == "}" {
            path.pop();
        } else {
            tell(&path, line);
        }
    }
}

/// A value without its quotes.
fn bare(value: &str) -> &str {
    value.trim().trim_matches(['"', '\''])
}

/// Who is called what, in the order in which cards were found: those that the configuration names first, then those that
/// were met at an earlier boot, then the others by the lowest number that is free.
pub(crate) fn assign(
    cards: &[Card],
    configured: &BTreeMap<Mac, String>,
    met: &BTreeMap<Mac, String>,
) -> BTreeMap<Mac, String> {
    let mut names: BTreeMap<Mac, String> = BTreeMap::new();
    let mut taken: BTreeSet<String> = configured.values().cloned().collect();
    for card in cards {
        if let Some(name) = configured.get(&card.mac) {
            names.insert(card.mac.clone(), name.clone());
        }
    }
    for card in cards.iter().filter(|card| !configured.contains_key(&card.mac)) {
        if let Some(name) = met.get(&card.mac)
            && taken.insert(name.clone())
        {
            names.insert(card.mac.clone(), name.clone());
        }
    }
    // A card that was met and is away keeps its number, so that it finds it when it is back.
    taken.extend(met.values().cloned());
    for card in cards {
        if !names.contains_key(&card.mac) {
            let name = (0..).map(|number: u32| format!("eth{number}")).find(|name| !taken.contains(name));
            let name = name.unwrap_or_default();
            taken.insert(name.clone());
            names.insert(card.mac.clone(), name);
        }
    }
    names
}

/// The renamings that lead there. Where a name is taken by another card for now, that one makes room first.
pub(crate) fn renamings(cards: &[Card], names: &BTreeMap<Mac, String>) -> Vec<Renaming> {
    let moving: Vec<(&Card, &String)> = cards
        .iter()
        .filter_map(|card| names.get(&card.mac).map(|name| (card, name)))
        .filter(|(card, name)| card.name != **name)
        .collect();
    let away = moving.iter().enumerate().map(|(number, (card, _))| (card.name.clone(), format!("moving{number}")));
    let home = moving.iter().enumerate().map(|(number, (_, name))| (format!("moving{number}"), (*name).clone()));
    if moving.iter().any(|(_, name)| cards.iter().any(|card| card.name == **name)) {
        away.chain(home).collect()
    } else {
        moving.into_iter().map(|(card, name)| (card.name.clone(), name.clone())).collect()
    }
}

/// The list of cards that were met, as it is kept: a line for each, hardware address and name.
pub(crate) fn write_met(met: &BTreeMap<Mac, String>) -> String {
    met.iter().map(|(mac, name)| format!("{mac} {name}\n")).collect()
}

/// Reads that list; lines that say nothing are passed over.
pub(crate) fn read_met(text: &str) -> BTreeMap<Mac, String> {
    let line = |line: &str| {
        let (mac, name) = line.split_once(' ')?;
        (mac.len() == 17 && name.len() < 16 && !name.is_empty()).then(|| (mac.to_owned(), name.to_owned()))
    };
    text.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(name: &str, last: u8) -> Card {
        Card { name: name.to_owned(), mac: mac(last) }
    }

    fn mac(last: u8) -> Mac {
        format!("02:00:00:00:00:{last:02x}")
    }

    fn table(rows: &[(u8, &str)]) -> BTreeMap<Mac, String> {
        rows.iter().map(|(last, name)| (mac(*last), (*name).to_owned())).collect()
    }

    #[test]
    fn the_configuration_is_read_for_hardware_ids_and_the_hosts_name_alone() {
        let config = "interfaces {\n    ethernet eth1 {\n        address 192.0.2.1/24\n        hw-id 02:00:00:00:00:0A\n\
                      \x20       vif 7 {\n            hw-id 02:00:00:00:00:0b\n        }\n    }\n}\n\
                      system {\n    ethernet eth2 {\n    hw-id 02:00:00:00:00:0c\n    }\n}\n}\n";
        assert_eq!(hardware_ids(config), table(&[(10, "eth1")]));
        assert!(hardware_ids("}}}\nhw-id x\n{\n").is_empty());
        assert_eq!(
            host_name("system {\n    host-name 'edge1'\n    login {\n        host-name x\n    }\n}\n").as_deref(),
            Some("edge1")
        );
        assert_eq!(host_name("host-name x\ninterfaces {\n    host-name y\n}\n"), None);
    }

    #[test]
    fn names_go_with_the_cards_and_new_ones_take_what_is_free() {
        let cards = [card("eth0", 2), card("eth1", 1), card("eth2", 3)];
        for (what, configured, met, expected) in [
            ("nothing known", vec![], vec![], vec![(2, "eth0"), (1, "eth1"), (3, "eth2")]),
            ("swapped", vec![(1, "eth0"), (2, "eth1")], vec![], vec![(1, "eth0"), (2, "eth1"), (3, "eth2")]),
            ("met before", vec![], vec![(1, "eth0"), (2, "eth1")], vec![(1, "eth0"), (2, "eth1"), (3, "eth2")]),
            (
                "the configuration wins",
                vec![(3, "eth0")],
                vec![(1, "eth0")],
                vec![(3, "eth0"), (2, "eth1"), (1, "eth2")],
            ),
            ("one is away", vec![(9, "eth0")], vec![(8, "eth1")], vec![(2, "eth2"), (1, "eth3"), (3, "eth4")]),
        ] {
            assert_eq!(assign(&cards, &table(&configured), &table(&met)), table(&expected), "{what}");
        }
    }

    #[test]
    fn two_cards_change_places_by_way_of_a_third_name() {
        let cards = [card("eth0", 2), card("eth1", 1)];
        let names = table(&[(1, "eth0"), (2, "eth1")]);
        let own = |pairs: &[(&str, &str)]| -> Vec<Renaming> {
            pairs.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect()
        };
        let expected = own(&[("eth0", "moving0"), ("eth1", "moving1"), ("moving0", "eth1"), ("moving1", "eth0")]);
        assert_eq!(renamings(&cards, &names), expected);
        assert!(renamings(&cards, &table(&[(2, "eth0"), (1, "eth1")])).is_empty());
        assert_eq!(renamings(&[card("enp1", 1)], &table(&[(1, "eth5")])), own(&[("enp1", "eth5")]));
    }

    #[test]
    fn the_list_of_cards_reads_as_it_is_written() {
        let met = table(&[(1, "eth0"), (2, "eth1")]);
        assert_eq!(read_met(&write_met(&met)), met);
        assert!(read_met("broken\n02:00 eth0\n").is_empty());
    }
}
