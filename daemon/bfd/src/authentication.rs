//! How a packet proves who sent it (RFC 5880 §6.7): passwords, and digests with a sequence number.
//!
//! Never decides what a proven packet does, and never tells from how long it takes how much of a proof was right.

use std::fmt;

use md5::{Digest, Md5};
use sha1::Sha1;
use subtle::ConstantTimeEq;

use crate::packet::{Authentication, Packet};

/// Octets of a digest's section before the digest: the key's number, one that is reserved, the sequence number.
const HEAD: usize = 6;

/// The kinds of proof, with their numbers on the wire (RFC 5880 §4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The password itself (§6.7.2).
    SimplePassword = 1,
    /// An MD5 digest; a packet may be heard again while its number is the last one (§6.7.3).
    KeyedMd5 = 2,
    /// An MD5 digest, and a new number for each packet.
    MeticulousKeyedMd5 = 3,
    /// A SHA1 digest (§6.7.4).
    KeyedSha1 = 4,
    /// A SHA1 digest, and a new number for each packet.
    MeticulousKeyedSha1 = 5,
}

impl Method {
    /// Octets of its digest, which is as long as its key at most.
    fn digest_length(self) -> usize {
        match self {
            Self::SimplePassword => 0,
            Self::KeyedMd5 | Self::MeticulousKeyedMd5 => 16,
            Self::KeyedSha1 | Self::MeticulousKeyedSha1 => 20,
        }
    }

    /// Whether a number counts once.
    fn is_meticulous(self) -> bool {
        matches!(self, Self::MeticulousKeyedMd5 | Self::MeticulousKeyedSha1)
    }
}

/// What both sides know, and how it is proved. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// How it is proved.
    pub method: Method,
    /// The secret's number.
    pub key: u8,
    /// Up to 16 octets, of SHA1 up to 20; what is longer no other side takes for its own.
    pub word: String,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} with the secret of number {}", self.method, self.key)
    }
}

impl Secret {
    /// The packet with its proof. A password has no use for the sequence number.
    #[must_use]
    pub fn sign(&self, packet: Packet, sequence: u32) -> Packet {
        let section = match self.method {
            Method::SimplePassword => Authentication::password(self.key, self.word.as_bytes()),
            _ => {
                let head = [&[self.key, 0], sequence.to_be_bytes().as_slice()].concat();
                let digest = self.digest(&packet, &head);
                Authentication { kind: self.method as u8, data: [head, digest].concat() }
            }
        };
        Packet { authentication: Some(section), ..packet }
    }

    /// Whether the packet proves that its sender has the secret, without a look at its sequence number.
    #[must_use]
    pub fn is_proved_by(&self, packet: &Packet) -> bool {
        let Some(section) = packet.authentication.as_ref().filter(|section| section.kind == self.method as u8) else {
            return false;
        };
        if self.method == Method::SimplePassword {
            let own = Authentication::password(self.key, self.word.as_bytes());
            return own.data.ct_eq(&section.data).into();
        }
        let Some((head, digest)) = section.data.split_at_checked(HEAD) else { return false };
        head.first() == Some(&self.key) && bool::from(self.digest(packet, head).as_slice().ct_eq(digest))
    }

    /// Whether a proven packet may come after the last one that did (§6.7.3): its number is not an older one, and not
    /// ahead by more than three times what may be lost.
    #[must_use]
    pub fn may_follow(&self, last: u32, packet: &Packet) -> bool {
        let Some(number) = sequence(packet) else { return true };
        let ahead = number.wrapping_sub(last);
        let least = u32::from(self.method.is_meticulous());
        (least..=u32::from(packet.multiplier.get()).saturating_mul(3)).contains(&ahead)
    }

    /// The digest of the packet with the key where the digest will stand, which is filled up with zeros.
    fn digest(&self, packet: &Packet, head: &[u8]) -> Vec<u8> {
        let mut key = self.word.as_bytes().to_vec();
        key.resize(self.method.digest_length(), 0);
        let keyed = Authentication { kind: self.method as u8, data: [head, &key].concat() };
        let octets = Packet { authentication: Some(keyed), ..packet.clone() }.encode();
        match self.method {
            Method::SimplePassword => Vec::new(),
            Method::KeyedMd5 | Method::MeticulousKeyedMd5 => Md5::digest(octets).to_vec(),
            Method::KeyedSha1 | Method::MeticulousKeyedSha1 => Sha1::digest(octets).to_vec(),
        }
    }
}

/// The sequence number of a packet with a digest.
#[must_use]
pub fn sequence(packet: &Packet) -> Option<u32> {
    let section = packet.authentication.as_ref().filter(|section| (2..=5).contains(&section.kind))?;
    let number = section.data.get(2..HEAD)?;
    Some(u32::from_be_bytes(number.try_into().ok()?))
}

#[cfg(test)]
mod tests;
