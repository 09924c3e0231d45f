//! Every kind of value with good texts, their canonical spelling, and bad ones.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use proptest::prelude::*;

use super::PolicyValue;
use super::ValueKind::{self, *};

const WORDS: ValueKind = Choice(&[("disable", "Off"), ("enable", "On")]);
const KINDS: &[ValueKind] = &[
    Asn,
    U32 { min: 1, max: 300 },
    Ipv4,
    Ipv6,
    Address,
    RouterId,
    NeighborAddress,
    Neighbor,
    NextHop4,
    NextHop6,
    Prefix4,
    Prefix6,
    Prefix,
    InterfaceAddress,
    InterfaceName,
    EthernetName,
    LoopbackName,
    BridgeName,
    DummyName,
    MacAddress,
    AddressOrInterface,
    HostName,
    Host,
    TimeZone,
    Text { max: 20 },
    ShutdownText,
    WORDS,
    RemoteAs,
    HoldTime,
    PeerGroupName,
    PeerGroupRef,
    ProfileName,
    ServiceName,
    ServiceRef,
    BackendRef,
    NodeAddress,
    UrlPath,
    ProfileRef,
    Password,
    FileName,
    DomainName,
    UserName,
    FullName,
    Directory,
    PlainPassword,
    PasswordHash,
    KeyName,
    PublicKey,
    LogFile,
    SysctlName,
    SysctlValue,
    Policy(PolicyValue::Name),
    Policy(PolicyValue::Regex),
    Policy(PolicyValue::AsNumbers),
    Policy(PolicyValue::Communities),
    Policy(PolicyValue::LargeCommunities),
    Policy(PolicyValue::ExtendedCommunities),
    Policy(PolicyValue::Metric),
    Policy(PolicyValue::Bandwidth),
    Policy(PolicyValue::NextHop),
    Policy(PolicyValue::Peer),
];

#[test]
fn values_are_respelled_or_refused() {
    let long = "x".repeat(81);
    let table: &[(ValueKind, &str, Option<&str>)] = &[
        (Asn, "64512", Some("64512")),
        (Asn, "007", Some("7")),
        (Asn, "0", None),
        (Asn, "4294967295", None),
        (U32 { min: 68, max: 16000 }, "68", Some("68")),
        (U32 { min: 68, max: 16000 }, "16000", Some("16000")),
        (U32 { min: 68, max: 16000 }, "67", None),
        (U32 { min: 68, max: 16000 }, "16001", None),
        (U32 { min: 0, max: u32::MAX }, "4294967296", None),
        (U32 { min: 0, max: 9 }, "+1", None),
        (U32 { min: 0, max: 9 }, "", None),
        (Ipv4, "192.0.2.1", Some("192.0.2.1")),
        (Ipv4, "192.0.2", None),
        (Ipv4, "192.0.2.01", None),
        (Ipv6, "2001:DB8:0:0::1", Some("2001:db8::1")),
        (Ipv6, "192.0.2.1", None),
        (Address, "FE80::1", Some("fe80::1")),
        (RouterId, "192.168.101.1", Some("192.168.101.1")),
        (RouterId, "0.0.0.0", None),
        (NeighborAddress, "192.168.101.201", Some("192.168.101.201")),
        (NeighborAddress, "FD00:101::0201", Some("fd00:101::201")),
        (NeighborAddress, "224.0.0.1", None),
        (NeighborAddress, "ff02::1", None),
        (NeighborAddress, "255.255.255.255", None),
        (NeighborAddress, "0.0.0.0", None),
        (NeighborAddress, "::", None),
        (NeighborAddress, "fe80::1", None),
        (NeighborAddress, "eth1", None),
        (Neighbor, "eth1", Some("eth1")),
        (Neighbor, "FD00:101::0201", Some("fd00:101::201")),
        (Neighbor, "fe80::1", None),
        (Neighbor, "192.0.2.300", None),
        (Neighbor, "192.0.2.x", None),
        (NeighborAddress, "::ffff:192.0.2.1", None),
        (NextHop4, "192.0.2.1", Some("192.0.2.1")),
        (NextHop4, "2001:db8::1", None),
        (NextHop6, "fe80::1", Some("fe80::1")),
        (NextHop6, "192.0.2.1", None),
        (Prefix4, "10.0.0.0/8", Some("10.0.0.0/8")),
        (Prefix4, "10.0.0.1/8", None),
        (Prefix4, "10.0.0.0/33", None),
        (Prefix4, "2001:db8::/32", None),
        (Prefix6, "2001:DB8::/32", Some("2001:db8::/32")),
        (Prefix6, "10.0.0.0/8", None),
        (Prefix, "0.0.0.0/0", Some("0.0.0.0/0")),
        (Prefix, "::/0", Some("::/0")),
        (InterfaceAddress, "192.168.101.1/24", Some("192.168.101.1/24")),
        (InterfaceAddress, "192.168.101.1", None),
        (InterfaceAddress, "224.0.0.1/24", None),
        (InterfaceName, "eth0.100", Some("eth0.100")),
        (InterfaceName, "abcdefghijklmnop", None),
        (EthernetName, "eth0", Some("eth0")),
        (EthernetName, "lo", None),
        (LoopbackName, "lo", Some("lo")),
        (LoopbackName, "lo0", None),
        (AddressOrInterface, "eth0", Some("eth0")),
        (AddressOrInterface, "192.0.2.1", Some("192.0.2.1")),
        (AddressOrInterface, "192.0.2.300", None),
        (HostName, "router1", Some("router1")),
        (HostName, "r1.example.net", Some("r1.example.net")),
        (HostName, "-r", None),
        (HostName, "r-", None),
        (HostName, "a..b", None),
        (HostName, "", None),
        (Host, "example.net.", Some("example.net.")),
        (Host, "-c", None),
        (Host, "2001:DB8::1", Some("2001:db8::1")),
        (TimeZone, "Europe/Berlin", Some("Europe/Berlin")),
        (TimeZone, "Etc/GMT+1", Some("Etc/GMT+1")),
        (TimeZone, "../../etc/passwd", None),
        (TimeZone, "/etc", None),
        (Text { max: 5 }, "größe", Some("größe")),
        (Text { max: 5 }, "sixsix", None),
        (Text { max: 5 }, "a\tb", None),
        (Text { max: 5 }, "\u{1b}[1m", None),
        (Text { max: 5 }, "", Some("")),
        (WORDS, "enable", Some("enable")),
        (WORDS, "en", None),
        (RemoteAs, "internal", Some("internal")),
        (RemoteAs, "64512", Some("64512")),
        (RemoteAs, "int", None),
        (HoldTime, "0", Some("0")),
        (HoldTime, "2", None),
        (HoldTime, "3", Some("3")),
        (HoldTime, "65536", None),
        (PeerGroupName, "k8s-nodes_1", Some("k8s-nodes_1")),
        (PeerGroupName, "1nodes", None),
        (PeerGroupRef, "two words", None),
        (ProfileName, "fast", Some("fast")),
        (ProfileRef, "50ms", None),
        (Password, "s3cret", Some("s3cret")),
        (Password, "", None),
        (Password, "two words", None),
        (Password, &long, None),
        (FileName, "/config/config.boot", Some("/config/config.boot")),
        (FileName, "", None),
    ];
    respelled_or_refused(table);
}

#[test]
fn values_of_the_system_are_respelled_or_refused() {
    respelled_or_refused(&[
        (DomainName, "node1.example.net", Some("node1.example.net")),
        (DomainName, "-example.net", None),
        (DomainName, "", None),
        (UserName, "anna", Some("anna")),
        (UserName, "_svc-1", Some("_svc-1")),
        (UserName, "1anna", None),
        (UserName, "anna berg", None),
        (UserName, "anna:x", None),
        (UserName, "-anna", None),
        (UserName, "a23456789012345678901234567890123", None),
        (FullName, "Anna Berg, Åre", Some("Anna Berg, Åre")),
        (FullName, "", Some("")),
        (FullName, "Anna:0:0", None),
        (Directory, "/srv/anna/", Some("/srv/anna")),
        (Directory, "home/anna", None),
        (Directory, "/srv/../etc", None),
        (Directory, "/", None),
        (Directory, "/srv/a:b", None),
        (PlainPassword, "", Some("")),
        (PlainPassword, "two words; $6$", Some("two words; $6$")),
        (PlainPassword, "two\nlines", None),
        (PasswordHash, "$6$salt$abc./DEF", Some("$6$salt$abc./DEF")),
        (PasswordHash, "!", Some("!")),
        (PasswordHash, "secret", None),
        (PasswordHash, "$6$a:b$c", None),
        (KeyName, "anna@laptop", Some("anna@laptop")),
        (KeyName, "anna laptop", None),
        (PublicKey, "AAAAC3NzaC1lZDI1NTE5AAAA==", Some("AAAAC3NzaC1lZDI1NTE5AAAA==")),
        (PublicKey, "ssh-rsa AAAAC3NzaC1lZDI1NTE5", None),
        (PublicKey, "AAAAC3NzaC1l\nDI1NTE5AAAA", None),
        (LogFile, "routing.log", Some("routing.log")),
        (LogFile, "../passwd", None),
        (LogFile, ".hidden", None),
        (SysctlName, "net.ipv4.tcp_syncookies", Some("net.ipv4.tcp_syncookies")),
        (SysctlName, "net.ipv4.conf.eth0/100.rp_filter", Some("net.ipv4.conf.eth0/100.rp_filter")),
        (SysctlName, "kernel.panic", None),
        (SysctlName, "net", None),
        (SysctlName, "net..ip_forward", None),
        (SysctlName, "net.ipv4/../../kernel.panic", None),
        (SysctlName, "net.ipv4.//.x", None),
        (SysctlValue, "4096 16384 65536", Some("4096 16384 65536")),
        (SysctlValue, "", None),
        (SysctlValue, "1\n2", None),
    ]);
}

fn respelled_or_refused(table: &[(ValueKind, &str, Option<&str>)]) {
    for (kind, text, expect) in table {
        assert_eq!(kind.parse(text).ok().as_deref(), *expect, "{kind:?} {text:?}");
    }
}

#[test]
fn names_nodes_and_paths_of_services_are_respelled_or_refused() {
    respelled_or_refused(&[
        (ServiceName, "web", Some("web")),
        (ServiceRef, "2001:db8::/64", Some("2001:db8::/64")),
        (BackendRef, "2001:DB8::1", Some("2001:db8::1")),
        (BackendRef, "192.0.2.0/24", None),
        (NodeAddress, "2001:DB8::1", Some("2001:db8::1")),
        (NodeAddress, "fe80::1", None),
        (NodeAddress, "224.0.0.1", None),
        (UrlPath, "/healthz?full=1", Some("/healthz?full=1")),
        (UrlPath, "healthz", None),
        (UrlPath, "/a b", None),
    ]);
}

#[test]
fn names_and_addresses_of_links_are_respelled_or_refused() {
    for (kind, text, expect) in [
        (BridgeName, "br0", Some("br0")),
        (BridgeName, "br00", None),
        (BridgeName, "bridge0", None),
        (DummyName, "dum12", Some("dum12")),
        (DummyName, "dummy0", None),
        (DummyName, "dum", None),
        (MacAddress, "00:53:00:00:00:0A", Some("00:53:00:00:00:0a")),
        (MacAddress, "01:00:5e:00:00:01", None),
        (MacAddress, "00:00:00:00:00:00", None),
        (MacAddress, "0053.0000.0001", None),
        (InterfaceAddress, "dhcp", None),
        (LinkAddress, "dhcp", Some("dhcp")),
        (LinkAddress, "DHCP", None),
        (LinkAddress, "192.0.2.1/24", Some("192.0.2.1/24")),
        (LinkAddress, "192.0.2.0/24x", None),
    ] {
        assert_eq!(kind.parse(text).ok().as_deref(), expect, "{kind:?} {text:?}");
    }
}

#[test]
fn a_refusal_says_what_would_be_accepted() {
    for (kind, text, message, reason) in [
        (Ipv4, "abc", "\"abc\" is not a valid value of type \"ipv4\"", "an IPv4 address is wanted, such as 192.0.2.1"),
        (
            U32 { min: 68, max: 16000 },
            "9",
            "\"9\" is not a valid value of type \"u32\"",
            "a number from 68 to 16000 is wanted",
        ),
        (
            Prefix4,
            "10.0.0.1/8",
            "\"10.0.0.1/8\" is not a valid value of type \"ipv4net\"",
            "the address has bits set behind the prefix length; the network is 10.0.0.0/8",
        ),
        (
            LinkAddress,
            "dhcpv6",
            "\"dhcpv6\" is not a valid value of type \"ipv4net or ipv6net\"",
            "DHCPv6 is not built in; give the interface an address of its own, such as 2001:db8::1/64",
        ),
    ] {
        let error = kind.parse(text).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert_eq!(error.reason, reason);
    }
}

#[test]
fn a_refused_password_is_not_repeated() {
    let error = Password.parse("my secret").unwrap_err();
    assert!(!format!("{error} {error:?}").contains("my secret"));
}

proptest! {
    #[test]
    fn a_canonical_spelling_is_its_own(text in r"[0-9a-fA-F.:/a-z-]{0,20}") {
        for kind in KINDS {
            if let Ok(canonical) = kind.parse(&text) {
                prop_assert_eq!(kind.parse(&canonical), Ok(canonical), "{:?}", kind);
            }
        }
    }

    #[test]
    fn no_text_is_too_strange(text in any::<String>()) {
        for kind in KINDS {
            let canonical = kind.parse(&text);
            prop_assert!(canonical.is_ok_and(|text| !text.chars().any(char::is_control)) || kind.parse(&text).is_err());
        }
    }
}

#[test]
fn a_text_for_a_neighbor_is_counted_in_octets() {
    let longest = "ü".repeat(127) + "a";
    for (text, taken) in [(longest.as_str(), true), ("back at 10:00", true), ("", false), ("a\tb", false)] {
        assert_eq!(ShutdownText.parse(text).ok(), taken.then(|| text.to_owned()), "{text}");
    }
    let refusal = ShutdownText.parse(&"ü".repeat(128)).unwrap_err();
    assert!(
        format!("{refusal:?}").contains("1 to 255 octets is wanted (RFC 9003), and this one has 256"),
        "{refusal:?}"
    );
}
