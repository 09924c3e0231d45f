//! Upgrades: a good one, those that panic, hang or never become healthy, and files that are no images.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use scenarios::appliance::{Firmware, Machine, Parts, Place};

use crate::boot_partition::{BootPartition, FILES, Known, flatten};
use crate::disks::{DATA, tool};
use crate::variants::{VOLUME, variant, volume, without_a_kernel, without_a_system};
use crate::{logged_in, user_data};

fn adds(machine: &mut Machine, name: &str) -> Result<String> {
    machine.says(&format!("add system image {VOLUME}/{name}"))
}

/// Upgrades to an image that does not become healthy, and waits for the good one: seconds from the first start of the
/// former to the prompt of the latter.
pub(crate) fn seconds_to_the_good_image(place: &Place, bad: &Path) -> Result<f64> {
    seconds_to_the_good_image_on(place, bad, Parts::default())
}

/// The same on a machine of these parts.
fn seconds_to_the_good_image_on(place: &Place, bad: &Path, parts: Parts) -> Result<f64> {
    let others = volume(place, &[("bad.image", bad)])?;
    let mut machine = logged_in(place, &Parts { others, ..parts }.seeded(&user_data()))?;
    let said = adds(&mut machine, "bad.image")?;
    assert!(said.contains("The image is installed as 9.9.9"), "{said}");
    machine.enters("reboot now")?;
    machine.sees("Booting")?;
    let begin = Instant::now();
    machine.sees("did not become healthy")?;
    machine.sees("login:")?;
    let seconds = begin.elapsed().as_secs_f64();
    machine.enters("towpath")?;
    machine.sees("assword:")?;
    machine.enters("secret")?;
    machine.sees(":~$")?;
    let list = machine.says("show system image")?;
    assert!(list.contains("0.1.0 (default boot) (running image)"), "{list}");
    assert!(list.contains("9.9.9 (did not become healthy)"), "{list}");
    assert!(machine.says("show configuration commands | no-more")?.contains("host-name 'edge1'"));
    machine.power_cut();
    keeps_the_good_slot(place, "b")?;
    Ok(seconds)
}

/// The first slot holds the image under test, octet for octet, and the boot loader has given this one up.
fn keeps_the_good_slot(place: &Place, failed: &str) -> Result<()> {
    let boot = BootPartition::of_machine(place)?;
    boot.holds("a", &Known::of(place)?)?;
    assert_eq!([boot.variable("good")?, boot.variable("try")?, boot.variable("failed")?], ["a", "", failed]);
    Ok(())
}

#[test]
fn an_upgrade_that_panics_comes_back_to_the_good_image_by_itself() -> Result<()> {
    let place = Place::new("panic")?;
    let seconds = seconds_to_the_good_image(&place, &without_a_system(&place, "9.9.9")?)?;
    println!("{seconds:.1} s from the broken upgrade to the good image");
    Ok(())
}

#[test]
fn an_upgrade_that_no_boot_loader_can_start_comes_back_to_the_good_image_by_itself() -> Result<()> {
    for firmware in [Firmware::Bios, Firmware::Uefi] {
        let place = Place::new("no-kernel")?;
        // With UEFI, programs with all their checks take more room than those that are shipped.
        let parts = Parts { firmware, memory: 384, ..Parts::default() };
        let seconds = seconds_to_the_good_image_on(&place, &without_a_kernel(&place, "9.9.9")?, parts)?;
        println!("{seconds:.1} s from the upgrade without a kernel to the good image, {firmware:?}");
    }
    Ok(())
}

#[test]
fn a_good_image_that_cannot_be_started_any_more_leaves_the_machine_to_the_other_one() -> Result<()> {
    for (firmware, damaged) in
        [(Firmware::Bios, "vmlinuz"), (Firmware::Uefi, "vmlinuz"), (Firmware::Bios, "initrd"), (Firmware::Bios, "usr")]
    {
        let place = Place::new("good")?;
        let (disk, rubbish) = (place.path("good.img"), place.path("rubbish"));
        std::fs::copy(place.image().disk(), &disk)?;
        std::fs::write(&rubbish, [0x5a; 4096])?;
        let boot = BootPartition::of(&place, &disk);
        let slot = place.image().slot();
        for name in FILES.into_iter().chain(["manifest"]) {
            boot.put(&format!("slots/b/{name}"), &slot.join(name))?;
        }
        boot.put(&format!("slots/a/{damaged}"), &rubbish)?;
        place.thin_disk("over.qcow2", &disk)?;
        let parts = Parts { firmware, memory: 384, disk: "over.qcow2".to_owned(), ..Parts::default() };
        let mut machine = place.boot(&parts.clone().seeded(&user_data()))?;
        machine.sees("the good image was started again and again and did not last; this is the other one")?;
        let seconds = machine.seconds();
        println!("{seconds:.1} s from power-on to the other image, {firmware:?}, without a {damaged}");
        machine.logs_in("towpath", "secret")?;
        let list = machine.says("show system image")?;
        assert!(list.contains("  1: an image that is not whole (did not become healthy)\n"), "{list}");
        // On a slow machine it has proved itself before somebody is logged in.
        assert!(list.contains("  2: 0.1.0 (default boot) (running image)"), "{list}");
        proves_itself(&mut machine)?;
        machine.power_cut();
        let plain = place.path("plain.img");
        flatten(&place.path("over.qcow2"), &plain)?;
        let boot = BootPartition::of(&place, &plain);
        assert_eq!(boot.file(&format!("slots/a/{damaged}"))?, std::fs::read(&rubbish)?, "the other slot was changed");
        assert_eq!(["good", "try", "failed"].map(|name| boot.variable(name).unwrap()), ["b", "", "a"]);
    }
    Ok(())
}

#[test]
fn an_upgrade_whose_router_ends_again_and_again_comes_back_to_the_good_image_by_itself() -> Result<()> {
    let place = Place::new("ends")?;
    let bad = variant(&place, "9.9.9", &[("usr/sbin/towpathd", b"#!/bin/sh\nkill -SEGV $$\n")])?;
    let seconds = seconds_to_the_good_image(&place, &bad)?;
    let mut look = tool("debugfs");
    look.args(["-R", "ls -p /log/crash"]).arg(format!("{}?offset={DATA}", place.path("plain.img").display()));
    let kept = String::from_utf8(look.output()?.stdout)?;
    assert!(kept.contains("/core.busybox."), "what crashed is kept: {kept}");
    println!("{seconds:.1} s from the upgrade without a router to the good image");
    Ok(())
}

#[test]
fn an_upgrade_whose_router_never_answers_comes_back_to_the_good_image_by_itself() -> Result<()> {
    let place = Place::new("mute")?;
    let bad = variant(&place, "9.9.9", &[("usr/sbin/towpathd", b"#!/bin/sh\nexec sleep 100000\n")])?;
    let seconds = seconds_to_the_good_image(&place, &bad)?;
    println!("{seconds:.1} s from the upgrade whose router says nothing to the good image");
    Ok(())
}

#[test]
fn an_upgrade_that_hangs_is_ended_by_the_watchdog_and_comes_back_to_the_good_image() -> Result<()> {
    let place = Place::new("hangs")?;
    // A program that the first process starts as root takes the only processor, before everybody else and for ever.
    let hang =
        b"#!/bin/sh\necho -1 >/proc/sys/kernel/sched_rt_runtime_us\nexec chrt -f 99 sh -c 'while :; do :; done'\n";
    let chrt = std::fs::read(place.image().package_file("usr/bin/chrt"))?;
    let bad = variant(&place, "9.9.9", &[("usr/lib/towpath/dhcp", hang), ("usr/bin/chrt", &chrt)])?;
    let seconds = seconds_to_the_good_image(&place, &bad)?;
    println!("{seconds:.1} s from the upgrade that hangs to the good image");
    Ok(())
}

#[test]
fn an_upgrade_proves_itself_and_the_old_image_can_be_deleted() -> Result<()> {
    let place = Place::new("upgrade")?;
    let others = volume(&place, &[("newer.image", &variant(&place, "0.2.0", &[])?)])?;
    let parts = Parts { others, ..Parts::default() };
    let mut machine = logged_in(&place, &parts.clone().seeded(&user_data()))?;
    let said = adds(&mut machine, "newer.image")?;
    assert!(said.contains("The image is installed as 0.2.0"), "{said}");
    assert!(machine.says("delete system image 0.1.0")?.contains("runs"), "the image that runs stays");
    machine.enters("reboot now")?;
    machine.sees("Booting")?;
    machine.logs_in("towpath", "secret")?;
    assert!(machine.says("show system image")?.contains("0.2.0 (default boot) (running image)"));
    assert!(machine.says("show configuration commands | no-more")?.contains("host-name 'edge1'"));
    proves_itself(&mut machine)?;
    assert!(machine.says("show system image")?.contains("0.2.0 (default boot) (running image)\n"));
    let list = machine.says("show system image")?;
    assert!(list.contains("  1: 0.1.0\n"), "the old image stays until somebody deletes it: {list}");
    assert!(machine.says("rename system image 0.1.0 older")?.contains("is called 'older' now"));
    assert!(machine.says("set system image default-boot older")?.contains("is now older"));
    assert!(machine.says("show system image")?.contains("  1: older (default boot) (not proved yet)\n"));
    assert!(machine.says("set system image default-boot 0.2.0")?.contains("is now 0.2.0"));
    assert!(machine.says("delete system image older")?.contains("deleted"));
    let list = machine.says("show system image")?;
    assert!(list.contains("0.2.0 (default boot) (running image)\n") && !list.contains("older"), "{list}");
    Ok(())
}

/// Waits until the image that runs is no longer on trial.
pub(crate) fn proves_itself(machine: &mut Machine) -> Result<()> {
    let begin = Instant::now();
    let good = |line: &str| line.contains("(running image)") && !line.contains("(not proved yet)");
    while !machine.says("show system image")?.lines().any(good) {
        assert!(begin.elapsed() < Duration::from_secs(300), "the image does not prove itself");
        std::thread::sleep(Duration::from_secs(5));
    }
    Ok(())
}

#[test]
fn files_that_are_no_images_are_refused_in_words_and_change_nothing() -> Result<()> {
    let place = Place::new("foreign")?;
    let whole = std::fs::read(place.image().file())?;
    let write = |name: &str, octets: &[u8]| -> Result<PathBuf> {
        let path = place.path(name);
        std::fs::write(&path, octets)?;
        Ok(path)
    };
    let mut changed = whole.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    let body = whole.windows(2).position(|pair| pair == b"\nv").context("no manifest")? + 1;
    let unsigned = [b"towpath-image 1\nunsigned\n\n\n\n", &whole[body..]].concat();
    let others = volume(
        &place,
        &[
            ("short", &write("short", &whole[..whole.len() - 1])?),
            ("changed", &write("changed", &changed)?),
            ("unsigned", &write("unsigned", &unsigned)?),
            ("foreign", &write("foreign", &[0; 100_000])?),
        ],
    )?;
    let mut machine = logged_in(&place, &Parts { others, ..Parts::default() }.seeded(&user_data()))?;
    let before = machine.says("show system image")?;
    for (name, words) in [
        ("short", "it is not whole"),
        ("changed", "changed or damaged"),
        ("unsigned", "is not signed"),
        ("foreign", "is no image of Towpath"),
        ("missing", "Cannot read"),
    ] {
        let said = adds(&mut machine, name)?;
        assert!(said.contains(words), "{name}: {said}");
    }
    assert_eq!(machine.says("show system image")?, before);
    Ok(())
}
