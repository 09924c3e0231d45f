//! Programs of BPF as filters of traffic control (`clsact`, `cls_bpf` in direct action), for kernels before TCX.
//!
//! Ours stand at one priority and handle, so that a later daemon replaces a filter in place, without a packet in between.
//! Never touches a filter or a queue of anybody else.

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd};

use crate::attribute::{Batch, Message, attributes, u32_at};
use crate::number::{
    ETH_P_ALL, NLM_F_CREATE, NLM_F_EXCL, RTM_DELQDISC, RTM_DELTFILTER, RTM_GETQDISC, RTM_GETTFILTER, RTM_NEWQDISC,
    RTM_NEWTFILTER, TC_H_CLSACT, TC_H_EGRESS, TC_H_INGRESS, TCA_BPF_FD, TCA_BPF_FLAG_ACT_DIRECT, TCA_BPF_FLAGS,
    TCA_BPF_NAME, TCA_KIND, TCA_OPTIONS,
};
use crate::snapshot::of_kind;
use crate::socket::RouteSocket;

/// The priority of ours: whoever has a lower number decides first.
pub const PRIORITY: u16 = 200;
/// The handle of ours there.
const HANDLE: u32 = 200;
/// What names of ours begin with.
const OURS: &[u8] = b"towpath_";
const QUEUE: i32 = 256 * 1024;
/// The handle of the queue that filters of both ways hang on.
const QUEUE_HANDLE: u32 = 0xffff_0000;

/// Which packets of a link a filter sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Those that come.
    In,
    /// Those that leave.
    Out,
}

impl Way {
    const fn parent(self) -> u32 {
        match self {
            Self::In => TC_H_INGRESS,
            Self::Out => TC_H_EGRESS,
        }
    }
}

/// A filter of traffic control, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Filter {
    handle: u32,
    /// Priority and protocol, as they lie in `tcm_info`.
    info: u32,
    kind: Vec<u8>,
    name: Vec<u8>,
}

impl Filter {
    fn is_ours(&self) -> bool {
        self.info == INFO && self.handle == HANDLE && self.name.starts_with(OURS)
    }

    /// Whether ours has no place beside it.
    fn is_in_the_way(&self) -> bool {
        let same_place = self.info == INFO && self.kind == b"bpf\0" && self.handle != HANDLE;
        self.info >> 16 == u32::from(PRIORITY) && !self.is_ours() && !same_place
    }
}

const INFO: u32 = (PRIORITY as u32) << 16 | ETH_P_ALL.to_be() as u32;

/// Puts a program on a link, or in the place of one of ours that stands there. The kernel keeps it until it is removed. Says
/// whether the queue that it hangs on had to be made.
///
/// # Errors
/// `EEXIST` where another's filter stands in its place, `EBUSY` where another's queue does; else what the kernel says.
pub fn put(link: u32, way: Way, program: BorrowedFd<'_>, name: &str) -> io::Result<bool> {
    let socket = &mut RouteSocket::open(QUEUE, QUEUE)?;
    let made = match socket.request(
        RTM_NEWQDISC,
        NLM_F_CREATE | NLM_F_EXCL,
        &header(link, QUEUE_HANDLE, TC_H_CLSACT, 0),
        &[(TCA_KIND, b"clsact\0")],
    ) {
        Ok(()) => true,
        Err(error) if error.raw_os_error() == Some(libc::EEXIST) => false,
        Err(error) => return Err(error),
    };
    if !made && queue(socket, link)?.as_deref() != Some(b"clsact\0") {
        return Err(io::Error::from_raw_os_error(libc::EBUSY));
    }
    if filters(socket, link, way)?.iter().any(Filter::is_in_the_way) {
        return Err(io::Error::from_raw_os_error(libc::EEXIST));
    }
    let mut options = Batch::default();
    options.attribute_u32(TCA_BPF_FD, program.as_raw_fd().unsigned_abs());
    options.attribute(TCA_BPF_NAME, &[name.as_bytes(), &[0]].concat());
    options.attribute_u32(TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
    let attributes: &[(u16, &[u8])] = &[(TCA_KIND, b"bpf\0"), (TCA_OPTIONS, options.octets())];
    socket.request(RTM_NEWTFILTER, NLM_F_CREATE, &header(link, HANDLE, way.parent(), INFO), attributes)?;
    Ok(made)
}

/// Whether a filter of ours stands there.
///
/// # Errors
/// What the kernel says; a link that is gone has none.
pub fn stands(link: u32, way: Way) -> io::Result<bool> {
    let found = RouteSocket::open(QUEUE, QUEUE).and_then(|mut socket| filters(&mut socket, link, way));
    match found {
        Err(error) if error.raw_os_error() == Some(libc::ENODEV) => Ok(false),
        found => Ok(found?.iter().any(Filter::is_ours)),
    }
}

/// Takes the filter of ours away, if there is one.
///
/// # Errors
/// What the kernel says.
pub fn remove(link: u32, way: Way) -> io::Result<()> {
    if !stands(link, way)? {
        return Ok(());
    }
    let socket = &mut RouteSocket::open(QUEUE, QUEUE)?;
    socket.change(RTM_DELTFILTER, &header(link, HANDLE, way.parent(), INFO), &[(TCA_KIND, b"bpf\0")])
}

/// Takes the queue away that filters hang on, if none does; says whether it is gone.
///
/// # Errors
/// What the kernel says.
pub fn remove_queue(link: u32) -> io::Result<bool> {
    let socket = &mut RouteSocket::open(QUEUE, QUEUE)?;
    let in_use = !filters(socket, link, Way::In)?.is_empty() || !filters(socket, link, Way::Out)?.is_empty();
    if in_use {
        return Ok(false);
    }
    if queue(socket, link)?.as_deref() == Some(b"clsact\0") {
        socket.change(RTM_DELQDISC, &header(link, QUEUE_HANDLE, TC_H_CLSACT, 0), &[(TCA_KIND, b"clsact\0")])?;
    }
    Ok(true)
}

/// `struct tcmsg`
fn header(link: u32, handle: u32, parent: u32, info: u32) -> Vec<u8> {
    [0, link, handle, parent, info].into_iter().flat_map(u32::to_ne_bytes).collect()
}

/// The kind of the queue that sees all packets of a link, if there is one.
fn queue(socket: &mut RouteSocket, link: u32) -> io::Result<Option<Vec<u8>>> {
    let kinds = socket.dump(RTM_GETQDISC, &header(link, 0, 0, 0), &[], |message| {
        let body = of_kind(message, RTM_NEWQDISC)?;
        // Up to Linux 6.1 it tells those of all links.
        (u32_at(body, 4)? == link && u32_at(body, 8)? == QUEUE_HANDLE).then(|| text(body, TCA_KIND)).flatten()
    })?;
    Ok(kinds.into_iter().next())
}

/// All filters of a link and a way; none where there is no queue for them.
fn filters(socket: &mut RouteSocket, link: u32, way: Way) -> io::Result<Vec<Filter>> {
    socket.dump(RTM_GETTFILTER, &header(link, 0, way.parent(), 0), &[], filter)
}

fn filter(message: Message<'_>) -> Option<Filter> {
    let body = of_kind(message, RTM_NEWTFILTER)?;
    let options = attributes(body.get(20..)?).find(|(kind, _)| *kind == TCA_OPTIONS).map(|(_, value)| value);
    let name = options.into_iter().flat_map(attributes).find(|(kind, _)| *kind == TCA_BPF_NAME);
    // A priority is told once for itself, without a handle.
    let handle = u32_at(body, 8).filter(|handle| *handle != 0)?;
    Some(Filter {
        handle,
        info: u32_at(body, 16)?,
        kind: text(body, TCA_KIND).unwrap_or_default(),
        name: name.map(|(_, value)| value.to_vec()).unwrap_or_default(),
    })
}

fn text(body: &[u8], wanted: u16) -> Option<Vec<u8>> {
    attributes(body.get(20..)?).find(|(kind, _)| *kind == wanted).map(|(_, value)| value.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(handle: u32, info: u32, kind: &[u8], name: &[u8]) -> Option<Filter> {
        let mut options = Batch::default();
        options.attribute(TCA_BPF_NAME, name);
        let mut batch = Batch::default();
        batch.begin(RTM_NEWTFILTER, 0, 1, &header(3, handle, TC_H_INGRESS, info));
        batch.attribute(TCA_KIND, kind);
        batch.attribute(TCA_OPTIONS, options.octets());
        batch.end();
        crate::attribute::messages(batch.octets()).find_map(filter)
    }

    #[test]
    fn only_a_filter_of_our_place_and_name_is_ours_and_who_stands_elsewhere_is_in_nobodys_way() {
        let (bpf, other, foreign) = (b"bpf\0".as_slice(), b"u32\0".as_slice(), b"cilium\0".as_slice());
        let ours = b"towpath_tc\0".as_slice();
        let ip_only = (u32::from(PRIORITY) << 16) | u32::from(0x0800_u16.to_be());
        for (handle, info, kind, name, expect) in [
            (HANDLE, INFO, bpf, ours, (true, false)),
            (HANDLE, INFO, bpf, foreign, (false, true)),
            (1, INFO, bpf, foreign, (false, false)),
            (HANDLE, INFO, other, foreign, (false, true)),
            (HANDLE, ip_only, bpf, ours, (false, true)),
            (HANDLE, INFO - (1 << 16), bpf, ours, (false, false)),
        ] {
            let filter = told(handle, info, kind, name);
            let seen = filter.as_ref().map(|filter| (filter.is_ours(), filter.is_in_the_way()));
            assert_eq!(seen, Some(expect), "{filter:?}");
        }
        assert_eq!(told(0, INFO, bpf, b""), None, "a priority is no filter");
    }
}
