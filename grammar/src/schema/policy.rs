//! `policy …`: the lists that routes are matched with; route maps stand in `policy/route_map.rs`.
//!
//! Never knows who uses a list.

mod access_list;
mod route_map;

use super::{Node, inner, leaf, tag};
use crate::value::{PolicyValue, ValueKind};
use access_list::{ACCESS_LIST, ACCESS_LIST6};

/// The rules of a list.
const fn rules(words: &'static [&'static Node]) -> Node {
    tag("rule", "Rule of the list, tried in their order", RULE, "10", words)
}

pub(super) static POLICY: Node = inner(
    "policy",
    "Routing policy",
    &[
        &ACCESS_LIST,
        &ACCESS_LIST6,
        &tag(
            "as-path-list",
            "List of AS path expressions",
            NAME,
            "FROM-ISP",
            &[
                &DESCRIPTION,
                &rules(&[&ACTION, &DESCRIPTION, &leaf("regex", "Expression that the AS path fits", REGEX, "_64512_")]),
            ],
        ),
        &tag(
            "community-list",
            "List of communities, with a number or a name",
            NAME,
            "100",
            &[
                &DESCRIPTION,
                &rules(&[
                    &ACTION,
                    &DESCRIPTION,
                    &leaf("regex", "Communities, or an expression that they fit", REGEX, "64512:100"),
                ]),
            ],
        ),
        &tag(
            "extcommunity-list",
            "List of extended communities",
            NAME,
            "TARGETS",
            &[
                &DESCRIPTION,
                &rules(&[
                    &ACTION,
                    &DESCRIPTION,
                    &leaf("regex", "Values such as rt AS:NN, or an expression that they fit", REGEX, "rt 64512:100"),
                ]),
            ],
        ),
        &tag(
            "large-community-list",
            "List of large communities",
            NAME,
            "REGIONS",
            &[
                &DESCRIPTION,
                &rules(&[
                    &ACTION,
                    &DESCRIPTION,
                    &leaf("regex", "Large communities, or an expression that they fit", REGEX, "64512:1:2"),
                ]),
            ],
        ),
        &tag(
            "prefix-list",
            "List of IPv4 prefixes",
            NAME,
            "SERVICES",
            &[
                &DESCRIPTION,
                &rules(&[
                    &ACTION,
                    &DESCRIPTION,
                    &leaf("ge", "Least length of the prefixes", LENGTH4, "24"),
                    &leaf("le", "Greatest length of the prefixes", LENGTH4, "32"),
                    &leaf("prefix", "Prefix that holds the route", ValueKind::Prefix4, "172.16.102.0/24"),
                ]),
            ],
        ),
        &tag(
            "prefix-list6",
            "List of IPv6 prefixes",
            NAME,
            "SERVICES6",
            &[
                &DESCRIPTION,
                &rules(&[
                    &ACTION,
                    &DESCRIPTION,
                    &leaf("ge", "Least length of the prefixes", LENGTH6, "64"),
                    &leaf("le", "Greatest length of the prefixes", LENGTH6, "128"),
                    &leaf("prefix", "Prefix that holds the route", ValueKind::Prefix6, "2001:db8::/32"),
                ]),
            ],
        ),
        &route_map::ROUTE_MAP,
    ],
);

const NAME: ValueKind = ValueKind::Policy(PolicyValue::Name);
const REGEX: ValueKind = ValueKind::Policy(PolicyValue::Regex);
const RULE: ValueKind = ValueKind::U32 { min: 1, max: 65535 };
const LENGTH4: ValueKind = ValueKind::U32 { min: 0, max: 32 };
const LENGTH6: ValueKind = ValueKind::U32 { min: 0, max: 128 };
const ACTIONS: &[(&str, &str)] = &[("deny", "What matches is refused"), ("permit", "What matches is accepted")];

static ACTION: Node = leaf("action", "What becomes of what matches", ValueKind::Choice(ACTIONS), "permit");
static DESCRIPTION: Node = leaf("description", "What it is for", ValueKind::Text { max: 255 }, "addresses of services");
