//! What others see of the router: a collector over BMP, and readers of its dump files.
//!
//! The collector writes octets down and knows nothing of them; GoBGP reads the files as any other tool would.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use bgp_wire::bmp::{self, View};
use bgp_wire::message::Message;
use bgp_wire::mrt::{self, Record};
use nouns::Family;
use scenarios::lab::Lab;
use scenarios::peers::{Kind, Session, Speaker};
use scenarios::router::Router;

const SESSIONS: Duration = Duration::from_secs(40);
const SOON: Duration = Duration::from_secs(15);
const COLLECTOR: &str = include_str!("collector.py");
const SHOP: &str = "172.16.102.229/32";

/// All whole messages that a collector has been told.
fn told(file: &Path) -> Vec<bmp::Message> {
    let octets = fs::read(file).unwrap_or_default();
    let mut rest = octets.as_slice();
    let mut messages = Vec::new();
    while let Some(length) = bmp::frame(rest).unwrap() {
        messages.push(bmp::decode(&rest[..length]).unwrap());
        rest = &rest[length..];
    }
    messages
}

/// Whether a route monitoring message of a table announces or withdraws the prefix.
fn monitors(message: &bmp::Message, view: View, announced: bool) -> bool {
    let bmp::Message::RouteMonitoring { peer, update } = message else { return false };
    let codec = bgp_wire::Negotiated {
        four_octet_as: true,
        internal: true,
        families: Family::ALL.to_vec(),
        ..Default::default()
    };
    let Ok(Message::Update(update)) = Message::decode(update, &codec) else { panic!("{update:?}") };
    let came = update.reach.iter().flat_map(|reach| &reach.nlri);
    let gone = update.unreach.iter().flat_map(|unreach| &unreach.nlri);
    let mut routes: Box<dyn Iterator<Item = _>> = if announced { Box::new(came) } else { Box::new(gone) };
    peer.view == view && routes.any(|nlri| nlri.prefix.to_string() == SHOP)
}

fn records(file: &str) -> Vec<Record> {
    let octets = fs::read(file).unwrap_or_default();
    let mut rest = octets.as_slice();
    let mut records = Vec::new();
    while let Some(length) = mrt::frame(rest).unwrap() {
        records.push(mrt::decode(&rest[..length]).unwrap().1);
        rest = &rest[length..];
    }
    records
}

fn a_collector_hears(kind: Kind) -> Result<()> {
    let lab = Lab::new()?;
    let mut router = Router::start(&lab)?;
    let [first, second, _] = &lab.nodes;
    let script = second.write("collector.py", COLLECTOR)?.display().to_string();
    let file = second.directory().join("told");
    let file_name = file.display().to_string();
    router.configure(&[
        "set protocols bgp 64512 parameters router-id 192.168.101.1",
        "set protocols bgp 64512 parameters ebgp-requires-policy disable",
        "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64601",
        "set protocols bgp 64512 bmp target lab address 192.168.101.202",
        "set protocols bgp 64512 bmp target lab statistics-interval 1",
        "set protocols bgp 64512 bmp target lab monitor ipv4-unicast pre-policy",
        "set protocols bgp 64512 bmp target lab monitor ipv4-unicast post-policy",
        "set protocols bgp 64512 bmp target lab monitor ipv4-unicast loc-rib",
    ])?;
    let speaker = Speaker::start(&lab, first, kind, Session::external(first, 64601))?;
    lab.wait_until(SESSIONS, "the speaker is established", || router.is_established(first.ipv4.into()))?;
    speaker.announce(SHOP)?;
    // The collector comes last: it hears of what was there before it.
    let _collector = second.start("collector", "python3", &[&script, "5000", &file_name])?;
    for view in [View::PrePolicy, View::PostPolicy, View::LocRib { filtered: false }] {
        lab.wait_until(SESSIONS, &format!("the collector has {SHOP}: {view:?}"), || {
            told(&file).iter().any(|message| monitors(message, view, true))
        })?;
    }
    let all = told(&file);
    assert!(matches!(all[0], bmp::Message::Initiation(_)), "{:?}", all[0]);
    let up = all.iter().find_map(|message| match message {
        bmp::Message::PeerUp(up) if up.peer.address == std::net::IpAddr::from(first.ipv4) => Some(up),
        _ => None,
    });
    let Message::Open(open) = Message::decode(&up.unwrap().received_open, &bgp_wire::Negotiated::default())? else {
        panic!("no OPEN");
    };
    assert_eq!((open.asn.0, open.router_id), (64601, first.ipv4));
    speaker.withdraw(SHOP)?;
    lab.wait_until(SOON, "the collector hears that it is gone", || {
        told(&file).iter().any(|message| monitors(message, View::PrePolicy, false))
    })?;
    lab.wait_until(SOON, "it gets numbers", || {
        told(&file).iter().any(|message| matches!(message, bmp::Message::Statistics { .. }))
    })?;
    drop(speaker);
    lab.wait_until(SESSIONS, "it hears that the speaker is gone", || {
        told(&file).iter().any(|message| matches!(message, bmp::Message::PeerDown { .. }))
    })?;
    let before = told(&file).len();
    router.configure(&["delete protocols bgp 64512 bmp"])?;
    lab.wait_until(SOON, "the router takes its leave", || {
        matches!(told(&file).last(), Some(bmp::Message::Termination(..)))
    })?;
    assert!(told(&file).len() > before);
    // The end of the daemon is no accident either.
    let before = told(&file).len();
    router.configure(&[
        "set protocols bgp 64512 bmp target lab address 192.168.101.202",
        "set protocols bgp 64512 bmp target lab monitor ipv4-unicast loc-rib",
    ])?;
    lab.wait_until(SOON, "the collector is told again", || told(&file).len() > before)?;
    router.stop()?;
    lab.wait_until(SOON, "the daemon takes its leave", || {
        matches!(told(&file).last(), Some(bmp::Message::Termination(..)))
    })
}

#[test]
fn a_collector_hears_of_frr() -> Result<()> {
    a_collector_hears(Kind::Frr)
}

#[test]
fn a_collector_hears_of_bird() -> Result<()> {
    a_collector_hears(Kind::Bird)
}

#[test]
fn a_collector_hears_of_openbgpd() -> Result<()> {
    a_collector_hears(Kind::Openbgpd)
}

#[test]
fn a_collector_hears_of_exabgp() -> Result<()> {
    a_collector_hears(Kind::Exabgp)
}

#[test]
fn a_collector_hears_of_gobgp() -> Result<()> {
    a_collector_hears(Kind::Gobgp)
}

#[test]
fn gobgp_and_openbgpd_read_the_table_from_a_dump_file() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let [first, second, _] = &lab.nodes;
    let (table, updates) = (router.path("table.mrt"), router.path("updates.mrt"));
    router.configure(&[
        "set protocols bgp 64512 parameters router-id 192.168.101.1",
        "set protocols bgp 64512 parameters ebgp-requires-policy disable",
        "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64601",
        &format!("set protocols bgp 64512 dump table file {table}"),
        "set protocols bgp 64512 dump table interval 10",
        &format!("set protocols bgp 64512 dump updates file {updates}"),
    ])?;
    let speaker = Speaker::start(&lab, first, Kind::Bird, Session::external(first, 64601))?;
    lab.wait_until(SESSIONS, "the speaker is established", || router.is_established(first.ipv4.into()))?;
    speaker.announce(SHOP)?;
    let holds = |record: &Record| matches!(record, Record::Rib(rib) if rib.prefix.to_string() == SHOP);
    lab.wait_until(SESSIONS, "the table is in its file", || records(&table).iter().any(holds))?;
    assert!(matches!(&records(&table)[0], Record::Peers { peers, .. } if peers.len() == 2));
    let said = records(&updates);
    assert!(said.iter().any(|record| matches!(record, Record::StateChange { to: 6, .. })), "{said:?}");
    assert!(said.iter().any(|record| matches!(record, Record::Message { .. })), "{said:?}");
    // The same again, because a person wants it now.
    let now = router.path("now.mrt");
    let said = router.show(&format!("dump bgp table {now}"))?;
    assert!(said.contains(&now) && records(&now).iter().any(holds), "{said}: {:?}", records(&now));
    let refused = router.cmd(&["dump bgp table /nowhere/at/all"])?;
    assert!(refused.status != 0 && refused.text().contains("cannot be made"), "{}", refused.text());
    let read = first.run("bgpctl", &["show", "mrt", "file", &table])?.success()?;
    assert!(read.lines().any(|line| line.contains(SHOP) && line.contains("192.168.101.201")), "OpenBGPD's: {read}");
    // A reader that shares nothing with the writer.
    let reader = Speaker::start(&lab, second, Kind::Gobgp, Session::external(second, 64602))?;
    lab.wait_until(SOON, "GoBGP takes the file in", || {
        let read = second.run("gobgp", &["mrt", "inject", "global", &table, "--no-ipv6"]);
        read.is_ok_and(|finished| finished.success().is_ok()) && reader.knows(SHOP)
    })?;
    Ok(())
}
