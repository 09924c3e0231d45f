//! Disks that are full or damaged: the machine starts, says so, and loses nothing.

use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use scenarios::appliance::{Parts, Place, Seed};

use crate::boot_partition::flatten;
use crate::{HASH, logged_in, user_data};

/// Where the data partition begins, and its size, in octets: what `images/build.sh` makes.
pub(crate) const DATA: u64 = 258 << 20;
const DATA_SIZE: u64 = 96 << 20;
/// What stays free of a full one, in octets: less than the folders take that a start makes.
const SPARE: u64 = 2 << 10;

/// A configuration with a person, who may log in.
fn config() -> String {
    format!(
        "interfaces {{\n    loopback lo {{\n    }}\n}}\nsystem {{\n    host-name edge1\n    login {{\n        user towpath {{\n            \
         authentication {{\n                encrypted-password \"{HASH}\"\n            }}\n            level admin\n        }}\n    }}\n}}\n"
    )
}

/// A machine whose data partition begins with these octets.
fn with_data(place: &Place, octets: &[u8]) -> Result<Parts> {
    let disk = place.path("own.img");
    let copied = Command::new("cp").arg("--sparse=always").arg(place.image().disk()).arg(&disk).status()?;
    ensure!(copied.success(), "the disk cannot be copied");
    let mut file = OpenOptions::new().write(true).open(&disk)?;
    file.seek(SeekFrom::Start(DATA))?;
    file.write_all(octets)?;
    drop(file);
    place.thin_disk("over.qcow2", &disk)?;
    Ok(Parts { disk: "over.qcow2".to_owned(), ..Parts::default() })
}

/// A file system with a configuration and nothing else, or with hardly any room beside it.
fn file_system(place: &Place, config: &str, full: bool) -> Result<Vec<u8>> {
    let (folder, file) = (place.path("data"), place.path("data.ext4"));
    std::fs::create_dir_all(folder.join("config"))?;
    std::fs::write(folder.join("config/config.boot"), config)?;
    let make = |filler: u64| -> Result<()> {
        std::fs::write(folder.join("filler"), vec![0x5a; usize::try_from(filler)?])?;
        std::fs::File::create(&file)?.set_len(DATA_SIZE)?;
        let mut make = tool("mke2fs");
        make.args(["-q", "-F", "-t", "ext4", "-m", "0", "-E", "root_owner=0:0", "-d"]).arg(&folder).arg(&file);
        let made = make.output().context("mke2fs")?;
        ensure!(made.status.success(), "mke2fs: {}", String::from_utf8_lossy(&made.stderr));
        Ok(())
    };
    make(0)?;
    if full {
        make(room(&file)?.saturating_sub(SPARE))?;
    }
    Ok(std::fs::read(&file)?)
}

/// A program that makes or looks at file systems, which lies where only root looks by itself.
pub(crate) fn tool(name: &str) -> Command {
    let mut command = Command::new(name);
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C");
    command
}

/// How many octets are free in a file system.
fn room(file: &Path) -> Result<u64> {
    let told = tool("dumpe2fs").arg("-h").arg(file).output().context("dumpe2fs")?;
    let text = String::from_utf8_lossy(&told.stdout).into_owned();
    let number = |what: &str| -> Result<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(what));
        Ok(line.with_context(|| format!("dumpe2fs does not say {what}: {text}"))?.trim().parse()?)
    };
    Ok(number("Free blocks:")?.saturating_mul(number("Block size:")?))
}

#[test]
fn a_full_data_partition_is_told_of_and_what_was_saved_stays() -> Result<()> {
    let place = Place::new("full")?;
    let parts = with_data(&place, &file_system(&place, &config(), true)?)?;
    let mut machine = place.boot(&parts)?;
    machine.sees("No space left on device")?;
    machine.logs_in("towpath", "secret")?;
    for line in ["configure", "set system host-name fuller", "commit"] {
        machine.says(line)?;
    }
    let said = machine.says("save")?;
    assert!(said.contains("Done") || said.contains("no space is left on the disk of /config"), "{said}");
    machine.power_cut();
    // Whether the last file found room or not: one of both configurations is whole.
    let mut machine = logged_in(&place, &parts)?;
    let config = machine.says("show configuration commands | no-more")?;
    assert!(config.contains("login user towpath"), "{config}");
    assert!(["'edge1'", "'fuller'"].iter().any(|name| config.contains(name)), "{config}");
    Ok(())
}

#[test]
fn a_damaged_data_partition_is_told_of_and_never_formatted() -> Result<()> {
    let place = Place::new("damaged")?;
    // Nothing tells any more where the files are.
    let mut octets = file_system(&place, &config(), false)?;
    octets[..64 << 10].fill(0xa5);
    let parts = with_data(&place, &octets)?;
    let mut machine = place.boot(&parts)?;
    machine.sees("/dev/vda3 is left as it is, and e2fsck may repair it")?;
    machine.sees("nothing of this start is kept")?;
    machine.sees("towpath@towpath:~$")?;
    machine.power_cut();
    let plain = place.path("plain.img");
    flatten(&place.path("over.qcow2"), &plain)?;
    let mut kept = vec![0; octets.len()];
    std::fs::File::open(&plain)?.read_exact_at(&mut kept, DATA)?;
    assert!(kept == octets, "something was written to it");
    Ok(())
}

#[test]
fn a_damaged_configuration_starts_with_what_of_it_is_sound() -> Result<()> {
    let place = Place::new("config")?;
    let damaged = config().replace("system {", "nonsense {\n    more\n}\n\u{1}\u{2} what is this\nsystem {");
    let parts = with_data(&place, &file_system(&place, &damaged, false)?)?;
    let mut machine = place.boot(&parts)?;
    machine.logs_in("towpath", "secret")?;
    assert!(machine.says("show log | match config.boot | no-more")?.contains("config.boot line"));
    let said = machine.says("show configuration commands | no-more")?;
    assert!(said.contains("host-name 'edge1'"), "{said}");
    Ok(())
}

#[test]
fn a_configuration_that_ends_too_early_takes_nobody_s_way_in() -> Result<()> {
    let place = Place::new("short")?;
    let config = "interfaces {\n    ethernet eth0 {\n        address 10.0.2.15/24\n    }\n}\nnonsense {\n    more\n}\nsystem {\n    host-name half\n";
    let seed = Some(Seed { user_data: Some(user_data()), config: Some(config.to_owned()), ..Seed::default() });
    let mut machine = logged_in(&place, &Parts { seed, ..Parts::default() })?;
    assert!(machine.says("show interfaces | no-more")?.contains("10.0.2.15/24"));
    Ok(())
}
