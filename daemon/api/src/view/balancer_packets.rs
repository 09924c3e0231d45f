//! `show balancer explain pcap FILE`: what becomes of each packet of a file, and why.
//!
//! Never guesses: it is what the programs would do with the maps as they stand, one packet after the other.

use serde::{Deserialize, Serialize};

use super::BalancerExplained;
use crate::text::Text;

/// `show balancer explain pcap FILE`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BalancerPackets {
    /// The packets, in their order.
    pub packets: Vec<BalancerPacket>,
    /// Whether there were more than are explained at once.
    #[serde(default)]
    pub more: bool,
}

/// A packet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BalancerPacket {
    /// Its place in the file; the first is 1.
    pub number: u32,
    /// Octets as it came, link header included.
    pub length: u32,
    /// What becomes of it: `forwarded`, `answered`, `kernel` or `dropped`.
    pub outcome: String,
    /// Why it is not forwarded: the name of its counter in `show balancer statistics`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Octets as it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_length: Option<u32>,
    /// Its first octets as it goes, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<String>,
    /// Which service, slot and node, and why.
    pub explained: BalancerExplained,
}

impl Text for BalancerPackets {
    fn text(&self) -> String {
        let mut text: String = self.packets.iter().map(BalancerPacket::text).collect::<Vec<_>>().join("\n");
        if self.packets.is_empty() {
            text.push_str("There is no packet in the file\n");
        }
        if self.more {
            text.push_str("\nThere are more packets in the file, which are not explained\n");
        }
        text
    }
}

impl BalancerPacket {
    fn text(&self) -> String {
        let reason = self.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        let sent = self.sent_length.map(|length| format!(", {length} octets as it goes")).unwrap_or_default();
        let head = format!("Packet {}, {} octets: {}{reason}{sent}\n", self.number, self.length, self.outcome);
        let rows = self.explained.text();
        head + &rows.lines().map(|row| format!("  {row}\n")).collect::<String>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_packet_has_its_lines_and_the_end_says_what_is_missing() {
        let packet = BalancerPacket {
            number: 1,
            length: 54,
            outcome: "kernel".to_owned(),
            reason: Some("no-service".to_owned()),
            explained: BalancerExplained {
                flow: "192.0.2.1 port 1 to 192.0.2.2 port 80, tcp".to_owned(),
                why: "it is for no service: the kernel takes it".to_owned(),
                ..BalancerExplained::default()
            },
            ..BalancerPacket::default()
        };
        let view = BalancerPackets { packets: vec![packet], more: true };
        let text = "Packet 1, 54 octets: kernel (no-service)\n  \
                    Flow         192.0.2.1 port 1 to 192.0.2.2 port 80, tcp\n  \
                    Why          it is for no service: the kernel takes it\n\n\
                    There are more packets in the file, which are not explained\n";
        assert_eq!(view.text(), text);
        assert_eq!(BalancerPackets::default().text(), "There is no packet in the file\n");
    }
}
