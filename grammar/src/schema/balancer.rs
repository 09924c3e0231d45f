//! `balancer …`: services whose connections are spread over nodes, and where clients come in.

use super::{Node, flag, inner, leaf, multi, tag};
use crate::value::ValueKind;

pub(super) static BALANCER: Node = inner(
    "balancer",
    "Connections spread over nodes, without breaking one",
    &[
        &inner(
            "idle-timeout",
            "Silence after which a flow is over, in seconds",
            &[
                &leaf("other", "Of UDP, ICMP and all but TCP", ValueKind::U32 { min: 5, max: 3600 }, "60")
                    .default("60"),
                &leaf("tcp", "Of TCP connections", ValueKind::U32 { min: 10, max: 86400 }, "900").default("900"),
            ],
        ),
        &tag(
            "interface",
            "Interface on which clients' packets arrive",
            ValueKind::InterfaceName,
            "eth0",
            &[&leaf("hook", "Where in the kernel packets are taken", ValueKind::Choice(HOOKS), "native")
                .default("auto")],
        ),
        &tag(
            "learned",
            "Routes of BGP that become services",
            ValueKind::ServiceName,
            "cluster",
            &[
                &AFFINITY,
                &tag("backend", "Node that is treated in its own way", ADDRESS, NODE, &[&DISABLE, &DRAIN, &WEIGHT]),
                &CHECK,
                &EMPTY,
                &GUE_PORT,
                &leaf("hold-off", "Seconds until a new node gets connections", SECONDS, "5").default("0"),
                &MODE,
                &MSS_CLAMP,
                &multi("prefix", "Routes within it", ValueKind::Prefix, "172.16.0.0/16"),
                &QUIC,
                &QUIC_SERVER_ID,
                &leaf("slow-start", "Seconds in which a new node gets its full share", SECONDS, "30").default("0"),
            ],
        ),
        &tag("node", "Node, whatever it serves", ADDRESS, NODE, &[&DRAIN]),
        &tag(
            "service",
            "Service of one address",
            ValueKind::ServiceName,
            "web",
            &[
                &leaf("address", "Address that clients use", ADDRESS, "203.0.113.80"),
                &AFFINITY,
                &flag("any-port", "All ports and protocols"),
                &tag(
                    "backend",
                    "Node that does the work",
                    ADDRESS,
                    NODE,
                    &[&DISABLE, &DRAIN, &leaf("port", "Its own port, with mode nat", PORT, "8443"), &WEIGHT],
                ),
                &CHECK,
                &EMPTY,
                &GUE_PORT,
                &MODE,
                &MSS_CLAMP,
                &leaf("port", "Port that clients use", PORT, "443"),
                &leaf("protocol", "Protocol of the port", ValueKind::Choice(PROTOCOLS), "udp").default("tcp"),
                &QUIC,
                &QUIC_SERVER_ID,
                &leaf("slow-start", "Seconds in which a new node gets its full share", SECONDS, "30").default("0"),
            ],
        ),
        &leaf("table-size", "Slots of each table", ValueKind::Choice(SIZES), "16381").default("65537"),
    ],
);

const ADDRESS: ValueKind = ValueKind::NodeAddress;
const NODE: &str = "192.168.101.201";
const PORT: ValueKind = ValueKind::U32 { min: 1, max: 65535 };
const SECONDS: ValueKind = ValueKind::U32 { min: 0, max: 3600 };
const MILLISECONDS: ValueKind = ValueKind::U32 { min: 100, max: 60000 };
const TIMES: ValueKind = ValueKind::U32 { min: 1, max: 20 };

const HOOKS: &[(&str, &str)] = &[
    ("auto", "The driver where it can, else the kernel's generic XDP"),
    ("clsact", "A filter of traffic control, beside those of others"),
    ("generic", "Generic XDP, behind the driver"),
    ("native", "The driver, or the commit fails"),
    ("tc", "Traffic control, for links without XDP"),
];

const SIZES: &[(&str, &str)] = &[
    ("1021", "For a few nodes"),
    ("4093", "For some ten nodes"),
    ("16381", "For some fifty nodes"),
    ("65537", "For some hundreds of nodes"),
];

const PROTOCOLS: &[(&str, &str)] = &[("tcp", "TCP"), ("tcp_udp", "Both"), ("udp", "UDP")];

static AFFINITY: Node = leaf(
    "affinity",
    "What goes to one node together",
    ValueKind::Choice(&[("client", "All that a client sends"), ("flow", "Each connection on its own")]),
    "client",
)
.default("flow");

static MODE: Node = leaf(
    "mode",
    "How packets get to a node",
    ValueKind::Choice(&[
        ("auto", "l2 where the node is on a link, else ipip"),
        ("gue", "Within UDP (GUE)"),
        ("ipip", "Within IP (RFC 2003)"),
        ("l2", "As they are, on the node's link"),
        ("nat", "With the node's address in place of the service's"),
    ]),
    "nat",
)
.default("auto");

static EMPTY: Node = leaf(
    "empty",
    "When no node is well",
    ValueKind::Choice(&[
        ("drop", "Packets go to nobody"),
        ("kernel", "The routes of the kernel decide"),
        ("open", "All nodes are taken to be well"),
        ("withdraw", "The service is announced to nobody, and dropped"),
    ]),
    "withdraw",
)
.default("open");

static DISABLE: Node = flag("disable", "Nothing goes there, from now on");
static DRAIN: Node = flag("drain", "Only what is under way goes there");
static GUE_PORT: Node = leaf("gue-port", "UDP port of mode gue", PORT, "6080").default("6080");
static MSS_CLAMP: Node =
    leaf("mss-clamp", "Largest TCP segment that is agreed on", ValueKind::U32 { min: 536, max: 65495 }, "1400");
static QUIC: Node = flag("quic", "UDP datagrams are QUIC's (RFC 9000)");
static QUIC_SERVER_ID: Node = leaf(
    "quic-server-id",
    "Octets of QUIC connection IDs that end a node's address",
    ValueKind::U32 { min: 1, max: 8 },
    "4",
);
static WEIGHT: Node =
    leaf("weight", "Share in relation to the others", ValueKind::U32 { min: 1, max: 256 }, "2").default("1");

static CHECK: Node = inner(
    "check",
    "Questions to the service on each node",
    &[
        &leaf("fall", "Failures in a row that make it unwell", TIMES, "3").default("3"),
        &inner(
            "http",
            "It answers HTTP",
            &[
                &leaf("host", "Value of the header Host", ValueKind::Text { max: 253 }, "www.example.org"),
                &leaf(
                    "method",
                    "Method of the request",
                    ValueKind::Choice(&[("get", "With a body"), ("head", "Without one")]),
                    "head",
                )
                .default("get"),
                &leaf("path", "What is asked for", ValueKind::UrlPath, "/healthz").default("/"),
                &leaf(
                    "status",
                    "Status that is well; 200 to 399 if unset",
                    ValueKind::U32 { min: 100, max: 599 },
                    "204",
                ),
            ],
        )
        .presence(),
        &flag("icmp", "It answers echoes"),
        &leaf("interval", "Milliseconds between questions", MILLISECONDS, "2000").default("2000"),
        &leaf("port", "Port that is asked, if not the service's", PORT, "8080"),
        &leaf("rise", "Answers in a row that make it well", TIMES, "2").default("2"),
        &flag("tcp", "It takes TCP connections"),
        &leaf("timeout", "Milliseconds until a question has failed", MILLISECONDS, "1000").default("1000"),
        &inner(
            "udp",
            "It answers a datagram",
            &[
                &leaf("expect", "Text within the answer", ValueKind::Text { max: 255 }, "pong"),
                &leaf("send", "Text of the datagram", ValueKind::Text { max: 255 }, "ping").default("ping"),
            ],
        )
        .presence(),
    ],
)
.presence();
