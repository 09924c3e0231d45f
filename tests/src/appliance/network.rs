//! An appliance in the place of a laboratory's router: its ports are those of the router's namespace.
//!
//! It never runs a daemon in that namespace, which is nothing but wires from then on.

use std::time::Duration;

use anyhow::Result;

use super::{Machine, Parts, Place};
use crate::lab::Lab;
use crate::peers::{Kind, Session, Speaker};

/// What the nodes announce.
const SHOP: &str = "172.16.102.229/32";
/// How long the machine may take from the power switch to its first session.
const PATIENCE: Duration = Duration::from_secs(400);

/// The ports of the walk-through and one session of BGP for each of the first two nodes, as `config.boot` has them.
pub const CONFIG: &str = "\
interfaces {
    ethernet eth0 {
        address 10.9.0.1/24
    }
    ethernet eth1 {
        address 192.168.101.1/24
    }
}
protocols {
    bgp 64512 {
        neighbor 192.168.101.201 {
            remote-as 64512
        }
        neighbor 192.168.101.202 {
            remote-as 64512
        }
        parameters {
            router-id 192.168.101.1
        }
    }
}
";

/// The laboratory with an appliance as its router, and BIRD on the first two nodes.
#[derive(Debug)]
pub struct Network {
    /// BIRD on `node1` and `node2`, which announce the web shop.
    pub speakers: Vec<Speaker>,
    /// The network.
    pub lab: Lab,
    cards: Vec<String>,
}

impl Network {
    /// Builds it; the machine is not there yet.
    ///
    /// # Errors
    /// When `ip` refuses a step, or BIRD does not start.
    pub fn new() -> Result<Self> {
        let lab = Lab::new()?;
        let cards = lab.wires()?;
        let mut speakers = Vec::new();
        for node in lab.nodes.iter().take(2) {
            let speaker = Speaker::start(&lab, node, Kind::Bird, Session::internal(node))?;
            speaker.announce(SHOP)?;
            speakers.push(speaker);
        }
        Ok(Self { speakers, lab, cards })
    }

    /// Switches a machine on whose first two cards are the router's ports.
    ///
    /// # Errors
    /// When QEMU does not start.
    pub fn boot(&self, place: &Place, parts: &Parts) -> Result<Machine> {
        let parts = Parts { cards: self.cards.clone(), addresses: vec![1, 2], ..parts.clone() };
        place.boot_in(&self.lab.router, &parts)
    }

    /// Waits until both nodes have a session with the machine: seconds since it was switched on, of the first one.
    ///
    /// # Errors
    /// When they do not.
    pub fn established(&self, machine: &mut Machine) -> Result<f64> {
        let mut first = None;
        let mut waiting: Vec<&Speaker> = self.speakers.iter().collect();
        let begin = std::time::Instant::now();
        let before = machine.seconds();
        machine.until("sessions of BGP", PATIENCE, || {
            waiting.retain(|speaker| !speaker.is_established());
            if waiting.len() < self.speakers.len() {
                first = first.or(Some(before + begin.elapsed().as_secs_f64()));
            }
            waiting.is_empty()
        })?;
        Ok(first.unwrap_or_default())
    }
}
