//! `configure`, `exit`, `help`, `ping` and its kin, `reboot`, `poweroff`, `restart`, `set`, `terminal`.

use nouns::Family;

use super::image;
use super::op::{Op, ProbeOption, TerminalSetting, Tool, When};
use super::tree::{Arguments, Step};
use crate::value::ValueKind;

pub(super) static CONFIGURE: Step =
    Step::word("configure", "Enter configuration mode", &[]).op(|_| Some(Op::Configure));
pub(super) static EXIT: Step = Step::word("exit", "Leave the shell", &[]).op(|_| Some(Op::Exit));
pub(super) static LOGOUT: Step = Step::word("logout", "Leave the shell", &[]).op(|_| Some(Op::Exit));
pub(super) static QUIT: Step = Step::word("quit", "Leave the shell", &[]).op(|_| Some(Op::Exit));
pub(super) static HELP: Step = Step::word("help", "How to use the shell", &[]).op(|_| Some(Op::Help));

pub(super) static PING: Step = Step::word("ping", "Send echo requests to a host", &[&PING_HOST]);
static PING_HOST: Step = host(&PING_OPTIONS);

pub(super) static TRACEROUTE: Step =
    Step::word("traceroute", "Show the routers on the way to a host", &[&TRACEROUTE_HOST]);
static TRACEROUTE_HOST: Step = host(&TRACEROUTE_OPTIONS);

pub(super) static MTR: Step =
    Step::word("mtr", "Show the routers on the way to a host, again and again", &[&host(&[])]);

pub(super) static TELNET: Step = Step::word(
    "telnet",
    "Talk to a host over TCP",
    &[&Step::value(
        ValueKind::Host,
        "Host to reach",
        "192.0.2.1",
        &[&Step::value(ValueKind::U32 { min: 1, max: 65535 }, "Port", "179", &[]).op(telnet)],
    )
    .op(telnet)],
);

/// Each option leads back to the options.
static PING_OPTIONS: [&Step; 20] = [
    &word("adaptive", "As fast as answers come", &PING_OPTIONS),
    &word("bypass-route", "Only to hosts on the link", &PING_OPTIONS),
    &Step::word("count", "How many requests to send", &[&number(1, 1_000_000, "How many", "5", &PING_OPTIONS)]),
    &Step::word("deadline", "Seconds until it ends", &[&number(1, 86_400, "Seconds", "10", &PING_OPTIONS)]),
    &word("do-not-fragment", "Routers must not fragment the requests", &PING_OPTIONS),
    &word("flood", "As fast as possible", &PING_OPTIONS),
    &Step::word("interface", "Interface to leave by", &[&interface(&PING_OPTIONS)]),
    &Step::word("interval", "Seconds between requests", &[&number(1, 3600, "Seconds", "1", &PING_OPTIONS)]),
    &word("ipv4", "The IPv4 address of the host", &PING_OPTIONS),
    &word("ipv6", "The IPv6 address of the host", &PING_OPTIONS),
    &word("numeric", "No names for addresses", &PING_OPTIONS),
    &Step::word(
        "pattern",
        "What fills the requests",
        &[&Step::value(ValueKind::Text { max: 32 }, "Hexadecimal digits", "ff00", &PING_OPTIONS).op(probe)],
    ),
    &word("quiet", "Only the summary", &PING_OPTIONS),
    &word("record-route", "Routers write down that they were passed", &PING_OPTIONS),
    &Step::word("size", "Octets of data in a request", &[&number(0, 65_507, "Octets", "56", &PING_OPTIONS)]),
    &Step::word("source", "Address to send from", &[&source(&PING_OPTIONS)]),
    &word("timestamp", "Each line with its time", &PING_OPTIONS),
    &Step::word("tos", "Type of service of a request", &[&number(0, 255, "Octet", "16", &PING_OPTIONS)]),
    &Step::word("ttl", "Time to live of a request", &[&number(1, 255, "Hops", "64", &PING_OPTIONS)]),
    &word("verbose", "All that comes", &PING_OPTIONS),
];

static TRACEROUTE_OPTIONS: [&Step; 11] = [
    &word("icmp", "With ICMP echo requests", &TRACEROUTE_OPTIONS),
    &Step::word("interface", "Interface to leave by", &[&interface(&TRACEROUTE_OPTIONS)]),
    &word("ipv4", "The IPv4 address of the host", &TRACEROUTE_OPTIONS),
    &word("ipv6", "The IPv6 address of the host", &TRACEROUTE_OPTIONS),
    &word("numeric", "No names for addresses", &TRACEROUTE_OPTIONS),
    &Step::word("port", "Port at the host", &[&number(1, 65_535, "Port", "33434", &TRACEROUTE_OPTIONS)]),
    &Step::word("queries", "Requests for each hop", &[&number(1, 10, "How many", "3", &TRACEROUTE_OPTIONS)]),
    &Step::word("source", "Address to send from", &[&source(&TRACEROUTE_OPTIONS)]),
    &word("tcp", "With TCP segments", &TRACEROUTE_OPTIONS),
    &Step::word("tos", "Type of service of a request", &[&number(0, 255, "Octet", "16", &TRACEROUTE_OPTIONS)]),
    &Step::word("ttl", "The last hop that is asked", &[&number(1, 255, "Hops", "30", &TRACEROUTE_OPTIONS)]),
];

const fn host(options: &'static [&'static Step]) -> Step {
    Step::value(ValueKind::Host, "Host to reach", "192.0.2.1", options).op(probe)
}

const fn word(name: &'static str, help: &'static str, then: &'static [&'static Step]) -> Step {
    Step::word(name, help, then).op(probe)
}

const fn interface(then: &'static [&'static Step]) -> Step {
    Step::value(ValueKind::InterfaceName, "Interface", "eth0", then).op(probe)
}

const fn source(then: &'static [&'static Step]) -> Step {
    Step::value(ValueKind::Address, "Own address", "192.0.2.1", then).op(probe)
}

const fn number(min: u32, max: u32, help: &'static str, example: &'static str, then: &'static [&'static Step]) -> Step {
    Step::value(ValueKind::U32 { min, max }, help, example, then).op(probe)
}

fn probe(arguments: &Arguments) -> Option<Op> {
    let (tool, host) = [("ping", Tool::Ping), ("traceroute", Tool::Traceroute), ("mtr", Tool::Mtr)]
        .into_iter()
        .find_map(|(word, tool)| Some((tool, arguments.after(word)?)))?;
    Some(Op::Probe { tool, host, options: options(arguments) })
}

/// In the order of their names, each once: the last one typed counts.
fn options(arguments: &Arguments) -> Vec<ProbeOption> {
    let flag = |word: &str, option: ProbeOption| arguments.has(word).then_some(option);
    let with = |word: &str, option: fn(u32) -> ProbeOption| arguments.after(word).map(option);
    let all = [
        flag("adaptive", ProbeOption::Adaptive),
        flag("bypass-route", ProbeOption::BypassRoute),
        with("count", ProbeOption::Count),
        with("deadline", ProbeOption::Deadline),
        flag("do-not-fragment", ProbeOption::DoNotFragment),
        flag("flood", ProbeOption::Flood),
        flag("icmp", ProbeOption::Icmp),
        arguments.after("interface").map(ProbeOption::Interface),
        with("interval", ProbeOption::Interval),
        flag("ipv4", ProbeOption::Family(Family::Ipv4Unicast)),
        flag("ipv6", ProbeOption::Family(Family::Ipv6Unicast)),
        flag("numeric", ProbeOption::Numeric),
        arguments.after("pattern").map(ProbeOption::Pattern),
        with("port", ProbeOption::Port),
        with("queries", ProbeOption::Queries),
        flag("quiet", ProbeOption::Quiet),
        flag("record-route", ProbeOption::RecordRoute),
        with("size", ProbeOption::Size),
        arguments.after("source").map(ProbeOption::Source),
        flag("tcp", ProbeOption::Tcp),
        flag("timestamp", ProbeOption::Timestamp),
        with("tos", ProbeOption::TypeOfService),
        with("ttl", ProbeOption::TimeToLive),
        flag("verbose", ProbeOption::Verbose),
    ];
    all.into_iter().flatten().collect()
}

fn telnet(arguments: &Arguments) -> Option<Op> {
    let options = arguments.second().map(ProbeOption::Port).into_iter().collect();
    Some(Op::Probe { tool: Tool::Telnet, host: arguments.first()?, options })
}

pub(super) static REBOOT: Step = Step::word("reboot", "Start the machine again", GOING_DOWN).op(shutdown);
pub(super) static POWEROFF: Step = Step::word("poweroff", "Switch the machine off", GOING_DOWN).op(shutdown);
/// `sh` has always been short for `show`.
pub(super) static SHUTDOWN: Step = Step::word("shutdown", "Switch the machine off", GOING_DOWN).op(shutdown).yielding();

static GOING_DOWN: &[&Step] = &[
    &Step::word("cancel", "Not at all: cancel what was planned", &[]).op(shutdown),
    &Step::word(
        "in",
        "After some minutes",
        &[&Step::value(ValueKind::U32 { min: 1, max: 10_080 }, "Minutes", "10", &[]).op(shutdown)],
    ),
    &Step::word("now", "At once, without a question", &[]).op(shutdown),
];

fn shutdown(arguments: &Arguments) -> Option<Op> {
    let when = match arguments.after("in") {
        Some(minutes) => When::In(minutes),
        None if arguments.has("cancel") => When::Cancel,
        None if arguments.has("now") => When::Now,
        None => When::Asked,
    };
    Some(Op::Shutdown { reboot: arguments.has("reboot"), when })
}

pub(super) static RESTART: Step = Step::word(
    "restart",
    "Restart a part of the router",
    &[&Step::word("bgp", "The routing daemon; routes stay in the kernel meanwhile", &[])
        .op(|_| Some(Op::RestartDaemon))],
);

pub(super) static SET: Step = Step::word(
    "set",
    "Set the clock, the terminal, or the image",
    &[
        &Step::word(
            "date",
            "The clock of the machine",
            &[&Step::value(ValueKind::Text { max: 19 }, "MMDDhhmmCCYY or 'CCYY-MM-DD hh:mm'", "010212302026", &[])
                .op(set_date)],
        ),
        &Step::word("system", "The software of the machine", &[&image::DEFAULT]),
        &TERMINAL,
    ],
);

/// Only signs that dates are made of; what they mean together is the system's word.
fn set_date(arguments: &Arguments) -> Option<Op> {
    let date: String = arguments.first()?;
    let digits = date.starts_with(|c: char| c.is_ascii_digit());
    (digits && date.chars().all(|c| c.is_ascii_digit() || " :-".contains(c))).then_some(Op::SetDate { date })
}

pub(super) static TERMINAL: Step = Step::word(
    "terminal",
    "How the terminal is used",
    &[
        &Step::word(
            "length",
            "Rows of a page",
            &[&Step::value(ValueKind::U32 { min: 0, max: 10_000 }, "Rows; 0 never pages", "24", &[])
                .op(|a| Some(Op::SetTerminal(TerminalSetting::Length(a.first()?))))],
        ),
        &Step::word(
            "width",
            "Columns of a line",
            &[&Step::value(ValueKind::U32 { min: 0, max: 10_000 }, "Columns; 0 folds nothing", "80", &[])
                .op(|a| Some(Op::SetTerminal(TerminalSetting::Width(a.first()?))))],
        ),
    ],
);
