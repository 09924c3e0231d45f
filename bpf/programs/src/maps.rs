//! The maps, as `bpf_common::layout` lays them out.
//!
//! Never takes a lock: counters are of the processor, and each word that user space changes is read once.

use aya_ebpf::btf_maps::{Array, ArrayOfMaps, HashMap, LruHashMap, PerCpuArray, RingBuf};
use aya_ebpf::helpers::generated::bpf_jiffies64;
use aya_ebpf::macros::btf_map;
use bpf_common::flow::Flow;
use bpf_common::layout::{
    self, Backend, Capture, Count, Directory, FlowKey, FragmentKey, Pin, Return, Service, ServiceCount, Slot, Table,
};
use bpf_common::packet::Maps;
use bpf_common::reason::{REASONS, Reason};

#[btf_map]
static DIRECTORY: ArrayOfMaps<Array<Directory, 1>, 1> = ArrayOfMaps::new();
#[btf_map]
static TABLES: ArrayOfMaps<Array<Table, 1, MAPPABLE>, { layout::TABLES }> = ArrayOfMaps::new();
#[btf_map]
static SERVICES: Array<Service, { layout::SERVICES }, MAPPABLE> = Array::new();
#[btf_map]
static BACKENDS: Array<Backend, { layout::BACKENDS }, MAPPABLE> = Array::new();
#[btf_map]
static RETURNS: Array<Return, { layout::RETURNS }> = Array::new();
#[btf_map]
static FLOWS: LruHashMap<FlowKey, Pin, { layout::FLOWS }> = LruHashMap::new();
#[btf_map]
static FLOWS6: LruHashMap<Flow, Pin, { layout::FLOWS }> = LruHashMap::new();
#[btf_map]
static FRAGMENTS: LruHashMap<FragmentKey, u32, { layout::FRAGMENTS }> = LruHashMap::new();
#[btf_map]
static NODES: HashMap<u64, u32, { layout::NODES }, NO_PREALLOC> = HashMap::new();
#[btf_map]
static MARKS: HashMap<u32, u32, { layout::MARKS }, NO_PREALLOC> = HashMap::new();
#[btf_map]
static CAPTURE: Array<Capture, 1> = Array::new();
#[btf_map]
static CAPTURED: RingBuf<(), { layout::RING }> = RingBuf::new();
#[btf_map]
static SERVICE_COUNTS: PerCpuArray<ServiceCount, { layout::SERVICES }> = PerCpuArray::new();
#[btf_map]
static BACKEND_COUNTS: PerCpuArray<Count, { layout::BACKENDS }> = PerCpuArray::new();
#[btf_map]
static DROPS: PerCpuArray<u64, REASONS> = PerCpuArray::new();

/// `BPF_F_NO_PREALLOC`: a map that is nearly empty takes nearly no memory.
const NO_PREALLOC: usize = 1;
/// `BPF_F_MMAPABLE`: user space changes single words, each as a whole.
const MAPPABLE: usize = 1 << 10;
/// `BPF_ANY`: a new element, or another value of one that is there.
const ANY: u64 = 0;

/// The maps of the kernel.
pub(crate) struct Kernel;

impl Maps for Kernel {
    #[inline(always)]
    fn directory(&self) -> Option<&Directory> {
        DIRECTORY.get_value(0, &0)
    }

    #[inline(always)]
    fn service(&self, number: u32) -> Option<&Service> {
        SERVICES.get(number)
    }

    #[inline(always)]
    fn slot(&self, table: u32, slot: u32) -> Option<Slot> {
        TABLES.get_value(table, &0)?.slots.get(slot as usize).copied()
    }

    #[inline(always)]
    fn backend(&self, number: u32) -> Option<&Backend> {
        BACKENDS.get(number)
    }

    #[inline(always)]
    fn answer(&self, number: u32) -> Option<&Return> {
        RETURNS.get(number)
    }

    #[inline(always)]
    fn is_node(&self, key: u64) -> bool {
        // SAFETY: the value is not read.
        unsafe { NODES.get(key) }.is_some()
    }

    #[inline(always)]
    fn pin(&self, flow: &FlowKey) -> Option<Pin> {
        // SAFETY: it is copied before anything is put into the map; an element that is replaced meanwhile is that of another
        // flow for one packet, which the map's documentation allows for.
        unsafe { FLOWS.get(flow) }.copied()
    }

    #[inline(always)]
    fn set_pin(&self, flow: &FlowKey, pin: Pin) {
        let _ = FLOWS.insert(flow, pin, ANY);
    }

    #[inline(always)]
    fn pin6(&self, flow: &Flow) -> Option<Pin> {
        // SAFETY: as in `pin`.
        unsafe { FLOWS6.get(flow) }.copied()
    }

    #[inline(always)]
    fn set_pin6(&self, flow: &Flow, pin: Pin) {
        let _ = FLOWS6.insert(flow, pin, ANY);
    }

    #[inline(always)]
    fn fragment(&self, key: &FragmentKey) -> Option<u32> {
        // SAFETY: as in `pin`.
        unsafe { FRAGMENTS.get(key) }.copied()
    }

    #[inline(always)]
    fn set_fragment(&self, key: &FragmentKey, backend: u32) {
        let _ = FRAGMENTS.insert(key, backend, ANY);
    }

    #[inline(always)]
    fn now(&self) -> u32 {
        // SAFETY: the helper has no arguments and reads a number.
        (unsafe { bpf_jiffies64() } >> 8) as u32
    }

    #[inline(always)]
    fn forwarded(&self, service: u32, backend: u32, octets: u32, begins: bool) {
        if let Some(count) = SERVICE_COUNTS.get_ptr_mut(service) {
            // SAFETY: the element is this processor's, and no other program on it runs in between.
            let count = unsafe { &mut *count };
            count.forwarded.packets = count.forwarded.packets.wrapping_add(1);
            count.forwarded.octets = count.forwarded.octets.wrapping_add(u64::from(octets));
            count.new_flows = count.new_flows.wrapping_add(u64::from(begins));
        }
        if let Some(count) = BACKEND_COUNTS.get_ptr_mut(backend) {
            // SAFETY: as above.
            let count = unsafe { &mut *count };
            count.packets = count.packets.wrapping_add(1);
            count.octets = count.octets.wrapping_add(u64::from(octets));
        }
    }

    #[inline(always)]
    fn tracked(&self, service: u32) {
        if let Some(count) = SERVICE_COUNTS.get_ptr_mut(service) {
            // SAFETY: as in `forwarded`.
            let count = unsafe { &mut *count };
            count.tracked = count.tracked.wrapping_add(1);
        }
    }

    #[inline(always)]
    fn count(&self, reason: Reason) {
        if let Some(count) = DROPS.get_ptr_mut(reason as u32) {
            // SAFETY: as in `forwarded`.
            unsafe { *count = (*count).wrapping_add(1) };
        }
    }
}
