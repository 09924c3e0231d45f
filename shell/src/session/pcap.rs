//! Packets out of a file that a capture has written: pcap, of either byte order, and pcapng.
//!
//! Never trusts a length, and never reads more packets than are wanted.

use api::request::HeldPacket;

/// Packets that are read at most.
pub(crate) const MOST: usize = 256;
/// Octets of a packet that are read at most: all headers, and what tells its connection.
const HEAD: usize = 256;
/// `LINKTYPE_ETHERNET`
const ETHERNET: u32 = 1;

/// The first packets of a file, and whether there are more.
///
/// # Errors
/// In words, when it is no such file, or not of Ethernet.
pub(crate) fn packets(file: &[u8]) -> Result<(Vec<HeldPacket>, bool), &'static str> {
    let big = match file.first_chunk::<4>() {
        Some([0xd4, 0xc3, 0xb2, 0xa1] | [0x4d, 0x3c, 0xb2, 0xa1]) => false,
        Some([0xa1, 0xb2, 0xc3, 0xd4] | [0xa1, 0xb2, 0x3c, 0x4d]) => true,
        Some([0x0a, 0x0d, 0x0d, 0x0a]) => return blocks(file),
        _ => return Err("it is neither pcap nor pcapng"),
    };
    let words = Words { big };
    if words.at(file, 20).ok_or(CUT)? & 0x0fff_ffff != ETHERNET {
        return Err(NOT_ETHERNET);
    }
    let mut rest = file.get(24..).ok_or(CUT)?;
    let mut found = Vec::new();
    while !rest.is_empty() {
        if found.len() == MOST {
            return Ok((found, true));
        }
        let (kept, length) = (words.at(rest, 8).ok_or(CUT)?, words.at(rest, 12).ok_or(CUT)?);
        let body = rest.get(16..).ok_or(CUT)?;
        let octets = body.get(..size(kept)).ok_or(CUT)?;
        found.push(held(octets, length));
        rest = body.get(size(kept)..).ok_or(CUT)?;
    }
    Ok((found, false))
}

const CUT: &str = "it ends in the middle of a packet";
const NOT_ETHERNET: &str = "its packets are not of Ethernet";

/// The packets of blocks (draft-ietf-opsawg-pcapng §4).
fn blocks(file: &[u8]) -> Result<(Vec<HeldPacket>, bool), &'static str> {
    let (mut rest, mut found) = (file, Vec::new());
    let mut words = Words { big: false };
    let mut kinds: Vec<u32> = Vec::new();
    while !rest.is_empty() {
        if rest.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]) {
            words.big = rest.get(8..12) == Some(&[0x1a, 0x2b, 0x3c, 0x4d]);
            kinds.clear();
        }
        let (kind, length) = (words.at(rest, 0).ok_or(CUT)?, size(words.at(rest, 4).ok_or(CUT)?));
        let block = rest.get(..length).filter(|_| length >= 12).ok_or(CUT)?;
        rest = rest.get(length..).ok_or(CUT)?;
        match kind {
            // An interface, and what its packets are of.
            1 => kinds.push(words.at(block, 8).ok_or(CUT)? & if words.big { u32::MAX } else { 0xffff }),
            // A packet with all that is known of it.
            6 => {
                if found.len() == MOST {
                    return Ok((found, true));
                }
                let interface = size(words.at(block, 8).ok_or(CUT)?);
                let of = kinds.get(interface).copied().ok_or(CUT)?;
                if (if words.big { of >> 16 } else { of }) != ETHERNET {
                    return Err(NOT_ETHERNET);
                }
                let (kept, whole) = (words.at(block, 20).ok_or(CUT)?, words.at(block, 24).ok_or(CUT)?);
                let octets = block.get(28..).and_then(|body| body.get(..size(kept))).ok_or(CUT)?;
                found.push(held(octets, whole));
            }
            _ => {}
        }
    }
    Ok((found, false))
}

/// Words of a byte order.
struct Words {
    big: bool,
}

impl Words {
    fn at(&self, octets: &[u8], place: usize) -> Option<u32> {
        let word = octets.get(place..)?.first_chunk::<4>()?;
        Some(if self.big { u32::from_be_bytes(*word) } else { u32::from_le_bytes(*word) })
    }
}

fn size(word: u32) -> usize {
    usize::try_from(word).unwrap_or(usize::MAX)
}

fn held(octets: &[u8], length: u32) -> HeldPacket {
    let head = octets.get(..HEAD).unwrap_or(octets);
    let kept = u32::try_from(octets.len()).unwrap_or(u32::MAX);
    HeldPacket { length: length.max(kept), head: api::digits::of(head) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

    use super::*;
    use crate::session::pcapng;
    use api::News;
    use api::watch::CapturedPacket;

    /// A file of pcap with packets of these octets.
    fn pcap(big: bool, link: u32, packets: &[&[u8]]) -> Vec<u8> {
        let word = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() };
        let mut file: Vec<u8> = [0xa1b2_c3d4, 0x0004_0002, 0, 0, 65_535, link].map(word).concat();
        for packet in packets {
            let kept = u32::try_from(packet.len()).unwrap();
            file.extend([1, 2, kept, 1000].map(word).concat());
            file.extend_from_slice(packet);
        }
        file
    }

    #[test]
    fn packets_of_either_byte_order_are_read_with_their_lengths() {
        for big in [false, true] {
            let (found, more) = packets(&pcap(big, 1, &[&[1, 2], &[3; 300]])).unwrap();
            assert_eq!((found.len(), more), (2, false));
            let [first, second] = found.as_slice() else { panic!("two") };
            assert_eq!((first.length, first.head.as_str()), (1000, "0102"));
            assert_eq!((second.length, second.head.len()), (1000, 2 * HEAD));
        }
    }

    #[test]
    fn what_a_capture_of_our_own_has_written_is_read_again() {
        let news = News::Packet(CapturedPacket {
            time: 1,
            leaves: false,
            interface: "eth1".to_owned(),
            service: Some("web".to_owned()),
            backend: Some(std::net::IpAddr::from([192, 0, 2, 1])),
            reason: None,
            length: 77,
            octets: "0a0b0c".to_owned(),
        });
        let file = [pcapng::head(), pcapng::packet(&news), pcapng::packet(&news)].concat();
        let (found, more) = packets(&file).unwrap();
        assert_eq!((found.len(), more), (2, false));
        assert!(found.iter().all(|packet| packet.length == 77 && packet.head == "0a0b0c"), "{found:?}");
    }

    #[test]
    fn more_than_are_wanted_are_told_and_left() {
        let many: Vec<&[u8]> = vec![&[9]; MOST + 1];
        let (found, more) = packets(&pcap(false, 1, &many)).unwrap();
        assert_eq!((found.len(), more), (MOST, true));
    }

    #[test]
    fn a_file_that_is_none_or_is_cut_says_so_and_never_more() {
        assert_eq!(packets(b"hello, world"), Err("it is neither pcap nor pcapng"));
        assert_eq!(packets(b""), Err("it is neither pcap nor pcapng"));
        assert_eq!(packets(&pcap(false, 113, &[])), Err(NOT_ETHERNET));
        let whole = pcap(false, 1, &[&[1, 2, 3]]);
        for length in 25..whole.len() {
            assert_eq!(packets(whole.get(..length).unwrap()), Err(CUT), "{length} octets");
        }
        let ours = pcapng::head();
        for length in 4..ours.len() {
            // A block that is missing as a whole is not missed.
            let cut = packets(ours.get(..length).unwrap());
            assert!(cut == Err(CUT) || cut == Ok((Vec::new(), false)), "{length} octets");
        }
    }
}
