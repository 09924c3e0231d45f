//! Clients of every kind: datagrams, echoes, many of one address, and such whose path has a small MTU.
//!
//! Never looks at a packet on its way: what counts is who answers, and what a node has learned.

use anyhow::{Result, ensure};
use scenarios::cluster::{Cluster, Connections, PORT, SESSIONS, SOON, Transport, total};
use scenarios::lab::{CLIENT, SHOP};

const OPEN: u64 = 500;
/// Sends "too big" for a datagram that the service sent to a port, as a router on the way back would.
/// Usage: SERVICE CLIENT; prints the node.
const TOO_BIG: &str = r#"
import socket, struct, sys
service, client = sys.argv[1:]
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.settimeout(5)
udp.connect((service, 8080))
udp.send(b"who")
print(udp.recv(64).decode().strip())
def summed(octets):
    total = sum(struct.unpack(f">{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff
address = socket.inet_aton
head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 1480, 1, 0x4000, 60, 17, 0, address(service), address(client))
head = head[:10] + struct.pack(">H", summed(head)) + head[12:]
inner = head + struct.pack(">HHHH", 8080, udp.getsockname()[1], 1460, 0)
said = struct.pack(">BBHHH", 3, 4, 0, 0, 1300) + inner
said = said[:2] + struct.pack(">H", summed(said)) + said[4:]
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
raw.sendto(said, (service, 0))
"#;

fn whole(connections: &mut Connections, when: &str) -> Result<()> {
    let (alive, lost) = connections.check()?;
    ensure!(lost.is_empty() && total(&alive) == OPEN, "{when}: {lost:?} lost, {alive:?} live");
    Ok(())
}

#[test]
fn datagrams_of_a_port_stay_with_their_node_while_nodes_come_and_go_and_the_daemon_is_killed() -> Result<()> {
    let lines = ["set balancer idle-timeout tcp 10", "set balancer idle-timeout other 5"];
    let mut cluster = Cluster::new(3, &lines)?;
    let mut flows = Connections::to(&cluster.lab, &SHOP.to_string(), PORT, Transport::Udp)?;
    flows.open(OPEN)?;
    cluster.join()?;
    cluster.lab.wait_until(SESSIONS, "the new node serves", || cluster.active() == 4)?;
    whole(&mut flows, "a node has joined")?;
    cluster.router.kill9();
    whole(&mut flows, "the daemon is gone")?;
    cluster.router.boot(&cluster.farm.lab)?;
    cluster.lab.wait_until(SESSIONS, "all serve again", || cluster.active() == 4)?;
    whole(&mut flows, "the daemon is back")?;
    // Nothing says which datagram begins a flow: the new node gets its share when those that went on are known. They talk
    // all the time until then.
    cluster.lab.wait_until(SESSIONS, "the new node has flows", || {
        let asked = whole(&mut flows, "a node waits for its share");
        let new = flows.burst(100).is_ok_and(|(shares, failed)| failed == 0 && shares.contains_key("node4"));
        asked.is_err() || new
    })?;
    whole(&mut flows, "the new node has its share")?;
    cluster.nodes[0].speaker.withdraw(&cluster.prefix())?;
    cluster.lab.wait_until(SOON, "one leaves", || cluster.active() == 3)?;
    whole(&mut flows, "a node has left")
}

#[test]
fn all_that_a_client_sends_goes_to_one_node_where_that_is_wished() -> Result<()> {
    let mut cluster = Cluster::new(3, &["set balancer learned cluster affinity client"])?;
    let mut nodes = std::collections::BTreeSet::new();
    for last in 10..30 {
        let source = format!("10.9.0.{last}");
        cluster.lab.client.ip(&["addr", "add", &format!("{source}/24"), "dev", "eth0"])?;
        let (shares, failed) = cluster.connections.burst_from(50, &source)?;
        ensure!(failed == 0 && shares.len() == 1, "{source}: {shares:?}, {failed} failed");
        nodes.extend(shares.into_keys());
    }
    ensure!(nodes.len() == 3, "only {nodes:?} have clients");
    Ok(())
}

#[test]
fn echoes_to_the_address_of_a_service_are_answered() -> Result<()> {
    let cluster = Cluster::new(3, &[])?;
    let said = cluster.lab.client.run("ping", &["-c", "20", "-i", "0.01", "-W", "2", &SHOP.to_string()])?.success()?;
    ensure!(said.contains("20 received"), "{said}");
    Ok(())
}

#[test]
fn what_is_too_big_on_the_way_back_is_told_to_the_node_of_the_flow_alone() -> Result<()> {
    let cluster = Cluster::new(3, &[])?;
    let words = ["-c", TOO_BIG, &SHOP.to_string(), &CLIENT.to_string()];
    let mtu = |node: &str| {
        let host = cluster.nodes.iter().map(|node| &node.host).find(|host| host.role == node);
        let told = host.map(|host| host.ip(&["route", "get", &CLIENT.to_string(), "from", &SHOP.to_string()]));
        told.is_some_and(|told| told.is_ok_and(|told| told.contains("mtu 1300")))
    };
    let learned = || (1..=3).filter(|node| mtu(&format!("node{node}"))).count();
    let node = cluster.lab.client.run("python3", &words)?.success()?;
    cluster.lab.wait_until(SOON, "the node has learned the MTU", || mtu(node.trim()))?;
    ensure!(learned() == 1, "{} nodes have learned it", learned());
    Ok(())
}
