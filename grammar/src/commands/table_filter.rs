//! Which routes of a BGP table are shown.
//!
//! Names of lists and maps are not looked up here, and nothing is compiled.

use nouns::Prefix;
use serde::{Deserialize, Serialize};

/// What paths of a table have to be like to be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TableFilter {
    /// All are shown.
    #[default]
    All,
    /// `cidr-only`: the length of the prefix is not that of its class, which IPv4 once had.
    CidrOnly,
    /// `community C … [exact-match]`
    Communities {
        /// All of these have to be there.
        values: Vec<u32>,
        /// And no others.
        exact: bool,
    },
    /// `large-community C … [exact-match]`
    LargeCommunities {
        /// All of these have to be there.
        values: Vec<[u32; 3]>,
        /// And no others.
        exact: bool,
    },
    /// `community-list NAME [exact-match]`
    CommunityList {
        /// The list.
        name: String,
        /// No other communities may be there than those of a rule.
        exact: bool,
    },
    /// `large-community-list NAME [exact-match]`
    LargeCommunityList {
        /// The list.
        name: String,
        /// No other communities may be there than those of a rule.
        exact: bool,
    },
    /// `filter-list NAME`: an AS path list permits the path.
    AsPathList(String),
    /// `prefix-list NAME`: a prefix list permits the destination.
    PrefixList(String),
    /// `route-map NAME`: a map permits the path as it is used here.
    RouteMap(String),
    /// `regexp 'RE'`: an expression fits the AS path.
    Regexp(String),
    /// `PREFIX longer-prefixes`: the prefix and all within it.
    LongerPrefixes(Prefix),
}
