//! The laboratory itself, with BIRD in the router's place.
//!
//! When these fail, the network or a speaker is at fault, and no other test here means anything.

use std::time::Duration;

use anyhow::Result;
use scenarios::lab::{Lab, Process};
use scenarios::peers::{Kind, Session, Speaker};

const DEADLINE: Duration = Duration::from_secs(25);

const STAND_IN: &str = "log stderr all;
router id 192.168.101.1;
protocol device {}
protocol bgp ipv4_range {
  local 192.168.101.1 as 64512; neighbor range 192.168.101.0/24 external;
  passive yes; dynamic name \"four\"; enable extended messages on;
  ipv4 { import all; export none; extended next hop on; }; ipv6 { import all; export none; };
}
protocol bgp ipv6_range {
  local fd00:101::1 as 64512; neighbor range fd00:101::/64 external;
  passive yes; dynamic name \"six\";
  ipv4 { import all; export none; extended next hop on; }; ipv6 { import all; export none; };
}
";

fn stand_in(lab: &Lab, config: &str) -> Result<Process> {
    let file = lab.router.write("stand-in.conf", config)?;
    let socket = lab.router.directory().join("stand-in.ctl");
    lab.router.start("stand-in", "bird", &["-f", "-c", &file.to_string_lossy(), "-s", &socket.to_string_lossy()])
}

fn routes(lab: &Lab) -> String {
    let socket = lab.router.directory().join("stand-in.ctl");
    lab.router
        .run("birdc", &["-s", &socket.to_string_lossy(), "show", "route"])
        .map(|said| said.stdout)
        .unwrap_or_default()
}

#[test]
fn every_speaker_announces_and_withdraws() -> Result<()> {
    for kinds in [[Kind::Frr, Kind::Bird, Kind::Gobgp], [Kind::Openbgpd, Kind::Exabgp, Kind::Frr]] {
        let lab = Lab::new()?;
        let _router = stand_in(&lab, STAND_IN)?;
        let mut speakers = Vec::new();
        for (node, (kind, ipv6)) in lab.nodes.iter().zip(kinds.into_iter().zip([false, true, true])) {
            let session = Session::external(node, 65001);
            let session = if ipv6 { session.over_ipv6(node) } else { session };
            let prefix = if ipv6 { "fd00:102::229/128" } else { "172.16.102.229/32" };
            let speaker = Speaker::start(&lab, node, kind, session)?;
            speaker.announce(prefix)?;
            speakers.push((
                speaker,
                node.role.clone(),
                prefix,
                if ipv6 { node.ipv6.to_string() } else { node.ipv4.to_string() },
            ));
        }
        for (speaker, role, prefix, address) in &speakers {
            lab.wait_until(DEADLINE, &format!("the route of {role} arrives"), || {
                routes(&lab).contains(address.as_str())
            })?;
            assert!(speaker.is_established(), "{role} says so itself: {}", speaker.log());
            speaker.withdraw(prefix)?;
            lab.wait_until(DEADLINE, &format!("the route of {role} goes"), || {
                !routes(&lab).contains(address.as_str())
            })?;
        }
    }
    Ok(())
}

const GUARDED: &str = "log stderr all;
router id 192.168.101.1;
protocol device {}
template bgp guarded { local 192.168.101.1 as 64512; passive yes; ipv4 { import all; export none; }; }
protocol bgp node_one from guarded { neighbor 192.168.101.201 as 64601; password \"a secret\"; }
protocol bgp node_two from guarded { neighbor 192.168.101.202 as 64601; ttl security on; }
protocol bgp node_three from guarded { neighbor 192.168.101.203 as 64601; ttl security on; password \"third\"; }
protocol bgp node_far from guarded { neighbor 10.77.0.2 as 64601; multihop 5; }
";

#[test]
fn passwords_ttl_security_and_multihop_are_understood_by_the_speakers() -> Result<()> {
    let lab = Lab::new()?;
    let far = lab.far()?;
    lab.router.ip(&["route", "add", "10.77.0.0/24", "via", "192.168.101.203"])?;
    let _router = stand_in(&lab, GUARDED)?;
    let [first, second, third] = &lab.nodes;
    let plain = |node| Session::external(node, 64601);
    let secret = |word: &str| Some(word.to_owned());
    let wanted = [
        (first, Kind::Gobgp, Session { password: secret("a secret"), ..plain(first) }),
        (second, Kind::Frr, Session { ttl_security: true, ..plain(second) }),
        (third, Kind::Bird, Session { ttl_security: true, password: secret("third"), ..plain(third) }),
        (&far, Kind::Exabgp, Session { multihop: Some(5), ..plain(&far) }),
    ];
    for (node, kind, session) in wanted {
        let speaker = Speaker::start(&lab, node, kind, session)?;
        lab.wait_until(DEADLINE, &format!("{kind:?} is established"), || speaker.is_established())?;
    }
    Ok(())
}

#[test]
fn the_client_reaches_the_nodes_and_a_rebooted_router_is_empty() -> Result<()> {
    let lab = Lab::new()?;
    let mut servers = lab.nodes.iter().map(scenarios::lab::WebServer::start).collect::<Result<Vec<_>>>()?;
    for server in &mut servers {
        lab.wait_until(DEADLINE, "a web server listens", || server.is_listening().unwrap())?;
    }
    lab.router.sysctl("net.ipv4.ip_forward", "1")?;
    let answers = lab.client.ask_web(lab.nodes[0].ipv4.into(), 2)?;
    assert_eq!(answers.into_iter().collect::<Vec<_>>(), [("node1".to_owned(), 2)]);
    let far = lab.far()?;
    lab.router.ip(&["route", "add", "10.77.0.0/24", "via", "192.168.101.203"])?;
    far.run("ping", &["-c", "1", "-W", "2", "192.168.101.1"])?.success()?;
    lab.reboot_router()?;
    assert_eq!(lab.router.ip(&["route", "show", "10.77.0.0/24"])?, "");
    lab.client.run("ping", &["-c", "1", "-W", "2", "10.9.0.1"])?.success()?;
    lab.router.run("ping", &["-c", "1", "-W", "2", "192.168.101.201"])?.success()?;
    Ok(())
}

#[test]
fn a_wait_that_is_in_vain_shows_the_logs() -> Result<()> {
    let lab = Lab::new()?;
    let _process = lab.nodes[0].start("echo", "echo", &["the log's last line"])?;
    let error = lab.wait_until(Duration::from_millis(300), "pigs fly", || false).unwrap_err().to_string();
    assert!(
        error.contains("in vain until pigs fly") && error.contains("node1/echo.log\nthe log's last line"),
        "{error}"
    );
    Ok(())
}
