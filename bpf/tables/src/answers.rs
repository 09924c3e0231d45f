//! Backends that answer in their own address, and which service's address their answers shall have.
//!
//! Never looks at a packet.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use bpf_common::layout::{RETURNS, Return};
use nouns::Family;

use crate::directory::{Answerer, number_of};
use crate::maglev::mapped;
use crate::numbers::Numbers;
use crate::state::Write;
use crate::wish::{Destination, Way, Wish};

/// How long a number rests: a directory that names it is read by packets that are on their way, and by no others.
const REST: Duration = Duration::from_secs(1);

/// All of them.
#[derive(Debug)]
pub(crate) struct Answers {
    numbers: Numbers,
    known: BTreeMap<Answerer, (u32, Return)>,
}

impl Default for Answers {
    fn default() -> Self {
        Self { numbers: Numbers::new(RETURNS), known: BTreeMap::new() }
    }
}

impl Answers {
    /// What a wish needs, without numbers. Answers whom two services claim, or where there is no one address to answer in.
    fn wished(wish: &Wish) -> (BTreeMap<Answerer, Return>, Vec<(IpAddr, u16)>) {
        let (mut wished, mut claimed) = (BTreeMap::new(), Vec::new());
        for (destination, service) in &wish.services {
            for member in service.backends.iter() {
                let Way::Nat { port } = member.backend.way else { continue };
                let theirs = port.or(destination.transport.and_then(|transport| transport.port)).unwrap_or(0);
                let back = returned(destination, theirs);
                for protocol in protocols(destination) {
                    let who = (mapped(member.backend.address).to_be_bytes(), theirs, protocol);
                    if !is_host(destination) || wished.insert(who, back).is_some_and(|other| other != back) {
                        claimed.push((member.backend.address, theirs));
                    }
                }
            }
        }
        (wished, claimed)
    }

    /// Takes in what a wish needs. Answers whom two services claim; one of them gets the answers.
    pub(crate) fn want(&mut self, wish: &Wish) -> Vec<(IpAddr, u16)> {
        self.change(None, wish, &mut Vec::new())
    }

    /// The same; writes what has changed, and lets numbers rest that nobody needs.
    pub(crate) fn change(&mut self, now: Option<Instant>, wish: &Wish, out: &mut Vec<Write>) -> Vec<(IpAddr, u16)> {
        let (wished, claimed) = Self::wished(wish);
        let gone: Vec<Answerer> = self.known.keys().copied().filter(|who| !wished.contains_key(who)).collect();
        for who in gone {
            if let (Some((number, _)), Some(now)) = (self.known.remove(&who), now) {
                self.numbers.give_back(number, now + REST);
            }
        }
        for (who, back) in wished {
            let number = self.known.get(&who).map(|(number, _)| *number).or_else(|| self.numbers.take());
            if let Some(number) = number
                && self.known.insert(who, (number, back)) != Some((number, back))
            {
                out.push(Write::Return(number, back));
            }
        }
        claimed
    }

    /// A line stands in the directory already, from an earlier life.
    pub(crate) fn adopt(&mut self, who: Answerer, number: u32) {
        self.numbers.claim(number);
        self.known.insert(who, (number, Return::default()));
    }

    /// The lines of the directory.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (Answerer, u32)> {
        self.known.iter().map(|(who, (number, _))| (*who, *number))
    }

    /// What answers come from, by its number.
    pub(crate) fn get(&self, number: u32) -> Option<&Return> {
        self.known.values().find(|(known, _)| *known == number).map(|(_, back)| back)
    }

    pub(crate) fn tick(&mut self, now: Instant) {
        while self.numbers.rested(now).is_some() {}
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.numbers.deadline()
    }
}

fn returned(destination: &Destination, theirs: u16) -> Return {
    let port = destination.transport.and_then(|transport| transport.port).filter(|port| *port != theirs);
    let address = mapped(destination.prefix.address()).to_be_bytes();
    Return { address, port: port.unwrap_or(0).to_be_bytes(), zero: [0; 6] }
}

fn is_host(destination: &Destination) -> bool {
    destination.prefix == nouns::Prefix::host(destination.prefix.address())
}

/// The protocols of a service whose answers have to be told apart: TCP, UDP and echoes.
fn protocols(destination: &Destination) -> Vec<u8> {
    match (destination.transport, Family::of(destination.prefix.address())) {
        (Some(transport), _) => vec![number_of(transport.protocol)],
        (None, Family::Ipv4Unicast) => vec![6, 17, 1],
        (None, Family::Ipv6Unicast) => vec![6, 17, 58],
    }
}
