//! `show interfaces`.
//!
//! Never asks the kernel: the world is what its messages said.

use api::view::interface::{CountersOfInterface, CountersOfInterfaces, Interface, InterfaceDetail, Interfaces};
use api::{ApiError, View};
use nouns::IfName;
use rib::world::Link;
use rib::world_view::is_link_local;

use crate::engine::Engine;

pub(crate) fn all(engine: &Engine) -> View {
    View::Interfaces(Interfaces {
        interfaces: in_order(engine).into_iter().map(|link| interface(engine, link, false)).collect(),
    })
}

pub(crate) fn one(engine: &Engine, name: &IfName) -> Result<View, ApiError> {
    Ok(View::InterfaceDetail(detail(engine, known(engine, name)?)))
}

pub(crate) fn details(engine: &Engine) -> View {
    View::InterfaceDetails(in_order(engine).into_iter().map(|link| detail(engine, link)).collect())
}

/// Without the counters themselves: these are the machine's to tell.
pub(crate) fn counters(engine: &Engine, name: Option<&IfName>) -> Result<View, ApiError> {
    let links = match name {
        Some(name) => vec![known(engine, name)?],
        None => in_order(engine),
    };
    let row = |link: &Link| CountersOfInterface { name: link.name.clone(), counters: None };
    Ok(View::InterfaceCounters(CountersOfInterfaces { interfaces: links.into_iter().map(row).collect() }))
}

/// The link of a name, or the error that there is none.
pub(crate) fn known<'a>(engine: &'a Engine, name: &IfName) -> Result<&'a Link, ApiError> {
    engine.world.link_by_name(name.as_str()).ok_or_else(|| {
        ApiError::new("no-interface", format!("interface {name} does not exist"))
            .hint("'show interfaces' lists those that do")
    })
}

fn in_order(engine: &Engine) -> Vec<&Link> {
    let mut links: Vec<&Link> = engine.world.links().collect();
    links.sort_by(|one, other| (one.loopback, &one.name).cmp(&(other.loopback, &other.name)));
    links
}

fn detail(engine: &Engine, link: &Link) -> InterfaceDetail {
    InterfaceDetail {
        interface: interface(engine, link, true),
        index: link.index,
        loopback: link.loopback,
        counters: None,
    }
}

fn interface(engine: &Engine, link: &Link, link_local_too: bool) -> Interface {
    let mut addresses: Vec<_> = engine
        .world
        .addresses_of(link.index)
        .map(|there| there.address)
        .filter(|address| link_local_too || !is_link_local(address.address()))
        .collect();
    addresses.sort_unstable();
    Interface {
        name: link.name.clone(),
        addresses,
        admin_up: link.admin_up,
        carrier: link.carrier,
        description: Some(link.alias.clone()).filter(|alias| !alias.is_empty()),
        mtu: link.mtu,
        mac: (!link.mac.is_empty() && !link.loopback)
            .then(|| link.mac.iter().map(|octet| format!("{octet:02x}")).collect::<Vec<_>>().join(":")),
    }
}
