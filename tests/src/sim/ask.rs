//! What a person would type, and what a test wants to know.
//!
//! Answers come from the daemon's own views and from the kernel; whether they agree is the test's question.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use api::request::{RouteFilter, Show, Which};
use api::view::View;
use api::view::bgp::{BgpSummaryNeighbor, PeerState};
use api::view::route::{Protocol, RouteTarget};
use api::{Reply, Request};
use config::Tree;
use config::diff::{Change, Diff};
use config::edit::{Candidate, Edit};
use engine::{AskId, Caller, ClientId, Event};
use nouns::{Family, Prefix, Revision};

use super::{Network, Node};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

impl Network {
    /// Asks a daemon and waits for the answer.
    pub fn ask(&mut self, node: Node, request: Request) -> Reply {
        let ask = self.begin_ask(node, request);
        self.finish_ask(node, ask)
    }

    /// Asks a daemon without waiting.
    pub fn begin_ask(&mut self, node: Node, request: Request) -> AskId {
        self.asked += 1;
        let ask = AskId { client: ClientId(1), id: self.asked };
        let caller = Caller { user: "admin".to_owned(), via: "cli".to_owned(), tty: None, level: api::Level::Admin };
        self.handle(node.0, Event::Ask(ask, caller, request));
        ask
    }

    /// Waits for the answer.
    pub fn finish_ask(&mut self, node: Node, ask: AskId) -> Reply {
        let done = self.run_until(PATIENCE, |network| network.machines[node.0].replies.contains_key(&ask));
        assert!(done, "{} does not answer", self.machines[node.0].name);
        self.machines[node.0].replies.remove(&ask).unwrap()
    }

    /// Introduces a person to the daemon.
    pub fn hello(&mut self, node: Node) -> Reply {
        self.ask(node, Request::Hello { user: "admin".to_owned(), via: "cli".to_owned(), tty: None })
    }

    /// What those who watch were told since the machine was added.
    #[must_use]
    pub fn news(&self, node: Node) -> &[api::News] {
        &self.machines[node.0].news
    }

    /// The active configuration and its number.
    pub fn active(&mut self, node: Node) -> (Revision, String) {
        match self.ask(node, Request::Configuration(Which::Active)) {
            Reply::Configuration(configuration) => (configuration.revision, configuration.text),
            other => panic!("{other:?}"),
        }
    }

    /// Edits of `set` and `delete` lines on the active configuration.
    pub fn candidate(&mut self, node: Node, lines: &str) -> Candidate {
        Candidate { base: self.active(node).0, edits: lines.lines().filter_map(edit).collect() }
    }

    /// The edits that lead from the active configuration to another.
    pub fn candidate_for(&mut self, node: Node, text: &str) -> Candidate {
        let (base, active) = self.active(node);
        let (old, new) = (Tree::load(&active).tree, Tree::load(text).tree);
        let removed = Diff::between(&old, &new).changes.into_iter().filter_map(|change| match change {
            Change::Removed { path } => Some(Edit::Delete(path)),
            Change::Added { .. } | Change::Replaced { .. } | Change::Commented { .. } => None,
        });
        let mut edits: Vec<Edit> = removed.collect();
        edits.extend(new.leaves().into_iter().map(Edit::Set));
        Candidate { base, edits }
    }

    /// Commits `set` and `delete` lines.
    pub fn commit(&mut self, node: Node, lines: &str) -> Reply {
        let candidate = self.candidate(node, lines);
        self.ask(node, Request::Commit { candidate, comment: None, confirm: None })
    }

    /// Looks at something.
    pub fn show(&mut self, node: Node, show: Show) -> View {
        match self.ask(node, Request::Show(show)) {
            Reply::View(view) => view,
            other => panic!("{other:?}"),
        }
    }

    /// The rows of `show ip bgp summary`, or of its IPv6 twin; none where BGP is not configured.
    pub fn neighbors(&mut self, node: Node, family: Family) -> Vec<BgpSummaryNeighbor> {
        match self.ask(node, Request::Show(Show::BgpSummary { family: Some(family) })) {
            Reply::View(View::BgpSummary(summary)) => summary.neighbors,
            _ => Vec::new(),
        }
    }

    /// The neighbors that are up.
    pub fn established(&mut self, node: Node) -> Vec<IpAddr> {
        let rows = self.neighbors(node, Family::Ipv4Unicast).into_iter();
        rows.filter(|row| row.state == PeerState::Established).map(|row| row.address).collect()
    }

    /// The gateways of a prefix in the kernel, in order; `None` without a route, none for a blackhole.
    #[must_use]
    pub fn gateways(&self, node: Node, prefix: &str) -> Option<Vec<String>> {
        let gateways = self.kernel(node).gateways(prefix.parse::<Prefix>().unwrap())?;
        Some(gateways.iter().map(ToString::to_string).collect())
    }

    /// What the daemon selected and wants in the kernel: gateways by prefix.
    pub fn wish(&mut self, node: Node) -> BTreeMap<Prefix, BTreeSet<IpAddr>> {
        let mut wish = BTreeMap::new();
        for family in Family::ALL {
            let View::Routes(routes) = self.show(node, Show::Routes { family, filter: RouteFilter::All }) else {
                panic!("not routes");
            };
            let ours = routes
                .routes
                .into_iter()
                .filter(|route| route.selected && matches!(route.protocol, Protocol::Bgp | Protocol::Static));
            for route in ours {
                let gateways = match route.target {
                    RouteTarget::Blackhole | RouteTarget::Unreachable => BTreeSet::new(),
                    RouteTarget::NextHops(legs) => {
                        legs.iter().filter(|leg| leg.inactive.is_none()).filter_map(|leg| leg.gateway).collect()
                    }
                };
                wish.insert(route.prefix, gateways);
            }
        }
        wish
    }

    /// Asserts that the kernel has what the daemon wants and nothing else.
    pub fn assert_kernel_as_wished(&mut self, node: Node) {
        let wish = self.wish(node);
        let kernel = self.kernel(node);
        let main = |key: &rib::fib::RouteKey| key.table == rib::fib::MAIN_TABLE;
        let routes = kernel.ours.routes.keys().filter(main);
        let there: BTreeMap<Prefix, BTreeSet<IpAddr>> =
            routes.map(|key| (key.prefix, kernel.gateways(key).unwrap_or_default())).collect();
        assert_eq!(there, wish, "the kernel of {} after {:?}", self.machines[node.0].name, self.elapsed());
        assert_eq!(self.kernel(node).unused(), Vec::<u32>::new(), "objects that nobody needs");
    }

    /// The ways that packets take from a machine: each ends where the service is, or with what went wrong.
    #[must_use]
    pub fn ways(&self, from: Node, prefix: &str) -> BTreeSet<Result<Node, String>> {
        let mut ends = BTreeSet::new();
        self.follow(from, prefix.parse().unwrap(), &mut vec![from], &mut ends);
        ends
    }

    fn follow(&self, at: Node, prefix: Prefix, path: &mut Vec<Node>, ends: &mut BTreeSet<Result<Node, String>>) {
        match self.kernel(at).gateways(prefix) {
            None => _ = ends.insert(Err(format!("no route at {}", self.machines[at.0].name))),
            Some(gateways) if gateways.is_empty() => _ = ends.insert(Ok(at)),
            Some(gateways) => {
                for gateway in gateways {
                    let next = self.machines.iter().position(|machine| machine.has_address(gateway)).map(Node);
                    match next {
                        None => _ = ends.insert(Err(format!("nobody is {gateway}"))),
                        Some(next) if path.contains(&next) => _ = ends.insert(Err(format!("a loop at {gateway}"))),
                        Some(next) => {
                            path.push(next);
                            self.follow(next, prefix, path, ends);
                            path.pop();
                        }
                    }
                }
            }
        }
    }
}

fn edit(line: &str) -> Option<Edit> {
    let mut words = line.split_whitespace().map(str::to_owned);
    let verb = words.next()?;
    let path = words.collect();
    Some(match verb.as_str() {
        "set" => Edit::Set(path),
        "delete" => Edit::Delete(path),
        other => panic!("neither set nor delete: {other}"),
    })
}
