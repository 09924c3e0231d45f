//! The words with which a session is ended on purpose (RFC 4486, RFC 8538 §3, RFC 9003).
//!
//! Never ends anything; it only finds the NOTIFICATION for a reason.

use bgp_wire::AfiSafi;
use bgp_wire::notification::{Notification, Reason};
use nouns::Family;

use crate::session::StopReason;

/// What a peer is told when a session is stopped; `None` when the connection just closes, so that the
/// peer keeps our routes until we are back.
///
/// `hard` says that NOTIFICATIONs no longer end graceful restart by themselves (N bit on both sides): a stop
/// after which nobody comes back is then wrapped in a Hard Reset.
pub(crate) fn notification(reason: &StopReason, hard: bool) -> Option<Notification> {
    match reason {
        StopReason::AdministrativeShutdown(text) => {
            Some(for_good(Notification::with_text(Reason::AdministrativeShutdown, text), hard))
        }
        StopReason::AdministrativeReset(text) => Some(Notification::with_text(Reason::AdministrativeReset, text)),
        StopReason::HardReset(text) => Some(for_good(Notification::with_text(Reason::AdministrativeReset, text), hard)),
        StopReason::PeerDeconfigured => Some(for_good(Notification::new(Reason::PeerDeconfigured), hard)),
        StopReason::OtherConfigurationChange(_) => Some(Notification::new(Reason::OtherConfigurationChange)),
        // What it announced is not used any more, so ours is not to be kept either (RFC 9384 §3, RFC 8538 §3).
        StopReason::PathDown(_) => Some(for_good(Notification::new(Reason::BfdDown), hard)),
        StopReason::Restarting => None,
    }
}

/// The reason in the words of `show ip bgp neighbors`.
pub(crate) fn words(reason: &StopReason) -> String {
    match reason {
        StopReason::AdministrativeShutdown(text) => with_text("Administratively shut down", text),
        StopReason::AdministrativeReset(text) => with_text("Reset by the user", text),
        StopReason::HardReset(text) => with_text("Hard reset by the user", text),
        StopReason::PeerDeconfigured => "Neighbor deleted".to_owned(),
        StopReason::OtherConfigurationChange(leaves) => with_text("Configuration changed", leaves),
        StopReason::PathDown(why) => why.clone(),
        StopReason::Restarting => "This router restarts".to_owned(),
    }
}

/// Cease/1 with family and limit (RFC 4486 §4).
pub(crate) fn maximum_prefixes(family: Family, limit: u32, hard: bool) -> Notification {
    let AfiSafi { afi, safi } = family.into();
    let data = [afi.to_be_bytes().as_slice(), &[safi], &limit.to_be_bytes()].concat();
    for_good(Notification::with_data(Reason::MaximumPrefixes, data), hard)
}

/// Cease/8: there is no room for what the peer announces.
pub(crate) fn out_of_resources(hard: bool) -> Notification {
    for_good(Notification::new(Reason::OutOfResources), hard)
}

/// Cease/5: nobody is at home for this peer.
pub(crate) fn connection_rejected() -> Notification {
    Notification::new(Reason::ConnectionRejected)
}

/// Cease/7: another connection has the session.
pub(crate) fn collision() -> Notification {
    Notification::new(Reason::ConnectionCollision)
}

fn for_good(notification: Notification, hard: bool) -> Notification {
    if hard { Notification::hard_reset(&notification) } else { notification }
}

fn with_text(words: &str, text: &str) -> String {
    if text.is_empty() { words.to_owned() } else { format!("{words} ({text})") }
}
