//! What the maps have room for, asked before a wish becomes one.
//!
//! Never changes anything.

use std::collections::BTreeSet;
use std::net::IpAddr;

use bpf_common::layout::{BACKENDS, LENGTHS, MARKS, PLACES, SERVICES, SLOTS, TABLES};
use thiserror::Error;

use crate::answers::Answers;
use crate::directory::Lines;
use crate::servers::{Servers, has_datagrams};
use crate::wish::{Destination, State, Way, Wish};

/// Why a wish cannot stand in the maps.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// More services than there are numbers.
    #[error("{wished} services are more than the {most} that there is room for")]
    Services {
        /// How many there are.
        wished: usize,
        /// How many there may be.
        most: usize,
    },
    /// More backends than there are numbers.
    #[error("{wished} backends are more than the {most} that there is room for")]
    Backends {
        /// How many there are, each way to a node counted.
        wished: usize,
        /// How many there may be.
        most: usize,
    },
    /// More sets of backends than there are tables.
    #[error("{wished} different sets of backends are more than the {most} that there is room for")]
    Tables {
        /// How many there are, of those with the same backends one.
        wished: usize,
        /// How many there may be.
        most: usize,
    },
    /// More lines than the directory takes.
    #[error("{wished} addresses and ports of services are more than the {most} that there is room for")]
    Lines {
        /// How many there are.
        wished: usize,
        /// How many there may be.
        most: usize,
    },
    /// Lines whose places are all taken by others.
    #[error("{lost} addresses of services find no place among the others")]
    Places {
        /// How many.
        lost: usize,
    },
    /// More lengths of prefixes than a look-up tries.
    #[error("prefixes of {wished} different lengths are more than the {most} of a family that are looked up")]
    Lengths {
        /// How many there are.
        wished: usize,
        /// How many there may be.
        most: usize,
    },
    /// More health checks than there are marks.
    #[error("{wished} health checks are more than the {most} that there is room for")]
    Marks {
        /// How many there are.
        wished: usize,
        /// How many there may be.
        most: usize,
    },
    /// A table has to have a prime number of slots that fit.
    #[error("a table cannot have {0} slots: a prime of at most {SLOTS} is wanted")]
    Slots(u32),
    /// All IPv6 addresses cannot be one service.
    #[error("::/0 cannot be a service")]
    AllIpv6,
    /// Two services would give the answers of one backend different addresses.
    #[error("{address} port {port} answers for two services; with NAT each needs a port of its own there")]
    Answers {
        /// The backend.
        address: IpAddr,
        /// Its port; 0: all.
        port: u16,
    },
}

/// Whether the maps have room for a wish.
///
/// # Errors
/// The first thing that there is no room for.
pub fn room(wish: &Wish) -> Result<(), Refusal> {
    if !(2..=SLOTS as u32).contains(&wish.slots)
        || (2..=wish.slots.isqrt()).any(|factor| wish.slots.is_multiple_of(factor))
    {
        return Err(Refusal::Slots(wish.slots));
    }
    let most = SERVICES - 1;
    if wish.services.len() > most {
        return Err(Refusal::Services { wished: wish.services.len(), most });
    }
    let members = || wish.services.values().flat_map(|service| service.backends.iter());
    let backends: BTreeSet<(IpAddr, Way)> =
        members().map(|member| (member.backend.address, member.backend.way)).collect();
    let most = BACKENDS - 1;
    if backends.len() > most {
        return Err(Refusal::Backends { wished: backends.len(), most });
    }
    let set = |service: &crate::wish::Service| -> Vec<(IpAddr, Way, u32, State)> {
        let members = service.backends.iter();
        members.map(|member| (member.backend.address, member.backend.way, member.weight, member.state)).collect()
    };
    let mut lists = BTreeSet::new();
    let others = wish.services.values().filter(|service| lists.insert(service.backends.as_ptr()));
    let sets: BTreeSet<Vec<(IpAddr, Way, u32, State)>> = others.map(set).filter(|set| !set.is_empty()).collect();
    let most = TABLES - 1;
    if sets.len() > most {
        return Err(Refusal::Tables { wished: sets.len(), most });
    }
    let marks = members().filter(|member| member.mark.is_some()).count();
    if marks > MARKS {
        return Err(Refusal::Marks { wished: marks, most: MARKS });
    }
    if wish.services.keys().any(|service| service.prefix == nouns::Prefix::DEFAULT_V6) {
        return Err(Refusal::AllIpv6);
    }
    let mut answers = Answers::default();
    if let Some((address, port)) = answers.want(wish).first() {
        return Err(Refusal::Answers { address: *address, port: *port });
    }
    let mut servers = Servers::default();
    let services: Vec<(Destination, u32)> = wish.services.keys().copied().zip(1..).collect();
    for ((destination, service), (_, number)) in wish.services.iter().zip(&services) {
        if has_datagrams(destination) {
            servers.add(*number, service, |place| u16::try_from(place).ok());
        }
    }
    let lines = Lines::new(&services, &wish.guards, answers.lines(), &servers);
    let (wished, most) = (lines.lengths(), LENGTHS);
    if wished > most {
        return Err(Refusal::Lengths { wished, most });
    }
    let (wished, most) = (lines.len() as usize, PLACES / 2);
    if wished > most {
        return Err(Refusal::Lines { wished, most });
    }
    match lines.fill() {
        (_, 0) => Ok(()),
        (_, lost) => Err(Refusal::Places { lost }),
    }
}
