//! `system …`: the router itself, its names, its clock, its log and who may log in.
//!
//! Never says how a service or an account is made to follow.

mod login;
mod syslog;

use super::{Node, flag, inner, leaf, multi, tag};
use crate::value::ValueKind;

pub(super) static SYSTEM: Node = inner(
    "system",
    "The router itself",
    &[
        &CONFIG_MANAGEMENT,
        &leaf("domain-name", "Domain that the router belongs to", ValueKind::DomainName, "example.net"),
        &inner(
            "domain-search",
            "Domains in which short names are looked up",
            &[&multi("domain", "Domain to search", ValueKind::DomainName, "example.net")],
        ),
        &leaf("gateway-address", "Default gateway", ValueKind::NextHop4, "192.0.2.1"),
        &leaf("host-name", "Name of the router", ValueKind::HostName, "router1"),
        &inner(
            "ip",
            "IPv4 of the whole router",
            &[
                &inner(
                    "arp",
                    "Address resolution",
                    &[&leaf("table-size", "Most entries of the ARP table", TABLE_SIZE, "8192")],
                ),
                &flag("disable-forwarding", "Do not forward IPv4 packets"),
                &inner(
                    "multipath",
                    "Routes with several next hops",
                    &[
                        &flag("ignore-unreachable-nexthops", "Avoid next hops without ARP (done anyway)"),
                        &flag("layer4-hashing", "Choose by addresses and ports (done anyway)"),
                    ],
                ),
            ],
        ),
        &inner(
            "ipv6",
            "IPv6 of the whole router",
            &[
                &flag("disable-forwarding", "Do not forward IPv6 packets"),
                &inner(
                    "multipath",
                    "Routes with several next hops",
                    &[&flag("layer4-hashing", "Choose by addresses and ports (done anyway)")],
                ),
                &inner(
                    "neighbor",
                    "Neighbor discovery",
                    &[&leaf("table-size", "Most entries of the neighbor table", TABLE_SIZE, "8192")],
                ),
                &flag("strict-dad", "Stop IPv6 on a link with a duplicate address"),
            ],
        ),
        &login::LOGIN,
        &multi("name-server", "Server that resolves names", ValueKind::Address, "192.0.2.53"),
        &inner(
            "ntp",
            "Network Time Protocol",
            &[&tag(
                "server",
                "Server that tells the time",
                ValueKind::Host,
                "0.pool.ntp.org",
                &[
                    &flag("noselect", "Watch the server, do not follow it"),
                    &flag("pool", "The name stands for several servers"),
                    &flag("prefer", "Follow this server rather than others"),
                ],
            )],
        ),
        &inner(
            "options",
            "Behavior of the machine",
            &[&leaf("reboot-on-panic", "Start again after a kernel panic", ValueKind::Choice(TRUE_FALSE), "true")],
        ),
        &inner(
            "static-host-mapping",
            "Names that are resolved without a server",
            &[&tag(
                "host-name",
                "Name of a host",
                ValueKind::DomainName,
                "node1.example.net",
                &[
                    &multi("alias", "Further name of the host", ValueKind::DomainName, "node1"),
                    &leaf("inet", "Address of the host", ValueKind::Address, "192.0.2.11"),
                ],
            )],
        ),
        &inner(
            "sysctl",
            "Settings of the kernel",
            &[&tag(
                "parameter",
                "Setting of the kernel's network",
                ValueKind::SysctlName,
                "net.ipv4.tcp_syncookies",
                &[&leaf("value", "What it is set to", ValueKind::SysctlValue, "1")],
            )],
        ),
        &syslog::SYSLOG,
        &leaf("time-zone", "Time zone of the clock", ValueKind::TimeZone, "Europe/Berlin"),
    ],
);

static CONFIG_MANAGEMENT: Node = inner(
    "config-management",
    "Past configurations",
    &[&leaf(
        "commit-revisions",
        "How many committed configurations are kept",
        ValueKind::U32 { min: 0, max: 65535 },
        "50",
    )
    .default("100")],
);

const TRUE_FALSE: &[(&str, &str)] =
    &[("false", "Stand still, for a person to look"), ("true", "Start again after a minute")];

const TABLE_SIZE: ValueKind = ValueKind::Choice(&[
    ("1024", "1024 entries"),
    ("2048", "2048 entries"),
    ("4096", "4096 entries"),
    ("8192", "8192 entries"),
    ("16384", "16384 entries"),
    ("32768", "32768 entries"),
]);
