//! `show bmp`: the collectors, and how it stands with them.
//!
//! Never dials one.

use api::View;
use api::view::bmp::{BmpCollector, BmpCollectorState, BmpCollectors};

use super::{number, seconds};
use crate::collectors::Standing;
use crate::engine::Engine;
use crate::event::Moment;

pub(crate) fn collectors(engine: &Engine, at: Moment) -> View {
    let one = |(name, wish, standing): (&String, _, Standing<'_>)| {
        let wish: &config::model::bgp::BmpTarget = wish;
        let (state, up, retry) = match (standing.open_since, standing.next_dial) {
            (Some(since), _) if standing.tables_told => (BmpCollectorState::Connected, Some(since), None),
            (Some(since), _) => (BmpCollectorState::TellingTables, Some(since), None),
            (None, Some(next)) => (BmpCollectorState::Waiting, None, Some(next)),
            (None, None) => (BmpCollectorState::Connecting, None, None),
        };
        BmpCollector {
            name: name.clone(),
            address: wish.address,
            port: wish.port,
            state,
            up: up.map(|since| seconds(since, at.instant)),
            retry: retry.map(|next| seconds(at.instant, next)),
            unread: number(standing.unread),
            failure: standing.failure.map(str::to_owned),
        }
    };
    View::BmpCollectors(BmpCollectors { collectors: engine.collectors.standing().map(one).collect() })
}
