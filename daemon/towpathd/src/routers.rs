//! Router advertisements: sent when the engine wants one, heard for it.
//!
//! The socket is opened with the first one that is sent, so that a router without such neighbors needs none. Never decides
//! who is a neighbor.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use engine::{Event, Notice};
use kernel::routers::{self, Heard};
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

use crate::run::Inbox;

/// The socket, once it is needed.
pub(crate) struct Routers {
    inbox: Inbox,
    open: Option<(Arc<UdpSocket>, JoinHandle<()>)>,
    /// That there is none was told.
    told: bool,
}

impl Routers {
    /// No socket yet.
    pub(crate) fn new(inbox: Inbox) -> Self {
        Self { inbox, open: None, told: false }
    }

    /// Tells all nodes of a link that a router is there.
    pub(crate) fn advertise(&mut self, ifindex: u32, mac: &[u8], mtu: u32) {
        let Some(socket) = self.socket() else { return };
        let octets = routers::advertisement(mac, mtu);
        // A link that goes down meanwhile refuses it, and is told of by the kernel anyway.
        let _ = socket.try_send_to(&octets, SocketAddr::V6(routers::all_nodes(ifindex)));
    }

    fn socket(&mut self) -> Option<Arc<UdpSocket>> {
        if let Some((socket, _)) = &self.open {
            return Some(Arc::clone(socket));
        }
        match routers::open().and_then(UdpSocket::from_std) {
            Ok(socket) => {
                let socket = Arc::new(socket);
                let task = tokio::spawn(listen(Arc::clone(&socket), self.inbox.clone()));
                self.open = Some((Arc::clone(&socket), task));
                Some(socket)
            }
            Err(error) => {
                if !std::mem::replace(&mut self.told, true) {
                    let text = format!(
                        "router advertisements can be neither sent nor heard: {error}; neighbors of interfaces are not found"
                    );
                    self.inbox.note(Notice::error(text));
                }
                None
            }
        }
    }
}

async fn listen(socket: Arc<UdpSocket>, inbox: Inbox) {
    let mut octets = [0; routers::LONGEST];
    loop {
        match socket.recv_from(&mut octets).await {
            Ok((length, SocketAddr::V6(from))) => {
                let heard = routers::read(octets.get(..length).unwrap_or_default(), *from.ip());
                let (ifindex, address) = (from.scope_id(), IpAddr::V6(*from.ip()));
                match heard {
                    Some(Heard::Advertisement { .. }) => inbox.push(Event::Router { ifindex, address }),
                    Some(Heard::Solicitation) => inbox.push(Event::Solicited { ifindex }),
                    None => {}
                }
            }
            Ok(_) => {}
            // A link that went away is told here, too; nothing is lost.
            Err(_) => tokio::time::sleep(crate::run::ACCEPT_AGAIN).await,
        }
    }
}
