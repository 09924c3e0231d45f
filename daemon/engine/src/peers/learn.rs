//! What a peer says of routes goes into the tables: judged, counted, kept.
//!
//! Never chooses between routes.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bgp::import::{self, ImportRules, Reject};
use bgp::policy::{Chain, Draft, NextHopChange, Source, Subject};
use bgp::session::Input;
use bgp_wire::attribute::{Community, NextHop, PathAttributes};
use bgp_wire::message::{Nlri, Update};
use nouns::{Family, IfName, Marks, Prefix};
use rib::attribute_sets::AttributeSets;
use rib::bgp_table::{Inserted, Path, PathKey, PeerId};
use rpki::Data;

use super::ahead::Ahead;
use super::settings;
use crate::effect::{Effect, Notice};
use crate::engine::Engine;
use crate::event::Moment;
use crate::validation::Way;

/// So many prefixes that are withdrawn are looked at together.
const AT_ONCE: usize = 16;

/// How long a peer may take to tell all its routes again.
const REFRESH: Duration = Duration::from_secs(360);

impl Engine {
    /// Takes in an UPDATE; what it withdraws was looked up ahead.
    pub(super) fn learn(&mut self, at: Moment, id: PeerId, update: Update, ahead: &mut Ahead, out: &mut Vec<Effect>) {
        self.tell_errors(at, id, &update, out);
        let paths_before = self.path_count();
        let damps = self.damps(id);
        for unreach in &update.unreach {
            self.heard = self.heard.saturating_add(unreach.nlri.len());
            let spots = ahead.take(&unreach.nlri, &self.prefixes);
            for (nlri, spots) in unreach.nlri.chunks(AT_ONCE).zip(spots.chunks(AT_ONCE)) {
                self.tables.of(unreach.family).touch(spots);
                for (nlri, spot) in nlri.iter().zip(spots) {
                    let there = self.tables.of_mut(unreach.family).withdraw(*spot, key(id, *nlri));
                    if let Some(parameters) = damps.filter(|_| there) {
                        self.flapped(at, unreach.family, (nlri.prefix, key(id, *nlri)), parameters);
                    }
                }
            }
            self.attribute_sets.released(unreach.nlri.len());
        }
        for reach in &update.reach {
            let Some(import) = self.import(id, reach.family) else { continue };
            let received = self.attribute_sets.intern(Arc::clone(&reach.attributes));
            let judged = import::check(&received, &import.rules);
            if let Err(reject) = &judged
                && let Some(peer) = self.peers.get_mut(id)
            {
                peer.session.count_rejected(*reject, u64::try_from(reach.nlri.len()).unwrap_or(u64::MAX));
            }
            self.heard = self.heard.saturating_add(reach.nlri.len());
            let mut inserted = None;
            for nlri in &reach.nlri {
                // One judgement serves every destination of an UPDATE, unless a policy looks at them.
                if import.policy.looks_at_prefix() {
                    inserted = None;
                }
                let refused =
                    nlri.prefix.is_martian().then(|| import.refuse(&received, Reject::MartianPrefix(nlri.prefix)));
                let inserted: &Inserted = match &refused {
                    Some(refused) => refused,
                    None => inserted
                        .get_or_insert_with(|| import.judge(&received, &judged, nlri.prefix, &self.attribute_sets)),
                };
                let route = (nlri.prefix, key(id, *nlri));
                let rests = damps.and_then(|damps| self.weighed(at, reach.family, (route, damps), inserted));
                let inserted = rests.as_ref().unwrap_or(inserted);
                self.tables.of_mut(reach.family).insert(route.0, route.1, inserted, at.instant);
            }
        }
        if let Some(family) = update.end_of_rib {
            self.end_of_rib(id, family);
        }
        self.monitor_update(at, id, &update);
        self.dump_update(at, id, &update);
        self.check_counts(at, id, out);
        self.hold_limits(at, id, paths_before, out);
    }

    /// Tells the session how many prefixes its peer has announced, where it minds.
    pub(crate) fn check_counts(&mut self, at: Moment, id: PeerId, out: &mut Vec<Effect>) {
        for family in Family::ALL {
            let Some(session) = self.peers.get(id).map(|peer| &peer.session) else { return };
            if session.config().maximum_prefix.is_empty() {
                return;
            }
            let count = u32::try_from(self.tables.of(family).received_count(id)).unwrap_or(u32::MAX);
            if session.minds_count(family, count) {
                self.drive(at, id, Input::PrefixCount(family, count), out);
            }
        }
    }

    /// Judges those paths of a prefix again that are concerned, after the rules changed.
    pub(crate) fn judge_again(&mut self, family: Family, prefix: Prefix, concerned: impl Fn(&Path) -> bool) {
        loop {
            let (mut unknown, mut left) = (Vec::new(), Vec::new());
            let Self { tables, imports, attribute_sets, damping, collectors, .. } = self;
            let judge = |path: &Path| {
                let peer = path.peer();
                if !concerned(path) {
                    return None;
                }
                let Some(judge) = imports.get_mut(&(peer, family)) else {
                    unknown.push(peer);
                    return None;
                };
                let (inserted, _) = judge.again(path, prefix, attribute_sets, &mut left);
                Some((damping.still_rests(family, (prefix, path.key()), &inserted).unwrap_or(inserted), false))
            };
            let tell = |key| collectors.note_judged(key, family, prefix);
            tables.of_mut(family).rejudge(prefix, judge, tell);
            attribute_sets.let_go_beside(&mut left);
            // Who judges is made once, and judges all paths until the rules change again.
            let made = unknown.into_iter().filter(|peer| self.import(*peer, family).is_some()).count();
            if made == 0 {
                break;
            }
        }
    }

    /// Drops every route of a peer in a family.
    pub(crate) fn drop_routes(&mut self, id: PeerId, family: Family) {
        let before = self.path_count();
        self.tables.of_mut(family).drop_peer(id);
        self.attribute_sets.released(before.saturating_sub(self.path_count()));
        self.peers.set_stale_until(id, family, None);
    }

    /// Drops the routes of a peer that are still stale.
    pub(crate) fn drop_stale(&mut self, id: PeerId, family: Family) {
        if self.peers.get(id).is_some_and(|peer| peer.stale_until.contains_key(&family)) {
            let before = self.path_count();
            self.tables.of_mut(family).sweep_stale(id);
            self.attribute_sets.released(before.saturating_sub(self.path_count()));
            self.peers.set_stale_until(id, family, None);
        }
    }

    /// A peer begins to tell all its routes of a family again. Before its End-of-RIB that means nothing (RFC 7313 §4).
    pub(crate) fn refresh_begins(&mut self, at: Moment, id: PeerId, family: Family) {
        let Some(peer) = self.peers.get(id) else { return };
        let restarts = peer.session.negotiated().is_some_and(|negotiated| negotiated.graceful_restart.is_some());
        if restarts && !peer.seen_end_of_rib.contains(&family) {
            return;
        }
        self.tables.of_mut(family).await_again(id);
        self.peers.set_refreshed_until(id, family, at.instant.checked_add(REFRESH));
    }

    /// A peer has told all its routes of a family again, or had the time to: those that it did not tell are gone.
    pub(crate) fn refresh_ends(&mut self, at: Moment, id: PeerId, family: Family, out: &mut Vec<Effect>) {
        let Some(peer) = self.peers.get(id).filter(|peer| peer.refreshed_until.contains_key(&family)) else { return };
        let address = peer.address;
        self.peers.set_refreshed_until(id, family, None);
        let swept = self.tables.of_mut(family).sweep_awaited(id);
        self.attribute_sets.released(swept);
        if swept > 0 {
            let text = format!("neighbor {address}: {swept} routes of {family} were not told again in a refresh");
            self.notice(at, Notice::warning(format!("{text}; they are dropped")), out);
        }
    }

    fn end_of_rib(&mut self, id: PeerId, family: Family) {
        if let Some(peer) = self.peers.get_mut(id) {
            peer.seen_end_of_rib.insert(family);
        }
        self.drop_stale(id, family);
    }

    /// One more judge of a peer's routes, who works beside the others.
    pub(super) fn judge_beside(&mut self, id: PeerId, family: Family) -> Option<Judge> {
        Some(Judge { import: self.import(id, family)?, last: None })
    }

    /// What routes of a peer are judged by; made once, until something that it rests on changes.
    fn import(&mut self, id: PeerId, family: Family) -> Option<Arc<Import>> {
        if let Some(known) = self.imports.get(&(id, family)) {
            return Some(Arc::clone(&known.import));
        }
        let made = Arc::new(self.make_import(id, family)?);
        self.imports.insert((id, family), Judge { import: Arc::clone(&made), last: None });
        Some(made)
    }

    fn make_import(&self, id: PeerId, family: Family) -> Option<Import> {
        let bgp = self.running.model.bgp.as_deref()?;
        let peer = self.peers.get(id)?;
        let (remote_as, internal) = peer.known?;
        let member = bgp.is_member(peer.settings.remote_as);
        let policies = peer.settings.policies.of(family);
        let policy = self.policies.chain(family, &policies.import);
        Some(Import {
            rules: ImportRules {
                router_as: bgp.asn,
                local_as: settings::local_as(bgp, &peer.settings),
                prepend_local_as: peer.settings.local_as.is_some_and(|local| !local.no_prepend),
                remote_as,
                router_id: self.router_id(),
                cluster_id: settings::cluster_id(bgp, self.router_id()),
                internal,
                confederation: bgp.confederation.as_ref().map(|all| all.identifier),
                member,
                requires_policy: bgp.ebgp_requires_policy && !internal && !member && policies.import.is_empty(),
                reject_as_sets: bgp.reject_as_sets,
                allow_martian_next_hops: bgp.allow_martian_nexthop,
                own_as_allowed: policies.paths.allowas_in.unwrap_or(0),
                enforce_first_as: settings::enforces_first_as(bgp, &peer.settings),
                graceful_shutdown: settings::is_shutting_down(bgp, &peer.settings),
                role: peer.settings.local_role.map(|local| settings::role(local.role)),
            },
            way: self.way_of(peer).filter(|_| policy.looks_at_path_validity()),
            rpki: policy.asks_the_rpki().then(|| Arc::clone(self.validation.data())),
            interface: if policy.looks_at_interface() { self.interface_to(peer) } else { None },
            policy,
            peer: peer.address,
            default_local_pref: bgp.default_local_pref,
            marks: Marks { weight: policies.weight.unwrap_or(0), ..Marks::default() },
            long_lived: peer.long_lived.contains(&family),
        })
    }

    /// Whether a peer's routes are judged by what the RPKI says of their paths.
    pub(crate) fn judges_by_path_validity(&mut self, id: PeerId, family: Family) -> bool {
        self.import(id, family).is_some_and(|import| import.way.is_some())
    }

    /// Whether a peer's routes are judged by what the RPKI says of their origins.
    pub(crate) fn judges_by_validity(&mut self, id: PeerId, family: Family) -> bool {
        self.import(id, family).is_some_and(|import| import.policy.looks_at_validity())
    }

    fn tell_errors(&mut self, at: Moment, id: PeerId, update: &Update, out: &mut Vec<Effect>) {
        let Some(address) = self.peers.get(id).map(|peer| peer.address) else { return };
        for error in &update.errors {
            self.notice(at, Notice::warning(format!("neighbor {address}: {error}")), out);
        }
    }
}

fn key(peer: PeerId, nlri: Nlri) -> PathKey {
    PathKey { peer, path_id: nlri.path_id }
}

/// Who judges the routes of one peer and family.
#[derive(Clone)]
pub(crate) struct Judge {
    import: Arc<Import>,
    /// The last path that was judged again, while a walk goes on; none where the policy looks at more than the path.
    last: Option<Last>,
}

/// A path that was judged again.
#[derive(Clone)]
struct Last {
    /// As it was.
    before: Path,
    /// What it became.
    inserted: Inserted,
    /// Whether that left its rank as it was.
    alike: bool,
}

impl Judge {
    /// What becomes of a path whose judgement is an older one, and whether that leaves its rank as it is
    /// (`Inserted::ranks_as`). Sets that may have lost their last holder gather in `left`.
    pub(super) fn again(
        &mut self,
        path: &Path,
        prefix: Prefix,
        sets: &AttributeSets,
        left: &mut Vec<Arc<PathAttributes>>,
    ) -> (Inserted, bool) {
        let Self { import, last } = self;
        let received = path.received();
        let ranked = |inserted: Inserted| {
            let alike = inserted.ranks_as(path);
            (inserted, alike)
        };
        if prefix.is_martian() {
            return ranked(import.refuse(received, Reject::MartianPrefix(prefix)));
        }
        // Neighboring prefixes of a peer often came with the same attributes.
        if let Some(last) = last.as_ref() {
            if last.before.shares_all_with(path) {
                return (last.inserted.clone(), last.alike);
            }
            if Arc::ptr_eq(last.before.received(), received) {
                return ranked(last.inserted.clone());
            }
        }
        // Nobody else may hold what the last one was any more.
        left.extend(last.take().map(|last| last.before.into_attributes()));
        let judged = import::check(received, &import.rules);
        let (inserted, alike) = ranked(import.judge(received, &judged, prefix, sets));
        if !import.policy.looks_at_prefix() {
            *last = Some(Last { before: path.clone(), inserted: inserted.clone(), alike });
        }
        (inserted, alike)
    }

    /// The walk is over: nothing is held on to that the tables may let go of.
    pub(crate) fn rest(&mut self) {
        self.last = None;
    }

    /// Whether it asks the RPKI.
    pub(crate) fn asks_the_rpki(&self) -> bool {
        self.import.rpki.is_some()
    }
}

/// What routes of one peer and family are judged by.
struct Import {
    rules: ImportRules,
    policy: Chain,
    peer: IpAddr,
    default_local_pref: u32,
    interface: Option<IfName>,
    /// What the RPKI says, where the policy asks for it.
    rpki: Option<Arc<Data>>,
    /// Which way the peer's routes come, where the policy asks what the RPKI says of paths.
    way: Option<Way>,
    marks: Marks,
    /// The peer is away, and what it said is long-lived stale (RFC 9494 §4.2).
    long_lived: bool,
}

impl Import {
    /// A route that is kept for inspection only.
    fn refuse(&self, received: &Arc<PathAttributes>, why: Reject) -> Inserted {
        Inserted::new(Arc::clone(received), Arc::clone(received), Some(why.to_string().into()), self.marks)
    }

    /// What goes into the table of a route: `judged` by the rules of BGP already, and now by the policy.
    fn judge(
        &self,
        received: &Arc<PathAttributes>,
        judged: &Result<Arc<PathAttributes>, Reject>,
        prefix: Prefix,
        sets: &AttributeSets,
    ) -> Inserted {
        let rejected = |reason| Inserted::new(Arc::clone(received), Arc::clone(received), Some(reason), self.marks);
        let accepted = match judged {
            Ok(attributes) => attributes,
            Err(reject) => return self.refuse(received, *reject),
        };
        let origin = || received.as_path.validated_origin(self.rules.router_as);
        let subject = Subject {
            prefix,
            source: Source::Bgp,
            peer: Some(self.peer),
            nowhere: false,
            interface: self.interface.as_ref(),
            validity: self.rpki.as_ref().map(|data| data.vrps.validity(prefix, origin())),
            path_validity: self.rpki.as_ref().zip(self.way).map(|(data, way)| way.judge(data, &received.as_path)),
            shares: None,
        };
        let has = |community: Community| received.communities.contains(&community.0);
        if self.long_lived && has(Community::NO_LLGR) {
            return rejected("its neighbor is away, and the community no-llgr forbids to keep it any longer".into());
        }
        let long_lived = self.long_lived || has(Community::LLGR_STALE);
        let marks = Marks { long_lived, ..self.marks };
        let mut draft = Draft::new(accepted, marks, self.default_local_pref);
        if let Err(denial) = self.policy.apply(&subject, &mut draft) {
            return rejected(denial);
        }
        let next_hop = match draft.next_hop {
            Some(NextHopChange::Address(address)) => Some(address),
            Some(NextHopChange::PeerAddress) => Some(self.peer),
            Some(NextHopChange::ThisRouter | NextHopChange::Unchanged) | None => None,
        };
        if let Some(address) = next_hop {
            draft.attributes.to_mut().next_hop = NextHop { address, link_local: None };
        }
        if long_lived && !draft.attributes.communities.contains(&Community::LLGR_STALE.0) {
            draft.attributes.to_mut().communities.push(Community::LLGR_STALE.0);
        }
        let attributes = match draft.attributes {
            // What was received is one of the sets already.
            Cow::Borrowed(_) if Arc::ptr_eq(accepted, received) => Arc::clone(received),
            Cow::Borrowed(_) => sets.intern_beside(Arc::clone(accepted)),
            Cow::Owned(changed) => sets.intern_beside(Arc::new(changed)),
        };
        Inserted::new(attributes, Arc::clone(received), None, draft.marks)
    }
}
