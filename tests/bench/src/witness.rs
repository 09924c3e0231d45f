//! Waits inside the router's namespace until the routes of a feed are in the kernel, or are gone, by asking for some of
//! them.
//!
//! Counting all routes takes the kernel a tenth of a second of a core, which a daemon on two cores misses; asking for
//! one takes microseconds. What it says is no proof that all are there: whoever asks it counts behind it. It never
//! changes a route.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::Ipv4Addr;
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};
use scenarios::lab::Lab;

use crate::feed::{Feed, Recipe};
use crate::wire::Prefix4;

/// The first word of the command line that makes this program the witness.
pub(crate) const ROLE: &str = "witness";

/// Routes that are asked for, besides the last one of each sender.
const SAMPLES: u32 = 4096;
/// Between two questions, each of which takes some 40 µs of a core that a daemon could use.
const PAUSE: Duration = Duration::from_millis(5);

// linux/rtnetlink.h and linux/netlink.h
const RTM_NEWROUTE: u16 = 24;
const RTM_GETROUTE: u16 = 26;
const RTM_F_FIB_MATCH: u32 = 0x2000;
const NLM_F_REQUEST: u16 = 1;
const AF_INET: u8 = 2;
const RTA_DST: u16 = 1;
/// Octets of a question: its header, `rtmsg`, and one attribute of four octets.
const MESSAGE: u32 = 16 + 12 + 8;
/// Where `rtm_dst_len` stands in an answer.
const LENGTH: usize = 17;

/// A running witness.
#[derive(Debug)]
pub(crate) struct Witness {
    child: Child,
    answers: BufReader<ChildStdout>,
}

impl Witness {
    /// Starts it in the router's namespace.
    pub(crate) fn start(lab: &Lab) -> Result<Self> {
        let own = std::env::current_exe().context("asking for the own path")?;
        let mut command = lab.router.command(&own.to_string_lossy());
        command.arg(ROLE).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("starting the witness")?;
        let answers = BufReader::new(child.stdout.take().context("the witness has no output")?);
        Ok(Self { child, answers })
    }

    /// Waits until all samples of a feed are there, or none is.
    pub(crate) fn wait(&mut self, recipe: Recipe, there: bool, patience: Duration) -> Result<()> {
        let words = if there { "there" } else { "gone" };
        let input = self.child.stdin.as_mut().context("the witness has no input")?;
        writeln!(input, "{words} {} {}", patience.as_secs(), recipe.words()).context("asking the witness")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer).context("hearing the witness")?;
        ensure!(answer.trim() == "done", "the routes were not {words} within {patience:?}");
        Ok(())
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        // Already ended is what was wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs inside the router's namespace and answers each line of its input.
pub(crate) fn run(words: &[String]) -> Result<()> {
    ensure!(words.is_empty(), "a witness is told what to wait for by its input");
    let mut socket = Socket::new(NETLINK_ROUTE).context("opening a netlink socket")?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    for line in std::io::stdin().lines() {
        let line = line?;
        let mut parts = line.splitn(3, ' ');
        let (Some(what), Some(seconds), Some(recipe)) = (parts.next(), parts.next(), parts.next()) else {
            bail!("{line:?} is nothing to wait for");
        };
        let samples = samples(recipe.parse()?)?;
        let end = Instant::now() + Duration::from_secs(seconds.parse()?);
        println!("{}", if wait(&socket, &samples, what == "there", end)? { "done" } else { "in vain" });
    }
    Ok(())
}

fn samples(recipe: Recipe) -> Result<Vec<Prefix4>> {
    let feed = Feed::new(recipe)?;
    let step = usize::try_from((recipe.routes / SAMPLES).max(1))?;
    let numbers = (0..recipe.routes).step_by(step).chain(recipe.routes..recipe.routes + recipe.senders);
    Ok(numbers.map(|number| feed.prefix(number)).collect())
}

/// Whether each sample was there, or gone, once before the end.
fn wait(socket: &Socket, samples: &[Prefix4], there: bool, end: Instant) -> Result<bool> {
    for sample in samples {
        while has(socket, *sample)? != there {
            if Instant::now() > end {
                return Ok(false);
            }
            std::thread::sleep(PAUSE);
        }
    }
    Ok(true)
}

/// Whether the kernel's longest match of a prefix's first address is the prefix itself.
fn has(socket: &Socket, prefix: Prefix4) -> Result<bool> {
    socket.send(&question(Ipv4Addr::from_bits(prefix.address)), 0).context("asking for a route")?;
    let (answer, _) = socket.recv_from_full().context("reading the kernel's answer")?;
    Ok(matches(&answer, prefix.length))
}

fn question(address: Ipv4Addr) -> Vec<u8> {
    let mut octets = Vec::new();
    octets.extend(MESSAGE.to_ne_bytes());
    octets.extend([RTM_GETROUTE, NLM_F_REQUEST].map(u16::to_ne_bytes).as_flattened());
    // The sequence number and the port are nobody's concern here.
    octets.extend([0; 8]);
    octets.extend([AF_INET, 32, 0, 0, 0, 0, 0, 0]);
    octets.extend(RTM_F_FIB_MATCH.to_ne_bytes());
    octets.extend([8u16, RTA_DST].map(u16::to_ne_bytes).as_flattened());
    octets.extend(address.octets());
    octets
}

/// Whether an answer is a route of this length; the kernel says with an error that there is none.
fn matches(answer: &[u8], length: u8) -> bool {
    let kind = answer.get(4..6).and_then(|kind| kind.first_chunk::<2>().copied()).map(u16::from_ne_bytes);
    kind == Some(RTM_NEWROUTE) && answer.get(LENGTH) == Some(&length)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

    use super::*;
    use crate::feed::Shape;

    const NLMSG_ERROR: u16 = 2;

    #[test]
    fn a_route_over_the_asked_one_is_not_it_and_neither_is_an_error() {
        let mut answer = question(Ipv4Addr::new(16, 0, 4, 0));
        answer[4..6].copy_from_slice(&RTM_NEWROUTE.to_ne_bytes());
        answer[LENGTH] = 22;
        assert!(matches(&answer, 22));
        assert!(!matches(&answer, 24));
        answer[4..6].copy_from_slice(&NLMSG_ERROR.to_ne_bytes());
        assert!(!matches(&answer, 22));
        assert!(!matches(&[], 22));
    }

    #[test]
    fn the_samples_are_of_the_whole_feed_and_the_last_route_of_each_sender_is_one() {
        let recipe = Recipe { routes: 10_000, senders: 3, shape: Shape::Table, prepended: 0 };
        let samples = samples(recipe).unwrap();
        assert!(samples.len() > 4096);
        for sender in 0..3 {
            assert!(samples.contains(&crate::feed::prefix(10_000 + sender)));
        }
    }
}
