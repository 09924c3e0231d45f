//! A daemon that is not root: it serves the walk-through with five capabilities, and what it must not do it cannot.
//!
//! What needs root is done by the steward, in a system that is a folder.

use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::Duration;

use anyhow::Result;
use scenarios::lab::Lab;
use scenarios::peers::{Kind, Session, Speaker};
use scenarios::router::Router;

/// A user whom no machine has.
const USER: u32 = 64_123;
/// `CAP_NET_BIND_SERVICE`, `CAP_NET_ADMIN`, `CAP_NET_RAW`, `CAP_PERFMON`, `CAP_BPF` (`linux/capability.h`).
const CAPABILITIES: u64 = 1 << 10 | 1 << 12 | 1 << 13 | 1 << 38 | 1 << 39;
const SHOP: &str = "172.16.102.229/32";
const SESSIONS: Duration = Duration::from_secs(30);

fn unprivileged(lab: &Lab) -> Result<Router> {
    let mut router = Router::prepare(lab)?.with_user(USER);
    for (path, text) in [
        ("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n"),
        ("/etc/shadow", "root:*:19000:0:99999:7:::\n"),
        ("/etc/group", "root:x:0:\n"),
        ("/etc/gshadow", "root:*::\n"),
    ] {
        let path = router.system_path(path);
        fs::create_dir_all(path.parent().unwrap())?;
        fs::write(path, text)?;
    }
    router.boot(lab)?;
    Ok(router)
}

#[test]
fn a_daemon_with_five_capabilities_serves_the_walk_through() -> Result<()> {
    let lab = Lab::new()?;
    let mut router = unprivileged(&lab)?;
    for (field, wanted) in [
        ("Uid", format!("{USER}\t{USER}\t{USER}\t{USER}")),
        ("CapEff", format!("{CAPABILITIES:016x}")),
        ("CapBnd", format!("{CAPABILITIES:016x}")),
        ("NoNewPrivs", "1".to_owned()),
        ("Seccomp", "2".to_owned()),
    ] {
        assert_eq!(router.status(field)?, wanted, "{field}");
    }
    let log = router.show("show log | no-more")?;
    assert!(log.contains("confined: user 64123, 5 capabilities; Landlock in force"), "{log}");
    router.configure(&[
        "set protocols bgp 64512 parameters router-id 192.168.101.1",
        "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64512",
        "set protocols bgp 64512 neighbor 192.168.101.202 remote-as 64512",
        "set protocols bgp 64512 neighbor 192.168.101.202 password secret",
        "set interfaces ethernet eth1 description nodes",
    ])?;
    let mut speakers = Vec::new();
    for (node, password) in lab.nodes.iter().zip([None, Some("secret".to_owned())]) {
        let speaker = Speaker::start(&lab, node, Kind::Bird, Session { password, ..Session::internal(node) })?;
        speaker.announce(SHOP)?;
        speakers.push(speaker);
    }
    let both = ["192.168.101.201", "192.168.101.202"];
    for node in lab.nodes.iter().take(2) {
        let address = IpAddr::from(node.ipv4);
        lab.wait_until(SESSIONS, &format!("{address} is established"), || router.is_established(address))?;
    }
    lab.wait_until(SESSIONS, "two next hops", || router.gateways(SHOP) == both)?;
    assert_eq!(fs::metadata(router.path("config.boot"))?.uid(), USER);
    // It comes back with what it had, and the kernel forwards meanwhile.
    router.kill9();
    assert_eq!(router.gateways(SHOP), both);
    router.boot(&lab)?;
    lab.wait_until(SESSIONS, "two next hops again", || {
        router.is_established(lab.nodes[0].ipv4.into()) && router.gateways(SHOP) == both
    })
}

#[test]
fn what_only_root_may_is_done_by_the_steward_and_given_back() -> Result<()> {
    let lab = Lab::new()?;
    let router = unprivileged(&lab)?;
    router.configure(&[
        "set system host-name edge7",
        "set system time-zone Europe/Berlin",
        "set system domain-name example.net",
        "set system login user anna authentication plaintext-password 'two words'",
        "set system login user bert level operator",
        "set service ssh port 2222",
        "set system login banner post-login welcome",
    ])?;
    let text = |path: &str| fs::read_to_string(router.system_path(path)).unwrap_or_default();
    assert!(["anna", "bert"].iter().all(|user| text("/etc/passwd").contains(&format!("\n{user}:"))));
    assert!(text("/etc/shadow").contains("anna:$6$"));
    assert!(text("/etc/ssh/sshd_config").contains("Port 2222"));
    assert_eq!(text("/etc/motd"), "welcome\n");
    assert_eq!(fs::metadata(router.system_path("/etc/ssh/sshd_config"))?.uid(), 0);
    router.configure(&["delete system login user bert", "delete service", "delete system domain-name"])?;
    assert!(text("/etc/passwd").contains("anna") && !text("/etc/passwd").contains("bert"));
    assert_eq!(text("/etc/ssh/sshd_config"), "");
    Ok(())
}

#[test]
fn a_daemon_that_is_confined_writes_nowhere_else() -> Result<()> {
    let lab = Lab::new()?;
    let router = unprivileged(&lab)?;
    // Everybody may write there, but it is none of the daemon's folders.
    let open = lab.directory().join("open");
    fs::create_dir_all(&open)?;
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777))?;
    let (outside, inside) = (open.join("table.mrt"), router.path("table.mrt"));
    router.configure(&[
        "set protocols bgp 64512 parameters router-id 192.168.101.1",
        &format!("set protocols bgp 64512 dump table file {}", outside.display()),
        "set protocols bgp 64512 dump table interval 10",
    ])?;
    lab.wait_until(SESSIONS, "the refusal is told", || {
        let log = router.show("show log | no-more").unwrap_or_default();
        log.contains(&outside.display().to_string()) && log.contains("ermission denied")
    })?;
    assert!(!outside.exists());
    router.configure(&[&format!("set protocols bgp 64512 dump table file {inside}")])?;
    lab.wait_until(SESSIONS, "the dump in the daemon's own folder", || fs::exists(&inside).unwrap_or_default())
}
