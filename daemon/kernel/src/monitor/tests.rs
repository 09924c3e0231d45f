//! The filter in front of the monitor's socket.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use super::*;

/// Runs the program as the kernel would, for the instructions that it uses.
fn passes(program: &[libc::sock_filter], octets: &[u8]) -> bool {
    let mut place = 0;
    let mut accumulator = 0;
    loop {
        let step = program.get(place).unwrap();
        let at = usize::try_from(step.k).unwrap();
        place += 1;
        match step.code {
            0x28 => accumulator = u32::from(u16::from_be_bytes(*octets.get(at..).unwrap().first_chunk().unwrap())),
            0x30 => accumulator = u32::from(*octets.get(at).unwrap()),
            0x20 => accumulator = u32::from_be_bytes(*octets.get(at..).unwrap().first_chunk().unwrap()),
            0x15 => place += usize::from(if accumulator == step.k { step.jt } else { step.jf }),
            _ => return step.k != 0,
        }
    }
}

#[test]
fn only_route_messages_of_our_own_ports_and_of_the_local_table_are_dropped() {
    let program = route_filter(&[4711, 9]);
    for (kind, port, table, pass) in [
        (RTM_NEWROUTE, 4711_u32, 254, false),
        (RTM_DELROUTE, 4711, 254, false),
        (RTM_DELROUTE, 9, 254, false),
        (RTM_NEWROUTE, 4712, 254, true),
        (RTM_NEWROUTE, 4712, 255, false),
        (RTM_DELROUTE, 0, 254, true),
        (RTM_DELROUTE, 0, 255, false),
        (RTM_NEWNEXTHOP, 4711, 255, true),
        (RTM_NEWLINK, 4711, 255, true),
    ] {
        let head = [&[0; 4], kind.to_ne_bytes().as_slice(), &[0; 6], &port.to_ne_bytes()].concat();
        let octets = [head.as_slice(), &[2, 24, 0, 0, table, 2, 0, 1]].concat();
        assert_eq!(passes(&program, &octets), pass, "{kind} of table {table} from {port}");
    }
}
