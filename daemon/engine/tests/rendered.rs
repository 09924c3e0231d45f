//! Files of the system as the configuration writes them, each compared with the one kept here.
//!
//! `UPDATE_EXPECT=1` writes them anew; read the difference before keeping it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]
#![expect(clippy::disallowed_methods, reason = "a test may read its golden files")]

use std::fs;
use std::path::Path;

use config::model::Model;
use config::tree::Tree;
use engine::plan::{Step, SystemFile, plan};
use rib::world_view::World;

/// Every word that ends up in a file.
const EVERYTHING: &str = "set system host-name r1
set system domain-name example.net
set system domain-search domain lab.example.net
set system domain-search domain example.net
set system name-server 192.0.2.53
set system name-server 2001:db8::53
set system static-host-mapping host-name node1.example.net inet 192.0.2.11
set system static-host-mapping host-name node1.example.net alias node1
set system static-host-mapping host-name node2 inet 2001:db8::12
set system ntp server 0.pool.ntp.org pool
set system ntp server 192.0.2.123 prefer
set system ntp server 2001:db8::123 noselect
set system syslog global facility all level notice
set system syslog global facility protocols level debug
set system syslog console facility kern
set system syslog file routing facility protocols level all
set system syslog host 192.0.2.14 facility all level info
set system syslog host 2001:db8::14 facility auth level warning
set system syslog user all facility all level emerg
set system syslog user anna facility security level alert
set system login banner pre-login 'Authorized access only\\n'
set system login banner post-login 'Welcome to r1\\nChanges are logged'
set interfaces ethernet eth0 address dhcp
set interfaces ethernet eth1 vif 7 address dhcp
set service ssh port 2222
set service ssh listen-address 192.0.2.1
set service ssh listen-address 2001:db8::1
set service ssh disable-password-authentication
set service ssh disable-host-validation
set service ssh allow-root
set service ssh access-control allow user anna
set service ssh access-control allow group towpath
set service ssh access-control deny user oper
set service ssh access-control deny group guests
set service ssh ciphers aes256-gcm@openssh.com
set service ssh ciphers aes256-ctr
set service ssh key-exchange curve25519-sha256
set service ssh mac hmac-sha2-256
set service ssh loglevel verbose";

/// Little, but something for each file that has a shorter form.
const LITTLE: &str = "set system domain-name example.net
set service ssh";

fn written(lines: &str) -> Vec<(SystemFile, String)> {
    let parsed = Tree::parse_set_commands(lines);
    assert_eq!(parsed.problems, Vec::new());
    let (model, errors) = Model::lower(&parsed.tree);
    assert_eq!(errors, Vec::new());
    let steps = plan(&Model::default(), &model, &World::new());
    let file = |step| match step {
        Step::File { file, to: Some(to), .. } => Some((file, to)),
        _ => None,
    };
    steps.into_iter().filter_map(file).collect()
}

#[test]
fn every_file_reads_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/system");
    let everything = written(EVERYTHING);
    assert_eq!(everything.len(), SystemFile::ALL.len());
    let named = everything.into_iter().map(|(file, text)| (file, text, ""));
    for (file, text, suffix) in named.chain(written(LITTLE).into_iter().map(|(file, text)| (file, text, ".little"))) {
        let name = file.path().rsplit('/').next().unwrap();
        let path = folder.join(format!("{name}{suffix}"));
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&path, &text).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(text, expected, "{}; UPDATE_EXPECT=1 writes it anew", path.display());
    }
}

#[test]
fn what_no_word_names_is_not_written() {
    for (lines, files) in [
        ("set system host-name r1", &[][..]),
        ("set system time-zone UTC", &[]),
        ("set system login user anna", &[]),
        ("set system login banner pre-login x", &[SystemFile::Issue, SystemFile::IssueNet]),
        ("set system syslog user anna facility all", &[SystemFile::RsyslogConf]),
        ("set system static-host-mapping host-name a inet 192.0.2.1", &[SystemFile::Hosts]),
        ("set system domain-search domain example.net", &[SystemFile::ResolvConf]),
    ] {
        let written: Vec<SystemFile> = written(lines).into_iter().map(|(file, _)| file).collect();
        assert_eq!(written, files, "{lines}");
    }
}
