//! Rules of `protocols static …`: a route leads somewhere, or says that it does not.
//!
//! Never resolves a next hop.

use std::collections::BTreeSet;
use std::net::IpAddr;

use nouns::Prefix;

use super::{ConfigError, is_link_local, path};
use crate::model::{Model, StaticRoute};

pub(super) fn check(model: &Model, local: &BTreeSet<IpAddr>, errors: &mut Vec<ConfigError>) {
    let above = path(&[&"protocols", &"static"]);
    for (prefix, found) in model.static_routes.iter() {
        route(&above, (*prefix, found), local, errors);
    }
    for (table, routes) in model.static_tables.iter() {
        let above = path(&[&"protocols", &"static", &"table", table]);
        for (prefix, found) in routes {
            route(&above, (*prefix, found), local, errors);
        }
    }
    for host in model.static_arp.keys().filter(|host| local.contains(host)) {
        errors.push(ConfigError {
            path: path(&[&"protocols", &"static", &"arp", host]),
            message: format!("{host} is an address of this router; the entry has to be for another host"),
        });
    }
}

fn route(
    above: &[String],
    (prefix, route): (Prefix, &StaticRoute),
    local: &BTreeSet<IpAddr>,
    errors: &mut Vec<ConfigError>,
) {
    let word = if prefix.address().is_ipv4() { "route" } else { "route6" };
    let at_route = || above.iter().cloned().chain(path(&[&word, &prefix])).collect::<Vec<String>>();
    if route.blackhole.is_some() && route.reject.is_some() {
        errors.push(ConfigError {
            path: at_route(),
            message: "blackhole and reject cannot both be; packets are dropped silently or not".to_owned(),
        });
    }
    let nowhere = route.blackhole.or(route.reject).is_some();
    if route.next_hops.is_empty() && route.interfaces.is_empty() && !nowhere {
        errors.push(ConfigError {
            path: at_route(),
            message: "must set next-hop, interface, blackhole or reject, so that packets know where to go".to_owned(),
        });
    }
    for (address, next_hop) in &route.next_hops {
        let mut refuse = |message: String| {
            let path = at_route().into_iter().chain(["next-hop".to_owned(), address.to_string()]).collect();
            errors.push(ConfigError { path, message });
        };
        if address.is_ipv6() && is_link_local(*address) && next_hop.interface.is_none() {
            refuse("a link-local next hop needs 'interface', because each link has its own".to_owned());
        }
        if local.contains(address) {
            refuse(format!("{address} is an address of this router; the next hop has to be another router"));
        }
    }
}
