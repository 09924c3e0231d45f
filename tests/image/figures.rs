//! The table of `make bench-image`: sizes and times, of the image that `make image` leaves.
//!
//! A time is what a person waits; in brackets stands for how long the machine kept a processor of the host busy, which is
//! what a host that does much else adds nothing to.

use std::time::{Duration, Instant};

use anyhow::Result;
use scenarios::appliance::network::{CONFIG, Network};
use scenarios::appliance::{Firmware, Machine, Parts, Place, Seed};

use crate::boot_partition::FILES;
use crate::upgrades::seconds_to_the_good_image;
use crate::user_data;
use crate::variants::without_a_system;

/// How many routes the machine with little memory has.
const ROUTES: u32 = 10_000;

fn row(what: &str, limit: &str, found: &str) {
    println!("| {what} | {limit} | {found} |");
}

fn since_power_on(machine: &Machine) -> String {
    format!("{:.1} s ({:.1} s)", machine.seconds(), machine.processor_seconds())
}

#[test]
fn a_sizes_are_printed() -> Result<()> {
    let place = Place::new("figures")?;
    let slot = place.image().slot();
    let size = |name: &str| std::fs::metadata(slot.join(name)).map(|file| file.len());
    println!("| | wanted | found |\n| --- | --- | --- |");
    let megabytes = FILES.into_iter().map(size).sum::<std::io::Result<u64>>()? as f64 / 1e6;
    row("image, one slot", "at most 40 MB", &format!("{megabytes:.1} MB"));
    Ok(())
}

#[test]
fn b_times_to_the_login_prompt_are_printed() -> Result<()> {
    for (name, firmware, limit) in [("BIOS", Firmware::Bios, 8), ("UEFI", Firmware::Uefi, 12)] {
        let place = Place::new(name)?;
        // The first start makes a file system and keys; the others do not.
        let parts = Parts { firmware, ..Parts::default() };
        let mut machine = place.boot(&parts.clone().seeded(&user_data()))?;
        machine.logs_in("towpath", "secret")?;
        machine.enters("poweroff now")?;
        machine.goes_off()?;
        let mut machine = place.boot(&parts)?;
        machine.sees("login:")?;
        let what = format!("power-on to the login prompt, {name}, 256 MiB");
        row(&what, &format!("at most {limit} s"), &since_power_on(&machine));
        let begin = Instant::now();
        machine.enters("towpath")?;
        machine.sees("assword:")?;
        machine.enters("secret")?;
        machine.sees(":~$")?;
        row(&format!("name and password to the shell, {name}"), "", &format!("{:.1} s", begin.elapsed().as_secs_f64()));
    }
    Ok(())
}

#[test]
fn c_time_to_the_first_session_and_memory_with_ten_thousand_routes_are_printed() -> Result<()> {
    for (name, firmware) in [("BIOS", Firmware::Bios), ("UEFI", Firmware::Uefi)] {
        let (network, place) = (Network::new()?, Place::new("session")?);
        let parts = Parts { firmware, ..Parts::default() };
        let seed = Some(Seed { user_data: Some(user_data()), config: Some(CONFIG.to_owned()), ..Seed::default() });
        let mut machine = network.boot(&place, &Parts { seed, ..parts.clone() })?;
        machine.logs_in("towpath", "secret")?;
        machine.enters("poweroff now")?;
        machine.goes_off()?;
        let mut machine = network.boot(&place, &parts)?;
        let seconds = network.established(&mut machine)?;
        let found = format!("{seconds:.1} s ({:.1} s)", machine.processor_seconds());
        row(&format!("power-on to BGP Established with BIRD, {name}"), "at most 15 s", &found);
        let memory = memory_with_routes(&network, &mut machine)?;
        row(&format!("memory to run with 10,000 routes, {name}"), "256 MiB", &memory);
    }
    Ok(())
}

/// Has the first node announce many routes, waits until the machine's kernel has them: what is used of its memory.
fn memory_with_routes(network: &Network, machine: &mut Machine) -> Result<String> {
    let node = &network.lab.nodes[0];
    let route = |number: u32| format!("  route 10.{}.{}.0/24 blackhole;\n", 32 + number / 256, number % 256);
    let routes: String = (0..ROUTES).map(route).collect();
    let families =
        format!("protocol static static_ipv4 {{\n  ipv4;\n{routes}}}\nprotocol static static_ipv6 {{\n  ipv6;\n}}\n");
    node.write("routes.conf", &families)?;
    let socket = node.directory().join("bird.ctl");
    node.run("birdc", &["-s", &socket.to_string_lossy(), "configure"])?.success()?;
    machine.logs_in("towpath", "secret")?;
    let begin = Instant::now();
    let mut said = String::new();
    while !said.contains(&ROUTES.to_string()) {
        assert!(begin.elapsed() < Duration::from_secs(400), "the routes do not come: {said}");
        said = machine.says("show ip bgp summary | no-more")?;
    }
    let said = machine.says("show system memory | no-more")?;
    Ok(said.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; "))
}

#[test]
fn d_time_from_a_broken_upgrade_to_the_old_image_is_printed() -> Result<()> {
    let place = Place::new("back")?;
    let seconds = seconds_to_the_good_image(&place, &without_a_system(&place, "9.9.9")?)?;
    row("broken upgrade to the old image running again", "at most 45 s", &format!("{seconds:.1} s"));
    Ok(())
}
