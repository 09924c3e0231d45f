//! The real daemon: what has to be confirmed, though it is killed; several clients; who may do what.

use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use anyhow::{Context, Result};
use api::{News, Reply, Request, Watch};
use scenarios::lab::{Finished, Lab, Process};
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
