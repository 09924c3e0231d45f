//! Reading: broken files, both forms, and the spellings of relatives.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

use proptest::prelude::*;

use super::*;
use crate::fixtures::tree;

fn told(parsed: &Parsed) -> Vec<String> {
    parsed.problems.iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_understood_comes_up_and_the_rest_is_listed_with_its_line() {
    let parsed = Tree::load(
        "firewall {
    name WAN_IN {
        default-action drop
        description x
    }
}
protocols {
    bgp 64512 {
        neighbor 192.0.2.1 {
            remote-as 64512
            scan-time 5
            timers {
                holdtime 2
                keepalive 1
            }
        }
        neighbor 192.0.2.999 {
            remote-as 64512
            password secret1
        }
    }
    bgp 64513 {
        neighbor 192.0.2.2 {
            remote-as 64513
        }
    }
}
system {
    host-name r1
    radius {
        server ubnt {
            plaintext-password secret2
        }
    }
",
    );
    let lines: Vec<usize> = parsed.problems.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [1, 11, 13, 17, 22, 28, 30], "{:#?}", told(&parsed));
    let expect = tree(
        "set protocols bgp 64512 neighbor 192.0.2.1 remote-as 64512
         set protocols bgp 64512 neighbor 192.0.2.1 timers keepalive 1
         set system host-name r1",
    );
    assert_eq!(parsed.tree, expect);
    assert_eq!(told(&parsed)[0], "lines 1-6: Configuration path: [firewall] is not valid: firewall {");
}

#[test]
fn a_secret_is_never_repeated_in_a_problem() {
    for text in [
        "system {\n  radius {\n    user a {\n      authentication {\n        encrypted-password $6$hidden\n} } } }",
        "set system login user a authentication encrypted-password hidden",
        "protocol {\n password hidden\n}",
        "set protocols bgp 64512 neighbor 192.0.2.1 password 'hidden",
        "set protocols bgp 64512 neighbor 192.0.2.x password hidden",
        "set service snmp key hidden",
    ] {
        let parsed = Tree::load(text);
        assert!(!parsed.problems.is_empty(), "{text}");
        assert!(!told(&parsed).concat().contains("hidden"), "{:?}", told(&parsed));
    }
}

#[test]
fn set_lines_are_read_with_delete_and_comment() {
    let parsed = Tree::load(
        "# a remark
set system host-name 'r1'
set protocols bgp 64512 neighbor 192.0.2.1 description \"node 1\"
delete system host-name
comment protocols bgp 64512 'to the nodes'
edit protocols
set system host-nam r2
delete system time-zone
set system host-name 'r3",
    );
    let mut expect = tree("set protocols bgp 64512 neighbor 192.0.2.1 description 'node 1'");
    expect.set_comment(&crate::fixtures::words("protocols bgp 64512"), "to the nodes").unwrap();
    assert_eq!(parsed.tree, expect);
    let lines: Vec<usize> = parsed.problems.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [6, 7, 8, 9], "{:#?}", told(&parsed));
}

#[test]
fn comments_are_kept_where_they_stand() {
    let text = "/* the lab */
protocols {
    bgp 64512 {
        /* node 1 */
        neighbor 192.0.2.1 {
            /* ours */
            remote-as 64512
        }
    }
}
";
    let parsed = Tree::load(text);
    assert_eq!(parsed.problems, Vec::new());
    assert_eq!(crate::print::braces(&parsed.tree, &[], crate::print::Style::default()), text);
}

#[test]
fn the_spellings_of_relatives_are_understood() {
    let of_vyos = Tree::load(
        "protocols {
    bgp {
        address-family {
            ipv4-unicast {
                maximum-paths {
                    ibgp 8
                }
                network 192.0.2.0/24 {
                }
            }
            ipv6-unicast {
                redistribute {
                    connected
                }
            }
        }
        neighbor 192.0.2.1 {
            address-family {
                ipv4-unicast {
                    nexthop-self {
                    }
                }
            }
            remote-as 64512
        }
        parameters {
            router-id 192.0.2.254
        }
        system-as 64512
    }
}
// vyos-config-version: \"bgp@4:system@26\"
// Release version: 1.4.0
",
    );
    let expect = tree(
        "set protocols bgp 64512 address-family ipv6-unicast redistribute connected
         set protocols bgp 64512 maximum-paths ibgp 8
         set protocols bgp 64512 neighbor 192.0.2.1 address-family ipv4-unicast nexthop-self
         set protocols bgp 64512 neighbor 192.0.2.1 remote-as 64512
         set protocols bgp 64512 network 192.0.2.0/24
         set protocols bgp 64512 parameters ebgp-requires-policy disable
         set protocols bgp 64512 parameters router-id 192.0.2.254",
    );
    assert_eq!(told(&of_vyos), Vec::<String>::new());
    assert_eq!(of_vyos.tree, expect);
    let of_edgeos = Tree::load(
        "set protocols static interface-route 10.0.0.0/8 next-hop-interface eth0 distance 5
set protocols bgp 64512 neighbor 2001:db8::1 address-family ipv6-unicast peer-group nodes
set protocols bgp system-as 64512",
    );
    let expect = tree(
        "set protocols static route 10.0.0.0/8 interface eth0 distance 5
         set protocols bgp 64512 neighbor 2001:db8::1 peer-group nodes",
    );
    assert_eq!(told(&of_edgeos), Vec::<String>::new());
    assert_eq!(of_edgeos.tree, expect);
}

#[test]
fn the_same_word_in_many_places_is_one_problem_with_all_its_lines() {
    let parsed = Tree::load(
        "interfaces {
    ethernet eth0 {
        firewal {
            in {
                name WAN_IN
            }
        }
        mtu 1500
    }
    ethernet eth1 {
        firewal {
            in {
                name LAN_IN
            }
        }
        mtu 12
    }
    ethernet eth2 {
        descripton x
        mtu 13
    }
}
",
    );
    assert_eq!(
        told(&parsed),
        [
            "lines 3-7, 11-15: Configuration path: interfaces ethernet eth0 [firewal] is not valid: firewal {",
            "line 16: \"12\" is not a valid value of type \"u32\": a number from 68 to 16000 is wanted: mtu 12",
            "line 19: Configuration path: interfaces ethernet eth2 [descripton] is not valid: did you mean 'description'?: \
             descripton x",
            "line 20: \"13\" is not a valid value of type \"u32\": a number from 68 to 16000 is wanted: mtu 13",
        ]
    );
    assert!(parsed.report().ends_with("13 lines were not understood and are left out.\n"), "{}", parsed.report());
}

#[test]
fn a_file_of_commands_may_hold_what_a_session_would() {
    let parsed = Tree::load(
        "configure
set system host-name r1; set system time-zone UTC

delete system host-name
commit comment 'first'
save
exit
set
",
    );
    assert_eq!(parsed.tree, tree("set system time-zone UTC"));
    assert_eq!(told(&parsed), ["line 8: 'set' needs a path behind it: set"]);
}

#[test]
fn a_text_can_be_read_on_top_of_a_tree() {
    let base = tree("set system host-name r1\nset protocols bgp 64512 neighbor 192.0.2.1 remote-as 1");
    let parsed = base.clone().merged("delete protocols bgp 64512 neighbor 192.0.2.1\nset system host-name r2");
    assert_eq!(parsed.tree, tree("set system host-name r2\nset protocols bgp 64512"));
    let parsed = base.merged("/* ours */\nsystem {\n    time-zone UTC\n}\n");
    assert_eq!(parsed.tree.value(&crate::fixtures::words("system host-name")), Some("r1"));
    assert_eq!(parsed.tree.comment(&crate::fixtures::words("system")), Some("ours"));
}

#[test]
fn nothing_is_taken_from_the_file_of_a_newer_release() {
    let text =
        "system {\n    host-name r1\n}\n/* === towpath-config-version: \"7\" === */\n/* Release version: 9.1.0 */\n";
    let parsed = Tree::load(text);
    assert_eq!((parsed.tree.is_empty(), parsed.problems.len()), (true, 0));
    let refusal = parsed.refusal().unwrap();
    assert!(refusal.contains("release 9.1.0") && refusal.contains("version 7"), "{refusal}");
    let older = Tree::load(&text.replace("\"7\"", "\"1\""));
    assert_eq!((older.refusal(), older.tree), (None, tree("set system host-name r1")));
}

#[test]
fn what_a_relative_means_without_saying_it_is_said() {
    let text =
        "protocols {\n    bgp 64512 {\n        neighbor 192.0.2.1 {\n            remote-as 1\n        }\n    }\n}\n";
    let edgeos =
        format!("{text}/* === vyatta-config-version: \"ubnt-util@1\" === */\n/* Release version: v1.10.7 */\n");
    let leaf = crate::fixtures::words("protocols bgp 64512 parameters ebgp-requires-policy");
    let parsed = Tree::load(&edgeos);
    assert_eq!((parsed.tree.value(&leaf), parsed.problems.len()), (Some("disable"), 0));
    assert!(parsed.report().contains("External neighbors need no policy there"), "{}", parsed.report());
    assert_eq!(Tree::load(text).tree.value(&leaf), None);
    let vyos = "set protocols bgp 1 parameters ebgp-requires-policy\n// vyos-config-version: \"bgp@6\"\n";
    let leaf = crate::fixtures::words("protocols bgp 1 parameters ebgp-requires-policy");
    let parsed = Tree::load(vyos);
    assert_eq!((parsed.tree.value(&leaf), parsed.added), (Some("enable"), None));
}

#[test]
fn of_a_block_that_is_translated_only_the_lines_that_are_not_understood_are_listed() {
    let parsed = Tree::load(
        "protocols {
    bgp 64512 {
        address-family {
            ipv4-unicast {
                maximum-paths {
                    ebgp 8
                }
                nonsense 5
            }
        }
    }
}
",
    );
    assert_eq!(
        told(&parsed),
        [
            "line 8: Configuration path: protocols bgp 64512 address-family ipv4-unicast [nonsense] is not valid: nonsense 5"
        ]
    );
    assert_eq!(parsed.tree, tree("set protocols bgp 64512 maximum-paths ebgp 8"));
}

#[test]
fn several_values_of_communities_become_one_and_what_contradicts_is_listed() {
    let rule = "policy route-map A rule 10 set";
    for (said, becomes) in [
        (&["community replace 64512:1", "community replace 64512:2"][..], &["community '64512:1 64512:2'"][..]),
        (&["community add 64512:1", "community add no-export"], &["community '64512:1 no-export additive'"]),
        (
            &["community add 64512:1", "community delete BAD", "community add 64512:2"],
            &["community '64512:1 64512:2 additive'", "comm-list comm-list BAD", "comm-list delete"],
        ),
        (
            &[
                "large-community replace 1:2:3",
                "metric 5",
                "large-community replace 1:2:4",
                "large-community delete BIG",
            ],
            &[
                "large-community '1:2:3 1:2:4'",
                "metric 5",
                "large-comm-list large-comm-list BIG",
                "large-comm-list delete",
            ],
        ),
        (&["community none"], &["community none"]),
    ] {
        let lines = |said: &[&str]| said.iter().map(|words| format!("set {rule} {words}\n")).collect::<String>();
        let parsed = Tree::load(&lines(said));
        assert_eq!(told(&parsed), Vec::<String>::new(), "{said:?}");
        assert_eq!(parsed.tree, tree(&lines(becomes)), "{said:?}");
    }
    let both = Tree::load(&format!("set {rule} community add 64512:1\nset {rule} community replace 64512:2\n"));
    assert_eq!(both.tree, tree(&format!("set {rule} community '64512:1 additive'")));
    assert_eq!(
        told(&both),
        [format!(
            "line 2: a rule either adds communities or replaces them; say it in two rules: set {rule} community replace 64512:2"
        )]
    );
    assert_eq!(both.maimed.len(), 1);
}

#[test]
fn deactivated_nodes_and_what_says_nothing_are_left_out() {
    let parsed = Tree::load(
        "interfaces {
    ethernet eth0 {
        address 192.0.2.1/24
        smp_affinity auto
    }
    ! ethernet eth1 {
        address 192.0.2.9/24
    }
}
",
    );
    assert_eq!(parsed.tree, tree("set interfaces ethernet eth0 address 192.0.2.1/24"));
    assert_eq!(told(&parsed), ["lines 6-8: it is deactivated in the file, and left out: ! ethernet eth1 {"]);
}

#[test]
fn line_ends_tabs_quotes_and_letters_of_all_kinds_are_kept() {
    let expect = tree("set interfaces ethernet eth0 description 'Zür\\ich \"a\" {b} ;c 東京'");
    for text in [
        "\u{feff}interfaces {\r\n\tethernet eth0 {\r\n\t\tdescription \"Zür\\\\ich \\\"a\\\" {b} ;c 東京\"\r\n\t}\r\n}",
        "interfaces { ethernet eth0 { description 'Zür\\ich \"a\" {b} ;c 東京' } }",
        "\u{feff}set interfaces ethernet eth0 description 'Zür\\ich \"a\" {b} ;c 東京'\r\n",
    ] {
        let parsed = Tree::load(text);
        assert_eq!(told(&parsed), Vec::<String>::new(), "{text:?}");
        assert_eq!(parsed.tree, expect, "{text:?}");
    }
}

#[test]
fn what_nobody_would_write_is_read_in_bounded_time_and_told_with_its_line() {
    let deep = format!("system {{\n    host-name r1\n}}\n{}", "a {\n".repeat(10_000));
    let long = format!("system {{\n    host-name r1\n}}\nx {}\n", "y".repeat(10_000_000));
    let wide = format!("system {{\n    host-name r1\n}}\nx {}\n", "y ".repeat(200_000));
    let quotes = format!("system {{\n    host-name r1\n}}\n{}", "a \"\n".repeat(5_000));
    let words: String = (0..5_000).map(|n| format!("word{n} x\n")).collect();
    let words = format!("system {{\n    host-name r1\n}}\n{words}");
    let braces = format!("system {{\n    host-name r1\n}}\n{}", "}\n".repeat(50_000));
    let garbage: Vec<u8> = (0..100_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let garbage = format!("system {{\n    host-name r1\n}}\n{}", String::from_utf8_lossy(&garbage));
    for text in [deep, long, wide, quotes, words, braces, garbage] {
        let parsed = Tree::load(&text);
        assert_eq!(parsed.tree, tree("set system host-name r1"));
        assert!((1..=2100).contains(&parsed.problems.len()), "{}", parsed.problems.len());
        assert!(parsed.problems.iter().all(|problem| problem.line > 3));
        let told = told(&parsed);
        assert!(told.iter().all(|line| line.len() < 1000 && !line.contains('\0')), "{:?}", told.first());
    }
}

#[test]
fn an_empty_text_is_an_empty_configuration() {
    for text in ["", "\n\n", "/* nothing */\n"] {
        assert_eq!(Tree::load(text), Parsed::default(), "{text:?}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_without_panic(text in "(set |protocols|bgp|64512|system|[{};'\"\\\\ \n]|/\\*|\\*/|[a-z0-9.:/]){0,60}") {
        let _ = Tree::load(&text);
        let _ = Tree::parse(&text);
        let _ = Tree::parse_set_commands(&text);
    }

    #[test]
    fn any_octets_are_read_and_what_came_of_them_reads_back(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        let parsed = Tree::load(&String::from_utf8_lossy(&octets));
        let written = crate::print::file(&parsed.tree);
        prop_assert_eq!(Tree::load(&written).tree, parsed.tree);
    }

    #[test]
    fn a_file_that_was_read_is_written_the_same_again(tree in crate::fixtures::any_tree()) {
        let written = crate::print::file(&tree);
        prop_assert_eq!(crate::print::file(&Tree::load(&written).tree), written);
    }
}
