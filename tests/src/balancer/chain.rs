//! A chain of live packets in the network namespace of this process: one program makes them, a veth carries them to the
//! balancer in its driver, which sends them back to one that counts them.
//!
//! It leaves nothing behind: the links go with the namespace, which the caller makes.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use aya::maps::{Array, PerCpuArray};
use aya::programs::{TestRun as _, TestRunAttrs, TestRunOptions, Xdp, XdpMode};

use super::kernel::Kernel;
use super::world::World;

/// The programs on their links.
pub struct Chain {
    kernel: Kernel,
}

/// What a run was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Run {
    /// Packets that were made.
    pub made: u64,
    /// Packets that came back.
    pub arrived: u64,
    /// How long it took.
    pub seconds: f64,
}

fn ip(arguments: &[&str]) -> Result<()> {
    let done = Command::new("ip").args(arguments).output().context("running ip")?;
    ensure!(done.status.success(), "ip {}: {}", arguments.join(" "), String::from_utf8_lossy(&done.stderr));
    Ok(())
}

fn number_of(link: &str) -> Result<u32> {
    let told = Command::new("ip").args(["-o", "link", "show", link]).output().context("running ip")?;
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    told.split(':').next().and_then(|number| number.trim().parse().ok()).with_context(|| format!("no link {link}"))
}

impl Chain {
    /// Makes the links and puts the programs there. Backends of the world are behind the link that packets come by.
    ///
    /// # Errors
    /// When the kernel refuses something.
    pub fn new(mut world: World) -> Result<Self> {
        ip(&["link", "add", "source", "type", "veth", "peer", "name", "balancer"])?;
        ip(&["link", "set", "source", "up"])?;
        ip(&["link", "set", "balancer", "up"])?;
        let [a, b, c, d] = number_of("balancer")?.to_ne_bytes();
        for backend in &mut world.backends {
            let [e, f, g, h, ..] = backend.link_rest;
            backend.link_rest = [e, f, g, h, a, b, c, d];
        }
        let mut kernel = Kernel::new(&world)?;
        let ebpf = kernel.ebpf_mut();
        for (name, link) in
            [("towpath_xdp", Some("balancer")), ("towpath_sink", Some("source")), ("towpath_generate", None)]
        {
            let program: &mut Xdp = ebpf.program_mut(name).context(name)?.try_into()?;
            if name != "towpath_xdp" {
                program.load().with_context(|| format!("loading {name}"))?;
            }
            if let Some(link) = link {
                program.attach(link, XdpMode::Driver).with_context(|| format!("putting {name} on {link}"))?;
            }
        }
        let mut generate = Array::<_, u32>::try_from(ebpf.map_mut("GENERATE").context("GENERATE")?)?;
        generate.set(0, number_of("source")?, 0)?;
        Ok(Self { kernel })
    }

    /// Sends so many packets of so many flows.
    ///
    /// # Errors
    /// When the kernel refuses something.
    pub fn run(&mut self, flows: u32, packets: u32) -> Result<Run> {
        let ebpf = self.kernel.ebpf_mut();
        Array::<_, u32>::try_from(ebpf.map_mut("GENERATE").context("GENERATE")?)?.set(1, flows, 0)?;
        let before = self.passed()?;
        let frame = [0; 59];
        let mut options = TestRunOptions::new();
        options.data_in = Some(&frame);
        options.repeat = packets;
        options.attrs = TestRunAttrs::new().xdp_live_frames(64);
        let program: &Xdp = self.kernel.ebpf().program("towpath_generate").context("towpath_generate")?.try_into()?;
        let began = Instant::now();
        program.test_run(options)?;
        let seconds = began.elapsed().as_secs_f64();
        let after = self.passed()?;
        Ok(Run { made: after.0 - before.0, arrived: after.1 - before.1, seconds })
    }

    fn passed(&self) -> Result<(u64, u64)> {
        let passed = PerCpuArray::<_, u64>::try_from(self.kernel.ebpf().map("PASSED").context("PASSED")?)?;
        let sum = |index: u32| -> Result<u64> { Ok(passed.get(&index, 0)?.iter().sum()) };
        Ok((sum(0)?, sum(1)?))
    }
}
