//! What a link can do for packets that leave without the kernel's stack (XDP), and what silently keeps it from that.
//!
//! Never changes a link.

use std::io;

use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_GENERIC};

use crate::attribute::{Batch, attributes, messages, u16_at};
use crate::number::{NLM_F_REQUEST, NLMSG_ERROR};
use crate::sys;

/// `GENL_ID_CTRL`, `CTRL_CMD_GETFAMILY`, `CTRL_ATTR_FAMILY_ID`, `CTRL_ATTR_FAMILY_NAME` (linux/genetlink.h)
const CONTROL: u16 = 0x10;
const GET_FAMILY: u8 = 3;
const FAMILY_ID: u16 = 1;
const FAMILY_NAME: u16 = 2;
/// `NETDEV_CMD_DEV_GET`, `NETDEV_A_DEV_IFINDEX`, `NETDEV_A_DEV_XDP_FEATURES` (linux/netdev.h)
const GET_DEVICE: u8 = 1;
const IFINDEX: u16 = 1;
const XDP_FEATURES: u16 = 3;
/// `NETDEV_XDP_ACT_NDO_XMIT`
const TRANSMITS: u64 = 4;
/// `ETHTOOL_GFLAGS`, `ETH_FLAG_LRO` (linux/ethtool.h)
const GET_FLAGS: u32 = 0x25;
const LRO: u32 = 1 << 15;

/// What is known of a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Express {
    /// It sends what programs redirect to it. Its driver can; and of a pair of virtual links the other one has a program, or
    /// GRO. Unknown before Linux 6.3.
    pub transmits: Option<bool>,
    /// It puts received packets together to large ones, which programs in its driver never see (LRO).
    pub gathers: Option<bool>,
}

/// Asks for a link, by its number and its name.
#[must_use]
pub fn express(index: u32, name: &str) -> Express {
    let transmits = features(index).ok().flatten().map(|features| features & TRANSMITS != 0);
    Express { transmits, gathers: sys::ethtool(name, GET_FLAGS).ok().map(|flags| flags & LRO != 0) }
}

/// `NETDEV_A_DEV_XDP_FEATURES` of a link; nothing where the kernel tells nothing of them.
fn features(index: u32) -> io::Result<Option<u64>> {
    let mut socket = Socket::new(NETLINK_GENERIC)?;
    socket.bind_auto()?;
    let found = ask(&socket, CONTROL, GET_FAMILY, (FAMILY_NAME, b"netdev\0"), FAMILY_ID)?;
    let Some(family) = found.and_then(|value| u16_at(&value, 0)) else { return Ok(None) };
    let found = ask(&socket, family, GET_DEVICE, (IFINDEX, &index.to_ne_bytes()), XDP_FEATURES)?;
    Ok(found.and_then(|value| Some(u64::from_ne_bytes(*value.first_chunk::<8>()?))))
}

/// One attribute of the answer to a request with one attribute.
fn ask(socket: &Socket, kind: u16, command: u8, with: (u16, &[u8]), wanted: u16) -> io::Result<Option<Vec<u8>>> {
    let mut request = Batch::default();
    request.begin(kind, NLM_F_REQUEST, 1, &[command, 1, 0, 0]);
    request.attribute(with.0, with.1);
    request.end();
    socket.send_to(request.octets(), &SocketAddr::new(0, 0), 0)?;
    let mut answer = vec![0_u8; 16 * 1024];
    let length = socket.recv(&mut answer.as_mut_slice(), 0)?;
    let answer = answer.get(..length).unwrap_or_default();
    let bodies =
        messages(answer).filter(|message| message.kind != NLMSG_ERROR).filter_map(|message| message.body.get(4..));
    Ok(bodies.flat_map(attributes).find(|(kind, _)| *kind == wanted).map(|(_, value)| value.to_vec()))
}
