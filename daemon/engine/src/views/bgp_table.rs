//! `show ip bgp` with its filters, the routes of one neighbor, and how many it has: what is seen prefix after prefix.
//!
//! Never walks by itself, and never decides: it asks the decision what it did.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use api::request::NeighborRoutes;
use api::view::BgpPrefixCounts;
use api::view::bgp::{BgpTable, BgpTablePath, BgpTableRoute, PathStatus, TableNeighbor};
use api::view::bgp_counts::RefusedPrefixes;
use api::{ApiError, View};
use grammar::commands::TableFilter;
use nouns::{Family, Prefix};
use rib::bgp_table::{Path, PeerId};

use super::bgp::{line, neighbor, order, shown, version};
use super::sieve::Sieve;
use super::{configured, number};
use crate::engine::Engine;

/// A look at a table, and what was seen so far.
#[derive(Debug)]
pub(crate) struct Look {
    family: Family,
    what: What,
    routes: Vec<BgpTableRoute>,
}

/// Why paths were refused, and how many for each reason.
type Reasons = BTreeMap<Arc<str>, u64>;

/// What is looked for.
#[derive(Debug)]
enum What {
    /// Paths that pass.
    Table(Sieve),
    /// What a neighbor sent.
    Received(PeerId, TableNeighbor),
    /// What a neighbor was told.
    Advertised(PeerId, TableNeighbor),
    /// How many routes a neighbor sent.
    Counts(PeerId, Box<BgpPrefixCounts>, Reasons),
}

impl Look {
    /// `show ip bgp …`
    pub(crate) fn table(engine: &Engine, family: Family, filter: &TableFilter) -> Result<Self, ApiError> {
        configured(engine)?;
        let sieve = Sieve::new(engine, family, filter)?;
        Ok(Self { family, what: What::Table(sieve), routes: Vec::new() })
    }

    /// `show ip bgp neighbors A received-routes` and its like
    pub(crate) fn routes_of(
        engine: &Engine,
        family: Family,
        address: IpAddr,
        which: NeighborRoutes,
    ) -> Result<Self, ApiError> {
        configured(engine)?;
        let peer = neighbor(engine, address)?.id;
        let of = TableNeighbor { address, which };
        Ok(match which {
            NeighborRoutes::Advertised => {
                let mut look = Self { family, what: What::Advertised(peer, of), routes: Vec::new() };
                let default = crate::peers::review::default_route(family);
                // The default route may be told of without a path of its own.
                if engine.tables.of(family).paths(default).is_empty() {
                    look.see(engine, default, &[]);
                }
                look
            }
            NeighborRoutes::Received | NeighborRoutes::Accepted | NeighborRoutes::Filtered => {
                Self { family, what: What::Received(peer, of), routes: Vec::new() }
            }
        })
    }

    /// `show ip bgp neighbors A prefix-counts`
    pub(crate) fn counts(engine: &Engine, family: Family, address: IpAddr) -> Result<Self, ApiError> {
        configured(engine)?;
        let peer = neighbor(engine, address)?.id;
        let counts = BgpPrefixCounts {
            family,
            address,
            received: 0,
            accepted: 0,
            filtered: 0,
            stale: 0,
            valid: 0,
            best: 0,
            multipath: 0,
            advertised: number(engine.groups.count_known_by(peer, family)),
            refused: Vec::new(),
        };
        Ok(Self { family, what: What::Counts(peer, Box::new(counts), Reasons::new()), routes: Vec::new() })
    }

    pub(crate) fn family(&self) -> Family {
        self.family
    }

    /// Where the walk begins; at the first prefix of the family if at none.
    pub(crate) fn begins_at(&self) -> Option<Prefix> {
        match &self.what {
            What::Table(sieve) => sieve.begins_at(),
            _ => None,
        }
    }

    /// Whether the walk may end before a prefix.
    pub(crate) fn ends_before(&self, prefix: Prefix) -> bool {
        matches!(&self.what, What::Table(sieve) if sieve.ends_before(prefix))
    }

    /// Looks at one prefix.
    pub(crate) fn see(&mut self, engine: &Engine, prefix: Prefix, paths: &[Path]) {
        let family = self.family;
        let paths = match &mut self.what {
            What::Table(sieve) => {
                if !sieve.lets_prefix_through(prefix)
                    || !paths.iter().any(|path| sieve.lets_through(engine, prefix, path))
                {
                    return;
                }
                let passed = order(engine, family, prefix, paths)
                    .into_iter()
                    .filter(|(path, _)| sieve.lets_through(engine, prefix, path));
                passed.map(|(path, status)| shown(engine, family, prefix, path, status)).collect()
            }
            What::Received(peer, of) => received(engine, family, prefix, paths, (*peer, of.which)),
            What::Advertised(peer, _) => {
                let status = PathStatus { valid: true, best: true, ..PathStatus::default() };
                let told = engine.advertised(*peer, family, prefix);
                told.iter().map(|(path_id, attributes)| line(attributes, *path_id, status, 0, None)).collect()
            }
            What::Counts(peer, counts, reasons) => {
                if paths.iter().any(|path| path.peer() == *peer) {
                    count(engine, family, (prefix, paths), *peer, counts, reasons);
                }
                return;
            }
        };
        if !paths.is_empty() {
            self.routes.push(BgpTableRoute { prefix, paths });
        }
    }

    /// What was seen.
    pub(crate) fn view(self, engine: &Engine) -> Result<View, ApiError> {
        let bgp = configured(engine)?;
        let neighbor = match self.what {
            What::Counts(_, counts, reasons) => {
                let refused = reasons.into_iter();
                let mut refused: Vec<RefusedPrefixes> = refused
                    .map(|(reason, prefixes)| RefusedPrefixes { reason: reason.to_string(), prefixes })
                    .collect();
                refused.sort_by_key(|one| std::cmp::Reverse(one.prefixes));
                return Ok(View::BgpPrefixCounts(BgpPrefixCounts { refused, ..*counts }));
            }
            What::Table(_) => None,
            What::Received(_, of) | What::Advertised(_, of) => Some(of),
        };
        Ok(View::BgpTable(BgpTable {
            family: self.family,
            table_version: version(engine, self.family),
            router_id: engine.router_id,
            local_as: bgp.asn,
            neighbor,
            routes: self.routes,
        }))
    }
}

/// The paths of a neighbor to a prefix.
fn received(
    engine: &Engine,
    family: Family,
    prefix: Prefix,
    paths: &[Path],
    (peer, which): (PeerId, NeighborRoutes),
) -> Vec<BgpTablePath> {
    let wanted = |path: &Path| {
        path.peer() == peer
            && match which {
                NeighborRoutes::Accepted => path.rejected().is_none(),
                NeighborRoutes::Filtered => path.rejected().is_some(),
                NeighborRoutes::Received | NeighborRoutes::Advertised => true,
            }
    };
    if !paths.iter().any(wanted) {
        return Vec::new();
    }
    let own = order(engine, family, prefix, paths).into_iter().filter(|(path, _)| wanted(path));
    own.map(|(path, status)| shown(engine, family, prefix, path, status)).collect()
}

fn count(
    engine: &Engine,
    family: Family,
    (prefix, paths): (Prefix, &[Path]),
    peer: PeerId,
    counts: &mut BgpPrefixCounts,
    reasons: &mut Reasons,
) {
    let own = order(engine, family, prefix, paths).into_iter().filter(|(path, _)| path.peer() == peer);
    for (path, status) in own {
        if let Some(reason) = path.rejected() {
            let known = reasons.entry(Arc::clone(reason)).or_default();
            *known = known.saturating_add(1);
        }
        for (counter, counts_here) in [
            (&mut counts.received, true),
            (&mut counts.accepted, !status.filtered),
            (&mut counts.filtered, status.filtered),
            (&mut counts.stale, status.stale),
            (&mut counts.valid, status.valid),
            (&mut counts.best, status.best),
            (&mut counts.multipath, status.multipath),
        ] {
            *counter = counter.saturating_add(u64::from(counts_here));
        }
    }
}
