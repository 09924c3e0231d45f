//! What needs a kernel with everything: scenarios in a guest with Debian's kernel, one test for each.
//!
//! A test fails with all sentences of its scenario that do not hold. Without QEMU it fails, too.

use anyhow::Result;
use scenarios::guest::{self, Sentence};

fn all_hold(scenario: &str, at_least: usize) -> Result<()> {
    let sentences = guest::run(scenario)?;
    let failed: Vec<&Sentence> = sentences.iter().filter(|sentence| !sentence.holds).collect();
    for sentence in &failed {
        println!("not so: {}\n{}", sentence.text, sentence.seen);
    }
    assert!(failed.is_empty(), "{} of {} sentences do not hold", failed.len(), sentences.len());
    assert!(sentences.len() >= at_least, "only {} sentences were told", sentences.len());
    Ok(())
}

#[test]
fn bridges_dummies_and_vlans_come_change_and_go_by_commits() -> Result<()> {
    all_hold("links", 40)
}

#[test]
fn the_balancers_programs_are_accepted_by_debians_kernel() -> Result<()> {
    all_hold("balancer", 26)
}
