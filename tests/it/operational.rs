//! Every command of operational mode against the real daemon: each way through the words, as text and as JSON.
//!
//! Programs that a command would run are replaced: nothing is rebooted, and no clock is set.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use anyhow::{Context as _, Result};
use grammar::commands::{OPERATIONAL, Step, Token};
use scenarios::lab::{Finished, Lab};
use scenarios::router::Router;

const MOMENT: Duration = Duration::from_secs(15);

/// What the examples of the words speak of.
const CONFIGURATION: &[&str] = &[
    "set protocols static route 172.16.102.229/32 blackhole",
    "set protocols static route6 2001:db8::/32 blackhole",
    "set protocols bgp 64512 network 172.16.102.229/32",
    "set protocols bgp 64512 address-family ipv6-unicast network 2001:db8::/32",
    "set protocols bgp 64512 parameters ebgp-requires-policy disable",
    "set protocols bgp 64512 peer-group nodes",
    "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64512",
    "set protocols bgp 64512 neighbor 192.168.101.201 peer-group nodes",
    "set protocols bgp 64512 neighbor 192.168.101.201 bfd",
    "set protocols bgp 64512 neighbor fd00:101::202 remote-as 64600",
    "set protocols bgp 64512 neighbor eth1 interface remote-as external",
    "set balancer interface eth0",
    "set balancer service web address 203.0.113.80",
    "set balancer service web protocol tcp",
    "set balancer service web port 443",
    "set balancer service web backend 192.168.101.201",
    "set protocols bgp 64512 bmp target lab address 192.168.101.9",
    "set policy access-list 10 rule 10 action permit",
    "set policy access-list 10 rule 10 source any",
    "set policy access-list6 NODES rule 10 action permit",
    "set policy access-list6 NODES rule 10 source any",
    "set policy prefix-list NODES rule 10 action permit",
    "set policy prefix-list NODES rule 10 prefix 172.16.0.0/16",
    "set policy prefix-list6 NODES rule 10 action permit",
    "set policy prefix-list6 NODES rule 10 prefix 2001:db8::/32",
    "set policy as-path-list NODES rule 10 action permit",
    "set policy as-path-list NODES rule 10 regex _64512_",
    "set policy community-list NODES rule 10 action permit",
    "set policy community-list NODES rule 10 regex 64512:100",
    "set policy large-community-list NODES rule 10 action permit",
    "set policy large-community-list NODES rule 10 regex 64512:1:2",
    "set policy extcommunity-list NODES rule 10 action permit",
    "set policy extcommunity-list NODES rule 10 regex 'rt 64512:100'",
    "set policy route-map NODES rule 10 action permit",
    "set policy route-map FROM-K8S rule 10 action permit",
    "set policy route-map FROM-K8S rule 10 match ip address prefix-list NODES",
    "set policy route-map FROM-K8S rule 10 set local-preference 150",
];

/// Interfaces of the examples that need not be there.
const ABSENT: &[&str] = &["bond0", "bond0.100", "br0", "br0.100", "dum0", "eth0.100"];

/// How commands begin that do not end by themselves; they have tests of their own.
const ENDLESS: &[&str] =
    &["monitor log", "monitor bgp", "monitor protocol bgp", "monitor interfaces", "monitor balancer capture"];

/// Every command, made of the words and the examples. Behind an option the other options are not tried.
fn commands() -> Vec<String> {
    let mut found = Vec::new();
    walk(OPERATIONAL, "", &mut Vec::new(), &mut found);
    found
}

fn walk(steps: &'static [&'static Step], before: &str, above: &mut Vec<*const &'static Step>, found: &mut Vec<String>) {
    if above.contains(&steps.as_ptr()) {
        return;
    }
    above.push(steps.as_ptr());
    for step in steps {
        let word = match step.token {
            Token::Word(word) => word.to_owned(),
            Token::Value(_, example) => format!("'{example}'"),
        };
        let path = format!("{before}{word}");
        if step.is_command() {
            found.push(path.clone());
        }
        walk(step.then, &format!("{path} "), above, found);
    }
    above.pop();
}

/// A router with something to show, and a folder of programs that do nothing.
struct Scene {
    lab: Lab,
    router: Router,
    programs: String,
    /// The password of a neighbor: that of no other test, whose shell may be seen among the machine's processes.
    secret: String,
}

impl Scene {
    fn new() -> Result<Self> {
        let lab = Lab::new()?;
        let router = Router::start(&lab)?;
        router.configure(CONFIGURATION)?;
        router.configure(&["set interfaces ethernet eth0 description 'to the client'"])?;
        let secret = format!("hidden-words-{}", std::process::id());
        router.configure(&[&format!("set protocols bgp 64512 neighbor 192.168.101.201 password {secret}")])?;
        // Not every kernel has all of them.
        for (name, kind) in [("bond0", "bond"), ("br0", "bridge"), ("dum0", "dummy")] {
            let _ = lab.router.ip(&["link", "add", name, "type", kind]);
        }
        let programs = lab.directory().join("programs");
        std::fs::create_dir_all(&programs)?;
        for name in ["date", "mtr", "ping", "shutdown", "systemctl", "tcpdump", "telnet", "towpath-image", "traceroute"]
        {
            let program = programs.join(name);
            let text = "#!/bin/sh\nif [ \"$2\" = json ]; then echo {}; exit; fi\necho ran \"${0##*/}\" \"$@\"\n";
            std::fs::write(&program, text)?;
            std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755))?;
        }
        // A capture without a packet.
        let head = [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1].map(u32::to_le_bytes).concat();
        std::fs::write(lab.directory().join("web.pcapng"), head)?;
        Ok(Self { programs: programs.to_string_lossy().into_owned(), lab, router, secret })
    }

    /// One command in a shell of its own, which finds no other programs than those.
    fn run(&self, command: &str) -> Result<Finished> {
        let (path, socket) = (format!("PATH={}", self.programs), self.router.path("towpathd.sock"));
        let shell = self.router.program("towpath");
        self.lab.router.run("env", &[&path, &shell, "--socket", &socket, "-c", command])
    }
}

#[test]
fn every_command_answers_as_text_and_as_json() -> Result<()> {
    let mut scene = Scene::new()?;
    let commands = commands();
    assert!(commands.len() > 200, "the words are walked: {}", commands.len());
    let mut wrong = Vec::new();
    for command in commands.iter().filter(|command| !ENDLESS.iter().any(|words| command.starts_with(words))) {
        let folder = scene.lab.directory().to_string_lossy().into_owned();
        let command = &command.replace("/tmp/", &format!("{folder}/"));
        let said = scene.run(command)?;
        let of_absent = ABSENT.iter().any(|name| said.stderr.contains(&format!("interface {name} does not exist")));
        if said.status != 0 && !of_absent || said.stderr.contains("panicked") {
            wrong.push(format!("{command}: {}", said.text()));
        }
        if !command.starts_with("show ") || of_absent {
            continue;
        }
        let said = scene.run(&format!("{command} | json"))?;
        if said.status != 0 || serde_json::from_str::<serde_json::Value>(&said.stdout).is_err() {
            wrong.push(format!("{command} | json: {}", said.text()));
        }
        assert!(!said.stdout.contains(&scene.secret), "{command} | json tells a secret");
    }
    assert!(wrong.is_empty(), "{} commands did not answer:\n{}", wrong.len(), wrong.join("\n"));
    assert!(scene.router.is_running(), "the daemon lives");
    let log = scene.router.log();
    assert!(!log.contains("panicked"), "{log}");
    Ok(())
}

#[test]
fn what_is_not_there_is_told_in_the_words_of_such_routers() -> Result<()> {
    let scene = Scene::new()?;
    for command in ["show ip bgp 203.0.113.0/24", "show ip bgp 203.0.113.1", "show ip route 203.0.113.1"] {
        let said = scene.run(command)?;
        assert_eq!((said.status, said.stderr.trim()), (1, "command 1: % Network not in table"), "{command}: {said:?}");
    }
    scene.router.cmd(&["configure", "save"])?.success()?;
    let files = scene.router.show("show configuration files")?;
    assert!(files.contains("config.boot\n"), "{files}");
    assert!(files.lines().all(|file| file.starts_with('/') && !file.ends_with('/')), "{files}");
    Ok(())
}

#[test]
fn programs_are_run_as_they_are_and_nothing_else() -> Result<()> {
    let scene = Scene::new()?;
    for (command, ran) in [
        ("ping 192.0.2.1 count 3", "ran ping -c 3 192.0.2.1\n"),
        ("traceroute node ipv6", "ran traceroute -6 node\n"),
        ("reboot now", "ran shutdown -r now\n"),
        ("poweroff", "ran shutdown -P now\n"),
        ("restart bgp", "ran systemctl restart towpathd\n"),
        ("install image", "ran towpath-image install\n"),
        ("monitor traffic interface eth0 filter 'tcp port 179'", "ran tcpdump -n -l -i eth0 tcp port 179\n"),
    ] {
        assert_eq!(scene.run(command)?.text(), ran, "{command}");
    }
    std::fs::remove_file(format!("{}/mtr", scene.programs))?;
    let said = scene.run("mtr 192.0.2.1")?;
    assert!(
        said.status != 0 && said.stderr.contains("The program mtr is not installed on this router"),
        "{}",
        said.text()
    );
    Ok(())
}

#[test]
fn the_kernels_own_lists_are_told_and_cleared() -> Result<()> {
    let scene = Scene::new()?;
    let node = &scene.lab.nodes[0];
    for address in [node.ipv4.to_string(), node.ipv6.to_string()] {
        scene.lab.router.run("ping", &["-c", "1", "-W", "5", &address])?.success()?;
    }
    let arp = scene.router.show("show arp eth1")?;
    assert!(arp.lines().any(|line| line.starts_with("192.168.101.201 ") && line.ends_with(" eth1")), "{arp}");
    let neighbors = scene.router.show("show ipv6 neighbors")?;
    assert!(neighbors.contains("fd00:101::201 dev eth1 lladdr "), "{neighbors}");
    scene.router.show("clear arp 192.168.101.201; clear ipv6 neighbors interface eth1")?;
    let mac = |value: &serde_json::Value, address: &str| {
        let rows = value["neighbors"].as_array().cloned().unwrap_or_default();
        rows.iter().any(|row| row["address"] == address && row.get("mac").is_some())
    };
    // The daemon itself may ask for its neighbors again at once; the other node's entry is nobody's.
    let left = scene.router.json("show ipv6 neighbors")?;
    assert!(!mac(&left, "fd00:101::201"), "{left}");
    let counted = |command: &str| -> Result<u64> {
        let value = scene.router.json(command)?;
        value["interfaces"][0]["counters"]["received"]["bytes"].as_u64().context("octets are counted")
    };
    let before = counted("show interfaces ethernet eth1 counters")?;
    assert!(before > 500, "the pings are counted: {before}");
    scene.router.show("clear interfaces ethernet eth1 counters")?;
    assert!(counted("show interfaces ethernet eth1 counters")? < before, "counting began from zero");
    let forward = scene.router.show("show ip route forward")?;
    assert!(forward.contains("blackhole 172.16.102.229/32") && forward.contains("proto towpath"), "{forward}");
    Ok(())
}

#[test]
fn what_is_monitored_comes_until_it_is_interrupted() -> Result<()> {
    let scene = Scene::new()?;
    let (shell, socket) = (scene.router.program("towpath"), scene.router.path("towpathd.sock"));
    let monitor = |log: &str, command: &str| scene.lab.router.start(log, &shell, &["--socket", &socket, "-c", command]);
    let mut log = monitor("log", "monitor log")?;
    let mut rates = monitor("rates", "monitor interfaces")?;
    let mut number = 0;
    scene.lab.wait_until(MOMENT, "the log tells of a clear", || {
        number += 1;
        let cleared = scene.router.show("clear interfaces counters").is_ok();
        cleared && number > 1 && log.output().contains("counters of interfaces cleared by")
    })?;
    scene.lab.wait_until(MOMENT, "rates are told twice", || rates.output().matches("Rx bit/s").count() > 1)?;
    for monitor in [&mut log, &mut rates] {
        assert!(monitor.is_running(), "a monitor goes on until ^C: {}", monitor.output());
        monitor.interrupt(MOMENT)?;
    }
    scene.router.show("show version").map(|_| ())
}
