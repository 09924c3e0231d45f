//! Identifiers by which paths are told where several of a prefix are (RFC 7911 §3).
//!
//! A path keeps its identifier as long as it is there, whoever hears of it, so that all who hear of several paths know
//! them by the same numbers. The lowest free number is taken, so they stay small, and one that was given back is used
//! again. Never decides which paths are told; where no path was ever named it holds nothing.

use nouns::Prefix;

use crate::bgp_table::{Path, PathKey};
use crate::prefix_map::PrefixMap;

/// The identifiers of one family's paths, each prefix with numbers of its own from 1 on.
#[derive(Clone, Debug, Default)]
pub struct PathIds {
    named: PrefixMap<Vec<(PathKey, u32)>>,
}

impl PathIds {
    /// Forgets the paths of a prefix that are gone, so that their numbers are free again.
    pub fn keep(&mut self, prefix: Prefix, paths: &[Path]) {
        let Some(named) = self.named.get_mut(prefix) else { return };
        named.retain(|(key, _)| paths.iter().any(|path| path.key() == *key));
        if named.is_empty() {
            self.named.remove(prefix);
        }
    }

    /// The identifier of a path; never 0.
    pub fn name(&mut self, prefix: Prefix, key: PathKey) -> u32 {
        let named = self.named.entry(prefix);
        if let Some((_, known)) = named.iter().find(|(known, _)| *known == key) {
            return *known;
        }
        let free = (1..=u32::MAX).find(|number| !named.iter().any(|(_, taken)| taken == number)).unwrap_or(u32::MAX);
        named.push((key, free));
        free
    }

    /// The identifier of a path, if it has one.
    #[must_use]
    pub fn get(&self, prefix: Prefix, key: PathKey) -> Option<u32> {
        self.named.get(prefix)?.iter().find(|(known, _)| *known == key).map(|(_, number)| *number)
    }

    /// Forgets all: nobody hears of several paths any more.
    pub fn clear(&mut self) {
        self.named = PrefixMap::new();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "a test begins at some moment")]

    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::time::Instant;

    use bgp_wire::attribute::{Origin, PathAttributes};
    use nouns::Family;
    use proptest::prelude::*;

    use super::*;
    use crate::bgp_table::{BgpTable, Inserted, PeerId};
    use crate::prefix_table::Prefixes;

    proptest! {
        #[test]
        fn a_path_keeps_its_number_while_it_lives_and_no_two_share_one(
            steps in prop::collection::vec((0_u32..3, 0_u32..4, any::<bool>()), 0..100)
        ) {
            let prefix = Prefix::DEFAULT_V4;
            let attributes = Arc::new(PathAttributes::new(Origin::Igp, [192, 0, 2, 1].into()));
            let inserted = Inserted::new(Arc::clone(&attributes), attributes, None, nouns::Marks::default());
            let (mut table, mut ids) = (BgpTable::new(Family::Ipv4Unicast, &Prefixes::default()), PathIds::default());
            let mut model: BTreeMap<PathKey, u32> = BTreeMap::new();
            for (peer, path_id, comes) in steps {
                let key = PathKey { peer: PeerId(peer), path_id };
                if comes {
                    table.insert(prefix, key, &inserted, Instant::now());
                } else {
                    table.withdraw(prefix, key);
                }
                ids.keep(prefix, table.paths(prefix));
                model.retain(|key, _| table.paths(prefix).iter().any(|path| path.key() == *key));
                for path in table.paths(prefix) {
                    let number = ids.name(prefix, path.key());
                    prop_assert!(number != 0 && number <= 12);
                    prop_assert_eq!(*model.entry(path.key()).or_insert(number), number);
                }
                let mut numbers: Vec<u32> = model.values().copied().collect();
                numbers.sort_unstable();
                numbers.dedup();
                prop_assert_eq!(numbers.len(), model.len());
            }
        }
    }
}
