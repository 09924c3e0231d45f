//! Values of routing policy: names of lists, expressions, communities, changes of attributes.
//!
//! Whether a list of that name exists is checked elsewhere.

use nouns::{Asn, Pattern, community};
use serde::{Deserialize, Serialize};

/// The kinds of named policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyList {
    /// `policy access-list`
    AccessList,
    /// `policy access-list6`
    AccessList6,
    /// `policy as-path-list`
    AsPathList,
    /// `policy community-list`
    CommunityList,
    /// `policy extcommunity-list`
    ExtcommunityList,
    /// `policy large-community-list`
    LargeCommunityList,
    /// `policy prefix-list`
    PrefixList,
    /// `policy prefix-list6`
    PrefixList6,
    /// `policy route-map`
    RouteMap,
}

impl PolicyList {
    /// All kinds, in the order of their words.
    pub const ALL: [Self; 9] = [
        Self::AccessList,
        Self::AccessList6,
        Self::AsPathList,
        Self::CommunityList,
        Self::ExtcommunityList,
        Self::LargeCommunityList,
        Self::PrefixList,
        Self::PrefixList6,
        Self::RouteMap,
    ];

    /// The word behind `policy`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::AccessList => "access-list",
            Self::AccessList6 => "access-list6",
            Self::AsPathList => "as-path-list",
            Self::CommunityList => "community-list",
            Self::ExtcommunityList => "extcommunity-list",
            Self::LargeCommunityList => "large-community-list",
            Self::PrefixList => "prefix-list",
            Self::PrefixList6 => "prefix-list6",
            Self::RouteMap => "route-map",
        }
    }
}

/// What kind of value a word of routing policy takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyValue {
    /// The name of a list where it is defined.
    Name,
    /// The name of a list where it is used.
    Ref(PolicyList),
    /// A regular expression over an AS path or over communities.
    Regex,
    /// AS numbers with blanks between them.
    AsNumbers,
    /// One community.
    Community,
    /// One large community.
    LargeCommunity,
    /// Communities with blanks between them, then perhaps `additive`; or `none`.
    Communities,
    /// Large communities, likewise.
    LargeCommunities,
    /// Route targets or sites of origin with blanks between them.
    ExtendedCommunities,
    /// A metric, or what is added to it or taken from it.
    Metric,
    /// Megabits a second, or a word for what the paths that share the load have.
    Bandwidth,
    /// An IPv4 address, or a word that stands for one.
    NextHop,
    /// An address of either family, or `local`.
    Peer,
}

const NEXT_HOPS: &[(&str, &str)] = &[
    ("peer-address", "Address of the neighbor, or ours towards it"),
    ("self", "Address of this router"),
    ("unchanged", "Next hop that the route came with"),
];
const BANDWIDTHS: &[(&str, &str)] = &[
    ("cumulative", "What all paths that share the load tell, in export maps"),
    ("num-multipaths", "1 Mbit/s for each path that shares the load, in export maps"),
];
const MEGABITS: super::ValueKind = super::ValueKind::U32 { min: 1, max: 4_000_000 };
/// Numbers in one list of AS numbers: a longer path than this would be taken for an attack.
const AS_NUMBERS: usize = 24;

impl PolicyValue {
    pub(super) fn canonical(self, text: &str) -> Result<String, String> {
        match self {
            Self::Name | Self::Ref(_) => name(text),
            Self::Regex => Pattern::check(text).map(|()| text.to_owned()).map_err(|error| error.to_string()),
            Self::AsNumbers => as_numbers(text),
            Self::Community => community::standard(text)
                .map(community::standard_name)
                .ok_or_else(|| "a community such as 64512:100 or no-export is wanted".to_owned()),
            Self::LargeCommunity => community::large(text)
                .map(|[a, b, c]| format!("{a}:{b}:{c}"))
                .ok_or_else(|| "a large community such as 64512:1:2 is wanted".to_owned()),
            Self::Communities => set(text, true, |text| community::standard(text).map(community::standard_name))
                .ok_or_else(|| {
                    "communities such as 64512:100 or no-export are wanted, then perhaps 'additive'; or 'none'"
                        .to_owned()
                }),
            Self::LargeCommunities => {
                let respelled = |text: &str| community::large(text).map(|[a, b, c]| format!("{a}:{b}:{c}"));
                set(text, true, respelled).ok_or_else(|| {
                    "large communities such as 64512:1:2 are wanted, then perhaps 'additive'; or 'none'".to_owned()
                })
            }
            Self::ExtendedCommunities => set(text, false, |text| community::extended(2, text).map(|_| text.to_owned()))
                .ok_or_else(|| "values such as 64512:100 or 192.0.2.1:100 are wanted".to_owned()),
            Self::Metric => metric(text),
            Self::Bandwidth if BANDWIDTHS.iter().any(|(word, _)| *word == text) => Ok(text.to_owned()),
            Self::Bandwidth => MEGABITS
                .parse(text)
                .map_err(|_| "1 to 4000000 megabits a second, cumulative or num-multipaths is wanted".to_owned()),
            Self::NextHop if NEXT_HOPS.iter().any(|(word, _)| *word == text) => Ok(text.to_owned()),
            Self::NextHop => super::ValueKind::NextHop4
                .parse(text)
                .map_err(|_| "an IPv4 address, peer-address, self or unchanged is wanted".to_owned()),
            Self::Peer if text == "local" => Ok(text.to_owned()),
            Self::Peer => super::ValueKind::Address
                .parse(text)
                .map_err(|_| "the address of a neighbor, or 'local', is wanted".to_owned()),
        }
    }

    pub(super) fn placeholders(self) -> &'static [&'static str] {
        match self {
            Self::Name | Self::Ref(_) | Self::Regex => &["<text>"],
            Self::AsNumbers => &["<1-4294967294 ...>"],
            Self::Community => &["<AA:NN>"],
            Self::LargeCommunity => &["<AA:BB:CC>"],
            Self::Communities => &["<AA:NN ...>"],
            Self::LargeCommunities => &["<AA:BB:CC ...>"],
            Self::ExtendedCommunities => &["<AS:NN ...>", "<x.x.x.x:NN ...>"],
            Self::Metric => &["<0-4294967295>", "<+N>", "<-N>"],
            Self::Bandwidth => &["<1-4000000>"],
            Self::NextHop => &["<x.x.x.x>"],
            Self::Peer => &["<x.x.x.x>", "<h:h:h:h:h:h:h:h>"],
        }
    }

    pub(super) fn choices(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Communities | Self::LargeCommunities => &[("none", "No community at all")],
            Self::Bandwidth => BANDWIDTHS,
            Self::NextHop => NEXT_HOPS,
            Self::Peer => &[("local", "The router itself")],
            _ => &[],
        }
    }

    pub(super) fn names(self) -> Option<super::NameKind> {
        match self {
            Self::Ref(list) => Some(super::NameKind::Policy(list)),
            Self::Peer => Some(super::NameKind::Neighbor),
            _ => None,
        }
    }
}

/// EdgeOS takes letters, digits, hyphens and dots; its successors the others, too.
fn name(text: &str) -> Result<String, String> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '+');
    if (1..=64).contains(&text.len()) && text.chars().all(good) && !text.starts_with('-') {
        return Ok(text.to_owned());
    }
    Err("a name of up to 64 letters, digits, hyphens, dots and underscores is wanted".to_owned())
}

fn as_numbers(text: &str) -> Result<String, String> {
    let numbers: Result<Vec<Asn>, _> = text.split_whitespace().map(str::parse).collect();
    match numbers {
        Ok(numbers) if (1..=AS_NUMBERS).contains(&numbers.len()) => Ok(joined(numbers)),
        _ => Err(format!("1 to {AS_NUMBERS} AS numbers with blanks between them are wanted, such as \"64512 64512\"")),
    }
}

/// Values with blanks between them, each respelled; with `words` also `none`, and `additive` at the end.
fn set(text: &str, words: bool, respelled: impl Fn(&str) -> Option<String>) -> Option<String> {
    let mut values: Vec<&str> = text.split_whitespace().collect();
    if words && values == ["none"] {
        return Some("none".to_owned());
    }
    let additive = words && values.last() == Some(&"additive");
    if additive {
        values.pop();
    }
    let mut respelled: Vec<String> = values.into_iter().map(respelled).collect::<Option<_>>()?;
    if respelled.is_empty() {
        return None;
    }
    respelled.extend(additive.then(|| "additive".to_owned()));
    Some(respelled.join(" "))
}

fn metric(text: &str) -> Result<String, String> {
    let (sign, digits) = match text.strip_prefix(['+', '-']) {
        Some(digits) => (text.get(..1).unwrap_or_default(), digits),
        None => ("", text),
    };
    let wanted = || "a metric from 0 to 4294967295 is wanted, or +N or -N to change it".to_owned();
    let all_digits = !digits.is_empty() && digits.bytes().all(|octet| octet.is_ascii_digit());
    let number: u32 = digits.parse().ok().filter(|_| all_digits).ok_or_else(wanted)?;
    Ok(format!("{sign}{number}"))
}

fn joined<T: ToString>(values: Vec<T>) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::ValueKind;

    #[test]
    fn values_of_policy_are_respelled_or_refused() {
        for (kind, text, expect) in [
            (PolicyValue::Name, "TO-K8S.v4_1", Some("TO-K8S.v4_1")),
            (PolicyValue::Name, "100", Some("100")),
            (PolicyValue::Name, "-x", None),
            (PolicyValue::Name, "two words", None),
            (PolicyValue::Ref(PolicyList::RouteMap), "IN+1", Some("IN+1")),
            (PolicyValue::Regex, "_64512_", Some("_64512_")),
            (PolicyValue::Regex, "(64512", None),
            (PolicyValue::AsNumbers, " 64512  64512", Some("64512 64512")),
            (PolicyValue::AsNumbers, "0", None),
            (PolicyValue::AsNumbers, "", None),
            (PolicyValue::Community, "no-export", Some("no-export")),
            (PolicyValue::Community, "64512:1 64512:2", None),
            (PolicyValue::LargeCommunity, "64512:1:2", Some("64512:1:2")),
            (PolicyValue::LargeCommunity, "64512:1", None),
            (PolicyValue::Communities, "64512:1  no-export additive", Some("64512:1 no-export additive")),
            (PolicyValue::Communities, "none", Some("none")),
            (PolicyValue::Communities, "none additive", None),
            (PolicyValue::Communities, "additive", None),
            (PolicyValue::Communities, "64512", Some("0:64512")),
            (PolicyValue::LargeCommunities, "64512:1:2 additive", Some("64512:1:2 additive")),
            (PolicyValue::LargeCommunities, "64512:1", None),
            (PolicyValue::ExtendedCommunities, "64512:1 192.0.2.1:2", Some("64512:1 192.0.2.1:2")),
            (PolicyValue::ExtendedCommunities, "64512:1 additive", None),
            (PolicyValue::Metric, "+007", Some("+7")),
            (PolicyValue::Metric, "100", Some("100")),
            (PolicyValue::Metric, "-1", Some("-1")),
            (PolicyValue::Metric, "rtt", None),
            (PolicyValue::Metric, "4294967296", None),
            (PolicyValue::Bandwidth, "010", Some("10")),
            (PolicyValue::Bandwidth, "cumulative", Some("cumulative")),
            (PolicyValue::Bandwidth, "num-multipaths", Some("num-multipaths")),
            (PolicyValue::Bandwidth, "0", None),
            (PolicyValue::Bandwidth, "all", None),
            (PolicyValue::NextHop, "self", Some("self")),
            (PolicyValue::NextHop, "192.0.2.1", Some("192.0.2.1")),
            (PolicyValue::NextHop, "224.0.0.1", None),
            (PolicyValue::Peer, "local", Some("local")),
            (PolicyValue::Peer, "2001:DB8::1", Some("2001:db8::1")),
            (PolicyValue::Peer, "someone", None),
        ] {
            assert_eq!(ValueKind::Policy(kind).parse(text).ok().as_deref(), expect, "{kind:?} {text:?}");
        }
    }
}
