//! What the tests of this crate share: a router, its peers, and a script that runs in virtual time.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test may fail loudly and begin at any time"
)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bgp_wire::Negotiated as Codec;
use bgp_wire::capability::Capability;
use bgp_wire::message::{Message, Open};
use bgp_wire::notification::{Notification, Reason};
use nouns::{Asn, Family};

use crate::session::{
    ConnId, Down, ExpectedAs, Input, Output, PrefixLimit, RestartRole, Session, SessionConfig, StateName,
};

/// The router of the examples: 192.168.101.1 in AS 64512, with a node of the same AS.
pub(crate) fn config() -> SessionConfig {
    SessionConfig {
        remote_address: [192, 168, 101, 201].into(),
        local_as: Asn(64512),
        expected_as: ExpectedAs::Exactly(Asn(64512)),
        router_id: [192, 168, 101, 1].into(),
        hold_time: 90,
        keepalive: 30,
        connect_retry: 10,
        passive: false,
        families: Family::ALL.to_vec(),
        graceful_restart: RestartRole::Full,
        restart_time: 120,
        long_lived: None,
        add_path_send: Vec::new(),
        filter_send: Vec::new(),
        filter_receive: Vec::new(),
        add_path_receive: Family::ALL.to_vec(),
        confederation: false,
        role: None,
        role_strict: false,
        maximum_prefix: BTreeMap::new(),
    }
}

/// `maximum-prefix` as the number alone sets it.
pub(crate) fn prefixes(limit: u32) -> PrefixLimit {
    PrefixLimit { limit, threshold: 75, warning_only: false, restart: None }
}

/// The OPEN of a Kubernetes node: IPv6 first, no graceful restart.
pub(crate) fn node_open() -> Open {
    Open {
        asn: Asn(64512),
        hold_time: 90,
        router_id: [192, 168, 101, 201].into(),
        capabilities: vec![
            Capability::RouteRefresh,
            Capability::Fqdn { host: "node1".to_owned(), domain: String::new() },
            Capability::multiprotocol(Family::Ipv6Unicast),
            Capability::multiprotocol(Family::Ipv4Unicast),
            Capability::FourOctetAs(Asn(64512)),
            Capability::ExtendedNextHop(vec![Family::Ipv4Unicast]),
        ],
    }
}

/// The OPEN of a node with graceful restart: R bit, F bits, 120 s.
pub(crate) fn restarting_open(notification: bool) -> Open {
    let mut open = node_open();
    open.capabilities.push(Capability::GracefulRestart {
        restarting: true,
        notification,
        time: 120,
        families: vec![(Family::Ipv6Unicast, true), (Family::Ipv4Unicast, true)],
    });
    open
}

/// The octets of a message as a peer sends it.
pub(crate) fn octets(message: &Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.encode(&Codec::default(), &mut bytes).unwrap();
    bytes
}

pub(crate) fn notification(reason: Reason) -> Message {
    Message::Notification(Notification::new(reason))
}

/// A session in virtual time, and what it wanted since it was last asked.
pub(crate) struct Script {
    pub(crate) session: Session,
    begin: Instant,
    now: Instant,
    out: Vec<Output>,
}

impl Script {
    pub(crate) fn new(config: SessionConfig) -> Self {
        let begin = Instant::now();
        Self { session: Session::new(config, 1), begin, now: begin, out: Vec::new() }
    }

    /// Lets the time pass, with a tick at each deadline on the way.
    pub(crate) fn at(&mut self, seconds: u64) -> &mut Self {
        let then = self.begin + Duration::from_secs(seconds);
        while let Some(due) = self.session.deadline().filter(|due| *due <= then) {
            self.now = self.now.max(due);
            self.session.handle(self.now, Input::Tick, &mut self.out);
        }
        self.now = then;
        self
    }

    pub(crate) fn give(&mut self, input: Input) -> &mut Self {
        self.session.handle(self.now, input, &mut self.out);
        self
    }

    pub(crate) fn start(&mut self) -> &mut Self {
        self.give(Input::Start)
    }

    pub(crate) fn accept(&mut self, conn: u64) -> &mut Self {
        self.give(Input::Accepted(ConnId(conn)))
    }

    pub(crate) fn hear(&mut self, conn: u64, message: &Message) -> &mut Self {
        self.give(Input::Bytes(ConnId(conn), octets(message)))
    }

    pub(crate) fn close(&mut self, conn: u64) -> &mut Self {
        self.give(Input::Closed(ConnId(conn), None))
    }

    /// A session with this peer, over connection 1 that the peer opened.
    pub(crate) fn established(config: SessionConfig, open: Open) -> Self {
        let mut script = Self::new(config);
        script.start().accept(1).hear(1, &Message::Open(open)).hear(1, &Message::Keepalive);
        assert_eq!(script.session.state(), StateName::Established, "{:?}", script.session.last_down());
        script.outputs();
        script
    }

    /// Seconds until the next deadline.
    pub(crate) fn due(&self) -> Option<f64> {
        self.session.deadline().map(|due| due.saturating_duration_since(self.now).as_secs_f64())
    }

    pub(crate) fn now(&self) -> Instant {
        self.now
    }

    pub(crate) fn outputs(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.out)
    }

    /// What was sent and closed since the last question, in words: `1 OPEN`, `1 Cease/…`, `1 closed`.
    pub(crate) fn said(&mut self) -> Vec<String> {
        self.outputs().iter().filter_map(words).collect()
    }

    /// The only `Down` since the last question.
    pub(crate) fn down(&mut self) -> Down {
        let mut downs: Vec<Down> = self
            .outputs()
            .into_iter()
            .filter_map(|output| match output {
                Output::Down(down) => Some(down),
                _ => None,
            })
            .collect();
        assert_eq!(downs.len(), 1, "{downs:?}");
        downs.remove(0)
    }
}

fn words(output: &Output) -> Option<String> {
    Some(match output {
        Output::Send(conn, bytes) => match Message::decode(bytes, &Codec::default()).unwrap() {
            Message::Open(_) => format!("{} OPEN", conn.0),
            Message::Keepalive => format!("{} KEEPALIVE", conn.0),
            Message::Notification(notification) => format!("{} {notification}", conn.0),
            Message::Update(_) => format!("{} UPDATE", conn.0),
            Message::RouteRefresh(_) => format!("{} ROUTE-REFRESH", conn.0),
        },
        Output::Close(conn) => format!("{} closed", conn.0),
        Output::Connect => "connect".to_owned(),
        Output::CancelConnect => "cancel".to_owned(),
        Output::Up(_) => "up".to_owned(),
        Output::Down(down) if down.was_established => "down".to_owned(),
        Output::Down(_)
        | Output::Update(_)
        | Output::Filters(..)
        | Output::RefreshRequested(_)
        | Output::RefreshBegins(_)
        | Output::RefreshEnds(_)
        | Output::State(..)
        | Output::Log(_) => {
            return None;
        }
    })
}
