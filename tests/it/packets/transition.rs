//! A slot that changes hands: who gets the packets of flows that were there, of those that begin, and of those that are not
//! known; natively and in the kernel.

use std::net::IpAddr;

use anyhow::{Context, Result};
use bpf_common::layout::{Backend, L2, Mode, NOWHERE, QUIC, RESOLVED, Service, Slot};
use scenarios::balancer::build::{Datagram, frame, tcp, udp};
use scenarios::balancer::kernel::{Kernel, Program};
use scenarios::balancer::native::Native;
use scenarios::balancer::world::World;

use super::plan::{from_clients, line};

const OLD: u32 = 1;
const NEW: u32 = 2;
const SYN: u8 = 2;
const ACK: u8 = 16;

/// A service of one slot, in this state; the old backend lives or not. The node's number is the last octet of its address.
fn world(mode: Mode, old_lives: bool) -> World {
    let node = |number: u8, way| Backend {
        link: [2, 0, 0, 0, 0, number, 2, 0],
        link_rest: [0, 0, 0, 1, 7, 0, 0, 0],
        way,
        flags: RESOLVED,
        mtu: 1500,
        ..Backend::default()
    };
    let service = Service { table: 1, slots: 1, flags: QUIC, clamp: 0 };
    World {
        entries: vec![line("192.0.2.1", 0, 0, 1, 0), line("2001:db8::1", 0, 0, 1, 0)],
        services: vec![Service::default(), service],
        tables: vec![Vec::new(), vec![Slot::new(NEW, OLD, mode)]],
        backends: vec![Backend::default(), node(1, if old_lives { L2 } else { NOWHERE }), node(2, L2)],
        ..World::default()
    }
}

fn addresses(six: bool) -> Result<(IpAddr, IpAddr)> {
    let (client, service) = if six { ("2001:db8:c::5", "2001:db8::1") } else { ("198.51.200.5", "192.0.2.1") };
    Ok((client.parse()?, service.parse()?))
}

/// A packet of a TCP connection from this port.
fn segment(six: bool, port: u16, flags: u8) -> Result<Datagram> {
    let (client, service) = addresses(six)?;
    Ok(tcp((client, port), (service, 80), flags, &[], b"x"))
}

/// A datagram from this port that begins with these octets.
fn question(six: bool, port: u16, first: &[u8]) -> Result<Datagram> {
    let (client, service) = addresses(six)?;
    Ok(udp((client, port), (service, 443), &[first, &[0; 20]].concat(), true))
}

/// What is told maps and packets, and answers which node gets one.
trait Plane {
    fn becomes(&mut self, world: World) -> Result<()>;
    fn node(&self, packet: &[u8]) -> Result<Option<u32>>;

    fn of(&self, packet: Result<Datagram>) -> Result<Option<u32>> {
        self.node(&frame(&from_clients(), &packet?))
    }
}

fn told(packet: &[u8], came: &[u8]) -> Option<u32> {
    if packet.get(6) == came.get(6) && packet.get(11) == came.get(11) {
        return None;
    }
    packet.get(5).map(|last| u32::from(*last))
}

impl Plane for Native {
    fn becomes(&mut self, world: World) -> Result<()> {
        let (pins, pins6) = (self.pins.take(), self.pins6.take());
        *self = Self::new(world);
        self.pins.replace(pins);
        self.pins6.replace(pins6);
        Ok(())
    }

    fn node(&self, packet: &[u8]) -> Result<Option<u32>> {
        Ok(told(&self.run(packet, 1).packet, packet))
    }
}

impl Plane for Kernel {
    fn becomes(&mut self, world: World) -> Result<()> {
        self.fill(&world)
    }

    fn node(&self, packet: &[u8]) -> Result<Option<u32>> {
        Ok(told(&self.run(Program::Xdp, packet)?.packet, packet))
    }
}

fn a_slot_changes_hands(plane: &mut impl Plane) -> Result<()> {
    const INITIAL: &[u8] = &[0xc3, 0, 0, 0, 1];
    const INITIAL_2: &[u8] = &[0xd3, 0x6b, 0x33, 0x43, 0xcf];
    const HANDSHAKE: &[u8] = &[0xe3, 0, 0, 0, 1];
    for six in [false, true] {
        plane.becomes(world(Mode::Learning, true))?;
        assert_eq!(plane.of(segment(six, 1, ACK))?, Some(OLD), "a connection that is under way stays");
        assert_eq!(plane.of(segment(six, 2, SYN))?, Some(NEW), "one that begins goes to the new node");
        assert_eq!(plane.of(segment(six, 2, ACK))?, Some(NEW), "and stays there");
        assert_eq!(plane.of(segment(six, 3, SYN | ACK))?, Some(OLD), "an answer to a SYN begins nothing");
        assert_eq!(plane.of(question(six, 1, &[0x40]))?, Some(OLD), "datagrams of QUIC without a long header go on");
        assert_eq!(plane.of(question(six, 2, INITIAL))?, Some(NEW), "its Initial begins");
        assert_eq!(plane.of(question(six, 2, &[0x40]))?, Some(NEW), "what follows stays there");
        assert_eq!(plane.of(question(six, 3, INITIAL_2))?, Some(NEW), "so it is in version 2");
        assert_eq!(plane.of(question(six, 4, HANDSHAKE))?, Some(OLD), "a handshake begins nothing");

        plane.becomes(world(Mode::Settling, true))?;
        assert_eq!(plane.of(segment(six, 1, ACK))?, Some(OLD), "who is remembered stays");
        assert_eq!(plane.of(segment(six, 9, ACK))?, Some(NEW), "who is not goes to the new node");
        plane.becomes(world(Mode::Learning, true))?;
        assert_eq!(plane.of(segment(six, 9, ACK))?, Some(OLD), "and was not remembered there");

        plane.becomes(world(Mode::Learning, false))?;
        assert_eq!(plane.of(segment(six, 1, ACK))?, Some(NEW), "who was at a node that died goes to another");
        assert_eq!(plane.of(segment(six, 8, ACK))?, Some(NEW), "and so does who is not known");
        plane.becomes(world(Mode::Stable, true))?;
        assert_eq!(plane.of(segment(six, 9, ACK))?, Some(NEW), "in the end all are at the new node");
    }
    Ok(())
}

#[test]
fn no_flow_moves_but_those_of_the_dead_natively() -> Result<()> {
    a_slot_changes_hands(&mut Native::default())
}

#[test]
fn no_flow_moves_but_those_of_the_dead_in_xdp() -> Result<()> {
    a_slot_changes_hands(&mut Kernel::new(&World::default()).context("loading")?)
}
