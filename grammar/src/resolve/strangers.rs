//! Words of EdgeOS and VyOS that have no meaning on this router, each with the reason.
//!
//! Whoever types or loads one is told why it is not here, not only that it is unknown. Never accepts one.

/// A place (`*` is any word), a word below it, and why there is none.
const STRANGERS: &[(&str, &str, &str)] = &[
    (
        "policy route-map * rule * set",
        "metric-type",
        "it is a thing of OSPF, which this router does not speak; delete it",
    ),
    (
        "policy route-map * rule * set",
        "src",
        "the kernel chooses the source of packets by the interface that they leave through; delete it",
    ),
    ("policy route-map * rule * set", "table", "routes of BGP go into the main table alone; delete it"),
    ("policy route-map * rule * set", "evpn", "no routes of EVPN are spoken of; delete it"),
    ("policy route-map * rule * match", "evpn", "no routes of EVPN are spoken of; delete it"),
    (
        "policy route-map * rule * match ip nexthop",
        "prefix-len",
        "a next hop is one address; match it by address, access-list or prefix-list",
    ),
    (
        "policy route-map * rule * match ipv6 nexthop",
        "prefix-len",
        "a next hop is one address; match it by address, access-list or prefix-list",
    ),
    ("protocols bgp * parameters", "scan-time", "routes are looked at when something changes, not from time to time"),
    (
        "protocols bgp * neighbor * capability",
        "dynamic",
        "it never became a standard; what it was for resets the session, and 'commit check' says so",
    ),
    (
        "protocols bgp * peer-group * capability",
        "dynamic",
        "it never became a standard; what it was for resets the session, and 'commit check' says so",
    ),
];

/// Why a word is not there below a canonical path; `None` where it is simply unknown.
pub(super) fn reason(path: &[String], word: &str) -> Option<&'static str> {
    let fits = |place: &str| {
        let mut words = path.iter();
        place.split(' ').all(|wanted| words.next().is_some_and(|word| wanted == "*" || wanted == word))
            && words.next().is_none()
    };
    let found = STRANGERS.iter().find(|(place, stranger, _)| *stranger == word && fits(place));
    found.map(|(.., reason)| *reason)
}
