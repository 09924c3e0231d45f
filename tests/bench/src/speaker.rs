//! A BGP speaker that plays a node: it encodes before it starts, writes as fast as the socket takes it, and tells when.
//!
//! It runs inside the node's namespace and takes one command a line on its standard input, answering each with one
//! line: `ok WORDS…` or `error WORDS…`. Times are stamps of [`crate::clock`].
//!
//! It never looks at routes that it receives.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Shutdown, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use bgp_wire::attribute::{AsPath, Origin, PathAttributes};
use bgp_wire::capability::Capability;
use bgp_wire::{HEADER_LENGTH, MAX_MESSAGE, Message, Negotiated, Nlri, Open};
use nouns::{Asn, Family, Prefix};

use crate::clock::{Stamp, wait_for};

/// The first word of the command line that makes this program a speaker; then the own and the router's address.
pub(crate) const ROLE: &str = "speaker";

/// The AS of both sides.
pub(crate) const ASN: Asn = Asn(64512);

const PORT: u16 = 179;
const HOLD_TIME: u16 = 180;
const KEEPALIVE: Duration = Duration::from_secs(20);
/// An UPDATE without routes of the oldest kind: End-of-RIB of IPv4 unicast (RFC 4724 §2).
const END_OF_RIB_LENGTH: usize = HEADER_LENGTH + 4;

/// Obeys commands until the input ends.
pub(crate) fn run(words: &[String]) -> Result<()> {
    let [own, router] = words else { bail!("a speaker needs its own and the router's address") };
    let mut speaker = Speaker { own: own.parse()?, router: router.parse()?, session: None, load: Vec::new() };
    for line in std::io::stdin().lines() {
        let line = line.context("reading a command")?;
        match speaker.obey(&line.split_whitespace().collect::<Vec<_>>()) {
            Ok(answer) => println!("ok {answer}"),
            Err(error) => println!("error {error:#}"),
        }
    }
    Ok(())
}

struct Speaker {
    own: Ipv4Addr,
    router: Ipv4Addr,
    session: Option<Arc<Mutex<TcpStream>>>,
    /// UPDATEs that wait for `send`.
    load: Vec<u8>,
}

impl Speaker {
    fn obey(&mut self, words: &[&str]) -> Result<String> {
        match words {
            ["connect"] => self.connect(),
            ["announce", first, count, shared] => {
                let prefixes = prefixes(first.parse()?, count.parse()?);
                self.load = announcements(self.own, &prefixes, shared.parse()?)?;
                Ok(self.load.len().to_string())
            }
            ["withdraw", first, count] => {
                self.load.clear();
                let mut nlri = prefixes(first.parse()?, count.parse()?).into_iter().map(nlri);
                bgp_wire::encode_unreach(Family::Ipv4Unicast, &mut nlri, &agreed(), &mut self.load)?;
                Ok(self.load.len().to_string())
            }
            ["send"] => {
                let load = std::mem::take(&mut self.load);
                self.write(&load)
            }
            ["end-of-rib"] => {
                let mut markers = Vec::new();
                for family in agreed().families {
                    bgp_wire::encode_end_of_rib(family, &agreed(), &mut markers);
                }
                self.write(&markers)
            }
            ["close"] => {
                let session = self.session.take().context("there is no session")?;
                let session = session.lock().unwrap_or_else(PoisonError::into_inner);
                let stamp = Stamp::now();
                session.shutdown(Shutdown::Both)?;
                Ok(stamp.0.to_string())
            }
            _ => bail!("unknown command {words:?}"),
        }
    }

    /// Answers with the stamps of the SYN, of the first KEEPALIVE and of End-of-RIB.
    fn connect(&mut self) -> Result<String> {
        // A router that has only just started may refuse, or close what it accepted.
        let mut last = anyhow!("no attempt was made");
        let opened = wait_for(Duration::from_secs(20), Duration::from_millis(20), "the router takes a session", || {
            Handshake::make(self.own, self.router).map_err(|error| last = error).ok()
        });
        let handshake = opened.map_err(|error| error.context(format!("{last:#}")))?;
        let session = Arc::new(Mutex::new(handshake.stream.try_clone()?));
        std::thread::spawn(move || drain(handshake.stream));
        let alive = Arc::downgrade(&session);
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(KEEPALIVE);
                let Some(session) = alive.upgrade() else { return };
                if send_keepalive(&mut session.lock().unwrap_or_else(PoisonError::into_inner)).is_err() {
                    return;
                }
            }
        });
        self.session = Some(session);
        Ok(handshake.stamps.map(|stamp| stamp.0.to_string()).join(" "))
    }

    /// Answers with the stamps before the first and after the last octet.
    fn write(&self, bytes: &[u8]) -> Result<String> {
        let session = self.session.as_ref().context("there is no session")?;
        let mut session = session.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = Stamp::now();
        session.write_all(bytes).context("writing to the router")?;
        Ok(format!("{} {}", begin.0, Stamp::now().0))
    }
}

/// A session that has just become established.
struct Handshake {
    stream: TcpStream,
    stamps: [Stamp; 3],
}

impl Handshake {
    fn make(own: Ipv4Addr, router: Ipv4Addr) -> Result<Self> {
        let syn = Stamp::now();
        let mut stream = TcpStream::connect((router, PORT)).context("connecting")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let mut bytes = Vec::new();
        Message::Open(open(own)).encode(&agreed(), &mut bytes)?;
        stream.write_all(&bytes)?;
        let mut incoming = Incoming { stream: stream.try_clone()?, buffer: Vec::new() };
        while !matches!(incoming.next()?, (Message::Open(_), _)) {}
        send_keepalive(&mut stream)?;
        while !matches!(incoming.next()?, (Message::Keepalive, _)) {}
        let keepalive = Stamp::now();
        while !matches!(incoming.next()?, (Message::Update(_), END_OF_RIB_LENGTH)) {}
        stream.set_read_timeout(None)?;
        Ok(Self { stream, stamps: [syn, keepalive, Stamp::now()] })
    }
}

/// Messages out of a stream, one after the other.
struct Incoming {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Incoming {
    /// The next message and its length.
    fn next(&mut self) -> Result<(Message, usize)> {
        loop {
            if let Some(length) = bgp_wire::frame(&self.buffer, MAX_MESSAGE)? {
                let bytes: Vec<u8> = self.buffer.drain(..length).collect();
                return match Message::decode(&bytes, &agreed())? {
                    Message::Notification(notification) => bail!("the router said {notification:?}"),
                    message => Ok((message, length)),
                };
            }
            let mut chunk = [0; MAX_MESSAGE];
            let count = self.stream.read(&mut chunk).context("reading from the router")?;
            if count == 0 {
                bail!("the router closed the session");
            }
            self.buffer.extend(chunk.iter().take(count));
        }
    }
}

/// Reads what the router sends until it ends, so that the router never waits for us.
fn drain(mut stream: TcpStream) {
    let mut chunk = vec![0; 1 << 16];
    while stream.read(&mut chunk).is_ok_and(|count| count > 0) {}
}

fn send_keepalive(stream: &mut TcpStream) -> Result<()> {
    let mut bytes = Vec::new();
    Message::Keepalive.encode(&agreed(), &mut bytes)?;
    Ok(stream.write_all(&bytes)?)
}

fn open(own: Ipv4Addr) -> Open {
    let families = [Family::Ipv4Unicast, Family::Ipv6Unicast].map(Capability::multiprotocol);
    let others = [Capability::RouteRefresh, Capability::FourOctetAs(ASN)];
    let capabilities = families.into_iter().chain(others).collect();
    Open { asn: ASN, hold_time: HOLD_TIME, router_id: own, capabilities }
}

/// What every router under test agrees to; messages have 4,096 octets at most, so that all read the same.
fn agreed() -> Negotiated {
    let families = vec![Family::Ipv4Unicast, Family::Ipv6Unicast];
    Negotiated { four_octet_as: true, internal: true, families, ..Negotiated::default() }
}

/// As many prefixes as wanted, side by side, all of the length of the first.
fn prefixes(first: Prefix, count: u32) -> Vec<Prefix> {
    let IpAddr::V4(address) = first.address() else { return Vec::new() };
    let step = 1u32.checked_shl(32 - u32::from(first.length())).unwrap_or(0);
    let addresses = (0..count).map(|number| address.to_bits().wrapping_add(number.wrapping_mul(step)));
    addresses.map(|bits| Prefix::masked_or_host(Ipv4Addr::from_bits(bits).into(), first.length())).collect()
}

/// UPDATEs that announce them all, so many with the same attributes.
fn announcements(next_hop: Ipv4Addr, prefixes: &[Prefix], shared: usize) -> Result<Vec<u8>> {
    let mut load = Vec::new();
    for (number, set) in (0u32..).zip(prefixes.chunks(shared.max(1))) {
        let mut attributes = PathAttributes::new(Origin::Igp, next_hop.into());
        attributes.local_pref = Some(100);
        attributes.as_path = AsPath::sequence(&[Asn(64600), Asn(64700), Asn(100_000 + number)]);
        let mut nlri = set.iter().copied().map(nlri);
        bgp_wire::encode_reach(Family::Ipv4Unicast, &attributes, &mut nlri, &agreed(), &mut load)?;
    }
    Ok(load)
}

fn nlri(prefix: Prefix) -> Nlri {
    Nlri { prefix, path_id: 0 }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

    use super::*;

    #[test]
    fn prefixes_lie_side_by_side() {
        let made = prefixes("16.0.255.0/24".parse().unwrap(), 2);
        assert_eq!(made, ["16.0.255.0/24".parse().unwrap(), "16.1.0.0/24".parse().unwrap()]);
        assert_eq!(prefixes("172.20.0.9/32".parse().unwrap(), 2)[1].to_string(), "172.20.0.10/32");
    }

    #[test]
    fn an_announcement_has_as_many_messages_as_attribute_sets() {
        let prefixes = prefixes("16.0.0.0/24".parse().unwrap(), 8);
        let mut rest: &[u8] = &announcements(Ipv4Addr::LOCALHOST, &prefixes, 4).unwrap();
        let mut messages = 0;
        while let Some(length) = bgp_wire::frame(rest, MAX_MESSAGE).unwrap().filter(|_| !rest.is_empty()) {
            rest = &rest[length..];
            messages += 1;
        }
        assert_eq!((messages, rest.len()), (2, 0));
    }
}
