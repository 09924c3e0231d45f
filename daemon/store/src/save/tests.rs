//! Saving: whole files, kept modes, and errors in words.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use super::*;

/// A directory that goes when the test ends.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("towpath-save-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

#[test]
fn a_new_file_is_whole_and_nobody_else_can_read_it() {
    let scratch = Scratch::new("new");
    let path = scratch.0.join("config.boot");
    save_config(&path, "one\n").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "one\n");
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o007, 0);
    assert_eq!(fs::read_dir(&scratch.0).unwrap().count(), 1);
}

#[test]
fn a_replaced_file_keeps_its_mode_and_what_a_power_cut_left_is_no_hindrance() {
    let scratch = Scratch::new("mode");
    let path = scratch.0.join("config.boot");
    fs::write(&path, "old").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o664)).unwrap();
    fs::write(scratch.0.join("config.boot.new"), "half of a longer text").unwrap();
    save_config(&path, "new").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o664);
}

#[test]
fn a_symbolic_link_stays_one() {
    let scratch = Scratch::new("link");
    let real = scratch.0.join("real");
    let link = scratch.0.join("config.boot");
    fs::write(&real, "old").unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    save_config(&link, "new").unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&real).unwrap(), "new");
}

#[test]
fn a_failure_leaves_the_old_file_and_says_what_to_do() {
    let scratch = Scratch::new("failure");
    let path = scratch.0.join("config.boot");
    fs::write(&path, "old").unwrap();
    // A directory in the place of the temporary file makes the write fail for root too.
    fs::create_dir(scratch.0.join("config.boot.new")).unwrap();
    let error = save_config(&path, "new").unwrap_err();
    assert!(error.to_string().contains("was not saved, what it had is untouched"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    let missing = save_config(&scratch.0.join("absent/config.boot"), "new").unwrap_err();
    assert!(missing.to_string().contains("there is no directory"), "{missing}");
}

#[test]
fn what_the_disk_refuses_is_told_in_words() {
    for (errno, words) in [(28, "no space is left"), (30, "read-only"), (13, "may not write")] {
        let error = io::Error::from_raw_os_error(errno);
        assert!(advice(Path::new("/config/config.boot"), &error).contains(words), "{errno}");
    }
}
