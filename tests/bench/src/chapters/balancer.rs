//! What the balancer costs each packet, by `BPF_PROG_TEST_RUN`: one call a packet on a processor of its own, the mean of many,
//! less that of a program that does nothing, measured in turns with it.
//!
//! It attaches nothing and sends nothing; the live chain (`live.rs`) does, in a namespace of its own.

pub(crate) mod change;
pub(crate) mod live;
mod scene;

use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use scenarios::balancer::kernel::{Kernel, Program};

use super::Effort;
use crate::report::Report;
use change::Sets;
use scene::Case;

const CHAPTER: &str = "balancer";
/// Slots of a table, as usual.
const SLOTS: u32 = bpf_common::layout::SLOTS as u32;
/// Slots enough for the shares of a hundred nodes to be within a percent.
const FEWER_SLOTS: u32 = 16_381;
/// Calls in a turn, of the case and then of nothing.
const TURN: usize = 2_000;

pub(super) fn measure(effort: &Effort, report: &mut Report) -> Result<()> {
    // On a thread of its own: what it starts and what is measured after it shall have all processors.
    let measured = std::thread::scope(|scope| scope.spawn(|| on_one_processor(effort, report)).join());
    measured.unwrap_or_else(|_| bail!("the measuring thread ended before its time"))?;
    for (flows, what) in [(1, "a live chain on one processor, one flow"), (60_000, "the same with 60,000 flows")] {
        report.add(CHAPTER, what, ">= 2.5 Mpps", "Mpps", live::measure(flows, effort.long)?);
    }
    for (sets, slots, what) in [
        (Sets::One, SLOTS, "100 nodes of 1,000 services change, all of one set"),
        (Sets::Each, SLOTS, "the same, each service with a set of its own"),
        (Sets::Each, FEWER_SLOTS, "the same with 16,381 slots a table"),
    ] {
        let [mut found, mut done] = change::measure(sets, slots, effort.long)?;
        let first = [found.remove(0), done.remove(0)];
        report.add(CHAPTER, what, "<= 50 ms", "ms", found);
        if sets == Sets::Each {
            report.add(CHAPTER, "until all slots are those of Maglev", "–", "ms", done);
            report.add(CHAPTER, "all of them begin, where nothing was", "–", "ms", vec![first[0]]);
            report.add(CHAPTER, "until all slots are those of Maglev", "–", "ms", vec![first[1]]);
        }
    }
    Ok(())
}

fn on_one_processor(effort: &Effort, report: &mut Report) -> Result<()> {
    keep_to_one_processor()?;
    let kernel = Kernel::new(&scene::world())?;
    let cases = scene::cases();
    for case in &cases {
        check(&kernel, case)?;
    }
    let mut values = vec![Vec::new(); cases.len()];
    let mut floors = Vec::new();
    for _ in 0..effort.long {
        for (case, values) in cases.iter().zip(&mut values) {
            let (floor, whole) = round(&kernel, case, effort.packets)?;
            values.push(whole - floor);
            floors.push(floor);
        }
    }
    report.add(CHAPTER, "a program that does nothing, which the others are told without", "–", "ns", floors);
    for (case, values) in cases.iter().zip(values) {
        report.add(CHAPTER, case.what, case.target, "ns", values);
    }
    Ok(())
}

/// The packet gets what it is due: a fast program that does something else proves nothing.
fn check(kernel: &Kernel, case: &Case) -> Result<()> {
    for packet in case.packets.iter().take(3) {
        let answer = kernel.run(case.program, packet)?;
        ensure!(answer.action == case.action, "{}: {} became of it", case.what, answer.action);
    }
    Ok(())
}

/// The means of doing nothing and of the case, in nanoseconds.
fn round(kernel: &Kernel, case: &Case, packets: usize) -> Result<(f64, f64)> {
    let (mut floor, mut whole, mut calls) = (0, 0, 0_u32);
    let mut next = case.packets.iter().cycle();
    while (calls as usize) < packets {
        for _ in 0..TURN {
            whole += kernel.time(case.program, next.next().context("no packet")?)?.as_nanos();
        }
        let empty = next.clone().next().context("no packet")?;
        for _ in 0..TURN {
            floor += kernel.time(Program::Empty, empty)?.as_nanos();
        }
        calls += TURN as u32;
    }
    Ok((floor as f64 / f64::from(calls), whole as f64 / f64::from(calls)))
}

/// Keeps this thread to the last processor.
fn keep_to_one_processor() -> Result<()> {
    let last = std::thread::available_parallelism()?.get() - 1;
    let own = std::fs::read_link("/proc/thread-self").context("asking for the own thread")?;
    let own = own.file_name().and_then(|name| name.to_str()).context("the own thread has no number")?;
    let words = ["-cp".to_owned(), last.to_string(), own.to_owned()];
    let done = Command::new("taskset").args(words).output().context("running taskset")?;
    ensure!(done.status.success(), "taskset: {}", String::from_utf8_lossy(&done.stderr));
    Ok(())
}
