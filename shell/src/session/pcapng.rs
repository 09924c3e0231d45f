//! Captured packets in a file that other programs read (draft-ietf-opsawg-pcapng).
//!
//! Never writes a file itself: these are its octets.

use api::News;
use api::watch::CapturedPacket;

/// `LINKTYPE_ETHERNET`
const ETHERNET: u32 = 1;
/// Options: `opt_comment`, `epb_flags`, and the end of all.
const COMMENT: u16 = 1;
const FLAGS: u16 = 2;

/// What a file begins with: the section, and one interface for all.
pub(crate) fn head() -> Vec<u8> {
    // The byte order, version 1.0, a section whose length is not known.
    let section = [0x1a2b_3c4d_u32.to_le_bytes().to_vec(), vec![1, 0, 0, 0], vec![0xff; 8]].concat();
    let interface = [ETHERNET.to_le_bytes(), 0_u32.to_le_bytes()].concat();
    [block(0x0a0d_0d0a, &section), block(1, &interface)].concat()
}

/// A packet; nothing of other news.
pub(crate) fn packet(news: &News) -> Vec<u8> {
    let News::Packet(packet) = news else { return Vec::new() };
    let CapturedPacket { time, leaves, interface, length, .. } = packet;
    let octets = packet.head();
    let [high, low] =
        [(time >> 32) & 0xffff_ffff, time & 0xffff_ffff].map(|half| u32::try_from(half).unwrap_or_default());
    let kept = u32::try_from(octets.len()).unwrap_or_default();
    let mut body: Vec<u8> = [0, high, low, kept, (*length).max(kept)].map(u32::to_le_bytes).concat();
    body.extend(padded(&octets));
    let reason = packet.reason.iter().map(|reason| format!(", not forwarded: {reason}"));
    let service = packet.service.iter().map(|service| format!(", service {service}"));
    let backend = packet.backend.iter().map(|backend| format!(", backend {backend}"));
    let comment = reason.chain(service).chain(backend).fold(interface.clone(), |comment, more| comment + &more);
    body.extend(option(COMMENT, comment.as_bytes()));
    body.extend(option(FLAGS, &(if *leaves { 2_u32 } else { 1 }).to_le_bytes()));
    body.extend([0; 4]);
    block(6, &body)
}

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 12).unwrap_or(u32::MAX).to_le_bytes();
    [&kind.to_le_bytes(), &length, body, &length].concat()
}

fn option(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    [&kind.to_le_bytes()[..], &length.to_le_bytes(), &padded(value)].concat()
}

fn padded(octets: &[u8]) -> Vec<u8> {
    let mut padded = octets.to_vec();
    padded.resize(octets.len().next_multiple_of(4), 0);
    padded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_says_its_length_twice_and_is_aligned() {
        let packet = News::Packet(CapturedPacket {
            time: 0x0001_0002_0003,
            leaves: true,
            interface: "eth1".to_owned(),
            service: Some("web".to_owned()),
            backend: Some(std::net::IpAddr::from([192, 0, 2, 1])),
            reason: None,
            length: 1000,
            octets: "0102030405".to_owned(),
        });
        let file = [head(), super::packet(&packet)].concat();
        let (mut rest, mut kinds) = (file.as_slice(), Vec::new());
        let word = |octets: &[u8]| octets.first_chunk::<4>().map_or(0, |word| u32::from_le_bytes(*word));
        while !rest.is_empty() {
            let length = word(rest.get(4..).unwrap_or_default()) as usize;
            assert!(length.is_multiple_of(4) && length >= 12);
            let (one, others) = rest.split_at(length);
            assert_eq!(word(one.get(length - 4..).unwrap_or_default()) as usize, length);
            kinds.push(word(one));
            rest = others;
        }
        assert_eq!(kinds, [0x0a0d_0d0a, 1, 6]);
        assert!(super::packet(&News::Missed(1)).is_empty());
    }
}
