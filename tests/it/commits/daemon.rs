//! The real daemon: what has to be confirmed, though it is killed; several clients; who may do what.

use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use api::watch::{BgpChange, BgpEvent};
use api::{News, Reply, Request, Watch};
use config::edit::{Candidate, Edit};
use scenarios::lab::{Finished, Lab, Process};
use scenarios::peers::{Kind, Session, Speaker};
use scenarios::router::Router;
use scenarios::router::control::Control;

const SOON: Duration = Duration::from_secs(20);
const ADDRESS: &str = "10.88.0.1/24";

fn addresses(lab: &Lab) -> Result<String> {
    lab.router.ip(&["-br", "address", "show", "dev", "eth0"])
}

#[test]
fn what_nobody_confirms_is_taken_back_though_the_daemon_was_killed_meanwhile() -> Result<()> {
    let lab = Lab::new()?;
    let mut router = Router::start(&lab)?;
    let mut control = Control::open(&router.path("towpathd.sock"))?;
    let before = control.active()?.text;
    let address = format!("set interfaces ethernet eth0 address {ADDRESS}");
    let reply = control.commit(&[&address, "set protocols static route 10.99.0.0/24 blackhole"], Some(1))?;
    assert!(matches!(&reply, Reply::Committed(committed) if committed.confirm.is_some()), "{reply:?}");
    control.commit(&["set protocols static route 10.98.0.0/24 blackhole"], None)?;
    assert!(addresses(&lab)?.contains(ADDRESS));
    router.kill9();
    router.boot(&lab)?;
    let mut control = Control::open(&router.path("towpathd.sock"))?;
    let pending = control.hello()?.confirm.context("the deadline is remembered")?;
    assert_eq!(pending.user, "root", "the kernel tells who it was, not the client");
    assert!(control.active()?.text.contains(ADDRESS), "{}", router.log());
    let saved = control.ask(Request::Save { named: false })?;
    assert!(matches!(&saved, Reply::Error(error) if error.code == "confirm-pending"), "{saved:?}");
    lab.wait_until(Duration::from_secs(90), "it is taken back", || {
        Control::open(&router.path("towpathd.sock"))
            .and_then(|mut control| control.hello())
            .is_ok_and(|hello| hello.confirm.is_none())
    })?;
    let text = control.active()?.text;
    assert!(!text.contains(ADDRESS) && !text.contains("10.99.0.0/24"), "{text}");
    assert!(text.contains("10.98.0.0/24"), "what was committed meanwhile stays: {text}");
    assert!(!addresses(&lab)?.contains(ADDRESS), "{}", router.log());
    assert!(router.log().contains("was not confirmed within 1 minute"), "{}", router.log());
    control.commit(&["delete protocols static route 10.98.0.0/24"], None)?;
    assert_eq!(control.active()?.text, before);
    Ok(())
}

#[test]
fn who_watches_hears_of_what_another_does() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let open = || Control::open(&router.path("towpathd.sock"));
    let mut commits = open()?.watch(Watch::Commits)?;
    let mut log = open()?.watch(Watch::Log { least: api::view::system::LogLevel::Info })?;
    let mut links = open()?.watch(Watch::Interfaces)?;
    let mut control = open()?;
    control.commit(&["set system host-name r9"], Some(5))?;
    control.ask(Request::Confirm)?;
    let told = commits.read()?;
    let News::Commit(news) = &told else { panic!("{told:?}") };
    assert_eq!((news.user.as_str(), news.via.as_str()), ("root", "test"));
    assert!(news.confirm.is_some());
    assert!(matches!(commits.read()?, News::Confirmed { .. }));
    let line = log.read()?.sentence();
    assert!(line.contains("committed by root via test, to be confirmed (1 change)"), "{line}");
    lab.router.ip(&["link", "set", "eth0", "down"])?;
    let link = links.read()?;
    assert!(link.sentence().starts_with("interface eth0 is"), "{link:?}");
    drop((commits, log, links));
    control.commit(&["set system host-name r8"], None)?;
    Ok(())
}

#[test]
fn who_watches_sessions_hears_of_each_that_comes_and_why_it_goes() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let node = &lab.nodes[0];
    router.configure(&[&format!("set protocols bgp 64512 neighbor {} remote-as 64512", node.ipv4)])?;
    let open = || Control::open(&router.path("towpathd.sock"));
    let mut sessions = open()?.watch(Watch::Bgp)?;
    let speaker = Speaker::start(&lab, node, Kind::Gobgp, Session::internal(node))?;
    let told = sessions.read()?;
    assert_eq!(told.sentence(), format!("neighbor {} of AS 64512 is up", node.ipv4));
    let service = "172.16.102.229/32";
    speaker.announce(service)?;
    lab.wait_until(SOON, "the route is there", || router.show("show ip bgp").is_ok_and(|text| text.contains(service)))?;

    open()?.commit(&[&format!("set protocols bgp 64512 neighbor {} shutdown", node.ipv4)], None)?;
    let told = sessions.read()?;
    let News::Bgp(BgpEvent { neighbor, change: BgpChange::Down { reason, prefixes }, .. }) = &told else {
        panic!("{told:?}")
    };
    assert_eq!((neighbor, prefixes), (&node.ipv4.into(), &1));
    assert_eq!(reason, "Administratively shut down");
    Ok(())
}

#[test]
fn who_reads_too_slowly_is_told_how_much_was_missed() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let open = || Control::open(&router.path("towpathd.sock"));
    let mut slow = open()?.watch(Watch::Commits)?;
    // Comments of 4 KiB fill what the kernel and the daemon keep for a reader; each commit is one piece of news.
    let comment = "x".repeat(4096);
    let mut control = open()?;
    let mut base = control.active()?.revision;
    let commits: u64 = 400;
    for number in 0..commits {
        let path = ["system", "host-name", &format!("r{number}")].map(str::to_owned).to_vec();
        let candidate = Candidate { base, edits: vec![Edit::Set(path)] };
        let reply = control.ask(Request::Commit { candidate, comment: Some(comment.clone()), confirm: None })?;
        let Reply::Committed(committed) = reply else { bail!("{reply:?}") };
        base = committed.revision;
    }
    let mut read: u64 = 0;
    let missed = loop {
        match slow.read()? {
            News::Commit(_) => read += 1,
            News::Missed(missed) => break missed,
            other => bail!("{other:?}"),
        }
    };
    assert_eq!(read + missed, commits, "what is not told is counted");
    assert!(missed > 0 && read >= 256, "{read} read, {missed} missed");
    control.commit(&["set system host-name last"], None)?;
    assert!(matches!(slow.read()?, News::Commit(_)), "and then it goes on");
    Ok(())
}

/// A daemon whose system knows the groups of the test.
fn with_groups(lab: &Lab, router: &Router) -> Result<Process> {
    let groups = "root:x:0:\ntowpath:x:7001:\ntowpath-operator:x:7002:\n";
    let groups = lab.router.write("group", groups)?.to_string_lossy().into_owned();
    let [config, state, socket, root] =
        ["config.boot", "state", "towpathd.sock", "system"].map(|name| router.path(name));
    let script = format!(
        "mount --bind {groups} /etc/group && exec {} --config {config} --state-dir {state} --socket {socket} \
         --system-root {root}",
        router.program("towpathd")
    );
    let daemon = lab.router.start("towpathd", "unshare", &["--uts", "--mount", "sh", "-c", &script])?;
    lab.wait_until(SOON, "towpathd answers", || Control::open(&socket).is_ok())?;
    Ok(daemon)
}

#[test]
fn groups_tell_who_may_do_what() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::prepare(&lab)?;
    let password = "set protocols bgp 64512 neighbor 192.168.101.201 password s3cret";
    lab.router.write(
        "config.boot",
        &scenarios::sim::config(&format!(
            "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64512\n{password}"
        )),
    )?;
    let _daemon = with_groups(&lab, &router)?;
    let socket = router.path("towpathd.sock");
    let shell = |groups: &str, commands: &[&str]| -> Result<Finished> {
        let program = router.program("towpath");
        let mut arguments = vec!["--reuid=4242", "--regid=4242", groups, "env", "HOME=/nonexistent", &program];
        arguments.extend(["--socket", &socket]);
        arguments.extend(commands.iter().flat_map(|command| ["-c", command]));
        lab.router.run("setpriv", &arguments)
    };
    let configure = ["configure", "set system host-name mine", "commit"];

    let admin = shell("--groups=50,7001", &configure)?;
    assert_eq!(admin.status, 0, "{}", admin.text());
    let shown = shell("--groups=7001", &["show configuration commands"])?.success()?;
    assert!(shown.contains("host-name 'mine'"), "{shown}");

    // The folder of the test stands for one where only root may write, the other is the person's own.
    let own = lab.router.directory().join("own");
    std::fs::create_dir(&own)?;
    std::os::unix::fs::chown(&own, Some(4242), Some(4242))?;
    for (file, written) in [(router.path("of-root"), false), (own.join("mine").to_string_lossy().into_owned(), true)] {
        let said = shell("--groups=7001", &["configure", &format!("save {file}")])?;
        assert_eq!((said.status == 0, std::fs::exists(&file)?), (written, written), "{}", said.text());
        assert_eq!(said.text().contains("Permission denied"), !written, "{}", said.text());
    }
    let mine = std::fs::metadata(own.join("mine"))?;
    assert_eq!((mine.uid(), mine.mode() & 0o777), (4242, 0o600), "it holds the password");
    let saved = shell("--groups=7001", &["configure", "save"])?;
    assert_eq!(saved.status, 0, "the router's own file is the daemon's to write: {}", saved.text());
    assert!(std::fs::read_to_string(router.path("config.boot"))?.contains("mine"));

    let operator = shell("--groups=7002", &["show configuration commands"])?.success()?;
    assert!(operator.contains("****************") && !operator.contains("s3cret"), "{operator}");
    let refused = shell("--groups=7002", &configure)?;
    assert!(refused.status != 0, "{}", refused.text());

    let stranger = shell("--groups=50", &["show version"])?;
    assert!(stranger.status != 0 && stranger.text().contains("may not use this router"), "{}", stranger.text());

    let mut control = Control::open(&socket)?;
    assert_eq!(control.active()?.text.matches("mine").count(), 1);
    let log = std::fs::read_to_string(router.path("towpathd.log"))?;
    assert!(log.contains("committed by 4242 via cli"), "{log}");
    assert!(log.contains("refused: user 4242 (uid 4242) is neither admin nor operator"), "{log}");
    Ok(())
}
