//! What the maps say of services and backends, as a view shows it; counted from where somebody set it to zero.
//!
//! Never asks the maps anything: a report is a copy.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use api::view::Balancer as View;
use api::view::balancer::{BalancerDrop, ServiceTable};
use bpf_tables::Report;
use bpf_tables::report::{Attached, MemberReport, ServiceReport};
use bpf_tables::wish::{Destination, Protocol, Way};

/// Where counting began: what a person cleared is subtracted from then on.
#[derive(Clone, Default)]
pub(crate) struct Counted(Arc<Mutex<Zero>>);

#[derive(Default)]
struct Zero {
    services: BTreeMap<Destination, [u64; 4]>,
    backends: BTreeMap<(IpAddr, Way), [u64; 2]>,
    drops: BTreeMap<&'static str, u64>,
}

impl Counted {
    /// Counts from zero.
    pub(crate) fn clear(&self, report: &Report) {
        let Ok(mut zero) = self.0.lock() else { return };
        zero.services = report.services.iter().map(|service| (service.destination, counts(service))).collect();
        let backends = report.backends.iter();
        zero.backends = backends
            .map(|backend| ((backend.address, backend.way), [backend.count.packets, backend.count.octets]))
            .collect();
        zero.drops = report.drops.iter().copied().collect();
    }

    /// Fills in what the maps say.
    pub(crate) fn complete(&self, view: &mut View, report: &Report) {
        let Ok(zero) = self.0.lock() else { return };
        view.off = report.off.clone().or_else(|| view.off.take());
        view.warnings.extend(report.warnings.iter().cloned());
        view.tables = Some(report.room.tables);
        view.remembered_flows = Some(report.room.flows);
        links(view, report);
        for service in &mut view.services {
            let is_it = |report: &&ServiceReport| {
                let transport = report.destination.transport;
                report.destination.prefix == service.address
                    && transport.map(|transport| word_of(transport.protocol)) == service.protocol.as_deref()
                    && transport.and_then(|transport| transport.port) == service.port
            };
            let Some(found) = report.services.iter().find(is_it) else { continue };
            let before = zero.services.get(&found.destination).copied().unwrap_or_default();
            service.table = Some(table(found, before));
            for backend in &mut service.backends {
                let is_it =
                    |member: &&MemberReport| (member.address, word(member.way)) == (backend.address, &*backend.way);
                let member = found.members.iter().find(is_it);
                backend.slots = member.map(|member| member.slots);
                backend.former_slots = member.map(|member| member.former);
            }
        }
        for backend in &mut view.backends {
            let mut same =
                report.backends.iter().filter(|one| (one.address, word(one.way)) == (backend.address, &*backend.way));
            let Some(found) = same.next() else { continue };
            let before = zero.backends.get(&(found.address, found.way)).copied().unwrap_or_default();
            let [packets, octets] = since([found.count.packets, found.count.octets], before);
            (backend.packets, backend.octets, backend.mac) = (packets, octets, found.mac);
        }
        let drops = report.drops.iter().map(|(reason, packets)| BalancerDrop {
            reason: (*reason).to_owned(),
            packets: packets.saturating_sub(zero.drops.get(reason).copied().unwrap_or_default()),
        });
        view.drops = drops.collect();
    }
}

fn links(view: &mut View, report: &Report) {
    for interface in &mut view.interfaces {
        match report.links.iter().find(|link| link.name == interface.name).map(|link| &link.hook) {
            Some(Ok(attached)) => interface.hook = Some(hook(*attached).to_owned()),
            Some(Err(why)) => interface.error = Some(why.clone()),
            None => {}
        }
    }
}

fn table(service: &ServiceReport, before: [u64; 4]) -> ServiceTable {
    let [packets, octets, new_flows, tracked_flows] = since(counts(service), before);
    ServiceTable {
        number: service.table,
        slots: service.slots,
        learning: service.learning,
        settling: service.settling,
        learned_in: service.learned_in.map(|left| left.as_secs()),
        packets,
        octets,
        new_flows,
        tracked_flows,
    }
}

fn counts(service: &ServiceReport) -> [u64; 4] {
    let count = service.count;
    [count.forwarded.packets, count.forwarded.octets, count.new_flows, count.tracked]
}

/// A counter that is smaller than before began anew with the daemon's maps.
fn since<const N: usize>(now: [u64; N], before: [u64; N]) -> [u64; N] {
    let mut since = now;
    for (count, before) in since.iter_mut().zip(before) {
        *count = count.checked_sub(before).unwrap_or(*count);
    }
    since
}

fn hook(attached: Attached) -> &'static str {
    match attached {
        Attached::Native => "native",
        Attached::Generic => "generic",
        Attached::Tc => "tc",
        Attached::Clsact => "clsact",
    }
}

pub(super) fn word(way: Way) -> &'static str {
    match way {
        Way::L2 => "l2",
        Way::Ipip { .. } => "ipip",
        Way::Gue { .. } => "gue",
        Way::Nat { .. } => "nat",
    }
}

fn word_of(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
    }
}
