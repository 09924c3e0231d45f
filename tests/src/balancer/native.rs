//! The way of a packet as a function of this process.
//!
//! It never touches the kernel.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use bpf_common::flow::Flow;
use bpf_common::frame::{Frame, HEADROOM, Span};
use bpf_common::layout::{Backend, Directory, FlowKey, Fragment, FragmentKey, Pin, Return, Service, Slot, Told};
use bpf_common::packet::Maps;
use bpf_common::reason::Reason;
use bpf_common::way::{self, Outcome};

use super::world::World;

/// Maps in memory, and what the way of packets left in them.
#[derive(Default)]
pub struct Native {
    world: World,
    directory: Box<[Directory]>,
    /// Flows that are remembered.
    pub pins: RefCell<HashMap<FlowKey, Pin>>,
    /// The same of IPv6.
    pub pins6: RefCell<HashMap<Flow, Pin>>,
    fragments: RefCell<HashMap<FragmentKey, Fragment>>,
    told: RefCell<HashMap<u32, Told>>,
    /// The time.
    pub now: Cell<u32>,
    /// Who got the last packet: the service and the backend.
    pub forwarded: Cell<Option<(u32, u32)>>,
    /// Why it was not forwarded.
    pub reason: Cell<Option<Reason>>,
}

/// What became of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Went {
    /// The verdict.
    pub outcome: Outcome,
    /// The packet after it.
    pub packet: Vec<u8>,
}

impl Native {
    /// Maps with this in them.
    #[must_use]
    pub fn new(world: World) -> Self {
        let directory = world.directory();
        Self { world, directory, ..Self::default() }
    }

    /// Sends a packet on its way that came by this link.
    #[must_use]
    pub fn run(&self, packet: &[u8], link: u32) -> Went {
        let mut octets = vec![0; HEADROOM];
        octets.extend(packet);
        let cells: Vec<Cell<u8>> = octets.into_iter().map(Cell::new).collect();
        let span = Span::new(packet.len());
        self.forwarded.set(None);
        self.reason.set(None);
        let outcome = way::go(Frame::new(&cells, &span, link), self).outcome();
        let packet = cells.get(span.range()).unwrap_or_default().iter().map(Cell::get).collect();
        Went { outcome, packet }
    }
}

impl Maps for &Native {
    fn directory(&self) -> Option<&Directory> {
        self.directory.first()
    }

    fn service(&self, number: u32) -> Option<&Service> {
        self.world.services.get(number as usize)
    }

    fn slot(&self, table: u32, slot: u32) -> Option<Slot> {
        Some(self.world.tables.get(table as usize)?.get(slot as usize).copied().unwrap_or_default())
    }

    fn backend(&self, number: u32) -> Option<&Backend> {
        self.world.backends.get(number as usize)
    }

    fn answer(&self, number: u32) -> Option<&Return> {
        self.world.returns.get(number as usize)
    }

    fn is_captured(&self, _: u32) -> bool {
        self.world.capture.every != 0
    }

    fn is_node(&self, key: u64) -> bool {
        self.world.nodes.contains(&key)
    }

    fn pin(&self, flow: &FlowKey, now: u32) -> Option<u32> {
        self.pins.borrow_mut().get_mut(flow).map(|pin| {
            pin.seen = now;
            pin.backend
        })
    }

    fn set_pin(&self, flow: &FlowKey, pin: Pin) {
        self.pins.borrow_mut().insert(*flow, pin);
    }

    fn pin6(&self, flow: &Flow, now: u32) -> Option<u32> {
        self.pins6.borrow_mut().get_mut(flow).map(|pin| {
            pin.seen = now;
            pin.backend
        })
    }

    fn set_pin6(&self, flow: &Flow, pin: Pin) {
        self.pins6.borrow_mut().insert(*flow, pin);
    }

    fn fragment(&self, key: &FragmentKey) -> Option<Fragment> {
        self.fragments.borrow().get(key).copied()
    }

    fn set_fragment(&self, key: &FragmentKey, fragment: Fragment) {
        self.fragments.borrow_mut().insert(*key, fragment);
    }

    fn now(&self) -> u32 {
        self.now.get()
    }

    fn forwarded(&self, service: u32, backend: u32, _: u32, _: bool) {
        self.forwarded.set(Some((service, backend)));
    }

    fn tracked(&self, _: u32) {}

    fn may_tell(&self, place: u32, most: u32) -> bool {
        self.told.borrow_mut().entry(place).or_default().take(self.now.get(), most)
    }

    fn count(&self, reason: Reason) {
        self.reason.set(Some(reason));
    }
}
