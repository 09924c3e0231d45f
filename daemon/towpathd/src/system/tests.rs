//! Files and settings in a directory of their own: written, kept, given back. Accounts are tried with a whole daemon.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use engine::plan::{Step, SystemFile};

use super::System;

/// A system in a directory of its own, gone with the test.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("towpath-system-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("etc")).unwrap();
        fs::create_dir_all(root.join("proc/sys/kernel")).unwrap();
        fs::write(root.join("proc/sys/kernel/panic"), "0\n").unwrap();
        Self(root)
    }

    /// A daemon that has just started there.
    fn system(&self) -> System {
        System::new(&self.0, &self.0.join("state"))
    }

    fn text(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.0.join(path)).ok()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn hosts(to: Option<&str>) -> Step {
    Step::File { file: SystemFile::Hosts, from: None, to: to.map(str::to_owned) }
}

fn panic(to: Option<&str>) -> Step {
    Step::Sysctl { name: "kernel.panic".to_owned(), from: None, to: to.map(str::to_owned) }
}

#[test]
fn a_file_is_written_and_what_was_there_comes_back() {
    for foreign in [Some("127.0.0.1 localhost\n"), None] {
        let place = Place::new(if foreign.is_some() { "kept" } else { "new" });
        if let Some(text) = foreign {
            fs::write(place.0.join("etc/hosts"), text).unwrap();
        }
        // A commit, one more by the next daemon, and the end of it.
        assert_eq!(place.system().carry_out(&hosts(Some("one\n"))), Ok(()));
        assert_eq!(place.text("etc/hosts").as_deref(), Some("one\n"));
        let mut next = place.system();
        assert!(next.held().unwrap().files.contains(&SystemFile::Hosts));
        assert_eq!(next.carry_out(&hosts(Some("two\n"))), Ok(()));
        assert_eq!(place.text("etc/hosts").as_deref(), Some("two\n"));
        assert_eq!(next.carry_out(&hosts(None)), Ok(()));
        assert_eq!(place.text("etc/hosts").as_deref(), foreign);
        assert!(next.held().unwrap().files.is_empty());
        let left: Vec<_> =
            fs::read_dir(place.0.join("etc")).unwrap().flatten().map(|entry| entry.file_name()).collect();
        assert_eq!(left.len(), usize::from(foreign.is_some()), "{left:?}");
    }
}

#[test]
fn a_link_is_replaced_and_comes_back_as_a_link() {
    let place = Place::new("link");
    symlink("../run/resolv.conf", place.0.join("etc/hosts")).unwrap();
    let mut system = place.system();
    assert_eq!(system.carry_out(&hosts(Some("one\n"))), Ok(()));
    assert!(!place.0.join("run/resolv.conf").exists(), "written through the link");
    assert_eq!(system.carry_out(&hosts(None)), Ok(()));
    assert_eq!(fs::read_link(place.0.join("etc/hosts")).unwrap(), Path::new("../run/resolv.conf"));
}

#[test]
fn a_daemon_that_died_between_keeping_and_writing_loses_nothing() {
    let place = Place::new("died");
    fs::write(place.0.join("etc/hosts"), "foreign\n").unwrap();
    fs::hard_link(place.0.join("etc/hosts"), place.0.join("etc/hosts.before-towpath")).unwrap();
    assert_eq!(place.system().carry_out(&hosts(None)), Ok(()));
    assert_eq!(place.text("etc/hosts").as_deref(), Some("foreign\n"));
    assert!(place.system().held().unwrap().files.is_empty());
}

#[test]
fn what_is_not_held_is_not_given_back() {
    let place = Place::new("foreign");
    fs::write(place.0.join("etc/hosts"), "foreign\n").unwrap();
    assert_eq!(place.system().carry_out(&hosts(None)), Ok(()));
    assert_eq!(place.system().carry_out(&panic(None)), Ok(()));
    assert_eq!(place.text("etc/hosts").as_deref(), Some("foreign\n"));
}

#[test]
fn a_file_that_cannot_be_written_is_refused_in_words_and_stays() {
    let place = Place::new("refused");
    fs::create_dir_all(place.0.join("etc/hosts")).unwrap();
    let refused = place.system().carry_out(&hosts(Some("one\n"))).unwrap_err();
    assert!(refused.contains("etc/hosts"), "{refused}");
    assert!(place.0.join("etc/hosts").is_dir());
    assert!(place.system().held().unwrap().files.is_empty());
}

#[test]
fn a_setting_comes_back_to_what_it_was_even_after_a_restart() {
    let place = Place::new("setting");
    assert_eq!(place.system().carry_out(&panic(Some("60"))), Ok(()));
    assert_eq!(place.system().carry_out(&panic(Some("30"))), Ok(()));
    assert_eq!(place.text("proc/sys/kernel/panic").as_deref(), Some("30"));
    assert!(place.system().held().unwrap().settings.contains("kernel.panic"));
    assert_eq!(place.system().carry_out(&panic(None)), Ok(()));
    assert_eq!(place.text("proc/sys/kernel/panic").as_deref(), Some("0"));
    assert!(place.system().held().unwrap().settings.is_empty());
    let gone = Step::Sysctl { name: "kernel.nothing".to_owned(), from: None, to: Some("1".to_owned()) };
    assert_eq!(place.system().carry_out(&gone), Err("this kernel has no kernel.nothing".to_owned()));
}
