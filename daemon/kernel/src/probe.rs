//! Probes: a question about a hardware address, an echo, a connection; and who has answered.
//!
//! Never decides when to ask and what silence means. Obeys RFC 826 (ARP), RFC 4861 §4.3 and §4.4 (Neighbor Discovery),
//! RFC 792 and RFC 4443 §4 (echo).

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};

use bfd::liveness::{Answer, Asker, Question, Target};

use crate::{datagram, sys, tcp};

const ETH_P_ARP: u16 = 0x0806;
/// Ethernet and IPv4, the lengths of their addresses, a request.
const ARP_REQUEST: [u8; 8] = [0, 1, 8, 0, 6, 4, 0, 1];
const ARP_REPLY: [u8; 8] = [0, 1, 8, 0, 6, 4, 0, 2];
const BROADCAST: [u8; 6] = [0xff; 6];
const ECHO: u8 = 8;
const ECHO_REPLY: u8 = 0;
const ECHO_V6: u8 = 128;
const ECHO_REPLY_V6: u8 = 129;
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;
/// `ICMP_FILTER` of `linux/icmp.h`, `ICMPV6_FILTER` of `linux/icmpv6.h`.
const ICMP_FILTER: i32 = 1;
const SOL_RAW: i32 = 255;
/// Neighbor Discovery is of the link itself (RFC 4861 §7.1.1).
const HOP_LIMIT: u8 = 255;
/// How many answers are read before others get their turn.
const TURN: usize = 256;
/// How many connections to one target may be on their way.
const ATTEMPTS: usize = 4;

/// The sockets that ask and hear. Each is opened when something of its kind is asked first.
#[derive(Debug)]
pub struct Prober {
    /// Tells our echoes from those of others.
    id: u16,
    sequence: u16,
    arp: Option<UdpSocket>,
    icmp: Option<UdpSocket>,
    icmp6: Option<UdpSocket>,
    /// Where hosts were heard that have not been asked since: they are asked alone, others with everybody.
    heard: BTreeMap<IpAddr, [u8; 6]>,
    connections: BTreeMap<Target, VecDeque<TcpStream>>,
}

impl Prober {
    /// Nothing is open yet.
    #[must_use]
    pub fn new(id: u16) -> Self {
        let (arp, icmp, icmp6) = (None, None, None);
        Self { id, sequence: 0, arp, icmp, icmp6, heard: BTreeMap::new(), connections: BTreeMap::new() }
    }

    /// Asks. Answers whether the target has answered at once, as one on this machine does. A question that the network
    /// refuses is one that gets no answer.
    ///
    /// # Errors
    /// When there is no socket: `CAP_NET_RAW` is missing, or no descriptor is left.
    pub fn ask(&mut self, target: Target, asker: Option<Asker>) -> io::Result<bool> {
        self.sequence = self.sequence.wrapping_add(1);
        match (target.question, target.host) {
            (Question::Hardware, IpAddr::V4(host)) => self.ask_arp(host, target.link, asker)?,
            (Question::Hardware, IpAddr::V6(host)) => self.ask_neighbor(host, target.link, asker)?,
            (Question::Echo, host) => self.ask_echo(host, target.link)?,
            (Question::Connection(port), host) => return self.connect(target, to(host, port, target.link)),
        }
        Ok(false)
    }

    /// Forgets who is not asked any more.
    pub fn retain(&mut self, asked: impl Fn(&Target) -> bool) {
        self.connections.retain(|target, _| asked(target));
    }

    /// What answers come to.
    pub fn readable(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        [&self.arp, &self.icmp, &self.icmp6].into_iter().flatten().map(AsFd::as_fd)
    }

    /// Connections that are being opened.
    pub fn writable(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.connections.values().flatten().map(AsFd::as_fd)
    }

    /// Gives each answer that has come.
    pub fn answers(&mut self, mut give: impl FnMut(Answer)) {
        let (id, heard) = (self.id, &mut self.heard);
        let hardware = |host, link| Answer { host, question: Question::Hardware, link };
        read(self.arp.as_ref(), |octets, _| {
            if let Some((host, address)) = arp_reply(octets) {
                heard.insert(host.into(), address);
                give(hardware(host.into(), 0));
            }
        });
        for socket in [&self.icmp, &self.icmp6] {
            read(socket.as_ref(), |octets, sender| {
                let Some(sender) = sender else { return };
                let link = if let SocketAddr::V6(v6) = sender { v6.scope_id() } else { 0 };
                match reply(octets, sender.is_ipv4(), id) {
                    Some(Reply::Echo) => give(Answer { host: sender.ip(), question: Question::Echo, link }),
                    Some(Reply::Neighbor(host)) => give(hardware(host.into(), link)),
                    None => {}
                }
            });
        }
        for (target, attempts) in &mut self.connections {
            attempts.retain(|attempt| {
                let answered = has_answered(attempt);
                if answered == Some(true) {
                    give(Answer { host: target.host, question: target.question, link: target.link.unwrap_or(0) });
                }
                answered.is_none()
            });
        }
    }

    fn ask_arp(&mut self, host: Ipv4Addr, link: Option<u32>, asker: Option<Asker>) -> io::Result<()> {
        let (Some(link), Some(Asker { hardware, address: IpAddr::V4(own) })) = (link, asker) else { return Ok(()) };
        let socket = opened(&mut self.arp, || sys::arp_socket(ETH_P_ARP))?;
        // Whoever did not answer the last question may be somewhere else by now.
        let to = self.heard.remove(&host.into()).unwrap_or(BROADCAST);
        let octets = [&ARP_REQUEST[..], &hardware, &own.octets(), &[0; 6], &host.octets()].concat();
        // `struct sockaddr_ll`: family, protocol, link, kind of hardware, kind of packet, length of the address, address.
        let family = u16::try_from(libc::AF_PACKET).unwrap_or_default().to_ne_bytes();
        let place = [&family[..], &ETH_P_ARP.to_be_bytes(), &link.to_ne_bytes(), &[0, 0, 0, 6], &to, &[0, 0]].concat();
        let _ = sys::send_to(socket.as_fd(), &octets, &place);
        Ok(())
    }

    /// Asks the host itself: the kernel asks everybody where it does not know where that is.
    fn ask_neighbor(&mut self, host: Ipv6Addr, link: Option<u32>, asker: Option<Asker>) -> io::Result<()> {
        let hardware = asker.map(|asker| [&[1, 1][..], &asker.hardware].concat()).unwrap_or_default();
        let octets = [&[SOLICITATION, 0, 0, 0, 0, 0, 0, 0][..], &host.octets(), &hardware].concat();
        let socket = opened(&mut self.icmp6, open_icmp6)?;
        let _ = socket.send_to(&octets, to(host.into(), 0, link));
        Ok(())
    }

    fn ask_echo(&mut self, host: IpAddr, link: Option<u32>) -> io::Result<()> {
        let socket =
            if host.is_ipv4() { opened(&mut self.icmp, open_icmp)? } else { opened(&mut self.icmp6, open_icmp6)? };
        let _ = socket.send_to(&echo_request(host.is_ipv4(), self.id, self.sequence), to(host, 0, link));
        Ok(())
    }

    fn connect(&mut self, target: Target, to: SocketAddr) -> io::Result<bool> {
        let domain = if to.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
        let socket = sys::connecting_socket(domain)?;
        tcp::set_no_linger(&socket)?;
        match sys::connect(socket.as_fd(), &tcp::scoped_address(to)) {
            Ok(()) => Ok(true),
            Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => {
                let attempts = self.connections.entry(target).or_default();
                if attempts.len() >= ATTEMPTS {
                    attempts.pop_front();
                }
                attempts.push_back(TcpStream::from(socket));
                Ok(false)
            }
            Err(error) => Ok(error.kind() == io::ErrorKind::ConnectionRefused),
        }
    }
}

/// A socket for echoes with one host, on which nothing waits.
///
/// # Errors
/// When there is no socket: `CAP_NET_RAW` is missing, or no descriptor is left; or nothing leads there.
pub fn echo_socket(host: IpAddr, prepare: impl FnOnce(BorrowedFd<'_>) -> io::Result<()>) -> io::Result<UdpSocket> {
    let socket = if host.is_ipv4() { open_icmp()? } else { open_icmp6()? };
    prepare(socket.as_fd())?;
    let socket = UdpSocket::from(socket);
    socket.set_nonblocking(true)?;
    socket.connect(SocketAddr::new(host, 0))?;
    Ok(socket)
}

/// The message of a request for an echo.
#[must_use]
pub fn echo_request(ipv4: bool, id: u16, sequence: u16) -> [u8; 8] {
    let ([id, id2], [sequence, sequence2]) = (id.to_be_bytes(), sequence.to_be_bytes());
    let kind = if ipv4 { ECHO } else { ECHO_V6 };
    // The kernel reckons the checksum of ICMPv6 itself.
    let [high, low] = if ipv4 { checksum(&[kind, 0, id, id2, sequence, sequence2]).to_be_bytes() } else { [0, 0] };
    [kind, 0, high, low, id, id2, sequence, sequence2]
}

/// Whether what an [`echo_socket`] received answers a request of this number.
#[must_use]
pub fn is_echo(octets: &[u8], ipv4: bool, id: u16) -> bool {
    reply(octets, ipv4, id) == Some(Reply::Echo)
}

fn to(host: IpAddr, port: u16, link: Option<u32>) -> SocketAddr {
    datagram::with_scope(host, port, link.map(|link| (link, "")))
}

fn opened(
    place: &mut Option<UdpSocket>,
    open: impl FnOnce() -> io::Result<std::os::fd::OwnedFd>,
) -> io::Result<&UdpSocket> {
    if place.is_none() {
        let socket = UdpSocket::from(open()?);
        socket.set_nonblocking(true)?;
        *place = Some(socket);
    }
    place.as_ref().ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// Of what comes in, only answers to echoes.
fn open_icmp() -> io::Result<std::os::fd::OwnedFd> {
    let socket = sys::icmp_socket()?;
    let blocked = !(1_u32 << ECHO_REPLY);
    sys::set_option(socket.as_fd(), SOL_RAW, ICMP_FILTER, &blocked.to_ne_bytes())?;
    Ok(socket)
}

/// Of what comes in, only answers to echoes and advertisements of neighbors.
fn open_icmp6() -> io::Result<std::os::fd::OwnedFd> {
    let socket = sys::icmp6_socket()?;
    let mut blocked = [u32::MAX; 8];
    for kind in [ECHO_REPLY_V6, ADVERTISEMENT] {
        if let Some(word) = blocked.get_mut(usize::from(kind >> 5)) {
            *word &= !(1 << (kind & 31));
        }
    }
    let blocked = blocked.map(u32::to_ne_bytes).concat();
    sys::set_option(socket.as_fd(), libc::IPPROTO_ICMPV6, ICMP_FILTER, &blocked)?;
    sys::set_int(socket.as_fd(), libc::IPPROTO_IPV6, libc::IPV6_UNICAST_HOPS, i32::from(HOP_LIMIT))?;
    Ok(socket)
}

/// Reads what waits on a socket: each message, and its sender where that has an address of IP.
fn read(socket: Option<&UdpSocket>, mut give: impl FnMut(&[u8], Option<SocketAddr>)) {
    let Some(socket) = socket else { return };
    let is_ip = socket.local_addr().is_ok();
    let mut octets = [0; 512];
    for _ in 0..TURN {
        let received = if is_ip {
            socket.recv_from(&mut octets).map(|(length, sender)| (length, Some(sender)))
        } else {
            socket.recv(&mut octets).map(|length| (length, None))
        };
        let Ok((length, sender)) = received else { return };
        give(octets.get(..length).unwrap_or_default(), sender);
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Reply {
    Echo,
    Neighbor(Ipv6Addr),
}

/// What a message of ICMP answers; in front of that of IPv4 stands the header of IP.
fn reply(octets: &[u8], ipv4: bool, own: u16) -> Option<Reply> {
    let header = octets.first().filter(|_| ipv4).map_or(0, |first| usize::from(first & 0x0f) * 4);
    let octets = octets.get(header..)?;
    match *octets {
        [kind @ (ECHO_REPLY | ECHO_REPLY_V6), _, _, _, high, low, ..] if (kind == ECHO_REPLY) == ipv4 => {
            (u16::from_be_bytes([high, low]) == own).then_some(Reply::Echo)
        }
        [ADVERTISEMENT, ..] if !ipv4 => {
            let target = octets.get(8..)?.first_chunk::<16>()?;
            Some(Reply::Neighbor(Ipv6Addr::from(*target)))
        }
        _ => None,
    }
}

/// Who says in an answer of ARP where it is.
fn arp_reply(octets: &[u8]) -> Option<(Ipv4Addr, [u8; 6])> {
    let (hardware, rest) = octets.strip_prefix(&ARP_REPLY)?.split_first_chunk::<6>()?;
    Some((Ipv4Addr::from(*rest.first_chunk::<4>()?), *hardware))
}

/// Whether a connection is open or refused, both of which are answers; `None` while it is being opened.
fn has_answered(attempt: &TcpStream) -> Option<bool> {
    match attempt.take_error() {
        Ok(None) => attempt.peer_addr().is_ok().then_some(true),
        Ok(Some(error)) => Some(error.kind() == io::ErrorKind::ConnectionRefused),
        Err(_) => Some(false),
    }
}

/// RFC 1071, of an even number of octets.
fn checksum(octets: &[u8]) -> u16 {
    let words = octets.chunks(2).filter_map(|pair| Some(u16::from_be_bytes(*pair.first_chunk()?)));
    let sum: u32 = words.map(u32::from).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !u16::try_from((folded & 0xffff) + (folded >> 16)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn this_machine_answers_connections_open_or_refused() {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let open = listener.local_addr().unwrap().port();
        let mut prober = Prober::new(4242);
        for port in [open, 1] {
            let host = Ipv4Addr::LOCALHOST.into();
            let target = Target { host, question: Question::Connection(port), link: None };
            let mut heard = prober.ask(target, None).unwrap();
            let end = Instant::now() + Duration::from_secs(5);
            while !heard && Instant::now() < end {
                let writable: Vec<_> = prober.writable().collect();
                datagram::wait(&[], &writable, Some(Duration::from_millis(100))).unwrap();
                prober.answers(|answer| heard |= answer.question == target.question);
            }
            assert!(heard, "port {port}");
        }
        assert_eq!(prober.writable().count(), 0);
    }

    #[test]
    fn an_answer_of_arp_says_who_and_where() {
        let message = |head: [u8; 8]| [&head[..], &[2, 0, 0, 0, 0, 7], &[192, 0, 2, 7], &[0; 10]].concat();
        let answer = message(ARP_REPLY);
        assert_eq!(arp_reply(&answer), Some((Ipv4Addr::new(192, 0, 2, 7), [2, 0, 0, 0, 0, 7])));
        assert_eq!(arp_reply(&message(ARP_REQUEST)), None, "who asks may be anybody's");
        for end in 0..18 {
            assert_eq!(arp_reply(answer.get(..end).unwrap()), None);
        }
    }

    #[test]
    fn a_message_of_icmp_answers_our_own_echo_or_tells_of_a_neighbor() {
        let v4 = |id| [&[0x45][..], &[0; 19], &[ECHO_REPLY, 0, 0, 0, 0, id, 0, 1]].concat();
        assert_eq!(reply(&v4(7), true, 7), Some(Reply::Echo));
        assert_eq!(reply(&v4(8), true, 7), None, "somebody else's");
        assert_eq!(reply(&[ECHO_REPLY_V6, 0, 0, 0, 0, 7, 0, 1], false, 7), Some(Reply::Echo));
        let host: Ipv6Addr = "2001:db8::7".parse().unwrap();
        let told = [&[ADVERTISEMENT, 0, 0, 0, 0x60, 0, 0, 0][..], &host.octets()].concat();
        assert_eq!(reply(&told, false, 7), Some(Reply::Neighbor(host)));
        for (octets, ipv4) in [(v4(7), true), (told, false)] {
            for end in 0..octets.len() {
                let cut = reply(octets.get(..end).unwrap(), ipv4, 7);
                assert!(cut.is_none() || end >= 26, "{end}");
            }
        }
    }

    #[test]
    fn a_checksum_over_what_it_stands_in_is_zero() {
        let [high, low] = checksum(&[ECHO, 0, 0x12, 0x34, 0xff, 0xff]).to_be_bytes();
        assert_eq!(checksum(&[ECHO, 0, high, low, 0x12, 0x34, 0xff, 0xff]), 0);
    }
}
