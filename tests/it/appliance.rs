//! The appliance starts: with BIOS and UEFI, and a person gets in. The long stories are in the tests of `make test-image`.

use anyhow::Result;
use scenarios::appliance::{Firmware, Parts, Place};

/// `secret`, as `crypt(3)` keeps it.
const HASH: &str = "$6$towpath$/7YHwwR3RIi7w0k33ed0HUH/rUQ1WiqI15jl7YFP5AwfsTm4NoNH/AkD3kY..uzYC6/5qS2McBkQE7mRT3Cce.";

#[test]
fn a_machine_that_nobody_prepared_lets_the_person_at_its_console_in() -> Result<()> {
    let place = Place::new("first")?;
    let mut machine = place.boot(&Parts::default())?;
    machine.sees("towpath@towpath:~$")?;
    println!("{:.1} s until the shell", machine.seconds());
    assert!(machine.says("show version")?.contains("Towpath"));
    machine.enters("reboot now")?;
    machine.sees("Booting")?;
    machine.sees("towpath@towpath:~$")?;
    machine.enters("poweroff now")?;
    machine.goes_off()
}

#[test]
fn a_prepared_machine_asks_for_name_and_password_with_uefi_too() -> Result<()> {
    let place = Place::new("uefi")?;
    let parts = Parts { firmware: Firmware::Uefi, ..Parts::default() };
    let mut machine = place.boot(&parts.seeded(&format!("#cloud-config\nhostname: edge1\npassword: {HASH}\n")))?;
    machine.logs_in("towpath", "secret")?;
    println!("{:.1} s until the shell", machine.seconds());
    Ok(())
}
