//! The maps, and what is written into them.
//!
//! Never writes half a word where packets read it: single words where the layout says so, whole elements where nobody reads
//! them yet.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::Ordering;

use bpf_common::flow::Flow;
use bpf_common::layout::{
    self, BACKENDS, Backend, Capture, Count, Directory, NOWHERE, SERVICES, Service, ServiceCount, Slot, Table,
};
use bpf_tables::Write;

use crate::pins::Pins;
use crate::read;
use crate::sys::{self, Shared};
use crate::{LoadError, tried};

/// All maps of the programs by their names there.
pub(crate) const NAMES: [&str; 17] = [
    "DIRECTORY",
    "TABLES",
    "SERVICES",
    "BACKENDS",
    "RETURNS",
    "FLOWS",
    "FLOWS6",
    "FRAGMENTS",
    "NODES",
    "MARKS",
    "CAPTURE",
    "CAPTURED",
    "WATCHED",
    "XDP_LINKS",
    "SERVICE_COUNTS",
    "BACKEND_COUNTS",
    "DROPS",
];

/// `BPF_F_MMAPABLE`
const MAPPABLE: u32 = 1 << 10;
/// Tables that are there before anybody needs them, and that stay when nobody needs them any more. To put a table into the
/// kernel it waits for all processors, some hundredths of a second; to write into one that is there takes no time.
const SPARE: u32 = 32;

/// The maps.
pub struct Maps {
    maps: BTreeMap<&'static str, OwnedFd>,
    pub(crate) pins: Pins,
    services: Shared,
    backends: Shared,
    /// Numbers of tables that stand in the kernel.
    tables: BTreeSet<u32>,
    /// Those of them that nobody uses.
    spare: BTreeSet<u32>,
    /// Those that have been written, as packets see them.
    seen: BTreeMap<u32, Shared>,
    /// Tables that are made and not yet in their places.
    made: Vec<(u32, OwnedFd)>,
    processors: usize,
}

impl Maps {
    /// Those that are pinned.
    pub(crate) fn open(pins: Pins) -> Result<Self, LoadError> {
        let open = |name: &'static str| Ok((name, sys::pinned(&sys::c_path(&pins.map(name))?)?));
        let maps: BTreeMap<&str, OwnedFd> = tried("opening the maps", NAMES.into_iter().map(open).collect())?;
        let shared = |name: &str, length: usize| {
            let map = maps.get(name).ok_or(io::ErrorKind::NotFound)?;
            Shared::new(map.as_fd(), length)
        };
        let services = tried("reading the services", shared("SERVICES", SERVICES * size_of::<Service>()))?;
        let backends = tried("reading the backends", shared("BACKENDS", BACKENDS * size_of::<Backend>()))?;
        let processors = tried("counting the processors", read::processors())?;
        let (tables, spare) = (BTreeSet::new(), BTreeSet::new());
        let (seen, made) = (BTreeMap::new(), Vec::new());
        let mut maps = Self { maps, pins, services, backends, tables, spare, seen, made, processors };
        maps.tables = tried("reading the tables", maps.find_tables())?;
        tried("unpinning what nobody uses", maps.unpin_unused(&maps.tables))?;
        tried("making tables", maps.make_spares())?;
        Ok(maps)
    }

    pub(crate) fn map(&self, name: &str) -> io::Result<BorrowedFd<'_>> {
        self.maps.get(name).map(AsFd::as_fd).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(crate) fn services(&self) -> &Shared {
        &self.services
    }

    pub(crate) fn backends(&self) -> &Shared {
        &self.backends
    }

    pub(crate) fn processors(&self) -> usize {
        self.processors
    }

    /// Writes what shall be written; what is asked of others ([`Write::Resolve`], [`Write::Sweep`]) is left out.
    ///
    /// # Errors
    /// The first one of the kernel's; what comes behind it is not written.
    pub fn write(&mut self, writes: &[Write]) -> Result<(), LoadError> {
        for write in writes {
            // Whatever is not a table may lead to one.
            let waits = match write {
                Write::Table(..) | Write::Backend(..) => false,
                Write::Slots(number, _) => self.made.iter().any(|(made, _)| made == number),
                _ => true,
            };
            if waits {
                tried("putting tables into the kernel", self.place_made())?;
            }
            tried(name(write), self.write_one(write))?;
        }
        tried("putting tables into the kernel", self.place_made())
    }

    fn write_one(&mut self, write: &Write) -> io::Result<()> {
        match write {
            Write::Backend(number, entry) => self.write_backend(*number, entry),
            Write::Table(number, slots) => self.write_table(*number, slots),
            Write::Slots(number, slots) => self.write_slots(*number, slots),
            Write::NoTable(number) => self.retire(*number),
            Write::Service(number, entry) => self.write_service(*number, entry),
            Write::Directory(directory) => self.write_directory(directory.get()),
            Write::Return(number, entry) => sys::set(self.map("RETURNS")?, *number, &[*entry]),
            Write::Node(key, true) => sys::set(self.map("NODES")?, *key, &[1_u32]),
            Write::Node(key, false) => sys::delete(self.map("NODES")?, *key),
            Write::Mark(mark, Some(number)) => sys::set(self.map("MARKS")?, *mark, &[*number]),
            Write::Mark(mark, None) => sys::delete(self.map("MARKS")?, *mark),
            Write::ClearService(number) => {
                sys::set(self.map("SERVICE_COUNTS")?, *number, &vec![ServiceCount::default(); self.processors])
            }
            Write::ClearBackend(number) => {
                sys::set(self.map("BACKEND_COUNTS")?, *number, &vec![Count::default(); self.processors])
            }
            Write::Forget(flows) => flows.iter().try_for_each(|flow| self.forget(flow)),
            Write::Resolve(..) | Write::Sweep => Ok(()),
        }
    }

    /// The first three words are what packets need of a backend that is there: they come last where it becomes somebody, and
    /// the third one first where it becomes nobody.
    fn write_backend(&self, number: u32, entry: &Backend) -> io::Result<()> {
        const WORDS: usize = size_of::<Backend>() / 8;
        let words = sys::octets(std::slice::from_ref(entry)).as_chunks::<8>().0;
        let order = if entry.way == NOWHERE { [2, 0, 1, 3, 4, 5, 6, 7] } else { [3, 4, 5, 6, 7, 0, 1, 2] };
        let first = usize::try_from(number).unwrap_or(usize::MAX).saturating_mul(WORDS);
        for word in order {
            let value = words.get(word).ok_or(io::ErrorKind::InvalidInput)?;
            let place = self.backends.word(first.saturating_add(word)).ok_or(io::ErrorKind::InvalidInput)?;
            place.store(u64::from_ne_bytes(*value), Ordering::Release);
        }
        Ok(())
    }

    fn write_service(&self, number: u32, entry: &Service) -> io::Result<()> {
        let words = sys::octets(std::slice::from_ref(entry)).as_chunks::<8>().0;
        let first = usize::try_from(number).unwrap_or(usize::MAX).saturating_mul(words.len());
        for (word, value) in words.iter().enumerate().rev() {
            let place = self.services.word(first.saturating_add(word)).ok_or(io::ErrorKind::InvalidInput)?;
            place.store(u64::from_ne_bytes(*value), Ordering::Release);
        }
        Ok(())
    }

    fn write_directory(&self, directory: &Directory) -> io::Result<()> {
        let made = sys::create_array(c"directory", size_of::<Directory>(), 0)?;
        sys::set(made.as_fd(), 0_u32, std::slice::from_ref(directory))?;
        let before = self.inner_id("DIRECTORY", 0)?;
        self.pin_inner(made.as_fd())?;
        sys::set(self.map("DIRECTORY")?, 0_u32, &[made.as_raw_fd().unsigned_abs()])?;
        before.map_or(Ok(()), |id| self.unpin_inner(id))
    }

    /// Writes a table that nobody uses yet: into one that stands in its place, or into a new one.
    fn write_table(&mut self, number: u32, slots: &[Slot]) -> io::Result<()> {
        self.spare.remove(&number);
        if !self.tables.contains(&number) {
            let made = make_table()?;
            self.seen.insert(number, Shared::new(made.as_fd(), size_of::<Table>())?);
            self.made.push((number, made));
        }
        let table = self.seen(number)?;
        slots.iter().enumerate().try_for_each(|(at, slot)| store(table, at, *slot))
    }

    fn write_slots(&mut self, number: u32, slots: &[(u32, Slot)]) -> io::Result<()> {
        let table = self.seen(number)?;
        slots.iter().try_for_each(|(at, slot)| store(table, usize::try_from(*at).unwrap_or(usize::MAX), *slot))
    }

    /// The slots of a table, which are looked for once.
    fn seen(&mut self, number: u32) -> io::Result<&Shared> {
        if !self.seen.contains_key(&number) {
            let table = self.table(number)?;
            self.seen.insert(number, table);
        }
        self.seen.get(&number).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Puts tables that are made into their places, all at once.
    fn place_made(&mut self) -> io::Result<()> {
        if self.made.is_empty() {
            return Ok(());
        }
        let made = std::mem::take(&mut self.made);
        let keys: Vec<u32> = made.iter().map(|(number, _)| *number).collect();
        let values: Vec<u32> = made.iter().map(|(_, fd)| fd.as_raw_fd().unsigned_abs()).collect();
        made.iter().try_for_each(|(_, table)| self.pin_inner(table.as_fd()))?;
        let tables = self.map("TABLES")?;
        // Linux 5.17 is the first one that takes several at once.
        if sys::set_all(tables, &keys, &values).is_err() {
            keys.iter().zip(&values).try_for_each(|(key, value)| sys::set(tables, *key, &[*value]))?;
        }
        self.tables.extend(keys);
        Ok(())
    }

    /// A table that nobody uses any more waits for another use; of too many all but some give their memory back.
    fn retire(&mut self, number: u32) -> io::Result<()> {
        self.spare.insert(number);
        if self.spare.len() <= 2 * SPARE as usize {
            return Ok(());
        }
        let gone: Vec<u32> = self.spare.iter().copied().skip(SPARE as usize).collect();
        for number in gone {
            let id = self.inner_id("TABLES", number)?;
            sys::delete(self.map("TABLES")?, number)?;
            self.seen.remove(&number);
            id.map_or(Ok(()), |id| self.unpin_inner(id))?;
            self.spare.remove(&number);
            self.tables.remove(&number);
        }
        Ok(())
    }

    fn make_spares(&mut self) -> io::Result<()> {
        let missing: Vec<u32> = (1..=SPARE).filter(|number| !self.tables.contains(number)).collect();
        for number in missing {
            self.made.push((number, make_table()?));
            self.spare.insert(number);
        }
        self.place_made()
    }

    fn find_tables(&self) -> io::Result<BTreeSet<u32>> {
        let mut found = BTreeSet::new();
        for number in 0..u32::try_from(layout::TABLES).unwrap_or(u32::MAX) {
            if self.inner("TABLES", number)?.is_some() {
                found.insert(number);
            }
        }
        Ok(found)
    }

    /// The slots of a table that stands in the kernel.
    pub(crate) fn table(&self, number: u32) -> io::Result<Shared> {
        let table = self.inner("TABLES", number)?.ok_or(io::ErrorKind::NotFound)?;
        Shared::new(table.as_fd(), size_of::<Table>())
    }

    fn forget(&self, flow: &Flow) -> io::Result<()> {
        match read::key_of(flow) {
            Some(key) => sys::delete(self.map("FLOWS")?, key),
            None => sys::delete(self.map("FLOWS6")?, *flow),
        }
    }

    /// Captures such packets from now on.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn capture(&self, capture: Capture) -> Result<(), LoadError> {
        tried("capturing packets", self.map("CAPTURE").and_then(|map| sys::set(map, 0_u32, &[capture])))
    }
}

fn make_table() -> io::Result<OwnedFd> {
    sys::create_array(c"table", size_of::<Table>(), MAPPABLE)
}

fn store(table: &Shared, at: usize, slot: Slot) -> io::Result<()> {
    let place = table.half(at).filter(|_| at < layout::SLOTS).ok_or(io::ErrorKind::InvalidInput)?;
    place.store(slot.0, Ordering::Release);
    Ok(())
}

/// What is tried by a write.
fn name(write: &Write) -> &'static str {
    match write {
        Write::Backend(..) => "writing a backend",
        Write::Table(..) | Write::Slots(..) | Write::NoTable(_) => "writing a table",
        Write::Service(..) => "writing a service",
        Write::Directory(_) => "writing the directory",
        Write::Return(..) => "writing where answers come from",
        Write::Node(..) => "writing the nodes",
        Write::Mark(..) => "writing the marks",
        Write::ClearService(_) | Write::ClearBackend(_) => "setting counters back",
        Write::Resolve(..) | Write::Sweep | Write::Forget(_) => "forgetting flows",
    }
}
