//! A listener that wants changes seldom (RFC 4271 §9.2.1.1) beside one that wants them at once, in any weather.

use scenarios::sim::{Network, Node, config};

use super::{SECOND, SHOP, seconds, seeds};

#[test]
fn a_listener_with_an_interval_hears_of_changes_later_and_in_the_end_of_all() {
    for seed in 0..seeds() {
        let mut network = Network::new(seed);
        let mut lines = "set protocols bgp 65000 parameters ebgp-requires-policy disable\n\
                         set protocols bgp 65000 peer-group seldom advertisement-interval 60\n\
                         set protocols bgp 65000 neighbor 10.0.0.3 peer-group seldom\n"
            .to_owned();
        lines.extend(
            [1, 2, 3].map(|last| format!("set protocols bgp 65000 neighbor 10.0.0.{last} remote-as 6500{last}\n")),
        );
        network.router("server", &["10.0.0.100/24"], config(&lines));
        let mut member = |last: u8| {
            let mut lines = format!(
                "set protocols bgp 6500{last} parameters ebgp-requires-policy disable\n\
                 set protocols bgp 6500{last} neighbor 10.0.0.100 remote-as 65000\n"
            );
            if last == 1 {
                for service in [SHOP, SECOND] {
                    lines += &format!("set protocols static route {service} blackhole\n");
                }
            }
            network.router(&format!("r{last}"), &[&format!("10.0.0.{last}/24")], config(&lines))
        };
        let [announcer, eager, patient] = [1, 2, 3].map(&mut member);
        network.weather((1, 200), 0);
        network.run(seconds(40));
        let knows = |network: &Network, node: Node, prefix: &str| network.gateways(node, prefix).is_some();
        network.commit(announcer, &format!("set protocols bgp 65001 network {SHOP}"));
        network.run(seconds(5));
        let both = [eager, patient].map(|node| knows(&network, node, SHOP));
        assert_eq!(both, [true, true], "seed {seed}: the first change has nothing to wait for");
        for word in ["set", "delete", "set", "delete", "set"] {
            network.commit(announcer, &format!("{word} protocols bgp 65001 network {SECOND}"));
            network.run(seconds(5));
            assert_eq!(knows(&network, eager, SECOND), word == "set", "seed {seed}");
            assert!(!knows(&network, patient, SECOND), "seed {seed}: this one waits");
        }
        network.commit(announcer, &format!("delete protocols bgp 65001 network {SHOP}"));
        network.run(seconds(40));
        assert_eq!([SHOP, SECOND].map(|prefix| knows(&network, patient, prefix)), [false, true], "seed {seed}");
    }
}
