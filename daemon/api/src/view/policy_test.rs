//! `show policy test …`: what a route map does to a route that was made up.
//!
//! Tells each rule that was asked, in order. Never announces anything.

use std::net::IpAddr;

use nouns::{PathValidity, Prefix, Validity};
use serde::{Deserialize, Serialize};

use crate::text::{Align, Table, Text};
use crate::view::bgp::Origin;
use crate::view::policy::{Clause, PolicyAction};

/// `show policy test`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyTest {
    /// The map that was asked.
    pub route_map: String,
    /// Where the route leads.
    pub prefix: Prefix,
    /// What became of it.
    pub verdict: PolicyAction,
    /// The map that decided: another one where a called map refused.
    pub decided_by: String,
    /// Its rule; absent where none matched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<u16>,
    /// What happened on the way, in this order.
    pub trail: Vec<TrailStep>,
    /// The route as it came.
    pub before: TestedAttributes,
    /// The route as it left; absent where it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<TestedAttributes>,
}

/// A rule that was asked, or the end of a map none of whose rules matched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrailStep {
    /// The map.
    pub map: String,
    /// The rule; absent at the end of a map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<u16>,
    /// What the rule did; absent where it did not match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<PolicyAction>,
    /// The first condition that did not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed: Option<Clause>,
}

/// What a policy can see or change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TestedAttributes {
    /// ORIGIN
    pub origin: Origin,
    /// `64513 64514`; empty for a path of this AS.
    pub as_path: String,
    /// The next hop, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_hop: Option<IpAddr>,
    /// `peer-address`, `self`, `unchanged`: the policy leaves the next hop to the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_hop_word: Option<String>,
    /// MULTI_EXIT_DISC
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub med: Option<u32>,
    /// LOCAL_PREF
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_pref: Option<u32>,
    /// The weight.
    pub weight: u32,
    /// The tag.
    pub tag: u32,
    /// What the RPKI says of its path, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_validity: Option<PathValidity>,
    /// What the RPKI says of its origin, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validity: Option<Validity>,
    /// The administrative distance, where the policy sets one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distance: Option<u8>,
    /// ATOMIC_AGGREGATE
    pub atomic_aggregate: bool,
    /// `64512 192.0.2.1`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aggregator: Option<String>,
    /// `64512:100`, `no-export`
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub communities: Vec<String>,
    /// `RT:64512:1`
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extended_communities: Vec<String>,
    /// `64512:1:2`
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub large_communities: Vec<String>,
}

impl Text for PolicyTest {
    fn text(&self) -> String {
        let verdict = match self.verdict {
            PolicyAction::Permit => "permitted",
            PolicyAction::Deny => "denied",
        };
        let by = match self.rule {
            Some(rule) => format!("by route-map {} rule {rule}", self.decided_by),
            None => format!("because no rule of route-map {} matches", self.decided_by),
        };
        let trail: String = self.trail.iter().map(TrailStep::told).collect();
        let table = match &self.after {
            Some(after) => self.changes(after),
            None => String::new(),
        };
        format!("{} is {verdict} {by}\n\nTrail:\n{trail}{table}", self.prefix)
    }
}

impl TrailStep {
    fn told(&self) -> String {
        let Self { map, rule, action, missed } = self;
        let told = match (action, missed) {
            (Some(action), _) => format!(": {}", action.word()),
            (None, Some(clause)) => format!(": no match ({})", clause.words()),
            (None, None) => ": no rule matches".to_owned(),
        };
        let rule = rule.map(|rule| format!(" rule {rule}")).unwrap_or_default();
        format!("  route-map {map}{rule}{told}\n")
    }
}

impl PolicyTest {
    /// The route before and after, with a sign where both differ.
    fn changes(&self, after: &TestedAttributes) -> String {
        let mut table =
            Table::new(&[("  Attribute", Align::Left, 22), ("Before", Align::Left, 20), ("After", Align::Left, 0)]);
        for ((name, before), (_, after)) in self.before.cells().into_iter().zip(after.cells()) {
            if before.is_empty() && after.is_empty() {
                continue;
            }
            let sign = if before == after { ' ' } else { '*' };
            let or_dash = |text: String| if text.is_empty() { "-".to_owned() } else { text };
            table.row([format!("{sign} {name}"), or_dash(before), or_dash(after)]);
        }
        format!("\n{}", table.text())
    }
}

impl TestedAttributes {
    /// Each attribute with its text; empty where the route does not have it.
    fn cells(&self) -> [(&'static str, String); 15] {
        fn number<T: ToString>(value: Option<T>) -> String {
            value.map(|value| value.to_string()).unwrap_or_default()
        }
        let unless_zero = |value: u32| number(Some(value).filter(|value| *value != 0));
        [
            ("Origin", self.origin.to_string()),
            ("AS path", self.as_path.clone()),
            ("Next hop", self.next_hop_word.clone().unwrap_or_else(|| number(self.next_hop))),
            ("Metric", number(self.med)),
            ("Local preference", number(self.local_pref)),
            ("Weight", unless_zero(self.weight)),
            ("Tag", unless_zero(self.tag)),
            ("RPKI", number(self.validity)),
            ("ASPA", number(self.path_validity)),
            ("Distance", number(self.distance)),
            ("Atomic aggregate", if self.atomic_aggregate { "yes".to_owned() } else { String::new() }),
            ("Aggregator", self.aggregator.clone().unwrap_or_default()),
            ("Communities", self.communities.join(" ")),
            ("Extended communities", self.extended_communities.join(" ")),
            ("Large communities", self.large_communities.join(" ")),
        ]
    }
}
