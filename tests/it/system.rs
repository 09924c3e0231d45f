//! `system …` and `service …` with a whole daemon on a system of its own: files, accounts and settings follow a commit,
//! come back with its undoing, and leave alone what nobody named.
//!
//! The system is a directory; nothing here touches the machine that runs the tests.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use scenarios::lab::Lab;
use scenarios::router::Router;

const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIJ0Zzq7Yc0p1AAAA";
/// A setting of the network namespace that no router depends on.
const SETTING: &str = "net.ipv4.ip_default_ttl";

/// How long a daemon that has started may take for what lies around it.
const SOON: Duration = Duration::from_secs(10);

/// A small system with a person whom somebody else made, and a service's account.
fn furnish(router: &Router) -> Result<()> {
    for (path, text) in [
        (
            "/etc/passwd",
            "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n\
             olga:x:1500:100:Olga:/srv/guest:/bin/sh\n",
        ),
        ("/etc/shadow", "root:*:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\nolga:$6$old$old:19000:0:99999:7:::\n"),
        ("/etc/group", "root:x:0:\nsudo:x:27:\nusers:x:100:\nguests:x:1600:olga\n"),
        ("/etc/gshadow", "root:*::\nsudo:*::\nusers:*::\nguests:!::olga\n"),
        ("/etc/hosts", "127.0.0.1 localhost # foreign\n"),
    ] {
        let path = router.system_path(path);
        fs::create_dir_all(path.parent().context("a path without a parent")?)?;
        fs::write(path, text)?;
    }
    Ok(())
}

fn furnished(lab: &Lab) -> Result<Router> {
    let mut router = Router::prepare(lab)?;
    furnish(&router)?;
    router.boot(lab)?;
    Ok(router)
}

fn text(router: &Router, path: &str) -> String {
    fs::read_to_string(router.system_path(path)).unwrap_or_default()
}

/// The fields of a line of an account file.
fn entry(router: &Router, path: &str, name: &str) -> Option<Vec<String>> {
    let text = text(router, path);
    let line = text.lines().find(|line| line.split(':').next() == Some(name))?;
    Some(line.split(':').map(str::to_owned).collect())
}

/// The usual home directory.
fn home(user: &str) -> String {
    ["", "home", user].join("/")
}

fn members(router: &Router, group: &str) -> String {
    entry(router, "/etc/group", group).and_then(|fields| fields.last().cloned()).unwrap_or_default()
}

/// What `crypt(3)` makes of a password with the salt of a hash.
fn crypted(lab: &Lab, password: &str, hash: &str) -> Result<String> {
    let salt = hash.split('$').nth(2).context("a hash without a salt")?;
    let said = lab.router.run("openssl", &["passwd", "-6", "-salt", salt, password])?.success()?;
    Ok(said.trim().to_owned())
}

/// Every file below a directory with its text and its place, the backups of the account programs apart.
fn picture(root: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            let name = path.strip_prefix(root).unwrap().display().to_string();
            if kind.is_dir() {
                open.push(path);
            } else if !name.ends_with('-') && !name.ends_with(".pwd.lock") {
                found.push((name, fs::read_to_string(&path).unwrap_or_default()));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn accounts_follow_the_configuration_and_a_password_is_kept_as_its_hash() -> Result<()> {
    let lab = Lab::new()?;
    let router = furnished(&lab)?;
    router.configure(&[
        "set system login user anna authentication plaintext-password 'two words'",
        &format!("set system login user anna authentication public-keys anna@laptop key {KEY}"),
        "set system login user anna authentication public-keys anna@laptop type ssh-ed25519",
        "set system login user anna full-name 'Anna Berg'",
        "set system login user oper level operator",
        "set system login user oper authentication plaintext-password secret",
    ])?;
    let anna = entry(&router, "/etc/passwd", "anna").context("no account")?;
    assert_eq!((anna[4].clone(), anna[5].clone()), ("Anna Berg".to_owned(), home("anna")));
    let hash = entry(&router, "/etc/shadow", "anna").context("no password")?[1].clone();
    assert_eq!(crypted(&lab, "two words", &hash)?, hash);
    assert_eq!((members(&router, "towpath"), members(&router, "sudo")), ("anna".to_owned(), "anna".to_owned()));
    assert_eq!(members(&router, "towpath-operator"), "oper");
    let keys = router.system_path(&home("anna")).join(".ssh/authorized_keys");
    assert_eq!(fs::read_to_string(&keys)?, format!("ssh-ed25519 {KEY} anna@laptop\n"));
    let (owner, mode) = (fs::metadata(&keys)?.uid().to_string(), fs::metadata(&keys)?.mode() & 0o777);
    assert_eq!((owner, mode), (anna[2].clone(), 0o600));
    // The tree has the hash; nothing that an operator reads has any of it, and nothing has the password.
    assert!(router.saved().contains(&hash) && !router.saved().contains("plaintext"), "{}", router.saved());
    let shown = router.show("show configuration commands")?;
    assert!(shown.contains("encrypted-password '****************'"), "{shown}");
    for (place, said) in [("show", &shown), ("log", &router.log()), ("saved", &router.saved())] {
        assert!(!said.contains("two words") && !said.contains("secret"), "{place}: {said}");
    }
    assert!(!router.log().contains(&hash) && !shown.contains(&hash));
    // The next daemon finds all as it should be.
    let before = picture(&router.system_path("/"));
    router.cmd(&["configure", "set system login user anna level admin", "commit"])?;
    assert_eq!(picture(&router.system_path("/")), before);
    Ok(())
}

#[test]
fn nobody_is_locked_out_and_who_leaves_may_come_back() -> Result<()> {
    let lab = Lab::new()?;
    let router = furnished(&lab)?;
    router.configure(&[
        "set system login user anna authentication plaintext-password secret",
        "set system login user oper level operator",
        "set system login user oper authentication plaintext-password secret",
    ])?;
    let uid = entry(&router, "/etc/passwd", "oper").context("no account")?[2].clone();
    for (line, expect) in [
        ("delete system login", "All users deleted!"),
        ("delete system login user anna", "At least one user of level admin"),
        ("set system login user anna level operator", "At least one user of level admin"),
        ("set system login user root full-name x", "User root is left to the system"),
        ("set system login user daemon full-name x", "account daemon belongs to the system"),
    ] {
        let said = router.cmd(&["configure", line, "commit"])?;
        assert_ne!(said.status, 0, "{line}");
        assert!(said.text().contains(expect) && said.text().contains("Commit failed"), "{line}: {}", said.text());
    }
    assert_eq!(entry(&router, "/etc/passwd", "daemon").context("gone")?[4], "daemon");
    router.configure(&["delete system login user oper"])?;
    assert_eq!(entry(&router, "/etc/passwd", "oper"), None);
    assert_eq!(members(&router, "towpath-operator"), "");
    assert!(router.system_path(&home("oper")).is_dir(), "the home directory stays");
    // Somebody else takes the number that is free now; the old owner of the directory is nobody then.
    router.configure(&["set system login user oper authentication plaintext-password again"])?;
    assert_eq!(entry(&router, "/etc/passwd", "oper").context("no account")?[2], uid, "the directory is theirs again");
    Ok(())
}

#[test]
fn an_account_that_was_there_before_is_given_back_as_it_was() -> Result<()> {
    let lab = Lab::new()?;
    let router = furnished(&lab)?;
    let before = picture(&router.system_path("/etc"));
    router.configure(&[
        "set system login user anna authentication plaintext-password secret",
        "set system login user olga authentication plaintext-password secret",
        "set system login user olga full-name 'Olga of the router'",
        "set system login user olga home-directory /srv/olga",
    ])?;
    assert_eq!(entry(&router, "/etc/passwd", "olga").context("gone")?[4..6], ["Olga of the router", "/srv/olga"]);
    assert_eq!((members(&router, "guests"), members(&router, "sudo")), (String::new(), "anna,olga".to_owned()));
    router.configure(&["delete system login user olga"])?;
    let of_olga = |picture: &[(String, String)]| {
        let lines = picture.iter().flat_map(|(name, text)| text.lines().map(move |line| format!("{name} {line}")));
        lines.filter(|line| line.contains("olga")).collect::<Vec<_>>()
    };
    // The day of the last change of the password is another one.
    let without_day =
        |lines: Vec<String>| lines.into_iter().filter(|line| !line.starts_with("shadow")).collect::<Vec<_>>();
    let after = picture(&router.system_path("/etc"));
    assert_eq!(without_day(of_olga(&after)), without_day(of_olga(&before)));
    assert_eq!(entry(&router, "/etc/shadow", "olga").context("gone")?[1], "$6$old$old");
    Ok(())
}

#[test]
fn a_commit_that_fails_leaves_files_accounts_and_settings_as_they_were() -> Result<()> {
    let lab = Lab::new()?;
    let router = furnished(&lab)?;
    router.configure(&[
        "set system name-server 192.0.2.53",
        "set system login user anna authentication plaintext-password secret",
        &format!("set system sysctl parameter {SETTING} value 77"),
    ])?;
    let ttl = || lab.router.run("sysctl", &["-n", SETTING])?.success();
    assert_eq!(ttl()?.trim(), "77");
    let before = picture(&router.system_path("/"));
    let said = router.cmd(&[
        "configure",
        "delete system name-server",
        "set system domain-name example.net",
        "set system static-host-mapping host-name node1 inet 192.0.2.11",
        "set system ntp server 192.0.2.123",
        "set system login banner pre-login Hello",
        "set system login user anna full-name Anna",
        "set system login user bert authentication plaintext-password secret",
        "set service ssh port 2222",
        &format!("set system sysctl parameter {SETTING} value 78"),
        "set system sysctl parameter net.ipv4.no_such_thing value 1",
        "commit",
    ])?;
    assert!(said.text().contains("this kernel has no net.ipv4.no_such_thing"), "{}", said.text());
    assert!(said.text().contains("Commit failed"), "{}", said.text());
    // The home directory of the one who was made for a moment stays, empty but for the skeleton.
    let after = picture(&router.system_path("/")).into_iter().filter(|(name, _)| !name.starts_with("home/bert"));
    let no_days =
        |files: Vec<(String, String)>| files.into_iter().filter(|(name, _)| name != "etc/shadow").collect::<Vec<_>>();
    // A group of ours that was needed may stay; nobody is in it.
    assert_eq!(no_days(after.collect()), no_days(before));
    assert_eq!(ttl()?.trim(), "77");
    assert_eq!(entry(&router, "/etc/shadow", "bert"), None);
    router.configure(&["delete system sysctl", "delete system name-server"])?;
    assert_eq!(ttl()?.trim(), "64");
    assert!(!router.system_path("/etc/resolv.conf").exists());
    Ok(())
}

#[test]
fn files_are_written_with_a_warning_where_nobody_reads_them_and_foreign_ones_come_back() -> Result<()> {
    let lab = Lab::new()?;
    let router = furnished(&lab)?;
    let foreign = text(&router, "/etc/hosts");
    let said = router.configure(&[
        "set system host-name r1",
        "set system domain-name example.net",
        "set system static-host-mapping host-name node1 inet 192.0.2.11",
        "set system ntp server 192.0.2.123 prefer",
        "set system syslog host 192.0.2.14 facility all level notice",
        "set system time-zone Europe/Berlin",
        "set system login banner post-login 'Welcome\\nto r1'",
        "set service ssh port 2222",
    ])?;
    assert!(said.contains("no NTP service is installed"), "{said}");
    assert!(text(&router, "/etc/hosts").contains("127.0.1.1\tr1.example.net r1\n"));
    assert!(text(&router, "/etc/hosts").contains("192.0.2.11\tnode1\n"));
    assert!(text(&router, "/etc/chrony/chrony.conf").contains("server 192.0.2.123 iburst prefer\n"));
    assert!(text(&router, "/etc/rsyslog.d/50-towpath.conf").contains("*.notice\t@192.0.2.14\n"));
    assert!(text(&router, "/etc/ssh/sshd_config").contains("Port 2222\n"));
    assert_eq!(text(&router, "/etc/motd"), "Welcome\nto r1\n");
    let zone = fs::read_link(router.system_path("/etc/localtime"))?;
    assert!(zone.ends_with("Europe/Berlin"), "{}", zone.display());
    router.configure(&["delete system static-host-mapping", "delete system domain-name", "delete service"])?;
    assert_eq!(text(&router, "/etc/hosts"), foreign);
    assert!(!router.system_path("/etc/ssh/sshd_config").exists() && router.system_path("/etc/motd").exists());
    Ok(())
}

#[test]
fn a_start_brings_the_system_to_the_configuration_that_it_starts_with() -> Result<()> {
    let lab = Lab::new()?;
    let mut router = furnished(&lab)?;
    router.configure(&[
        "set system name-server 192.0.2.53",
        "set system login user anna authentication plaintext-password secret",
    ])?;
    // Committed and not saved: the next start of the machine knows nothing of it.
    router
        .cmd(&[
            "configure",
            "set system ntp server 192.0.2.123",
            "set system login user bert authentication plaintext-password secret",
            "set system login user anna full-name Anna",
            &format!("set system login user anna authentication public-keys x key {KEY}"),
            "set system login user anna authentication public-keys x type ssh-rsa",
            &format!("set system sysctl parameter {SETTING} value 77"),
            "commit",
        ])?
        .success()?;
    let keys = router.system_path(&home("anna")).join(".ssh/authorized_keys");
    assert!(keys.exists());
    router.stop()?;
    fs::write(router.system_path("/etc/resolv.conf"), "nameserver 203.0.113.9 # somebody else\n")?;
    router.boot(&lab)?;
    lab.wait_until(SOON, "what is saved is there", || {
        text(&router, "/etc/resolv.conf").contains("nameserver 192.0.2.53\n")
            && entry(&router, "/etc/passwd", "anna").is_some()
    })?;
    lab.wait_until(SOON, "what is not saved is gone", || {
        let ttl = lab.router.run("sysctl", &["-n", SETTING]).and_then(scenarios::lab::Finished::success);
        !router.system_path("/etc/chrony/chrony.conf").exists()
            && entry(&router, "/etc/passwd", "bert").is_none()
            && entry(&router, "/etc/passwd", "anna").is_some_and(|anna| anna[4].is_empty())
            && !keys.exists()
            && ttl.is_ok_and(|ttl| ttl.trim() == "64")
    })?;
    Ok(())
}
