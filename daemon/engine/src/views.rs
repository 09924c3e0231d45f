//! Views: inner values become the typed answers of the interface.
//!
//! Inner types are not serialisable on purpose; what crosses the socket is made here by hand. Never renders text.

pub(crate) mod balancer;
pub(crate) mod bfd;
pub(crate) mod bgp;
pub(crate) mod bgp_neighbor;
pub(crate) mod bgp_path;
pub(crate) mod bgp_table;
pub(crate) mod bmp;
pub(crate) mod damping;
pub(crate) mod interface;
pub(crate) mod policy;
pub(crate) mod policy_test;
pub(crate) mod route;
pub(crate) mod rpki;
pub(crate) mod sieve;
pub(crate) mod system;

use std::time::Instant;

use api::ApiError;
use config::model::Bgp;

use crate::engine::Engine;

/// Whole seconds from one moment to a later one.
fn seconds(from: Instant, to: Instant) -> u64 {
    to.saturating_duration_since(from).as_secs()
}

/// A count as it crosses the interface.
pub(crate) fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// The BGP settings, or the error that there are none.
fn configured(engine: &Engine) -> Result<&Bgp, ApiError> {
    engine.running.model.bgp.as_deref().ok_or_else(|| {
        ApiError::new("bgp-not-configured", "BGP is not configured")
            .hint("configure mode: 'set protocols bgp <asn> neighbor <address> remote-as <asn>'")
    })
}
