//! Words of relatives, put into ours: EdgeOS, Vyatta 6, VyOS 1.1 to 1.5.
//!
//! Only where both mean the same; anything else is left as it is, so that it is listed as not understood.
//! A path that the schema knows is never translated, so a row that points to a word of ours may stand in
//! either direction.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::entries::{Deed, Entry, Spoken};
use crate::tree::Tree;

/// Words before and after; `*` stands for any word, `$n` for the n-th of these, and `~` for a blank within a word. What
/// is behind is kept.
const TRANSLATIONS: &[(&str, &str)] = &[
    // VyOS since 1.2 puts what concerns IPv4 below its family; EdgeOS has it beside the family of IPv6.
    ("protocols bgp * address-family ipv4-unicast", "protocols bgp $1"),
    ("protocols bgp * address-family ipv6-unicast maximum-paths", "protocols bgp $1 maximum-paths"),
    ("protocols bgp * neighbor * address-family ipv4-unicast", "protocols bgp $1 neighbor $2"),
    ("protocols bgp * peer-group * address-family ipv4-unicast", "protocols bgp $1 peer-group $2"),
    ("protocols bgp *", "protocols bgp $1 address-family ipv4-unicast"),
    ("protocols bgp * neighbor *", "protocols bgp $1 neighbor $2 address-family ipv4-unicast"),
    ("protocols bgp * peer-group *", "protocols bgp $1 peer-group $2 address-family ipv4-unicast"),
    // EdgeOS names the group once more for IPv6.
    ("protocols bgp * neighbor * address-family ipv6-unicast peer-group", "protocols bgp $1 neighbor $2 peer-group"),
    // A flag there, a choice here.
    ("protocols bgp * parameters ebgp-requires-policy", "protocols bgp $1 parameters ebgp-requires-policy enable"),
    // How others spell it.
    ("protocols bgp * neighbor * next-hop-self", "protocols bgp $1 neighbor $2 nexthop-self"),
    ("protocols bgp * peer-group * next-hop-self", "protocols bgp $1 peer-group $2 nexthop-self"),
    (
        "protocols bgp * neighbor * address-family * next-hop-self",
        "protocols bgp $1 neighbor $2 address-family $3 nexthop-self",
    ),
    (
        "protocols bgp * peer-group * address-family * next-hop-self",
        "protocols bgp $1 peer-group $2 address-family $3 nexthop-self",
    ),
    // What the speaker has for all of its neighbors, VyOS has for each family.
    ("protocols bgp * parameters distance global", "protocols bgp $1 address-family ipv4-unicast distance"),
    ("protocols bgp * address-family ipv4-unicast distance", "protocols bgp $1 parameters distance global"),
    // EdgeOS keeps routes through an interface in a tree of their own, and the default route in the system.
    ("protocols static interface-route * next-hop-interface", "protocols static route $1 interface"),
    ("protocols static interface-route6 * next-hop-interface", "protocols static route6 $1 interface"),
    ("protocols static table * interface-route * next-hop-interface", "protocols static table $1 route $2 interface"),
    ("protocols static table * interface-route6 * next-hop-interface", "protocols static table $1 route6 $2 interface"),
    ("protocols static route * next-hop-interface", "protocols static route $1 interface"),
    ("system gateway-address *", "protocols static route 0.0.0.0/0 next-hop $1"),
    ("protocols static arp interface * address * mac", "protocols static arp $2 hwaddr"),
    ("protocols static arp * mac", "protocols static arp $1 hwaddr"),
    // The members of a bridge stand with the links or with the bridge.
    ("interfaces ethernet * bridge-group bridge *", "interfaces bridge $2 member interface $1"),
    ("interfaces bridge * member interface *", "interfaces ethernet $2 bridge-group bridge $1"),
    ("interfaces ethernet * vif * bridge-group bridge *", "interfaces bridge $3 member interface $1.$2"),
    // A word alone in one, a word with a value in the other.
    ("interfaces bridge * stp", "interfaces bridge $1 stp true"),
    // Services that moved between the releases.
    ("service ntp", "system ntp"),
    ("system ntp", "service ntp"),
    ("system syslog local", "system syslog global"),
    ("system syslog remote", "system syslog host"),
    ("system domain-search domain", "system domain-search"),
    // What a route-map sets: VyOS since 1.4 has a word more where EdgeOS has a hyphen.
    ("policy route-map * rule * set as-path exclude", "policy route-map $1 rule $2 set as-path-exclude"),
    ("policy route-map * rule * set as-path prepend", "policy route-map $1 rule $2 set as-path-prepend"),
    (
        "policy route-map * rule * set as-path prepend-last-as",
        "policy route-map $1 rule $2 set as-path-prepend-last-as",
    ),
    ("policy route-map * rule * set community add *", "policy route-map $1 rule $2 set community $3~additive"),
    ("policy route-map * rule * set community replace *", "policy route-map $1 rule $2 set community $3"),
    ("policy route-map * rule * set extcommunity bandwidth", "policy route-map $1 rule $2 set extcommunity-bandwidth"),
    (
        "policy route-map * rule * set extcommunity bandwidth-non-transitive",
        "policy route-map $1 rule $2 set extcommunity-bandwidth-non-transitive",
    ),
    ("policy route-map * rule * set extcommunity none", "policy route-map $1 rule $2 set extcommunity-none"),
    ("policy route-map * rule * set extcommunity rt", "policy route-map $1 rule $2 set extcommunity-rt"),
    ("policy route-map * rule * set extcommunity soo", "policy route-map $1 rule $2 set extcommunity-soo"),
    (
        "policy route-map * rule * set large-community add *",
        "policy route-map $1 rule $2 set large-community $3~additive",
    ),
    ("policy route-map * rule * set large-community replace *", "policy route-map $1 rule $2 set large-community $3"),
    ("policy route-map * rule * match ip nexthop", "policy route-map $1 rule $2 match ip nexthop address"),
];

/// Paths that say what holds anyway: nothing is lost without them.
const SAYS_NOTHING: &[&str] = &[
    "interfaces ethernet * smp-affinity auto",
    "interfaces ethernet * smp_affinity auto",
    // Kept empty beside the encrypted one.
    "system login user * authentication plaintext-password ",
    "service ssh protocol-version v2",
    // A condition is looked at whenever a route changes.
    "protocols bgp * parameters conditional-advertisement timer *",
];

/// Leaves whose values VyOS repeats where we have one value of several words.
const ONE_VALUE: &[&str] = &[
    "policy route-map * rule * set community add",
    "policy route-map * rule * set community replace",
    "policy route-map * rule * set large-community add",
    "policy route-map * rule * set large-community replace",
];

/// Leaves that name a list whose communities go.
const DELETED_BY_LIST: &[&str] =
    &["policy route-map * rule * set community delete", "policy route-map * rule * set large-community delete"];

/// A pattern and what it becomes, taken apart once.
type Rule = (Vec<&'static str>, Vec<&'static str>);

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    TRANSLATIONS.iter().map(|(from, to)| (from.split(' ').collect(), to.split(' ').collect())).collect()
});

/// The ways in which a path may be meant, the likeliest first; two translations may have to follow each other.
pub(super) fn translations(words: &[Spoken]) -> Vec<Vec<Spoken>> {
    let once: Vec<Vec<Spoken>> = RULES.iter().filter_map(|(from, to)| translated(words, from, to)).collect();
    let twice = once.iter().flat_map(|words| RULES.iter().filter_map(|(from, to)| translated(words, from, to)));
    let twice: Vec<Vec<Spoken>> = twice.collect();
    once.into_iter().chain(twice).collect()
}

/// Whether the path only says what holds anyway.
pub(super) fn says_nothing(words: &[Spoken]) -> bool {
    SAYS_NOTHING.iter().any(|pattern| fits(pattern, words))
}

/// Whether words are exactly those of a pattern.
fn fits(pattern: &str, words: &[Spoken]) -> bool {
    let mut said = words.iter();
    let all = pattern.split(' ').all(|word| said.next().is_some_and(|said| word == "*" || word == said.text));
    all && said.next().is_none()
}

/// What VyOS says of communities in several leaves is said as we have it; answers what contradicts the rest.
pub(super) fn join_values(entries: &mut Vec<Entry>) -> Vec<Entry> {
    let mut joined: Vec<Entry> = Vec::with_capacity(entries.len());
    let mut contradicting = Vec::new();
    // Where the value of a leaf stands that takes up others.
    let mut places: HashMap<Vec<String>, usize> = HashMap::new();
    for entry in entries.drain(..) {
        let fits_one = |patterns: &[&str], words: &[Spoken]| patterns.iter().any(|pattern| fits(pattern, words));
        let Some((value, leaf)) = entry.words.split_last().filter(|_| matches!(entry.deed, Deed::Set)) else {
            joined.push(entry);
            continue;
        };
        if fits_one(DELETED_BY_LIST, leaf) {
            joined.extend(delete_by_list(value, leaf));
        } else if fits_one(ONE_VALUE, leaf) {
            let texts: Vec<String> = leaf.iter().map(|word| word.text.clone()).collect();
            let first = places.get(&texts).and_then(|place| joined.get_mut(*place)).and_then(|it| it.words.last_mut());
            if let Some(first) = first {
                first.text = format!("{} {}", first.text, value.text);
            } else if opposite(&texts).is_some_and(|opposite| places.contains_key(&opposite)) {
                contradicting.push(entry);
            } else {
                places.insert(texts, joined.len());
                joined.push(entry);
            }
        } else {
            joined.push(entry);
        }
    }
    *entries = joined;
    contradicting
}

/// `… add` for `… replace` and the other way round: a rule of ours either adds or replaces.
fn opposite(leaf: &[String]) -> Option<Vec<String>> {
    let (last, before) = leaf.split_last()?;
    let other = if last == "add" { "replace" } else { "add" };
    Some(before.iter().cloned().chain([other.to_owned()]).collect())
}

/// `… set community delete LIST` as `… set comm-list comm-list LIST` and `… set comm-list delete`.
fn delete_by_list(list: &Spoken, leaf: &[Spoken]) -> Vec<Entry> {
    let Some((rule, [community, delete])) = leaf.split_last_chunk() else { return Vec::new() };
    let name = if community.text == "community" { "comm-list" } else { "large-comm-list" };
    let word = Spoken { text: name.to_owned(), lines: community.lines };
    let entry = |end: &[&Spoken]| Entry {
        words: rule.iter().chain([&word]).chain(end.iter().copied()).cloned().collect(),
        deed: Deed::Set,
    };
    vec![entry(&[&word, list]), entry(&[delete])]
}

/// The words with `from` at their head replaced by `to`.
fn translated(words: &[Spoken], from: &[&str], to: &[&str]) -> Option<Vec<Spoken>> {
    let head = words.get(..from.len())?;
    let fits = |(word, said): (&&str, &Spoken)| *word == "*" || *word == said.text;
    if !from.iter().zip(head).all(fits) {
        return None;
    }
    let names: Vec<&Spoken> = from.iter().zip(head).filter(|(word, _)| **word == "*").map(|(_, said)| said).collect();
    let lines = head.last()?.lines;
    let mut renamed: Vec<Spoken> = to.iter().map(|word| filled(word, &names, lines)).collect();
    renamed.extend(words.iter().skip(from.len()).cloned());
    Some(renamed)
}

/// A word of a translation with `$n` filled in.
fn filled(word: &str, names: &[&Spoken], lines: (usize, usize)) -> Spoken {
    if !word.contains('$') {
        return Spoken { text: word.to_owned(), lines };
    }
    let mut said = Spoken { text: word.replace('~', " "), lines };
    for (number, name) in (1..).zip(names) {
        let place = format!("${number}");
        if said.text == place {
            return (*name).clone();
        }
        said.text = said.text.replace(&place, &name.text);
    }
    said
}

/// What a relative means without saying it, where our default is another one; it is said then.
pub(super) fn unsaid(tree: &mut Tree) -> Option<String> {
    let speaker = ["protocols", "bgp"].map(str::to_owned);
    let number = tree.children(&speaker).first().map(|number| (*number).to_owned())?;
    let [protocols, bgp] = speaker;
    let leaf = vec![protocols, bgp, number, "parameters".to_owned(), "ebgp-requires-policy".to_owned()];
    if tree.value(&leaf).is_some() {
        return None;
    }
    let path = [leaf.as_slice(), &["disable".to_owned()]].concat();
    tree.set(&path).ok()?;
    Some(format!("External neighbors need no policy there, so '{}' is set.", path.join(" ")))
}

/// VyOS since 1.4 has the AS number in a leaf, `protocols bgp system-as 64512`, and not in the path.
pub(super) fn number_the_speaker(entries: &mut [Entry]) {
    let number = entries.iter().find_map(|entry| speaker_number(&entry.words).cloned());
    let Some(number) = number else { return };
    for entry in entries.iter_mut() {
        if speaker_number(&entry.words).is_some() {
            entry.words.truncate(2);
            entry.words.push(number.clone());
        } else if is_speaker(&entry.words) && entry.words.get(2).is_some_and(|word| word.text.parse::<u32>().is_err()) {
            let lines = entry.words.get(2).map_or(number.lines, |word| word.lines);
            entry.words.insert(2, Spoken { lines, ..number.clone() });
        }
    }
}

fn is_speaker(words: &[Spoken]) -> bool {
    matches!(words, [protocols, bgp, ..] if protocols.text == "protocols" && bgp.text == "bgp")
}

fn speaker_number(words: &[Spoken]) -> Option<&Spoken> {
    match words {
        [_, _, leaf, number] if is_speaker(words) && matches!(leaf.text.as_str(), "system-as" | "local-as") => {
            Some(number)
        }
        _ => None,
    }
}
