//! Power cuts: commits, saves and upgrades that end anywhere, and the machine that starts again behind each.
//!
//! `TOWPATH_CUTS` says how many. Moments look drawn and are the same each time, within what each deed takes here.

use std::time::{Duration, Instant};

use anyhow::Result;
use scenarios::appliance::{Machine, Parts, Place};

use crate::upgrades::proves_itself;
use crate::variants::{VOLUME, variant, volume};
use crate::{logged_in, user_data};

/// A deed that the power is taken away from.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Commit,
    Save,
    Upgrade,
}

/// What is typed: all of it before, and what is cut.
fn words(deed: Deed, number: u32) -> (Vec<String>, String) {
    let set = ["configure".to_owned(), format!("set system host-name cut{number}")];
    match deed {
        Deed::Commit => (set.to_vec(), "commit".to_owned()),
        Deed::Save => ([&set[..], &["commit".to_owned()]].concat(), "save".to_owned()),
        Deed::Upgrade => (Vec::new(), format!("add system image {VOLUME}/other.image")),
    }
}

/// Numbers that look drawn.
struct Drawn(u64);

impl Drawn {
    fn below(&mut self, limit: Duration) -> Duration {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        limit.mul_f64((self.0 >> 40) as f64 / (1_u64 << 24) as f64)
    }
}

/// The image that runs.
fn running(machine: &mut Machine) -> Result<String> {
    let list = machine.says("show system image")?;
    let line = list.lines().find(|line| line.contains("(running image)")).map(str::to_owned);
    let line = line.unwrap_or_else(|| panic!("no image runs: {list}"));
    let name = line.split_whitespace().nth(1).unwrap_or_default();
    assert!(name.starts_with("0.1.0") || name.starts_with("0.2.0"), "{list}");
    Ok(name.to_owned())
}

/// Does a deed to its end: how long that took.
fn takes(machine: &mut Machine, deed: Deed) -> Result<Duration> {
    let (before, cut) = words(deed, 0);
    for line in before {
        machine.says(&line)?;
    }
    let begin = Instant::now();
    machine.says(&cut)?;
    let took = begin.elapsed();
    if !matches!(deed, Deed::Upgrade) {
        machine.says("exit discard")?;
    }
    Ok(took)
}

#[test]
fn power_cuts_leave_the_old_or_the_new_state_whole() -> Result<()> {
    let cuts: u32 = std::env::var("TOWPATH_CUTS").ok().and_then(|cuts| cuts.parse().ok()).unwrap_or(3);
    let place = Place::new("cuts")?;
    let others = volume(&place, &[("other.image", &variant(&place, "0.2.0", &[])?)])?;
    let parts = Parts { others, ..Parts::default() };
    let mut machine = logged_in(&place, &parts.clone().seeded(&user_data()))?;
    let deeds = [Deed::Commit, Deed::Upgrade, Deed::Save];
    let spans =
        [takes(&mut machine, Deed::Commit)?, takes(&mut machine, Deed::Upgrade)?, takes(&mut machine, Deed::Save)?];
    let (mut drawn, mut saved) = (Drawn(0x9e37_79b9), vec!["cut0".to_owned()]);
    for cut in 1..=cuts {
        let place_of = usize::try_from(cut % 3)?;
        let (deed, span) = (deeds[place_of], spans[place_of]);
        if matches!(deed, Deed::Upgrade) {
            proves_itself(&mut machine)?;
        }
        let (before, last) = words(deed, cut);
        for line in before {
            machine.says(&line)?;
        }
        machine.enters(&last)?;
        // Also moments behind the end, when all should be on the disk.
        let at = drawn.below(span.mul_f64(1.2));
        std::thread::sleep(at);
        machine.power_cut();
        machine = place.boot(&parts)?;
        machine.logs_in("towpath", "secret")?;
        let config = machine.says("show configuration commands | no-more")?;
        let name =
            config.lines().find_map(|line| line.trim().strip_prefix("set system host-name ")).unwrap_or_default();
        let name = name.trim().trim_matches('\'').to_owned();
        let new = format!("cut{cut}");
        // A commit without a save may be forgotten by a power cut; nothing but the old or the new may come of either.
        assert!(saved.contains(&name) || name == new, "after cut {cut} of {deed:?}: {config}");
        assert!(config.contains("login user towpath"), "after cut {cut} of {deed:?}: {config}");
        if matches!(deed, Deed::Save) && name == new {
            saved = vec![new];
        }
        println!(
            "cut {cut}: {deed:?} after {:.2} s of {:.2} s; {} runs",
            at.as_secs_f64(),
            span.as_secs_f64(),
            running(&mut machine)?
        );
    }
    Ok(())
}
