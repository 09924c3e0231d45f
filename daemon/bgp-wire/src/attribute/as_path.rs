//! AS paths: how they are kept, how long they are, who is in them, how they grow, how they are shown.
//!
//! A usual path, one sequence of few numbers, is kept in place; any other one is a single row of words in memory of
//! its own. Never decides whether a path is acceptable.

use std::fmt;
use std::hash::{Hash, Hasher};

use nouns::Asn;
use thin_vec::ThinVec;

/// Numbers in one segment (RFC 4271 §4.3: the count has one octet).
const SEGMENT_LIMIT: usize = 255;
/// Numbers of a sequence that is kept in place; most paths of the Internet are no longer.
const SHORT: usize = 5;

/// The kind of an AS_PATH segment (RFC 4271 §4.3, RFC 5065 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SegmentKind {
    /// AS_SET
    Set,
    /// AS_SEQUENCE
    Sequence,
    /// AS_CONFED_SEQUENCE
    ConfedSequence,
    /// AS_CONFED_SET
    ConfedSet,
}

/// One segment of an AS_PATH: 1 to 255 numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Its kind.
    pub kind: SegmentKind,
    /// Its numbers, nearest first.
    pub asns: &'a [Asn],
}

/// AS_PATH (RFC 4271 §5.1.2). It is made of segments by `collect`, and of one sequence by [`AsPath::sequence`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AsPath(Form);

/// Equal paths have equal forms: what can be `Short` is never `Long`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    /// One sequence, or nothing; numbers behind the count are zero.
    Short { count: u8, asns: [Asn; SHORT] },
    /// Segments of any kind and number.
    Long {
        /// What `AsPath::length` says.
        length: u32,
        /// What `AsPath::first` says.
        first: Option<Asn>,
        /// Each segment as a head, then its numbers.
        words: ThinVec<Asn>,
    },
}

impl Default for AsPath {
    fn default() -> Self {
        Self(Form::Short { count: 0, asns: [Asn(0); SHORT] })
    }
}

impl Hash for Form {
    /// Two numbers at a time.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let pair = |one: Asn, other: Asn| u64::from(one.0) << 32 | u64::from(other.0);
        match self {
            Self::Short { count, asns: [a, b, c, d, e] } => {
                state.write_u64(pair(*a, *b));
                state.write_u64(pair(*c, *d));
                state.write_u64(pair(*e, Asn(u32::from(*count))));
            }
            Self::Long { words, .. } => words.hash(state),
        }
    }
}

impl<'a> FromIterator<Segment<'a>> for AsPath {
    /// Segments of more than 255 numbers become several, empty ones none.
    fn from_iter<I: IntoIterator<Item = Segment<'a>>>(segments: I) -> Self {
        let mut builder = Builder::default();
        segments.into_iter().for_each(|segment| builder.push(segment));
        builder.finish()
    }
}

impl AsPath {
    /// A path of one sequence; empty for no numbers. Longer ones are split into segments of 255.
    #[must_use]
    pub fn sequence(asns: &[Asn]) -> Self {
        Self::short(asns.iter().copied())
            .unwrap_or_else(|| [Segment { kind: SegmentKind::Sequence, asns }].into_iter().collect())
    }

    /// A sequence that fits in place.
    pub(crate) fn short(numbers: impl ExactSizeIterator<Item = Asn>) -> Option<Self> {
        let count = u8::try_from(numbers.len()).ok().filter(|count| usize::from(*count) <= SHORT)?;
        let mut asns = [Asn(0); SHORT];
        asns.iter_mut().zip(numbers).for_each(|(to, from)| *to = from);
        Some(Self(Form::Short { count, asns }))
    }

    /// Its segments, nearest first.
    #[must_use]
    pub fn segments(&self) -> Segments<'_> {
        match &self.0 {
            Form::Short { count, asns } => Segments { short: asns.get(..usize::from(*count)), words: &[] },
            Form::Long { words, .. } => Segments { short: None, words },
        }
    }

    /// Whether there is no segment at all: the route began in the own AS.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self.0, Form::Short { count: 0, .. })
    }

    /// The length that the decision process compares: a set counts one (RFC 4271 §9.1.2.2), segments of a
    /// confederation count nothing (RFC 5065 §5.3).
    #[must_use]
    pub fn length(&self) -> usize {
        match &self.0 {
            Form::Short { count, .. } => usize::from(*count),
            Form::Long { length, .. } => usize::try_from(*length).unwrap_or(usize::MAX),
        }
    }

    /// What the segments of a confederation would add to the length, were they counted.
    #[must_use]
    pub fn confederation_length(&self) -> usize {
        match &self.0 {
            Form::Short { .. } => 0,
            Form::Long { .. } => self.segments().fold(0, |sum: usize, segment| {
                sum.saturating_add(match segment.kind {
                    SegmentKind::ConfedSequence => segment.asns.len(),
                    SegmentKind::ConfedSet => 1,
                    SegmentKind::Sequence | SegmentKind::Set => 0,
                })
            }),
        }
    }

    /// The neighboring member of the confederation, where the path begins with one.
    #[must_use]
    pub fn first_member(&self) -> Option<Asn> {
        let first = self.segments().next().filter(|segment| segment.kind == SegmentKind::ConfedSequence)?;
        first.asns.first().copied()
    }

    /// Whether a number is anywhere in the path, confederation segments included: the loop check.
    #[must_use]
    pub fn contains(&self, asn: Asn) -> bool {
        self.segments().any(|segment| segment.asns.contains(&asn))
    }

    /// The neighboring AS, for comparing MULTI_EXIT_DISC: the first number of the first sequence. `None` for a path
    /// that starts within the own AS or confederation and never leaves it, or that starts with a set.
    #[must_use]
    pub fn first(&self) -> Option<Asn> {
        match &self.0 {
            Form::Short { count: 0, .. } => None,
            Form::Short { asns: [first, ..], .. } => Some(*first),
            Form::Long { first, .. } => *first,
        }
    }

    /// The AS that originated the route: the last number, if it is in a sequence.
    #[must_use]
    pub fn origin(&self) -> Option<Asn> {
        self.segments().last().filter(|segment| segment.kind == SegmentKind::Sequence)?.asns.last().copied()
    }

    /// The origin that the RPKI is asked about (RFC 6811 §2): the own AS where the path never left it or its
    /// confederation, none where it ends with a set.
    #[must_use]
    pub fn validated_origin(&self, own: Asn) -> Option<Asn> {
        match self.segments().last() {
            Some(Segment { kind: SegmentKind::Sequence, asns }) => asns.last().copied(),
            Some(Segment { kind: SegmentKind::Set, .. }) => None,
            Some(_) | None => Some(own),
        }
    }

    /// All numbers of a path without its confederation's; none where there is a set among them.
    #[must_use]
    pub fn hops(&self) -> Option<Vec<Asn>> {
        let outside = || self.segments().filter(|segment| !segment.kind.is_confederation());
        let sequences = outside().all(|segment| segment.kind == SegmentKind::Sequence);
        sequences.then(|| outside().flat_map(|segment| segment.asns.iter().copied()).collect())
    }

    /// Puts a number in front, in a new segment where the first one is full or not a sequence (RFC 4271 §5.1.2).
    pub fn prepend(&mut self, asn: Asn) {
        let own = std::slice::from_ref(&asn);
        let mut rest = self.segments();
        let joined = match rest.clone().next() {
            None => Self::short(std::iter::once(asn)),
            Some(Segment { kind: SegmentKind::Sequence, asns }) if asns.len() < SHORT && rest.is_last() => {
                let mut longer = [asn; SHORT];
                longer.iter_mut().skip(1).zip(asns).for_each(|(to, from)| *to = *from);
                Self::short(longer.into_iter().take(asns.len().saturating_add(1)))
            }
            Some(_) => None,
        };
        let path = joined.unwrap_or_else(|| {
            let mut builder = Builder::default();
            builder.push(Segment { kind: SegmentKind::Sequence, asns: own });
            if let Some(first) = rest.next() {
                builder.join(first);
            }
            rest.for_each(|segment| builder.push(segment));
            builder.finish()
        });
        *self = path;
    }

    /// Puts the AS of a member of a confederation in front (RFC 5065 §4.1), in a new segment where the first one is full
    /// or not a sequence of members.
    pub fn prepend_member(&mut self, asn: Asn) {
        let mut builder = Builder::default();
        let mut rest = self.segments();
        let front = rest.clone().next().filter(|segment| segment.kind == SegmentKind::ConfedSequence);
        let mut members = vec![asn];
        if let Some(front) = front.filter(|front| front.asns.len() < SEGMENT_LIMIT) {
            members.extend_from_slice(front.asns);
            rest.next();
        }
        builder.push(Segment { kind: SegmentKind::ConfedSequence, asns: &members });
        rest.for_each(|segment| builder.push(segment));
        *self = builder.finish();
    }

    /// Leaves out what has a meaning within a confederation only.
    pub fn drop_confederations(&mut self) {
        if self.segments().any(|segment| segment.kind.is_confederation()) {
            *self = self.segments().filter(|segment| !segment.kind.is_confederation()).collect();
        }
    }

    /// Whether the order of some numbers is unknown: AS_SET or AS_CONFED_SET.
    #[must_use]
    pub fn has_sets(&self) -> bool {
        let is_set = |segment: Segment<'_>| matches!(segment.kind, SegmentKind::Set | SegmentKind::ConfedSet);
        match &self.0 {
            Form::Short { .. } => false,
            Form::Long { .. } => self.segments().any(is_set),
        }
    }

    /// How often a number is in the path, in the kinds of segments that are asked for.
    #[must_use]
    pub fn count(&self, asn: Asn, wanted: impl Fn(SegmentKind) -> bool) -> usize {
        let segments = self.segments().filter(|segment| wanted(segment.kind));
        segments.flat_map(|segment| segment.asns).filter(|other| **other == asn).count()
    }

    /// Puts a number wherever another one was.
    pub fn replace(&mut self, from: Asn, to: Asn) {
        if !self.contains(from) {
            return;
        }
        let mut builder = Builder::default();
        for segment in self.segments() {
            let asns: Vec<Asn> = segment.asns.iter().map(|asn| if *asn == from { to } else { *asn }).collect();
            builder.push(Segment { kind: segment.kind, asns: &asns });
        }
        *self = builder.finish();
    }

    /// Leaves out numbers, and segments that have none left.
    pub fn retain(&mut self, mut keep: impl FnMut(Asn) -> bool) {
        let mut builder = Builder::default();
        for segment in self.segments() {
            let kept: Vec<Asn> = segment.asns.iter().copied().filter(|asn| keep(*asn)).collect();
            builder.push(Segment { kind: segment.kind, asns: &kept });
        }
        *self = builder.finish();
    }

    /// All numbers, segment by segment.
    pub fn asns(&self) -> impl Iterator<Item = Asn> + '_ {
        self.segments().flat_map(|segment| segment.asns.iter().copied())
    }
}

/// The segments of a path.
#[derive(Clone, Debug)]
pub struct Segments<'a> {
    /// The only sequence.
    short: Option<&'a [Asn]>,
    /// The row of a long path that is not read yet.
    words: &'a [Asn],
}

impl Segments<'_> {
    /// Whether at most one is left.
    fn is_last(&self) -> bool {
        self.clone().nth(1).is_none()
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = Segment<'a>;

    fn next(&mut self) -> Option<Segment<'a>> {
        if let Some(asns) = self.short.take() {
            return (!asns.is_empty()).then_some(Segment { kind: SegmentKind::Sequence, asns });
        }
        let (head, rest) = self.words.split_first()?;
        let (kind, count) = split_head(*head);
        let (asns, rest) = rest.split_at_checked(count)?;
        self.words = rest;
        Some(Segment { kind, asns })
    }
}

/// The word in front of a segment's numbers: its kind and how many there are.
fn head(kind: SegmentKind, count: usize) -> Asn {
    let code: u32 = match kind {
        SegmentKind::Set => 0,
        SegmentKind::Sequence => 1,
        SegmentKind::ConfedSequence => 2,
        SegmentKind::ConfedSet => 3,
    };
    Asn(code << 16 | u32::try_from(count.min(SEGMENT_LIMIT)).unwrap_or(0))
}

fn split_head(head: Asn) -> (SegmentKind, usize) {
    let kind = match head.0 >> 16 {
        0 => SegmentKind::Set,
        1 => SegmentKind::Sequence,
        2 => SegmentKind::ConfedSequence,
        _ => SegmentKind::ConfedSet,
    };
    (kind, usize::try_from(head.0 & 0xffff).unwrap_or(0))
}

/// Puts a path together, segment by segment.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    words: ThinVec<Asn>,
    /// Where the last head stands.
    last: usize,
}

impl Builder {
    /// Appends a segment as it is.
    pub(crate) fn push(&mut self, segment: Segment<'_>) {
        for asns in segment.asns.chunks(SEGMENT_LIMIT) {
            self.last = self.words.len();
            self.words.reserve(asns.len().saturating_add(1));
            self.words.push(head(segment.kind, asns.len()));
            self.words.extend_from_slice(asns);
        }
    }

    /// Appends a segment, to the last one if both are sequences and fit into one.
    pub(crate) fn join(&mut self, segment: Segment<'_>) {
        let Some((SegmentKind::Sequence, count)) = self.words.get(self.last).copied().map(split_head) else {
            return self.push(segment);
        };
        let together = count.saturating_add(segment.asns.len());
        if segment.kind != SegmentKind::Sequence || together > SEGMENT_LIMIT {
            return self.push(segment);
        }
        self.words.extend_from_slice(segment.asns);
        if let Some(last) = self.words.get_mut(self.last) {
            *last = head(SegmentKind::Sequence, together);
        }
    }

    /// The path.
    pub(crate) fn finish(self) -> AsPath {
        let Self { mut words, .. } = self;
        let segments = Segments { short: None, words: &words };
        if segments.is_last() {
            let short = match segments.clone().next() {
                None => Some(AsPath::default()),
                Some(Segment { kind: SegmentKind::Sequence, asns }) => AsPath::short(asns.iter().copied()),
                Some(_) => None,
            };
            if let Some(short) = short {
                return short;
            }
        }
        let length = segments.clone().fold(0, |sum: usize, segment| sum.saturating_add(segment.length()));
        let outside = segments.clone().find(|segment| !segment.kind.is_confederation());
        let first = outside.filter(|segment| segment.kind == SegmentKind::Sequence);
        let first = first.and_then(|segment| segment.asns.first().copied());
        words.shrink_to_fit();
        AsPath(Form::Long { length: u32::try_from(length).unwrap_or(u32::MAX), first, words })
    }
}

impl Segment<'_> {
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

impl fmt::Debug for AsPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AsPath({self})")
    }
}

impl fmt::Display for AsPath {
    /// `64512 64513 {1,2} (65001 65002) [65003,65004]`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.segments().enumerate() {
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
mod tests;
