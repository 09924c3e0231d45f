//! How one record stands in the database: a format number, a CRC-32, and JSON.
//!
//! The checksum is ours, because a store that lost a page may still answer with octets. Never panics on
//! any octets.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The first octet of every record; another one is a record of a version that we cannot read.
const FORMAT: u8 = 1;

/// A record as octets.
pub(crate) fn encode<T: Serialize>(record: &T) -> Result<Vec<u8>, serde_json::Error> {
    let json = serde_json::to_vec(record)?;
    let mut octets = vec![FORMAT];
    octets.extend_from_slice(&crc32fast::hash(&json).to_be_bytes());
    octets.extend_from_slice(&json);
    Ok(octets)
}

/// A record from octets; `None` when it is damaged or of another format.
pub(crate) fn decode<T: DeserializeOwned>(octets: &[u8]) -> Option<T> {
    let (format, rest) = octets.split_first()?;
    let (sum, json) = rest.split_first_chunk::<4>()?;
    if *format != FORMAT || u32::from_be_bytes(*sum) != crc32fast::hash(json) {
        return None;
    }
    serde_json::from_slice(json).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]
    use super::*;
    use config::store::RevisionRecord;
    use nouns::Revision;

    #[test]
    fn the_checksum_is_the_well_known_one() {
        assert_eq!(crc32fast::hash(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn a_record_comes_back_and_any_flipped_bit_or_cut_is_noticed() {
        let record = RevisionRecord {
            revision: Revision(7),
            time: 1_700_000_000,
            user: "admin".into(),
            via: "cli".into(),
            comment: Some("pull \"left\"".into()),
            text: "system {\n    host-name edge\n}\n".into(),
        };
        let octets = encode(&record).unwrap();
        assert_eq!(decode(&octets), Some(record));
        for bit in 0..octets.len() * 8 {
            let mut damaged = octets.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode::<RevisionRecord>(&damaged), None, "bit {bit}");
        }
        for length in 0..octets.len() {
            assert_eq!(decode::<RevisionRecord>(&octets[..length]), None, "cut at {length}");
        }
    }
}
