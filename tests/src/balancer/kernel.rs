//! The way of a packet in the kernel, by `BPF_PROG_TEST_RUN`.
//!
//! It never attaches a program, and what it loads goes with the value.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use aya::maps::{Array, ArrayOfMaps, HashMap, MapData, PerCpuArray, RingBuf};
use aya::programs::{SchedClassifier, TestRun, TestRunOptions, TestRunResult, Xdp};
use aya::{Ebpf, EbpfLoader, VerifierLogLevel};
use bpf_common::layout::{Capture, Captured, Directory, HEAD, Table};
use bpf_common::reason::REASONS;

use super::world::{self, World};
use crate::router::programs;

/// The programs and their maps.
pub struct Kernel {
    ebpf: Ebpf,
}

/// What became of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What the program returned: an action of XDP or of traffic control.
    pub action: u32,
    /// The packet after it.
    pub packet: Vec<u8>,
    /// How long it took, with the call.
    pub took: Duration,
}

/// Which of the programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// `towpath_xdp`
    Xdp,
    /// `towpath_tc`
    Tc,
    /// `towpath_tc_tagged`: all tags lie in the link header.
    TcTagged,
    /// `towpath_pass`
    Empty,
}

/// `BPF_F_MMAPABLE`, which tables are made with.
const MAPPABLE: u32 = 1 << 10;
const DIRECTORY: usize = size_of::<Directory>();
const TABLE: usize = size_of::<Table>();

/// Where `bpf/build.sh` puts the object.
///
/// # Errors
/// When the folder of the programs is not known.
pub fn object() -> Result<PathBuf> {
    let programs = programs()?;
    Ok(programs.parent().context("the programs are in no directory")?.join("bpf/towpath-balancer.o"))
}

impl Kernel {
    /// Loads the programs, with this in their maps.
    ///
    /// # Errors
    /// When the object is missing, or the kernel refuses something of it; with the verifier's words.
    pub fn new(world: &World) -> Result<Self> {
        let object = object()?;
        let octets =
            std::fs::read(&object).with_context(|| format!("reading {}: bpf/build.sh makes it", object.display()))?;
        let mut ebpf = EbpfLoader::new().verifier_log_level(VerifierLogLevel::empty()).load(&octets)?;
        for name in ["towpath_xdp", "towpath_pass"] {
            let program: &mut Xdp = ebpf.program_mut(name).context(name)?.try_into()?;
            program.load().with_context(|| format!("loading {name}"))?;
        }
        for name in ["towpath_tc", "towpath_tc_tagged", "towpath_probe"] {
            let program: &mut SchedClassifier = ebpf.program_mut(name).context(name)?.try_into()?;
            program.load().with_context(|| format!("loading {name}"))?;
        }
        let mut kernel = Self { ebpf };
        kernel.fill(world)?;
        Ok(kernel)
    }

    pub(super) fn ebpf(&self) -> &Ebpf {
        &self.ebpf
    }

    pub(super) fn ebpf_mut(&mut self) -> &mut Ebpf {
        &mut self.ebpf
    }

    /// Writes all maps.
    ///
    /// # Errors
    /// When the kernel refuses something.
    pub fn fill(&mut self, world: &World) -> Result<()> {
        let directories = world.directory();
        let directory = directories.first().context("no directory")?;
        let octets: Box<[u8; DIRECTORY]> =
            world::directory(directory).into_boxed_slice().try_into().ok().context("the size of a directory")?;
        let mut inner = Array::<MapData, [u8; DIRECTORY]>::create(1, 0)?;
        let value: &[u8; DIRECTORY] = &octets;
        inner.set(0, value, 0)?;
        let outer = self.ebpf.map_mut("DIRECTORY").context("DIRECTORY")?;
        ArrayOfMaps::<_, Array<MapData, [u8; DIRECTORY]>>::try_from(outer)?.set(0, &inner, 0)?;
        for (number, slots) in world.tables.iter().enumerate() {
            let octets: Box<[u8; TABLE]> =
                world::table(slots).into_boxed_slice().try_into().ok().context("the size of a table")?;
            let mut inner = Array::<MapData, [u8; TABLE]>::create(1, MAPPABLE)?;
            let value: &[u8; TABLE] = &octets;
            inner.set(0, value, 0)?;
            let outer = self.ebpf.map_mut("TABLES").context("TABLES")?;
            ArrayOfMaps::<_, Array<MapData, [u8; TABLE]>>::try_from(outer)?
                .set(number as u32, &inner, 0)
                .with_context(|| format!("table {number}"))?;
        }
        self.set("SERVICES", world.services.iter().map(|service| world::service(service).to_vec()))?;
        self.set64("BACKENDS", world.backends.iter().map(world::backend))?;
        self.set24("RETURNS", world.returns.iter().map(world::answer))?;
        self.capture(world.capture)?;
        let mut nodes = HashMap::<_, u64, u32>::try_from(self.ebpf.map_mut("NODES").context("NODES")?)?;
        for node in &world.nodes {
            nodes.insert(node, 1, 0)?;
        }
        let mut marks = HashMap::<_, u32, u32>::try_from(self.ebpf.map_mut("MARKS").context("MARKS")?)?;
        for (mark, backend) in &world.marks {
            marks.insert(mark, backend, 0)?;
        }
        Ok(())
    }

    fn set(&mut self, name: &str, values: impl Iterator<Item = Vec<u8>>) -> Result<()> {
        let mut map = Array::<_, [u8; 16]>::try_from(self.ebpf.map_mut(name).context("a map")?)?;
        for (number, value) in values.enumerate() {
            map.set(number as u32, <[u8; 16]>::try_from(value).ok().context("its size")?, 0)?;
        }
        Ok(())
    }

    fn set64(&mut self, name: &str, values: impl Iterator<Item = Vec<u8>>) -> Result<()> {
        let mut map = Array::<_, [u8; 64]>::try_from(self.ebpf.map_mut(name).context("a map")?)?;
        for (number, value) in values.enumerate() {
            map.set(number as u32, <[u8; 64]>::try_from(value).ok().context("its size")?, 0)?;
        }
        Ok(())
    }

    fn set24(&mut self, name: &str, values: impl Iterator<Item = Vec<u8>>) -> Result<()> {
        let mut map = Array::<_, [u8; 24]>::try_from(self.ebpf.map_mut(name).context("a map")?)?;
        for (number, value) in values.enumerate() {
            map.set(number as u32, <[u8; 24]>::try_from(value).ok().context("its size")?, 0)?;
        }
        Ok(())
    }

    /// Sends a packet through a program once. It comes by the loopback, link 1.
    ///
    /// # Errors
    /// When the kernel refuses the call.
    pub fn run(&self, program: Program, packet: &[u8]) -> Result<Answer> {
        let mut out = vec![0; packet.len() + 512];
        let mut options = TestRunOptions::new();
        options.data_in = Some(packet);
        options.data_out = Some(&mut out);
        let result = self.call(program, options)?;
        out.truncate(result.data_size_out as usize);
        Ok(Answer { action: result.return_value, packet: out, took: result.duration })
    }

    /// How long a packet takes in a program, with the call; see [`Kernel::run`].
    ///
    /// # Errors
    /// When the kernel refuses the call.
    pub fn time(&self, program: Program, packet: &[u8]) -> Result<Duration> {
        let mut options = TestRunOptions::new();
        options.data_in = Some(packet);
        Ok(self.call(program, options)?.duration)
    }

    fn call(&self, program: Program, options: TestRunOptions<'_>) -> Result<TestRunResult> {
        let name = match program {
            Program::Xdp => "towpath_xdp",
            Program::Tc => "towpath_tc",
            Program::TcTagged => "towpath_tc_tagged",
            Program::Empty => "towpath_pass",
        };
        match self.ebpf.program(name).context(name)? {
            aya::programs::Program::Xdp(program) => Ok(program.test_run(options)?),
            aya::programs::Program::SchedClassifier(program) => Ok(program.test_run(options)?),
            _ => bail!("{name} is of another kind"),
        }
    }

    /// Captures such packets from now on.
    ///
    /// # Errors
    /// When the kernel refuses it.
    pub fn capture(&mut self, capture: Capture) -> Result<()> {
        let Capture { every, service, backend, reasons } = capture;
        self.set("CAPTURE", std::iter::once([every, service, backend, reasons].map(u32::to_ne_bytes).concat()))
    }

    /// What has been captured since this was asked last.
    ///
    /// # Errors
    /// When the kernel does not give its ring.
    pub fn captured(&mut self) -> Result<Vec<Captured>> {
        let mut ring = RingBuf::try_from(self.ebpf.map_mut("CAPTURED").context("CAPTURED")?)?;
        let mut found = Vec::new();
        while let Some(item) = ring.next() {
            found.push(captured(&item).context("the size of a captured packet")?);
        }
        Ok(found)
    }

    /// How many packets were not forwarded, for each reason, on all processors.
    ///
    /// # Errors
    /// When the kernel refuses the call.
    pub fn drops(&self) -> Result<Vec<u64>> {
        let drops = PerCpuArray::<_, u64>::try_from(self.ebpf.map("DROPS").context("DROPS")?)?;
        (0..REASONS as u32).map(|reason| Ok(drops.get(&reason, 0)?.iter().sum())).collect()
    }
}

/// A captured packet, out of its octets.
fn captured(octets: &[u8]) -> Option<Captured> {
    let word = |at: usize| octets.get(at..)?.first_chunk::<4>().map(|word| u32::from_ne_bytes(*word));
    let mut head = [0; HEAD];
    head.copy_from_slice(octets.get(40..40 + HEAD)?);
    Some(Captured {
        at: octets.first_chunk::<8>().map(|word| u64::from_ne_bytes(*word))?,
        length: word(8)?,
        kept: word(12)?,
        service: word(16)?,
        backend: word(20)?,
        link: word(24)?,
        moment: word(28)?,
        reason: word(32)?,
        zero: word(36)?,
        head,
    })
}
