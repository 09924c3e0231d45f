//! The maps, as `bpf_common::layout` lays them out.
//!
//! Never takes a lock: counters are of the processor, and each word that user space changes is read once.

use aya_ebpf::btf_maps::{Array, ArrayOfMaps, HashMap, LruHashMap, PerCpuArray, RingBuf};
use aya_ebpf::helpers::generated::bpf_ktime_get_coarse_ns;
use aya_ebpf::macros::btf_map;
use aya_ebpf::maps::ring_buf::RingBufEntry;
use bpf_common::flow::Flow;
use bpf_common::layout::{
    self, Backend, Capture, Captured, Count, Directory, FlowKey, Fragment, FragmentKey, Pin, Return, Service,
    ServiceCount, Slot, Table, Told, Watched,
};
use bpf_common::packet::Maps;
use bpf_common::reason::{REASONS, Reason};

// The values of inner maps are plain words: up to Linux 6.1 a map whose value is said to be a structure cannot be put in the
// place of one of which nothing is said, as user space makes them.
#[btf_map]
static DIRECTORY: ArrayOfMaps<Array<[u64; size_of::<Directory>() / 8], 1>, 1> = ArrayOfMaps::new();
#[btf_map]
static TABLES: ArrayOfMaps<Array<[u64; size_of::<Table>() / 8], 1, MAPPABLE>, { layout::TABLES }> = ArrayOfMaps::new();
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
static FRAGMENTS: LruHashMap<FragmentKey, Fragment, { layout::FRAGMENTS }> = LruHashMap::new();
#[btf_map]
static NODES: HashMap<u64, u32, { layout::NODES }, NO_PREALLOC> = HashMap::new();
#[btf_map]
static MARKS: HashMap<u32, u32, { layout::MARKS }, NO_PREALLOC> = HashMap::new();
#[btf_map]
static CAPTURE: Array<Capture, 1> = Array::new();
#[btf_map]
static CAPTURED: RingBuf<(), { layout::RING }> = RingBuf::new();
#[btf_map]
static TOLD: PerCpuArray<Told, { layout::TOLD }> = PerCpuArray::new();
#[btf_map]
static WATCHED: Array<Watched, 1> = Array::new();
#[btf_map]
static XDP_LINKS: HashMap<u32, u32, { layout::XDP_LINKS }, NO_PREALLOC> = HashMap::new();
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

/// What is captured.
#[inline(always)]
pub(crate) fn capture() -> Option<&'static Capture> {
    CAPTURE.get(0)
}

/// Room for a captured packet; nothing while nobody reads fast enough.
#[inline(always)]
pub(crate) fn captured() -> Option<RingBufEntry<Captured>> {
    CAPTURED.reserve_untyped::<Captured>(0)
}

/// The backend that a mark leads to.
#[inline(always)]
pub(crate) fn marked(mark: u32) -> Option<u32> {
    // SAFETY: it is copied at once; one that is replaced meanwhile is that of another question for one packet.
    unsafe { MARKS.get(mark) }.copied()
}

/// What is watched.
#[inline(always)]
pub(crate) fn watched() -> Option<Watched> {
    WATCHED.get(0).copied()
}

/// Whether a program for XDP is on this link.
#[inline(always)]
pub(crate) fn is_on(link: u32) -> bool {
    // SAFETY: the value is not read.
    unsafe { XDP_LINKS.get(link) }.is_some()
}

/// Counts packets that were lost behind the programs.
#[inline(always)]
pub(crate) fn lost(reason: Reason, packets: u64) {
    if let Some(count) = DROPS.get_ptr_mut(reason as u32) {
        // SAFETY: the element is this processor's. Only programs of this kind change it, and they do not interrupt each other.
        unsafe { *count = (*count).wrapping_add(packets) };
    }
}

/// The backend of a flow that was seen; the time is written only when it has changed.
#[inline(always)]
fn touched(pin: *mut Pin, now: u32) -> u32 {
    // SAFETY: the map returned it for the time of this program. Both words are written and read as a whole.
    let pin = unsafe { &mut *pin };
    if pin.seen != now {
        pin.seen = now;
    }
    pin.backend
}

/// The maps of the kernel.
#[derive(Clone, Copy)]
pub(crate) struct Kernel;

impl Maps for Kernel {
    #[inline(always)]
    fn directory(&self) -> Option<&Directory> {
        let words = DIRECTORY.get_value(0, &0)?;
        // SAFETY: the words are a directory's, as many as it has and aligned better; all values of its fields are valid.
        Some(unsafe { &*core::ptr::from_ref(words).cast::<Directory>() })
    }

    #[inline(always)]
    fn service(&self, number: u32) -> Option<&Service> {
        SERVICES.get(number)
    }

    #[inline(always)]
    fn slot(&self, table: u32, slot: u32) -> Option<Slot> {
        let words = TABLES.get_value(table, &0)?;
        // SAFETY: as in `directory`.
        let table = unsafe { &*core::ptr::from_ref(words).cast::<Table>() };
        table.slots.get(slot as usize).copied()
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
    fn is_captured(&self, service: u32) -> bool {
        CAPTURE.get(0).is_some_and(|wanted| wanted.every != 0 && (wanted.service == 0 || wanted.service == service))
    }

    #[inline(always)]
    fn pin(&self, flow: &FlowKey, now: u32) -> Option<u32> {
        FLOWS.get_ptr_mut(flow).map(|pin| touched(pin, now))
    }

    #[inline(always)]
    fn set_pin(&self, flow: &FlowKey, pin: Pin) {
        let _ = FLOWS.insert(flow, pin, ANY);
    }

    #[inline(always)]
    fn pin6(&self, flow: &Flow, now: u32) -> Option<u32> {
        FLOWS6.get_ptr_mut(flow).map(|pin| touched(pin, now))
    }

    #[inline(always)]
    fn set_pin6(&self, flow: &Flow, pin: Pin) {
        let _ = FLOWS6.insert(flow, pin, ANY);
    }

    #[inline(always)]
    fn fragment(&self, key: &FragmentKey) -> Option<Fragment> {
        // SAFETY: it is copied before anything is put into the map; an element that is replaced meanwhile is that of another
        // datagram for one packet, which a map that forgets what is old allows for.
        unsafe { FRAGMENTS.get(key) }.copied()
    }

    #[inline(always)]
    fn set_fragment(&self, key: &FragmentKey, fragment: Fragment) {
        let _ = FRAGMENTS.insert(key, fragment, ANY);
    }

    #[inline(always)]
    fn now(&self) -> u32 {
        // SAFETY: the helper has no arguments and reads a number.
        (unsafe { bpf_ktime_get_coarse_ns() } >> 30) as u32
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
    fn may_tell(&self, place: u32, most: u32) -> bool {
        // SAFETY: as in `forwarded`.
        TOLD.get_ptr_mut(place).is_some_and(|told| unsafe { &mut *told }.take(self.now(), most))
    }

    #[inline(always)]
    fn count(&self, reason: Reason) {
        if let Some(count) = DROPS.get_ptr_mut(reason as u32) {
            // SAFETY: as in `forwarded`.
            unsafe { *count = (*count).wrapping_add(1) };
        }
    }
}
