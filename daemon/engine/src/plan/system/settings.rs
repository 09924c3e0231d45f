//! Settings of the kernel that words of the configuration stand for.
//!
//! What a setting was before it was named is the rim's to remember: `None` gives it back.

use std::collections::{BTreeMap, BTreeSet};

use config::model::System;

use crate::plan::Step;

/// Seconds between a kernel panic and the new start, as Vyatta has them.
const PANIC_SECONDS: &str = "60";

/// The settings that a configuration names, with what they shall be.
pub(in crate::plan) fn wishes(system: &System) -> BTreeMap<String, String> {
    let mut wishes = BTreeMap::new();
    let mut wish = |name: &str, value: &str| wishes.insert(name.to_owned(), value.to_owned());
    for (options, forwarding, family) in
        [(&system.ip, "net.ipv4.ip_forward", "ipv4"), (&system.ipv6, "net.ipv6.conf.all.forwarding", "ipv6")]
    {
        if options.disable_forwarding {
            wish(forwarding, "0");
        }
        // The shares of Vyatta: an eighth is never swept, above the half entries live for seconds only.
        for (threshold, share) in [("gc_thresh1", 8), ("gc_thresh2", 2), ("gc_thresh3", 1)] {
            if let Some(size) = options.table_size {
                wish(&format!("net.{family}.neigh.default.{threshold}"), &(size / share).to_string());
            }
        }
    }
    if system.strict_dad {
        wish("net.ipv6.conf.all.accept_dad", "2");
    }
    if let Some(reboot) = system.reboot_on_panic {
        wish("kernel.panic", if reboot { PANIC_SECONDS } else { "0" });
    }
    for (name, value) in &system.sysctl {
        if let Some(value) = value {
            wish(name, value);
        }
    }
    wishes
}

pub(super) fn plan(old: &System, new: &System, steps: &mut Vec<Step>) {
    let (was, is) = (wishes(old), wishes(new));
    let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    for name in names {
        let (from, to) = (was.get(name), is.get(name));
        if from != to {
            steps.push(Step::Sysctl { name: name.clone(), from: from.cloned(), to: to.cloned() });
        }
    }
}
