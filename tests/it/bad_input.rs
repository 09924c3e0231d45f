//! Bad input and what it gets: a clear message that says what to do, and nothing that worked is lost.
//!
//! Input of three kinds: what a person types, what lies on the disk, and what a peer sends.

mod disk;
mod malformed;
mod peer;

use anyhow::Result;
use scenarios::lab::Lab;
use scenarios::router::Router;

/// What works before, and must work after.
const SOUND: [&str; 2] = [
    "set protocols bgp 64512 parameters router-id 192.168.101.1",
    "set protocols bgp 64512 neighbor 192.168.101.201 remote-as 64512",
];

/// Commands in configuration mode, and words that the answer must contain (one of each list).
const REFUSED: &[(&str, &[&str], &[&str])] = &[
    ("an unknown word", &["set protocols bgp 64512 nieghbor 192.168.101.202 remote-as 64512"], &["nieghbor"]),
    ("a missing value", &["set protocols bgp 64512 neighbor 192.168.101.202 remote-as"], &["requires a value"]),
    (
        "a value out of range",
        &["set protocols bgp 64512 neighbor 192.168.101.202 remote-as 4294967296"],
        &["4294967296"],
    ),
    (
        "a hold time of 2",
        &["set protocols bgp 64512 neighbor 192.168.101.201 timers holdtime 2"],
        &["3 to 65535 seconds"],
    ),
    ("a wrong type", &["set protocols bgp 64512 neighbor 192.168.101.999 remote-as 64512"], &["192.168.101.999"]),
    (
        "a neighbor that is the router's own address",
        &["set protocols bgp 64512 neighbor 192.168.101.1 remote-as 64512", "commit"],
        &["192.168.101.1"],
    ),
    ("a second AS", &["set protocols bgp 64513 parameters router-id 192.168.101.1", "commit"], &["64513"]),
    (
        "a neighbor without an AS",
        &["set protocols bgp 64512 neighbor 192.168.101.203 description lonely", "commit"],
        &["remote-as"],
    ),
    (
        "multihop and ttl-security together",
        &[
            "set protocols bgp 64512 neighbor 192.168.101.202 remote-as 64601",
            "set protocols bgp 64512 neighbor 192.168.101.202 ebgp-multihop 2",
            "set protocols bgp 64512 neighbor 192.168.101.202 ttl-security hops 1",
            "commit",
        ],
        &["ttl-security"],
    ),
];

#[test]
fn what_a_person_mistypes_is_refused_in_words_and_changes_nothing() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    router.configure(&SOUND)?;
    let before = (router.show("show configuration commands")?, router.kernel_state()?, router.saved());
    for (name, commands, words) in REFUSED {
        let said = router.cmd(&[&["configure"], *commands].concat())?;
        assert_eq!(said.status, 1, "{name} is refused: {said:?}");
        assert!(!said.stderr.trim().is_empty(), "{name} is an error and stands on standard error: {said:?}");
        for word in *words {
            assert!(said.text().contains(word), "{name}: the answer has {word:?}: {said:?}");
        }
        let after = (router.show("show configuration commands")?, router.kernel_state()?, router.saved());
        assert_eq!(after, before, "{name} changes nothing");
    }
    Ok(())
}

#[test]
fn a_script_stops_at_its_first_bad_line_and_names_it() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let said = router.script("configure\nset system host-name tower\nset sytsem nonsense\ncommit\n")?;
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.stderr.contains('3'), "the line number is told: {said:?}");
    assert!(!router.show("show configuration commands")?.contains("tower"), "what came before was not committed");
    Ok(())
}

#[test]
fn the_shell_without_a_daemon_says_so() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::prepare(&lab)?;
    let said = router.cmd(&["show version"])?;
    assert_ne!(said.status, 0, "{said:?}");
    assert!(said.stderr.contains("towpathd"), "who is missing is told: {said:?}");
    Ok(())
}

#[test]
fn an_update_source_that_is_not_ours_is_explained_and_harms_nobody() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    router.configure(&SOUND)?;
    let said = router.cmd(&[
        "configure",
        "set protocols bgp 64512 neighbor 192.168.101.201 update-source 192.0.2.1",
        "commit",
        "exit",
        "show ip bgp neighbors 192.168.101.201",
    ])?;
    assert!(said.text().contains("192.0.2.1"), "the address is named: {said:?}");
    router.show("show ip bgp summary")?;
    Ok(())
}
