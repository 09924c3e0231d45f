//! What lies on the disk: a broken configuration, a full disk, a second daemon, missing privileges.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use scenarios::lab::Lab;
use scenarios::router::Router;

use super::SOUND;

const SOON: Duration = Duration::from_secs(10);

const BROKEN: &str = "protocols {
    bgp 64512 {
        parameters {
            router-id 192.168.101.1
        }
        neighbor 192.168.101.201 {
            remote-as 64512
            colour green
        }
        neighbor 192.168.101.202 {
            remote-as 99999999999
        }
    }
}
system {
    host-name tower
}
";

#[test]
fn a_broken_saved_configuration_comes_up_as_far_as_it_is_understood() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start_with(&lab, BROKEN)?;
    let running = router.show("show configuration commands")?;
    assert!(running.contains("neighbor 192.168.101.201 remote-as"), "the good neighbor is there: {running}");
    assert!(running.contains("host-name"), "what follows the bad lines is there: {running}");
    assert!(!running.contains("colour") && !running.contains("99999999999"), "the bad lines are not: {running}");
    assert_eq!(router.saved(), BROKEN, "the file is kept");
    let told = format!("{}{}", router.log(), router.cmd(&["show version"])?.text());
    assert!(told.contains("colour") && told.contains('8'), "the first bad line is told with its number: {told}");
    assert!(told.contains("99999999999") && told.contains("11"), "and the second: {told}");
    Ok(())
}

#[test]
fn a_file_that_is_no_configuration_still_gives_a_working_router() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start_with(&lab, "\u{7f}ELF } } {{ not a configuration")?;
    router.configure(&["set system host-name tower"])?;
    assert!(router.saved().contains("tower"), "{}", router.saved());
    Ok(())
}

#[test]
fn what_was_left_out_at_the_start_is_kept_when_the_file_is_written_anew() -> Result<()> {
    let lab = Lab::new()?;
    let mut router = Router::start_with(&lab, BROKEN)?;
    let beside = PathBuf::from(router.path("config.boot.former"));
    let saved = router.cmd(&["configure", "save"])?.text();
    assert!(saved.contains("config.boot.former"), "{saved}");
    assert_eq!(std::fs::read_to_string(&beside)?, BROKEN);
    assert!(!router.saved().contains("colour"), "{}", router.saved());
    std::fs::remove_file(&beside)?;
    router.cmd(&["configure", "save"])?;
    router.kill9();
    router.boot(&lab)?;
    router.cmd(&["configure", "save"])?;
    assert!(!beside.exists(), "a file of which nothing was left out needs no copy");
    Ok(())
}

#[test]
fn a_full_disk_fails_the_save_and_nothing_else() -> Result<()> {
    let lab = Lab::new()?;
    let disk = SmallDisk::mount(lab.router.directory().join("disk"))?;
    let mut router = Router::prepare(&lab)?.with_config_at("disk/config.boot");
    router.boot(&lab)?;
    router.configure(&SOUND)?;
    let saved = router.saved();
    disk.fill()?;
    let said = router.cmd(&["configure", "set system host-name tower", "commit", "save"])?;
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.stderr.to_lowercase().contains("no space"), "{said:?}");
    assert_eq!(router.saved(), saved, "the old file is whole");
    assert!(router.show("show configuration commands")?.contains("tower"), "the commit stands");
    disk.empty()?;
    router.cmd(&["configure", "save"])?.success()?;
    assert!(router.saved().contains("tower"));
    Ok(())
}

#[test]
fn a_second_daemon_on_the_same_state_is_refused_and_the_first_goes_on() -> Result<()> {
    let lab = Lab::new()?;
    let mut router = Router::start(&lab)?;
    router.configure(&SOUND)?;
    let mut second = router.spawn("second")?;
    let status = second.wait(SOON)?;
    assert!(status > 0, "it ends by itself with an error: {status}");
    assert!(!second.output().trim().is_empty(), "and says why");
    assert!(router.is_running());
    router.show("show ip bgp summary")?;
    Ok(())
}

#[test]
fn a_daemon_without_privileges_says_what_it_needs() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::prepare(&lab)?;
    // The program's own directory may be closed to others.
    let program = lab.router.directory().join("towpathd-copy");
    std::fs::copy(router.program("towpathd"), &program).context("copying towpathd")?;
    let own = lab.router.directory().join("own");
    std::fs::create_dir_all(&own)?;
    Command::new("chown").arg("65534").arg(&own).status().context("starting chown")?;
    let paths = ["config.boot", "state", "sock"].map(|name| own.join(name).to_string_lossy().into_owned());
    let program = program.to_string_lossy();
    let arguments = [
        "--reuid=65534",
        "--clear-groups",
        &program,
        "--config",
        &paths[0],
        "--state-dir",
        &paths[1],
        "--socket",
        &paths[2],
    ];
    let mut daemon = lab.router.start("unprivileged", "setpriv", &arguments)?;
    let status = daemon.wait(SOON)?;
    let said = daemon.output().to_lowercase();
    assert!(status > 0, "{said}");
    assert!(
        ["root", "privilege", "cap_net_admin"].iter().any(|word| said.contains(word)),
        "what to do is told: {said}"
    );
    Ok(())
}

/// A file system of 64 KiB.
struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    fn mount(path: PathBuf) -> Result<Self> {
        std::fs::create_dir_all(&path)?;
        let options = ["-t", "tmpfs", "-o", "size=64k", "tmpfs"];
        let mounted = Command::new("mount").args(options).arg(&path).status().context("starting mount")?;
        anyhow::ensure!(mounted.success(), "mounting {}", path.display());
        Ok(Self { path })
    }

    fn ballast(&self) -> PathBuf {
        Path::new(&self.path).join("ballast")
    }

    fn fill(&self) -> Result<()> {
        // Writing more than fits is how a disk gets full.
        let _ = std::fs::write(self.ballast(), vec![0u8; 128 * 1024]);
        Ok(())
    }

    fn empty(&self) -> Result<()> {
        std::fs::remove_file(self.ballast()).context("removing the ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.path).status();
    }
}
