//! No daemon at all: what the sender writes is handed to the receivers as it is.
//!
//! What it takes is what the senders, the receivers and the kernel's TCP take: no daemon can be faster, and the
//! harness is no slower. It never looks at a route.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};

use anyhow::{Context, Result, bail};
use scenarios::lab::{Lab, Process};

use crate::daemons::{ASN, Job};
use crate::wire::{self, next_message};

/// The first word of the command line that makes this program the relay; then its address, the sender's, and the
/// number of receivers.
pub(crate) const ROLE: &str = "relay";

const PORT: u16 = 179;
const HOLD_TIME: u16 = 180;
const BUFFER: usize = 1 << 18;

pub(crate) fn start(lab: &Lab, job: &Job) -> Result<Process> {
    let own = std::env::current_exe().context("asking for the own path")?;
    let sender = job.peers.iter().find(|peer| peer.sends).context("nobody sends")?.address.to_string();
    let receivers = job.peers.iter().filter(|peer| !peer.sends).count().to_string();
    lab.router.start("relay", &own.to_string_lossy(), &[ROLE, &job.router.to_string(), &sender, &receivers])
}

/// Runs inside the router's namespace.
pub(crate) fn run(words: &[String]) -> Result<()> {
    let [own, sender, receivers] = words else { bail!("the relay needs its address, the sender's and a number") };
    let (own, sender): (Ipv4Addr, IpAddr) = (own.parse()?, sender.parse()?);
    let wanted = receivers.parse()?;
    let listener = TcpListener::bind((own, PORT)).context("listening")?;
    let (mut source, mut receivers) = (None, Vec::new());
    while source.is_none() || receivers.len() < wanted {
        let (mut stream, from) = listener.accept().context("accepting")?;
        let waiting = shake_hands(&mut stream, own)?;
        match from.ip() == sender {
            true => source = Some((stream, waiting)),
            false => receivers.push(stream),
        }
    }
    let (mut source, mut octets) = source.context("no sender")?;
    let mut filled = octets.len();
    octets.resize(BUFFER, 0);
    loop {
        for receiver in &mut receivers {
            receiver.write_all(octets.get(..filled).unwrap_or_default()).context("writing to a receiver")?;
        }
        filled = source.read(&mut octets).context("reading from the sender")?;
        if filled == 0 {
            return Ok(());
        }
    }
}

/// Answers OPEN and KEEPALIVE; what came behind them is given back.
fn shake_hands(stream: &mut TcpStream, own: Ipv4Addr) -> Result<Vec<u8>> {
    stream.set_nodelay(true)?;
    stream.write_all(&wire::open(ASN, HOLD_TIME, own))?;
    stream.write_all(&wire::keepalive())?;
    let mut octets = Vec::new();
    let mut chunk = [0; wire::LONGEST];
    loop {
        if let Some((_, _, rest)) = next_message(&octets)
            && let Some((_, _, rest)) = next_message(rest)
        {
            return Ok(rest.to_vec());
        }
        let count = stream.read(&mut chunk).context("reading")?;
        if count == 0 {
            bail!("a peer closed the connection");
        }
        octets.extend(chunk.iter().take(count));
    }
}
