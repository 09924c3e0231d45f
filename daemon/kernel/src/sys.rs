//! The system calls for which no safe wrapper is at hand; all `unsafe` of the project's netlink side is here.
//!
//! Options go through as octets, so that no layout of a C structure has to be trusted. Never keeps a
//! pointer behind a call.

#![expect(unsafe_code, reason = "system calls without a safe wrapper, each block with its reason")]

use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr::null_mut;
use std::time::Duration;

/// `setsockopt(2)` with a value of any layout.
pub(crate) fn set_option(fd: BorrowedFd<'_>, level: i32, name: i32, value: &[u8]) -> io::Result<()> {
    let length = libc::socklen_t::try_from(value.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: the kernel reads exactly `length` octets from a slice of that length and keeps none of it;
    // callers pass plain data, never an option whose value contains a pointer.
    let answer = unsafe { libc::setsockopt(fd.as_raw_fd(), level, name, value.as_ptr().cast(), length) };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// `setsockopt(2)` with an `int`.
pub(crate) fn set_int(fd: BorrowedFd<'_>, level: i32, name: i32, value: i32) -> io::Result<()> {
    set_option(fd, level, name, &value.to_ne_bytes())
}

/// `getsockopt(2)` of an `int`.
pub(crate) fn int_option(fd: BorrowedFd<'_>, level: i32, name: i32) -> io::Result<i32> {
    let mut value: i32 = 0;
    let mut length = libc::socklen_t::try_from(size_of::<i32>()).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: `value` and `length` live through the call, and `length` says how many octets may be written.
    let answer = unsafe { libc::getsockopt(fd.as_raw_fd(), level, name, (&raw mut value).cast(), &raw mut length) };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(value) }
}

/// `SO_MEMINFO`: how many datagrams a socket has dropped for want of room (`SK_MEMINFO_DROPS` of
/// `include/uapi/linux/sock_diag.h`).
pub(crate) fn dropped(fd: BorrowedFd<'_>) -> io::Result<u32> {
    let mut all = [0_u32; 9];
    let mut length = libc::socklen_t::try_from(size_of_val(&all)).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: `length` says how many octets of the array may be written, and both live through the call; any octets are a
    // valid `u32`.
    let answer = unsafe {
        let (level, name) = (libc::SOL_SOCKET, libc::SO_MEMINFO);
        libc::getsockopt(fd.as_raw_fd(), level, name, all.as_mut_ptr().cast(), &raw mut length)
    };
    let [.., dropped] = all;
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(dropped) }
}

/// `SO_PEERGROUPS`: the supplementary groups of the process that connected a Unix socket.
pub(crate) fn peer_groups(fd: BorrowedFd<'_>) -> io::Result<Vec<u32>> {
    let mut groups = vec![0_u32; 32];
    loop {
        let octets = groups.len().saturating_mul(size_of::<u32>());
        let mut length = libc::socklen_t::try_from(octets).map_err(|_| io::ErrorKind::InvalidInput)?;
        // SAFETY: `length` says how many octets of the vector may be written, and both live through the call; any
        // octets are a valid `u32`.
        let answer = unsafe {
            let (level, name) = (libc::SOL_SOCKET, libc::SO_PEERGROUPS);
            libc::getsockopt(fd.as_raw_fd(), level, name, groups.as_mut_ptr().cast(), &raw mut length)
        };
        let count = usize::try_from(length).unwrap_or_default() / size_of::<u32>();
        if answer >= 0 {
            groups.truncate(count);
            return Ok(groups);
        }
        let error = io::Error::last_os_error();
        // ERANGE comes with the length that is needed.
        if error.raw_os_error() != Some(libc::ERANGE) || count <= groups.len() {
            return Err(error);
        }
        groups.resize(count, 0);
    }
}

/// `SO_ATTACH_FILTER`: a classic BPF program in front of the socket.
pub(crate) fn attach_filter(fd: BorrowedFd<'_>, program: &mut [libc::sock_filter]) -> io::Result<()> {
    let len = u16::try_from(program.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let filter = libc::sock_fprog { len, filter: program.as_mut_ptr() };
    let size = libc::socklen_t::try_from(size_of::<libc::sock_fprog>()).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: `filter` points to `len` instructions that live through the call; the kernel copies them.
    let answer = unsafe {
        libc::setsockopt(fd.as_raw_fd(), libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, (&raw const filter).cast(), size)
    };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// `TIOCOUTQ` (`SIOCOUTQ` on a TCP socket): octets that the peer has not acknowledged.
pub(crate) fn output_queue(fd: BorrowedFd<'_>) -> io::Result<i32> {
    let mut value: i32 = 0;
    // SAFETY: this request writes one `int` to the pointer, which lives through the call.
    let answer = unsafe { libc::ioctl(fd.as_raw_fd(), libc::TIOCOUTQ, &raw mut value) };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(value) }
}

/// `SIOCETHTOOL` with a command whose answer is one number (`struct ethtool_value`).
pub(crate) fn ethtool(name: &str, command: u32) -> io::Result<u32> {
    let socket = datagram_socket(libc::AF_INET)?;
    let mut value = [command, 0];
    // SAFETY: all octets zero are a valid `ifreq`.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    let room = request.ifr_name.len().saturating_sub(1);
    for (place, letter) in request.ifr_name.iter_mut().take(room).zip(name.bytes()) {
        *place = libc::c_char::from_ne_bytes([letter]);
    }
    request.ifr_ifru.ifru_data = value.as_mut_ptr().cast();
    // SAFETY: the request names a link and leads to two numbers that live through the call, which is what this command takes.
    let answer = unsafe { libc::ioctl(socket.as_raw_fd(), 0x8946, &raw mut request) };
    let [_, value] = value;
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(value) }
}

/// `socket(2)` of type `SOCK_STREAM`, closed on `exec`.
pub(crate) fn stream_socket(domain: i32) -> io::Result<OwnedFd> {
    socket(domain, libc::SOCK_STREAM, 0)
}

/// `socket(2)` for ICMPv6 messages (`SOCK_RAW`), closed on `exec`.
pub(crate) fn icmp6_socket() -> io::Result<OwnedFd> {
    socket(libc::AF_INET6, libc::SOCK_RAW, libc::IPPROTO_ICMPV6)
}

/// `socket(2)` for ICMP messages (`SOCK_RAW`), closed on `exec`.
pub(crate) fn icmp_socket() -> io::Result<OwnedFd> {
    socket(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_ICMP)
}

/// `socket(2)` for frames of a protocol without their Ethernet header (`AF_PACKET`), closed on `exec`.
pub(crate) fn arp_socket(protocol: u16) -> io::Result<OwnedFd> {
    socket(libc::AF_PACKET, libc::SOCK_DGRAM, i32::from(protocol.to_be()))
}

/// `socket(2)` of type `SOCK_STREAM`, closed on `exec`, on which nothing waits.
pub(crate) fn connecting_socket(domain: i32) -> io::Result<OwnedFd> {
    socket(domain, libc::SOCK_STREAM | libc::SOCK_NONBLOCK, 0)
}

fn socket(domain: i32, kind: i32, protocol: i32) -> io::Result<OwnedFd> {
    // SAFETY: no pointer is passed.
    let fd = unsafe { libc::socket(domain, kind | libc::SOCK_CLOEXEC, protocol) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel just gave this descriptor to us, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// `socket(2)` for datagrams, closed on `exec`, on which nothing waits.
pub(crate) fn datagram_socket(domain: i32) -> io::Result<OwnedFd> {
    socket(domain, libc::SOCK_DGRAM | libc::SOCK_NONBLOCK, 0)
}

/// `bind(2)` to an address as octets.
pub(crate) fn bind(fd: BorrowedFd<'_>, address: &[u8]) -> io::Result<()> {
    let length = libc::socklen_t::try_from(address.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: the kernel reads exactly `length` octets from a slice of that length and judges them itself.
    let answer = unsafe { libc::bind(fd.as_raw_fd(), address.as_ptr().cast(), length) };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// `connect(2)` to an address as octets.
pub(crate) fn connect(fd: BorrowedFd<'_>, address: &[u8]) -> io::Result<()> {
    let length = libc::socklen_t::try_from(address.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: the kernel reads exactly `length` octets from a slice of that length and judges them itself.
    let answer = unsafe { libc::connect(fd.as_raw_fd(), address.as_ptr().cast(), length) };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// `sendto(2)`: a message to an address as octets, if that can be done at once.
pub(crate) fn send_to(fd: BorrowedFd<'_>, octets: &[u8], address: &[u8]) -> io::Result<()> {
    let length = libc::socklen_t::try_from(address.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: the kernel reads both slices, each with its own length, and keeps neither.
    let answer = unsafe {
        let (octets, count) = (octets.as_ptr().cast(), octets.len());
        libc::sendto(fd.as_raw_fd(), octets, count, libc::MSG_DONTWAIT, address.as_ptr().cast(), length)
    };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// `recvmsg(2)`: how many octets were written of the message, of its sender's address and of what the kernel says of it.
pub(crate) fn receive_message(
    fd: BorrowedFd<'_>,
    octets: &mut [u8],
    sender: &mut [u8],
    control: &mut [u8],
) -> io::Result<(usize, usize, usize)> {
    let mut part = libc::iovec { iov_base: octets.as_mut_ptr().cast(), iov_len: octets.len() };
    // SAFETY: all octets zero are a valid `msghdr`: null pointers and lengths of zero.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_name = sender.as_mut_ptr().cast();
    message.msg_namelen = libc::socklen_t::try_from(sender.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = control.len();
    // SAFETY: every pointer leads to a slice that lives through the call, each with its length beside it.
    let answer = unsafe { libc::recvmsg(fd.as_raw_fd(), &raw mut message, libc::MSG_DONTWAIT) };
    let length = usize::try_from(answer).map_err(|_| io::Error::last_os_error())?;
    let named = usize::try_from(message.msg_namelen).unwrap_or_default();
    Ok((length.min(octets.len()), named.min(sender.len()), message.msg_controllen.min(control.len())))
}

/// `ppoll(2)`: waits until one of these can be read, or one of those written, for a time at most.
pub(crate) fn wait(
    readable: &[BorrowedFd<'_>],
    writable: &[BorrowedFd<'_>],
    at_most: Option<Duration>,
) -> io::Result<()> {
    let poll = |events| move |fd: &BorrowedFd<'_>| libc::pollfd { fd: fd.as_raw_fd(), events, revents: 0 };
    let readable = readable.iter().map(poll(libc::POLLIN));
    let mut wanted: Vec<libc::pollfd> = readable.chain(writable.iter().map(poll(libc::POLLOUT))).collect();
    let time = at_most.map(|time| libc::timespec {
        tv_sec: libc::time_t::try_from(time.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: libc::c_long::from(time.subsec_nanos()),
    });
    let count = libc::nfds_t::try_from(wanted.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let time = time.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: `wanted` has `count` elements, `time` is null or leads to a `timespec`; all live through the call.
    let answer = unsafe { libc::ppoll(wanted.as_mut_ptr(), count, time, std::ptr::null()) };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// `sched_setscheduler(2)`: the calling thread goes before all that are not of real time.
pub(crate) fn real_time() -> io::Result<()> {
    let parameters = libc::sched_param { sched_priority: 1 };
    let policy = libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK;
    // SAFETY: the kernel reads one `sched_param` from the pointer, which lives through the call; 0 is the calling thread.
    let answer = unsafe { libc::sched_setscheduler(0, policy, &raw const parameters) };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// `getpriority(2)` and `setpriority(2)`: the calling thread's nice value changes by so much, to -20 at the lowest. The lower it
/// is, the more of a processor it gets.
pub(crate) fn nice(by: i32) -> io::Result<()> {
    // SAFETY: no pointer is passed; 0 is the calling thread, which is there, so that -1 is a value and no error.
    let value = unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) };
    // SAFETY: as above.
    let answer = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, value.saturating_add(by)) };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// `sethostname(2)`
pub(crate) fn set_host_name(name: &str) -> io::Result<()> {
    // SAFETY: the kernel reads exactly `len` octets of a slice of that length.
    let answer = unsafe { libc::sethostname(name.as_ptr().cast(), name.len()) };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// `clock_gettime(2)` of `CLOCK_THREAD_CPUTIME_ID`: what the calling thread has had of a processor; zero where it cannot be told.
pub(crate) fn thread_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel writes one `timespec` to the pointer, which lives through the call.
    let answer = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    if answer < 0 {
        return Duration::ZERO;
    }
    Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// `getrlimit(2)` of `RLIMIT_NOFILE`: the soft and the hard limit.
pub(crate) fn descriptor_limits() -> io::Result<(u64, u64)> {
    let mut limits = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the kernel writes one `rlimit` to the pointer, which lives through the call.
    let answer = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limits) };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok((limits.rlim_cur, limits.rlim_max)) }
}

/// `setrlimit(2)` of `RLIMIT_NOFILE`: both limits are `limit` then.
pub(crate) fn set_descriptor_limit(limit: u64) -> io::Result<()> {
    let limits = libc::rlimit { rlim_cur: limit, rlim_max: limit };
    // SAFETY: the kernel reads one `rlimit` from the pointer, which lives through the call.
    let answer = unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limits) };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// `statvfs(3)`: octets in all, unused ones, and those of them that a user may still write.
pub(crate) fn storage(path: &CStr) -> io::Result<(u64, u64, u64)> {
    let mut found = MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: `path` ends with a NUL, and the C library writes one `statvfs` to the pointer, which lives through the call.
    let answer = unsafe { libc::statvfs(path.as_ptr(), found.as_mut_ptr()) };
    if answer < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call succeeded, so that all of it was written.
    let found = unsafe { found.assume_init() };
    let octets = |blocks: u64| blocks.saturating_mul(found.f_frsize);
    Ok((octets(found.f_blocks), octets(found.f_bfree), octets(found.f_bavail)))
}

/// `arena.<all>.purge` of jemalloc, the daemon's allocator: what is free of the heap goes back to the system.
pub(crate) fn trim_heap() {
    let purge_all = c"arena.4096.purge";
    // SAFETY: the name is a string with an end, the action neither reads nor writes a value, and takes its own locks.
    let _ = unsafe { tikv_jemalloc_sys::mallctl(purge_all.as_ptr(), null_mut(), null_mut(), null_mut(), 0) };
}

unsafe extern "C" {
    /// `tzset(3)`: reads the system's time zone anew, where it has changed.
    fn tzset();
}

/// `localtime_r(3)`: the offset of the system's time zone from UTC in seconds at a time, and the zone's short name.
pub(crate) fn local_time(unix: i64) -> Option<(i64, String)> {
    let mut found = MaybeUninit::<libc::tm>::uninit();
    // SAFETY: no pointer is passed; nothing in this process changes the environment, which `tzset` reads.
    unsafe { tzset() };
    // SAFETY: both pointers live through the call, which writes one `tm`.
    let answer = unsafe { libc::localtime_r(&raw const unix, found.as_mut_ptr()) };
    if answer.is_null() {
        return None;
    }
    // SAFETY: the call succeeded, so that all of it was written.
    let found = unsafe { found.assume_init() };
    let name = if found.tm_zone.is_null() {
        String::new()
    } else {
        // SAFETY: the C library keeps names of zones, each with a NUL at its end, for as long as the process lives.
        unsafe { CStr::from_ptr(found.tm_zone) }.to_string_lossy().into_owned()
    };
    Some((found.tm_gmtoff, name))
}
