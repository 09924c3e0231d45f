//! Every malformed UPDATE of the codec's table over a real session, from outside and from inside.
//!
//! The observer beside the sender hears what the router makes of it; neither its session nor any other route may suffer.

use std::time::Duration;

use anyhow::Result;
use scenarios::lab::Lab;
use scenarios::router::Router;

const PROGRAM: &str = include_str!("malformed.py");
const TABLE: &str = include_str!("../../../daemon/bgp-wire/tests/it/malformed.txt");
/// Four hundred sessions one after the other.
const LONG: Duration = Duration::from_secs(240);

#[test]
fn each_malformed_update_costs_what_the_table_says_over_a_real_session() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let [node, ..] = &lab.nodes;
    // The next hops that the table speaks of are on the link, and the observer has an address of its own.
    lab.router.ip(&["addr", "add", "192.0.2.254/24", "dev", "eth1"])?;
    lab.router.ip(&["addr", "add", "2001:db8::fe/64", "dev", "eth1", "nodad"])?;
    for address in ["192.168.101.222/24", "192.168.101.223/24", "192.0.2.1/24"] {
        node.ip(&["addr", "add", address, "dev", "eth0"])?;
    }
    router.configure(&[
        "set protocols bgp 64512 parameters router-id 192.168.101.1",
        "set protocols bgp 64512 parameters ebgp-requires-policy disable",
        "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 65000",
        "set protocols bgp 64512 neighbor 192.168.101.222 remote-as 64512",
        "set protocols bgp 64512 neighbor 192.168.101.223 remote-as 65010",
    ])?;
    let (program, table) = (node.write("malformed.py", PROGRAM)?, node.write("malformed.txt", TABLE)?);
    let (program, table) = (program.to_string_lossy().into_owned(), table.to_string_lossy().into_owned());
    let arguments = [&*program, "192.168.101.201", "192.168.101.222", "192.168.101.223", "192.168.101.1", &table];
    let mut speaker = node.start("malformed", "python3", &arguments)?;
    let status = speaker.wait(LONG)?;
    let said = speaker.output();
    assert_eq!(status, 0, "{said}");
    let last = said.lines().last().unwrap_or_default();
    assert_eq!(said.lines().count(), 1, "{said}");
    let cases: usize = last.strip_prefix("done ").and_then(|count| count.parse().ok()).unwrap_or_default();
    assert!(cases > 350, "{said}");
    Ok(())
}
