//! Capabilities of both sides in words, for `show ip bgp neighbors`.
//!
//! Never judges them. Texts of the peer are bounded and lose whatever could steer a terminal.

use bgp_wire::capability::Capability;
use nouns::Family;

use crate::role::Role;

/// Characters of a peer's own text that are kept.
const TEXT_LIMIT: usize = 128;

/// Each capability that a side has, and which sides these are: `Route refresh: advertised and received`. Of the peer's
/// also what matters of its value.
pub(super) fn both(ours: &[Capability], theirs: &[Capability]) -> Vec<String> {
    let mut lines: Vec<(String, String, [bool; 2])> = Vec::new();
    for (side, capabilities) in [(1, theirs), (0, ours)] {
        for capability in capabilities {
            let text = describe(capability);
            let (title, detail) = text.split_once(": ").unwrap_or((&text, ""));
            let known = lines.iter().position(|(known, ..)| known == title);
            let place = known.unwrap_or(lines.len());
            if known.is_none() {
                let detail = if side == 1 && !detail.is_empty() { format!(" ({detail})") } else { String::new() };
                lines.push((title.to_owned(), detail, [false; 2]));
            }
            if let Some(has) = lines.get_mut(place).and_then(|(.., sides)| sides.get_mut(side)) {
                *has = true;
            }
        }
    }
    let words = |[ours, theirs]: [bool; 2]| match (ours, theirs) {
        (true, true) => "advertised and received",
        (true, false) => "advertised",
        (false, _) => "received",
    };
    lines.into_iter().map(|(title, detail, sides)| format!("{title}: {}{detail}", words(sides))).collect()
}

/// The capability's name, with what matters of its value.
fn describe(capability: &Capability) -> String {
    match capability {
        Capability::Multiprotocol(family) => format!("Address family {family}"),
        Capability::RouteRefresh => "Route refresh".to_owned(),
        Capability::OutboundFilter(families) => {
            let directions = |mode: u8| match mode {
                1 => "received",
                2 => "sent",
                _ => "sent and received",
            };
            let words = families.iter().map(|(family, mode)| format!("{family} {}", directions(*mode)));
            format!("Outbound route filter: {}", words.collect::<Vec<_>>().join(", "))
        }
        Capability::ExtendedNextHop(families) => format!("Extended next hop: {}", list(families.iter().copied())),
        Capability::ExtendedMessage => "Extended message".to_owned(),
        Capability::Role(code) => match Role::from_code(*code) {
            Some(role) => format!("Role: {role}"),
            None => format!("Role {code}"),
        },
        Capability::GracefulRestart { restarting, notification, time, families } => {
            let mut text = format!("Graceful restart: {time} s");
            for (set, word) in [(*restarting, ", restarting"), (*notification, ", notifications included")] {
                text.push_str(if set { word } else { "" });
            }
            if !families.is_empty() {
                text.push_str(", ");
                text.push_str(&list(families.iter().map(|(family, _)| *family)));
            }
            text
        }
        Capability::FourOctetAs(_) => "4-octet AS".to_owned(),
        Capability::AddPath(families) => {
            let directions = |mode: u8| match mode {
                1 => "received",
                2 => "sent",
                3 => "sent and received",
                _ => "undefined",
            };
            let words = families.iter().map(|(family, mode)| format!("{family} {}", directions(*mode)));
            format!("Additional paths: {}", words.collect::<Vec<_>>().join(", "))
        }
        Capability::EnhancedRouteRefresh => "Enhanced route refresh".to_owned(),
        Capability::LongLivedGracefulRestart(families) => {
            let times = families.iter().map(|(family, _, seconds)| format!("{family} {seconds} s"));
            format!("Long-lived graceful restart: {}", times.collect::<Vec<_>>().join(", "))
        }
        Capability::Fqdn { .. } => "FQDN".to_owned(),
        Capability::SoftwareVersion(_) => "Software version".to_owned(),
        Capability::Unknown { code, .. } => format!("Unknown capability {code}"),
    }
}

/// The peer's name, if the capability tells it.
pub(super) fn hostname(capability: &Capability) -> Option<String> {
    match capability {
        Capability::Fqdn { host, domain } if domain.is_empty() => Some(plain(host)),
        Capability::Fqdn { host, domain } => Some(plain(&format!("{host}.{domain}"))),
        _ => None,
    }
    .filter(|name| !name.is_empty())
}

/// The peer's software, if the capability tells it.
pub(super) fn software(capability: &Capability) -> Option<String> {
    match capability {
        Capability::SoftwareVersion(text) => Some(plain(text)).filter(|text| !text.is_empty()),
        _ => None,
    }
}

fn plain(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(TEXT_LIMIT).collect()
}

fn list(families: impl Iterator<Item = Family>) -> String {
    families.map(|family| family.to_string()).collect::<Vec<_>>().join(", ")
}
