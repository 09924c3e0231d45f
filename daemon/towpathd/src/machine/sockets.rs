//! Sockets of the router itself, from `/proc/net`.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use api::view::process::{Connection, Connections};

/// `show system connections`; a family that the kernel does not have has no sockets.
pub(crate) fn connections() -> Connections {
    let mut connections = Vec::new();
    for protocol in ["tcp", "tcp6", "udp", "udp6"] {
        let text = fs::read_to_string(format!("/proc/self/net/{protocol}")).unwrap_or_default();
        connections.extend(text.lines().skip(1).filter_map(|line| connection(protocol, line)));
    }
    Connections { connections }
}

/// `0: 0100007F:0035 00000000:0000 0A 00000000:00000000 …`
fn connection(protocol: &str, line: &str) -> Option<Connection> {
    let mut words = line.split_whitespace().skip(1);
    let (local, remote) = (end(words.next()?)?, end(words.next()?)?);
    let state = u8::from_str_radix(words.next()?, 16).ok()?;
    let (send, receive) = words.next()?.split_once(':')?;
    Some(Connection {
        protocol: protocol.to_owned(),
        receive_queue: u64::from_str_radix(receive, 16).ok()?,
        send_queue: u64::from_str_radix(send, 16).ok()?,
        local,
        remote,
        state: protocol.starts_with("tcp").then(|| word(state).to_owned()),
    })
}

/// The address as 32-bit words in the order of the machine, in hexadecimal; the port in network order.
fn end(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |at: usize| u32::from_str_radix(address.get(at..at.checked_add(8)?)?, 16).ok().map(u32::to_ne_bytes);
    let address: IpAddr = match address.len() {
        8 => Ipv4Addr::from(word(0)?).into(),
        32 => {
            let words = [word(0)?, word(8)?, word(16)?, word(24)?];
            let octets: Vec<u8> = words.into_iter().flatten().collect();
            Ipv6Addr::from(*octets.first_chunk::<16>()?).into()
        }
        _ => return None,
    };
    Some(SocketAddr::new(address, port))
}

/// `enum` of net/tcp_states.h, in the words of `netstat`.
fn word(state: u8) -> &'static str {
    const WORDS: [&str; 12] = [
        "ESTABLISHED",
        "SYN_SENT",
        "SYN_RECV",
        "FIN_WAIT1",
        "FIN_WAIT2",
        "TIME_WAIT",
        "CLOSE",
        "CLOSE_WAIT",
        "LAST_ACK",
        "LISTEN",
        "CLOSING",
        "SYN_RECV",
    ];
    usize::from(state).checked_sub(1).and_then(|place| WORDS.get(place)).copied().unwrap_or("UNKNOWN")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]
    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn a_line_of_the_kernel_is_a_socket() {
        let line = "   0: 0100007F:00B3 00000000:0000 0A 00000002:00000001 00:00000000 00000000     0        0 1 1";
        let socket = connection("tcp", line).unwrap();
        assert_eq!((socket.local.to_string(), socket.remote.to_string()), ("127.0.0.1:179".into(), "0.0.0.0:0".into()));
        assert_eq!((socket.send_queue, socket.receive_queue, socket.state.as_deref()), (2, 1, Some("LISTEN")));
        let line = " 1: B80D0120000000000000000001000000:0016 00000000000000000000000000000000:0000 07 0:0 0";
        let socket = connection("udp6", line).unwrap();
        assert_eq!((socket.local.to_string(), socket.state), ("[2001:db8::1]:22".into(), None));
    }

    #[test]
    fn nonsense_is_no_socket() {
        for line in ["", "0:", "0: x y z", "0: 0100007F:00B3 00:00 0A 0:0", "0: 0100007F:00B3 00000000:0000 0A 0"] {
            assert!(connection("tcp", line).is_none(), "{line}");
        }
    }
}
