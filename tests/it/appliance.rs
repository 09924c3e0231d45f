//! The appliance starts with BIOS, and a person gets in. The long stories are in the tests of `make test-image`.

use anyhow::Result;
use scenarios::appliance::{Parts, Place};

#[test]
fn a_machine_that_nobody_prepared_lets_the_person_at_its_console_in() -> Result<()> {
    let place = Place::new("first")?;
    let mut machine = place.boot(&Parts::default())?;
    machine.sees("towpath@towpath:~$")?;
    println!("{:.1} s until the shell", machine.seconds());
    assert!(machine.says("show version")?.contains("Towpath"));
    let confined = machine.says("show log | match confined | no-more")?;
    assert!(confined.contains("user 102, 5 capabilities; Landlock in force"), "{confined}");
    let locked = machine.says("show system boot-messages | match locked | no-more")?;
    assert!(locked.contains("Kernel is locked down from command line"), "{locked}");
    let ended = machine.says("show system boot-messages | match 'it starts again' | no-more")?;
    assert!(!ended.contains("starts again in"), "a program of the appliance ends by itself: {ended}");
    machine.enters("reboot now")?;
    machine.sees("Booting")?;
    machine.sees("towpath@towpath:~$")?;
    machine.enters("poweroff now")?;
    machine.goes_off()
}
