//! What the senders announce: prefixes, the sets of attributes that they share, and which path is the best in the end.
//!
//! Everything follows from a few numbers, so that each run and each process knows the same feed. Routes are numbered in
//! the order of their sets, and the receivers keep a place for each number. It never looks at what a daemon made of it.

mod real;

use std::net::Ipv4Addr;
use std::ops::Range;
use std::str::FromStr;

use anyhow::{Context, Result, bail};

use crate::wire::{self, Prefix4};
use real::Real;

pub(crate) use real::files;

/// The first of the made-up prefixes; `16.0.0.0` and what follows is nobody's in the laboratory.
const BASE: u32 = 0x1000_0000;
/// AS of the first sender that is in an AS of its own.
pub(crate) const FIRST_AS: u32 = 65001;

/// Which feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Recipe {
    /// How many routes each sender announces.
    pub(crate) routes: u32,
    /// How many senders there are.
    pub(crate) senders: u32,
    /// Whether they tell each other's paths apart, or all announce paths of the same length with few sets.
    pub(crate) shape: Shape,
    /// The AS that the daemon puts before a path; 0 where both sides are in one AS.
    pub(crate) prepended: u32,
}

/// What the paths are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// As on the Internet: four routes with the same attributes in the mean, and paths that differ from sender to sender.
    Table,
    /// Services: all routes of all senders are equally good.
    Equal,
    /// A feed of the Internet, of at most so many routes, out of the files beside the project; of one sender.
    Real,
}

/// A feed: where its prefixes are, and how they are grouped.
#[derive(Debug)]
pub(crate) struct Feed {
    recipe: Recipe,
    sets: Vec<Range<u32>>,
    real: Option<Real>,
}

impl Feed {
    /// The feed of a recipe.
    ///
    /// # Errors
    /// When the files of a real feed cannot be read.
    pub(crate) fn new(recipe: Recipe) -> Result<Self> {
        if recipe.shape == Shape::Real {
            let real = Real::load(recipe.routes)?;
            let sets: Vec<Range<u32>> = real.groups.iter().map(|(group, _)| group.clone()).collect();
            let routes = sets.last().map_or(0, |last| last.end);
            return Ok(Self { recipe: Recipe { routes, ..recipe }, sets, real: Some(real) });
        }
        let mut sets = Vec::new();
        let mut first = 0;
        while first < recipe.routes {
            let size = match recipe.shape {
                Shape::Equal => 1000,
                _ => 1 + below(7, mix(u64::from(first) << 20)),
            };
            let end = recipe.routes.min(first + size);
            sets.push(first..end);
            first = end;
        }
        Ok(Self { recipe, sets, real: None })
    }

    /// How many routes the receiver has in the end: those that all senders announce, and a last one of each.
    pub(crate) fn routes(&self) -> u32 {
        self.recipe.routes + self.recipe.senders
    }

    /// UPDATEs that announce everything of one sender, its own last route at the very end.
    pub(crate) fn announcements(&self, sender: u32, internal: bool, next_hop: Ipv4Addr) -> Vec<u8> {
        let mut out = Vec::new();
        let mut attributes = Vec::new();
        for set in self.order(sender).chain([self.last(sender)]) {
            attributes.clear();
            self.attributes(sender, &set, internal, next_hop, &mut attributes);
            wire::announce(&attributes, set.map(|number| self.prefix(number)), &mut out);
        }
        out
    }

    /// UPDATEs that take everything of one sender back.
    pub(crate) fn withdrawals(&self, sender: u32) -> Vec<u8> {
        let mut out = Vec::new();
        wire::withdraw(self.prefixes(sender), &mut out);
        out
    }

    /// For each route, the number of the path that a receiver has in the end.
    pub(crate) fn expected(&self) -> Vec<u32> {
        let mut expected = Vec::new();
        for set in &self.sets {
            expected.resize(expected.len() + set.len(), self.expected_path(self.winner(set), set));
        }
        expected.extend((0..self.recipe.senders).map(|sender| self.expected_path(sender, &self.last(sender))));
        expected
    }

    /// The number of a route, if it is one of this feed.
    pub(crate) fn number(&self, wanted: Prefix4) -> Option<usize> {
        if let Some(number) = self.real.as_ref().and_then(|real| real.number(wanted)) {
            return Some(number);
        }
        let number = wanted.address.checked_sub(BASE)? >> 8;
        let number = if self.real.is_some() { self.recipe.routes + number } else { number };
        (number < self.routes() && self.prefix(number) == wanted).then(|| usize::try_from(number).ok())?
    }

    /// The prefixes of one sender in its order.
    pub(crate) fn prefixes(&self, sender: u32) -> impl Iterator<Item = Prefix4> {
        self.order(sender).chain([self.last(sender)]).flatten().map(|number| self.prefix(number))
    }

    /// The prefix of a number.
    pub(crate) fn prefix(&self, number: u32) -> Prefix4 {
        let Some(real) = &self.real else { return prefix(number) };
        let recorded = usize::try_from(number).ok().and_then(|number| real.prefixes.get(number));
        // Behind the real ones only those that a sender announces last.
        recorded.copied().unwrap_or(Prefix4 { address: BASE + ((number - self.recipe.routes) << 8), length: 32 })
    }

    /// The sets in the order of one sender: as scattered as a router's table that is walked by attributes; a real feed
    /// as it is.
    fn order(&self, sender: u32) -> impl Iterator<Item = Range<u32>> {
        let count = self.sets.len();
        let stride = if self.real.is_some() { 1 } else { count * 5 / 13 };
        let stride = (stride..).find(|stride| greatest_divisor(*stride, count) == 1);
        let (stride, start) = (stride.unwrap_or(1), usize::try_from(sender).unwrap_or(0) * count / 7);
        (0..count).filter_map(move |number| self.sets.get((start + number * stride) % count).cloned())
    }

    /// The route that only this sender announces, behind all others.
    fn last(&self, sender: u32) -> Range<u32> {
        self.recipe.routes + sender..self.recipe.routes + sender + 1
    }

    fn winner(&self, set: &Range<u32>) -> u32 {
        match self.recipe.shape {
            Shape::Table => below(self.recipe.senders, mix(u64::from(set.start))),
            Shape::Equal | Shape::Real => 0,
        }
    }

    /// What was recorded of a set.
    fn recorded(&self, set: &Range<u32>) -> Option<&real::Attributes> {
        let real = self.real.as_ref()?;
        let place = real.groups.binary_search_by_key(&set.start, |(group, _)| group.start).ok()?;
        real.attributes.get(real.groups.get(place)?.1)
    }

    /// The winner's path is the only one of three hops; the others have four to six.
    fn path(&self, sender: u32, set: &Range<u32>) -> Vec<u32> {
        if let Some(recorded) = self.recorded(set) {
            return [FIRST_AS + sender].into_iter().chain(recorded.path.iter().copied()).collect();
        }
        let origin = 1000 + below(60_000, mix(u64::from(set.start)));
        if self.recipe.shape == Shape::Equal {
            return vec![FIRST_AS, origin];
        }
        let chance = mix(u64::from(sender) << 32 | u64::from(set.start));
        let transit = match self.winner(set) == sender && self.recipe.senders > 1 {
            true => 1,
            false => 2 + below(3, chance),
        };
        let mut path = vec![FIRST_AS + sender, 200_000 + set.start];
        path.extend((1..transit).map(|hop| 1000 + below(60_000, mix(chance + u64::from(hop)))));
        path.push(origin);
        path
    }

    fn expected_path(&self, sender: u32, set: &Range<u32>) -> u32 {
        let mut path = self.path(sender, set);
        if self.recipe.prepended != 0 {
            path.insert(0, self.recipe.prepended);
        }
        let mut value = Vec::new();
        wire::as_sequence(path.into_iter(), &mut value);
        wire::path_hash(&value)
    }

    fn attributes(&self, sender: u32, set: &Range<u32>, internal: bool, next_hop: Ipv4Addr, out: &mut Vec<u8>) {
        let chance = mix(u64::from(set.start) << 8 | u64::from(sender));
        let mut path = Vec::new();
        wire::as_sequence(self.path(sender, set).into_iter(), &mut path);
        let recorded = self.recorded(set);
        wire::attribute(0x40, 1, &[recorded.map_or(0, |recorded| recorded.origin)], out);
        wire::attribute(0x40, 2, &path, out);
        wire::attribute(0x40, 3, &next_hop.octets(), out);
        if self.recipe.shape == Shape::Table && chance.is_multiple_of(3) {
            wire::attribute(0x80, 4, &below(500, chance).to_be_bytes(), out);
        }
        if internal {
            wire::attribute(0x40, 5, &100u32.to_be_bytes(), out);
        }
        if let Some(recorded) = recorded {
            out.extend(&recorded.others);
        }
        if self.recipe.shape == Shape::Table && chance.is_multiple_of(2) {
            let count = u64::from(2 + below(4, chance >> 9));
            let communities = (0..count).flat_map(|number| below(0xfff0_0000, mix(chance + number)).to_be_bytes());
            let communities: Vec<u8> = communities.collect();
            wire::attribute(0xc0, 8, &communities, out);
        }
    }
}

/// Prefixes lie side by side, a half of them /24, the others shorter ones over them.
pub(crate) fn prefix(number: u32) -> Prefix4 {
    let length = match number.trailing_zeros() {
        0 => 24,
        1 if number & 4 == 0 => 23,
        1 => 24,
        2 | 3 => 22,
        _ => 20,
    };
    Prefix4 { address: BASE + (number << 8), length }
}

/// Chance that is the same in every run (`SplitMix64`).
pub(crate) fn mix(seed: u64) -> u64 {
    let mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

/// A number below a limit; 0 below 0.
fn below(limit: u32, chance: u64) -> u32 {
    chance.checked_rem(u64::from(limit)).and_then(|number| u32::try_from(number).ok()).unwrap_or(0)
}

fn greatest_divisor(one: usize, other: usize) -> usize {
    if other == 0 { one } else { greatest_divisor(other, one % other) }
}

impl Recipe {
    /// As words of a command.
    pub(crate) fn words(self) -> String {
        let shape = match self.shape {
            Shape::Table => "table",
            Shape::Equal => "equal",
            Shape::Real => "real",
        };
        format!("{} {} {shape} {}", self.routes, self.senders, self.prepended)
    }
}

impl FromStr for Recipe {
    type Err = anyhow::Error;

    fn from_str(words: &str) -> Result<Self> {
        let words: Vec<&str> = words.split_whitespace().collect();
        let [routes, senders, shape, prepended] = words.as_slice() else { bail!("a feed has four words") };
        let shape = match *shape {
            "table" => Shape::Table,
            "equal" => Shape::Equal,
            "real" => Shape::Real,
            other => bail!("unknown shape {other:?}"),
        };
        let number = |word: &str| word.parse::<u32>().with_context(|| format!("{word:?} is no number"));
        Ok(Self { routes: number(routes)?, senders: number(senders)?, shape, prepended: number(prepended)? })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

    use std::collections::HashSet;

    use super::*;

    const RECIPE: Recipe = Recipe { routes: 10_000, senders: 5, shape: Shape::Table, prepended: 64512 };

    #[test]
    fn each_sender_announces_every_route_once_and_its_last_one_last() {
        let feed = Feed::new(RECIPE).unwrap();
        for sender in 0..5 {
            let octets = feed.announcements(sender, false, Ipv4Addr::LOCALHOST);
            let (mut rest, mut seen) = (octets.as_slice(), Vec::new());
            while let Some((_, body, after)) = wire::next_message(rest) {
                let announced = wire::Update::decode(body).unwrap().announced();
                seen.extend(announced.map(|prefix| feed.number(prefix).unwrap()));
                rest = after;
            }
            assert_eq!(seen.last(), Some(&(10_000 + sender as usize)));
            assert_eq!(seen.len(), 10_001);
            assert_eq!(seen.into_iter().collect::<HashSet<_>>().len(), 10_001);
        }
    }

    #[test]
    fn exactly_one_sender_has_the_shortest_path() {
        let feed = Feed::new(RECIPE).unwrap();
        for set in &feed.sets {
            let lengths: Vec<usize> = (0..5).map(|sender| feed.path(sender, set).len()).collect();
            let shortest = lengths.iter().min().unwrap();
            assert_eq!(lengths.iter().filter(|length| *length == shortest).count(), 1, "{lengths:?}");
            assert_eq!(lengths[feed.winner(set) as usize], *shortest);
        }
    }

    #[test]
    fn four_routes_share_a_set_in_the_mean() {
        let sets = Feed::new(Recipe { routes: 1_000_000, ..RECIPE }).unwrap().sets.len();
        assert!((240_000..260_000).contains(&sets), "{sets}");
    }

    #[test]
    fn a_recipe_is_read_as_it_is_written() {
        for shape in [Shape::Table, Shape::Equal, Shape::Real] {
            let recipe = Recipe { shape, ..RECIPE };
            assert_eq!(recipe.words().parse::<Recipe>().unwrap(), recipe);
        }
    }
}
