//! Which routes of a lost peer stay for a while (RFC 4724 §4.2, RFC 8538 §4).
//!
//! Never a timer: the caller counts the seconds, and flushes earlier when it knows better.

use bgp_wire::notification::Notification;
use nouns::Family;

use crate::session::{Kept, Negotiated};

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

/// What stays of the peer's routes.
pub(crate) fn keep_stale(negotiated: &Negotiated, ending: Ending<'_>) -> Kept {
    let Some(restart) = negotiated.graceful_restart.as_ref() else { return Kept::default() };
    let keeps = match ending {
        Ending::Lost => true,
        // Without RFC 8538 the NOTIFICATION that we send then ends the routes, too (RFC 4271 §6.5).
        Ending::Silent => restart.notification,
        Ending::Sent(notification) | Ending::Received(notification) => {
            restart.notification && !notification.is_hard_reset()
        }
        Ending::OnPurpose => false,
    };
    if !keeps {
        return Kept::default();
    }
    let long = restart.long_lived.iter().flatten();
    let long: Vec<(Family, u32)> =
        long.filter(|(_, _, seconds)| *seconds > 0).map(|(family, _, seconds)| (*family, *seconds)).collect();
    let stays = |family: &Family| {
        let long_lived = long.iter().any(|(long, _)| long == family);
        negotiated.families.contains(family) && (restart.restart_time > 0 || long_lived)
    };
    let families = restart.families.iter().map(|(family, _)| *family);
    let stale: Vec<(Family, u16)> = families.filter(stays).map(|family| (family, restart.restart_time)).collect();
    let long_lived = long.iter().copied().filter(|(family, _)| stale.iter().any(|(kept, _)| kept == family));
    Kept { long_lived: long_lived.collect(), stale }
}
