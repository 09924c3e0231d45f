//! Interfaces, sysctls and what the kernel can do.

use kernel::{Features, LinkError, Links, snapshot, sysctl};
use nouns::IfName;
use rib::world::{BridgeSettings, LINK_GROUP_TOWPATH, LinkKind, VirtualLink};

use crate::world::{in_namespace, ip, two_links};

/// Runs on a runtime of the calling thread, so that sockets are of its namespace.
fn wait_for<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn name(text: &str) -> IfName {
    text.parse().unwrap()
}

#[test]
fn steps_on_an_interface_can_be_repeated_and_undone() {
    in_namespace(|| {
        two_links();
        wait_for(async {
            let links = Links::open().unwrap();
            let east = name("east");
            let address = "203.0.113.1/24".parse().unwrap();
            let six = "2001:db8:77::1/64".parse().unwrap();
            for _ in 0..2 {
                links.set_mtu(&east, 1400).await.unwrap();
                links.set_alias(&east, "to the cluster").await.unwrap();
                links.add_address(&east, address).await.unwrap();
                links.add_address(&east, six).await.unwrap();
                links.set_admin_up(&east, true).await.unwrap();
            }
            let now = snapshot().unwrap();
            let link = now.links.iter().find(|link| link.name == east).unwrap();
            assert_eq!((link.mtu, link.alias.as_str(), link.usable()), (1400, "to the cluster", true));
            assert!(now.addresses.iter().any(|row| row.address == address && row.ifindex == link.index));
            assert!(now.addresses.iter().any(|row| row.address == six));
            for _ in 0..2 {
                links.delete_address(&east, address).await.unwrap();
                links.delete_address(&east, six).await.unwrap();
                links.set_alias(&east, "").await.unwrap();
                links.set_admin_up(&east, false).await.unwrap();
            }
            let now = snapshot().unwrap();
            let link = now.links.iter().find(|link| link.name == east).unwrap();
            assert!(link.alias.is_empty() && !link.admin_up);
            assert!(now.addresses.iter().all(|row| row.address != address && row.address != six));
        });
    });
}

#[test]
fn a_bridge_is_made_changed_and_deleted_and_only_one_of_ours() {
    in_namespace(|| {
        two_links();
        wait_for(async {
            let links = Links::open().unwrap();
            let (bridge, east, foreign) = (name("br0"), name("east"), name("br9"));
            let asked = BridgeSettings { aging: 6000, stp: true, ..BridgeSettings::default() };
            let (made, mac) = (VirtualLink::Bridge(asked), "02:53:00:00:00:07".parse().ok());
            for _ in 0..2 {
                links.create(&bridge, &made, mac).await.unwrap();
                links.set_mtu(&bridge, 1400).await.unwrap();
                links.set_bridge(&east, Some(&bridge)).await.unwrap();
            }
            let find = |name: &IfName| snapshot().unwrap().links.into_iter().find(|link| link.name == *name);
            let link = find(&bridge).unwrap();
            assert_eq!((link.kind, link.mtu), (LinkKind::Bridge(asked), 1400));
            assert_eq!((link.group, link.mac), (LINK_GROUP_TOWPATH, vec![2, 0x53, 0, 0, 0, 7]));
            assert_eq!(find(&east).unwrap().master, Some(link.index));
            let other = BridgeSettings { priority: 4096, stp: false, ..asked };
            links.set_bridge_settings(&bridge, &other).await.unwrap();
            links.set_bridge(&east, None).await.unwrap();
            assert_eq!(find(&bridge).unwrap().kind, LinkKind::Bridge(other));
            assert_eq!(find(&east).unwrap().master, None);
            for _ in 0..2 {
                links.delete(&bridge, &made).await.unwrap();
            }
            assert_eq!(find(&bridge), None);
            ip("link add br9 type bridge");
            let refused = links.delete(&foreign, &made).await.unwrap_err().to_string();
            assert!(refused.contains("somebody else made it"), "{refused}");
            let refused = links.create(&foreign, &made, None).await.unwrap_err();
            assert!(matches!(refused, LinkError::Refused { errno: libc::EEXIST, .. }), "{refused}");
            assert!(find(&foreign).is_some());
        });
    });
}

#[test]
fn whether_a_kind_of_link_can_be_made_is_known_before_one_is_made() {
    in_namespace(|| {
        two_links();
        wait_for(async {
            let before = snapshot().unwrap().links;
            let features = Features::detect().unwrap();
            assert_eq!(snapshot().unwrap().links, before, "asking makes nothing");
            let links = Links::open().unwrap();
            let vif = VirtualLink::Vif { parent: name("east"), id: 5 };
            let bridge = VirtualLink::Bridge(BridgeSettings::default());
            for (link, known) in
                [(VirtualLink::Dummy, features.dummies), (bridge, features.bridges), (vif, features.vlans)]
            {
                let made = links.create(&name("new0"), &link, None).await;
                assert_eq!(made.is_ok(), known, "{link:?}: {made:?}");
                match made {
                    Ok(()) => links.delete(&name("new0"), &link).await.unwrap(),
                    Err(error) => assert!(error.to_string().starts_with("this kernel has no "), "{error}"),
                }
            }
        });
    });
}

#[test]
fn what_cannot_be_done_to_an_interface_is_said_in_words() {
    in_namespace(|| {
        two_links();
        wait_for(async {
            let links = Links::open().unwrap();
            let absent = name("eth9");
            let sentence = "interface eth9 does not exist; 'show interfaces' lists those that do";
            assert_eq!(links.set_mtu(&absent, 1500).await.unwrap_err().to_string(), sentence);
            assert_eq!(links.set_admin_up(&absent, true).await.unwrap_err().to_string(), sentence);
            let address = "203.0.113.1/24".parse().unwrap();
            assert_eq!(links.add_address(&absent, address).await.unwrap_err().to_string(), sentence);
            assert_eq!(links.delete_address(&absent, address).await, Ok(()));
            let refused = links.set_mtu(&name("east"), 10).await.unwrap_err();
            assert!(matches!(&refused, LinkError::Refused { errno, .. } if *errno == libc::EINVAL), "{refused}");
            assert_eq!(
                refused.to_string(),
                "interface east: mtu 10 was refused: the interface does not take this size"
            );
        });
    });
}

#[test]
fn a_router_is_prepared_once_and_found_prepared_the_second_time() {
    in_namespace(|| {
        two_links();
        sysctl::write("net.ipv4.conf.east.rp_filter", "1").unwrap();
        sysctl::write("net.ipv6.conf.all.forwarding", "0").unwrap();
        let first = kernel::sysctl::prepare();
        let forward = first.iter().find(|finding| finding.name == "net.ipv6.conf.all.forwarding").unwrap();
        assert!(forward.changed && forward.problem.is_none() && forward.found.as_deref() == Some("0"));
        assert!(
            first.iter().any(|finding| finding.name == "net.ipv6.conf.east.accept_ra" && finding.problem.is_some())
        );
        let strict = first.iter().find(|finding| finding.name == "net.ipv4.conf.east.rp_filter").unwrap();
        assert!(!strict.changed && strict.problem.is_some());
        for (setting, value) in [
            ("net.ipv4.ip_forward", "1"),
            ("net.ipv4.fib_multipath_hash_policy", "1"),
            ("net.ipv6.fib_multipath_hash_policy", "1"),
            ("net.ipv4.nexthop_compat_mode", "0"),
            ("net.ipv4.conf.east.rp_filter", "1"),
        ] {
            assert_eq!(sysctl::read(setting).unwrap(), value, "{setting}");
        }
        let second = kernel::sysctl::prepare();
        assert!(second.iter().all(|finding| !finding.changed), "{second:#?}");
    });
}

#[test]
fn names_that_lead_out_of_the_settings_are_refused() {
    for name in ["", "net..ipv4", "net.//.//.//.etc"] {
        assert_eq!(sysctl::read(name).unwrap_err().kind(), std::io::ErrorKind::InvalidInput, "{name:?}");
    }
}

#[test]
fn a_setting_of_an_interface_with_a_dot_in_its_name_is_found() {
    in_namespace(|| {
        ip("link add eth0.100 type veth peer name far");
        assert!(sysctl::read("net.ipv4.conf.eth0/100.rp_filter").is_ok());
    });
}

#[test]
fn root_on_this_kernel_lacks_nothing() {
    in_namespace(|| {
        let features = Features::detect().unwrap();
        assert_eq!(features.problems(), Vec::<String>::new());
    });
}

#[test]
fn every_lack_is_a_sentence_that_says_what_to_do() {
    let kinds = [true, false, true];
    let [bridges, dummies, vlans] = kinds;
    let nothing = Features {
        net_admin: false,
        next_hop_objects: false,
        ipv6: false,
        tcp_md5: false,
        tcp_ao: false,
        bridges,
        dummies,
        vlans,
    };
    let problems = nothing.problems();
    assert_eq!(problems.len(), 4);
    assert!(problems.iter().all(|sentence| sentence.contains("; use ") || sentence.contains("; start ")));
}
