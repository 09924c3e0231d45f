//! AS paths: how long they are, who is in them, how they grow, how they are shown.
//!
//! Never decides whether a path is acceptable.

use std::fmt;

use nouns::Asn;

use super::{AsPath, Segment, SegmentKind};

/// Numbers in one segment (RFC 4271 §4.3: the count has one octet).
pub(crate) const SEGMENT_LIMIT: usize = 255;

impl AsPath {
    /// A path of one sequence; empty for no numbers. Longer ones are split into segments of 255.
    #[must_use]
    pub fn sequence(asns: &[Asn]) -> Self {
        let segment = |asns: &[Asn]| Segment { kind: SegmentKind::Sequence, asns: asns.to_vec() };
        Self(asns.chunks(SEGMENT_LIMIT).map(segment).collect())
    }

    /// The length that the decision process compares: a set counts one (RFC 4271 §9.1.2.2), segments of a
    /// confederation count nothing (RFC 5065 §5.3).
    #[must_use]
    pub fn length(&self) -> usize {
        self.0.iter().fold(0, |sum, segment| sum.saturating_add(segment.length()))
    }

    /// Whether a number is anywhere in the path, confederation segments included: the loop check.
    #[must_use]
    pub fn contains(&self, asn: Asn) -> bool {
        self.0.iter().any(|segment| segment.asns.contains(&asn))
    }

    /// The neighboring AS, for comparing MULTI_EXIT_DISC: the first number of the first sequence. `None` for a path
    /// that starts within the own AS or confederation and never leaves it, or that starts with a set.
    #[must_use]
    pub fn first(&self) -> Option<Asn> {
        let outside = self.0.iter().find(|segment| !segment.kind.is_confederation())?;
        if outside.kind == SegmentKind::Sequence { outside.asns.first().copied() } else { None }
    }

    /// The AS that originated the route: the last number, if it is in a sequence.
    #[must_use]
    pub fn origin(&self) -> Option<Asn> {
        self.0.last().filter(|segment| segment.kind == SegmentKind::Sequence)?.asns.last().copied()
    }

    /// Puts a number in front, in a new segment where the first one is full or not a sequence (RFC 4271 §5.1.2).
    pub fn prepend(&mut self, asn: Asn) {
        match self.0.first_mut() {
            Some(first) if first.kind == SegmentKind::Sequence && first.asns.len() < SEGMENT_LIMIT => {
                first.asns.insert(0, asn);
            }
            _ => self.0.insert(0, Segment { kind: SegmentKind::Sequence, asns: vec![asn] }),
        }
    }

    /// All numbers, segment by segment.
    pub fn asns(&self) -> impl Iterator<Item = Asn> + '_ {
        self.0.iter().flat_map(|segment| segment.asns.iter().copied())
    }
}

impl Segment {
    /// What the segment adds to the length of its path.
    pub(crate) fn length(&self) -> usize {
        match self.kind {
            SegmentKind::Sequence => self.asns.len(),
            SegmentKind::Set => 1,
            SegmentKind::ConfedSequence | SegmentKind::ConfedSet => 0,
        }
    }
}

impl SegmentKind {
    /// Whether the segment lives within a confederation only (RFC 5065).
    #[must_use]
    pub fn is_confederation(self) -> bool {
        matches!(self, Self::ConfedSequence | Self::ConfedSet)
    }
}

impl fmt::Display for AsPath {
    /// `64512 64513 {1,2} (65001 65002) [65003,65004]`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            let (open, between, close) = match segment.kind {
                SegmentKind::Sequence => ("", " ", ""),
                SegmentKind::Set => ("{", ",", "}"),
                SegmentKind::ConfedSequence => ("(", " ", ")"),
                SegmentKind::ConfedSet => ("[", ",", "]"),
            };
            f.write_str(open)?;
            for (index, asn) in segment.asns.iter().enumerate() {
                if index > 0 {
                    f.write_str(between)?;
                }
                write!(f, "{asn}")?;
            }
            f.write_str(close)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]
    use super::*;

    fn segment(kind: SegmentKind, asns: &[u32]) -> Segment {
        Segment { kind, asns: asns.iter().copied().map(Asn).collect() }
    }

    #[test]
    fn a_path_is_counted_and_shown_by_its_segments() {
        use SegmentKind::{ConfedSequence, ConfedSet, Sequence, Set};
        for (segments, length, first, shown) in [
            (vec![], 0, None, ""),
            (vec![segment(Sequence, &[64512, 64513])], 2, Some(64512), "64512 64513"),
            (vec![segment(Sequence, &[64512]), segment(Set, &[1, 2])], 2, Some(64512), "64512 {1,2}"),
            (vec![segment(ConfedSequence, &[65001, 65002])], 0, None, "(65001 65002)"),
            (vec![segment(ConfedSet, &[65001, 65002]), segment(Sequence, &[7])], 1, Some(7), "[65001,65002] 7"),
            (vec![segment(Set, &[1, 2]), segment(Sequence, &[7])], 2, None, "{1,2} 7"),
        ] {
            let path = AsPath(segments);
            assert_eq!(
                (path.length(), path.first().map(|asn| asn.0), path.to_string().as_str()),
                (length, first, shown)
            );
        }
    }

    #[test]
    fn prepending_starts_a_new_segment_when_the_first_is_full() {
        let mut path = AsPath::sequence(&[Asn(7); 255]);
        path.prepend(Asn(8));
        assert_eq!(path.0.len(), 2);
        assert_eq!((path.length(), path.first()), (256, Some(Asn(8))));
        path.prepend(Asn(9));
        assert_eq!(path.0[0].asns, [Asn(9), Asn(8)]);
    }

    #[test]
    fn prepending_to_a_set_leaves_the_set_alone() {
        let mut path = AsPath(vec![segment(SegmentKind::Set, &[1, 2])]);
        path.prepend(Asn(8));
        assert_eq!(path.to_string(), "8 {1,2}");
    }

    #[test]
    fn a_number_is_found_in_every_kind_of_segment() {
        let path = AsPath(vec![segment(SegmentKind::ConfedSequence, &[1]), segment(SegmentKind::Set, &[2, 3])]);
        assert!(path.contains(Asn(1)) && path.contains(Asn(3)) && !path.contains(Asn(4)));
        assert_eq!(path.origin(), None);
        assert_eq!(AsPath::sequence(&[Asn(1), Asn(2)]).origin(), Some(Asn(2)));
    }
}
