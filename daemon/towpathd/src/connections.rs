//! TCP connections of BGP: dialled, accepted, read, written, closed.
//!
//! Never looks into an octet. Each connection has one task that reads and one that writes (`lines`).

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bgp::reception::Codec;
use bgp::session::ConnId;
use config::model::key_chain::Secret;
use engine::Event;
use engine::effect::{SocketOptions, Target};
use kernel::tcp;
use nouns::Prefix;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use crate::lines::Line;
use crate::run::{ACCEPT_AGAIN, Inbox};
use crate::secrets;

/// RFC 4271 §8: TCP port 179.
const BGP_PORT: u16 = 179;
/// The TTL that no router has forwarded (RFC 5082).
const FULL_TTL: u8 = 255;
/// How long the end of the daemon waits for what is still to be written.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// All connections, and the listeners.
pub(crate) struct Connections {
    inbox: Inbox,
    lines: BTreeMap<ConnId, Line>,
    dialing: BTreeMap<ConnId, JoinHandle<()>>,
    /// Writers of connections that are closed once everything is written.
    closing: Vec<JoinHandle<()>>,
    listeners: Vec<(JoinHandle<()>, std::os::fd::OwnedFd, bool)>,
    secrets: BTreeMap<Prefix, Secret>,
    arrivals: UnboundedSender<Arrival>,
    accepted: Arc<AtomicU64>,
}

/// A connection that has come into being, on its way to the loop that owns them all.
pub(crate) struct Arrival {
    conn: ConnId,
    stream: TcpStream,
    dialled: bool,
}

impl Connections {
    /// None yet; arrivals come out of the receiver and go into [`Connections::arrived`].
    pub(crate) fn new(inbox: Inbox) -> (Self, UnboundedReceiver<Arrival>) {
        let (arrivals, receiver) = unbounded_channel();
        let connections = Self {
            inbox,
            lines: BTreeMap::new(),
            dialing: BTreeMap::new(),
            closing: Vec::new(),
            listeners: Vec::new(),
            secrets: BTreeMap::new(),
            arrivals,
            accepted: Arc::new(AtomicU64::new(1)),
        };
        (connections, receiver)
    }

    /// Opens port 179 of both families; a system without IPv6 gets IPv4 only.
    pub(crate) fn listen(&mut self) -> Result<(), String> {
        if !self.listeners.is_empty() {
            return Ok(());
        }
        let mut opened = vec![bind(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), BGP_PORT))?];
        match bind(SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), BGP_PORT)) {
            Ok(listener) => opened.push(listener),
            Err(reason) => self.inbox.note(engine::Notice::warning(format!("{reason}; IPv6 neighbors cannot connect"))),
        }
        for listener in opened {
            let ipv4 = listener.local_addr().is_ok_and(|address| address.is_ipv4());
            let fd = duplicate(&listener).map_err(|error| error.to_string())?;
            for (remote, secret) in self.secrets.iter().filter(|(remote, _)| remote.address().is_ipv4() == ipv4) {
                secrets::set(&fd, *remote, secret, false).map_err(|error| secrets::refused(*remote, secret, &error))?;
            }
            let task =
                tokio::spawn(accept(listener, self.arrivals.clone(), Arc::clone(&self.accepted), self.inbox.clone()));
            self.listeners.push((task, fd, ipv4));
        }
        Ok(())
    }

    /// Closes port 179; connections stay.
    pub(crate) fn stop_listening(&mut self) {
        for (task, ..) in self.listeners.drain(..) {
            task.abort();
        }
    }

    /// Sets or removes what connections that a peer or a range opens are signed with.
    pub(crate) fn set_secret(&mut self, remote: Prefix, secret: Option<&Secret>) -> Result<(), String> {
        let before = self.secrets.get(&remote);
        for (_, fd, _) in self.listeners.iter().filter(|(.., ipv4)| remote.address().is_ipv4() == *ipv4) {
            if let Some(before) = before {
                secrets::remove(fd, remote, before).map_err(|error| secrets::refused(remote, before, &error))?;
            }
            if let Some(secret) = secret {
                secrets::set(fd, remote, secret, false).map_err(|error| secrets::refused(remote, secret, &error))?;
            }
        }
        match secret {
            Some(secret) => self.secrets.insert(remote, secret.clone()),
            None => self.secrets.remove(&remote),
        };
        Ok(())
    }

    /// Dials.
    pub(crate) fn connect(&mut self, conn: ConnId, target: Target) {
        let (inbox, arrivals) = (self.inbox.clone(), self.arrivals.clone());
        let task = tokio::spawn(async move {
            let limit = Duration::from_secs(u64::from(target.timeout));
            match tokio::time::timeout(limit, dial(&target)).await {
                Ok(Ok(stream)) => {
                    let _ = arrivals.send(Arrival { conn, stream, dialled: true });
                }
                Ok(Err(error)) => inbox.push(Event::ConnectFailed(conn, kernel::words(&error))),
                Err(_) => inbox.push(Event::ConnectFailed(conn, "no answer".to_owned())),
            }
        });
        self.dialing.insert(conn, task);
    }

    /// Takes in a connection that has come into being.
    pub(crate) fn arrived(&mut self, arrival: Arrival) {
        let Arrival { conn, stream, dialled } = arrival;
        if dialled && self.dialing.remove(&conn).is_none() {
            return;
        }
        let (Ok(local), Ok(remote), Ok(fd)) = (stream.local_addr(), stream.peer_addr(), duplicate(&stream)) else {
            if dialled {
                self.inbox.push(Event::ConnectFailed(conn, "the connection was closed at once".to_owned()));
            }
            return;
        };
        let _ = tcp::set_no_delay(&fd);
        let _ = tcp::set_network_control(&fd);
        self.lines.insert(conn, Line::new(conn, stream, fd, &self.inbox));
        let (local, remote) = (canonical(local), canonical(remote));
        self.inbox.push(if dialled { Event::Connected(conn, local) } else { Event::Accepted { conn, local, remote } });
    }

    /// Sets the options of a connection that is open.
    pub(crate) fn adjust(&self, conn: ConnId, options: SocketOptions) {
        if let Some(line) = self.lines.get(&conn)
            && let Err(error) = set_options(line.socket(), options)
        {
            self.inbox.note(engine::Notice::warning(format!("the TTL of a BGP connection could not be set: {error}")));
        }
    }

    /// From its next message on, a connection's reading task decodes.
    pub(crate) fn decode(&self, conn: ConnId, codec: Codec) {
        if let Some(line) = self.lines.get(&conn) {
            line.decode(codec);
        }
    }

    /// Writes octets.
    pub(crate) fn send(&self, conn: ConnId, octets: Arc<Vec<u8>>) {
        if let Some(line) = self.lines.get(&conn) {
            line.send(octets);
        }
    }

    /// Closes once everything is written.
    pub(crate) fn close(&mut self, conn: ConnId) {
        if let Some(task) = self.dialing.remove(&conn) {
            task.abort();
        }
        self.closing.retain(|task| !task.is_finished());
        self.closing.extend(self.lines.remove(&conn).and_then(Line::finish));
    }

    /// The daemon ends: waits a moment for what was said last to be written.
    pub(crate) async fn last_words(&mut self) {
        let all = async {
            for task in self.closing.drain(..) {
                let _ = task.await;
            }
        };
        let _ = tokio::time::timeout(LAST_WORDS, all).await;
    }
}

fn bind(address: SocketAddr) -> Result<TcpListener, String> {
    let open = || -> io::Result<TcpListener> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        tcp::set_reuse_address(&socket)?;
        // A peer with TTL security hears even the first answer from the next host only.
        tcp::set_ttl(&socket, Some(FULL_TTL))?;
        if address.is_ipv6() {
            tcp::set_ipv6_only(&socket)?;
        }
        socket.bind(address)?;
        socket.listen(1024)
    };
    open().map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("TCP port {BGP_PORT} is in use by another program; stop the other BGP daemon")
        }
        io::ErrorKind::PermissionDenied => {
            format!("no permission to open TCP port {BGP_PORT}; run the daemon as root or with CAP_NET_BIND_SERVICE")
        }
        _ => format!("TCP port {BGP_PORT} of {} could not be opened: {}", address.ip(), kernel::words(&error)),
    })
}

async fn accept(listener: TcpListener, arrivals: UnboundedSender<Arrival>, numbers: Arc<AtomicU64>, inbox: Inbox) {
    let mut told = false;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Odd numbers: the engine gives the even ones to what it dials.
                let conn = ConnId(numbers.fetch_add(2, Ordering::Relaxed));
                if arrivals.send(Arrival { conn, stream, dialled: false }).is_err() {
                    return;
                }
                told = false;
            }
            Err(error) => {
                inbox.note_refused_accept("BGP connections", &error, &mut told);
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

async fn dial(target: &Target) -> io::Result<TcpStream> {
    let socket = if target.remote.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    set_options(&socket, target.options)?;
    if let Some(secret) = &target.secret {
        secrets::set(&socket, Prefix::host(target.remote.ip()), secret, true)?;
    }
    if let Some(source) = source(target)? {
        socket.bind(SocketAddr::new(source, 0))?;
    }
    let remote = match (target.remote, target.scope) {
        (SocketAddr::V6(mut remote), Some(scope)) => {
            remote.set_scope_id(scope);
            SocketAddr::V6(remote)
        }
        (remote, _) => remote,
    };
    socket.connect(remote).await
}

/// The configured source address, or the address of the configured interface in the peer's family.
fn source(target: &Target) -> io::Result<Option<IpAddr>> {
    let Some(interface) = &target.source_interface else { return Ok(target.source) };
    let snapshot = kernel::snapshot()?;
    let index = snapshot.links.iter().find(|link| link.name == *interface).map(|link| link.index);
    let mut addresses = snapshot.addresses.iter().filter(|there| Some(there.ifindex) == index);
    let found = addresses.find(|there| there.address.address().is_ipv4() == target.remote.is_ipv4());
    match found {
        Some(there) => Ok(Some(there.address.address())),
        None => Err(io::Error::other(format!("update-source {interface} has no address of the neighbor's family"))),
    }
}

fn set_options(socket: &impl std::os::fd::AsFd, options: SocketOptions) -> io::Result<()> {
    tcp::set_ttl(socket, options.ttl)?;
    tcp::set_minimum_ttl(socket, options.minimum_ttl.unwrap_or(0))
}

fn duplicate(socket: &impl std::os::fd::AsFd) -> io::Result<std::os::fd::OwnedFd> {
    socket.as_fd().try_clone_to_owned()
}

/// An IPv4 peer of an IPv6 socket is an IPv4 peer. A link-local address keeps its link.
fn canonical(address: SocketAddr) -> SocketAddr {
    if let SocketAddr::V6(v6) = address
        && v6.ip().is_unicast_link_local()
    {
        return address;
    }
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
