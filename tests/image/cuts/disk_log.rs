//! What a disk was told, in order, and what a power cut leaves of it: every write that was flushed, and of those behind the
//! last flush whatever chance keeps.
//!
//! QEMU's `blklogwrites` tells of each write once it is done, and of each flush, in the format of `dm-log-writes`. A host
//! that lives on would keep all of them; a disk that loses its power may keep any, in any order, and half of a long one.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The unit of the log, in octets: its head and each entry's begin at a multiple of it.
const SECTOR: usize = 512;
/// What the log begins with.
const MAGIC: u64 = 0x006a_7366_7773_6872;
const FLUSH: u64 = 1;
const DISCARD: u64 = 4;

/// Numbers that look drawn.
#[derive(Debug)]
pub(super) struct Drawn(u64);

impl Drawn {
    /// Those of a number of their own.
    pub(super) fn of(number: u32) -> Self {
        let mut drawn = Self(u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        drawn.part();
        drawn
    }

    /// A number from 0 up to below 1.
    pub(super) fn part(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f64 / (1_u64 << 24) as f64
    }

    /// A whole number below this one; 0 below 0.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        (self.part() * limit as f64) as usize
    }
}

/// Something that the disk was told.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Where its octets go on the disk.
    at: u64,
    /// Where they stand in the log.
    from: u64,
    /// How many they are: none of a flush.
    length: usize,
    flushes: bool,
}

/// The log of a disk.
#[derive(Debug)]
pub(super) struct DiskLog {
    file: File,
    entries: Vec<Entry>,
}

/// What became of the writes that no flush stood behind.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lost {
    /// How many they were.
    pub(super) unflushed: usize,
    /// How many of them are gone, as a whole or in part.
    pub(super) lost: usize,
}

impl DiskLog {
    /// Makes room for a log; QEMU fills it.
    pub(super) fn make(path: &Path) -> Result<()> {
        Ok(File::create(path)?.set_len(2 << 30)?)
    }

    /// Reads where everything is; the log ends where an entry is not whole.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let mut file = File::open(path)?;
        let (mut sector, size) = ([0; SECTOR], file.metadata()?.len());
        file.read_exact(&mut sector).context("the log of the disk is empty")?;
        ensure!(number(&sector, 0) == MAGIC, "this is no log of a disk");
        let (mut entries, mut place) = (Vec::new(), SECTOR as u64);
        while file.read_exact_at(&mut sector, place).is_ok() {
            let [first, count, flags] = [0, 8, 16].map(|at| number(&sector, at));
            let length = if flags & DISCARD == 0 { usize::try_from(count)?.saturating_mul(SECTOR) } else { 0 };
            let from = place + SECTOR as u64;
            if (first, count, flags) == (0, 0, 0) || from + length as u64 > size {
                break;
            }
            entries.push(Entry { at: first * SECTOR as u64, from, length, flushes: flags & FLUSH != 0 });
            place = from + length as u64;
        }
        Ok(Self { file, entries })
    }

    /// How many things the disk was told.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The flushes between two places.
    pub(super) fn flushes(&self, begin: usize, end: usize) -> Vec<usize> {
        let within = self.entries.get(begin..end).unwrap_or_default().iter();
        (begin..).zip(within).filter(|(_, entry)| entry.flushes).map(|(number, _)| number).collect()
    }

    fn write(&self, disk: &File, entry: &Entry, length: usize) -> Result<()> {
        let mut octets = vec![0; length];
        self.file.read_exact_at(&mut octets, entry.from)?;
        Ok(disk.write_all_at(&octets, entry.at)?)
    }
}

/// A disk to which everything was done that was flushed, up to a place in the log that only grows.
pub(super) struct Replay<'a> {
    log: &'a DiskLog,
    safe: PathBuf,
    done: usize,
}

impl<'a> Replay<'a> {
    /// Begins with the disk as it was before the log.
    pub(super) fn new(log: &'a DiskLog, base: &Path, safe: PathBuf) -> Result<Self> {
        copy(base, &safe)?;
        Ok(Self { log, safe, done: 0 })
    }

    /// Makes the disk of a cut behind the first `end` entries. All of them are kept where only QEMU ends and the host lives
    /// on; a disk without power keeps what was flushed, and of the rest what is drawn.
    pub(super) fn cut(&mut self, end: usize, keeps_all: bool, drawn: &mut Drawn, to: &Path) -> Result<Lost> {
        let told = self.log.entries.get(..end).context("a place behind the log's end")?;
        let flushed = told.iter().rposition(|entry| entry.flushes).map_or(0, |at| at + 1);
        ensure!(self.done <= flushed, "a log is never read backwards");
        let disk = File::options().write(true).open(&self.safe)?;
        for entry in told.get(self.done..flushed).unwrap_or_default() {
            self.log.write(&disk, entry, entry.length)?;
        }
        self.done = flushed;
        copy(&self.safe, to)?;
        let (disk, mut lost) = (File::options().write(true).open(to)?, Lost::default());
        // How much is kept differs from cut to cut: from all to nothing.
        let share = if keeps_all { 2.0 } else { drawn.part() };
        for entry in told.get(flushed..).unwrap_or_default().iter().filter(|entry| entry.length > 0) {
            let kept = match drawn.part() {
                part if part < share * 0.9 => entry.length,
                part if part < share => drawn.below(entry.length / SECTOR) * SECTOR,
                _ => 0,
            };
            lost.unflushed += 1;
            lost.lost += usize::from(kept < entry.length);
            self.log.write(&disk, entry, kept)?;
        }
        Ok(lost)
    }
}

fn number(octets: &[u8], at: usize) -> u64 {
    octets.get(at..at + 8).and_then(|octets| octets.try_into().ok()).map(u64::from_le_bytes).unwrap_or_default()
}

/// A disk of its own with what another one holds.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let copied = Command::new("cp").arg("--sparse=always").arg(from).arg(to).status()?;
    ensure!(copied.success(), "{} cannot be copied", from.display());
    Ok(())
}
