//! Changes of interfaces that a configuration asks for: made and deleted, up or down, MTU, description, addresses.
//!
//! Rare and small, so they go through `rtnetlink`. Every step can be repeated: what is already so is done.
//! Never decides which interface is to change, and deletes only what is of our group.

mod devices;

use futures_util::TryStreamExt;
use netlink_packet_route::link::LinkMessage;
use nouns::{IfName, InterfaceAddress};
use rtnetlink::{Error, Handle, LinkMessageBuilder, LinkUnspec};

use crate::socket::errno_words;

/// Why an interface could not be changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// `ENODEV`
    #[error("interface {0} does not exist; 'show interfaces' lists those that do")]
    NoSuchInterface(IfName),
    /// `EPERM`
    #[error("interface {0} cannot be changed without CAP_NET_ADMIN; start the daemon as root")]
    NotPermitted(IfName),
    /// `EOPNOTSUPP` for a new interface of this kind.
    #[error("{}", crate::features::no_such_kind(.0))]
    NoSuchKind(String),
    /// The kernel refused what was wanted.
    #[error("interface {interface}: {action} was refused: {reason}")]
    Refused {
        /// The interface.
        interface: IfName,
        /// `mtu 100`, `address 192.0.2.1/24`
        action: String,
        /// `errno`, positive; 0 when the kernel gave none.
        errno: i32,
        /// In words.
        reason: String,
    },
    /// No answer could be had.
    #[error("the kernel cannot be asked to change interfaces: {0}")]
    Unreachable(String),
}

/// The door to the kernel's interfaces.
#[derive(Clone, Debug)]
pub struct Links {
    handle: Handle,
}

impl Links {
    /// Opens a socket in the network namespace of the calling thread and serves it with a task of its own,
    /// so it has to be called within a tokio runtime with IO.
    ///
    /// # Errors
    /// When the kernel gives no netlink socket.
    pub fn open() -> Result<Self, LinkError> {
        let (connection, handle, _) =
            rtnetlink::new_connection().map_err(|error| LinkError::Unreachable(error.to_string()))?;
        tokio::spawn(connection);
        Ok(Self { handle })
    }

    /// Sets an interface administratively up or down.
    ///
    /// # Errors
    /// When there is no such interface or the kernel refuses.
    pub async fn set_admin_up(&self, interface: &IfName, up: bool) -> Result<(), LinkError> {
        let change = by_name(interface);
        let (change, action) = if up { (change.up(), "up") } else { (change.down(), "down") };
        self.set(interface, action.into(), change.build()).await
    }

    /// Sets the MTU in octets.
    ///
    /// # Errors
    /// When there is no such interface or its driver does not take the size.
    pub async fn set_mtu(&self, interface: &IfName, mtu: u32) -> Result<(), LinkError> {
        self.set(interface, format!("mtu {mtu}"), by_name(interface).mtu(mtu).build()).await
    }

    /// Sets the description (`IFLA_IFALIAS`, at most 255 octets); an empty one takes it away.
    ///
    /// # Errors
    /// When there is no such interface or the description is too long.
    pub async fn set_alias(&self, interface: &IfName, alias: &str) -> Result<(), LinkError> {
        self.set(interface, "description".into(), by_name(interface).alias(alias).build()).await
    }

    /// Adds an address; done if it is there.
    ///
    /// # Errors
    /// When there is no such interface or the kernel refuses the address.
    pub async fn add_address(&self, interface: &IfName, address: InterfaceAddress) -> Result<(), LinkError> {
        let index = self.index(interface).await?;
        let answer = self.handle.address().add(index, address.address(), address.length()).execute().await;
        match answer {
            Err(error) if errno_of(&error) == libc::EEXIST => Ok(()),
            other => other.map_err(|error| refusal(interface, format!("address {address}"), &error)),
        }
    }

    /// Deletes an address; done if it is not there, or the interface is not.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub async fn delete_address(&self, interface: &IfName, address: InterfaceAddress) -> Result<(), LinkError> {
        let index = match self.index(interface).await {
            Err(LinkError::NoSuchInterface(_)) => return Ok(()),
            other => other?,
        };
        let add = &mut self.handle.address().add(index, address.address(), address.length());
        let answer = self.handle.address().del(add.message_mut().clone()).execute().await;
        match answer {
            Err(error) if errno_of(&error) == libc::EADDRNOTAVAIL => Ok(()),
            other => other.map_err(|error| refusal(interface, format!("deleting address {address}"), &error)),
        }
    }

    async fn set(&self, interface: &IfName, action: String, change: LinkMessage) -> Result<(), LinkError> {
        let answer = self.handle.link().set(change).execute().await;
        answer.map_err(|error| refusal(interface, action, &error))
    }

    async fn index(&self, interface: &IfName) -> Result<u32, LinkError> {
        Ok(self.look_up(interface).await?.header.index)
    }

    async fn look_up(&self, interface: &IfName) -> Result<LinkMessage, LinkError> {
        let mut links = self.handle.link().get().match_name(interface.as_str().to_owned()).execute();
        match links.try_next().await {
            Ok(Some(link)) => Ok(link),
            Ok(None) => Err(LinkError::NoSuchInterface(interface.clone())),
            Err(error) => Err(refusal(interface, "looking it up".into(), &error)),
        }
    }
}

fn by_name(interface: &IfName) -> LinkMessageBuilder<LinkUnspec> {
    LinkUnspec::new_with_name(interface.as_str())
}

fn errno_of(error: &Error) -> i32 {
    match error {
        Error::NetlinkError(answer) => answer.raw_code().saturating_neg(),
        _ => 0,
    }
}

fn refusal(interface: &IfName, mut action: String, error: &Error) -> LinkError {
    match errno_of(error) {
        libc::ENODEV => LinkError::NoSuchInterface(interface.clone()),
        libc::EPERM if action != "up" => LinkError::NotPermitted(interface.clone()),
        libc::EOPNOTSUPP if action.starts_with("create ") => LinkError::NoSuchKind(action.split_off(7)),
        0 => LinkError::Unreachable(error.to_string()),
        errno => LinkError::Refused { interface: interface.clone(), reason: words(&action, errno), action, errno },
    }
}

/// The usual refusals in words that say what to do; else those of the C library.
fn words(action: &str, errno: i32) -> String {
    match errno {
        libc::EINVAL if action.starts_with("mtu") => "the interface does not take this size".into(),
        libc::EINVAL if action.starts_with("description") => "it is longer than 255 octets".into(),
        libc::ERANGE if action.starts_with("mtu") => "the interface that it is a VLAN of has a smaller one".into(),
        libc::EACCES if action.starts_with("address") => "IPv6 is disabled on the interface".into(),
        libc::EBUSY => "the interface is in use by something else".into(),
        errno => errno_words(errno),
    }
}
