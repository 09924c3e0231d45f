//! Links that are made and deleted, ports of bridges, and hardware addresses.
//!
//! What we make carries our group from its first moment. Never deletes a link that does not.

use std::net::IpAddr;

use netlink_packet_route::link::{
    BridgeStpState, InfoBridge, InfoData, InfoKind, InfoVlan, LinkAttribute, LinkInfo, LinkMessage, VlanFlags,
};
use netlink_packet_route::neighbour::NeighbourState;
use nouns::{IfName, MacAddress};
use rib::world::{BridgeSettings, LINK_GROUP_TOWPATH, VirtualLink};

use super::{LinkError, Links, by_name, errno_of, refusal};

impl Links {
    /// Makes a link, down and without addresses; done if there is one of this name, group and kind. Its size is set
    /// behind that, because a bridge would forget one that it had from the beginning.
    ///
    /// # Errors
    /// When the kernel does not have the kind, or refuses.
    pub async fn create(
        &self,
        interface: &IfName,
        link: &VirtualLink,
        mac: Option<MacAddress>,
    ) -> Result<(), LinkError> {
        let mut message = LinkMessage::default();
        let wanted = &mut message.attributes;
        wanted.push(LinkAttribute::IfName(interface.to_string()));
        wanted.push(LinkAttribute::Group(LINK_GROUP_TOWPATH));
        wanted.extend(mac.map(|mac| LinkAttribute::Address(mac.octets().to_vec())));
        let info = match link {
            VirtualLink::Dummy => vec![LinkInfo::Kind(InfoKind::Dummy)],
            VirtualLink::Bridge(settings) => bridge_info(settings),
            VirtualLink::Vif { parent, id } => {
                wanted.push(LinkAttribute::Link(self.index(parent).await?));
                // Whether the link is up is then its own affair, and not its parent's.
                let loose = VlanFlags::LooseBinding;
                let data = vec![InfoVlan::Id(*id), InfoVlan::Flags((loose, loose))];
                vec![LinkInfo::Kind(InfoKind::Vlan), LinkInfo::Data(InfoData::Vlan(data))]
            }
        };
        wanted.push(LinkAttribute::LinkInfo(info));
        match self.handle.link().add(message).execute().await {
            Err(error) if errno_of(&error) == libc::EEXIST && self.is_ours(interface, link).await? => Ok(()),
            other => other.map_err(|error| refusal(interface, format!("create {}", link.word()), &error)),
        }
    }

    /// Deletes a link that we made; done if there is none of this name.
    ///
    /// # Errors
    /// When the link is somebody else's or the kernel refuses.
    pub async fn delete(&self, interface: &IfName, link: &VirtualLink) -> Result<(), LinkError> {
        let action = || "deleting it".to_owned();
        match self.is_ours(interface, link).await {
            Err(LinkError::NoSuchInterface(_)) => return Ok(()),
            Ok(false) => {
                let reason = "somebody else made it".to_owned();
                return Err(LinkError::Refused { interface: interface.clone(), action: action(), errno: 0, reason });
            }
            other => drop(other?),
        }
        match self.handle.link().del(self.index(interface).await?).execute().await {
            Err(error) if errno_of(&error) == libc::ENODEV => Ok(()),
            other => other.map_err(|error| refusal(interface, action(), &error)),
        }
    }

    /// Makes an interface a port of a bridge, or takes it out of the one that it is in.
    ///
    /// # Errors
    /// When one of them is not there or the kernel refuses.
    pub async fn set_bridge(&self, interface: &IfName, bridge: Option<&IfName>) -> Result<(), LinkError> {
        let index = match bridge {
            Some(bridge) => self.index(bridge).await?,
            None => 0,
        };
        let action = bridge.map_or("leaving its bridge".to_owned(), |bridge| format!("joining {bridge}"));
        self.set(interface, action, by_name(interface).controller(index).build()).await
    }

    /// Changes how a bridge works.
    ///
    /// # Errors
    /// When it is not there or the kernel refuses a value.
    pub async fn set_bridge_settings(&self, interface: &IfName, settings: &BridgeSettings) -> Result<(), LinkError> {
        let mut message = LinkMessage::default();
        message.header.index = self.index(interface).await?;
        message.attributes.push(LinkAttribute::LinkInfo(bridge_info(settings)));
        let answer = self.handle.link().change(message).execute().await;
        answer.map_err(|error| refusal(interface, "settings of the bridge".into(), &error))
    }

    /// Sets the hardware address.
    ///
    /// # Errors
    /// When the interface is not there or its driver refuses.
    pub async fn set_mac(&self, interface: &IfName, mac: MacAddress) -> Result<(), LinkError> {
        let change = by_name(interface).address(mac.octets().to_vec()).build();
        self.set(interface, format!("hardware address {mac}"), change).await
    }

    /// Says which hardware address a host on a link has, for good (`NUD_PERMANENT`), or takes that back; done if
    /// nobody said so, or the link is gone.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub async fn set_neighbor(
        &self,
        interface: &IfName,
        host: IpAddr,
        mac: Option<MacAddress>,
    ) -> Result<(), LinkError> {
        let index = match (self.index(interface).await, mac) {
            (Err(LinkError::NoSuchInterface(_)), None) => return Ok(()),
            (index, _) => index?,
        };
        let mut entry = self.handle.neighbours().add(index, host).state(NeighbourState::Permanent);
        let answer = match mac {
            Some(mac) => entry.link_layer_address(&mac.octets()).replace().execute().await,
            None => self.handle.neighbours().del(entry.message_mut().clone()).execute().await,
        };
        match answer {
            Err(error) if mac.is_none() && errno_of(&error) == libc::ENOENT => Ok(()),
            other => other.map_err(|error| refusal(interface, format!("hardware address of {host}"), &error)),
        }
    }

    /// Whether a link is one that we made, and of this kind.
    async fn is_ours(&self, interface: &IfName, link: &VirtualLink) -> Result<bool, LinkError> {
        let message = self.look_up(interface).await?;
        let ours = message.attributes.contains(&LinkAttribute::Group(LINK_GROUP_TOWPATH));
        let kind = match link {
            VirtualLink::Bridge(_) => InfoKind::Bridge,
            VirtualLink::Dummy => InfoKind::Dummy,
            VirtualLink::Vif { .. } => InfoKind::Vlan,
        };
        let of_kind = |attribute: &LinkAttribute| matches!(attribute, LinkAttribute::LinkInfo(info) if info.contains(&LinkInfo::Kind(kind.clone())));
        Ok(ours && message.attributes.iter().any(of_kind))
    }
}

fn bridge_info(settings: &BridgeSettings) -> Vec<LinkInfo> {
    let stp = if settings.stp { BridgeStpState::KernelStp } else { BridgeStpState::Disabled };
    // The kernel holds the timers to their bounds only while the protocol runs, so it comes last.
    let data = vec![
        InfoBridge::AgeingTime(settings.aging),
        InfoBridge::ForwardDelay(settings.forwarding_delay),
        InfoBridge::HelloTime(settings.hello_time),
        InfoBridge::MaxAge(settings.max_age),
        InfoBridge::Priority(settings.priority),
        InfoBridge::StpState(stp),
    ];
    vec![LinkInfo::Kind(InfoKind::Bridge), LinkInfo::Data(InfoData::Bridge(data))]
}
