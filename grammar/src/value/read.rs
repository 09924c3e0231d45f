//! Reading values: from what a person typed to the canonical spelling.
//!
//! Every refusal says what would be accepted. Nothing here looks beyond the text itself.

mod system;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nouns::{Asn, Family, IfName, InterfaceAddress, MacAddress, Prefix, PrefixError};

use super::ValueKind;

/// Octets of a text for a neighbor (RFC 9003 §2).
const SHUTDOWN_TEXT: usize = 255;

/// The canonical spelling, or the reason why there is none.
pub(super) fn canonical(kind: ValueKind, text: &str) -> Result<String, String> {
    match kind {
        ValueKind::Asn => asn(text),
        ValueKind::U32 { min, max } => number(text, min, max),
        ValueKind::Ipv4 => ipv4(text).map(|address| address.to_string()),
        ValueKind::Ipv6 => ipv6(text).map(|address| address.to_string()),
        ValueKind::Address | ValueKind::BackendRef => address(text).map(|address| address.to_string()),
        ValueKind::RouterId => router_id(text),
        ValueKind::NeighborAddress => neighbor(text),
        ValueKind::NodeAddress => node(text),
        // A mistyped address must not pass as the name of an interface.
        ValueKind::Neighbor if text.contains(':') || text.starts_with(|c: char| c.is_ascii_digit()) => neighbor(text),
        ValueKind::Neighbor => interface_name(text),
        ValueKind::NextHop4 => unicast(IpAddr::V4(ipv4(text)?)),
        ValueKind::NextHop6 => unicast(IpAddr::V6(ipv6(text)?)),
        ValueKind::Prefix4 => prefix(text, Some(Family::Ipv4Unicast)),
        ValueKind::Prefix6 => prefix(text, Some(Family::Ipv6Unicast)),
        ValueKind::Prefix => prefix(text, None),
        ValueKind::InterfaceAddress => interface_address(text),
        ValueKind::LinkAddress if text == "dhcp" => Ok(text.to_owned()),
        ValueKind::LinkAddress => interface_address(text),
        ValueKind::InterfaceName => interface_name(text),
        ValueKind::EthernetName => ethernet_name(text),
        ValueKind::LoopbackName => loopback_name(text),
        ValueKind::BridgeName => numbered_name(text, "br", "a bridge"),
        ValueKind::DummyName => numbered_name(text, "dum", "a dummy interface"),
        ValueKind::MacAddress => mac_address(text),
        ValueKind::AddressOrInterface => address_or_interface(text),
        ValueKind::HostName => host_name(text, 63),
        ValueKind::Host => address(text).map(|address| address.to_string()).or_else(|_| host(text)),
        ValueKind::TimeZone => time_zone(text),
        ValueKind::Text { max } => free_text(text, max),
        ValueKind::ShutdownText => shutdown_text(text),
        ValueKind::Choice(words) => choice(text, words),
        ValueKind::RemoteAs => remote_as(text),
        ValueKind::HoldTime => hold_time(text),
        ValueKind::PeerGroupName
        | ValueKind::PeerGroupRef
        | ValueKind::ProfileName
        | ValueKind::ProfileRef
        | ValueKind::ServiceName => name(text),
        ValueKind::ServiceRef => free_text(text, 64),
        ValueKind::UrlPath => url_path(text),
        ValueKind::Password => password(text),
        ValueKind::FileName => file_name(text),
        ValueKind::DomainName => domain_name(text),
        ValueKind::UserName => system::user_name(text),
        ValueKind::FullName => system::full_name(text),
        ValueKind::Directory => system::directory(text),
        ValueKind::PlainPassword => system::plain_password(text),
        ValueKind::PasswordHash => system::password_hash(text),
        ValueKind::KeyName => system::key_name(text),
        ValueKind::PublicKey => system::public_key(text),
        ValueKind::LogFile => system::log_file(text),
        ValueKind::SysctlName => system::sysctl_name(text),
        ValueKind::SysctlValue => system::sysctl_value(text),
        ValueKind::Policy(kind) => kind.canonical(text),
    }
}

fn asn(text: &str) -> Result<String, String> {
    match text.parse::<Asn>() {
        Ok(asn) => Ok(asn.to_string()),
        Err(_) => Err("an AS number from 1 to 4294967294 is wanted".to_owned()),
    }
}

fn number(text: &str, min: u32, max: u32) -> Result<String, String> {
    match digits(text) {
        Some(number) if (min..=max).contains(&number) => Ok(number.to_string()),
        _ => Err(format!("a number from {min} to {max} is wanted")),
    }
}

/// Digits only: the standard reader would also take a plus sign.
fn digits(text: &str) -> Option<u32> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

fn ipv4(text: &str) -> Result<Ipv4Addr, String> {
    text.parse().map_err(|_| "an IPv4 address is wanted, such as 192.0.2.1".to_owned())
}

fn ipv6(text: &str) -> Result<Ipv6Addr, String> {
    text.parse().map_err(|_| "an IPv6 address is wanted, such as 2001:db8::1".to_owned())
}

fn address(text: &str) -> Result<IpAddr, String> {
    text.parse().map_err(|_| "an address is wanted, such as 192.0.2.1 or 2001:db8::1".to_owned())
}

fn router_id(text: &str) -> Result<String, String> {
    let id = ipv4(text)?;
    if id.is_unspecified() { Err("a router id cannot be 0.0.0.0".to_owned()) } else { Ok(id.to_string()) }
}

fn neighbor(text: &str) -> Result<String, String> {
    let address = address(text)?;
    if let IpAddr::V6(v6) = address
        && v6.is_unicast_link_local()
    {
        return Err("a link-local address names no neighbor without its interface; use a global address".to_owned());
    }
    unicast(address)
}

fn node(text: &str) -> Result<String, String> {
    match address(text)? {
        IpAddr::V6(v6) if v6.is_unicast_link_local() => {
            Err("a link-local address leads nowhere without its interface; use a global address".to_owned())
        }
        address => unicast(address),
    }
}

fn url_path(text: &str) -> Result<String, String> {
    let plain = text.len() <= 1024 && text.starts_with('/') && text.bytes().all(|byte| byte.is_ascii_graphic());
    if plain { Ok(text.to_owned()) } else { Err("a path is wanted that begins with / and has no blanks".to_owned()) }
}

fn unicast(address: IpAddr) -> Result<String, String> {
    if let IpAddr::V6(v6) = address
        && let Some(v4) = v6.to_ipv4_mapped()
    {
        return Err(format!("an IPv4 address in IPv6 spelling is not accepted; write {v4}"));
    }
    let broadcast = address == IpAddr::V4(Ipv4Addr::BROADCAST);
    if address.is_unspecified() || address.is_multicast() || broadcast {
        return Err("the address of a single host is wanted, not a multicast, broadcast or zero address".to_owned());
    }
    Ok(address.to_string())
}

fn prefix(text: &str, family: Option<Family>) -> Result<String, String> {
    let wanted = match family {
        Some(Family::Ipv4Unicast) => "an IPv4 prefix is wanted, such as 192.0.2.0/24",
        Some(Family::Ipv6Unicast) => "an IPv6 prefix is wanted, such as 2001:db8::/32",
        None => "a prefix is wanted, such as 192.0.2.0/24 or 2001:db8::/32",
    };
    match text.parse::<Prefix>() {
        Ok(prefix) if family.is_none_or(|family| family == prefix.family()) => Ok(prefix.to_string()),
        Err(PrefixError::HostBits) => Err(host_bits(text)),
        Err(PrefixError::Length) => Err(PrefixError::Length.to_string()),
        _ => Err(wanted.to_owned()),
    }
}

fn host_bits(text: &str) -> String {
    let network = text.parse::<InterfaceAddress>().map(InterfaceAddress::network);
    match network {
        Ok(network) => format!("{}; the network is {network}", PrefixError::HostBits),
        Err(_) => PrefixError::HostBits.to_string(),
    }
}

fn interface_address(text: &str) -> Result<String, String> {
    if text == "dhcpv6" {
        return Err(
            "DHCPv6 is not built in; give the interface an address of its own, such as 2001:db8::1/64".to_owned()
        );
    }
    let address = text.parse::<InterfaceAddress>().map_err(|_| {
        "an address with its prefix length is wanted, such as 192.0.2.1/24 or 2001:db8::1/64".to_owned()
    })?;
    unicast(address.address())?;
    Ok(address.to_string())
}

fn interface_name(text: &str) -> Result<String, String> {
    let name: IfName = text.parse().map_err(|_| "an interface name of 1 to 15 characters is wanted".to_owned())?;
    Ok(name.to_string())
}

fn ethernet_name(text: &str) -> Result<String, String> {
    if text == "lo" {
        return Err("the interface lo is the loopback; use 'interfaces loopback lo'".to_owned());
    }
    interface_name(text)
}

fn loopback_name(text: &str) -> Result<String, String> {
    if text == "lo" { Ok(text.to_owned()) } else { Err("the loopback interface is named lo".to_owned()) }
}

/// `br0`, `dum17`: a number without leading zeros behind the letters of its kind.
fn numbered_name(text: &str, letters: &str, what: &str) -> Result<String, String> {
    let number = text.strip_prefix(letters).filter(|number| number.len() <= 5).and_then(digits);
    match number {
        Some(number) if format!("{letters}{number}") == text => Ok(text.to_owned()),
        _ => Err(format!("{what} is named {letters} and a number, such as {letters}0")),
    }
}

fn mac_address(text: &str) -> Result<String, String> {
    let address: MacAddress =
        text.parse().map_err(|_| "a hardware address is wanted, such as 00:53:00:00:00:01".to_owned())?;
    if address.is_unicast() {
        Ok(address.to_string())
    } else {
        Err("the hardware address of one station is wanted, not of a group and not zero".to_owned())
    }
}

fn address_or_interface(text: &str) -> Result<String, String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return unicast(address);
    }
    // A mistyped address must not pass as the name of an interface.
    if text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ':' | '/')) {
        return Err("an address such as 192.0.2.1 or an interface such as eth0 is wanted".to_owned());
    }
    interface_name(text)
}

fn host_name(text: &str, max: usize) -> Result<String, String> {
    let good_label = |label: &str| {
        let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        label.len() <= 63
            && ends(label.chars().next())
            && ends(label.chars().next_back())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    if text.len() <= max && text.split('.').all(good_label) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "a host name of 1 to {max} letters, digits and hyphens is wanted, beginning and ending with a letter or digit"
    ))
}

fn domain_name(text: &str) -> Result<String, String> {
    host_name(text, 253).map_err(|_| format!("invalid domain name {text}"))
}

/// A name to be resolved: never begins with a hyphen, so it can never be taken for an option.
fn host(text: &str) -> Result<String, String> {
    let without_dot = text.strip_suffix('.').unwrap_or(text);
    host_name(without_dot, 253).map(|_| text.to_owned()).map_err(|_| "an address or a host name is wanted".to_owned())
}

fn time_zone(text: &str) -> Result<String, String> {
    let good_part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+'))
    };
    let parts = text.split('/').count();
    if text.len() <= 64 && parts <= 3 && text.split('/').all(good_part) {
        return Ok(text.to_owned());
    }
    Err("a time zone is wanted, such as UTC or Europe/Berlin".to_owned())
}

fn free_text(text: &str, max: usize) -> Result<String, String> {
    if text.chars().any(char::is_control) {
        return Err("a text cannot hold control characters, tabs or line ends".to_owned());
    }
    if text.chars().count() > max {
        return Err(format!("a text of at most {max} characters is wanted"));
    }
    Ok(text.to_owned())
}

fn shutdown_text(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > SHUTDOWN_TEXT {
        return Err(format!(
            "a text of 1 to {SHUTDOWN_TEXT} octets is wanted (RFC 9003), and this one has {}",
            text.len()
        ));
    }
    free_text(text, SHUTDOWN_TEXT)
}

fn choice(text: &str, words: &[(&str, &str)]) -> Result<String, String> {
    if words.iter().any(|(word, _)| *word == text) {
        return Ok(text.to_owned());
    }
    let list: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    Err(format!("one of these is wanted: {}", list.join(", ")))
}

fn remote_as(text: &str) -> Result<String, String> {
    if matches!(text, "internal" | "external") {
        return Ok(text.to_owned());
    }
    asn(text).map_err(|_| "an AS number from 1 to 4294967294, internal or external is wanted".to_owned())
}

fn hold_time(text: &str) -> Result<String, String> {
    match digits(text) {
        Some(seconds @ (0 | 3..=65535)) => Ok(seconds.to_string()),
        _ => Err("0 (never expires) or 3 to 65535 seconds is wanted".to_owned()),
    }
}

fn name(text: &str) -> Result<String, String> {
    let first = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
    let rest = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if first && rest && text.len() <= 64 {
        return Ok(text.to_owned());
    }
    Err("a name of up to 64 letters, digits, hyphens, underscores and dots is wanted, beginning with a letter"
        .to_owned())
}

fn password(text: &str) -> Result<String, String> {
    let blank = text.chars().any(|c| c.is_control() || c.is_whitespace());
    if text.is_empty() || text.len() > 80 || blank {
        return Err("a password of 1 to 80 octets without blanks and control characters is wanted".to_owned());
    }
    Ok(text.to_owned())
}

fn file_name(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > 4096 || text.chars().any(char::is_control) {
        return Err("the path of a file is wanted, such as /config/config.boot".to_owned());
    }
    Ok(text.to_owned())
}
