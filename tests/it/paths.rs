//! What becomes of paths between the router and other speakers: sites of one AS, private numbers, route servers, roles,
//! traffic that moves away.
//!
//! The neighbor's own table is what counts, and no word but a role costs a session.

use std::time::Duration;

use anyhow::Result;
use scenarios::lab::Lab;
use scenarios::peers::{Kind, Session, Speaker};
use scenarios::router::Router;

use crate::sessions::{SESSIONS, established, up};

const SOON: Duration = Duration::from_secs(10);
const SHOP: &str = "172.16.102.229/32";

/// A router of AS 64512 whose external neighbors need no policy, with some words more.
fn router(lab: &Lab, lines: &[&str]) -> Result<Router> {
    let router = Router::start(lab)?;
    let mut all = vec![
        "set protocols bgp 64512 parameters router-id 192.168.101.1",
        "set protocols bgp 64512 parameters ebgp-requires-policy disable",
    ];
    all.extend(lines);
    router.configure(&all)?;
    Ok(router)
}

/// The AS path of a prefix in a speaker's own words, numbers alone: BIRD and FRR tell it in a line of its own.
fn path(speaker: &Speaker, kind: Kind, prefix: &str) -> String {
    let table = speaker.table(prefix);
    let line = match kind {
        Kind::Bird => table.lines().find_map(|line| line.trim().strip_prefix("BGP.as_path: ").map(str::to_owned)),
        // The column between the next hop and the age.
        Kind::Gobgp => table.lines().find(|line| line.contains(prefix)).map(|line| {
            line.split_whitespace()
                .skip(3)
                .take_while(|word| !word.contains([':', 'd', 'h', 'm', 's']))
                .collect::<Vec<_>>()
                .join(" ")
        }),
        // The line below the prefix.
        Kind::Openbgpd => table
            .lines()
            .skip_while(|line| !line.contains("BGP routing table entry"))
            .nth(1)
            .map(|line| line.trim().to_owned()),
        // The line before the next hop.
        _ => table
            .lines()
            .zip(table.lines().skip(1))
            .find(|(_, next)| next.contains(" from ") && !next.contains("Advertised"))
            .map(|(line, _)| line.trim().to_owned()),
    };
    line.unwrap_or_default()
}

/// Two sites of one AS hear of each other through the router.
fn joins_sites(kind: Kind) -> Result<()> {
    let lab = Lab::new()?;
    let [first, second, _] = &lab.nodes;
    let neighbor = "set protocols bgp 64512 neighbor";
    let router = router(
        &lab,
        &[
            &format!("{neighbor} 192.168.101.201 remote-as 65001"),
            &format!("{neighbor} 192.168.101.202 remote-as 65001"),
        ],
    )?;
    let one = up(&lab, &router, first, kind, Session::external(first, 65001))?;
    let other = up(&lab, &router, second, kind, Session::external(second, 65001))?;
    one.announce(SHOP)?;
    lab.wait_until(SOON, "the router has it", || !router.gateways(SHOP).is_empty())?;
    let before = established(&router, second.ipv4.into())?;
    assert!(!other.knows(SHOP), "it would refuse a path with its own AS");
    router.configure(&[&format!("{neighbor} 192.168.101.202 as-override")])?;
    lab.wait_until(SOON, "the other site hears of it", || path(&other, kind, SHOP).starts_with("64512 64512"))?;
    router.configure(&["delete protocols bgp 64512 neighbor 192.168.101.202 as-override"])?;
    lab.wait_until(SOON, "and no longer", || !other.knows(SHOP))?;
    router.configure(&[&format!("{neighbor} 192.168.101.202 remove-private-as")])?;
    assert!(!other.knows(SHOP), "who would refuse the path as it is hears nothing of it");
    assert_eq!(established(&router, second.ipv4.into())?, before, "no session was reset");
    Ok(())
}

#[test]
fn frr_sites_of_one_as_hear_of_each_other_where_our_as_stands_in_for_theirs() -> Result<()> {
    joins_sites(Kind::Frr)
}

#[test]
fn bird_sites_of_one_as_hear_of_each_other_where_our_as_stands_in_for_theirs() -> Result<()> {
    joins_sites(Kind::Bird)
}

#[test]
fn gobgp_sites_of_one_as_hear_of_each_other_where_our_as_stands_in_for_theirs() -> Result<()> {
    joins_sites(Kind::Gobgp)
}

#[test]
fn openbgpd_sites_of_one_as_hear_of_each_other_where_our_as_stands_in_for_theirs() -> Result<()> {
    joins_sites(Kind::Openbgpd)
}

/// One speaker announces, another one hears, as the words about the second one say.
fn is_told_as_said(kind: Kind) -> Result<()> {
    let lab = Lab::new()?;
    let [first, second, _] = &lab.nodes;
    let router = router(
        &lab,
        &[
            "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64601",
            "set protocols bgp 64512 neighbor 192.168.101.202 remote-as 64602",
        ],
    )?;
    let speaker = up(&lab, &router, first, kind, Session::external(first, 64601))?;
    // OpenBGPD alone minds whose AS a path begins with, unless it is told not to.
    let words: &[&str] = if kind == Kind::Openbgpd { &["enforce neighbor-as no"] } else { &[] };
    let listener = up(&lab, &router, second, kind, Session::external(second, 64602).saying(words))?;
    speaker.announce(SHOP)?;
    lab.wait_until(SOON, "it goes on", || path(&listener, kind, SHOP) == "64512 64601")?;
    let before = established(&router, second.ipv4.into())?;
    let to = "protocols bgp 64512 neighbor 192.168.101.202";
    let marks = match kind {
        Kind::Bird => "BGP.next_hop: ",
        Kind::Frr => " from ",
        Kind::Openbgpd => "Nexthop ",
        _ => SHOP,
    };
    let next_hop = |expected: &str| {
        let table = listener.table(SHOP);
        table.lines().find(|line| line.contains(marks)).is_some_and(|line| line.contains(expected))
    };
    for (words, expected, hop) in [
        (&["remove-private-as"][..], "64512", "192.168.101.1"),
        (&["attribute-unchanged as-path"], "64601", "192.168.101.1"),
        (&["route-server-client"], "64601", "192.168.101.201"),
    ] {
        for word in words {
            router.configure(&[&format!("set {to} {word}")])?;
        }
        let as_said = || path(&listener, kind, SHOP) == expected && next_hop(hop);
        lab.wait_until(SOON, &format!("{words:?}: {}", listener.table(SHOP)), as_said)?;
        let told = router.show("show ip bgp neighbors 192.168.101.202")?;
        for word in words {
            router.configure(&[&format!("delete {to} {}", word.split(' ').next().unwrap_or_default())])?;
        }
        assert!(
            told.contains("rivate") || told.contains("Stays as it came") || told.contains("Route-Server"),
            "{told}"
        );
    }
    let gone = if kind == Kind::Bird { "(65535,0)" } else { "graceful-shutdown" };
    router.configure(&[&format!("set {to} graceful-shutdown")])?;
    let said = || {
        let table = listener.table(SHOP);
        [gone, "planned-shut", "65535:0", "GRACEFUL_SHUTDOWN"].iter().any(|name| table.contains(name))
    };
    lab.wait_until(SOON, &format!("traffic is asked to move away: {}", listener.table(SHOP)), said)?;
    router.configure(&[&format!("delete {to} graceful-shutdown")])?;
    lab.wait_until(SOON, "and to come back", || listener.knows(SHOP) && !said())?;
    assert_eq!(established(&router, second.ipv4.into())?, before, "no session was reset");
    Ok(())
}

#[test]
fn frr_is_told_of_paths_as_the_words_say() -> Result<()> {
    is_told_as_said(Kind::Frr)
}

#[test]
fn bird_is_told_of_paths_as_the_words_say() -> Result<()> {
    is_told_as_said(Kind::Bird)
}

#[test]
fn gobgp_is_told_of_paths_as_the_words_say() -> Result<()> {
    is_told_as_said(Kind::Gobgp)
}

#[test]
fn openbgpd_is_told_of_paths_as_the_words_say() -> Result<()> {
    is_told_as_said(Kind::Openbgpd)
}

/// The speaker of AS 64601 stands between the router and a BIRD of some AS: which path the router hears of it, and
/// through which node it leads.
fn hears_through(
    kind: Kind,
    session: impl FnOnce(Session) -> Session,
    far_as: u32,
    expected: (&str, &str),
) -> Result<()> {
    let lab = Lab::new()?;
    let [first, second, _] = &lab.nodes;
    let router = router(
        &lab,
        &[
            "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64601",
            "set protocols bgp 64512 neighbor 192.168.101.201 enforce-first-as disable",
        ],
    )?;
    let far = Session { remote: first.ipv4.into(), remote_as: 64601, ..Session::external(second, far_as) };
    let far = Speaker::start(&lab, second, Kind::Bird, far)?;
    let _between = up(&lab, &router, first, kind, session(Session::external(first, 64601)))?;
    far.announce(SHOP)?;
    let (expected, gateway) = expected;
    let told = || router.show(&format!("show ip bgp {SHOP}")).unwrap_or_default();
    let heard = || told().lines().any(|line| line.trim() == expected);
    lab.wait_until(SOON, &format!("the path is {expected}"), heard)?;
    lab.wait_until(SOON, "the kernel has it", || router.gateways(SHOP) == [gateway])?;
    // A GoBGP that replaces numbers sends nothing at all where a withdrawal is due.
    if kind == Kind::Gobgp && far_as == 64512 {
        return Ok(());
    }
    far.withdraw(SHOP)?;
    lab.wait_until(SOON, "the withdrawal goes through", || router.gateways(SHOP).is_empty())
}

/// The second neighbor of an FRR, a GoBGP, and an OpenBGPD.
fn second_neighbor(kind: Kind, remote_as: u32, words: &str) -> String {
    match kind {
        Kind::Gobgp => format!(
            "[[neighbors]]\n  [neighbors.config]\n    neighbor-address = \"192.168.101.202\"\n    \
             peer-as = {remote_as}\n  [neighbors.timers.config]\n    connect-retry = 1\n    \
             idle-hold-time-after-reset = 1\n{words}"
        ),
        Kind::Frr => format!(
            "neighbor 192.168.101.202 remote-as {remote_as}\n address-family ipv4 unicast\n  \
             neighbor 192.168.101.202 activate\n  neighbor 192.168.101.202 {words}\n exit-address-family"
        ),
        _ => format!("neighbor 192.168.101.202 {{\n  remote-as {remote_as}\n  announce IPv4 unicast\n  {words}\n}}"),
    }
}

#[test]
fn the_router_is_a_client_of_the_route_server_of_frr() -> Result<()> {
    let speaker_words = vec![second_neighbor(Kind::Frr, 64602, "route-server-client")];
    let session = |session: Session| Session { speaker_words, ..session.saying(&["route-server-client"]) };
    hears_through(Kind::Frr, session, 64602, ("64602", "192.168.101.202"))
}

/// What BIRD tells others than its own routes it tells a neighbor that is written out.
#[test]
fn the_router_is_a_client_of_the_route_server_of_bird() -> Result<()> {
    let router = "protocol bgp served {\n  local 192.168.101.201 as 64601;\n  neighbor 192.168.101.1 as 64512;\n  \
                  rs client;\n  ipv4 { import all; export all; };\n  ipv6 { import all; export all; };\n}";
    let session = |session: Session| Session {
        remote: [192, 168, 101, 202].into(),
        remote_as: 64602,
        speaker_words: vec![router.to_owned()],
        ..session.saying(&["rs client"])
    };
    hears_through(Kind::Bird, session, 64602, ("64602", "192.168.101.202"))
}

#[test]
fn the_router_is_a_client_of_the_route_server_of_gobgp() -> Result<()> {
    let client = "  [neighbors.route-server.config]\n    route-server-client = true\n";
    let speaker_words = vec![client.to_owned(), second_neighbor(Kind::Gobgp, 64602, client)];
    hears_through(Kind::Gobgp, |session| Session { speaker_words, ..session }, 64602, ("64602", "192.168.101.202"))
}

#[test]
fn the_router_is_a_client_of_the_route_server_of_openbgpd() -> Result<()> {
    let speaker_words = vec![second_neighbor(Kind::Openbgpd, 64602, "transparent-as yes")];
    let session = |session: Session| Session { speaker_words, ..session.saying(&["transparent-as yes"]) };
    hears_through(Kind::Openbgpd, session, 64602, ("64602", "192.168.101.202"))
}

/// The speaker is the provider of two sites of AS 64512, and the router one of them.
#[test]
fn frr_puts_its_as_in_place_of_ours() -> Result<()> {
    let speaker_words = vec![second_neighbor(Kind::Frr, 64512, "as-override")];
    let session = |session: Session| Session { speaker_words, ..session.saying(&["as-override"]) };
    hears_through(Kind::Frr, session, 64512, ("64601 64601", "192.168.101.201"))
}

#[test]
fn gobgp_puts_its_as_in_place_of_ours() -> Result<()> {
    let replacing = "  [neighbors.as-path-options.config]\n    replace-peer-as = true\n";
    let speaker_words = vec![replacing.to_owned(), second_neighbor(Kind::Gobgp, 64512, replacing)];
    hears_through(
        Kind::Gobgp,
        |session| Session { speaker_words, ..session },
        64512,
        ("64601 64601", "192.168.101.201"),
    )
}

#[test]
fn openbgpd_puts_its_as_in_place_of_ours() -> Result<()> {
    let speaker_words = vec![second_neighbor(Kind::Openbgpd, 64512, "as-override yes")];
    let session = |session: Session| Session { speaker_words, ..session.saying(&["as-override yes"]) };
    hears_through(Kind::Openbgpd, session, 64512, ("64601 64601", "192.168.101.202"))
}

/// The speaker is a provider of the router, and says so; then it is said to be something else.
fn has_a_role(kind: Kind, provider: &str) -> Result<()> {
    let lab = Lab::new()?;
    let [first, second, _] = &lab.nodes;
    let router = router(
        &lab,
        &[
            "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64601",
            "set protocols bgp 64512 neighbor 192.168.101.201 local-role customer strict",
            "set protocols bgp 64512 neighbor 192.168.101.202 remote-as 64602",
            "set protocols bgp 64512 neighbor 192.168.101.202 local-role peer",
        ],
    )?;
    let speaker = up(&lab, &router, first, kind, Session::external(first, 64601).saying(&[provider]))?;
    let listener = up(&lab, &router, second, Kind::Gobgp, Session::external(second, 64602))?;
    let told = router.show("show ip bgp neighbors 192.168.101.201")?;
    assert!(told.contains("Local Role: customer") && told.contains("Neighbor Role: provider"), "{told}");
    speaker.announce(SHOP)?;
    let marked =
        || router.show(&format!("show ip bgp {SHOP}")).is_ok_and(|said| said.contains("Only-to-Customer: 64601"));
    lab.wait_until(SOON, "the route is for customers only", marked)?;
    assert!(!listener.knows(SHOP), "a peer is none");
    router.configure(&["delete protocols bgp 64512 neighbor 192.168.101.202 local-role"])?;
    lab.wait_until(SESSIONS, "without a role nothing holds it back", || listener.knows(SHOP))?;
    router.configure(&[
        "delete protocols bgp 64512 neighbor 192.168.101.201 local-role",
        "set protocols bgp 64512 neighbor 192.168.101.201 local-role provider",
    ])?;
    let refused = || {
        let said = router.show("show ip bgp neighbors 192.168.101.201").unwrap_or_default();
        said.contains("Role Mismatch")
    };
    lab.wait_until(SESSIONS, "two providers cannot talk", refused)?;
    assert!(!router.is_established(first.ipv4.into()));
    Ok(())
}

#[test]
fn frr_has_a_role_and_is_held_to_it() -> Result<()> {
    has_a_role(Kind::Frr, "local-role provider")
}

#[test]
fn bird_has_a_role_and_is_held_to_it() -> Result<()> {
    has_a_role(Kind::Bird, "local role provider")
}

#[test]
fn openbgpd_has_a_role_and_is_held_to_it() -> Result<()> {
    has_a_role(Kind::Openbgpd, "announce policy provider")
}

/// The speaker is another AS of the router's confederation 64500; the world sees one AS.
fn is_a_member(kind: Kind, session: impl FnOnce(Session) -> Session) -> Result<()> {
    let lab = Lab::new()?;
    let [first, second, _] = &lab.nodes;
    let router = router(
        &lab,
        &[
            "set protocols bgp 64512 parameters confederation identifier 64500",
            "set protocols bgp 64512 parameters confederation peers 64513",
            "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64513",
            "set protocols bgp 64512 neighbor 192.168.101.202 remote-as 64602",
        ],
    )?;
    let member = up(&lab, &router, first, kind, session(Session::external(first, 64513)))?;
    let outside = Session { remote_as: 64500, ..Session::external(second, 64602) };
    let outside = up(&lab, &router, second, Kind::Frr, outside)?;
    member.announce(SHOP)?;
    lab.wait_until(SOON, "others see one AS", || path(&outside, Kind::Frr, SHOP) == "64500")?;
    let said = router.show(&format!("show ip bgp {SHOP}"))?;
    assert!(said.contains("\n  (64513)\n") && said.contains("confed-external"), "{said}");
    assert_eq!(router.gateways(SHOP), [first.ipv4.to_string()]);
    let other = "172.16.103.3/32";
    outside.announce(other)?;
    let told = || path(&member, kind, other).starts_with("(64512) 64602");
    lab.wait_until(SOON, &format!("the member sees the way through ours: {}", member.table(other)), told)?;
    member.withdraw(SHOP)?;
    lab.wait_until(SOON, "the withdrawal goes through", || !outside.knows(SHOP))
}

#[test]
fn frr_is_a_member_of_our_confederation() -> Result<()> {
    is_a_member(Kind::Frr, |session| Session {
        speaker_words: vec![
            "bgp confederation identifier 64500".to_owned(),
            "bgp confederation peers 64512".to_owned(),
        ],
        ..session
    })
}

#[test]
fn bird_is_a_member_of_our_confederation() -> Result<()> {
    is_a_member(Kind::Bird, |session| session.saying(&["confederation 64500", "confederation member yes"]))
}

#[test]
fn gobgp_is_a_member_of_our_confederation() -> Result<()> {
    let words = "[global.confederation.config]\n  enabled = true\n  identifier = 64500\n  member-as-list = [64512]";
    is_a_member(Kind::Gobgp, |session| Session { speaker_words: vec![words.to_owned()], ..session })
}
