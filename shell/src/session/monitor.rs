//! `monitor …`: what happens, line by line, until the person presses ^C.
//!
//! Never keeps what it has shown.

use std::time::Duration;

use api::request::Show;
use api::text::{Align, Table};
use api::view::CountersOfInterfaces;
use api::view::system::LogLevel;
use api::watch::WantedPackets;
use api::{News, Reply, Request, Text, View, Watch};
use grammar::commands::Monitored;

use super::{Outcome, pcapng, unexpected};
use crate::output::Output;
use crate::world::World;

/// Clears a terminal and goes to its corner (ECMA-48 §8.3.21, §8.3.39).
const ANEW: &str = "\x1b[H\x1b[J";

/// Shows what happens until ^C; what was shown is the output.
pub(super) fn monitor(what: Monitored, world: &mut dyn World) -> Outcome {
    match what {
        Monitored::Log => world.watch(Watch::Log { least: LogLevel::Info }, &News::text)?,
        Monitored::Bgp => world.watch(Watch::Bgp, &News::text)?,
        Monitored::Interfaces => interfaces(world)?,
    }
    Ok(Output::default())
}

/// Captures packets of the balancer until ^C, into a file or in words.
pub(super) fn capture(wanted: WantedPackets, file: Option<&str>, world: &mut dyn World) -> Outcome {
    let watch = Watch::Balancer(wanted);
    match file {
        None => world.watch(watch, &News::text)?,
        Some(file) => world.record(watch, file, &pcapng::head(), &pcapng::packet)?,
    }
    Ok(Output::default())
}

/// A table of what went through each interface in the last second or so.
fn interfaces(world: &mut dyn World) -> Result<(), String> {
    let mut before = counters(world)?;
    let head = if world.is_drawn() { ANEW } else { "" };
    let tail = if world.is_drawn() { "\n^C ends\n" } else { "\n" };
    while let Some(passed) = world.rest() {
        let now = counters(world)?;
        if world.tell(&format!("{head}{}{tail}", rates(&before, &now, passed))).is_break() {
            break;
        }
        before = now;
    }
    Ok(())
}

fn counters(world: &mut dyn World) -> Result<CountersOfInterfaces, String> {
    match world.call(Request::Show(Show::InterfaceCounters { name: None }))? {
        Reply::View(View::InterfaceCounters(view)) => Ok(view),
        other => Err(unexpected(other)),
    }
}

/// Packets and bits of a second; only of interfaces that were there before.
fn rates(before: &CountersOfInterfaces, now: &CountersOfInterfaces, passed: Duration) -> String {
    let mut table = Table::new(&[
        ("Interface", Align::Left, 12),
        ("Rx pps", Align::Right, 10),
        ("Rx bit/s", Align::Right, 15),
        ("Tx pps", Align::Right, 12),
        ("Tx bit/s", Align::Right, 15),
    ]);
    let milliseconds = passed.as_millis().max(1);
    let rate = |before: u64, now: u64, scale: u128| {
        u128::from(now.saturating_sub(before)).saturating_mul(1000 * scale) / milliseconds
    };
    for row in &now.interfaces {
        let old = before.interfaces.iter().find(|old| old.name == row.name).and_then(|old| old.counters);
        let (Some(old), Some(new)) = (old, row.counters) else { continue };
        table.row([
            row.name.to_string(),
            rate(old.received.packets, new.received.packets, 1).to_string(),
            bits(rate(old.received.bytes, new.received.bytes, 8)),
            rate(old.sent.packets, new.sent.packets, 1).to_string(),
            bits(rate(old.sent.bytes, new.sent.bytes, 8)),
        ]);
    }
    table.text()
}

/// `20.00k`, `1.25G`
fn bits(rate: u128) -> String {
    let units = [(1_000_000_000_u128, "G"), (1_000_000, "M"), (1_000, "k")];
    match units.into_iter().find(|(unit, _)| rate >= *unit) {
        Some((unit, letter)) => format!("{}.{:02}{letter}", rate / unit, rate % unit * 100 / unit),
        None => rate.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_in_bits_with_a_letter() {
        for (rate, expect) in [(0, "0"), (999, "999"), (1000, "1.00k"), (1_250_000_000, "1.25G"), (2_999_999, "2.99M")]
        {
            assert_eq!(bits(rate), expect);
        }
    }
}
