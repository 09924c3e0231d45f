//! `show policy …`: lists and route maps, in the layouts of `show ip prefix-list`, `show route-map` and their kin.
//!
//! Values stand as they are configured. Never tells what a policy did to a route.

use nouns::Prefix;
use serde::{Deserialize, Serialize};

use crate::text::Text;

/// `show policy …`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Policies {
    /// Access lists of IPv4.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub access_lists: Vec<AccessList>,
    /// Access lists of IPv6.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub access_lists6: Vec<AccessList>,
    /// Lists of IPv4 prefixes; absent where none are shown, as are all of the others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prefix_lists: Vec<PrefixList>,
    /// Lists of IPv6 prefixes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prefix_lists6: Vec<PrefixList>,
    /// Lists of AS paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub as_path_lists: Vec<ExpressionList>,
    /// Lists of communities.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub community_lists: Vec<ExpressionList>,
    /// Lists of extended communities.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extcommunity_lists: Vec<ExpressionList>,
    /// Lists of large communities.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub large_community_lists: Vec<ExpressionList>,
    /// Route maps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub route_maps: Vec<RouteMap>,
}

/// What becomes of a route that matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyAction {
    /// It is accepted.
    Permit,
    /// It is refused.
    Deny,
}

impl PolicyAction {
    /// As it is configured.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Permit => "permit",
            Self::Deny => "deny",
        }
    }
}

/// An access list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessList {
    /// Its number, or its name.
    pub name: String,
    /// What a person wrote about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// In the order of their numbers.
    pub rules: Vec<AccessListRule>,
}

/// A rule of an access list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessListRule {
    /// Its number.
    pub number: u16,
    /// What becomes of a destination that matches.
    pub action: PolicyAction,
    /// Which ones do: `any`, `host A`, `A INVERSE-MASK`, a network.
    #[serde(rename = "match")]
    pub matches: String,
}

/// A list of prefixes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrefixList {
    /// Its name.
    pub name: String,
    /// What a person wrote about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// In the order of their numbers.
    pub rules: Vec<PrefixListRule>,
}

/// A rule of a list of prefixes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrefixListRule {
    /// Its number.
    pub number: u16,
    /// What becomes of a prefix that matches.
    pub action: PolicyAction,
    /// What holds the prefixes that match.
    pub prefix: Prefix,
    /// Their least length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ge: Option<u8>,
    /// Their greatest length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub le: Option<u8>,
}

/// A list of AS paths or communities.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpressionList {
    /// Its name.
    pub name: String,
    /// What a person wrote about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// In the order of their numbers.
    pub rules: Vec<ExpressionRule>,
}

/// A rule of a list of AS paths or communities.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpressionRule {
    /// Its number.
    pub number: u16,
    /// What becomes of a route that matches.
    pub action: PolicyAction,
    /// `^64512_`, `64512:100 no-export`
    pub regex: String,
    /// It is an expression, not just communities that a route has to have.
    pub expanded: bool,
}

/// A route map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteMap {
    /// Its name.
    pub name: String,
    /// What a person wrote about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// In the order of their numbers.
    pub rules: Vec<RouteMapRule>,
}

/// A rule of a route map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteMapRule {
    /// Its number.
    pub number: u16,
    /// What becomes of a route that matches.
    pub action: PolicyAction,
    /// What has to hold, all of it; absent where everything matches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub matches: Vec<Clause>,
    /// What is changed, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sets: Vec<Clause>,
    /// A map that has to accept the route, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// Where it goes on with a route that was accepted.
    pub then: RouteMapThen,
}

/// A condition or a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clause {
    /// `ip address prefix-list`, `local-preference`
    pub what: String,
    /// `NODES`, `200`; absent for a word that has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl Clause {
    /// Both, as one text.
    #[must_use]
    pub fn words(&self) -> String {
        self.value.iter().fold(self.what.clone(), |what, value| format!("{what} {value}"))
    }
}

/// Where a map goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RouteMapThen {
    /// Nowhere.
    Exit,
    /// At the next rule.
    Next,
    /// At this rule, or the first one behind it.
    Goto(u16),
}

impl Text for Policies {
    fn text(&self) -> String {
        let mut text = String::new();
        for (family, lists) in [("IP", &self.access_lists), ("IPv6", &self.access_lists6)] {
            lists.iter().for_each(|list| text.push_str(&list.told(family)));
        }
        for (family, lists) in [("ip", &self.prefix_lists), ("ipv6", &self.prefix_lists6)] {
            lists.iter().for_each(|list| text.push_str(&list.told(family)));
        }
        self.as_path_lists
            .iter()
            .for_each(|list| text.push_str(&list.told(&format!("AS path access list {}", list.name))));
        for (kind, lists) in [
            ("Community", &self.community_lists),
            ("extended community", &self.extcommunity_lists),
            ("large community", &self.large_community_lists),
        ] {
            for list in lists {
                let expanded = list.rules.iter().any(|rule| rule.expanded);
                let form = if expanded { "expanded" } else { "standard" };
                text.push_str(&list.told(&format!("Named {kind} {form} list {}", list.name)));
            }
        }
        self.route_maps.iter().for_each(|map| text.push_str(&map.told()));
        text
    }
}

impl AccessList {
    fn told(&self, family: &str) -> String {
        let mut text = format!("{family} access list {}\n", self.name);
        text.extend(self.description.iter().map(|description| format!("    Description: {description}\n")));
        for AccessListRule { number, action, matches } in &self.rules {
            text.push_str(&format!("    seq {number} {} {matches}\n", action.word()));
        }
        text
    }
}

impl PrefixList {
    fn told(&self, family: &str) -> String {
        let mut text = format!("{family} prefix-list {}: {} entries\n", self.name, self.rules.len());
        text.extend(self.description.iter().map(|description| format!("   Description: {description}\n")));
        for PrefixListRule { number, action, prefix, ge, le } in &self.rules {
            let ge = ge.map(|ge| format!(" ge {ge}")).unwrap_or_default();
            let le = le.map(|le| format!(" le {le}")).unwrap_or_default();
            text.push_str(&format!("   seq {number} {} {prefix}{ge}{le}\n", action.word()));
        }
        text
    }
}

impl ExpressionList {
    fn told(&self, title: &str) -> String {
        let rule = |rule: &ExpressionRule| format!("    {} {}\n", rule.action.word(), rule.regex);
        std::iter::once(format!("{title}\n")).chain(self.rules.iter().map(rule)).collect()
    }
}

impl RouteMap {
    fn told(&self) -> String {
        let clauses = |clauses: &[Clause]| -> String {
            clauses.iter().map(|clause| format!("    {}\n", clause.words())).collect()
        };
        let rule = |rule: &RouteMapRule| {
            let call = rule.call.iter().map(|map| format!("    Call {map}\n")).collect::<String>();
            let then = match rule.then {
                RouteMapThen::Exit => "Exit routemap".to_owned(),
                RouteMapThen::Next => "Continue to next entry".to_owned(),
                RouteMapThen::Goto(number) => format!("Goto {number}"),
            };
            format!(
                "route-map {}, {}, sequence {}\n  Match clauses:\n{}  Set clauses:\n{}  Call clause:\n{call}  Action:\n    {then}\n",
                self.name,
                rule.action.word(),
                rule.number,
                clauses(&rule.matches),
                clauses(&rule.sets),
            )
        };
        self.rules.iter().map(rule).collect()
    }
}
