//! Packets out of a file: which service, slot and node each has, and why, as the programs would do it.

use anyhow::{Result, ensure};
use scenarios::balancer::build::{Link, frame, icmp, tcp};
use scenarios::lab::SHOP;

use scenarios::cluster::{Cluster, SOON};

/// A file of pcap with these packets.
fn pcap(packets: &[Vec<u8>]) -> Vec<u8> {
    let mut file: Vec<u8> = [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1].map(u32::to_le_bytes).concat();
    for packet in packets {
        let length = packet.len() as u32;
        file.extend([0, 0, length, length].map(u32::to_le_bytes).concat());
        file.extend_from_slice(packet);
    }
    file
}

#[test]
fn packets_of_a_file_are_explained_one_by_one() -> Result<()> {
    let cluster = Cluster::new(3, &[])?;
    cluster.lab.wait_until(SOON, "three serve", || cluster.active() == 3)?;
    let link = Link { to: [2, 0, 0, 0, 0, 1], from: [2, 0, 0, 0, 0, 2], tags: Vec::new() };
    let (client, shop) = ("198.51.100.7".parse()?, SHOP.into());
    let segment = frame(&link, &tcp((client, 40_000), (shop, 443), 16, &[], b"more"));
    let echo = frame(&link, &icmp(client, "203.0.113.99".parse()?, 8, 0, [0; 4], b"?"));
    let file = cluster.lab.directory().join("packets.pcap").to_string_lossy().into_owned();
    std::fs::write(&file, pcap(&[segment, echo]))?;

    let told = cluster.router.json(&format!("show balancer explain pcap {file}"))?;
    let (first, second) = (&told["packets"][0], &told["packets"][1]);
    ensure!(
        first["outcome"] == "forwarded" && first["explained"]["mode"] == "l2" && first["sent"].is_string(),
        "{told}"
    );
    ensure!(second["outcome"] == "kernel" && second["reason"] == "no-service", "{told}");
    let flow = cluster.router.json(&format!("show balancer explain 198.51.100.7 40000 {SHOP} 443 tcp"))?;
    for name in ["flow", "service", "slot", "table", "node", "interface", "mac", "why"] {
        ensure!(first["explained"][name] == flow[name], "{name} of the packet and of its flow: {told} and {flow}");
    }
    let text = cluster.router.show(&format!("show balancer explain pcap {file}"))?;
    ensure!(text.contains("Packet 1, 58 octets: forwarded, 58 octets as it goes"), "{text}");

    std::fs::write(&file, "no packets")?;
    let refused = cluster.router.cmd(&[&format!("show balancer explain pcap {file}")])?;
    ensure!(refused.status != 0 && refused.text().contains("neither pcap nor pcapng"), "{}", refused.text());
    Ok(())
}
