//! Sessions of BFD as a view shows them.
//!
//! Never asks a session anything: a report is a copy.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use api::view::BfdPeers;
use api::view::bfd::{BfdDown, BfdSession, BfdTimers};
use bfd::{Report, Session};

/// Fills in how the listed sessions are.
pub(super) fn complete(view: &mut BfdPeers, reports: &[Report], now: Instant) {
    for peer in &mut view.peers {
        let on = |report: &Report| report.key.link.as_ref().map(|link| &link.name) == peer.interface.as_ref();
        let report = reports.iter().find(|report| report.key.peer == peer.peer && on(report));
        peer.session = report.map(|report| session(&report.session, now));
    }
}

fn session(session: &Session, now: Instant) -> BfdSession {
    let (told, counters, settings) = (session.told(), session.counters(), session.settings());
    let ago = |when: Instant| now.saturating_duration_since(when).as_secs();
    BfdSession {
        id: session.discriminator().get(),
        remote_id: told.map(|told| told.discriminator).map_or(0, NonZeroU32::get),
        passive: settings.passive,
        status: session.state().to_string(),
        since: ago(session.since()),
        diagnostic: session.diagnostic().to_string(),
        remote_diagnostic: told.map(|told| told.diagnostic).unwrap_or_default().to_string(),
        remote_status: told.map(|told| told.state.to_string()),
        remote_control_plane_independent: told.is_some_and(|told| told.control_plane_independent),
        last_down: session.last_down().map(|(when, why)| BfdDown { ago: ago(when), reason: why.to_string() }),
        local_timers: BfdTimers {
            multiplier: settings.multiplier.get(),
            receive: milliseconds(settings.receive),
            transmit: milliseconds(settings.transmit),
            echo_receive: 0,
        },
        remote_timers: told.map(|told| BfdTimers {
            multiplier: told.multiplier.get(),
            receive: milliseconds(told.required_min_rx),
            transmit: milliseconds(told.desired_min_tx),
            echo_receive: milliseconds(told.required_min_echo_rx),
        }),
        transmit_interval: session.transmit_interval().map(milliseconds),
        detection_time: session.detection_time().map(milliseconds),
        sent: counters.sent,
        received: counters.received,
        unproven: counters.unproven,
        ups: counters.ups,
        downs: counters.downs,
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
