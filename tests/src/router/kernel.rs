//! What the kernel has, as `ip -j` tells it, whether a route carries its next hops or points to an object.
//!
//! It never asks the daemon.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::lab::Host;

/// A route of the kernel's main table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The number or name of the protocol that installed it.
    pub protocol: String,
    /// The id of its next-hop object, when it points to one.
    pub object: Option<u64>,
    /// Its next hops.
    pub legs: Vec<Leg>,
}

/// One next hop.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leg {
    /// The gateway's address.
    pub gateway: String,
    /// The interface.
    pub interface: String,
}

pub(super) fn route(host: &Host, prefix: &str) -> Result<Option<Route>> {
    let family = if prefix.contains(':') { "-6" } else { "-4" };
    let routes = json(&host.ip(&[family, "-j", "route", "show", "exact", prefix])?)?;
    let Some(route) = routes.as_array().and_then(|routes| routes.first()) else { return Ok(None) };
    let object = route.get("nhid").and_then(Value::as_u64);
    let legs = match (object, route.get("nexthops").and_then(Value::as_array)) {
        (_, Some(legs)) => legs.iter().filter_map(leg).collect(),
        (Some(object), None) => object_legs(host, object)?,
        (None, None) => leg(route).into_iter().collect(),
    };
    Ok(Some(Route { protocol: text(route, "protocol"), object, legs }))
}

pub(super) fn state(host: &Host) -> Result<String> {
    let commands: [&[&str]; 4] =
        [&["-4", "route", "show", "table", "all"], &["-6", "route", "show", "table", "all"], &["nexthop"], &["rule"]];
    let parts: Result<Vec<_>> = commands.into_iter().map(|command| host.ip(command)).collect();
    Ok(parts?.join("\n"))
}

/// The legs of a next-hop object: its own, or those of its group's members.
fn object_legs(host: &Host, object: u64) -> Result<Vec<Leg>> {
    let objects = json(&host.ip(&["-j", "nexthop", "show"])?)?;
    let objects = objects.as_array().context("`ip -j nexthop` gave no list")?;
    let find = |id: u64| objects.iter().find(|object| object.get("id").and_then(Value::as_u64) == Some(id));
    let Some(found) = find(object) else { return Ok(Vec::new()) };
    let Some(group) = found.get("group").and_then(Value::as_array) else { return Ok(leg(found).into_iter().collect()) };
    let members = group.iter().filter_map(|member| member.get("id").and_then(Value::as_u64));
    Ok(members.filter_map(find).filter_map(leg).collect())
}

/// A next hop, whose gateway stands under `via` when it is of the other family than the route.
fn leg(value: &Value) -> Option<Leg> {
    let gateway = value
        .get("gateway")
        .or_else(|| value.get("via").and_then(|via| via.get("host")))
        .and_then(Value::as_str)?
        .to_owned();
    Some(Leg { gateway, interface: text(value, "dev") })
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// `ip -j` prints nothing at all for an empty answer of some versions.
fn json(text: &str) -> Result<Value> {
    if text.trim().is_empty() {
        return Ok(Value::Array(Vec::new()));
    }
    serde_json::from_str(text).with_context(|| format!("`ip -j` gave {text}"))
}
