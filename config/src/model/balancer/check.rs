//! `check …` of a service: what its nodes are asked, and what makes them well.
//!
//! Never asks anything.

use std::time::Duration;

use crate::model::reader::Reader;

/// `check`
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Check {
    /// What is asked.
    pub question: Question,
    /// `port`; the service's without it.
    pub port: Option<u16>,
    /// `interval`, 2 s by default.
    pub interval: Duration,
    /// `timeout`, 1 s by default.
    pub timeout: Duration,
    /// `rise`: answers in a row, 2 by default.
    pub rise: u8,
    /// `fall`: failures in a row, 3 by default.
    pub fall: u8,
}

/// What a node is asked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// `tcp`
    Tcp,
    /// `http`
    Http(Http),
    /// `icmp`
    Icmp,
    /// `udp`
    Udp {
        /// `send`, `ping` by default.
        send: String,
        /// `expect`: within the answer; any answer without it.
        expect: Option<String>,
    },
}

impl Question {
    /// Its word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Http(_) => "http",
            Self::Icmp => "icmp",
            Self::Udp { .. } => "udp",
        }
    }
}

/// `http`
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Http {
    /// `method`
    pub method: HttpMethod,
    /// `path`, `/` by default.
    pub path: String,
    /// `host`; the service's address without it.
    pub host: Option<String>,
    /// `status`; 200 to 399 without it.
    pub status: Option<u16>,
}

/// `method`
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HttpMethod {
    /// `get`
    Get,
    /// `head`
    Head,
}

pub(super) fn lower(above: &Reader<'_>) -> Option<Check> {
    let (place, is_set) = (above.at("check"), above.is_set("check"));
    let (http, udp) = (place.at("http"), place.at("udp"));
    let http = Http {
        method: if http.leaf_or_default::<String>("method") == "head" { HttpMethod::Head } else { HttpMethod::Get },
        path: http.leaf_or_default("path"),
        host: http.leaf("host"),
        status: http.leaf("status"),
    };
    let udp = Question::Udp { send: udp.leaf_or_default("send"), expect: udp.leaf("expect") };
    let questions = [
        place.flag("tcp").then_some(Question::Tcp),
        place.is_set("http").then_some(Question::Http(http)),
        place.flag("icmp").then_some(Question::Icmp),
        place.is_set("udp").then_some(udp),
    ];
    let milliseconds = |word| Duration::from_millis(place.leaf_or_default(word));
    let (interval, timeout) = (milliseconds("interval"), milliseconds("timeout"));
    let (port, rise, fall) = (place.leaf("port"), place.leaf_or_default("rise"), place.leaf_or_default("fall"));
    match questions.iter().flatten().count() {
        0 if is_set => place.error("must set tcp, http, icmp or udp, so that it is known what is asked".to_owned()),
        0 | 1 => {}
        _ => place.error("only one of tcp, http, icmp and udp can be asked; delete the others".to_owned()),
    }
    if timeout > interval {
        place.error(format!(
            "timeout {} is longer than interval {}; a question has to be over before the next one",
            timeout.as_millis(),
            interval.as_millis()
        ));
    }
    let question = questions.into_iter().flatten().next()?;
    Some(Check { question, port, interval, timeout, rise, fall })
}
