//! Reads an UPDATE after RFC 7606: first the three parts, then each attribute within its own length, then the verdict.
//!
//! Whatever an attribute's value does, the cursor goes on at the attribute's declared end. Never lets a malformed
//! attribute cost more than its class says.

use std::borrow::Cow;
use std::sync::Arc;

use nouns::Family;

use super::draft::Draft;
use super::multiprotocol::Routes;
use super::nlri;
use super::opaque;
use super::table::{self, Attribute, FLAGS, Fault, MP_REACH, MP_UNREACH, OPTIONAL, TRANSITIVE};
use crate::Negotiated;
use crate::attribute::{NextHop, PathAttributes};
use crate::error::{AttributeError, ErrorClass, RAW_LIMIT, UpdateError};
use crate::family::AfiSafi;
use crate::message::{Nlri, Reach, Unreach, Update};
use crate::reader::Reader;

const IPV4: Family = Family::Ipv4Unicast;
/// Discarded attributes that are told of; a peer could repeat one twenty thousand times.
const DISCARDS_NOTED: usize = 32;

/// Decodes the body of an UPDATE.
pub(crate) fn decode(mut body: Reader<'_>, negotiated: &Negotiated) -> Result<Update, UpdateError> {
    let overrun = UpdateError::AttributeList;
    let withdrawn = sub16(&mut body).ok_or(overrun("the withdrawn routes overrun the message"))?;
    let attributes = sub16(&mut body).ok_or(overrun("the path attributes overrun the message"))?;
    let add_path = negotiated.add_path_receive.contains(&IPV4);
    let classic_is_empty = withdrawn.is_empty() && body.is_empty();
    let whole_is_empty = classic_is_empty && attributes.is_empty();

    let withdrawn = nlri::read_all(withdrawn, IPV4, add_path).map_err(UpdateError::Network)?;
    let announced = nlri::read_all(body, IPV4, add_path).map_err(UpdateError::Network)?;
    let mut findings = Findings::default();
    findings.read(attributes, negotiated)?;

    let mut update = Update::default();
    if whole_is_empty || (classic_is_empty && findings.is_end_marker()) {
        let family = if whole_is_empty { Some(IPV4) } else { findings.marked_family() };
        update.end_of_rib = family.filter(|family| negotiated.families.contains(family));
        update.errors = findings.errors;
        return Ok(update);
    }
    findings.judge(!announced.is_empty(), negotiated.martian_next_hops)?;
    findings.tell(withdrawn, announced, negotiated, &mut update);
    Ok(update)
}

fn sub16<'a>(reader: &mut Reader<'a>) -> Option<Reader<'a>> {
    let length = reader.u16()?;
    reader.sub(usize::from(length))
}

/// Everything that the attributes said, and everything that was wrong with them.
#[derive(Default)]
struct Findings {
    draft: Draft,
    errors: Vec<AttributeError>,
    seen: Seen,
    /// The list of attributes did not end where it should.
    torn: bool,
}

/// Type codes that have occurred.
#[derive(Default)]
struct Seen([u128; 2]);

impl Seen {
    fn has(&self, code: u8) -> bool {
        let [low, high] = self.0;
        let half = if code < 128 { low } else { high };
        half & (1 << (code & 127)) != 0
    }

    fn insert(&mut self, code: u8) {
        let [low, high] = &mut self.0;
        *(if code < 128 { low } else { high }) |= 1 << (code & 127);
    }

    /// Whether a code occurred other than the given one.
    fn has_other_than(&self, code: u8) -> bool {
        let mut only = Self::default();
        only.insert(code);
        self.0.iter().zip(only.0).any(|(all, one)| all & !one != 0)
    }
}

impl Findings {
    fn read(&mut self, mut list: Reader<'_>, negotiated: &Negotiated) -> Result<(), UpdateError> {
        while !list.is_empty() {
            let rest = list.rest();
            let Some(attribute) = table::next(&mut list) else {
                let code = rest.get(1).copied().unwrap_or(0);
                self.torn = true;
                self.note(code, ErrorClass::Withdraw, "overruns the path attributes", rest);
                return Ok(());
            };
            let code = attribute.code;
            if self.seen.has(code) {
                if matches!(code, MP_REACH | MP_UNREACH) {
                    return Err(UpdateError::AttributeList("a multiprotocol attribute came twice"));
                }
                self.note(code, ErrorClass::Discard, "came twice, the first one counts", attribute.raw);
                continue;
            }
            self.seen.insert(code);
            match table::find(code) {
                Some(row) => self.known(row, attribute, negotiated)?,
                None => self.unknown(attribute),
            }
        }
        Ok(())
    }

    fn known(
        &mut self,
        row: &table::Row,
        attribute: Attribute<'_>,
        negotiated: &Negotiated,
    ) -> Result<(), UpdateError> {
        if let Some(reason) = row.strange_to(negotiated) {
            self.note(row.code, ErrorClass::Discard, reason, attribute.raw);
            return Ok(());
        }
        if attribute.flags & FLAGS != row.flags {
            self.note(row.code, row.misflagged, "the optional or transitive flag is wrong", attribute.raw);
            if !matches!(row.code, MP_REACH | MP_UNREACH) {
                return Ok(());
            }
            // The routes are needed all the same, to be withdrawn.
        }
        let Err(Fault { class, reason }) = (row.decode)(attribute, negotiated, &mut self.draft) else {
            return Ok(());
        };
        match class.unwrap_or(row.malformed) {
            ErrorClass::Reset => {
                Err(UpdateError::Multiprotocol { code: row.code, reason, raw: attribute.raw.to_vec() })
            }
            class => {
                self.note(row.code, class, reason, attribute.raw);
                Ok(())
            }
        }
    }

    fn unknown(&mut self, attribute: Attribute<'_>) {
        let Attribute { flags, code, raw, .. } = attribute;
        if code == 0 {
            self.note(code, ErrorClass::Discard, "attribute type 0 is reserved", raw);
        } else if flags & OPTIONAL == 0 {
            // RFC 4271 §6.3 resets the session; withdrawing is what RFC 7606 does for all that is like it.
            self.note(code, ErrorClass::Withdraw, "claims to be well known", raw);
        } else if flags & TRANSITIVE != 0 {
            opaque::keep(attribute, &mut self.draft);
        }
    }

    fn note(&mut self, code: u8, class: ErrorClass, reason: impl Into<Cow<'static, str>>, raw: &[u8]) {
        if class == ErrorClass::Discard && self.errors.len() >= DISCARDS_NOTED {
            return;
        }
        let raw = raw.get(..RAW_LIMIT).unwrap_or(raw).to_vec();
        self.errors.push(AttributeError { code, class, reason: reason.into(), raw });
    }

    /// Whether the message holds an empty MP_UNREACH_NLRI and nothing else in its attributes (RFC 4724 §2).
    fn is_end_marker(&self) -> bool {
        let empty = match &self.draft.mp_unreach {
            Some(Routes::Of(_, (), routes)) => routes.is_empty(),
            Some(Routes::Ignored(_, any)) => !any,
            None => false,
        };
        empty && !self.torn && !self.seen.has_other_than(MP_UNREACH)
    }

    fn marked_family(&self) -> Option<Family> {
        match &self.draft.mp_unreach {
            Some(Routes::Of(family, ..)) => Some(*family),
            _ => None,
        }
    }

    /// Adds the faults that only the whole message shows.
    ///
    /// # Errors
    /// When routes ought to be withdrawn but there are none (RFC 7606 §5.2).
    fn judge(&mut self, classic: bool, martians: bool) -> Result<(), UpdateError> {
        let multiprotocol = match &self.draft.mp_reach {
            Some(Routes::Of(_, _, routes)) => !routes.is_empty(),
            Some(Routes::Ignored(_, any)) => *any,
            None => false,
        };
        let any = classic || multiprotocol;
        for (code, wanted) in [(1, any), (2, any), (3, classic)] {
            if wanted && !self.seen.has(code) {
                self.note(code, ErrorClass::Withdraw, "is missing", &[]);
            }
        }
        let classic_next_hop = self.draft.classic_next_hop().filter(|_| classic).map(|hop| (3, hop));
        let other_next_hop = match &self.draft.mp_reach {
            Some(Routes::Of(_, hop, routes)) if !routes.is_empty() => Some((MP_REACH, *hop)),
            _ => None,
        };
        for (code, hop) in [classic_next_hop, other_next_hop].into_iter().flatten() {
            if !martians && hop.is_martian() {
                let reason = format!("the next hop {} is not the address of a host", hop.address);
                self.note(code, ErrorClass::Withdraw, reason, &[]);
            }
        }
        let attributes = self.torn || self.seen.has_other_than(MP_UNREACH);
        match self.withdraws() {
            Some(error) if attributes && !classic && !multiprotocol => {
                Err(UpdateError::NothingToWithdraw(error.clone()))
            }
            _ => Ok(()),
        }
    }

    /// The first fault that costs the announced routes.
    fn withdraws(&self) -> Option<&AttributeError> {
        self.errors.iter().find(|error| error.class >= ErrorClass::Withdraw)
    }

    fn tell(&mut self, withdrawn: Vec<Nlri>, announced: Vec<Nlri>, negotiated: &Negotiated, update: &mut Update) {
        let withdraw = self.withdraws().is_some();
        let classic = negotiated.families.contains(&IPV4);
        let any = !withdrawn.is_empty() || !announced.is_empty();
        if any && !classic {
            self.note_ignored(0, IPV4.into());
        }
        if classic && !withdrawn.is_empty() {
            update.unreach.push(Unreach { family: IPV4, nlri: withdrawn });
        }
        match self.draft.mp_unreach.take() {
            Some(Routes::Of(family, (), nlri)) if !nlri.is_empty() => update.unreach.push(Unreach { family, nlri }),
            Some(Routes::Ignored(afi_safi, _)) => self.note_ignored(MP_UNREACH, afi_safi),
            _ => {}
        }
        let classic_routes = classic && !announced.is_empty();
        let classic_routes = classic_routes.then(|| (IPV4, self.draft.classic_next_hop(), announced));
        let other_routes = match self.draft.mp_reach.take() {
            Some(Routes::Of(family, hop, nlri)) if !nlri.is_empty() => Some((family, Some(hop), nlri)),
            Some(Routes::Ignored(afi_safi, _)) => {
                self.note_ignored(MP_REACH, afi_safi);
                None
            }
            _ => None,
        };
        update.errors = std::mem::take(&mut self.errors);
        let reached = classic_routes.into_iter().chain(other_routes);
        if withdraw {
            update.unreach.extend(reached.map(|(family, _, nlri)| Unreach { family, nlri }));
        } else {
            update.reach = share(&mut self.draft, reached);
        }
    }

    fn note_ignored(&mut self, code: u8, afi_safi: AfiSafi) {
        self.note(code, ErrorClass::Discard, format!("{afi_safi} is not negotiated"), &[]);
    }
}

/// One set of attributes for each next hop; routes without a next hop have been judged before.
fn share(draft: &mut Draft, reached: impl Iterator<Item = (Family, Option<NextHop>, Vec<Nlri>)>) -> Vec<Reach> {
    let mut all: Vec<Reach> = Vec::new();
    for (family, hop, nlri) in reached {
        let Some(next_hop) = hop else { continue };
        let attributes = match all.first() {
            None => draft.take_attributes(next_hop).map(Arc::new),
            Some(first) if first.attributes.next_hop == next_hop => Some(Arc::clone(&first.attributes)),
            Some(first) => Some(Arc::new(PathAttributes { next_hop, ..PathAttributes::clone(&first.attributes) })),
        };
        let Some(attributes) = attributes else { break };
        // There are hardly ever two.
        all.reserve_exact(1);
        all.push(Reach { family, attributes, nlri });
    }
    all
}
