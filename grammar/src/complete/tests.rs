//! Golden completions: a line with `^` at the cursor, and what is listed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use proptest::prelude::*;

use super::*;
use crate::schema::ROOT;

/// A router with two interfaces, two neighbors and a group.
struct Example;

impl Names for Example {
    fn names(&self, kind: NameKind, _typed: &str, _context: &[String]) -> Vec<Name> {
        let names: &[&str] = match kind {
            NameKind::Interface => &["eth10", "eth2", "lo"],
            NameKind::Ethernet => &["eth10", "eth2"],
            NameKind::Loopback => &["lo"],
            NameKind::Bridge => &["br0"],
            NameKind::Dummy => &["dum0"],
            NameKind::Neighbor => &["192.168.101.201", "192.168.101.202"],
            NameKind::PeerGroup => &["nodes"],
            NameKind::Prefix4 => &["172.16.102.229/32"],
            NameKind::Revision => &["0", "1"],
            _ => &[],
        };
        names.iter().map(|&name| Name::from(name.to_owned())).collect()
    }

    fn children(&self, path: &[String]) -> Vec<String> {
        let children: &[&str] = match path.join(" ").as_str() {
            "" => &["protocols"],
            "protocols" => &["bgp"],
            "protocols bgp" => &["64512"],
            "protocols bgp 64512" => &["neighbor", "parameters"],
            "protocols bgp 64512 neighbor" => &["192.168.101.201", "192.168.101.202"],
            "protocols bgp 64512 neighbor 192.168.101.201" => &["description", "remote-as"],
            "protocols bgp 64512 neighbor 192.168.101.201 description" => &["node 1"],
            _ => &[],
        };
        children.iter().map(|&name| name.to_owned()).collect()
    }
}

/// Each candidate as it is listed, after the beginning that would be replaced.
fn shown(completion: &Completion, line: &str) -> Vec<String> {
    let start = line.get(..completion.start).unwrap();
    assert!(line.starts_with(start));
    completion.candidates.iter().map(|c| format!("{}{}", c.sign, c.text)).collect()
}

fn at(marked: &str) -> (String, usize) {
    let cursor = marked.find('^').unwrap_or_else(|| panic!("no cursor in {marked:?}"));
    (marked.replacen('^', "", 1), cursor)
}

/// Where 'edit' can go below a neighbor.
const LEVELS_OF_A_NEIGHBOR: &[&str] = &[
    "  <Enter>",
    " >address-family",
    " >allowas-in",
    " >attribute-unchanged",
    " >bfd",
    " >capability",
    " >conditionally-advertise",
    " >dampening",
    " >default-originate",
    " >disable-send-community",
    " >distribute-list",
    " >enforce-first-as",
    " >filter-list",
    " >interface",
    " >liveness",
    "+>local-as",
    "+>local-role",
    " >nexthop-self",
    " >prefix-list",
    " >remove-private-as",
    " >route-map",
    " >soft-reconfiguration",
    " >timers",
    " >ttl-security",
];

#[test]
fn configuration_lines_are_completed() {
    let neighbor = "protocols bgp 64512 neighbor 192.168.101.201";
    for (level, marked, expect) in [
        ("", "com^", &["  comment", "  commit", "  commit-confirm", "  compare"][..]),
        ("", "set ^", &[" >balancer", " >interfaces", " >policy", " >protocols", " >service", " >system"]),
        ("", "set p^", &[" >policy", " >protocols"]),
        ("", "set protocols ^", &["  <Enter>", " >bfd", "+>bgp", "+>key-chain", " >rpki", " >static"]),
        ("", "set protocols bgp ^", &["  <1-4294967294>", "  64512"]),
        ("", "set protocols static route ^", &["  <x.x.x.x/x>"]),
        ("", "set protocols bgp 64512 ne^", &["+>neighbor", "+>network"]),
        (
            "",
            "set pro bg 64512 nei ^",
            &["  <x.x.x.x>", "  <h:h:h:h:h:h:h:h>", "  <interface>", "  192.168.101.201", "  192.168.101.202"],
        ),
        (neighbor, "set pa^", &["  passive", "  password"]),
        (neighbor, "set remote-as ^", &["  <1-4294967294>", "  external", "  internal"]),
        (neighbor, "set remote-as i^", &["  <1-4294967294>", "  internal"]),
        (neighbor, "set remote-as internal ^", &["  <Enter>"]),
        (neighbor, "set peer-group ^", &["  <text>", "  nodes"]),
        (neighbor, "set passive ^", &["  <Enter>"]),
        ("", "set interfaces ethernet ^", &["  <interface>", "  eth2", "  eth10"]),
        (
            "",
            "set interfaces dummy dum0 ip ^",
            &[
                "  <Enter>",
                "  arp-cache-timeout",
                "  disable-arp-filter",
                "  disable-forwarding",
                "  enable-arp-accept",
                "  enable-arp-announce",
                "  enable-arp-ignore",
                "  enable-proxy-arp",
                "  proxy-arp-pvlan",
                "  source-validation",
            ],
        ),
        ("", "set interfaces ethernet eth2 bridge-group bridge ^", &["  <brN>", "  br0"]),
        ("", "set interfaces loopback lo ^", &["  <Enter>", "+ address", "  description", "  disable", "  mtu"]),
        ("", "set protocols bgp 1 parameters ebgp-requires-policy ^", &["  disable", "  enable"]),
        ("", "delete ^", &[" >protocols"]),
        ("", "delete protocols bgp 64512 ^", &["  <Enter>", "+>neighbor", " >parameters"]),
        ("", "delete protocols bgp 64512 neighbor ^", &["  <Enter>", "  192.168.101.201", "  192.168.101.202"]),
        (neighbor, "show ^", &["  <Enter>", "  description", "  remote-as"]),
        (neighbor, "delete description ^", &["  <Enter>", "  \"node 1\""]),
        ("", "edit protocols bgp 64512 neighbor 192.168.101.201 ^", LEVELS_OF_A_NEIGHBOR),
        ("", "commit; sa^", &["  save"]),
        ("", "commit ^", &["  <Enter>", "  check", "  comment"]),
        ("", "commit comment ^", &["  <text>"]),
        ("", "commit-confirm ^", &["  <Enter>", "  <1-65535>", "  comment"]),
        ("", "commit-confirm 5 ^", &["  <Enter>", "  comment"]),
        ("", "commit-confirm 5 comment ^", &["  <text>"]),
        ("", "compare ^", &["  <Enter>", "  commands", "  saved", "  <0-65535>", "  0", "  1"]),
        ("", "compare 0 ^", &["  <Enter>", "  <0-65535>", "  0", "  1"]),
        ("", "compare 0 1 ^", &["  <Enter>"]),
        ("", "compare saved ^", &["  <Enter>"]),
        ("", "rollback ^", &["  <Enter>", "  <0-65535>", "  0", "  1"]),
        ("", "copy protocols bgp 64512 ^", &["  to", "+>neighbor", " >parameters"]),
        ("", "rename protocols bgp 64512 neighbor 192.168.101.201 ^", &["  to", "  description", "  remote-as"]),
        ("", "rename protocols bgp 64512 neighbor 192.168.101.201 to ^", &["+>neighbor"]),
        (
            "",
            "copy protocols bgp 64512 neighbor 192.168.101.201 to neighbor ^",
            &["  <x.x.x.x>", "  <h:h:h:h:h:h:h:h>", "  <interface>"],
        ),
        ("", "comment protocols bgp 64512 ^", &["  <text>", "+>neighbor", " >parameters"]),
        (neighbor, "comment description ^", &["  <text>"]),
        ("", "show -^", &["  -all"]),
        ("", "exit ^", &["  <Enter>", "  discard"]),
        ("", "run show ip b^", &["  bgp"]),
        (
            "",
            "show | ^",
            &[
                "  commands",
                "  count",
                "  json",
                "  match",
                "  more",
                "  no-match",
                "  no-more",
                "  save",
                "  strip-private",
            ],
        ),
        ("", "show | save ^", &["  <filename>"]),
        ("", "load ^", &["  <Enter>", "  <filename>"]),
        ("", "foo ^", &[]),
        ("", "set foo ^", &[]),
        ("", "# set ^", &[]),
        ("", "set sys^tem host", &[" >system"]),
    ] {
        let base: Vec<String> = level.split_whitespace().map(str::to_owned).collect();
        let (line, cursor) = at(marked);
        let completion = config(&ROOT, &base, &line, cursor, &Example);
        assert_eq!(shown(&completion, &line), expect, "[edit {level}] {marked}");
    }
}

#[test]
fn operational_lines_are_completed() {
    for (marked, expect) in [
        (
            "^",
            &[
                "  add",
                "  clear",
                "  configure",
                "  delete",
                "  dump",
                "  exit",
                "  help",
                "  install",
                "  logout",
                "  monitor",
                "  mtr",
                "  ping",
                "  poweroff",
                "  quit",
                "  reboot",
                "  rename",
                "  reset",
                "  restart",
                "  set",
                "  show",
                "  shutdown",
                "  telnet",
                "  terminal",
                "  traceroute",
            ][..],
        ),
        ("sh^", &["  show"]),
        ("show i^", &["  interfaces", "  ip", "  ipv6"]),
        ("show ip bgp s^", &["  summary"]),
        (
            "show ip bgp ^",
            &[
                "  <Enter>",
                "  cidr-only",
                "  community",
                "  community-list",
                "  dampening",
                "  filter-list",
                "  large-community",
                "  large-community-list",
                "  neighbors",
                "  prefix-list",
                "  regexp",
                "  route-map",
                "  summary",
                "  <x.x.x.x>",
                "  <x.x.x.x/x>",
                "  172.16.102.229/32",
            ],
        ),
        ("show ip bgp 172.^", &["  <x.x.x.x>", "  <x.x.x.x/x>", "  172.16.102.229/32"]),
        ("show ip bgp 172.16.102.229/32 ^", &["  <Enter>", "  longer-prefixes", "  why"]),
        (
            "sh ip bgp nei 192.168.101.20^",
            &["  <x.x.x.x>", "  <h:h:h:h:h:h:h:h>", "  <interface>", "  192.168.101.201", "  192.168.101.202"],
        ),
        (
            "clear ip bgp ^",
            &[
                "  *",
                "  all",
                "  dampening",
                "  external",
                "  peer-group",
                "  <x.x.x.x>",
                "  <h:h:h:h:h:h:h:h>",
                "  <1-4294967294>",
                "  <interface>",
                "  192.168.101.201",
                "  192.168.101.202",
                "  eth2",
                "  eth10",
                "  lo",
            ],
        ),
        (
            "show interfaces ethernet ^",
            &["  <Enter>", "  brief", "  counters", "  detail", "  <interface>", "  eth2", "  eth10"],
        ),
        ("ping 192.0.2.1 c^", &["  count"]),
        ("show version | cou^", &["  count"]),
        ("show version | match ^", &["  <text>"]),
        ("show version; sh^", &["  show"]),
        ("shu^", &["  shutdown"]),
    ] {
        let (line, cursor) = at(marked);
        let completion = operational(&line, cursor, &Example);
        assert_eq!(shown(&completion, &line), expect, "{marked}");
    }
}

#[test]
fn a_completion_knows_where_it_begins_and_whether_the_line_could_run() {
    for (marked, start, complete, quoted) in [
        ("show ip bgp sum^", 12, true, false),
        ("show ip ^", 8, false, false),
        ("show version^", 5, true, false),
        ("show version ^", 13, true, false),
        ("ping 'exa^", 5, true, true),
    ] {
        let (line, cursor) = at(marked);
        let completion = operational(&line, cursor, &NoNames);
        assert_eq!((completion.start, completion.complete, completion.quoted), (start, complete, quoted), "{marked}");
    }
}

#[test]
fn a_listing_has_signs_words_and_help() {
    let completion = config(&ROOT, &[], "set protocols ", 14, &NoNames);
    assert_eq!(
        completion.listing(),
        "Possible completions:\n     <Enter>    Execute the current command\n   > bfd        Bidirectional Forwarding Detection\n  +> bgp        Border Gateway Protocol\n  +> key-chain  Keys of TCP connections (TCP-AO, RFC 5925)\n   > rpki       Resource Public Key Infrastructure\n   > static     Static routes\n"
    );
    assert_eq!(completion.words().collect::<Vec<_>>(), ["bfd", "bgp", "key-chain", "rpki", "static"]);
}

#[test]
fn a_list_of_very_many_names_ends_in_their_number() {
    let name =
        |n: u32| Candidate { text: format!("10.0.{n}.0/24"), help: String::new(), sign: "  ", placeholder: false };
    let many = |n: u32| Completion { candidates: (0..n).map(name).collect(), ..Completion::default() }.listing();
    assert_eq!(many(100).lines().count(), 101);
    assert_eq!(many(250).lines().count(), 102);
    assert!(many(250).ends_with("10.0.99.0/24\n     ... and 150 more; type some of the word to see fewer\n"));
}

proptest! {
    #[test]
    fn any_line_is_completed(line in r#"(set |show |run |delete |protocols |bgp |1 |neighbor |['"\\;|#ä -]){0,8}"#, cursor in 0_usize..80) {
        let completion = config(&ROOT, &[], &line, cursor, &Example);
        prop_assert!(completion.start <= cursor.min(line.len()));
        let completion = operational(&line, cursor, &Example);
        prop_assert!(completion.start <= cursor.min(line.len()));
    }

    #[test]
    fn any_text_is_completed(line in any::<String>(), cursor in 0_usize..200) {
        let _ = config(&ROOT, &[], &line, cursor, &NoNames);
        let _ = operational(&line, cursor, &NoNames);
    }
}
