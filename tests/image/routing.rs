//! The appliance as a router: sessions with real speakers, routes in its kernel, packets through it.

use std::time::Duration;

use anyhow::Result;
use scenarios::appliance::network::{CONFIG, Network};
use scenarios::appliance::{Parts, Place, Seed};
use scenarios::lab::{SHOP, WebServer};

use crate::user_data;

/// How long a request may take through an emulated machine that does much else.
const SOON: Duration = Duration::from_secs(60);

#[test]
fn a_machine_peers_with_bird_and_its_kernel_forwards_to_the_nodes() -> Result<()> {
    let network = Network::new()?;
    let place = Place::new("routing")?;
    let seed = Some(Seed { user_data: Some(user_data()), config: Some(CONFIG.to_owned()), ..Seed::default() });
    let mut machine = network.boot(&place, &Parts { seed, ..Parts::default() })?;
    println!("{:.1} s until BGP is established", network.established(&mut machine)?);
    machine.logs_in("towpath", "secret")?;
    assert!(machine.says("show ip bgp summary | no-more")?.contains("192.168.101.202"));
    let route = machine.says("show ip route 172.16.102.229 | no-more")?;
    assert!(["192.168.101.201", "192.168.101.202"].iter().all(|leg| route.contains(leg)), "{route}");
    let kernel = machine.says("show ip route forward | no-more")?;
    let shop: Vec<&str> = kernel.lines().skip_while(|line| !line.contains("172.16.102.229")).collect();
    let shop = shop.join("\n");
    assert!(["192.168.101.201", "192.168.101.202"].iter().all(|leg| shop.contains(leg)), "{kernel}");
    let _servers = network.lab.nodes.iter().take(2).map(WebServer::start).collect::<Result<Vec<_>>>()?;
    let mut seen = std::collections::BTreeSet::new();
    let shop = format!("http://{SHOP}/");
    network.lab.wait_until(SOON, "the client reaches both nodes", || {
        let said = network.lab.client.run("curl", &["-sm", "5", &shop]);
        seen.extend(said.map(|said| said.stdout.trim().to_owned()).ok().filter(|name| !name.is_empty()));
        seen.len() == 2
    })?;
    Ok(())
}
