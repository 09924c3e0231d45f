//! Which routes of a lost peer stay for a while (RFC 4724 §4.2, RFC 8538 §4).
//!
//! Never a timer: the caller counts the seconds, and flushes earlier when it knows better.

use bgp_wire::notification::Notification;
use nouns::Family;

use crate::session::Negotiated;

/// How a session ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ending<'a> {
    /// The connection broke, or the peer closed it without a word.
    Lost,
    /// Nothing was heard for the hold time.
    Silent,
    /// We found fault and said so.
    Sent(&'a Notification),
    /// The peer said so.
    Received(&'a Notification),
    /// A person, the configuration or a limit ended it.
    OnPurpose,
}

/// The families whose routes stay as stale, and for how many seconds at most.
pub(crate) fn keep_stale(negotiated: &Negotiated, ending: Ending<'_>) -> Vec<(Family, u16)> {
    let Some(restart) = negotiated.graceful_restart.as_ref().filter(|restart| restart.restart_time > 0) else {
        return Vec::new();
    };
    let keeps = match ending {
        Ending::Lost => true,
        // Without RFC 8538 the NOTIFICATION that we send then ends the routes, too (RFC 4271 §6.5).
        Ending::Silent => restart.notification,
        Ending::Sent(notification) | Ending::Received(notification) => {
            restart.notification && !notification.is_hard_reset()
        }
        Ending::OnPurpose => false,
    };
    let families = restart.families.iter().map(|(family, _)| *family);
    families
        .filter(|family| keeps && negotiated.families.contains(family))
        .map(|family| (family, restart.restart_time))
        .collect()
}
