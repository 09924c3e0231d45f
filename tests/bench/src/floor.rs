//! The floor under a kernel's routes: a writer that knows all routes before it starts and does nothing but write.
//!
//! It runs inside the router's namespace: 256 messages a datagram, an acknowledgement of the last one only, each route
//! pointing to a next-hop object. No daemon that gets its routes from a peer can be faster. It never reads a route.

use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};
use scenarios::lab::Lab;

use crate::feed::{Feed, Recipe};
use crate::swarm::address;
use crate::wire::Prefix4;

/// The first word of the command line that makes this program the writer; then the words of the recipe.
pub(crate) const ROLE: &str = "floor";

/// Messages of a datagram.
const BATCH: usize = 256;
/// A protocol that is no daemon's.
const PROTOCOL: u8 = 201;
/// The group of next hops that all routes point to.
const GROUP: u32 = 1000;

// linux/rtnetlink.h and linux/netlink.h
const RTM_NEWROUTE: u16 = 24;
const RTM_DELROUTE: u16 = 25;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_ACK: u16 = 4;
const NLM_F_REPLACE: u16 = 0x100;
const NLM_F_CREATE: u16 = 0x400;
const NLMSG_ERROR: u16 = 2;
const AF_INET: u8 = 2;
const RT_TABLE_MAIN: u8 = 254;
const RTN_UNICAST: u8 = 1;
const RTA_DST: u16 = 1;
const RTA_NH_ID: u16 = 30;
/// Octets of a message: its header, `rtmsg`, and two attributes of four octets.
const MESSAGE: u32 = 16 + 12 + 8 + 8;

/// Writes all routes of a feed and deletes them: the seconds of both.
pub(crate) fn measure(lab: &Lab, recipe: Recipe, legs: u8) -> Result<[f64; 2]> {
    let mut batch = String::new();
    for leg in 1..=legs {
        let gateway = address(leg - 1);
        batch.push_str(&format!("nexthop add id {leg} via {gateway} dev eth0 protocol {PROTOCOL}\n"));
    }
    let members: Vec<String> = (1..=legs).map(|leg| leg.to_string()).collect();
    batch.push_str(&format!("nexthop add id {GROUP} group {} protocol {PROTOCOL}\n", members.join("/")));
    lab.router.run_with_input("ip", &["-batch", "-"], &batch)?.success()?;
    let own = std::env::current_exe().context("asking for the own path")?;
    let words = recipe.words();
    let arguments: Vec<&str> = [ROLE].into_iter().chain(words.split_whitespace()).collect();
    let said = lab.router.run(&own.to_string_lossy(), &arguments)?.success()?;
    let seconds: Vec<f64> = said.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    seconds.try_into().ok().with_context(|| format!("the floor said {said:?}"))
}

/// Runs inside the router's namespace and prints the seconds of writing and of deleting.
pub(crate) fn run(words: &[String]) -> Result<()> {
    let feed = Feed::new(words.join(" ").parse::<Recipe>()?)?;
    let prefixes: Vec<Prefix4> = feed.prefixes(0).collect();
    let mut socket = Socket::new(NETLINK_ROUTE).context("opening a netlink socket")?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    let add = datagrams(&prefixes, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);
    let delete = datagrams(&prefixes, RTM_DELROUTE, 0);
    for datagrams in [add, delete] {
        let began = Instant::now();
        for datagram in &datagrams {
            socket.send(datagram, 0).context("writing routes")?;
            acknowledged(&socket)?;
        }
        println!("{}", began.elapsed().as_secs_f64());
    }
    Ok(())
}

fn datagrams(prefixes: &[Prefix4], kind: u16, flags: u16) -> Vec<Vec<u8>> {
    let datagram = |chunk: &[Prefix4]| {
        let mut octets = Vec::new();
        for (number, prefix) in chunk.iter().enumerate() {
            let last = if number + 1 == chunk.len() { NLM_F_ACK } else { 0 };
            message(*prefix, kind, flags | last | NLM_F_REQUEST, &mut octets);
        }
        octets
    };
    prefixes.chunks(BATCH).map(datagram).collect()
}

fn message(prefix: Prefix4, kind: u16, flags: u16, out: &mut Vec<u8>) {
    out.extend(MESSAGE.to_ne_bytes());
    out.extend(kind.to_ne_bytes());
    out.extend(flags.to_ne_bytes());
    // The sequence number and the port are nobody's concern here.
    out.extend([0; 8]);
    out.extend([AF_INET, prefix.length, 0, 0, RT_TABLE_MAIN, PROTOCOL, 0, RTN_UNICAST, 0, 0, 0, 0]);
    out.extend([8u16.to_ne_bytes(), RTA_DST.to_ne_bytes()].as_flattened());
    out.extend(prefix.address.to_be_bytes());
    out.extend([8u16.to_ne_bytes(), RTA_NH_ID.to_ne_bytes()].as_flattened());
    out.extend(GROUP.to_ne_bytes());
}

/// Reads the acknowledgement of a datagram; every message that failed has one of its own.
fn acknowledged(socket: &Socket) -> Result<()> {
    let (answer, _) = socket.recv_from_full().context("reading the kernel's answer")?;
    let number = |from: usize| answer.get(from..from + 4)?.first_chunk::<4>().copied();
    let kind = answer.get(4..6).and_then(|kind| kind.first_chunk::<2>().copied()).map(u16::from_ne_bytes);
    ensure!(kind == Some(NLMSG_ERROR), "the kernel answered with {answer:?}");
    match number(16).map(i32::from_ne_bytes) {
        Some(0) => Ok(()),
        Some(error) => bail!("the kernel refuses a route: {}", std::io::Error::from_raw_os_error(-error)),
        None => bail!("the kernel's answer is cut off"),
    }
}
