//! What silently makes packets go astray, as far as it can be seen from here.
//!
//! Never changes anything: each warning says what a person can do.

use std::collections::BTreeSet;
use std::net::IpAddr;

use bpf_tables::report::Attached;
use kernel::express::{Express, express};
use rib::world::{Link, LinkKind};

/// What there is to warn of on links that packets come by and leave by, as sentences without their full stops.
pub(super) fn warnings<'a>(
    taken: impl Iterator<Item = (&'a Link, Attached)>,
    exits: impl Iterator<Item = &'a Link>,
    missing: &[(IpAddr, String)],
) -> Vec<String> {
    let taken: Vec<(&Link, Attached)> = taken.collect();
    let mut found = Vec::new();
    for (link, attached) in &taken {
        found.extend(of_taken(link, *attached, express(link.index, link.name.as_str())));
    }
    // What the driver's program redirects needs a driver that sends it; the others go the kernel's way.
    if taken.iter().any(|(_, attached)| *attached == Attached::Native) {
        let mut seen = BTreeSet::new();
        for link in exits.filter(|link| seen.insert(link.index)) {
            found.extend(of_exit(link, express(link.index, link.name.as_str())));
        }
    }
    found.extend(missing.iter().map(|(gateway, link)| {
        format!("the hardware address of {gateway} on {link} is not known: packets for it go through the kernel")
    }));
    found
}

fn of_taken(link: &Link, attached: Attached, express: Express) -> Option<String> {
    let name = &link.name;
    (express.gathers == Some(true) && attached == Attached::Native).then(|| {
        format!("LRO is on for {name}, and its program does not see what that gathers (ethtool -K {name} lro off)")
    })
}

fn of_exit(link: &Link, express: Express) -> Option<String> {
    let name = &link.name;
    let virtual_pair = matches!(&link.kind, LinkKind::Other(kind) if kind == "veth");
    match (express.transmits, virtual_pair) {
        (Some(false), true) => Some(format!(
            "packets that leave by {name} are lost: its peer has neither an XDP program nor GRO (ethtool -K PEER gro on; or \
             hook generic)"
        )),
        (Some(false), false) => Some(format!(
            "packets that leave by {name} are lost: its driver sends none that XDP redirects (use hook generic)"
        )),
        (None, true) => Some(format!(
            "whether packets that leave by {name} arrive cannot be seen: its peer needs an XDP program or GRO"
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(kind: LinkKind) -> Link {
        #[expect(clippy::unwrap_used, reason = "a test may fail loudly")]
        let link = Link::card(3, "eth1".parse().unwrap());
        Link { kind, ..link }
    }

    #[test]
    fn a_link_that_sends_nothing_for_xdp_is_named_with_what_helps() {
        let card = link(LinkKind::Card);
        let pair = link(LinkKind::Other("veth".to_owned()));
        let says = |transmits| Express { transmits, gathers: None };
        let words = |link: &Link, transmits| of_exit(link, says(transmits)).unwrap_or_default();
        assert!(words(&card, Some(false)).contains("its driver sends none"));
        assert!(words(&pair, Some(false)).contains("neither an XDP program nor GRO"));
        assert!(words(&pair, None).contains("cannot be seen"));
        assert_eq!([words(&card, Some(true)), words(&pair, Some(true)), words(&card, None)], ["", "", ""]);
    }

    #[test]
    fn gathered_packets_matter_to_a_program_in_the_driver_only() {
        let express = Express { transmits: None, gathers: Some(true) };
        let card = link(LinkKind::Card);
        assert!(of_taken(&card, Attached::Native, express).is_some_and(|words| words.contains("lro off")));
        assert_eq!(of_taken(&card, Attached::Generic, express), None);
    }
}
