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
use bpf_common::layout::SLOTS;
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
/// Numbers of tables rest for so long.
const REST: Duration = Duration::from_millis(1_100);

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
fn wish(sets: Sets, with_first: bool) -> Wish {
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
        slots: SLOTS as u32,
        idle: Idle { tcp: Duration::from_secs(300), other: Duration::from_secs(30) },
    }
}

/// Gives something to the state and writes what comes of it; what is asked of others stays unanswered.
fn give(state: &mut Balancer, loader: &mut Loader, input: Input) -> Result<usize> {
    let mut writes = Vec::new();
    state.handle(Instant::now(), input, &mut writes);
    let tables = writes.iter().filter(|write| matches!(write, Write::Table(..))).count();
    loader.maps().write(&writes)?;
    Ok(tables)
}

/// Runs in the namespace; prints milliseconds, one change a line.
pub(crate) fn run(words: &[String]) -> Result<()> {
    let [sets, runs] = words else { bail!("{ROLE} needs a word and a number of runs") };
    let sets = if sets == "one" { Sets::One } else { Sets::Each };
    let (mut loader, _) = Loader::open(&object()?, Path::new("/sys/fs/bpf/towpath-bench"))?;
    let mut state = Balancer::default();
    give(&mut state, &mut loader, Input::Wish(Box::new(wish(sets, true))))?;
    for run in 0..runs.parse::<usize>()? {
        std::thread::sleep(REST);
        give(&mut state, &mut loader, Input::Tick)?;
        let wish = Box::new(wish(sets, run % 2 == 1));
        let began = Instant::now();
        let tables = give(&mut state, &mut loader, Input::Wish(wish))?;
        let took = began.elapsed();
        let wanted = if sets == Sets::One { 1 } else { usize::from(SERVICES) };
        ensure!(tables == wanted, "{tables} tables were written, {wanted} were to be");
        println!("{}", took.as_secs_f64() * 1e3);
    }
    Ok(())
}

/// Milliseconds that a change takes, each value one.
pub(super) fn measure(sets: Sets, runs: usize) -> Result<Vec<f64>> {
    let own = std::env::current_exe().context("asking for the own path")?;
    let word = if sets == Sets::One { "one" } else { "each" };
    let mut command = Command::new("unshare");
    let done = command.arg("-m").arg(own).args([ROLE, word, &runs.to_string()]).output().context("running unshare")?;
    ensure!(done.status.success(), "the change: {}", String::from_utf8_lossy(&done.stderr));
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    text.lines().map(|line| line.parse().with_context(|| format!("{line:?} is no number"))).collect()
}
