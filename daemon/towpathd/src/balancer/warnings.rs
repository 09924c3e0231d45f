//! What silently makes packets go astray, as far as it can be seen from here.
//!
//! Never changes anything: each warning says what a person can do.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;

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

/// What there is to say of pins below a directory that last so long.
pub(super) fn of_pins(directory: &Path, last: Option<bool>) -> Option<String> {
    (last == Some(false)).then(|| {
        format!(
            "what is pinned below {} goes with this daemon, and with it the memory of connections: nobody else has that file \
             system (mount one of the type bpf for the whole machine, and name it by --bpf-dir)",
            directory.display()
        )
    })
}

fn of_taken(link: &Link, attached: Attached, express: Express) -> Vec<String> {
    if attached != Attached::Native {
        return Vec::new();
    }
    let name = &link.name;
    let gathers = (express.gathers == Some(true)).then(|| {
        format!("LRO is on for {name}, and its program does not see what that gathers (ethtool -K {name} lro off)")
    });
    let mute = (is_pair(link) && express.transmits == Some(false)).then(|| {
        format!(
            "answers of the balancer itself (to echo requests, and to packets that are too big) do not leave by {name}: its peer \
             has neither an XDP program nor GRO (ethtool -K PEER gro on; or hook generic)"
        )
    });
    gathers.into_iter().chain(mute).collect()
}

fn is_pair(link: &Link) -> bool {
    matches!(&link.kind, LinkKind::Other(kind) if kind == "veth")
}

fn of_exit(link: &Link, express: Express) -> Option<String> {
    let name = &link.name;
    match (express.transmits, is_pair(link)) {
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
        assert!(matches!(of_taken(&card, Attached::Native, express).as_slice(), [words] if words.contains("lro off")));
        assert_eq!(of_taken(&card, Attached::Generic, express), [""; 0]);
    }

    #[test]
    fn answers_of_a_program_in_a_virtual_link_need_a_peer_that_receives_them() {
        let pair = link(LinkKind::Other("veth".to_owned()));
        let says = |transmits| Express { transmits, gathers: Some(false) };
        let words = of_taken(&pair, Attached::Native, says(Some(false)));
        assert!(matches!(words.as_slice(), [words] if words.contains("do not leave by eth1")), "{words:?}");
        for (link, attached, transmits) in [
            (&pair, Attached::Native, Some(true)),
            (&pair, Attached::Native, None),
            (&pair, Attached::Tc, Some(false)),
            (&link(LinkKind::Card), Attached::Native, Some(false)),
        ] {
            assert_eq!(of_taken(link, attached, says(transmits)), [""; 0]);
        }
    }

    #[test]
    fn pins_that_go_with_the_daemon_are_told_of() {
        let path = Path::new("/sys/fs/bpf/towpath");
        assert!(of_pins(path, Some(false)).is_some_and(|words| words.contains("below /sys/fs/bpf/towpath goes with")));
        assert_eq!([of_pins(path, Some(true)), of_pins(path, None)], [None, None]);
    }
}
