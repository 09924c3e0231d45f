//! What stands in the maps, read.
//!
//! Never changes it.

use std::io;
use std::mem::offset_of;
use std::os::fd::AsFd;
use std::time::Duration;

use bpf_common::flow::Flow;
use bpf_common::layout::{self, BACKENDS, Count, Directory, Entry, FLOWS, FlowKey, Pin, SLOTS, Service, ServiceCount};
use bpf_common::reason::Reason;
use bpf_tables::state::{Clock, Counts, Held};

use crate::maps::Maps;
use crate::sys;
use crate::{LoadError, tried};

/// Flows that are read at a time; a bucket of the kernel's has to fit.
const BATCH: usize = 4096;

/// What the programs have counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Of services and backends.
    pub counts: Counts,
    /// Packets that were not forwarded.
    pub drops: Vec<(&'static str, u64)>,
}

/// Some flows, and the kernel's next place.
type Batch<K> = (Vec<(K, Pin)>, Option<u64>);

/// A place among the flows that are remembered; [`FlowsPlace::default`] is before all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowsPlace {
    ipv6: bool,
    place: Option<u64>,
}

/// Some of the flows that are remembered.
#[derive(Clone, Debug)]
pub struct SomeFlows {
    /// The time.
    pub clock: Clock,
    /// Each with what is remembered of it.
    pub flows: Vec<(Flow, Pin)>,
    /// Where the next ones are, unless these were the last.
    pub next: Option<FlowsPlace>,
}

impl Maps {
    /// Everything that the maps hold.
    pub(crate) fn held(&self) -> Result<Held, LoadError> {
        tried("reading what an earlier daemon has left", self.read_held())
    }

    fn read_held(&self) -> io::Result<Held> {
        let mut held = Held { nodes: self.keys("NODES")?, ..Held::default() };
        for mark in self.keys::<u32>("MARKS")? {
            let mut number = [0_u32];
            if sys::get(self.map("MARKS")?, mark, &mut number)? {
                held.marks.extend(number.map(|number| (mark, number)));
            }
        }
        if let Some(directory) = self.inner("DIRECTORY", 0)? {
            // Too large for a stack, so its lines are taken out of octets.
            let mut octets = vec![0_u8; size_of::<Directory>()];
            sys::get(directory.as_fd(), 0_u32, &mut octets)?;
            let places = octets.get(offset_of!(Directory, places)..).unwrap_or_default();
            let lines = places.chunks_exact(size_of::<Entry>()).filter_map(sys::value::<Entry>);
            held.lines = lines.filter(|line| line.length > 0).collect();
        }
        for number in held.lines.iter().map(|line| line.service).filter(|number| *number > 0) {
            let place = usize::try_from(number).unwrap_or(usize::MAX);
            held.services.extend(self.services().read::<Service>(place).map(|service| (number, service)));
        }
        for number in 1..BACKENDS {
            let entry = self.backends().read::<layout::Backend>(number).unwrap_or_default();
            if entry != layout::Backend::default() {
                held.backends.insert(u32::try_from(number).unwrap_or(u32::MAX), entry);
            }
        }
        let used: Vec<u32> =
            held.services.values().filter(|service| service.slots > 0).map(|service| service.table).collect();
        for number in used {
            if let (false, Ok(table)) = (held.tables.contains_key(&number), self.table(number)) {
                let slot =
                    |at| table.half(at).map(|slot| layout::Slot(slot.load(std::sync::atomic::Ordering::Acquire)));
                held.tables.insert(number, (0..SLOTS).filter_map(slot).collect());
            }
        }
        Ok(held)
    }

    fn keys<K: sys::Plain>(&self, name: &str) -> io::Result<Vec<K>> {
        let map = self.map(name)?;
        let mut keys = Vec::new();
        while let Some(key) = sys::next_key(map, keys.last().copied())? {
            keys.push(key);
            // A map that others change may lead in a circle.
            if keys.len() > 2 * FLOWS {
                break;
            }
        }
        Ok(keys)
    }

    /// What is remembered of a flow.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn pin(&self, flow: &Flow) -> Result<Option<Pin>, LoadError> {
        let mut pin = [Pin::default()];
        let found = match key_of(flow) {
            Some(key) => self.map("FLOWS").and_then(|map| sys::get(map, key, &mut pin)),
            None => self.map("FLOWS6").and_then(|map| sys::get(map, *flow, &mut pin)),
        };
        Ok(tried("looking for a remembered flow", found)?.then(|| pin[0]))
    }

    /// Hands out all flows that are remembered, some at a time.
    ///
    /// # Errors
    /// What the kernel said; some may have been handed out.
    pub fn sweep(&self, mut take: impl FnMut(Clock, Vec<(Flow, Pin)>)) -> Result<(), LoadError> {
        let mut place = Some(FlowsPlace::default());
        while let Some(at) = place {
            let SomeFlows { clock, flows, next } = self.flows(at)?;
            if !flows.is_empty() {
                take(clock, flows);
            }
            place = next;
        }
        Ok(())
    }

    /// Some of the flows that are remembered, as they stand behind a place, and the next place, unless that was the end.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn flows(&self, at: FlowsPlace) -> Result<SomeFlows, LoadError> {
        let FlowsPlace { ipv6, place } = at;
        let read = || -> io::Result<_> {
            if ipv6 {
                return self.batch::<Flow>("FLOWS6", place);
            }
            let (flows, next) = self.batch::<FlowKey>("FLOWS", place)?;
            Ok((flows.into_iter().map(|(key, pin)| (Flow::from(&key), pin)).collect(), next))
        };
        let (flows, next) = tried("looking at remembered flows", read())?;
        let behind = (!ipv6).then_some(FlowsPlace { ipv6: true, place: None });
        let next = next.map(|next| FlowsPlace { ipv6, place: Some(next) }).or(behind);
        Ok(SomeFlows { clock: clock(), flows, next })
    }

    fn batch<K: sys::Plain>(&self, name: &str, place: Option<u64>) -> io::Result<Batch<K>> {
        let (mut keys, mut pins) = (vec![sys::zero::<K>(); BATCH], vec![Pin::default(); BATCH]);
        let (count, next) = sys::batch(self.map(name)?, place, &mut keys, &mut pins)?;
        Ok((keys.into_iter().zip(pins).take(count).collect(), next))
    }

    /// What was counted of these services and backends, of all processors together, and of packets that were not forwarded.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn counters(
        &self,
        services: impl Iterator<Item = u32>,
        backends: impl Iterator<Item = u32>,
    ) -> Result<Counters, LoadError> {
        tried("reading counters", self.read_counters(services, backends))
    }

    fn read_counters(
        &self,
        services: impl Iterator<Item = u32>,
        backends: impl Iterator<Item = u32>,
    ) -> io::Result<Counters> {
        let mut counters = Counters::default();
        let mut each = vec![ServiceCount::default(); self.processors()];
        for number in services {
            if sys::get(self.map("SERVICE_COUNTS")?, number, &mut each)? {
                counters.counts.services.insert(number, each.iter().fold(ServiceCount::default(), add_service));
            }
        }
        let mut each = vec![Count::default(); self.processors()];
        for number in backends {
            if sys::get(self.map("BACKEND_COUNTS")?, number, &mut each)? {
                counters.counts.backends.insert(number, each.iter().fold(Count::default(), add));
            }
        }
        let mut each = vec![0_u64; self.processors()];
        for reason in Reason::ALL {
            if sys::get(self.map("DROPS")?, *reason as u32, &mut each)? {
                counters.drops.push((reason.word(), each.iter().fold(0, |sum, count| sum.wrapping_add(*count))));
            }
        }
        Ok(counters)
    }
}

fn add(sum: Count, count: &Count) -> Count {
    Count { packets: sum.packets.wrapping_add(count.packets), octets: sum.octets.wrapping_add(count.octets) }
}

fn add_service(sum: ServiceCount, count: &ServiceCount) -> ServiceCount {
    ServiceCount {
        forwarded: add(sum.forwarded, &count.forwarded),
        new_flows: sum.new_flows.wrapping_add(count.new_flows),
        tracked: sum.tracked.wrapping_add(count.tracked),
    }
}

/// The time as programs tell it.
fn clock() -> Clock {
    let now = sys::monotonic().as_nanos() >> 30;
    Clock { now: u32::try_from(now & 0xffff_ffff).unwrap_or_default(), unit: Duration::from_nanos(1 << 30) }
}

/// The key of an IPv4 flow.
pub(crate) fn key_of(flow: &Flow) -> Option<FlowKey> {
    let ipv4 = |octets: [u8; 16]| std::net::Ipv6Addr::from(octets).to_ipv4_mapped().map(|address| address.octets());
    Some(FlowKey {
        source: ipv4(flow.source)?,
        destination: ipv4(flow.destination)?,
        source_port: flow.source_port,
        destination_port: flow.destination_port,
        protocol: u32::from(flow.protocol),
    })
}

/// How many processors the machine may have: counters of maps have one value for each.
pub(crate) fn processors() -> io::Result<usize> {
    let text = std::fs::read_to_string("/sys/devices/system/cpu/possible")?;
    let last = text.trim().rsplit([',', '-']).next().and_then(|last| last.parse::<usize>().ok());
    last.map(|last| last + 1).ok_or_else(|| io::Error::other("the kernel does not say which processors may be there"))
}
