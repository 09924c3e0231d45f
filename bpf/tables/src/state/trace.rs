//! What becomes of packets, by the code that the programs run, with the maps as they stand.
//!
//! Never sends anything, and remembers flows and fragments for the packets behind them alone.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use bpf_common::flow::Flow;
use bpf_common::frame::{Frame, HEADROOM, Span};
use bpf_common::layout::{self, Directory, FlowKey, Fragment, FragmentKey, Mode, NOWHERE, Pin, Return, Slot};
use bpf_common::packet::Maps;
use bpf_common::reason::Reason;
use bpf_common::way::{self, Outcome};

use super::Balancer;
use crate::explain::{Explanation, ServiceFound, SlotFound, Why};

/// What became of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traced {
    /// The verdict.
    pub outcome: Outcome,
    /// Why it was not forwarded.
    pub reason: Option<Reason>,
    /// The packet after it, from its link header on.
    pub packet: Vec<u8>,
    /// Who gets it, and why.
    pub explanation: Explanation,
}

/// A backend of which nothing stands in the map.
static NOBODY: layout::Backend = layout::Backend {
    link: [0; 8],
    link_rest: [0; 8],
    way: NOWHERE,
    flags: 0,
    vlan: 0,
    mtu: 0,
    port: [0; 2],
    address: [0; 16],
    source: [0; 16],
    zero: [0; 8],
};

/// What the way of one packet asked for.
#[derive(Clone, Copy, Debug, Default)]
struct Asked {
    service: u32,
    /// The number of the table, the place, and what stands there.
    slot: Option<(u32, u32, Slot)>,
    backend: u32,
    remembered: Option<u32>,
    fragment: bool,
    reason: Option<Reason>,
}

/// Tells what is remembered of a flow.
type Remembered<'a> = dyn FnMut(&Flow) -> Option<Pin> + 'a;

/// The maps, and what packets of before have left in them.
struct Tracer<'a> {
    state: &'a Balancer,
    pin: RefCell<&'a mut Remembered<'a>>,
    pins: RefCell<BTreeMap<Flow, u32>>,
    fragments: RefCell<BTreeMap<FragmentKey, Fragment>>,
    asked: Cell<Asked>,
}

impl Balancer {
    /// What becomes of packets, one after the other. The link that they come by is none that others leave by. `pin` tells what
    /// is remembered of a flow.
    pub fn trace<'p>(
        &self,
        packets: impl Iterator<Item = &'p [u8]>,
        pin: &mut dyn FnMut(&Flow) -> Option<Pin>,
    ) -> Vec<Traced> {
        let tracer = Tracer {
            state: self,
            pin: RefCell::new(pin),
            pins: RefCell::default(),
            fragments: RefCell::default(),
            asked: Cell::default(),
        };
        packets.map(|packet| tracer.one(packet)).collect()
    }
}

impl Tracer<'_> {
    fn one(&self, packet: &[u8]) -> Traced {
        let octets = std::iter::repeat_n(0, HEADROOM).chain(packet.iter().copied());
        let cells: Vec<Cell<u8>> = octets.map(Cell::new).collect();
        let span = Span::new(packet.len());
        self.asked.set(Asked::default());
        let outcome = way::go(Frame::new(&cells, &span, 0), self).outcome();
        let packet = cells.get(span.range()).unwrap_or_default().iter().map(Cell::get).collect();
        let asked = self.asked.get();
        Traced { outcome, reason: asked.reason, packet, explanation: self.explanation(asked) }
    }

    fn explanation(&self, asked: Asked) -> Explanation {
        let found = self.state.found(asked.service);
        let service = found.map(|(destination, number, standing)| {
            let name = standing.service.as_ref().map(|service| service.name.clone()).unwrap_or_default();
            ServiceFound { name, destination, number }
        });
        let slots = found.map_or(0, |(_, _, standing)| standing.written.slots);
        let slot = asked.slot.map(|(table, slot, stands)| SlotFound {
            table,
            slots,
            slot,
            current: self.state.who(stands.current()),
            former: self.state.who(stands.former()),
            remembered: asked.remembered.and_then(|number| self.state.who(number)),
        });
        Explanation { service, slot, backend: self.state.backend(asked.backend), why: why(asked) }
    }

    fn note(&self, change: impl FnOnce(&mut Asked)) {
        let mut asked = self.asked.get();
        change(&mut asked);
        self.asked.set(asked);
    }

    fn remembered(&self, flow: &Flow) -> Option<u32> {
        let before = self.pins.borrow().get(flow).copied();
        let found = before.or_else(|| (self.pin.borrow_mut())(flow).map(|pin| pin.backend));
        self.note(|asked| asked.remembered = found);
        found
    }
}

fn why(asked: Asked) -> Why {
    let Some((_, _, slot)) = asked.slot else {
        return match asked.backend {
            0 => Why::NoService,
            _ if asked.fragment => Why::Fragment,
            _ => Why::Named,
        };
    };
    match slot.mode() {
        Mode::Stable => Why::Owner,
        _ if asked.remembered == Some(asked.backend) => Why::Remembered,
        Mode::Settling => Why::Current,
        Mode::Learning if asked.backend == slot.former() => Why::Former,
        Mode::Learning => Why::Begins,
    }
}

impl Maps for &Tracer<'_> {
    fn directory(&self) -> Option<&Directory> {
        Some(self.state.directory())
    }

    fn service(&self, number: u32) -> Option<&layout::Service> {
        self.note(|asked| asked.service = number);
        self.state.found(number).map(|(_, _, standing)| &standing.written)
    }

    fn slot(&self, table: u32, slot: u32) -> Option<Slot> {
        let found = self.state.tables.get(&table)?.table.slot(slot);
        self.note(|asked| asked.slot = Some((table, slot, found)));
        Some(found)
    }

    fn backend(&self, number: u32) -> Option<&layout::Backend> {
        self.note(|asked| asked.backend = number);
        let known = u16::try_from(number).ok().and_then(|number| self.state.backends.get(number));
        Some(known.map_or(&NOBODY, |known| &known.written))
    }

    fn answer(&self, number: u32) -> Option<&Return> {
        self.state.answers.get(number)
    }

    fn is_captured(&self, _: u32) -> bool {
        false
    }

    fn is_node(&self, key: u64) -> bool {
        self.state.backends.is_node(key)
    }

    fn pin(&self, flow: &FlowKey, _: u32) -> Option<u32> {
        self.remembered(&Flow::from(flow))
    }

    fn set_pin(&self, flow: &FlowKey, pin: Pin) {
        self.pins.borrow_mut().insert(Flow::from(flow), pin.backend);
    }

    fn pin6(&self, flow: &Flow, _: u32) -> Option<u32> {
        self.remembered(flow)
    }

    fn set_pin6(&self, flow: &Flow, pin: Pin) {
        self.pins.borrow_mut().insert(*flow, pin.backend);
    }

    fn fragment(&self, key: &FragmentKey) -> Option<Fragment> {
        let found = self.fragments.borrow().get(key).copied();
        self.note(|asked| {
            asked.fragment = true;
            asked.service = found.map_or(0, |first| first.service);
        });
        found
    }

    fn set_fragment(&self, key: &FragmentKey, fragment: Fragment) {
        self.fragments.borrow_mut().insert(*key, fragment);
    }

    fn now(&self) -> u32 {
        0
    }

    fn forwarded(&self, _: u32, _: u32, _: u32, _: bool) {}

    fn tracked(&self, _: u32) {}

    fn may_tell(&self, _: u32, _: u32) -> bool {
        true
    }

    fn count(&self, reason: Reason) {
        self.note(|asked| asked.reason = Some(reason));
    }
}
