//! Outbound route filters by prefix in ROUTE-REFRESH (RFC 5291 §4, RFC 5292 §3): what a peer wants to hear.
//!
//! Filters of other types are passed over. Never applies one.

use nouns::{Family, Prefix};

use crate::message::Nlri;
use crate::reader::Reader;
use crate::update::nlri::{read_prefix, write};
use crate::writer::Writer;

/// Address Prefix ORF (RFC 5292 §2).
pub(crate) const PREFIX_TYPE: u8 = 64;
const IMMEDIATE: u8 = 1;
const DEFER: u8 = 2;

/// The filters of one ROUTE-REFRESH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filters {
    /// The routes are wanted again at once; else with the next request.
    pub immediate: bool,
    /// In the order in which they came.
    pub changes: Vec<FilterChange>,
}

/// One change of the list that a peer keeps of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterChange {
    /// An entry joins the list.
    Add(FilterEntry),
    /// The entry with this sequence number goes.
    Remove(u32),
    /// The list is empty, and accepts everything.
    RemoveAll,
}

/// An entry of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilterEntry {
    /// Entries are tried in this order.
    pub sequence: u32,
    /// What becomes of a route that matches.
    pub permit: bool,
    /// What holds the route's prefix.
    pub prefix: Prefix,
    /// The least length, where it is not the prefix's own.
    pub least: Option<u8>,
    /// The greatest length, where it is not the least one, or any.
    pub most: Option<u8>,
}

impl FilterEntry {
    /// The least and the greatest length that match, as in a prefix list.
    #[must_use]
    pub fn lengths(&self) -> (u8, u8) {
        let longest = Family::of(self.prefix.address()).bits();
        match (self.least, self.most) {
            (None, None) => (self.prefix.length(), self.prefix.length()),
            (Some(least), None) => (least, longest),
            (least, Some(most)) => (least.unwrap_or(self.prefix.length()), most),
        }
    }
}

impl Filters {
    /// What follows the fixed part of the message; `None` when lengths contradict each other.
    pub(crate) fn read(mut body: Reader<'_>, family: Family) -> Option<Self> {
        let immediate = match body.u8()? {
            IMMEDIATE => true,
            DEFER => false,
            _ => return None,
        };
        let mut changes = Vec::new();
        while !body.is_empty() {
            let (kind, length) = (body.u8()?, body.u16()?);
            let mut entries = body.sub(usize::from(length))?;
            while kind == PREFIX_TYPE && !entries.is_empty() {
                changes.push(read_change(&mut entries, family)?);
            }
        }
        Some(Self { immediate, changes })
    }

    pub(crate) fn write(&self, writer: &mut Writer<'_>) {
        writer.u8(if self.immediate { IMMEDIATE } else { DEFER });
        let mut entries = Vec::new();
        for change in &self.changes {
            write_change(*change, &mut Writer::new(&mut entries));
        }
        if !entries.is_empty() {
            writer.u8(PREFIX_TYPE);
            writer.u16(u16::try_from(entries.len()).unwrap_or(u16::MAX));
            writer.bytes(&entries);
        }
    }
}

/// Action in two bits, then one that denies (RFC 5291 §4).
fn read_change(entries: &mut Reader<'_>, family: Family) -> Option<FilterChange> {
    let head = entries.u8()?;
    if head >> 6 == 2 {
        return Some(FilterChange::RemoveAll);
    }
    let (sequence, least, most) = (entries.u32()?, entries.u8()?, entries.u8()?);
    let prefix = read_prefix(entries, family).ok()?;
    let bound = |length: u8| Some(length).filter(|length| *length != 0);
    let entry = FilterEntry { sequence, permit: head & 0x20 == 0, prefix, least: bound(least), most: bound(most) };
    match head >> 6 {
        0 => Some(FilterChange::Add(entry)),
        1 => Some(FilterChange::Remove(sequence)),
        _ => None,
    }
}

fn write_change(change: FilterChange, writer: &mut Writer<'_>) {
    let (action, entry) = match change {
        FilterChange::RemoveAll => return writer.u8(2 << 6),
        FilterChange::Add(entry) => (0, entry),
        FilterChange::Remove(sequence) => {
            let prefix = Prefix::DEFAULT_V4;
            (1 << 6, FilterEntry { sequence, permit: true, prefix, least: None, most: None })
        }
    };
    writer.u8(action | if entry.permit { 0 } else { 0x20 });
    writer.u32(entry.sequence);
    writer.u8(entry.least.unwrap_or(0));
    writer.u8(entry.most.unwrap_or(0));
    write(Nlri { prefix: entry.prefix, path_id: 0 }, false, writer);
}
