//! What two neighbors are to each other, and which routes that keeps from whom (RFC 9234).
//!
//! Never looks at a policy: roles are the fence behind it.

use std::fmt;

use bgp_wire::attribute::PathAttributes;
use nouns::Asn;

/// What a speaker is to its neighbor (RFC 9234 §4.1); the values are those of the capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// It sells transit.
    Provider = 0,
    /// It is a route server.
    RouteServer = 1,
    /// It is the client of a route server.
    RouteServerClient = 2,
    /// It buys transit.
    Customer = 3,
    /// Each hears of the other's customers only.
    Peer = 4,
}

/// Why a route has to stop here: it was on its way to customers, and this is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leak(pub Asn);

const ALL: [Role; 5] = [Role::Provider, Role::RouteServer, Role::RouteServerClient, Role::Customer, Role::Peer];

impl Role {
    /// The value in the capability.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The role with a value.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        ALL.into_iter().find(|role| role.code() == code)
    }

    /// The role of the other side (RFC 9234 §4.2).
    #[must_use]
    pub fn counterpart(self) -> Self {
        match self {
            Self::Provider => Self::Customer,
            Self::Customer => Self::Provider,
            Self::RouteServer => Self::RouteServerClient,
            Self::RouteServerClient => Self::RouteServer,
            Self::Peer => Self::Peer,
        }
    }

    /// Routes of the neighbor go on to customers only.
    fn looks_down(self) -> bool {
        matches!(self, Self::Customer | Self::Peer | Self::RouteServerClient)
    }

    /// The neighbor gets routes that go on to customers only.
    fn marks(self) -> bool {
        matches!(self, Self::Provider | Self::Peer | Self::RouteServer)
    }

    /// Whether a route that came from `neighbor` was leaked (RFC 9234 §5, ingress 1 and 2).
    ///
    /// # Errors
    /// The AS from which on it was to go to customers only.
    pub(crate) fn admit(self, attributes: &PathAttributes, neighbor: Asn) -> Result<(), Leak> {
        match (self, attributes.only_to_customer()) {
            (Self::Provider | Self::RouteServer, Some(marked)) => Err(Leak(marked)),
            (Self::Peer, Some(marked)) if marked != neighbor => Err(Leak(marked)),
            _ => Ok(()),
        }
    }

    /// Whether a route that came from this neighbor gets the mark here (RFC 9234 §5, ingress 3).
    pub(crate) fn marks_received(self, attributes: &PathAttributes) -> bool {
        self.looks_down() && attributes.only_to_customer().is_none()
    }

    /// Whether the neighbor may hear of a route (RFC 9234 §5, egress 2).
    ///
    /// # Errors
    /// The AS from which on it goes to customers only.
    pub(crate) fn release(self, attributes: &PathAttributes) -> Result<(), Leak> {
        match attributes.only_to_customer() {
            Some(marked) if self.looks_down() => Err(Leak(marked)),
            _ => Ok(()),
        }
    }

    /// Marks a route on its way out (RFC 9234 §5, egress 1).
    pub(crate) fn mark_sent(self, attributes: &mut PathAttributes, own: Asn) {
        if self.marks() {
            attributes.mark_only_to_customer(own);
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Provider => "provider",
            Self::RouteServer => "rs-server",
            Self::RouteServerClient => "rs-client",
            Self::Customer => "customer",
            Self::Peer => "peer",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_counterparts_go_both_ways() {
        for (role, code, other) in [
            (Role::Provider, 0, Role::Customer),
            (Role::RouteServer, 1, Role::RouteServerClient),
            (Role::RouteServerClient, 2, Role::RouteServer),
            (Role::Customer, 3, Role::Provider),
            (Role::Peer, 4, Role::Peer),
        ] {
            assert_eq!((role.code(), Role::from_code(code)), (code, Some(role)));
            assert_eq!((role.counterpart(), other.counterpart()), (other, role));
        }
        assert_eq!(Role::from_code(5), None);
    }
}
