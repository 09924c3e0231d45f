//! ONLY_TO_CUSTOMER (RFC 9234 §5): the AS from which on a route goes down to customers only.
//!
//! It stands among the attributes that are passed on as they came, because few routes have it. Never decides who may
//! hear of a route.

use nouns::Asn;

use super::{PathAttributes, UnknownAttribute};

impl UnknownAttribute {
    /// The type code of ONLY_TO_CUSTOMER.
    pub const ONLY_TO_CUSTOMER: u8 = 35;
}

impl PathAttributes {
    /// The AS in ONLY_TO_CUSTOMER.
    #[must_use]
    pub fn only_to_customer(&self) -> Option<Asn> {
        let found = self.unknown.iter().find(|attribute| attribute.code == UnknownAttribute::ONLY_TO_CUSTOMER)?;
        let octets: [u8; 4] = found.value.as_slice().try_into().ok()?;
        Some(Asn(u32::from_be_bytes(octets)))
    }

    /// Adds ONLY_TO_CUSTOMER; one that is there stays as it is, as the RFC wants it.
    pub fn mark_only_to_customer(&mut self, asn: Asn) {
        if self.only_to_customer().is_some() {
            return;
        }
        let code = UnknownAttribute::ONLY_TO_CUSTOMER;
        let value = asn.0.to_be_bytes().to_vec();
        // Their order is that of their codes.
        let place = self.unknown.partition_point(|attribute| attribute.code < code);
        self.unknown.insert(place, UnknownAttribute { flags: 0xc0, code, value });
    }
}

#[cfg(test)]
mod tests {
    use super::super::Origin;
    use super::*;

    #[test]
    fn the_first_mark_stays() {
        let mut attributes = PathAttributes::new(Origin::Igp, [192, 0, 2, 1].into());
        attributes.unknown.push(UnknownAttribute { flags: 0xc0, code: 99, value: vec![1] });
        assert_eq!(attributes.only_to_customer(), None);
        attributes.mark_only_to_customer(Asn(64512));
        attributes.mark_only_to_customer(Asn(64513));
        assert_eq!(attributes.only_to_customer(), Some(Asn(64512)));
        assert!(attributes.unknown.is_sorted_by_key(|attribute| attribute.code));
    }
}
