//! The BFD control packet (RFC 5880 §4): octets to a value that is valid, and back.
//!
//! Never knows a session: what can be told from the packet alone is told here, the rest where the session is.

use std::fmt;
use std::num::{NonZeroU8, NonZeroU32};
use std::time::Duration;

/// Octets of a packet without authentication.
pub const LENGTH: usize = 24;
const VERSION: u8 = 1;
/// Octets at least of a packet with authentication.
const AUTHENTICATED_LENGTH: usize = 26;
const POLL: u8 = 0x20;
const FINAL: u8 = 0x10;
const CONTROL_PLANE_INDEPENDENT: u8 = 0x08;
const AUTHENTICATION: u8 = 0x04;
const DEMAND: u8 = 0x02;
const MULTIPOINT: u8 = 0x01;

/// The state of a session (RFC 5880 §6.2), with its number on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Held down by the administrator.
    AdminDown = 0,
    /// Nothing works yet, or it does not any more.
    Down = 1,
    /// The other side is heard, and has not said that it hears us.
    Init = 2,
    /// Both hear each other.
    Up = 3,
}

impl State {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::AdminDown, Self::Down, Self::Init, Self::Up];
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AdminDown => "admin-down",
            Self::Down => "down",
            Self::Init => "init",
            Self::Up => "up",
        })
    }
}

/// Why a session changed its state last (RFC 5880 §4.1); numbers without a name are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Diagnostic(u8);

impl Diagnostic {
    /// Nothing to say.
    pub const NONE: Self = Self(0);
    /// Nothing was heard for the detection time.
    pub const TIME_EXPIRED: Self = Self(1);
    /// The other side said that it is down.
    pub const NEIGHBOR_DOWN: Self = Self(3);
    /// Somebody shut the session down.
    pub const ADMINISTRATIVELY_DOWN: Self = Self(7);

    const NAMES: [&'static str; 9] = [
        "ok",
        "control detection time expired",
        "echo function failed",
        "neighbor signaled session down",
        "forwarding plane reset",
        "path down",
        "concatenated path down",
        "administratively down",
        "reverse concatenated path down",
    ];

    /// The number on the wire.
    #[must_use]
    pub fn number(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::NAMES.get(usize::from(self.0)) {
            Some(name) => f.write_str(name),
            None => write!(f, "diagnostic {}", self.0),
        }
    }
}

/// A control packet. One that exists obeys every rule of RFC 5880 §6.8.6 that needs no session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Why the sender's state changed last.
    pub diagnostic: Diagnostic,
    /// The sender's state.
    pub state: State,
    /// P: the sender wants an answer with `last` set.
    pub poll: bool,
    /// F: the answer to a poll.
    pub last: bool,
    /// C: the sender's BFD lives on when its control plane does not (RFC 5882 §4.3).
    pub control_plane_independent: bool,
    /// D: the sender wants no periodic packets while both are up.
    pub demand: bool,
    /// How many packets in a row may be lost.
    pub multiplier: NonZeroU8,
    /// The sender's number for the session.
    pub my_discriminator: NonZeroU32,
    /// The receiver's number for the session, where the sender knows it.
    pub your_discriminator: Option<NonZeroU32>,
    /// How often the sender wants to send; whole microseconds.
    pub desired_min_tx: Duration,
    /// How often the sender can receive; zero for never.
    pub required_min_rx: Duration,
    /// How often the sender can return echo packets; zero for never.
    pub required_min_echo_rx: Duration,
    /// A: how the sender proves who it is.
    pub authentication: Option<Authentication>,
}

/// The authentication section (RFC 5880 §4.2): its length is sound, its content is not judged here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authentication {
    /// 1 is a simple password, 2 to 5 are keyed MD5 and SHA1.
    pub kind: u8,
    /// What follows kind and length.
    pub data: Vec<u8>,
}

impl Authentication {
    /// A simple password under a key's number (RFC 5880 §4.2).
    #[must_use]
    pub fn password(key: u8, password: &[u8]) -> Self {
        Self { kind: 1, data: [&[key], password].concat() }
    }
}

/// Why octets are no packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    /// Fewer octets than a packet has, or fewer than it claims.
    #[error("it is cut short")]
    Short,
    /// Another version than 1.
    #[error("version {0} is not 1")]
    Version(u8),
    /// A length that no packet with these flags has.
    #[error("its length {0} is not possible")]
    Length(u8),
    /// A detection multiplier of zero.
    #[error("its detection multiplier is zero")]
    Multiplier,
    /// M is set.
    #[error("it is for multipoint sessions")]
    Multipoint,
    /// My discriminator is zero.
    #[error("its discriminator is zero")]
    MyDiscriminator,
    /// Your discriminator is zero in a state in which the sender has to know it.
    #[error("it names no session in state {0}")]
    YourDiscriminator(State),
    /// The authentication section is cut short or of a length that its kind does not have.
    #[error("its authentication section is malformed")]
    Authentication,
}

impl Packet {
    /// Reads the payload of one datagram. Octets behind the packet's own length are ignored.
    ///
    /// # Errors
    /// What RFC 5880 §6.8.6 says must be discarded, as far as the packet alone tells.
    pub fn parse(octets: &[u8]) -> Result<Self, PacketError> {
        let (fixed, _) = octets.split_first_chunk::<LENGTH>().ok_or(PacketError::Short)?;
        let [first, flags, multiplier, length, numbers @ ..] = fixed;
        let version = first >> 5;
        if version != VERSION {
            return Err(PacketError::Version(version));
        }
        let whole = usize::from(*length);
        let least = if flags & AUTHENTICATION == 0 { LENGTH } else { AUTHENTICATED_LENGTH };
        if whole < least {
            return Err(PacketError::Length(*length));
        }
        let section = octets.get(LENGTH..whole).ok_or(PacketError::Short)?;
        let multiplier = NonZeroU8::new(*multiplier).ok_or(PacketError::Multiplier)?;
        if flags & MULTIPOINT != 0 {
            return Err(PacketError::Multipoint);
        }
        let [mine, yours, desired_min_tx, required_min_rx, required_min_echo_rx] = words(numbers);
        let my_discriminator = NonZeroU32::new(mine).ok_or(PacketError::MyDiscriminator)?;
        let your_discriminator = NonZeroU32::new(yours);
        let state = match flags >> 6 {
            0 => State::AdminDown,
            1 => State::Down,
            2 => State::Init,
            _ => State::Up,
        };
        if your_discriminator.is_none() && matches!(state, State::Init | State::Up) {
            return Err(PacketError::YourDiscriminator(state));
        }
        Ok(Self {
            diagnostic: Diagnostic(first & 0x1f),
            state,
            poll: flags & POLL != 0,
            last: flags & FINAL != 0,
            control_plane_independent: flags & CONTROL_PLANE_INDEPENDENT != 0,
            demand: flags & DEMAND != 0,
            multiplier,
            my_discriminator,
            your_discriminator,
            desired_min_tx: microseconds(desired_min_tx),
            required_min_rx: microseconds(required_min_rx),
            required_min_echo_rx: microseconds(required_min_echo_rx),
            authentication: (flags & AUTHENTICATION != 0).then(|| Authentication::parse(section)).transpose()?,
        })
    }

    /// The octets of the packet. A password that is too long for a packet is cut, which no other side takes for its own.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let section = self.authentication.as_ref().map(Authentication::encode).unwrap_or_default();
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        let flags = (self.state as u8) << 6
            | flag(self.poll, POLL)
            | flag(self.last, FINAL)
            | flag(self.control_plane_independent, CONTROL_PLANE_INDEPENDENT)
            | flag(self.authentication.is_some(), AUTHENTICATION)
            | flag(self.demand, DEMAND);
        let length = u8::try_from(LENGTH.saturating_add(section.len())).unwrap_or(u8::MAX);
        let mut octets = vec![VERSION << 5 | self.diagnostic.0 & 0x1f, flags, self.multiplier.get(), length];
        let numbers = [
            self.my_discriminator.get(),
            self.your_discriminator.map_or(0, NonZeroU32::get),
            in_microseconds(self.desired_min_tx),
            in_microseconds(self.required_min_rx),
            in_microseconds(self.required_min_echo_rx),
        ];
        octets.extend(numbers.iter().flat_map(|number| number.to_be_bytes()));
        octets.extend(section);
        octets
    }
}

impl Authentication {
    fn parse(section: &[u8]) -> Result<Self, PacketError> {
        let [kind, length, data @ ..] = section else { return Err(PacketError::Authentication) };
        // Key number and 1 to 16 octets; key number, reserved, sequence number and digest (§4.2 to §4.4).
        let sound = match kind {
            1 => (4..=19).contains(length),
            2 | 3 => *length == 24,
            4 | 5 => *length == 28,
            _ => *length >= 2,
        };
        let data = usize::from(*length).checked_sub(2).and_then(|rest| data.get(..rest));
        match data {
            Some(data) if sound => Ok(Self { kind: *kind, data: data.to_vec() }),
            Some(_) | None => Err(PacketError::Authentication),
        }
    }

    fn encode(&self) -> Vec<u8> {
        let data =
            self.data.get(..self.data.len().min(usize::from(u8::MAX) - AUTHENTICATED_LENGTH)).unwrap_or_default();
        let length = u8::try_from(data.len().saturating_add(2)).unwrap_or(u8::MAX);
        [&[self.kind, length], data].concat()
    }
}

/// The five numbers of a packet.
fn words(octets: &[u8]) -> [u32; 5] {
    let mut numbers = octets.chunks_exact(4).map(|four| {
        let four: [u8; 4] = four.try_into().unwrap_or_default();
        u32::from_be_bytes(four)
    });
    std::array::from_fn(|_| numbers.next().unwrap_or_default())
}

fn microseconds(number: u32) -> Duration {
    Duration::from_micros(u64::from(number))
}

fn in_microseconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
