//! What most people have: BIRD on the router, and the kernel's choice among the next hops of a route.
//!
//! It never gets less than it can do: BFD is as fast as ours, and the hash is over addresses and ports.

use std::fmt::Write as _;

use anyhow::Result;
use scenarios::cluster::Farm;
use scenarios::lab::{Process, ROUTER, SHOP};

/// A router with BIRD, in front of nodes.
#[derive(Debug)]
pub(super) struct Rival {
    _bird: Process,
    pub(super) farm: Farm,
}

impl Rival {
    /// With sessions for so many nodes, of whom none is there yet.
    pub(super) fn new(farm: Farm, nodes: u8, bfd: u32) -> Result<Self> {
        let router = &farm.lab.router;
        for setting in ["net.ipv4.ip_forward", "net.ipv4.fib_multipath_hash_policy"] {
            router.sysctl(setting, "1")?;
        }
        let mut text = format!(
            "log stderr all;\nrouter id {ROUTER};\nprotocol device {{}}\nprotocol direct {{ ipv4; }}\n\
             protocol bfd {{ interface \"*\" {{ interval {bfd} ms; idle tx interval {bfd} ms; multiplier 3; }}; }}\n\
             protocol kernel {{ merge paths on limit 64; ipv4 {{ import none; export where source = RTS_BGP; }}; }}\n\
             template bgp node {{\n  local {ROUTER} as 64512;\n  direct;\n  hold time 9;\n  bfd on;\n  \
             ipv4 {{ import all; export none; }};\n}}\n"
        );
        for number in 1..=nodes {
            let last = 200 + u32::from(number);
            // Writing into a String cannot fail.
            let _ = writeln!(
                text,
                "protocol bgp n{number} from node {{ neighbor 192.168.101.{last} as 64512; passive on; }}"
            );
        }
        let file = router.write("bird.conf", &text)?.to_string_lossy().into_owned();
        let socket = router.directory().join("bird.ctl").to_string_lossy().into_owned();
        let bird = router.start("bird", "bird", &["-f", "-c", &file, "-s", &socket])?;
        Ok(Self { _bird: bird, farm })
    }

    /// Next hops of the service's route in the kernel.
    pub(super) fn serving(&self) -> usize {
        let told = self.farm.lab.router.ip(&["route", "show", &SHOP.to_string()]).unwrap_or_default();
        told.matches("via ").count()
    }
}
