//! Steps of commits, one after the other: on links here, on what lies around the router by `system.rs`.
//!
//! Never chooses a step; each is told exactly what to change, and its inverse comes from the same place.

use engine::plan::{LinkSettings, Step};
use engine::{Event, StepId};
use kernel::{LinkError, Links, sysctl};
use nouns::IfName;
use rib::world::VirtualLink;
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::task::block_in_place;

use crate::run::Inbox;
use crate::system::System;

/// What the task does in its turn.
pub(crate) enum Order {
    /// Carry out a step.
    Step(StepId, Step),
    /// Tell what an earlier life has changed of the system.
    Held,
}

/// Starts the task that carries out steps one after the other: an address comes after the link that it stands on.
pub(crate) fn spawn(mut system: System, inbox: Inbox) -> UnboundedSender<Order> {
    let (sender, mut orders) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(order) = orders.recv().await {
            inbox.push(match order {
                Order::Step(id, step) => Event::StepDone(id, carry_out(&mut system, step).await),
                Order::Held => Event::Held(block_in_place(|| system.held())),
            });
        }
    });
    sender
}

/// Carries out a step; programs of the system may take their time, the runtime's other threads go on.
///
/// # Errors
/// What the kernel said, in words.
async fn carry_out(system: &mut System, step: Step) -> Result<(), String> {
    match step {
        step @ (Step::HostName { .. }
        | Step::TimeZone { .. }
        | Step::Account { .. }
        | Step::File { .. }
        | Step::Sysctl { .. }) => block_in_place(|| system.carry_out(&step)),
        Step::Balancer { .. } | Step::Listener { .. } | Step::Secret { .. } | Step::Routing => Ok(()),
        Step::Setting { name, setting, to, .. } => {
            sysctl::write_of_interface(setting.family, setting.table.word(), name.as_str(), setting.name, to.as_deref())
        }
        step @ (Step::Device { .. }
        | Step::Bridge { .. }
        | Step::Port { .. }
        | Step::Link { .. }
        | Step::Address { .. }
        | Step::Neighbor { .. }) => of_link(step).await.map_err(|error| error.to_string()),
    }
}

async fn of_link(step: Step) -> Result<(), LinkError> {
    let links = Links::open()?;
    match step {
        Step::Device { name, device, settings, create: true } => {
            let made = make(&links, &name, &device, &settings).await;
            if made.is_err() {
                // Half a link is none; what stood in the way is the error that matters.
                let _ = links.delete(&name, &device).await;
            }
            made
        }
        Step::Device { name, device, create: false, .. } => links.delete(&name, &device).await,
        Step::Bridge { name, to, .. } => links.set_bridge_settings(&name, &to).await,
        Step::Port { name, bridge, join } => links.set_bridge(&name, join.then_some(&bridge)).await,
        Step::Link { name, from, to } => {
            if from.mtu != to.mtu {
                links.set_mtu(&name, to.mtu).await?;
            }
            if from.alias != to.alias {
                links.set_alias(&name, &to.alias).await?;
            }
            if let (true, Some(mac)) = (from.mac != to.mac, to.mac) {
                links.set_mac(&name, mac).await?;
            }
            if from.up != to.up {
                links.set_admin_up(&name, to.up).await?;
            }
            Ok(())
        }
        Step::Address { name, address, add: true } => links.add_address(&name, address).await,
        Step::Address { name, address, add: false } => links.delete_address(&name, address).await,
        Step::Neighbor { name, host, to, .. } => links.set_neighbor(&name, host, to).await,
        Step::HostName { .. }
        | Step::Account { .. }
        | Step::File { .. }
        | Step::Sysctl { .. }
        | Step::TimeZone { .. }
        | Step::Setting { .. }
        | Step::Balancer { .. }
        | Step::Listener { .. }
        | Step::Secret { .. }
        | Step::Routing => Ok(()),
    }
}

/// Makes a link with all that it shall have from the beginning.
async fn make(links: &Links, name: &IfName, device: &VirtualLink, wish: &LinkSettings) -> Result<(), LinkError> {
    links.create(name, device, wish.mac).await?;
    links.set_mtu(name, wish.mtu).await?;
    if !wish.alias.is_empty() {
        links.set_alias(name, &wish.alias).await?;
    }
    links.set_admin_up(name, wish.up).await
}
