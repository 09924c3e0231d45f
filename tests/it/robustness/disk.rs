//! Disks that are full, read-only or gone, and files that are not what they should be.

use std::path::Path;

use anyhow::Result;
use scenarios::lab::Lab;
use scenarios::router::Router;

use super::{NEIGHBORS, SOON, SmallDisk};

fn host_name(router: &Router, name: &str) -> Result<scenarios::lab::Finished> {
    router.cmd(&["configure", &format!("set system host-name {name}"), "commit"])
}

fn runs_as(router: &Router, name: &str) -> Result<()> {
    let running = router.show("show configuration commands")?;
    assert!(running.contains(name), "{name}: {running}");
    Ok(())
}

#[test]
fn a_full_disk_under_the_state_costs_history_and_heals() -> Result<()> {
    let lab = Lab::new()?;
    let disk = SmallDisk::mount(&lab.router.directory().join("state"), "1m")?;
    let mut router = Router::start(&lab)?;
    router.configure(&NEIGHBORS)?;
    disk.fill();
    for number in 0..12 {
        let name = format!("full{number}");
        let said = host_name(&router, &name)?;
        assert_eq!(said.status, 0, "a commit is worth more than its record: {said:?}");
        runs_as(&router, &name)?;
    }
    router.cmd(&["configure", "save"])?.success()?;
    assert!(router.saved().contains("full11"), "the other disk is not full");
    router.kill9();
    router.boot(&lab)?;
    runs_as(&router, "full11")?;
    disk.empty()?;
    host_name(&router, "roomy")?.success()?;
    router.kill9();
    router.boot(&lab)?;
    runs_as(&router, "roomy")?;
    Ok(())
}

#[test]
fn history_goes_on_once_there_is_room_again() -> Result<()> {
    let lab = Lab::new()?;
    let disk = SmallDisk::mount(&lab.router.directory().join("state"), "1m")?;
    let router = Router::start(&lab)?;
    host_name(&router, "before")?.success()?;
    disk.fill();
    for number in 0..6 {
        host_name(&router, &format!("full{number}"))?.success()?;
    }
    let told = format!("{}{}", router.log(), host_name(&router, "told")?.text());
    assert!(told.contains("not recorded") || told.contains("cannot be kept"), "the loss is told: {told}");
    disk.empty()?;
    host_name(&router, "after1")?.success()?;
    let said = host_name(&router, "after2")?;
    assert!(!said.text().contains("not recorded"), "{said:?}");
    router.show("show system commit")?;
    Ok(())
}

#[test]
fn a_read_only_state_directory_is_told_of_and_the_router_routes() -> Result<()> {
    let lab = Lab::new()?;
    let disk = SmallDisk::mount(&lab.router.directory().join("state"), "1m")?;
    disk.remount("ro")?;
    let router = Router::start(&lab)?;
    let told = format!("{}{}", router.log(), router.show("show version")?).to_lowercase();
    assert!(told.contains("read-only"), "{told}");
    router.configure(&["set system host-name tower"])?;
    assert!(router.saved().contains("tower"));
    Ok(())
}

#[test]
fn a_state_directory_that_cannot_be_is_told_of_and_the_router_routes() -> Result<()> {
    let lab = Lab::new()?;
    std::fs::write(lab.router.directory().join("state"), "no directory")?;
    let router = Router::start_with(&lab, "system {\n    host-name tower\n}\n")?;
    runs_as(&router, "tower")?;
    let told = format!("{}{}", router.log(), router.show("show version")?);
    assert!(told.contains("cannot make the state directory"), "{told}");
    router.configure(&["set system host-name mast"])?;
    assert!(router.saved().contains("mast"));
    Ok(())
}

#[test]
fn a_state_directory_that_vanishes_costs_history_alone() -> Result<()> {
    let lab = Lab::new()?;
    let mut router = Router::start(&lab)?;
    router.configure(&NEIGHBORS)?;
    std::fs::remove_dir_all(router.path("state"))?;
    let said = router.configure(&["set system host-name tower"])?;
    runs_as(&router, "tower")?;
    assert!(router.is_running(), "{said}");
    router.stop()?;
    router.boot(&lab)?;
    runs_as(&router, "tower")
}

#[test]
fn what_could_not_be_kept_does_not_bring_an_older_configuration_back() -> Result<()> {
    let lab = Lab::new()?;
    let disk = SmallDisk::mount(&lab.router.directory().join("state"), "1m")?;
    let mut router = Router::start(&lab)?;
    host_name(&router, "older")?.success()?;
    disk.fill();
    host_name(&router, "newer")?.success()?;
    router.cmd(&["configure", "save"])?.success()?;
    router.kill9();
    router.boot(&lab)?;
    runs_as(&router, "newer")
}

#[test]
fn a_configuration_that_is_a_directory_stops_the_start_with_a_word() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::prepare(&lab)?;
    std::fs::create_dir(router.path("config.boot"))?;
    let mut daemon = router.spawn("towpathd")?;
    assert!(daemon.wait(SOON)? > 0);
    assert!(daemon.output().contains("config.boot"), "{}", daemon.output());
    Ok(())
}

#[test]
fn a_configuration_with_nul_octets_or_of_megabytes_still_gives_a_router() -> Result<()> {
    let lab = Lab::new()?;
    let nul = "system {\n    host-name tower\n}\n\0\0\0protocols {\0\n";
    let large = format!("system {{\n    host-name tower\n}}\n{}", "# nothing but a comment\n".repeat(40_000));
    let wrong = format!("system {{\n    host-name tower\n}}\n{}", "colour green\n".repeat(80_000));
    for (what, text) in [("NUL octets", nul), ("1 MB of comments", &large), ("1 MB of errors", &wrong)] {
        let mut router = Router::start_with(&lab, text)?;
        runs_as(&router, "tower")?;
        let log = router.log().len();
        assert!(log < 1 << 20, "{what}: the log has {log} octets");
        router.stop()?;
    }
    Ok(())
}

#[test]
fn two_daemons_with_one_socket_and_different_state_do_not_share_it() -> Result<()> {
    let lab = Lab::new()?;
    let mut router = Router::start(&lab)?;
    let [config, state, socket] = ["config.boot", "other-state", "towpathd.sock"].map(|name| router.path(name));
    let arguments = ["--config", &config, "--state-dir", &state, "--socket", &socket];
    let mut second = lab.router.start("second", &router.program("towpathd"), &arguments)?;
    assert!(second.wait(SOON)? > 0);
    assert!(second.output().contains("towpathd.sock"), "{}", second.output());
    assert!(router.is_running());
    router.show("show version")?;
    Ok(())
}

#[test]
fn a_socket_path_that_is_an_ordinary_file_is_left_alone() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::prepare(&lab)?;
    let precious = lab.router.write("precious", "do not delete")?;
    let [config, state] = ["config.boot", "state"].map(|name| router.path(name));
    let arguments = ["--config", &config, "--state-dir", &state, "--socket", &precious.to_string_lossy()];
    let mut daemon = lab.router.start("towpathd", &router.program("towpathd"), &arguments)?;
    assert!(daemon.wait(SOON)? > 0);
    assert!(daemon.output().contains("precious"), "{}", daemon.output());
    assert_eq!(std::fs::read_to_string(Path::new(&precious))?, "do not delete");
    Ok(())
}
