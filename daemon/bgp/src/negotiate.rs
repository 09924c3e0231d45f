//! Our OPEN, and what comes of the peer's (RFC 4271 §6.2, RFC 5492).
//!
//! Never sends anything: a refusal comes back as the NOTIFICATION and the words for the log.

mod describe;
#[cfg(test)]
mod tests;

use bgp_wire::capability::Capability;
use bgp_wire::message::Open;
use bgp_wire::notification::{Notification, Reason};
use bgp_wire::{AfiSafi, Negotiated as Codec};
use nouns::{Asn, Family};

use crate::role::Role;
use crate::session::{ExpectedAs, Negotiated, OwnRestart, PeerRestart, RestartRole, SessionConfig};

/// ADD-PATH: we would receive several paths (RFC 7911 §4).
const RECEIVE: u8 = 1;
/// ADD-PATH: the peer would send several paths; 3 is both.
const SEND: u8 = 2;

/// Why the peer's OPEN is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What the peer is told.
    pub notification: Notification,
    /// What the operator is told: what was wrong, and what to do.
    pub text: String,
}

/// Our OPEN.
///
/// Graceful restart lists both families whatever is configured: a restarting Kubernetes node withholds its
/// routes until it has our End-of-RIB of every family, and older ones of families that we do not offer at all.
#[must_use]
pub fn our_open(config: &SessionConfig, own: OwnRestart) -> Open {
    let mut capabilities: Vec<Capability> =
        config.families.iter().map(|family| Capability::multiprotocol(*family)).collect();
    capabilities.push(Capability::RouteRefresh);
    capabilities.push(Capability::EnhancedRouteRefresh);
    if config.families.contains(&Family::Ipv4Unicast) {
        capabilities.push(Capability::ExtendedNextHop(vec![Family::Ipv4Unicast]));
    }
    capabilities.push(Capability::ExtendedMessage);
    if config.graceful_restart != RestartRole::Disabled {
        let full = config.graceful_restart == RestartRole::Full;
        capabilities.push(Capability::GracefulRestart {
            restarting: full && own.restarting,
            notification: true,
            time: if full { config.restart_time } else { 0 },
            families: Family::ALL.map(|family| (family, full && own.forwarding)).to_vec(),
        });
        // It means nothing without the other one (RFC 9494 §3.1).
        capabilities.extend(config.long_lived.map(|seconds| {
            let one = |family| (family, full && own.forwarding, if full { seconds } else { 0 });
            Capability::LongLivedGracefulRestart(Family::ALL.map(one).to_vec())
        }));
    }
    capabilities.extend(config.role.map(|role| Capability::Role(role.code())));
    capabilities.push(Capability::FourOctetAs(config.local_as));
    let paths: Vec<(Family, u8)> =
        config.families.iter().map(|family| (*family, path_modes(config, *family))).collect();
    if paths.iter().any(|(_, mode)| *mode != 0) {
        capabilities.push(Capability::AddPath(paths.into_iter().filter(|(_, mode)| *mode != 0).collect()));
    }
    let filters: Vec<(Family, u8)> = config
        .families
        .iter()
        .map(|family| (*family, filter_modes(config, *family)))
        .filter(|(_, mode)| *mode != 0)
        .collect();
    if !filters.is_empty() {
        capabilities.push(Capability::OutboundFilter(filters));
    }
    Open { asn: config.local_as, hold_time: config.hold_time, router_id: config.router_id, capabilities }
}

/// Which directions of several paths we offer in a family; 0 for neither.
fn path_modes(config: &SessionConfig, family: Family) -> u8 {
    let directions = [(&config.add_path_receive, RECEIVE), (&config.add_path_send, SEND)];
    directions.iter().filter(|(families, _)| families.contains(&family)).map(|(_, mode)| mode).sum()
}

/// The same of filters; the numbers of the directions are the same (RFC 5291 §5).
fn filter_modes(config: &SessionConfig, family: Family) -> u8 {
    let directions = [(&config.filter_receive, RECEIVE), (&config.filter_send, SEND)];
    directions.iter().filter(|(families, _)| families.contains(&family)).map(|(_, mode)| mode).sum()
}

/// The families in which we offered one direction of filters and the peer the other one.
fn filters(families: &[Family], ours: &[Family], open: &Open, theirs: u8) -> Vec<Family> {
    let offers = |family: &Family| {
        open.capabilities.iter().any(|capability| match capability {
            Capability::OutboundFilter(all) => all.iter().any(|(of, mode)| of == family && mode & theirs != 0),
            _ => false,
        })
    };
    families.iter().copied().filter(|family| ours.contains(family) && offers(family)).collect()
}

/// What both sides agree on, judged by the peer's OPEN.
///
/// # Errors
/// A `Refusal` for a wrong AS (2/2), a hold time of 1 or 2 s (2/6), a BGP identifier that is zero or, within
/// one AS, our own (2/3, RFC 6286), for no family in common (2/7), and for a role that does not suit ours (2/11).
pub fn negotiate(config: &SessionConfig, open: &Open) -> Result<Negotiated, Refusal> {
    check_as(config, open)?;
    check_identity(config, open)?;
    let families: Vec<Family> =
        config.families.iter().copied().filter(|family| open.families().contains(family)).collect();
    if families.is_empty() {
        return Err(no_common_family(config, open));
    }
    let internal = open.asn == config.local_as;
    let remote_role = if internal || config.confederation { None } else { check_role(config, open)? };
    let hold_time = Some(config.hold_time.min(open.hold_time)).filter(|seconds| *seconds > 0);
    let offers = |capability: &Capability| open.capabilities.contains(capability);
    Ok(Negotiated {
        remote_as: open.asn,
        remote_router_id: open.router_id,
        internal,
        hold_time,
        keepalive: hold_time.map(|hold| keepalive(config, hold)),
        codec: Codec { confederation: config.confederation, ..codec(config, open, internal, &families) },
        filter_send: filters(&families, &config.filter_send, open, RECEIVE),
        filter_receive: filters(&families, &config.filter_receive, open, SEND),
        families,
        route_refresh: offers(&Capability::RouteRefresh),
        enhanced_refresh: offers(&Capability::EnhancedRouteRefresh),
        graceful_restart: peer_restart(open, config.long_lived.is_some())
            .filter(|_| config.graceful_restart != RestartRole::Disabled),
        remote_role,
        capabilities: describe::both(&our_open(config, OwnRestart::default()).capabilities, &open.capabilities),
        hostname: open.capabilities.iter().find_map(describe::hostname),
        software: open.capabilities.iter().find_map(describe::software),
    })
}

fn check_as(config: &SessionConfig, open: &Open) -> Result<(), Refusal> {
    let (as_expected, expected) = match config.expected_as {
        ExpectedAs::Exactly(asn) => (open.asn == asn, format!("AS {asn}")),
        ExpectedAs::AnyBut(asn) => (open.asn != asn, format!("any AS but {asn}")),
    };
    if as_expected && open.asn != Asn(0) {
        return Ok(());
    }
    let text = format!("the neighbor is AS {}, but remote-as expects {expected}", open.asn);
    Err(Refusal { notification: Notification::new(Reason::BadPeerAs), text })
}

fn check_identity(config: &SessionConfig, open: &Open) -> Result<(), Refusal> {
    if matches!(open.hold_time, 1 | 2) {
        let text = format!("the neighbor proposes a hold time of {} s, at least 3 s are needed", open.hold_time);
        return Err(Refusal { notification: Notification::new(Reason::UnacceptableHoldTime), text });
    }
    let ours = open.router_id == config.router_id && open.asn == config.local_as;
    if open.router_id.is_unspecified() || ours {
        let why = if ours { "is this router's too: every router of an AS needs its own" } else { "is not allowed" };
        let text = format!("the neighbor's router-id {} {why}", open.router_id);
        return Err(Refusal { notification: Notification::new(Reason::BadBgpIdentifier), text });
    }
    Ok(())
}

/// The peer's role, where it suits ours (RFC 9234 §4.2). Without a role of ours, the peer's says nothing.
fn check_role(config: &SessionConfig, open: &Open) -> Result<Option<Role>, Refusal> {
    let mut codes = open.capabilities.iter().filter_map(|capability| match capability {
        Capability::Role(code) => Some(*code),
        _ => None,
    });
    let code = codes.next();
    let theirs = code.and_then(Role::from_code);
    let Some(ours) = config.role else { return Ok(theirs) };
    let expected = ours.counterpart();
    let text = match (code, theirs) {
        _ if codes.any(|other| Some(other) != code) => "the neighbor says that it has several roles".to_owned(),
        (None, _) if !config.role_strict => return Ok(None),
        (None, _) => format!("the neighbor tells no role, and local-role is strict: it has to be {expected}"),
        (_, Some(theirs)) if theirs == expected => return Ok(Some(theirs)),
        (_, Some(theirs)) => {
            format!("the neighbor's role is {theirs}, but local-role {ours} expects {expected}; correct one of them")
        }
        (Some(code), None) => format!("the neighbor's role {code} is unknown, local-role {ours} expects {expected}"),
    };
    Err(Refusal { notification: Notification::new(Reason::RoleMismatch), text })
}

/// The data lists the capabilities that we miss (RFC 5492 §5).
fn no_common_family(config: &SessionConfig, open: &Open) -> Refusal {
    let data = config.families.iter().flat_map(|family| {
        let AfiSafi { afi, safi } = (*family).into();
        let [high, low] = afi.to_be_bytes();
        [1, 4, high, low, 0, safi]
    });
    let names = |families: &[Family]| match families {
        [] => "none of ours".to_owned(),
        some => some.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and "),
    };
    Refusal {
        notification: Notification::with_data(Reason::UnsupportedCapability, data.collect()),
        text: format!(
            "no address family in common: the neighbor offers {}, configured here is {}",
            names(&open.families()),
            names(&config.families)
        ),
    }
}

/// Seconds between keepalives: the configured interval, at most a third of the hold time (RFC 4271 §4.4), at least a second.
pub(crate) fn keepalive(config: &SessionConfig, hold: u16) -> u16 {
    let third = (hold / 3).max(1);
    if config.keepalive == 0 { third } else { config.keepalive.min(third) }
}

fn codec(config: &SessionConfig, open: &Open, internal: bool, families: &[Family]) -> Codec {
    let has = |test: fn(&Capability) -> bool| open.capabilities.iter().any(test);
    // What one side would send, the other has to receive (RFC 7911 §4).
    let paths = |ours: &[Family], theirs: u8| -> Vec<Family> {
        let offer = |family: &Family| {
            open.capabilities.iter().any(|capability| match capability {
                Capability::AddPath(offers) => {
                    offers.iter().any(|(offered, mode)| offered == family && *mode <= 3 && mode & theirs != 0)
                }
                _ => false,
            })
        };
        families.iter().copied().filter(|family| ours.contains(family) && offer(family)).collect()
    };
    Codec {
        four_octet_as: has(|capability| matches!(capability, Capability::FourOctetAs(_))),
        extended_message: has(|capability| *capability == Capability::ExtendedMessage),
        internal,
        confederation: false,
        // Import judges them, so that another configuration needs no refresh from the peer.
        as_sets: true,
        martian_next_hops: true,
        families: families.to_vec(),
        add_path_receive: paths(&config.add_path_receive, SEND),
        add_path_send: paths(&config.add_path_send, RECEIVE),
        extended_next_hop: has(
            |capability| matches!(capability, Capability::ExtendedNextHop(families) if families.contains(&Family::Ipv4Unicast)),
        ),
    }
}

fn peer_restart(open: &Open, long_lived: bool) -> Option<PeerRestart> {
    let long_lived = open.capabilities.iter().find_map(|capability| match capability {
        Capability::LongLivedGracefulRestart(families) if long_lived => Some(families.clone()),
        _ => None,
    });
    open.capabilities.iter().find_map(|capability| match capability {
        Capability::GracefulRestart { restarting, notification, time, families } => Some(PeerRestart {
            restarting: *restarting,
            notification: *notification,
            restart_time: *time,
            families: families.clone(),
            long_lived: long_lived.clone(),
        }),
        _ => None,
    })
}
