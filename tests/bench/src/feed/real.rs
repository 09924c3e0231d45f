//! A feed of the Internet: today's prefixes with the attributes and the packing of a real session.
//!
//! Two files beside the project hold them: a list of the prefixes of one full feed, and the recording of a session (MRT,
//! RFC 6396) of some years ago. A prefix that occurs in both keeps its own attributes; the others get sets, and as many
//! prefixes with the same set, as UPDATEs drawn from the recording have. Where a file is missing there is no feed. It
//! never changes what a path is made of, but for what would keep a daemon from telling it on.

use std::collections::HashMap;
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::{below, mix};
use crate::wire::{self, Prefix4, UPDATE, next_message};

const PREFIXES: &str = "dfz-2026-05-11.prefixes.txt.xz";
const SESSION: &str = "pch-ipv4-2015-10-23.updates.mrt.gz";

/// Attributes that belong to the session and not to the route: next hop, local preference, reflection, other families.
const OF_THE_SESSION: [u8; 9] = [1, 2, 3, 5, 9, 10, 14, 15, 17];
const ORIGIN: u8 = 1;
const AS_PATH: u8 = 2;
const COMMUNITIES: u8 = 8;

/// Prefixes in groups that are announced together.
#[derive(Debug, Default)]
pub(super) struct Real {
    /// In the order of their numbers, which is that of the groups.
    pub(super) prefixes: Vec<Prefix4>,
    /// The numbers of a group's prefixes, and its attributes.
    pub(super) groups: Vec<(Range<u32>, usize)>,
    /// Sets of attributes.
    pub(super) attributes: Vec<Attributes>,
    /// Numbers by prefix.
    numbers: Numbers,
}

/// A set of attributes as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attributes {
    /// The value of `ORIGIN`.
    pub(super) origin: u8,
    /// The path, sets of ASes left out.
    pub(super) path: Vec<u32>,
    /// All others, encoded.
    pub(super) others: Vec<u8>,
}

/// One UPDATE of the recording.
struct Recorded {
    attributes: usize,
    prefixes: Vec<Prefix4>,
}

/// Where the files are; `None` where one is missing.
pub(crate) fn files() -> Option<[PathBuf; 2]> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let files = [PREFIXES, SESSION].map(|name| folder.join(name));
    files.iter().all(|file| file.is_file()).then_some(files)
}

impl Real {
    /// Reads the files and makes a feed of at most so many routes of them.
    pub(super) fn load(limit: u32) -> Result<Self> {
        let [prefixes, session] = files().context("the files of the real feed are missing")?;
        let list = unpacked("xz", &prefixes)?;
        let list = String::from_utf8(list).context("the list of prefixes is no text")?;
        let wanted: Vec<Prefix4> = list.lines().filter_map(prefix).collect();
        let (recorded, attributes) = recording(&unpacked("gzip", &session)?);
        ensure!(!recorded.is_empty(), "the recording holds no UPDATE");
        Ok(Self::of(&wanted, &recorded, attributes, limit))
    }

    fn of(wanted: &[Prefix4], recorded: &[Recorded], attributes: Vec<Attributes>, limit: u32) -> Self {
        // The last UPDATE of a prefix is the one that counts.
        let updates = recorded.iter().enumerate();
        let own: HashMap<Prefix4, usize> =
            updates.flat_map(|(place, update)| update.prefixes.iter().map(move |prefix| (*prefix, place))).collect();
        let mut groups: HashMap<usize, Vec<Prefix4>> = HashMap::new();
        let mut others = Vec::new();
        for prefix in wanted {
            match own.get(prefix) {
                Some(place) => groups.entry(*place).or_default().push(*prefix),
                None => others.push(*prefix),
            }
        }
        let mut ordered: Vec<(u64, usize, Vec<Prefix4>)> = groups
            .into_iter()
            .filter_map(|(place, prefixes)| {
                let at = u64::try_from(place).ok()? << 20;
                Some((at, recorded.get(place)?.attributes, prefixes))
            })
            .collect();
        let mut rest = others.as_slice();
        for draw in 0u64.. {
            let Some(update) = recorded.get(drawn(draw, recorded.len())) else { break };
            let (group, after) = rest.split_at(update.prefixes.len().min(rest.len()));
            if rest.is_empty() {
                break;
            }
            // Somewhere among those that stayed as they were.
            let at = u64::try_from(drawn(draw + (1 << 40), recorded.len())).unwrap_or(0) << 20 | draw & 0xf_ffff;
            ordered.push((at, update.attributes, group.to_vec()));
            rest = after;
        }
        ordered.sort_by_key(|(at, _, _)| *at);
        let mut real = Self { attributes, ..Self::default() };
        for (_, attributes, prefixes) in ordered {
            let first = u32::try_from(real.prefixes.len()).unwrap_or(u32::MAX);
            real.prefixes.extend(prefixes.into_iter().take(usize::try_from(limit - first).unwrap_or(0)));
            let end = u32::try_from(real.prefixes.len()).unwrap_or(u32::MAX);
            real.groups.push((first..end, attributes));
            if end == limit {
                break;
            }
        }
        real.numbers = Numbers::of(&real.prefixes);
        real
    }

    /// The number of a prefix.
    pub(super) fn number(&self, prefix: Prefix4) -> Option<usize> {
        self.numbers.find(prefix, &self.prefixes)
    }
}

fn drawn(draw: u64, limit: usize) -> usize {
    usize::try_from(below(u32::try_from(limit).unwrap_or(u32::MAX), mix(draw))).unwrap_or(0)
}

fn unpacked(program: &str, file: &Path) -> Result<Vec<u8>> {
    let output = Command::new(program).arg("-dc").arg(file).output().with_context(|| format!("starting {program}"))?;
    ensure!(output.status.success(), "{program} cannot unpack {}", file.display());
    Ok(output.stdout)
}

/// An IPv4 prefix that every daemon takes: not the default route, and of no network that is nobody's.
fn prefix(line: &str) -> Option<Prefix4> {
    let (address, length) = line.trim().split_once('/')?;
    let [first, ..] = address.parse::<std::net::Ipv4Addr>().ok()?.octets();
    let prefix =
        Prefix4 { address: address.parse::<std::net::Ipv4Addr>().ok()?.to_bits(), length: length.parse().ok()? };
    let is_nobodys = matches!(first, 0 | 10 | 127 | 224..);
    (!is_nobodys && (8..=24).contains(&prefix.length)).then_some(prefix)
}

/// The UPDATEs of a recording and the distinct sets of attributes in them.
fn recording(octets: &[u8]) -> (Vec<Recorded>, Vec<Attributes>) {
    let (mut recorded, mut attributes) = (Vec::new(), Vec::new());
    let mut known: HashMap<&[u8], usize> = HashMap::new();
    let mut rest = octets;
    while let Some((record, after)) = record(rest) {
        rest = after;
        let Some((UPDATE, body, _)) = record.and_then(next_message) else { continue };
        let Some(update) = wire::Update::decode(body) else { continue };
        let prefixes: Vec<Prefix4> = update.announced().collect();
        let Some(read) = wire::attributes(body).filter(|_| !prefixes.is_empty()) else { continue };
        let place = *known.entry(read).or_insert_with(|| {
            attributes.push(Attributes::read(read));
            attributes.len() - 1
        });
        recorded.push(Recorded { attributes: place, prefixes });
    }
    (recorded, attributes)
}

/// The record at the front, as the BGP message in it where it is one with four-octet AS numbers (RFC 6396 §4.4.3), and
/// what follows.
fn record(octets: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    const BGP4MP_ET: [u8; 2] = [0, 17];
    const MESSAGE_AS4: [u8; 2] = [0, 4];
    /// Microseconds, both AS numbers, the interface, the family and both addresses.
    const BEFORE: usize = 4 + 8 + 2 + 2 + 8;
    let (header, rest) = octets.split_first_chunk::<12>()?;
    let [_, _, _, _, kind @ .., _, _, _, _, _, _] = header;
    let [.., subtype_high, subtype_low, a, b, c, d] = header;
    let length = usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).ok()?;
    let (body, rest) = rest.split_at_checked(length)?;
    let is_message = *kind == BGP4MP_ET && [*subtype_high, *subtype_low] == MESSAGE_AS4;
    Some((body.get(BEFORE..).filter(|_| is_message), rest))
}

impl Attributes {
    fn read(octets: &[u8]) -> Self {
        let mut read = Self { origin: 0, path: Vec::new(), others: Vec::new() };
        for (flags, code, value) in wire::each_attribute(octets) {
            match code {
                ORIGIN => read.origin = value.first().copied().unwrap_or(0).min(2),
                AS_PATH => read.path = sequences(value),
                COMMUNITIES => {
                    // The well-known ones say whom not to tell.
                    let told = value.chunks_exact(4).filter(|community| !community.starts_with(&[0xff, 0xff]));
                    let told: Vec<u8> = told.flatten().copied().collect();
                    if !told.is_empty() {
                        wire::attribute(flags & !0x10, code, &told, &mut read.others);
                    }
                }
                _ if OF_THE_SESSION.contains(&code) => {}
                _ => wire::attribute(flags & !0x10, code, value, &mut read.others),
            }
        }
        read
    }
}

/// The laboratory's own numbers, which somebody has told to the Internet; a path with one of them looks like a loop.
const PRIVATE: RangeInclusive<u32> = 64512..=65534;

/// The AS numbers of an `AS_PATH`'s sequences, with four octets each.
fn sequences(mut value: &[u8]) -> Vec<u32> {
    let mut path = Vec::new();
    while let Some(([kind, count], rest)) = value.split_first_chunk() {
        let Some((members, rest)) = rest.split_at_checked(4 * usize::from(*count)) else { break };
        if *kind == 2 {
            let (members, _) = members.as_chunks::<4>();
            path.extend(
                members.iter().map(|asn| u32::from_be_bytes(*asn)).filter(|asn| *asn != 0 && !PRIVATE.contains(asn)),
            );
        }
        value = rest;
    }
    path.truncate(200);
    path
}

/// Finds a prefix's number: a table of places, each the first free one from where the prefix points to.
#[derive(Debug, Default)]
struct Numbers {
    places: Vec<u32>,
}

const FREE: u32 = u32::MAX;

impl Numbers {
    fn of(prefixes: &[Prefix4]) -> Self {
        let mut numbers = Self { places: vec![FREE; (prefixes.len() * 2).next_power_of_two()] };
        for (number, prefix) in (0u32..).zip(prefixes) {
            let free = numbers.from(*prefix).find(|place| numbers.places.get(*place) == Some(&FREE));
            if let Some(place) = free.and_then(|place| numbers.places.get_mut(place)) {
                *place = number;
            }
        }
        numbers
    }

    fn find(&self, wanted: Prefix4, prefixes: &[Prefix4]) -> Option<usize> {
        for place in self.from(wanted) {
            let number = usize::try_from(*self.places.get(place).filter(|number| **number != FREE)?).ok()?;
            if prefixes.get(number) == Some(&wanted) {
                return Some(number);
            }
        }
        None
    }

    fn from(&self, prefix: Prefix4) -> impl Iterator<Item = usize> + use<> {
        let key = u64::from(prefix.address) << 8 | u64::from(prefix.length);
        let start = usize::try_from(key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32).unwrap_or(0);
        let mask = self.places.len().wrapping_sub(1);
        (0..self.places.len()).map(move |step| start.wrapping_add(step) & mask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(numbers: Range<u32>) -> Vec<Prefix4> {
        numbers.map(|number| Prefix4 { address: 0x2000_0000 + (number << 8), length: 24 }).collect()
    }

    #[test]
    fn prefixes_of_the_recording_keep_their_set_and_the_others_get_one_that_was_drawn() {
        let set = |origin| Attributes { origin, path: vec![1], others: Vec::new() };
        let recorded =
            [Recorded { attributes: 0, prefixes: some(0..3) }, Recorded { attributes: 1, prefixes: some(3..4) }];
        let real = Real::of(&some(1..50), &recorded, vec![set(0), set(1)], 40);
        assert_eq!(real.prefixes.len(), 40);
        assert_eq!(real.groups.iter().map(|(group, _)| group.len()).sum::<usize>(), 40);
        assert!(real.groups.iter().all(|(group, _)| group.len() <= 3));
        for (number, prefix) in real.prefixes.iter().enumerate() {
            assert_eq!(real.number(*prefix), Some(number));
        }
        assert_eq!(real.number(Prefix4 { address: 0x2000_0000, length: 24 }), None);
    }

    #[test]
    fn a_record_of_another_kind_is_passed_over() {
        let mut update = Vec::new();
        let mut attributes = Vec::new();
        wire::attribute(0x40, 1, &[2], &mut attributes);
        wire::attribute(0x40, 2, &[1, 1, 0, 0, 0, 9, 2, 2, 0, 0, 0, 7, 0, 0, 0, 8], &mut attributes);
        wire::attribute(0xc0, 8, &[0xff, 0xff, 0xff, 1, 0, 7, 0, 8], &mut attributes);
        wire::announce(&attributes, some(0..2).into_iter(), &mut update);
        let mut file = Vec::new();
        for kind in [13u8, 17] {
            let length = u32::try_from(24 + update.len()).unwrap_or(0);
            file.extend([0, 0, 0, 0, 0, kind, 0, 4]);
            file.extend(length.to_be_bytes());
            file.extend([0; 24]);
            file.extend(&update);
        }
        let (recorded, sets) = recording(&file);
        assert_eq!(recorded.iter().map(|update| update.prefixes.clone()).collect::<Vec<_>>(), [some(0..2)]);
        let mut communities = Vec::new();
        wire::attribute(0xc0, 8, &[0, 7, 0, 8], &mut communities);
        assert_eq!(sets, [Attributes { origin: 2, path: vec![7, 8], others: communities }]);
    }

    #[test]
    fn prefixes_that_a_daemon_would_refuse_are_left_out() {
        for (line, taken) in [
            ("1.0.0.0/24", true),
            ("0.0.0.0/0", false),
            ("10.1.0.0/16", false),
            ("1.2.3.4/32", false),
            ("2001::/16", false),
        ] {
            assert_eq!(prefix(line).is_some(), taken, "{line}");
        }
    }
}
