//! Writes BMP messages.
//!
//! Nothing can fail: texts that are too long for their field are cut.

use std::net::{IpAddr, Ipv6Addr};

use super::{Amount, DownReason, Information, Message, PeerHeader, PeerUp, Statistic, Termination, VERSION, View};
use crate::writer::{Writer, cut};

/// The longest text of a TLV.
const TEXT: usize = u16::MAX as usize;

/// Octets in front of a message whose length is known once it is written.
const LENGTH_AT: usize = 1;

impl Message {
    /// Appends the message.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::RouteMonitoring { peer, update } => monitor(peer, update, out),
            Self::Statistics { peer, values } => whole(1, out, |writer| statistics(peer, values, writer)),
            Self::PeerDown { peer, reason } => whole(2, out, |writer| peer_down(peer, reason, writer)),
            Self::PeerUp(up) => whole(3, out, |writer| peer_up(up, writer)),
            Self::Initiation(information) => whole(4, out, |writer| tlvs(information, writer)),
            Self::Termination(reason, information) => {
                whole(5, out, |writer| termination(*reason, information, writer));
            }
        }
    }
}

/// Appends a Route Monitoring message around one whole UPDATE (RFC 7854 §4.6).
pub fn monitor(peer: &PeerHeader, update: &[u8], out: &mut Vec<u8>) {
    whole(0, out, |writer| {
        peer_header(peer, writer);
        writer.bytes(update);
    });
}

/// A common header, and what belongs behind it.
fn whole(kind: u8, out: &mut Vec<u8>, body: impl FnOnce(&mut Writer<'_>)) {
    let start = out.len();
    let mut writer = Writer::new(out);
    writer.u8(VERSION);
    writer.u32(0);
    writer.u8(kind);
    body(&mut writer);
    let length = u32::try_from(out.len().saturating_sub(start)).unwrap_or(u32::MAX);
    let at = start.saturating_add(LENGTH_AT);
    if let Some(field) = out.get_mut(at..at.saturating_add(4)) {
        field.copy_from_slice(&length.to_be_bytes());
    }
}

fn peer_header(peer: &PeerHeader, writer: &mut Writer<'_>) {
    let (kind, flags) = match peer.view {
        View::PrePolicy => (0, 0),
        View::PostPolicy => (0, 0x40),
        View::AdjRibOutPrePolicy => (0, 0x10),
        View::AdjRibOut => (0, 0x50),
        View::LocRib { filtered } => (3, if filtered { 0x80 } else { 0 }),
    };
    let wide = if peer.address.is_ipv6() && kind == 0 { 0x80 } else { 0 };
    let short = if peer.two_octet_as && kind == 0 { 0x20 } else { 0 };
    writer.u8(kind);
    writer.u8(flags | wide | short);
    writer.bytes(&[0; 8]);
    address(if kind == 0 { peer.address } else { Ipv6Addr::UNSPECIFIED.into() }, writer);
    writer.u32(peer.asn.0);
    writer.bytes(&peer.router_id.octets());
    writer.u32(peer.seconds);
    writer.u32(peer.microseconds);
}

/// An address in sixteen octets, of IPv4 the last four.
fn address(address: IpAddr, writer: &mut Writer<'_>) {
    match address {
        IpAddr::V4(address) => {
            writer.bytes(&[0; 12]);
            writer.bytes(&address.octets());
        }
        IpAddr::V6(address) => writer.bytes(&address.octets()),
    }
}

fn statistics(peer: &PeerHeader, values: &[Statistic], writer: &mut Writer<'_>) {
    peer_header(peer, writer);
    writer.u32(u32::try_from(values.len()).unwrap_or(u32::MAX));
    for Statistic { kind, value } in values {
        writer.u16(*kind);
        match value {
            Amount::Counter(value) => {
                writer.u16(4);
                writer.u32(*value);
            }
            Amount::Gauge(value) => {
                writer.u16(8);
                writer.bytes(&value.to_be_bytes());
            }
            Amount::OfFamily(family, value) => {
                writer.u16(11);
                writer.u16(family.afi);
                writer.u8(family.safi);
                writer.bytes(&value.to_be_bytes());
            }
        }
    }
}

fn peer_down(peer: &PeerHeader, reason: &DownReason, writer: &mut Writer<'_>) {
    peer_header(peer, writer);
    match reason {
        DownReason::LocalNotification(notification) => {
            writer.u8(1);
            writer.bytes(notification);
        }
        DownReason::Local(event) => {
            writer.u8(2);
            writer.u16(*event);
        }
        DownReason::RemoteNotification(notification) => {
            writer.u8(3);
            writer.bytes(notification);
        }
        DownReason::Remote => writer.u8(4),
        DownReason::Deconfigured => writer.u8(5),
        DownReason::LocalTable(information) => {
            writer.u8(6);
            tlvs(information, writer);
        }
    }
}

fn peer_up(up: &PeerUp, writer: &mut Writer<'_>) {
    peer_header(&up.peer, writer);
    address(up.local, writer);
    writer.u16(up.local_port);
    writer.u16(up.remote_port);
    writer.bytes(&up.sent_open);
    writer.bytes(&up.received_open);
    tlvs(&up.information, writer);
}

fn tlvs(information: &[Information], writer: &mut Writer<'_>) {
    for Information { kind, text } in information {
        let text = cut(text, TEXT).as_bytes();
        writer.u16(*kind);
        writer.u16(u16::try_from(text.len()).unwrap_or(u16::MAX));
        writer.bytes(text);
    }
}

fn termination(reason: Termination, information: &[Information], writer: &mut Writer<'_>) {
    writer.u16(1);
    writer.u16(2);
    writer.u16(reason as u16);
    tlvs(information, writer);
}
