//! What a neighbor at 192.0.2.2 sends, as octets.
//!
//! Only what the wire crate cannot make in one call stands here.

use bgp_wire::capability::Capability;
use bgp_wire::message::{Message, Open};
use nouns::{Asn, Family};

/// ORIGIN, an empty AS_PATH, NEXT_HOP 192.0.2.2 and LOCAL_PREF 100: 21 octets.
pub(super) const ATTRIBUTES: &[u8] = &[64, 1, 1, 0, 64, 2, 0, 64, 3, 4, 192, 0, 2, 2, 64, 5, 4, 0, 0, 0, 100];

/// An OPEN of AS 64512 with both families and graceful restart.
pub(super) fn open() -> Vec<u8> {
    let families = Family::ALL.map(|family| (family, true)).to_vec();
    let restart = Capability::GracefulRestart { restarting: false, notification: true, time: 30, families };
    open_with(Some(restart))
}

/// The same, with graceful restart or something else at its end, or nothing.
pub(super) fn open_with(last: Option<Capability>) -> Vec<u8> {
    let asn: Asn = "64512".parse().unwrap();
    let mut capabilities: Vec<Capability> = Family::ALL.map(Capability::multiprotocol).to_vec();
    capabilities.push(Capability::FourOctetAs(asn));
    capabilities.extend(last);
    let open = Open { asn, hold_time: 9, router_id: [2, 2, 2, 2].into(), capabilities };
    let mut octets = Vec::new();
    Message::Open(open).encode(&bgp_wire::Negotiated::default(), &mut octets).unwrap();
    octets
}

/// A message of a type with a body.
pub(super) fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut octets = vec![255; 16];
    octets.extend(u16::try_from(19 + body.len()).unwrap().to_be_bytes());
    octets.push(kind);
    octets.extend(body);
    octets
}
