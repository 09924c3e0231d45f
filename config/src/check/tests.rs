//! Rules between nodes: each broken once, told at its path; and what is admitted at the start.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

use super::*;
use crate::fixtures::tree;

const GOOD: &str = "set interfaces ethernet eth0 address 192.0.2.254/24
    set interfaces ethernet eth0 address 2001:db8::254/64
    set interfaces loopback lo address 198.51.100.1/32
    set protocols bgp 64512 neighbor 192.0.2.1 remote-as 64512
    set protocols bgp 64512 neighbor 192.0.2.2 remote-as 64513
    set protocols bgp 64512 peer-group nodes remote-as external
    set protocols bgp 64512 listen range 192.0.2.0/24 peer-group nodes
    set protocols static route 10.0.0.0/8 next-hop 192.0.2.9";

fn context() -> Context {
    Context { local_addresses: BTreeSet::from(["203.0.113.1".parse().unwrap()]), ..Context::default() }
}

#[test]
fn a_sound_configuration_is_accepted() {
    assert!(accept(&tree(GOOD), &context()).is_ok());
    assert!(accept(&Tree::default(), &Context::default()).is_ok());
}

#[test]
fn words_about_paths_are_refused_where_they_mean_nothing() {
    for (lines, path, expect) in [
        (
            "protocols bgp 64512 neighbor 192.0.2.1 local-role peer",
            "protocols bgp 64512 neighbor 192.0.2.1",
            "can not set local-role and an iBGP remote-as",
        ),
        (
            "protocols bgp 64512 neighbor 192.0.2.1 key-chain CORE",
            "protocols bgp 64512 neighbor 192.0.2.1",
            "key-chain CORE has no key; set protocols key-chain CORE key",
        ),
        (
            "protocols bgp 64512 neighbor 192.0.2.1 password s3cret\nset protocols bgp 64512 neighbor 192.0.2.1 key-chain CORE
             set protocols key-chain CORE key 1 key-string other",
            "protocols bgp 64512 neighbor 192.0.2.1",
            "you can't set both password and key-chain",
        ),
        (
            "protocols key-chain CORE key 1 send-id 1",
            "protocols key-chain CORE key 1",
            "must set key-string",
        ),
        (
            "protocols bgp 64512 neighbor 192.0.2.1 as-override",
            "protocols bgp 64512 neighbor 192.0.2.1",
            "can not set as-override and an iBGP",
        ),
        (
            "protocols bgp 64512 neighbor 192.0.2.1 remove-private-as",
            "protocols bgp 64512 neighbor 192.0.2.1",
            "can not set remove-private-as and an iBGP",
        ),
        (
            "protocols bgp 64512 neighbor 192.0.2.1 address-family ipv6-unicast route-server-client",
            "protocols bgp 64512 neighbor 192.0.2.1",
            "can not set route-server-client and an iBGP",
        ),
        (
            "protocols bgp 64512 neighbor 192.0.2.1 attribute-unchanged med",
            "protocols bgp 64512 neighbor 192.0.2.1",
            "can not set attribute-unchanged med and an iBGP",
        ),
        (
            "protocols bgp 64512 parameters confederation identifier 65000;\
             protocols bgp 64512 parameters confederation peers 64512",
            "protocols bgp 64512 parameters confederation peers 64512",
            "is a member anyway",
        ),
        (
            "protocols bgp 64512 parameters confederation identifier 65000;\
             protocols bgp 64512 parameters confederation peers 64513;\
             protocols bgp 64512 neighbor 192.0.2.2 local-as 65001",
            "protocols bgp 64512 neighbor 192.0.2.2",
            "can not set local-as and a remote-as of the confederation",
        ),
        (
            "protocols bgp 64512 parameters confederation peers 64513",
            "protocols bgp 64512 parameters confederation",
            "must set an identifier",
        ),
    ] {
        refused_at(lines, path, expect);
    }
}

#[test]
fn each_broken_rule_is_told_at_its_path() {
    for (lines, path, expect) in [
        (
            "protocols bgp 64512 neighbor 192.0.2.254 remote-as 64512",
            "protocols bgp 64512 neighbor 192.0.2.254",
            "local system IP",
        ),
        (
            "protocols bgp 64512 neighbor 203.0.113.1 remote-as 64512",
            "protocols bgp 64512 neighbor 203.0.113.1",
            "local system IP",
        ),
        (
            "protocols bgp 64512 neighbor 192.0.2.1 update-source 192.0.2.77",
            "protocols bgp 64512 neighbor 192.0.2.1",
            "update-source 192.0.2.77 is not an address of this router",
        ),
        (
            "protocols bgp 64512 neighbor 192.0.2.1 update-source 2001:db8::254",
            "protocols bgp 64512 neighbor 192.0.2.1",
            "address family",
        ),
        (
            "protocols bgp 64512 neighbor 192.0.2.1 maximum-prefix-warning-only
             set protocols bgp 64512 neighbor 192.0.2.1 maximum-prefix-restart 5",
            "protocols bgp 64512 neighbor 192.0.2.1",
            "maximum-prefix-warning-only and maximum-prefix-restart",
        ),
        (
            "protocols bgp 64512 neighbor 192.0.2.1 addpath-tx-all
             set protocols bgp 64512 neighbor 192.0.2.1 addpath-tx-best 2",
            "protocols bgp 64512 neighbor 192.0.2.1",
            "exclude each other",
        ),
        (
            "protocols bgp 64512 neighbor 192.0.2.1 ebgp-multihop 2",
            "protocols bgp 64512 neighbor 192.0.2.1",
            "can not set ebgp-multihop and an iBGP remote-as",
        ),
        (
            "protocols bgp 64512 neighbor 192.0.2.1 ttl-security hops 2",
            "protocols bgp 64512 neighbor 192.0.2.1",
            "can not set ttl-security and an iBGP remote-as",
        ),
        (
            "protocols bgp 64512 neighbor 192.0.2.1 local-as 64999",
            "protocols bgp 64512 neighbor 192.0.2.1",
            "can not set local-as and an iBGP remote-as",
        ),
        (
            "protocols bgp 64512 neighbor 192.0.2.2 route-reflector-client",
            "protocols bgp 64512 neighbor 192.0.2.2",
            "can not set route-reflector-client and an eBGP remote-as at the same time",
        ),
        (
            "protocols bgp 64512 neighbor 192.0.2.2 local-as 64512",
            "protocols bgp 64512 neighbor 192.0.2.2",
            "the router's own AS 64512",
        ),
        (
            "protocols bgp 64512 neighbor 192.0.2.2 ebgp-multihop 2;protocols bgp 64512 neighbor 192.0.2.2 ttl-security hops 2",
            "protocols bgp 64512 neighbor 192.0.2.2",
            "both ebgp-multihop and ttl-security",
        ),
        (
            "protocols bgp 64512 neighbor 192.0.2.2 timers keepalive 90",
            "protocols bgp 64512 neighbor 192.0.2.2",
            "keepalive 90 must be less than holdtime 90",
        ),
        (
            "protocols bgp 64512 peer-group nodes local-as 64512",
            "protocols bgp 64512 listen range 192.0.2.0/24",
            "the router's own AS 64512",
        ),
        (
            "interfaces ethernet eth1 address 192.0.2.254/25",
            "interfaces ethernet eth1 address 192.0.2.254/25",
            "stands on eth0 already",
        ),
        (
            "protocols static route 10.1.0.0/16 description x",
            "protocols static route 10.1.0.0/16",
            "must set next-hop, interface, blackhole or reject",
        ),
        (
            "protocols static route6 2001:db8:1::/48 next-hop fe80::1",
            "protocols static route6 2001:db8:1::/48 next-hop fe80::1",
            "needs 'interface'",
        ),
        (
            "protocols static route 10.1.0.0/16 next-hop 192.0.2.254",
            "protocols static route 10.1.0.0/16 next-hop 192.0.2.254",
            "an address of this router",
        ),
    ] {
        refused_at(lines, path, expect);
    }
}

#[test]
fn each_broken_rule_of_bfd_is_told_at_its_path() {
    for (lines, path, expect) in [
        (
            "protocols bgp 64512 neighbor 192.0.2.1 bfd profile fast",
            "protocols bgp 64512 neighbor 192.0.2.1",
            "BFD profile \"fast\" does not exist",
        ),
        ("protocols bfd peer 192.0.2.1 profile fast", "protocols bfd peer 192.0.2.1 profile", "does not exist"),
        ("protocols bfd peer 192.0.2.254", "protocols bfd peer 192.0.2.254", "is an address of this router"),
        (
            "protocols bfd peer 192.0.2.1 source address 192.0.2.77",
            "protocols bfd peer 192.0.2.1",
            "is not an address of this router",
        ),
        (
            "protocols bfd peer 192.0.2.1 authentication simple-password 12345678901234567",
            "protocols bfd peer 192.0.2.1",
            "at most 16 octets",
        ),
        (
            "protocols bfd peer 192.0.2.1 authentication meticulous-keyed-sha1 123456789012345678901",
            "protocols bfd peer 192.0.2.1",
            "at most 20 octets",
        ),
        (
            "protocols bfd peer 192.0.2.1 authentication keyed-md5 one\nset protocols bfd peer 192.0.2.1 authentication keyed-sha1 two",
            "protocols bfd peer 192.0.2.1",
            "have one proof; delete authentication keyed-md5 or keyed-sha1",
        ),
        (
            "protocols bgp 64512 neighbor 192.0.2.1 liveness interval 100",
            "protocols bgp 64512 neighbor 192.0.2.1 liveness",
            "must set one of",
        ),
        (
            "protocols bgp 64512 neighbor 192.0.2.1 liveness icmp;protocols bgp 64512 neighbor 192.0.2.1 liveness tcp 80",
            "protocols bgp 64512 neighbor 192.0.2.1 liveness",
            "only one of",
        ),
        (
            "protocols bgp 64512 neighbor 192.0.2.9 remote-as 65001;protocols bgp 64512 neighbor 192.0.2.9 liveness arp;\
             protocols bgp 64512 neighbor 192.0.2.9 ebgp-multihop 2",
            "protocols bgp 64512 neighbor 192.0.2.9",
            "behind routers",
        ),
    ] {
        refused_at(lines, path, expect);
    }
}

#[test]
fn each_broken_rule_of_links_and_static_entries_is_told_at_its_path() {
    for (lines, path, expect) in [
        (
            "protocols static table 10 route 10.1.0.0/16 blackhole;protocols static table 10 route 10.1.0.0/16 reject",
            "protocols static table 10 route 10.1.0.0/16",
            "blackhole and reject cannot both be",
        ),
        (
            "protocols static arp 192.0.2.254 hwaddr 00:53:00:00:00:01",
            "protocols static arp 192.0.2.254",
            "an address of this router",
        ),
        ("protocols static arp 192.0.2.9", "protocols static arp 192.0.2.9", "must set hwaddr"),
        (
            "interfaces ethernet eth7 bridge-group bridge br0",
            "interfaces ethernet eth7",
            "the bridge br0 does not exist",
        ),
        (
            "interfaces bridge br0;interfaces ethernet eth7 address 203.0.113.9/24;\
             interfaces ethernet eth7 bridge-group bridge br0",
            "interfaces ethernet eth7",
            "can have no address",
        ),
        (
            "interfaces bridge br0;interfaces bridge br1;interfaces ethernet eth7 bridge-group bridge br0;\
             interfaces bridge br1 member interface eth7",
            "interfaces bridge br1 member interface eth7",
            "is a port of br0 already",
        ),
        (
            "interfaces bridge br0 member interface eth8",
            "interfaces bridge br0 member interface eth8",
            "is not configured",
        ),
        ("interfaces bridge br0 vif 5 bridge-group bridge br0", "interfaces bridge br0 vif 5", "cannot be its port"),
        (
            "interfaces ethernet eth7 vif 5 mtu 1600",
            "interfaces ethernet eth7 vif 5 mtu 1600",
            "cannot be larger than that of its interface, 1500",
        ),
        (
            "interfaces ethernet eth7.5;interfaces ethernet eth7 vif 5",
            "interfaces ethernet eth7.5",
            "is configured under 'interfaces ethernet eth7 vif 5' too",
        ),
        (
            "interfaces ethernet verylonglink vif 4000",
            "interfaces ethernet verylonglink vif 4000",
            "longer than the 15 characters",
        ),
        (
            "interfaces dummy dum0 ipv6 address eui64 2001:db8:9::/64",
            "interfaces dummy dum0 ipv6 address",
            "eui64 needs 'mac'",
        ),
        (
            "interfaces ethernet eth7 ipv6 address eui64 2001:db8:9::/48",
            "interfaces ethernet eth7 ipv6 address eui64 2001:db8:9::/48",
            "is not a network of 64 bits",
        ),
    ] {
        refused_at(lines, path, expect);
    }
}

/// Lines, separated by `;`, that break one rule beside what is good.
fn refused_at(lines: &str, path: &str, expect: &str) {
    let lines: String = lines.split(';').map(|line| format!("set {line}\n")).collect();
    let errors = accept(&tree(&format!("{GOOD}\n{lines}")), &context()).expect_err(&lines);
    assert_eq!(errors.len(), 1, "{lines}: {errors:?}");
    assert_eq!(errors[0].path.join(" "), path);
    assert!(errors[0].message.contains(expect), "{lines}: {}", errors[0].message);
}

#[test]
fn sound_settings_that_look_alike_are_accepted() {
    for line in [
        "protocols bgp 64512 neighbor 192.0.2.1 update-source 192.0.2.254",
        "protocols bgp 64512 neighbor 192.0.2.1 update-source 203.0.113.1",
        "protocols bgp 64512 neighbor 192.0.2.2 ebgp-multihop 2",
        "protocols bgp 64512 neighbor 192.0.2.2 local-as 64999",
        "protocols bgp 64512 neighbor 192.0.2.1 timers holdtime 3",
        "protocols static route 10.1.0.0/16 blackhole",
        "protocols static route6 2001:db8:1::/48 next-hop fe80::1 interface eth0",
    ] {
        let accepted = accept(&tree(&format!("{GOOD}\nset {line}")), &context());
        assert!(accepted.is_ok(), "{line}: {accepted:?}");
    }
}

#[test]
fn external_peers_without_policy_are_warned_of() {
    let model = accept(&tree(GOOD), &context()).unwrap();
    let texts: Vec<String> = warnings(&model).iter().map(ToString::to_string).collect();
    let hint = "external peer without policy, nothing is exchanged (RFC 8212); \
                allow it with 'set protocols bgp 64512 parameters ebgp-requires-policy disable'";
    assert_eq!(texts, [format!("neighbor 192.0.2.2: {hint}"), format!("listen range 192.0.2.0/24: {hint}")]);
    let allowed = tree(&format!("{GOOD}\nset protocols bgp 64512 parameters ebgp-requires-policy disable"));
    assert_eq!(warnings(&accept(&allowed, &context()).unwrap()), Vec::new());
}

#[test]
fn errors_are_reported_below_the_header_of_their_node() {
    let bad = tree(
        "set protocols bgp 64512 neighbor 192.0.2.1 remote-as 64512
         set protocols bgp 64512 neighbor 192.0.2.1 ebgp-multihop 2
         set protocols bgp 64512 neighbor 192.0.2.1 local-as 64999
         set protocols bgp 64512 neighbor 192.0.2.2 passive",
    );
    let errors = accept(&bad, &context()).unwrap_err();
    assert_eq!(
        report(&errors),
        "[ protocols bgp 64512 neighbor 192.0.2.2 ]
  must set remote-as or peer-group with remote-as defined
[ protocols bgp 64512 neighbor 192.0.2.1 ]
  can not set ebgp-multihop and an iBGP remote-as at the same time; delete ebgp-multihop
  can not set local-as and an iBGP remote-as at the same time; delete local-as
"
    );
}

#[test]
fn at_the_start_the_sound_part_comes_up_and_the_rest_is_listed() {
    let broken = tree(&format!(
        "{GOOD}
         set protocols bgp 64512 neighbor 192.0.2.3 password s3cret
         set protocols bgp 64512 neighbor 192.0.2.254 remote-as 64512
         set interfaces ethernet eth1 address 192.0.2.254/25
         set interfaces ethernet eth1 mtu 9000
         set protocols static route 10.1.0.0/16 description x"
    ));
    let admitted = admit(&Parsed { tree: broken, ..Parsed::default() }, &context());
    let paths: Vec<String> = admitted.errors.iter().map(|error| error.path.join(" ")).collect();
    assert_eq!(
        paths,
        [
            "protocols bgp 64512 neighbor 192.0.2.3",
            "interfaces ethernet eth1 address 192.0.2.254/25",
            "protocols static route 10.1.0.0/16",
            "protocols bgp 64512 neighbor 192.0.2.254",
        ]
    );
    assert_eq!(admitted.tree, tree(&format!("{GOOD}\nset interfaces ethernet eth1 mtu 9000")));
    assert_eq!(accept(&admitted.tree, &context()), Ok(admitted.model));
}

#[test]
fn a_neighbor_whose_password_is_no_value_stays_away_and_an_interface_without_its_mtu_does_not() {
    let parsed = Tree::load(
        "protocols {
             bgp 64512 {
                 neighbor 192.0.2.1 {
                     password \"two words\"
                     remote-as 64512
                 }
                 neighbor 192.0.2.2 {
                     remote-as 64512
                 }
             }
         }
         interfaces {
             ethernet eth1 {
                 address 192.0.2.254/24
                 mtu 1
             }
         }",
    );
    assert_eq!(parsed.problems.len(), 2, "{:?}", parsed.problems);
    let admitted = admit(&parsed, &context());
    assert_eq!(
        admitted.tree,
        tree(
            "set protocols bgp 64512 neighbor 192.0.2.2 remote-as 64512
             set interfaces ethernet eth1 address 192.0.2.254/24"
        )
    );
}

#[test]
fn the_last_admin_stays_and_half_a_word_of_the_system_is_refused() {
    let admin = "set system login user anna authentication encrypted-password $6$salt$hash";
    let operator = "set system login user oper level operator
        set system login user oper authentication encrypted-password $6$salt$hash";
    for (had, lines, path, expect) in [
        (true, "", "system login", "All users deleted! At least one user of level admin"),
        (true, operator, "system login", "At least one user of level admin"),
        (true, "set system login user anna", "system login", "so that nobody is locked out"),
        (true, "set system login user anna authentication encrypted-password !", "system login", "locked out"),
        (false, "set system login user root", "system login user root", "left to the system"),
        (
            false,
            "set system login user anna authentication public-keys a type ssh-rsa",
            "system login user anna authentication public-keys a",
            "must set key",
        ),
        (
            false,
            "set system login user anna authentication public-keys a key AAAAC3NzaC1lZDI1NTE5",
            "system login user anna authentication public-keys a",
            "must set type",
        ),
        (
            false,
            "set system static-host-mapping host-name node1 alias n1",
            "system static-host-mapping host-name node1",
            "must set inet",
        ),
        (
            false,
            "set system sysctl parameter net.ipv4.tcp_syncookies",
            "system sysctl parameter net.ipv4.tcp_syncookies",
            "must set value",
        ),
        (
            false,
            "set system sysctl parameter net.ipv4.ip_forward value 0",
            "system sysctl parameter net.ipv4.ip_forward",
            "use 'system ip disable-forwarding'",
        ),
    ] {
        let context = Context { has_admin: had, ..Context::default() };
        let errors = accept(&tree(lines), &context).unwrap_err();
        assert_eq!(errors.len(), 1, "{lines}: {errors:?}");
        assert_eq!(errors[0].path.join(" "), path, "{lines}");
        assert!(errors[0].message.contains(expect), "{lines}: {}", errors[0].message);
    }
    let context = Context { has_admin: true, ..Context::default() };
    assert!(accept(&tree(&format!("{admin}\n{operator}")), &context).is_ok());
    assert!(accept(&tree(operator), &Context::default()).is_ok(), "there never was an admin");
}

#[test]
fn keys_only_without_a_key_and_servers_that_nobody_asks_are_said_loudly() {
    let lines = "set service ssh disable-password-authentication
        set system login user anna authentication encrypted-password $6$salt$hash";
    assert_eq!(warnings(&Model::lower(&tree(lines)).0).len(), 1);
    let key = "set system login user anna authentication public-keys a key AAAAC3NzaC1lZDI1NTE5
        set system login user anna authentication public-keys a type ssh-ed25519";
    assert_eq!(warnings(&Model::lower(&tree(&format!("{lines}\n{key}"))).0), Vec::new());
    let servers =
        |count: u8| (1..=count).map(|host| format!("set system name-server 192.0.2.{host}\n")).collect::<String>();
    assert_eq!(warnings(&Model::lower(&tree(&servers(3))).0), Vec::new());
    assert_eq!(warnings(&Model::lower(&tree(&servers(4))).0).len(), 1);
}
