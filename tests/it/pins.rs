//! The balancer outlives the daemon: packets go on while it is killed and replaced, and only its own pins are touched.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use scenarios::balancer::kernel::object;
use scenarios::lab::{Lab, Process, SHOP};
use scenarios::router::Router;
use serde_json::Value;

const SOON: Duration = Duration::from_secs(20);
const CONFIG: &str = "
balancer {
    interface eth0 {
        hook generic
    }
    service shop {
        address 172.16.102.229
        any-port
        mode l2
        backend 192.168.101.201 {
        }
        backend 192.168.101.202 {
        }
    }
}
";

/// A file system for pins that no daemon mounts, so that it stays when one dies.
struct Pins(PathBuf);

impl Pins {
    fn new(lab: &Lab) -> Result<Self> {
        let directory = lab.directory().join("bpf");
        std::fs::create_dir_all(&directory)?;
        let mounted = Command::new("mount").args(["-t", "bpf", "bpf"]).arg(&directory).status()?;
        ensure!(mounted.success(), "the file system for pins cannot be mounted");
        Ok(Self(directory))
    }

    fn root(&self) -> PathBuf {
        self.0.join("towpath")
    }

    /// Names below a directory of the layout that a daemon has pinned.
    fn names(&self, below: &str) -> Vec<String> {
        let layouts = std::fs::read_dir(self.root()).into_iter().flatten().flatten();
        let found =
            layouts.flat_map(|layout| std::fs::read_dir(layout.path().join(below)).into_iter().flatten().flatten());
        found.filter_map(|entry| entry.file_name().into_string().ok()).collect()
    }
}

impl Drop for Pins {
    fn drop(&mut self) {
        // A mount that is still busy goes when it is not.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn router(lab: &Lab, pins: &Pins) -> Result<Router> {
    let (object, root) = (object()?, pins.root());
    let text = |path: &Path| path.display().to_string();
    let router = Router::prepare(lab)?.with_arguments(&["--bpf-object", &text(&object), "--bpf-dir", &text(&root)]);
    lab.router.write("config.boot", CONFIG)?;
    Ok(router)
}

/// Nodes that answer each message with their name, by TCP and UDP.
fn nodes(lab: &Lab) -> Result<Vec<Process>> {
    let nodes = lab.nodes.iter().enumerate();
    nodes
        .map(|(number, node)| {
            node.start("names", "python3", &["-c", NODE, &format!("node{number}"), &SHOP.to_string()])
        })
        .collect()
}

/// A client that talks all the time, until a file is there; then it says what became of its connections.
struct Client<'a> {
    lab: &'a Lab,
    process: Process,
}

impl<'a> Client<'a> {
    fn start(lab: &'a Lab) -> Result<Self> {
        let end = lab.client.directory().join("end").display().to_string();
        let process = lab.client.start("talk", "python3", &["-c", CLIENT, &SHOP.to_string(), &end])?;
        lab.wait_until(SOON, "all connections stand", || process.output().contains("open"))?;
        Ok(Self { lab, process })
    }

    fn end(mut self) -> Result<Value> {
        self.lab.client.write("end", "")?;
        self.process.wait(SOON)?;
        let said = self.process.output();
        let last = said.lines().last().context("the client said nothing")?;
        serde_json::from_str(last).with_context(|| said.clone())
    }
}

#[test]
fn a_daemon_that_is_killed_and_replaced_costs_no_packet_and_moves_no_connection() -> Result<()> {
    let lab = Lab::new()?;
    let pins = Pins::new(&lab)?;
    let mut router = router(&lab, &pins)?;
    router.boot(&lab)?;
    let _nodes = nodes(&lab)?;
    lab.wait_until(SOON, "the service answers", || answers(&lab))?;
    let client = Client::start(&lab)?;
    router.kill9();
    ensure!(pins.names("links").iter().any(|name| name.ends_with("generic")), "the program went with the daemon");
    // Time for the client to notice.
    let since = std::time::Instant::now();
    lab.wait_until(SOON, "a second has passed", || since.elapsed() > Duration::from_secs(1))?;
    router.boot(&lab)?;
    router.configure(&["set balancer service shop backend 192.168.101.203"])?;
    let since = std::time::Instant::now();
    // On a busy machine the client asks less often.
    lab.wait_until(SOON, "three seconds have passed", || since.elapsed() > Duration::from_secs(3))?;
    let said = client.end()?;
    ensure!(said["broken"] == 0 && said["moved"] == 0, "{said}");
    ensure!(said["lost"] == 0, "datagrams were lost: {said}");
    ensure!(said["asked"].as_u64() > Some(500), "{said}");
    Ok(())
}

#[test]
fn pins_of_another_layout_are_left_alone_and_ours_go_with_the_balancer() -> Result<()> {
    let lab = Lab::new()?;
    let pins = Pins::new(&lab)?;
    let foreign = pins.root().join("0123456789abcdef");
    std::fs::create_dir_all(foreign.join("maps/SERVICES"))?;
    std::fs::create_dir_all(foreign.join("links"))?;
    let mut router = router(&lab, &pins)?;
    router.boot(&lab)?;
    let _nodes = nodes(&lab)?;
    lab.wait_until(SOON, "the service answers", || answers(&lab))?;
    ensure!(foreign.join("maps/SERVICES").is_dir(), "another's pins are gone");
    router.configure(&["delete balancer"])?;
    lab.wait_until(SOON, "ours are gone", || pins.names("links").is_empty())?;
    ensure!(pins.names("maps") == ["SERVICES"], "{:?}", pins.names("maps"));
    ensure!(!lab.router.ip(&["link", "show", "eth0"])?.contains("xdp"), "a program is left");
    Ok(())
}

#[test]
fn without_its_programs_the_commit_is_refused_and_all_else_goes_on() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::prepare(&lab)?.with_arguments(&["--bpf-object", "/nowhere/towpath-balancer.o"]);
    let mut router = router;
    router.boot(&lab)?;
    let service = "set balancer service shop";
    let commands = [
        format!("{service} address 172.16.102.229"),
        format!("{service} any-port"),
        format!("{service} backend 192.168.101.201"),
    ];
    let mut all = vec!["configure", "set balancer interface eth0"];
    all.extend(commands.iter().map(String::as_str));
    all.push("commit");
    let refused = router.cmd(&all)?.text();
    ensure!(refused.contains("its programs are not installed"), "{refused}");
    ensure!(router.show("show version").is_ok());
    router.configure(&["set system host-name still-here"])?;
    Ok(())
}

fn answers(lab: &Lab) -> bool {
    let asked = lab.client.run("python3", &["-c", ONCE, &SHOP.to_string()]);
    asked.is_ok_and(|said| said.status == 0)
}

const NODE: &str = r#"
import selectors, socket, sys
name, waiting = sys.argv[1].encode(), selectors.DefaultSelector()
tcp = socket.create_server(("", 7000), backlog=1024)
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind((sys.argv[2], 7001))
for listener in (tcp, udp):
    waiting.register(listener, selectors.EVENT_READ)
while True:
    for key, _ in waiting.select():
        if key.fileobj is tcp:
            waiting.register(tcp.accept()[0], selectors.EVENT_READ)
        elif key.fileobj is udp:
            said, sender = udp.recvfrom(64)
            udp.sendto(said, sender)
        else:
            try:
                said = key.fileobj.recv(64)
            except OSError:
                said = b""
            if said:
                key.fileobj.send(name)
            else:
                waiting.unregister(key.fileobj)
                key.fileobj.close()
"#;

const ONCE: &str = r#"
import socket, sys
with socket.create_connection((sys.argv[1], 7000), timeout=1) as one:
    one.send(b"who")
    print(one.recv(64))
"#;

const CLIENT: &str = r#"
import json, os, socket, sys, time
service, end = (sys.argv[1], 7000), sys.argv[2]
def connection():
    one = socket.create_connection(service, timeout=5)
    one.send(b"who")
    return one, one.recv(64)
connections = [connection() for _ in range(200)]
datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
datagrams.connect((sys.argv[1], 7001))
datagrams.settimeout(1)
print("open", flush=True)
found = {"broken": 0, "moved": 0, "lost": 0, "asked": 0}
while not os.path.exists(end):
    for one, home in connections:
        try:
            one.send(b"who")
            found["moved"] += one.recv(64) != home
        except OSError:
            found["broken"] += 1
    for number in range(20):
        datagrams.send(str(number).encode())
        found["asked"] += 1
        try:
            datagrams.recv(64)
        except OSError:
            found["lost"] += 1
        time.sleep(0.0005)
print(json.dumps(found))
"#;
