//! How long it takes to change what a thousand services do with a hundred nodes: from the wish to the last word in the maps.
//!
//! The maps are the kernel's; they are pinned in a mount namespace of a process of its own, and go with it. No program is
//! on a link.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use bpf_loader::Loader;
use bpf_tables::wish::{Affinity, Backend, Destination, Exit, Idle, Member, Service, State, Way, WhenEmpty, Wish};
use bpf_tables::{Balancer, Input, Write};
use nouns::Prefix;
use scenarios::balancer::kernel::object;

/// The word that this program is started with inside the namespace.
pub(crate) const ROLE: &str = "balancer-change";
/// Nodes of each service.
const NODES: u16 = 100;
/// Services.
const SERVICES: u16 = 1_000;
/// How long flows may say nothing.
const IDLE: Idle = Idle { tcp: Duration::from_secs(300), other: Duration::from_secs(30) };

/// Whose nodes a service has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sets {
    /// All services have the same.
    One,
    /// Each service has its own, so many of twice as many.
    Each,
}

fn node(number: u16) -> Backend {
    let [high, low] = number.to_be_bytes();
    let address = IpAddr::V4(Ipv4Addr::new(10, 0, high, low));
    Backend { address, way: Way::L2, exit: Some(Exit { link: 1, gateway: address }) }
}

/// The nodes of a service: its own choice of those that there are.
fn nodes(sets: Sets, service: u16) -> Vec<u16> {
    let choice = |node: u16| {
        let word = (u64::from(service) << 16 | u64::from(node)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (word ^ (word >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32
    };
    let mut all: Vec<u16> = (1..=if sets == Sets::One { NODES } else { 2 * NODES }).collect();
    if sets == Sets::Each {
        // The first one, which goes and comes, is in all of them.
        all.sort_by_key(|node| (*node != 1, choice(*node)));
        all.truncate(usize::from(NODES));
    }
    all
}

/// All services; the first node takes part in them or does not.
fn wish(sets: Sets, slots: u32, with_first: bool) -> Wish {
    let members = |service| -> Arc<[Member]> {
        let state = |node| if node == 1 && !with_first { State::Dead } else { State::Active };
        let members = nodes(sets, service).into_iter();
        members.map(|number| Member { backend: node(number), weight: 1, state: state(number), mark: None }).collect()
    };
    let shared = members(0);
    let service = |number: u16| {
        let [high, low] = number.to_be_bytes();
        let address = IpAddr::V4(Ipv4Addr::new(172, 16, high, low));
        let service = Service {
            name: number.to_string().into(),
            backends: if sets == Sets::One { Arc::clone(&shared) } else { members(number) },
            affinity: Affinity::Flow,
            quic: false,
            server_octets: 0,
            when_empty: WhenEmpty::Drop,
            clamp: None,
        };
        (Destination { prefix: Prefix::host(address), transport: None }, service)
    };
    Wish {
        links: Default::default(),
        services: (0..SERVICES).map(service).collect(),
        guards: Vec::new(),
        slots,
        idle: IDLE,
    }
}

/// The state and the maps, with a clock that can be put forward.
struct Scene {
    state: Balancer,
    loader: Loader,
    ahead: Duration,
}

impl Scene {
    fn now(&self) -> Instant {
        Instant::now() + self.ahead
    }

    /// Gives something to the state and writes what comes of it; what is asked of others stays unanswered, and no flow is
    /// remembered. Answers how many tables changed.
    fn give(&mut self, input: Input) -> Result<usize> {
        let mut writes = Vec::new();
        self.state.handle(self.now(), input, &mut writes);
        let tables = writes.iter().filter(|write| matches!(write, Write::Table(..) | Write::Slots(..))).count();
        self.loader.maps().write(&writes)?;
        if writes.iter().any(|write| matches!(write, Write::Sweep)) {
            self.give(Input::Swept)?;
        }
        Ok(tables)
    }

    /// Does what is due until nothing is for a while.
    fn refine(&mut self) -> Result<()> {
        while let Some(wait) = self.state.deadline().map(|due| due.saturating_duration_since(self.now()))
            && wait < Duration::from_millis(30)
        {
            std::thread::sleep(wait);
            self.give(Input::Tick)?;
        }
        Ok(())
    }

    /// All slots are stable again.
    fn settle(&mut self) -> Result<()> {
        for _ in 0..3 {
            self.ahead += IDLE.tcp;
            self.give(Input::Tick)?;
            self.refine()?;
        }
        Ok(())
    }
}

/// Runs in the namespace; prints milliseconds, one change a line: until packets find the change, and until all slots are those
/// of Maglev. The first line is the beginning, before which there was nothing.
pub(crate) fn run(words: &[String]) -> Result<()> {
    let [sets, slots, runs] = words else { bail!("{ROLE} needs a word and two numbers") };
    let (sets, slots) = (if sets == "one" { Sets::One } else { Sets::Each }, slots.parse()?);
    let (loader, _) = Loader::open(&object()?, Path::new("/sys/fs/bpf/towpath-bench"))?;
    let mut scene = Scene { state: Balancer::default(), loader, ahead: Duration::ZERO };
    let first = Box::new(wish(sets, slots, true));
    let began = Instant::now();
    scene.give(Input::Wish(first))?;
    let found = began.elapsed();
    scene.refine()?;
    println!("{} {}", found.as_secs_f64() * 1e3, began.elapsed().as_secs_f64() * 1e3);
    for run in 0..runs.parse::<usize>()? {
        scene.settle()?;
        let wish = Box::new(wish(sets, slots, run % 2 == 1));
        let began = Instant::now();
        let tables = scene.give(Input::Wish(wish))?;
        let found = began.elapsed();
        let wanted = if sets == Sets::One { 1 } else { usize::from(SERVICES) };
        ensure!(tables == wanted, "{tables} tables were written, {wanted} were to be");
        scene.refine()?;
        println!("{} {}", found.as_secs_f64() * 1e3, began.elapsed().as_secs_f64() * 1e3);
    }
    Ok(())
}

/// Milliseconds until packets find a change, and until all slots are those of Maglev; each value one change.
pub(super) fn measure(sets: Sets, slots: u32, runs: usize) -> Result<[Vec<f64>; 2]> {
    let own = std::env::current_exe().context("asking for the own path")?;
    let word = if sets == Sets::One { "one" } else { "each" };
    let mut command = Command::new("unshare");
    let done = command
        .arg("-m")
        .arg(own)
        .args([ROLE, word, &slots.to_string(), &runs.to_string()])
        .output()
        .context("running unshare")?;
    ensure!(done.status.success(), "the change: {}", String::from_utf8_lossy(&done.stderr));
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    let mut values = [Vec::new(), Vec::new()];
    for line in text.lines() {
        let numbers = line.split(' ').zip(&mut values);
        numbers.into_iter().try_for_each(|(word, values)| {
            values.push(word.parse().with_context(|| format!("{line:?} are no numbers"))?);
            anyhow::Ok(())
        })?;
    }
    Ok(values)
}
