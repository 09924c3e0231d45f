//! What the kernel and our privileges allow, asked without changing anything.
//!
//! Each lack is a sentence that says what does not work and what to do. Never decides whether to start.

use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use nouns::Prefix;

use crate::attribute::{Batch, messages};
use crate::number::{
    IFLA_ADDRESS, IFLA_INFO_KIND, IFLA_LINKINFO, NHA_ID, NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST,
    NLMSG_ERROR, RTM_DELNEXTHOP, RTM_GETNEXTHOP, RTM_NEWLINK,
};
use crate::socket::{RouteSocket, errno};
use crate::{sys, sysctl, tcp, tcp_ao};

/// No next hop has this identifier; ours are far below.
const NOBODY: u32 = u32::MAX;

/// What is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a list of yes-or-no questions to the kernel")]
pub struct Features {
    /// `CAP_NET_ADMIN` over this network namespace.
    pub net_admin: bool,
    /// `RTM_NEWNEXTHOP` (Linux 5.3).
    pub next_hop_objects: bool,
    /// IPv6 is built in and not disabled.
    pub ipv6: bool,
    /// `CONFIG_TCP_MD5SIG`
    pub tcp_md5: bool,
    /// `CONFIG_TCP_AO` (Linux 6.7).
    pub tcp_ao: bool,
    /// `CONFIG_BRIDGE`
    pub bridges: bool,
    /// `CONFIG_DUMMY`
    pub dummies: bool,
    /// `CONFIG_VLAN_8021Q`
    pub vlans: bool,
}

/// Kinds of links that a configuration may ask for: the kernel's word, its module and its option.
const KINDS: &[(&str, &str, &str)] = &[
    ("bridge", "bridge", "CONFIG_BRIDGE"),
    ("dummy", "dummy", "CONFIG_DUMMY"),
    ("vlan", "8021q", "CONFIG_VLAN_8021Q"),
];

/// A sentence about a kind of link that the kernel does not have.
#[must_use]
pub fn no_such_kind(kind: &str) -> String {
    let option = KINDS.iter().find(|(word, ..)| *word == kind).map_or("", |(_, _, option)| option);
    format!("this kernel has no {kind} interfaces ({option}); use a kernel that has them or leave the interface out")
}

impl Features {
    /// Asks the kernel.
    ///
    /// # Errors
    /// When it gives no netlink socket at all.
    pub fn detect() -> io::Result<Self> {
        let socket = &mut RouteSocket::open(64 * 1024, 64 * 1024)?;
        Ok(Self {
            // The privilege is checked before anything else; with it, the answer is that nothing is there.
            net_admin: probe(socket, RTM_DELNEXTHOP)? != libc::EPERM,
            next_hop_objects: !matches!(probe(socket, RTM_GETNEXTHOP)?, libc::EOPNOTSUPP | libc::EINVAL),
            ipv6: has_ipv6(),
            tcp_md5: has_tcp_md5(),
            tcp_ao: tcp_ao::is_there(),
            bridges: has_kind(socket, "bridge")?,
            dummies: has_kind(socket, "dummy")?,
            vlans: has_kind(socket, "vlan")?,
        })
    }

    /// The kinds of links that cannot be made, with a sentence for each; that matters only to who wants one.
    #[must_use]
    pub fn missing_kinds(&self) -> Vec<(&'static str, String)> {
        let kinds = [("bridge", self.bridges), ("dummy", self.dummies), ("vlan", self.vlans)];
        kinds.into_iter().filter(|(_, there)| !there).map(|(kind, _)| (kind, no_such_kind(kind))).collect()
    }

    /// Why no connection can be signed by TCP-AO, if none can; that matters only to who wants one.
    #[must_use]
    pub fn no_tcp_ao(&self) -> Option<&'static str> {
        let sentence = "this kernel has no TCP-AO, by which connections with a key-chain are signed; use Linux 6.7 or \
                        newer with CONFIG_TCP_AO, or set a password in its place";
        (!self.tcp_ao).then_some(sentence)
    }

    /// One sentence for each lack.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let sentences = [
            (
                self.net_admin,
                "no privilege to change the network: routes and interfaces stay as they are; \
                 start the daemon as root or with CAP_NET_ADMIN",
            ),
            (
                self.next_hop_objects,
                "this kernel has no next-hop objects: routes cannot be installed; use Linux 5.3 or newer",
            ),
            (
                self.ipv6,
                "IPv6 is not available: IPv6 routes and neighbors do not work; \
                 use a kernel with CONFIG_IPV6 and without ipv6.disable=1 or net.ipv6.conf.all.disable_ipv6=1",
            ),
            (
                self.tcp_md5,
                "this kernel has no TCP MD5 signatures: neighbors with a password cannot be reached; \
                 use a kernel with CONFIG_TCP_MD5SIG",
            ),
        ];
        sentences.iter().filter(|(there, _)| !there).map(|(_, sentence)| (*sentence).to_owned()).collect()
    }
}

/// Asks for, or to delete, a next hop that is not there, and returns the kernel's `errno`.
fn probe(socket: &mut RouteSocket, kind: u16) -> io::Result<i32> {
    let sequence = socket.sequences(1);
    let mut request = Batch::default();
    request.begin(kind, NLM_F_REQUEST | NLM_F_ACK, sequence, &[0; 8]);
    request.attribute_u32(NHA_ID, NOBODY);
    request.end();
    ask(socket, &request, sequence)
}

/// Sends one request and returns the kernel's `errno` for it.
fn ask(socket: &mut RouteSocket, request: &Batch, sequence: u32) -> io::Result<i32> {
    socket.send(request.octets())?;
    loop {
        let mut answers = messages(socket.receive(0)?);
        if let Some(answer) = answers.find(|answer| answer.kind == NLMSG_ERROR && answer.sequence == sequence) {
            return Ok(errno(answer));
        }
    }
}

/// Whether links of a kind can be made, without making one and without a module being loaded for the question.
///
/// A kernel with modules is taken at the word of its list of them. Any other is asked for a link with the address
/// of a group, which every kind refuses (`EADDRNOTAVAIL`) before anything is made.
fn has_kind(socket: &mut RouteSocket, kind: &str) -> io::Result<bool> {
    let module = KINDS.iter().find(|(word, ..)| *word == kind).map_or(kind, |(_, module, _)| module);
    if Path::new("/sys/module").join(module).exists() {
        return Ok(true);
    }
    if let Ok(release) = sysctl::read("kernel.osrelease")
        && let Some(listed) = listed_module(&Path::new("/lib/modules").join(release), module)
    {
        return Ok(listed);
    }
    let sequence = socket.sequences(1);
    let mut request = Batch::default();
    request.begin(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, sequence, &[0; 16]);
    request.attribute(IFLA_ADDRESS, &[1, 0, 0, 0, 0, 0]);
    let mut info = Batch::default();
    info.attribute(IFLA_INFO_KIND, kind.as_bytes());
    request.attribute(IFLA_LINKINFO, info.octets());
    request.end();
    Ok(ask(socket, &request, sequence)? != libc::EOPNOTSUPP)
}

/// Whether the lists of `depmod` name a module; `None` without lists.
fn listed_module(folder: &Path, module: &str) -> Option<bool> {
    let file = format!("/{module}.ko");
    let lists: Vec<String> =
        ["modules.dep", "modules.builtin"].iter().flat_map(|list| fs::read_to_string(folder.join(list))).collect();
    let names = |list: &String| {
        list.lines().filter_map(|line| line.split(':').next()).any(|path| {
            path.rfind(&file).is_some_and(|at| !path.get(at.saturating_add(1)..).unwrap_or_default().contains('/'))
        })
    };
    (!lists.is_empty()).then(|| lists.iter().any(names))
}

fn has_ipv6() -> bool {
    let disabled = sysctl::read("net.ipv6.conf.all.disable_ipv6").is_ok_and(|value| value == "1");
    !disabled && sys::stream_socket(libc::AF_INET6).is_ok()
}

/// Only the kernel's not knowing the option counts: a refusal for another reason shows that it is known.
fn has_tcp_md5() -> bool {
    let Ok(socket) = sys::stream_socket(libc::AF_INET) else { return false };
    let documentation = Prefix::host(std::net::IpAddr::from([192, 0, 2, 1]));
    match tcp::set_md5_key(socket.as_fd(), documentation, "probe") {
        Err(error) => error.raw_os_error() != Some(libc::ENOPROTOOPT),
        Ok(()) => true,
    }
}
