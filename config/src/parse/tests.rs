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
            weight 5
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
    login {
        user ubnt {
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
    assert!(parsed.problems[0].message.contains("[firewall] is not valid"), "{:#?}", told(&parsed));
    assert!(parsed.problems[0].message.contains("1 more statement"), "{:#?}", told(&parsed));
}

#[test]
fn a_secret_is_never_repeated_in_a_problem() {
    for text in [
        "system {\n  login {\n    user a {\n      authentication {\n        encrypted-password $6$hidden\n} } } }",
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
commit
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
}
