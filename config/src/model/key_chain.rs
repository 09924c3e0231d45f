//! `protocols key-chain …`: the keys of TCP-AO (RFC 5925), and which secret a neighbor's connections have.
//!
//! Never shows a key: what is printed for a developer is read by others, too.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::policy::WordError;
use super::reader::Reader;

/// One key (a master key tuple, RFC 5925 §3.1).
#[derive(Clone, PartialEq, Eq)]
pub struct AoKey {
    /// `send-id`, the number of the key by default: the KeyID of segments that are sent.
    pub send_id: u8,
    /// `recv-id`, the same by default: the KeyID of segments that are received.
    pub recv_id: u8,
    /// `cryptographic-algorithm`
    pub algorithm: AoAlgorithm,
    /// `key-string`, 1 to 80 octets.
    pub secret: String,
}

impl fmt::Debug for AoKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a key with numbers {} and {}", self.send_id, self.recv_id)
    }
}

/// How segments are signed (RFC 5926 §3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AoAlgorithm {
    /// `hmac-sha-1-96`
    #[default]
    HmacSha1,
    /// `aes-128-cmac-96`
    Aes128Cmac,
}

impl FromStr for AoAlgorithm {
    type Err = WordError;

    fn from_str(text: &str) -> Result<Self, WordError> {
        match text {
            "hmac-sha-1-96" => Ok(Self::HmacSha1),
            "aes-128-cmac-96" => Ok(Self::Aes128Cmac),
            _ => Err(WordError("neither hmac-sha-1-96 nor aes-128-cmac-96")),
        }
    }
}

/// A chain as a neighbor uses it; it has a key at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyChain {
    /// Its name.
    pub name: String,
    /// Its keys, the one that is sent with first.
    pub keys: Arc<[AoKey]>,
}

/// What the connections of a neighbor are signed with.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// `password`: TCP MD5 (RFC 2385), 1 to 80 octets.
    Md5(String),
    /// `key-chain`: TCP-AO, the key that is sent with first.
    Ao(Arc<[AoKey]>),
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }
}

impl fmt::Display for Secret {
    /// Which kind it is, for a sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Md5(_) => "TCP MD5 key",
            Self::Ao(_) => "TCP-AO keys",
        })
    }
}

/// All chains by their names.
pub(super) type Chains = BTreeMap<String, Arc<[AoKey]>>;

pub(super) fn lower(protocols: &Reader<'_>) -> Chains {
    let chains = protocols.instances::<String>("key-chain").into_iter();
    let keys = |place: Reader<'_>| {
        let keys = place.instances::<u8>("key").into_iter();
        keys.filter_map(|(number, place)| key(number, &place)).collect()
    };
    chains.map(|(name, place)| (name, keys(place))).collect()
}

fn key(number: u8, place: &Reader<'_>) -> Option<AoKey> {
    if !place.is_set("key-string") {
        place.error("must set key-string".to_owned());
    }
    Some(AoKey {
        send_id: place.leaf("send-id").unwrap_or(number),
        recv_id: place.leaf("recv-id").unwrap_or(number),
        algorithm: place.leaf_or_default("cryptographic-algorithm"),
        secret: place.leaf("key-string")?,
    })
}
