//! `show balancer connections`: the flows that are remembered, one line for each.
//!
//! Never all of a million: whoever looks for one says which service, node or client.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::text::{Align, Table, Text, count, uptime};

/// Flows that are remembered, as far as they are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BalancerFlows {
    /// How many are as asked for, listed or not.
    pub matching: u64,
    /// Those that are listed: in no order, 1,000 at most.
    pub listed: Vec<BalancerFlow>,
}

/// A flow that is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BalancerFlow {
    /// The client.
    pub source: IpAddr,
    /// Its port.
    pub source_port: u16,
    /// What it talks to.
    pub destination: IpAddr,
    /// The port of that.
    pub destination_port: u16,
    /// `tcp`, `udp`, `icmp`, or a number.
    pub protocol: String,
    /// The service; absent when it is no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The node that its packets go to; absent when it is no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<IpAddr>,
    /// `l2`, `ipip`, `gue`, `nat`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Seconds since its last packet, to a second or so.
    pub idle: u64,
    /// `began`: at the new node, while its slot changed hands; `stays`: its slot has gone to another node; `drains`: the same,
    /// because its node drains or leaves; `over`: nothing needs it any more.
    pub why: String,
    /// All flows of its client go where it goes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub affinity: bool,
}

impl Text for BalancerFlows {
    fn text(&self) -> String {
        if self.matching == 0 {
            return "No flow is remembered\n".to_owned();
        }
        let mut table = Table::new(&[
            ("Client", Align::Left, 22),
            ("Destination", Align::Left, 22),
            ("Proto", Align::Left, 5),
            ("Service", Align::Left, 18),
            ("Node", Align::Left, 16),
            ("Idle", Align::Right, 8),
            ("Remembered because", Align::Left, 18),
        ]);
        for flow in &self.listed {
            let end = |address, port| SocketAddr::new(address, port).to_string();
            table.row([
                end(flow.source, flow.source_port),
                end(flow.destination, flow.destination_port),
                flow.protocol.clone(),
                flow.service.clone().unwrap_or_else(|| "-".to_owned()),
                flow.node.map_or_else(|| "-".to_owned(), |node| node.to_string()),
                uptime(flow.idle),
                flow.because(),
            ]);
        }
        let listed = u64::try_from(self.listed.len()).unwrap_or(u64::MAX);
        let more = match self.matching.saturating_sub(listed) {
            0 => String::new(),
            more => format!("{} not listed\n", count(more, "more flow is", "more flows are")),
        };
        table.text() + &more
    }
}

impl BalancerFlow {
    fn because(&self) -> String {
        let why = match &*self.why {
            "began" => "it began at the slot's new node",
            "stays" => "its slot has another node now",
            "drains" => "its node drains or leaves",
            _ => "nothing: it will be forgotten",
        };
        if self.affinity { format!("{why} (as all of its client)") } else { why.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_listed_is_counted() {
        let flow = BalancerFlow {
            source: IpAddr::from([198, 51, 100, 7]),
            source_port: 40_000,
            destination: IpAddr::from([203, 0, 113, 80]),
            destination_port: 443,
            protocol: "tcp".to_owned(),
            service: Some("web".to_owned()),
            node: Some(IpAddr::from([192, 0, 2, 1])),
            mode: Some("l2".to_owned()),
            idle: 61,
            why: "drains".to_owned(),
            affinity: true,
        };
        let text = BalancerFlows { matching: 3, listed: vec![flow] }.text();
        assert!(text.contains("198.51.100.7:40000") && text.contains("00:01:01"), "{text}");
        assert!(text.contains("its node drains or leaves (as all of its client)"), "{text}");
        assert!(text.ends_with("2 more flows are not listed\n"), "{text}");
        assert_eq!(BalancerFlows::default().text(), "No flow is remembered\n");
    }
}
