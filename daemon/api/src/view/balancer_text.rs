//! The pages of `show balancer …` as text.
//!
//! Never leaves out what is wrong: each page begins with it.

use grammar::commands::BalancerShown;

use super::balancer::{Balancer, BalancerService, ServiceBackend};
use crate::text::{Align, Table, Text, count, uptime};

impl Text for Balancer {
    fn text(&self) -> String {
        let trouble = self.trouble();
        let page = match self.shown {
            BalancerShown::Summary => self.summary(),
            BalancerShown::Services => self.list(),
            BalancerShown::Service => self.services.iter().map(BalancerService::details).collect(),
            BalancerShown::Backends => self.nodes(),
            BalancerShown::Connections => self.transitions(),
            BalancerShown::Statistics => self.statistics(),
        };
        trouble + &page
    }
}

impl Balancer {
    fn trouble(&self) -> String {
        let off = self.off.iter().map(|why| format!("The balancer is off: {why}\n"));
        off.chain(self.warnings.iter().map(|warning| format!("Warning: {warning}\n"))).collect()
    }

    fn summary(&self) -> String {
        let mut table =
            Table::new(&[("Interface", Align::Left, 16), ("Wished", Align::Left, 9), ("Hook", Align::Left, 9)]);
        for interface in &self.interfaces {
            let hook = interface.hook.clone().or_else(|| interface.error.clone()).unwrap_or_else(|| "-".to_owned());
            table.row([interface.name.to_string(), interface.wished.clone(), hook]);
        }
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let states = |state: &str| self.services.iter().filter(|service| service.state == state).count();
        let mut text = format!(
            "{}, {}; {} slots a table\n",
            count(number(self.services.len()), "service", "services"),
            count(number(self.backends.len()), "backend", "backends"),
            self.table_size
        );
        if let Some(tables) = self.tables {
            text.push_str(&format!("{} in use\n", count(tables.into(), "table", "tables")));
        }
        for (state, words) in
            [("open", "all backends unwell and used"), ("empty", "without a backend"), ("withdrawn", "withdrawn")]
        {
            let services = states(state);
            if services > 0 {
                text.push_str(&format!("{}: {words}\n", count(number(services), "service", "services")));
            }
        }
        let moving = self.services.iter().filter(|service| service.moves()).count();
        if moving > 0 {
            text.push_str(&format!("{}: connections in transition\n", count(number(moving), "service", "services")));
        }
        let dropped: u64 = self.drops.iter().map(|drop| drop.packets).sum();
        text.push_str(&format!("{} not forwarded\n\n", count(dropped, "packet", "packets")));
        text + &table.text()
    }

    fn list(&self) -> String {
        let mut table = Table::new(&[
            ("Service", Align::Left, 20),
            ("Destination", Align::Left, 28),
            ("State", Align::Left, 9),
            ("Backends", Align::Right, 8),
            ("Active", Align::Right, 6),
            ("Packets", Align::Right, 12),
            ("New flows", Align::Right, 10),
        ]);
        for service in &self.services {
            let active = service.backends.iter().filter(|backend| backend.is_active()).count();
            table.row([
                service.name.clone(),
                service.destination(),
                service.state.clone(),
                service.backends.len().to_string(),
                active.to_string(),
                service.table.map(|table| table.packets.to_string()).unwrap_or_default(),
                service.table.map(|table| table.new_flows.to_string()).unwrap_or_default(),
            ]);
        }
        table.text()
    }

    fn nodes(&self) -> String {
        let mut table = Table::new(&[
            ("Backend", Align::Left, 18),
            ("Way", Align::Left, 5),
            ("Interface", Align::Left, 10),
            ("Next hop", Align::Left, 18),
            ("Hardware address", Align::Left, 18),
            ("Services", Align::Right, 8),
            ("Packets", Align::Right, 12),
            ("Octets", Align::Right, 14),
        ]);
        for backend in &self.backends {
            let drained = if backend.drained { " (drained)" } else { "" };
            table.row([
                format!("{}{drained}", backend.address),
                backend.way.clone(),
                backend.interface.clone().unwrap_or_else(|| "none".to_owned()),
                backend.gateway.map(|gateway| gateway.to_string()).unwrap_or_default(),
                backend.mac.map_or_else(|| "unresolved".to_owned(), |mac| mac.to_string()),
                backend.services.to_string(),
                backend.packets.to_string(),
                backend.octets.to_string(),
            ]);
        }
        table.text()
    }

    fn transitions(&self) -> String {
        let mut table = Table::new(&[
            ("Service", Align::Left, 20),
            ("Table", Align::Right, 6),
            ("Slots", Align::Right, 6),
            ("Learning", Align::Right, 9),
            ("Settling", Align::Right, 9),
            ("Learned in", Align::Right, 11),
            ("Remembered", Align::Right, 11),
        ]);
        for service in &self.services {
            let Some(in_maps) = service.table else { continue };
            table.row([
                service.name.clone(),
                in_maps.number.map(|number| number.to_string()).unwrap_or_default(),
                in_maps.slots.to_string(),
                in_maps.learning.to_string(),
                in_maps.settling.to_string(),
                in_maps.learned_in.map(uptime).unwrap_or_default(),
                in_maps.tracked_flows.to_string(),
            ]);
        }
        let flows = self.remembered_flows.map(|flows| {
            format!("{} remembered when they were counted last\n\n", count(flows.into(), "flow was", "flows were"))
        });
        let listed = self.flows.iter().map(|flows| format!("\n{}", flows.text()));
        flows.unwrap_or_default() + &table.text() + &listed.collect::<String>()
    }

    fn statistics(&self) -> String {
        let mut table = Table::new(&[
            ("Service", Align::Left, 20),
            ("Packets", Align::Right, 12),
            ("Octets", Align::Right, 14),
            ("New flows", Align::Right, 10),
            ("Remembered", Align::Right, 11),
        ]);
        for service in &self.services {
            let Some(in_maps) = service.table else { continue };
            let counts = [in_maps.packets, in_maps.octets, in_maps.new_flows, in_maps.tracked_flows];
            table.row(std::iter::once(service.name.clone()).chain(counts.map(|count| count.to_string())));
        }
        let mut drops = Table::new(&[("Not forwarded", Align::Left, 48), ("Packets", Align::Right, 12)]);
        for drop in &self.drops {
            drops.row([drop.reason.clone(), drop.packets.to_string()]);
        }
        format!("{}\n{}", table.text(), drops.text())
    }
}

impl BalancerService {
    fn destination(&self) -> String {
        let address =
            if self.address.is_host() { self.address.address().to_string() } else { self.address.to_string() };
        match (&self.protocol, self.port) {
            (Some(protocol), Some(port)) => format!("{address} {protocol} {port}"),
            (Some(protocol), None) => format!("{address} {protocol}"),
            (None, _) => format!("{address} all ports"),
        }
    }

    fn moves(&self) -> bool {
        self.table.is_some_and(|table| table.learning > 0 || table.settling > 0)
    }

    fn details(&self) -> String {
        let mut text = format!("Service {}: {}, {}\n", self.name, self.destination(), self.state);
        if let Some(learned) = &self.learned {
            text.push_str(&format!("  Learned: {learned}\n"));
        }
        text.push_str(&format!("  Affinity: {}, when empty: {}\n", self.affinity, self.empty));
        if let Some(table) = self.table {
            text.push_str(&format!(
                "  {} of {}, {}, {}\n",
                count(table.packets, "packet", "packets"),
                count(table.octets, "octet", "octets"),
                count(table.new_flows, "new flow", "new flows"),
                count(table.tracked_flows, "remembered flow", "remembered flows")
            ));
            let left = table.learned_in.map(|left| format!(" for {}", uptime(left))).unwrap_or_default();
            text.push_str(&format!(
                "  Table: {} slots, {} learning{left}, {} settling\n",
                table.slots, table.learning, table.settling
            ));
        }
        let mut rows = Table::new(&[
            ("  Backend", Align::Left, 24),
            ("Way", Align::Left, 5),
            ("Weight", Align::Right, 6),
            ("Slots", Align::Right, 6),
            ("Former", Align::Right, 6),
            ("Check", Align::Left, 8),
            ("State", Align::Left, 0),
        ]);
        for backend in &self.backends {
            rows.row(backend.cells());
        }
        text + &rows.text() + "\n"
    }
}

impl ServiceBackend {
    fn is_active(&self) -> bool {
        self.state == "active" || self.state == "starting"
    }

    fn cells(&self) -> [String; 7] {
        let port = self.port.map(|port| format!(" port {port}")).unwrap_or_default();
        let number = |count: Option<u32>| count.map(|count| count.to_string()).unwrap_or_default();
        let until = self.changes_in.map(|left| format!(" for {}", uptime(left))).unwrap_or_default();
        let why = self.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        [
            format!("  {}{port}", self.address),
            self.way.clone(),
            self.weight.to_string(),
            number(self.slots),
            number(self.former_slots),
            self.check.clone().unwrap_or_else(|| "none".to_owned()),
            format!("{}{until}{why}", self.state),
        ]
    }
}
