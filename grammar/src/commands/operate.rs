//! `configure`, `exit`, `help`, `ping`, `traceroute`.

use super::op::{Op, PingOptions};
use super::tree::{Arguments, Step};
use crate::value::ValueKind;

pub(super) static CONFIGURE: Step =
    Step::word("configure", "Enter configuration mode", &[]).op(|_| Some(Op::Configure));
pub(super) static EXIT: Step = Step::word("exit", "Leave the shell", &[]).op(|_| Some(Op::Exit));
pub(super) static LOGOUT: Step = Step::word("logout", "Leave the shell", &[]).op(|_| Some(Op::Exit));
pub(super) static QUIT: Step = Step::word("quit", "Leave the shell", &[]).op(|_| Some(Op::Exit));
pub(super) static HELP: Step = Step::word("help", "How to use the shell", &[]).op(|_| Some(Op::Help));

pub(super) static PING: Step = Step::word(
    "ping",
    "Send echo requests to a host",
    &[&Step::value(ValueKind::Host, "Host to reach", "192.0.2.1", PING_OPTIONS).op(ping)],
);

pub(super) static TRACEROUTE: Step = Step::word(
    "traceroute",
    "Show the routers on the way to a host",
    &[&Step::value(ValueKind::Host, "Host to reach", "192.0.2.1", &[])
        .op(|arguments| Some(Op::Traceroute { host: arguments.first()? }))],
);

/// Each option leads back to the options.
static PING_OPTIONS: &[&Step] = &[&COUNT, &INTERFACE, &INTERVAL, &SIZE, &SOURCE, &TTL];

static COUNT: Step = Step::word("count", "How many requests to send", &[&COUNT_VALUE]);
static COUNT_VALUE: Step = number(1, 1_000_000, "How many", "5");
static INTERFACE: Step = Step::word("interface", "Interface to leave by", &[&INTERFACE_VALUE]);
static INTERFACE_VALUE: Step = Step::value(ValueKind::InterfaceName, "Interface", "eth0", PING_OPTIONS).op(ping);
static INTERVAL: Step = Step::word("interval", "Seconds between requests", &[&INTERVAL_VALUE]);
static INTERVAL_VALUE: Step = number(1, 3600, "Seconds", "1");
static SIZE: Step = Step::word("size", "Octets of data in a request", &[&SIZE_VALUE]);
static SIZE_VALUE: Step = number(0, 65507, "Octets", "56");
static SOURCE: Step = Step::word("source", "Address to send from", &[&SOURCE_VALUE]);
static SOURCE_VALUE: Step = Step::value(ValueKind::Address, "Own address", "192.0.2.1", PING_OPTIONS).op(ping);
static TTL: Step = Step::word("ttl", "Time to live of a request", &[&TTL_VALUE]);
static TTL_VALUE: Step = number(1, 255, "Hops", "64");

const fn number(min: u32, max: u32, help: &'static str, example: &'static str) -> Step {
    Step::value(ValueKind::U32 { min, max }, help, example, PING_OPTIONS).op(ping)
}

fn ping(arguments: &Arguments) -> Option<Op> {
    Some(Op::Ping {
        host: arguments.after("ping")?,
        options: PingOptions {
            count: arguments.after("count"),
            interface: arguments.after("interface"),
            interval: arguments.after("interval"),
            size: arguments.after("size"),
            source: arguments.after("source"),
            ttl: arguments.after("ttl"),
        },
    })
}
