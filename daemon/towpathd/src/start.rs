//! The start: what has to be there is opened in an order in which nothing is lost when something is missing.
//!
//! Never goes on without privileges: half a router is worse than a message.

use std::hash::{BuildHasher, RandomState};
use std::path::Path;

use anyhow::{Context, Result, bail};
use engine::{Boot, Effect, Engine, Facts, Level, Notice};
use kernel::{Features, sysctl};

use crate::arguments::Arguments;
use crate::balancer::{Balancer, Places, told};
use crate::caches::Caches;
use crate::checks::Checks;
use crate::confine;
use crate::connections::Connections;
use crate::control::{self, Clients};
use crate::dumps;
use crate::files::{self, ActiveFile};
use crate::hands::Hands;
use crate::journal::{self, Desk};
use crate::machine::{self, links::Counted};
use crate::netlink::Sockets;
use crate::paths::Paths;
use crate::routers::Routers;
use crate::run::{self, inbox, moment};
use crate::steps;
use crate::steward;
use crate::system::System;

/// Fewer file descriptors than this are worth a word.
const FEW_DESCRIPTORS: u64 = 1024;

/// Starts the daemon and runs it to its end.
///
/// # Errors
/// When something is missing without which there is no router; nothing was changed then.
pub(crate) fn start(arguments: &Arguments) -> Result<()> {
    if let (Some(user), Some(socket)) = (&arguments.steward_for, &arguments.steward) {
        return steward::serve(socket, user, System::new(&arguments.system_root, &arguments.state_dir));
    }
    let lock = files::lock(&arguments.state_dir)?;
    let descriptors = kernel::host::raise_descriptor_limit();
    // Whoever does everything itself needs everything. The first threads of this process come behind this line.
    let balancer = balancer_places(arguments);
    let confined = arguments.steward.as_ref().map(|_| confine::confine(arguments, &balancer.object));
    let features = Features::detect().context("cannot talk to the kernel over netlink")?;
    if !features.net_admin {
        bail!("no permission to change routes: CAP_NET_ADMIN is missing; run towpathd as root");
    }
    let saved = files::read_config(&arguments.config)?;
    let active = ActiveFile::new(&arguments.state_dir);
    let (store, damage) = store::open_or_fresh(&arguments.state_dir.join("revisions"))?;
    let latest = store.latest().unwrap_or_default();
    let remembered = active.recover(latest.as_ref());
    let mut problems = features.problems();
    problems.extend(lock.problem.clone());
    problems.extend(damage.map(|error| error.to_string()));
    problems.extend(few_descriptors(&descriptors));
    problems.extend(files::notices());
    let findings = sysctl::prepare();
    let settings = findings.iter().map(|finding| {
        let now = if finding.changed { Some(finding.wanted.clone()) } else { finding.found.clone() };
        (finding.name.clone(), finding.wanted.clone(), now, finding.problem.clone())
    });
    let system = System::new(&arguments.system_root, &arguments.state_dir).with_steward(arguments.steward.as_deref());
    let facts = Facts {
        host_name: kernel::host::host_name().unwrap_or_else(|_| "towpath".to_owned()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        kernel: sysctl::read("kernel.osrelease").unwrap_or_default(),
        architecture: std::env::consts::ARCH.to_owned(),
        missing_kinds: features.missing_kinds().into_iter().collect(),
        no_tcp_ao: features.no_tcp_ao(),
        boot_file: full_path(&arguments.config),
        settings: settings.collect(),
        programs: system.programs().collect(),
        memory: machine::memory::all(),
        processors: std::thread::available_parallelism().map_or(1, usize::from),
        seed: chance(),
    };
    let sockets = Sockets::open().context("cannot open the kernel's netlink sockets")?;
    let snapshot = kernel::snapshot().context("cannot read links, addresses and routes from the kernel")?;
    let boot = Boot {
        text: remembered.clone().or_else(|| saved.clone()),
        saved: remembered.and(Some(saved.unwrap_or_default())),
        latest,
        interrupted: store.pending().unwrap_or_default(),
        unconfirmed: store.unconfirmed().unwrap_or_default(),
        snapshot,
        restarted: active.ran_before(),
        problems,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(serve(arguments, boot, facts, (sockets, store, active, system), confined))
}

/// What differs from machine to machine and from start to start: the system's chance, as far as it has any, and the clock.
///
/// Nothing secret hangs on it, so it is not waited for until a kernel that has just started has gathered enough: that takes
/// more than a second where the processor gives none, and is what reading `/dev/urandom` does. The standard library draws
/// its keys without waiting.
fn chance() -> u128 {
    let clock = std::time::UNIX_EPOCH.elapsed().map(|elapsed| elapsed.as_nanos()).unwrap_or_default();
    let [high, low] = [0, 1].map(|half: u8| u128::from(RandomState::new().hash_one((clock, half))));
    high << 64 | low
}

/// A file's path from the root.
fn full_path(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

/// Where the balancer's parts are: its programs are built beside the daemon, and installed where programs' files are.
fn balancer_places(arguments: &Arguments) -> Places {
    const NAME: &str = "towpath-balancer.o";
    let beside = || {
        std::env::current_exe().ok().and_then(|path| {
            let directory = path.parent()?;
            let built = directory.parent().map(|target| target.join("bpf").join(NAME));
            [Some(directory.join(NAME)), built].into_iter().flatten().find(|path| path.exists())
        })
    };
    let object = arguments.bpf_object.clone().or_else(beside);
    Places {
        object: object.unwrap_or_else(|| Path::new("/usr/lib/towpath").join(NAME)),
        pins: arguments.bpf_dir.clone(),
    }
}

/// Each neighbor and each client takes some of them.
fn few_descriptors(limit: &std::io::Result<u64>) -> Option<String> {
    match limit {
        Ok(limit) if *limit < FEW_DESCRIPTORS => Some(format!(
            "only {limit} file descriptors are allowed; a router with many neighbors needs more (ulimit -n)"
        )),
        Ok(_) => None,
        Err(error) => Some(format!("the limit of file descriptors could not be raised: {error}")),
    }
}

async fn serve(
    arguments: &Arguments,
    boot: Boot,
    facts: Facts,
    (sockets, store, active, system): (Sockets, Box<dyn config::store::Store>, ActiveFile, System),
    confined: Option<String>,
) -> Result<()> {
    let (inbox, outlet) = inbox();
    let (connections, arrivals) = Connections::new(inbox.clone());
    let clients = Clients::default();
    // Everybody may connect: who may do what is judged by the credentials that the kernel tells of each client.
    let listener = control::bind(&arguments.socket, 0o666, None)?;
    let desk = Desk { store, active, config: arguments.config.clone(), inbox: inbox.clone(), clients: clients.clone() };
    let hands = Hands {
        inbox: inbox.clone(),
        connections,
        caches: Caches::new(inbox.clone()),
        routers: Routers::new(inbox.clone()),
        clients: clients.clone(),
        kernel: sockets.spawn(inbox.clone(), &boot.snapshot),
        steps: steps::spawn(system, inbox.clone()),
        balancer: Balancer::new(inbox.clone(), balancer_places(arguments)),
        checks: Checks::new(inbox.clone()),
        // The seed's lower half salts passwords.
        paths: Paths::new(inbox.clone(), u32::try_from(facts.seed >> 96).unwrap_or_default()),
        disk: journal::spawn(desk),
        dumps: dumps::spawn(inbox.clone()),
        least: Level::from(arguments.log_level),
        counted: Counted::default(),
        balanced: told::Counted::default(),
    };
    let lookout = hands.kernel.lookout();
    let mut engine = Engine::new(moment(), facts);
    let mut effects = Vec::new();
    engine.boot(moment(), boot, &mut effects);
    engine.settle(moment(), &mut effects);
    tokio::spawn(control::serve(listener, clients, (inbox, lookout)));
    if let Some(words) = confined {
        engine.tell(moment(), Notice::info(words), &mut effects);
    }
    effects.push(Effect::Notice(Notice::info(format!("ready at {}", arguments.socket.display()))));
    let done = run::run(engine, hands, outlet, arrivals, effects).await;
    let _ = std::fs::remove_file(&arguments.socket);
    Ok(done?)
}
