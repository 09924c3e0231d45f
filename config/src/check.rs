//! Rules between nodes: what a single value cannot tell.
//!
//! Never changes the model, and never asks the world: what it has to know of it is in `Context`.

mod balancer;
mod bfd;
mod bgp;
mod interfaces;
mod policy;
mod static_routes;
mod system;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use grammar::schema::Shape;
use nouns::InterfaceAddress;

use crate::model::bgp::UpdateSource;
use crate::model::{Interface, Model};
use crate::parse::Parsed;
use crate::tree::{DeleteOutcome, Tree};

pub use system::has_admin;

/// A reason to refuse a configuration, at a path.
///
/// Displayed as `[ protocols bgp 64512 neighbor 192.0.2.1 ]` and the reason, indented, on the next line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfigError {
    /// The words of the node, as `set` takes them.
    pub path: Vec<String>,
    /// What is wrong and what to do.
    pub message: String,
}

/// Something that is allowed and probably not meant.
///
/// Displayed on one line; the message names its node itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfigWarning {
    /// The words of the node, as `set` takes them.
    pub path: Vec<String>,
    /// What will happen and what to do.
    pub message: String,
}

/// What the rules have to know of the running system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// Addresses that the router has, besides those of the configuration.
    pub local_addresses: BTreeSet<IpAddr>,
    /// Which of the addresses that the router does not have sessions may begin from all the same.
    pub sources: Sources,
    /// Whether the active configuration has a user who can log in and configure; the last one must stay.
    pub has_admin: bool,
}

/// Addresses that sessions may begin from once the router has them: DHCP, or a person, may bring them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sources {
    /// Those of sessions that are configured already. Another one is most likely mistyped.
    Known(BTreeSet<IpAddr>),
    /// All, at a start: what was accepted once must not be lost because an address comes late.
    Any,
}

impl Default for Sources {
    fn default() -> Self {
        Self::Known(BTreeSet::new())
    }
}

impl Sources {
    /// Those of a configuration that is in force.
    #[must_use]
    pub fn of(model: &Model) -> Self {
        Self::Known(sources(model).map(|(_, source)| source).collect())
    }

    fn allow(&self, source: IpAddr) -> bool {
        match self {
            Self::Known(known) => known.contains(&source),
            Self::Any => true,
        }
    }
}

/// A configuration with its bad parts left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admitted {
    /// The tree without the refused nodes.
    pub tree: Tree,
    /// Its model.
    pub model: Model,
    /// Why nodes were refused.
    pub errors: Vec<ConfigError>,
}

/// Lowers and checks a whole configuration.
///
/// # Errors
/// Every reason against it.
pub fn accept(tree: &Tree, context: &Context) -> Result<Model, Vec<ConfigError>> {
    let (model, mut errors) = Model::lower(tree);
    errors.extend(check(&model, context));
    if errors.is_empty() { Ok(model) } else { Err(errors) }
}

/// As [`accept`], for a change of a tree whose model is known.
///
/// # Errors
/// Every reason against it.
pub fn accept_after(tree: &Tree, known: (&Tree, &Model), context: &Context) -> Result<Model, Vec<ConfigError>> {
    let (model, mut errors) = Model::lower_after(tree, known);
    errors.extend(check(&model, context));
    if errors.is_empty() { Ok(model) } else { Err(errors) }
}

/// For the start of the router: what is sound comes up, the rest is left out and listed.
///
/// With a bad leaf goes the neighbor, group, route or interface that it belongs to: half of a neighbor,
/// without its password say, would be something that nobody wrote.
#[must_use]
pub fn admit(parsed: &Parsed, context: &Context) -> Admitted {
    let mut tree = parsed.tree.clone();
    for session in parsed.maimed.iter().filter_map(|path| whole_of(path)) {
        tree.delete(session);
    }
    let mut errors = Vec::new();
    loop {
        let (model, mut found) = Model::lower(&tree);
        found.extend(check(&model, context));
        let mut left_out = false;
        for error in &found {
            left_out |= tree.delete(&refused(&tree, &error.path)) == DeleteOutcome::Deleted;
        }
        errors.extend(found);
        if !left_out {
            return Admitted { tree, model, errors };
        }
    }
}

/// The neighbor, group or list that a path lies in. An interface without its bad MTU is still of use; a session without
/// its bad password would be open to anybody, and a list without one of its rules would accept what nobody wanted.
fn whole_of(path: &[String]) -> Option<&[String]> {
    match path {
        [protocols, bgp, _, kind, _, ..]
            if protocols == "protocols" && bgp == "bgp" && (kind == "neighbor" || kind == "peer-group") =>
        {
            path.get(..5)
        }
        [policy, _, _, ..] if policy == "policy" => path.get(..3),
        _ => None,
    }
}

/// The node that is left out for an error at a path: one value of a repeatable leaf, else the innermost instance.
fn refused(tree: &Tree, path: &[String]) -> Vec<String> {
    if path.first().is_some_and(|word| word == "policy") {
        return whole_of(path).unwrap_or(path).to_vec();
    }
    let is_one_of_many = path
        .split_last()
        .is_some_and(|(_, leaf)| tree.node(leaf).is_some_and(|node| matches!(node.schema.shape, Shape::Multi(_))));
    if is_one_of_many {
        return path.to_vec();
    }
    let mut heads = (1..=path.len()).rev().filter_map(|length| path.get(..length));
    let instance = heads.find(|head| tree.node(head).is_some_and(|node| node.is_instance));
    instance.unwrap_or(path).to_vec()
}

/// The addresses that sessions begin from, each with the node of its session.
pub fn sources(model: &Model) -> impl Iterator<Item = (Vec<String>, IpAddr)> {
    let of_bgp = model.bgp.iter().flat_map(|bgp| {
        bgp.neighbors.iter().filter_map(|(address, neighbor)| match neighbor.settings.update_source {
            Some(UpdateSource::Address(source)) => {
                Some((path(&[&"protocols", &"bgp", &bgp.asn, &"neighbor", address]), source))
            }
            Some(UpdateSource::Interface(_)) | None => None,
        })
    });
    let of_bfd =
        model.bfd.peers.iter().filter_map(|(address, peer)| {
            Some((path(&[&"protocols", &"bfd", &"peer", address]), peer.source_address?))
        });
    of_bgp.chain(of_bfd)
}

/// The router's own addresses, and those that sessions may begin from besides.
#[derive(Clone, Copy)]
struct Own<'a> {
    local: &'a BTreeSet<IpAddr>,
    sources: &'a Sources,
}

impl Own<'_> {
    fn has(self, address: IpAddr) -> bool {
        self.local.contains(&address)
    }

    fn may_be_source(self, address: IpAddr) -> bool {
        self.has(address) || self.sources.allow(address)
    }
}

/// Every broken rule between nodes.
#[must_use]
pub fn check(model: &Model, context: &Context) -> Vec<ConfigError> {
    let configured = model.interfaces.values().flat_map(|interface| interface.addresses.iter());
    let mut local: BTreeSet<IpAddr> = configured.map(|address| address.address()).collect();
    local.extend(&context.local_addresses);
    let mut errors = Vec::new();
    addresses_stand_once(model, &mut errors);
    interfaces::check(&model.interfaces, &mut errors);
    static_routes::check(model, &local, &mut errors);
    policy::check(&model.policy, &mut errors);
    balancer::check(model, &local, &mut errors);
    let own = Own { local: &local, sources: &context.sources };
    bfd::check(model, own, &mut errors);
    if let Some(bgp) = &model.bgp {
        bgp::check(bgp, own, &mut errors);
    }
    system::check(model, context, &mut errors);
    errors
}

/// What should be said loudly at a commit, although it is allowed.
#[must_use]
pub fn warnings(model: &Model) -> Vec<ConfigWarning> {
    let mut warnings = policy::warnings(model);
    warnings.extend(model.bgp.iter().flat_map(|bgp| bgp::warnings(bgp)));
    warnings.extend(balancer::warnings(&model.balancer));
    warnings.extend(system::warnings(model));
    warnings
}

/// Errors as a commit prints them: each node's header once, its reasons indented below.
#[must_use]
pub fn report(errors: &[ConfigError]) -> String {
    let mut text = String::new();
    let mut header: Option<&[String]> = None;
    for error in errors {
        if header != Some(&error.path) {
            text.push_str(&format!("[ {} ]\n", error.path.join(" ")));
            header = Some(&error.path);
        }
        text.push_str(&format!("  {}\n", error.message));
    }
    text
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[ {} ]\n  {}", self.path.join(" "), self.message)
    }
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The path of words and values.
fn path(words: &[&dyn fmt::Display]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

fn addresses_stand_once(model: &Model, errors: &mut Vec<ConfigError>) {
    let mut seen: BTreeMap<IpAddr, String> = BTreeMap::new();
    for (name, interface) in &model.interfaces {
        for address in interface.addresses.iter().filter(|address| !is_link_local(address.address())) {
            match seen.get(&address.address()) {
                Some(other) if *other != name.as_str() => errors.push(address_twice(name, interface, *address, other)),
                _ => {
                    seen.insert(address.address(), name.to_string());
                }
            }
        }
    }
}

fn address_twice(name: &nouns::IfName, interface: &Interface, address: InterfaceAddress, other: &str) -> ConfigError {
    ConfigError {
        path: interface.path(name).into_iter().chain(path(&[&"address", &address])).collect(),
        message: format!("address {} stands on {other} already; delete it there or here", address.address()),
    }
}

#[cfg(test)]
mod tests;
