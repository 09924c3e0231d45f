//! Where words are in structures of the kernel that runs, as its own description says (BTF, `/sys/kernel/btf/vmlinux`).
//!
//! Never follows a type: a word is found by the names of its structure and of itself.

use std::path::Path;

/// The kernel's description.
pub(crate) const KERNEL: &str = "/sys/kernel/btf/vmlinux";

const MAGIC: u16 = 0xeb9f;
const STRUCT: u32 = 4;

/// A description of types.
pub(crate) struct Btf {
    octets: Vec<u8>,
    types: usize,
    types_end: usize,
    strings: usize,
}

impl Btf {
    /// Reads a description; nothing where there is none, or none that is understood.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        Self::parse(std::fs::read(path).ok()?)
    }

    fn parse(octets: Vec<u8>) -> Option<Self> {
        let word = |at: usize| Some(u32::from_ne_bytes(*octets.get(at..)?.first_chunk()?));
        let place = |at: usize| word(at).and_then(|word| usize::try_from(word).ok());
        if octets.first_chunk::<2>().map(|magic| u16::from_ne_bytes(*magic)) != Some(MAGIC) {
            return None;
        }
        let header = place(4)?;
        let (types, strings) = (header.checked_add(place(8)?)?, header.checked_add(place(16)?)?);
        let types_end = types.checked_add(place(12)?)?;
        Some(Self { octets, types, types_end, strings })
    }

    /// Where a word begins in a structure, in octets. The structure has to name it itself, not one within it.
    pub(crate) fn offset(&self, structure: &str, word: &str) -> Option<u32> {
        let mut at = self.types;
        while at < self.types_end {
            let (name, info) = (self.word(at)?, self.word(at + 4)?);
            let (kind, count) = ((info >> 24) & 0x1f, usize::try_from(info & 0xffff).ok()?);
            let members = at + 12;
            if kind == STRUCT && self.is(name, structure) {
                let mut all = (0..count).map(|number| members + number * 12);
                let found = all.find(|member| self.word(*member).is_some_and(|name| self.is(name, word)))?;
                let bits = self.word(found + 8)?;
                // With the flag the upper octet is the width of a bit field.
                let bits = if info >> 31 == 1 { bits & 0x00ff_ffff } else { bits };
                return Some(bits / 8);
            }
            at = members + behind(kind, count)?;
        }
        None
    }

    fn word(&self, at: usize) -> Option<u32> {
        self.octets.get(at..)?.first_chunk().map(|word| u32::from_ne_bytes(*word))
    }

    fn is(&self, name: u32, text: &str) -> bool {
        let place = usize::try_from(name).ok().and_then(|name| self.strings.checked_add(name));
        let found =
            place.and_then(|place| self.octets.get(place..)).and_then(|rest| rest.strip_prefix(text.as_bytes()));
        found.is_some_and(|rest| rest.first() == Some(&0))
    }
}

/// How many octets follow the three words that each type begins with.
fn behind(kind: u32, count: usize) -> Option<usize> {
    Some(match kind {
        // Integers, variables, tags of declarations.
        1 | 14 | 17 => 4,
        // Arrays.
        3 => 12,
        // Structures, unions, sections, enumerations of 64 bits.
        4 | 5 | 15 | 19 => count * 12,
        // Enumerations, prototypes.
        6 | 13 => count * 8,
        // What has a name and another type, and floating numbers.
        2 | 7..=12 | 16 | 18 => 0,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A description of an integer, another structure, and one with a word at 4 and a bit field.
    fn described(flag: u32) -> Vec<u8> {
        let strings = b"\0int\0other\0net_device\0ifindex\0";
        let types: &[u32] = &[
            1,
            1 << 24,
            4,
            0x2000, //
            5,
            4 << 24 | 1,
            4,
            22,
            1,
            0, //
            11,
            flag << 31 | 4 << 24 | 2,
            8,
            1,
            1,
            0,
            22,
            1,
            flag * 0x0400_0000 + 32,
        ];
        let header = [u32::from(MAGIC) | 1 << 16, 24, 0, types.len() as u32 * 4, types.len() as u32 * 4, 30];
        let words = header.iter().chain(types).flat_map(|word| word.to_ne_bytes());
        words.chain(strings.iter().copied()).collect()
    }

    #[test]
    fn a_word_is_found_in_its_structure_and_nonsense_finds_nothing() {
        for flag in [0, 1] {
            let btf = Btf::parse(described(flag));
            let offset = |structure, word| btf.as_ref().and_then(|btf| btf.offset(structure, word));
            assert_eq!(offset("net_device", "ifindex"), Some(4));
            assert_eq!(offset("other", "ifindex"), Some(0));
            assert_eq!([offset("net_device", "if"), offset("net", "ifindex"), offset("int", "ifindex")], [None; 3]);
        }
        let whole = described(0);
        for length in 0..whole.len() {
            let cut = Btf::parse(whole.get(..length).unwrap_or_default().to_vec());
            assert!(cut.is_none_or(|cut| cut.offset("net_device", "ifindex").is_none_or(|found| found == 4)));
        }
    }

    #[test]
    fn the_kernel_that_runs_describes_what_is_read() {
        let kernel = Path::new(KERNEL);
        // Without a description nothing is read.
        let Some(btf) = kernel.exists().then(|| Btf::read(kernel)).flatten() else { return };
        for (structure, word) in [("net_device", "ifindex"), ("bpf_prog", "aux"), ("bpf_prog_aux", "id")] {
            assert!(btf.offset(structure, word).is_some(), "{structure} {word}");
        }
    }
}
