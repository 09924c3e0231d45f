//! Every word below `policy` and `protocols bgp`, set and deleted while two neighbors have sessions: only words that the
//! protocol gives no other way end a session, and no neighbor hears anything twice or in a circle.
//!
//! The words come from the schema itself, so that a new one is tried without being named here.

use std::collections::BTreeSet;

use bgp_wire::attribute::{Origin, PathAttributes, thin_vec};
use grammar::schema::{Node, ROOT, Shape};
use grammar::value::{PolicyList, PolicyValue, ValueKind};
use nouns::Prefix;

use super::policies::{Heard, SPEAKER, Stage, prefixes};
use super::*;

/// A list of each kind, which the listener's map uses; and a group that both neighbors are in.
const BASE: &str = "set protocols bgp 64512 parameters ebgp-requires-policy disable
set protocols bgp 64512 peer-group NODES weight 7
set protocols bgp 64512 peer-group RANGE remote-as 65009
set protocols bgp 64512 neighbor 192.0.2.2 peer-group NODES
set protocols bgp 64512 neighbor 192.0.2.3 peer-group NODES
set protocols bgp 64512 neighbor 192.0.2.2 route-map import IN
set protocols bgp 64512 neighbor 192.0.2.3 route-map export OUT
set policy route-map IN rule 10 action permit
set policy route-map OUT rule 10 action permit
set policy route-map OUT rule 10 match ip address prefix-list PL
set policy route-map OUT rule 10 set metric 5
set policy route-map OUT rule 20 action permit
set policy route-map OUT rule 20 match community community-list CL
set policy route-map OUT rule 20 set metric 6
set policy route-map OUT rule 30 action permit
set policy route-map OUT rule 30 match as-path AL
set policy route-map OUT rule 40 action permit
set policy route-map OUT rule 40 match large-community large-community-list LL
set policy route-map OUT rule 50 action permit
set policy route-map OUT rule 50 match extcommunity EL
set policy route-map OUT rule 60 action permit
set policy route-map OTHER rule 10 action permit
set policy prefix-list PL rule 10 action permit
set policy prefix-list PL rule 10 prefix 10.0.0.0/21
set policy prefix-list PL rule 10 le 24
set policy prefix-list6 PL rule 10 action permit
set policy prefix-list6 PL rule 10 prefix 2001:db8::/32
set policy community-list CL rule 10 action permit
set policy community-list CL rule 10 regex 0:1
set policy large-community-list LL rule 10 action permit
set policy large-community-list LL rule 10 regex 1:1:1
set policy extcommunity-list EL rule 10 action permit
set policy extcommunity-list EL rule 10 regex rt~1:1
set policy access-list 110 rule 10 action permit
set policy access-list 110 rule 10 source any
set policy access-list 110 rule 10 destination any
set policy access-list6 XL rule 10 action permit
set policy access-list6 XL rule 10 source network 2001:db8::/32
set policy as-path-list AL rule 10 action permit
set policy as-path-list AL rule 10 regex 65002";

/// Values for words whose example says nothing on this stage: it is the default, or of another router.
const VALUES: &[(&str, &str)] = &[
    ("timers holdtime", "30"),
    ("timers keepalive", "20"),
    ("update-source", "192.0.2.1"),
    ("prefix-list6 PL rule 10 prefix", "2001:db8:1::/48"),
    ("listen range 192.168.101.0/24 peer-group", "RANGE"),
];

/// What is set beside words that cannot stand alone; `@` is what stands in front of the word.
const COMPANIONS: &[(&str, &str)] = &[
    ("aggregator as", "@aggregator ip 192.0.2.1"),
    ("aggregator ip", "@aggregator as 64512"),
    ("set comm-list comm-list", "@set comm-list delete"),
    ("set comm-list delete", "@set comm-list comm-list CL"),
    ("large-comm-list large-comm-list", "@large-comm-list delete"),
    ("large-comm-list delete", "@large-comm-list large-comm-list LL"),
    ("community exact-match", "@community community-list CL"),
    ("source exact-match", "@source network 2001:db8::/32"),
    ("110 rule 20 source network", "@110 rule 20 source inverse-mask 0.255.255.255"),
    ("110 rule 20 source inverse-mask", "@110 rule 20 source network 10.0.0.0"),
    ("destination network", "@destination inverse-mask 0.255.255.255"),
    ("destination inverse-mask", "@destination network 255.0.0.0"),
    ("advertise advertise-map", "@advertise exist-map IN"),
    ("advertise exist-map", "@advertise advertise-map IN"),
    ("advertise non-exist-map", "@advertise advertise-map IN"),
    ("liveness interval", "@liveness arp"),
    ("liveness multiplier", "@liveness arp"),
    ("confederation peers", "@confederation identifier 65000"),
    ("24 limit", "@24 peer-group RANGE"),
    ("bfd profile", "protocols bfd profile nodes interval transmit 100"),
];

/// Words that have no place on this stage, and why.
const REFUSED: &[(&str, &str)] = &[
    ("interface", "is for neighbors that are named by one"),
    ("interface peer-group", "is for neighbors that are named by one"),
    ("interface remote-as", "is for neighbors that are named by one"),
    ("interface v6only", "is for neighbors that are named by one"),
    ("interface v6only peer-group", "is for neighbors that are named by one"),
    ("interface v6only remote-as", "is for neighbors that are named by one"),
    ("key-chain", "has no key"),
    ("peer-group", "does not exist"),
    ("remote-as", "should not be defined in both"),
    ("route-reflector-client", "and an eBGP remote-as at the same time"),
];

/// Words that end a session: what they say is agreed on when it opens (RFC 4271 §4.2, RFC 5492), or is of the connection
/// below it, or is its end.
const RESETS: &[&str] = &[
    "addpath-tx-all",
    "addpath-tx-best",
    "addpath-tx-per-as",
    "capability orf prefix-list receive",
    "capability orf prefix-list send",
    "disable-addpath-rx",
    "graceful-restart",
    "local-as 64513 no-prepend",
    "local-as 64513 no-prepend replace-as",
    "local-role customer strict",
    "password",
    "protocols bgp 64512 parameters confederation identifier",
    "protocols bgp 64512 parameters confederation peers",
    "protocols bgp 64512 parameters graceful-restart disable",
    "protocols bgp 64512 parameters graceful-restart long-lived stale-time",
    "protocols bgp 64512 parameters router-id",
    "protocols bgp 64512 timers holdtime",
    "remote-as",
    "shutdown",
    "timers holdtime",
    "update-source",
];

/// A word with its place, and its value where it has one.
struct Line {
    path: String,
    value: Option<String>,
}

impl Line {
    /// The edit that sets it, with what it needs beside it.
    fn edit(&self) -> String {
        let value = VALUES.iter().find(|(word, _)| self.path.ends_with(word)).map(|(_, value)| (*value).to_owned());
        let value = value.or_else(|| self.value.clone()).unwrap_or_default();
        let mut lines = vec![format!("set {} {value}", self.path).trim_end().to_owned()];
        for (word, companion) in COMPANIONS {
            if let Some(place) = self.path.strip_suffix(word) {
                lines.extend(companion.split('\n').map(|line| format!("set {}", line.replace('@', place))));
            }
        }
        if let Some((place, _)) = self.path.split_once(" dampening ") {
            let all = ["half-life 15", "max-suppress-time 60", "re-use 750", "start-suppress-time 6000"];
            lines.extend(all.map(|word| format!("set {place} dampening {word}")));
        }
        if let Some((place, word)) = self.path.split_once(" rule 20 ") {
            let all = ["action permit", "source any", "destination any"].into_iter();
            let wanted = all.filter(|line| line.split(' ').next() != word.split(' ').next());
            let wanted = wanted.filter(|line| !place.contains("list6") || !line.starts_with("destination"));
            lines.extend(wanted.map(|line| format!("set {place} rule 20 {line}")));
        }
        if self.path.contains(" bmp target lab ") && !self.path.ends_with(" address") {
            lines.push("set protocols bgp 64512 bmp target lab address 192.0.2.9".to_owned());
        }
        lines.join("\n")
    }

    /// The word alone, without the names of its place.
    fn word(&self) -> String {
        let mut words: Vec<&str> = self.path.split(' ').collect();
        for names in ["neighbor", "peer-group", "address-family"] {
            if let Some(place) = words.iter().position(|word| *word == names)
                && words.len() > place + 2
            {
                words.drain(..place + 2);
            }
        }
        words.join(" ")
    }
}

/// Every word below `policy` and `protocols bgp`, with the names that the stage has.
fn lines() -> Vec<Line> {
    let mut lines = Vec::new();
    walk(ROOT.child("policy").unwrap(), "policy".to_owned(), &mut lines);
    walk(ROOT.child("protocols").unwrap().child("bgp").unwrap(), "protocols bgp".to_owned(), &mut lines);
    lines
}

fn walk(node: &'static Node, path: String, lines: &mut Vec<Line>) {
    let example = match node.kind() {
        Some(ValueKind::Policy(PolicyValue::Ref(list))) => named(list).to_owned(),
        _ if node.name == "action" => "deny".to_owned(),
        _ => node.example.unwrap_or_default().replace(' ', "~"),
    };
    let paths = match node.shape {
        Shape::Tag(_) => instances(node, &path, &example).into_iter().map(|name| format!("{path} {name}")).collect(),
        _ => vec![path],
    };
    for path in paths {
        if node.is_leaf() || node.children.is_empty() || node.presence {
            let value = matches!(node.shape, Shape::Leaf(_) | Shape::Multi(_)).then(|| example.clone());
            lines.push(Line { path: path.clone(), value });
        }
        for child in node.children {
            walk(child, format!("{path} {}", child.name), lines);
        }
    }
}

/// The list of each kind that the stage has.
fn named(list: PolicyList) -> &'static str {
    match list {
        PolicyList::AccessList => "110",
        PolicyList::AccessList6 => "XL",
        PolicyList::AsPathList => "AL",
        PolicyList::CommunityList => "CL",
        PolicyList::ExtcommunityList => "EL",
        PolicyList::LargeCommunityList => "LL",
        PolicyList::PrefixList | PolicyList::PrefixList6 => "PL",
        PolicyList::RouteMap => "OTHER",
    }
}

fn instances(node: &Node, path: &str, example: &str) -> Vec<String> {
    let names: &[&str] = match node.name {
        "bgp" => &["64512"],
        "neighbor" => &["192.0.2.2", "192.0.2.3"],
        "peer-group" => &["NODES"],
        "route-map" => &["IN", "OUT"],
        // What a rule of an access list says belongs together, so that it is a new one.
        "rule" if path.contains("access-list") => &["20"],
        "rule" => &["10"],
        name => match PolicyList::ALL.into_iter().find(|list| list.word() == name) {
            Some(list) => return vec![named(list).to_owned()],
            None => return vec![example.to_owned()],
        },
    };
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn stage() -> Stage {
    let mut stage = Stage::new(BASE);
    let mut attributes = PathAttributes::new(Origin::Igp, [192, 0, 2, SPEAKER].into());
    attributes.as_path = bgp_wire::attribute::AsPath::sequence(&[nouns::Asn(65002), nouns::Asn(7)]);
    attributes.communities = thin_vec![1];
    stage.announced_with(SPEAKER, prefixes(12), &attributes);
    stage.rest();
    assert_eq!(stage.known.len(), 12);
    stage
}

/// Whether an edit ended a session, and what neighbors heard that they should not have.
///
/// # Errors
/// The refusal of the commit.
fn told(stage: &mut Stage, edit: &str) -> Result<(bool, Vec<String>), String> {
    (stage.repeated, stage.others) = (0, Vec::new());
    stage.try_commit(edit)?;
    stage.rest();
    let mut wrong = Vec::new();
    wrong
        .extend((stage.repeated > 0).then(|| format!("{edit}: {} routes are told as they were known", stage.repeated)));
    let mut gone: BTreeSet<Prefix> = BTreeSet::new();
    for heard in &stage.heard {
        match heard {
            Heard::Withdrawn(prefix) => _ = gone.insert(*prefix),
            Heard::Announced(prefix) if gone.contains(prefix) => wrong.push(format!("{edit}: {prefix} goes and comes")),
            _ => {}
        }
    }
    let speaker = Effect::Close(ConnId(u64::from(SPEAKER) * 2 + 1));
    Ok((stage.closed || stage.others.contains(&speaker) || stage.heard.contains(&Heard::Notified), wrong))
}

/// What takes an edit back: what stood there before, else the outermost place that only the edit made is deleted.
fn taken_back(edit: &str) -> String {
    let back = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let stood = BASE.lines().find(|base| {
            let base: Vec<&str> = base.split(' ').collect();
            base.len() == words.len()
                && base.split_last().map(|(_, place)| place) == words.split_last().map(|(_, place)| place)
        });
        let made = (2..=words.len())
            .map(|count| words[..count].join(" "))
            .find(|place| !BASE.lines().any(|base| base == place || base.starts_with(&format!("{place} "))));
        match (stood, made) {
            (Some(base), _) => base.to_owned(),
            (None, made) => made.unwrap_or_else(|| line.to_owned()).replacen("set", "delete", 1),
        }
    };
    let mut lines: Vec<String> = edit.lines().map(back).collect();
    lines.dedup();
    lines.join("\n")
}

/// What is wrong with a word; `Ok(true)` where it ends a session.
fn tried(line: &Line) -> Result<bool, String> {
    let (mut stage, edit) = (stage(), line.edit());
    let before = stage.known.clone();
    let (closed, wrong) = match told(&mut stage, &edit) {
        Ok(found) => found,
        // It stands there already.
        Err(refusal) if refusal == "[Unchanged]" => return Ok(false),
        Err(refusal) => {
            let expected = REFUSED.iter().any(|(word, why)| *word == line.word() && refusal.contains(why));
            return if expected { Ok(false) } else { Err(format!("{edit}: {refusal}")) };
        }
    };
    if closed {
        return Ok(true);
    }
    let (closed, more) = told(&mut stage, &taken_back(&edit)).map_err(|why| format!("{edit}, taken back: {why}"))?;
    let mut wrong = [wrong, more].concat();
    wrong.extend(closed.then(|| format!("{edit}: a session ends when it is taken back")));
    wrong.extend((stage.known != before).then(|| format!("{edit}: something is left of it")));
    if wrong.is_empty() { Ok(false) } else { Err(wrong.join("\n")) }
}

#[test]
fn no_word_ends_a_session_needlessly_or_tells_anything_twice() {
    let (mut wrong, mut resets) = (Vec::new(), BTreeSet::new());
    for line in lines() {
        match tried(&line) {
            Ok(true) => _ = resets.insert(line.word()),
            Ok(false) => {}
            Err(why) => wrong.push(why),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let resets: Vec<&str> = resets.iter().map(String::as_str).collect();
    assert_eq!(resets, RESETS);
}
