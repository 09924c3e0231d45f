//! Which service a packet is for, and which of its backends gets it.
//!
//! Never writes anything of a flow but while its slot is in transition.

use core::mem::MaybeUninit;

use crate::clamp;
use crate::directory::{exact, rest};
use crate::flow::{Flow, Words, octets, slot};
use crate::ipv4::fragment_key;
use crate::layout::{
    CLIENT_ONLY, Directory, FlowKey, Fragment, GUARDED, Mode, NOWHERE, PASS_EMPTY, PORTS, Pin, QUIC, SLOTS, Slot,
    node_of_link, server_octets,
};
use crate::packet::{Maps, Moment, Packet, Window};
use crate::protocol::UDP;
use crate::quic;
use crate::reason::Reason;
use crate::send::send;
use crate::way::{ERROR, FIRST, Facts, LATER, Verdict, end, end_of};

/// What the directory said of the address.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    /// The service for all ports; 0: none.
    pub(crate) service: u32,
    /// The flags of the line.
    pub(crate) flags: u32,
}

/// The service for these ports (the client's, then the service's, as they lie there); 0: none.
#[inline(always)]
#[must_use]
pub(crate) fn service_of(directory: &Directory, address: [u64; 2], ports: u32, protocol: u8, asked: Asked) -> u32 {
    if asked.flags & PORTS != 0 {
        if let Some(entry) = exact(directory, address, rest((ports >> 16) as u16, protocol, 128)) {
            return entry.service;
        }
        if let Some(entry) = exact(directory, address, rest(0, protocol, 128)) {
            return entry.service;
        }
    }
    asked.service
}

/// Chooses a backend of the service and sends the packet there.
#[inline(always)]
pub(crate) fn finish<const SIX: bool, P: Packet, M: Maps>(
    packet: P,
    maps: M,
    facts: Facts,
    asked: Asked,
    memory: &mut MaybeUninit<Facts>,
) -> Verdict {
    let choice = if facts.part == LATER {
        follow(packet, maps, memory.write(facts))
    } else {
        if asked.service == 0 {
            return unserved(packet, maps, asked.flags);
        }
        choose::<SIX, P, M>(packet, maps, &facts, asked.service, memory)
    };
    let Choice { service, backend: chosen, hash } = match choice {
        Ok(choice) => choice,
        Err(reason) => return end_of(maps, reason, asked.service),
    };
    let Some(backend) = maps.backend(chosen) else { return end(maps, Reason::Inconsistent) };
    let captured = maps.is_captured(service) && packet.capture(Moment { service, backend: chosen, leaves: 0 });
    if facts.part == FIRST {
        remember_first(packet, maps, memory.write(facts), service, chosen);
    }
    match send::<SIX, P>(packet, &facts, backend, hash, false) {
        Ok(link) => {
            maps.forwarded(service, chosen, facts.at as u32 + facts.total, facts.begins != 0);
            if captured {
                packet.capture(Moment { service, backend: chosen, leaves: link });
            }
            if link == packet.link() { Verdict::BACK } else { Verdict::to(link) }
        }
        Err(Reason::TooBig) => crate::too_big::tell::<SIX, P, M>(packet, maps, backend, facts.at, facts.part),
        Err(reason) => end_of(maps, reason, service),
    }
}

/// Who gets a packet.
struct Choice {
    service: u32,
    backend: u32,
    hash: u32,
}

/// The backend of a flow.
#[inline(always)]
fn choose<const SIX: bool, P: Packet, M: Maps>(
    packet: P,
    maps: M,
    facts: &Facts,
    number: u32,
    memory: &mut MaybeUninit<Facts>,
) -> Result<Choice, Reason> {
    let service = maps.service(number).ok_or(Reason::Inconsistent)?;
    if service.slots == 0 {
        return Err(if service.flags & PASS_EMPTY != 0 { Reason::NoBackendPass } else { Reason::NoBackend });
    }
    let hash = facts.words.hash(service.flags & CLIENT_ONLY != 0);
    let place = slot(hash, service.slots);
    if place as usize >= SLOTS {
        return Err(Reason::Inconsistent);
    }
    let octets = server_octets(service.flags);
    if octets != 0 && facts.words.protocol == u32::from(UDP) && facts.part != ERROR {
        let named = quic::named(packet, maps, facts.behind, (number << 4) | octets);
        if named != 0 && maps.backend(named).is_some_and(|backend| backend.way != NOWHERE) {
            return Ok(Choice { service: number, backend: named, hash });
        }
    }
    let slot = maps.slot(service.table, place).ok_or(Reason::Inconsistent)?;
    let backend = if slot.mode() == Mode::Stable {
        slot.current()
    } else {
        let begins = facts.begins != 0
            || (service.flags & QUIC != 0
                && facts.words.protocol == u32::from(UDP)
                && quic::is_initial(packet, facts.behind));
        in_transition::<SIX, P, M>(packet, maps, &memory.write(*facts).words, slot, (number << 1) | u32::from(begins))
    };
    if facts.begins != 0 && service.clamp != 0 {
        clamp::clamp(packet, facts.behind, service.clamp);
    }
    Ok(Choice { service: number, backend, hash })
}

/// What becomes of a packet for a prefix of services in which none takes it.
#[inline(never)]
fn unserved<P: Packet, M: Maps>(packet: P, maps: M, flags: u32) -> Verdict {
    packet.begin();
    let mut reason = Reason::NoService;
    if flags & GUARDED != 0
        && let Some(link) = packet.window::<14>(0)
    {
        // The source stands in octets 6 to 11.
        let sender = u64::from(link.le32::<6>()) | (u64::from(link.le16::<10>()) << 32);
        if maps.is_node(sender) || maps.is_node(node_of_link(packet.link())) {
            reason = Reason::Guarded;
        }
    }
    end(maps, reason)
}

/// Where the first fragment of a datagram went.
#[inline(always)]
fn follow<P: Packet, M: Maps>(packet: P, maps: M, facts: &Facts) -> Result<Choice, Reason> {
    let first = first_of(packet, maps, facts);
    if first == 0 {
        return Err(Reason::StrayFragment);
    }
    Ok(Choice { service: (first >> 32) as u32, backend: first as u32, hash: facts.words.hash(false) })
}

/// Its service, then its backend, in one word; 0: nobody knows.
#[inline(never)]
fn first_of<P: Packet, M: Maps>(packet: P, maps: M, facts: &Facts) -> u64 {
    packet.begin();
    let first = maps.fragment(&fragment_key(&facts.words, facts.identification));
    first.map_or(0, |first| (u64::from(first.service) << 32) | u64::from(first.backend))
}

/// Remembers where the first fragment of a datagram goes.
#[inline(never)]
fn remember_first<P: Packet, M: Maps>(packet: P, maps: M, facts: &Facts, service: u32, backend: u32) {
    packet.begin();
    maps.set_fragment(&fragment_key(&facts.words, facts.identification), Fragment { backend, service });
}

/// The backend of a flow whose slot has changed hands. The last argument is the service, then a bit for a flow that begins:
/// the kernel's virtual machine has five registers for arguments.
#[inline(never)]
fn in_transition<const SIX: bool, P: Packet, M: Maps>(
    packet: P,
    maps: M,
    words: &Words,
    slot: Slot,
    service_and_begins: u32,
) -> u32 {
    packet.begin();
    let (service, begins) = (service_and_begins >> 1, service_and_begins & 1 != 0);
    let now = maps.now();
    let key = FlowKey {
        source: ((words.source[1] >> 32) as u32).to_le_bytes(),
        destination: ((words.destination[1] >> 32) as u32).to_le_bytes(),
        source_port: (words.ports as u16).to_le_bytes(),
        destination_port: ((words.ports >> 16) as u16).to_le_bytes(),
        protocol: words.protocol,
    };
    let key6 = Flow {
        source: octets(words.source),
        destination: octets(words.destination),
        source_port: key.source_port,
        destination_port: key.destination_port,
        protocol: words.protocol as u8,
        zero: [0; 3],
    };
    let remember = |backend| {
        let pin = Pin { backend, seen: now };
        if SIX { maps.set_pin6(&key6, pin) } else { maps.set_pin(&key, pin) }
    };
    let lives = |backend| maps.backend(backend).is_some_and(|backend| backend.way != NOWHERE);
    let pin = if SIX { maps.pin6(&key6, now) } else { maps.pin(&key, now) };
    if let Some(backend) = pin
        && lives(backend)
    {
        return backend;
    }
    if slot.mode() != Mode::Learning {
        return slot.current();
    }
    let chosen = if !begins && lives(slot.former()) { slot.former() } else { slot.current() };
    remember(chosen);
    maps.tracked(service);
    chosen
}
