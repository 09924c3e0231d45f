//! `system syslog …`: which messages go where.

use crate::schema::{Node, inner, leaf, tag};
use crate::value::ValueKind;

pub(super) static SYSLOG: Node = inner(
    "syslog",
    "Log of the system",
    &[
        &inner("console", "Messages on the console", FACILITY),
        &tag("file", "Messages in a file of /var/log/user", ValueKind::LogFile, "routing", FACILITY),
        &inner("global", "Messages in /var/log/messages", FACILITY),
        &tag("host", "Messages to another host", ValueKind::Host, "192.0.2.14", FACILITY),
        &tag("user", "Messages on the terminals of a user", ValueKind::UserName, "anna", FACILITY),
    ],
);

static FACILITY: &[&Node] = &[&tag(
    "facility",
    "Part of the system that tells something",
    ValueKind::Choice(FACILITIES),
    "all",
    &[&leaf("level", "Least level that is kept", ValueKind::Choice(LEVELS), "notice").default("err")],
)];

const FACILITIES: &[(&str, &str)] = &[
    ("all", "All of them"),
    ("auth", "Authentication"),
    ("authpriv", "Authentication, not for everybody"),
    ("cron", "Timed commands"),
    ("daemon", "Daemons"),
    ("kern", "The kernel"),
    ("local0", "Local facility 0"),
    ("local1", "Local facility 1"),
    ("local2", "Local facility 2"),
    ("local3", "Local facility 3"),
    ("local4", "Local facility 4"),
    ("local5", "Local facility 5"),
    ("local6", "Local facility 6"),
    ("local7", "Local facility 7"),
    ("lpr", "Printers"),
    ("mail", "Mail"),
    ("mark", "Marks of the log itself"),
    ("news", "News"),
    ("protocols", "Routing protocols (local7)"),
    ("security", "Authentication (the old name)"),
    ("syslog", "The log itself"),
    ("user", "Programs of users"),
    ("uucp", "UUCP"),
];

const LEVELS: &[(&str, &str)] = &[
    ("alert", "Urgent messages"),
    ("all", "All messages"),
    ("crit", "Critical messages"),
    ("debug", "Debug messages"),
    ("emerg", "Emergency messages"),
    ("err", "Error messages"),
    ("info", "Informational messages"),
    ("notice", "Messages for further investigation"),
    ("warning", "Warning messages"),
];
