//! What cannot be balanced is refused at the commit, with the reason, and nothing has changed then.

use anyhow::{Context as _, Result};
use scenarios::balancer::kernel::object;
use scenarios::lab::Lab;
use scenarios::router::Router;

#[test]
fn what_cannot_be_is_refused_with_the_reason_and_changes_nothing() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    router.cmd(&["configure", "set protocols static route 10.67.0.0/16 next-hop 192.168.101.203", "commit", "exit"])?;
    let service = ["set balancer service web address 203.0.113.80", "set balancer service web port 80"];
    let node = "set balancer service web backend 192.168.101.201";
    for (lines, reason) in [
        (vec!["set balancer service web port 80", node], "must set address, which clients use"),
        (vec!["set balancer service web address 203.0.113.80", node], "must set port, or any-port"),
        (
            [&service[..], &["set balancer service web backend 192.168.101.1"]].concat(),
            "192.168.101.1 is an address of this router, which cannot be its own backend",
        ),
        (
            [&service[..], &["set balancer service web backend 10.66.0.1"]].concat(),
            "no route to 10.66.0.1; give an interface an address beside the node, or set a route to it",
        ),
        (
            [
                &service[..],
                &[node, "set balancer service other address 203.0.113.80", "set balancer service other port 80"],
            ]
            .concat(),
            "port 80 of 203.0.113.80 belongs to service other already",
        ),
        (
            [
                &service[..],
                &[
                    "set balancer service web mode l2",
                    "set balancer service web backend 10.77.0.2",
                    "set protocols static route 10.66.0.0/16 next-hop 192.168.101.203",
                ],
            ]
            .concat(),
            "no route to 10.77.0.2",
        ),
        (
            [&service[..], &["set balancer service web mode l2", "set balancer service web backend 10.67.0.1"]]
                .concat(),
            "10.67.0.1 is behind 192.168.101.203, and mode l2 reaches only nodes on a link",
        ),
        ([&service[..], &[node, "set balancer interface eth7"]].concat(), "Interface eth7 does not exist"),
        (
            vec!["set balancer learned all prefix 192.168.0.0/16"],
            "prefix 192.168.0.0/16 holds 192.168.101.0/24, a network of this router",
        ),
    ] {
        let commands = [&["configure"], &lines[..], &["commit", "exit discard"]].concat();
        let said = router.cmd(&commands)?.text();
        assert!(said.contains(reason) && said.contains("Commit failed"), "{lines:?}:\n{said}");
        assert!(!router.show("show configuration commands")?.contains("balancer"), "{lines:?} left something");
    }
    Ok(())
}

/// What a router says that cannot start a balancer; nothing of it is left in its configuration.
fn refused(router: &Router) -> Result<String> {
    let lines = [
        "configure",
        "set balancer interface eth0",
        "set balancer learned cluster prefix 172.16.0.0/16",
        "commit",
        "exit discard",
    ];
    let said = router.cmd(&lines)?.text();
    assert!(!router.show("show configuration commands")?.contains("balancer"), "{said}");
    Ok(said)
}

#[test]
fn a_kernel_that_cannot_have_the_program_rolls_the_commit_back_in_clear_words() -> Result<()> {
    let lab = Lab::new()?;
    // Programs cannot be pinned here: it is no file system for them.
    let pins = lab.router.directory().join("pins").to_string_lossy().into_owned();
    let mut router = Router::prepare(&lab)?.with_arguments(&["--bpf-dir", &pins]);
    router.boot(&lab)?;
    let said = refused(&router)?;
    assert!(said.contains("could not put the balancer on eth0"), "{said}");
    Ok(())
}

/// Where a section of an ELF file of 64 bits begins.
fn section(file: &[u8], name: &str) -> Option<usize> {
    let word = |at: usize| Some(u64::from_le_bytes(*file.get(at..)?.first_chunk()?) as usize);
    let half = |at: usize| Some(usize::from(u16::from_le_bytes(*file.get(at..)?.first_chunk()?)));
    let headers = word(0x28)?;
    let header = |number: usize| headers + 64 * number;
    let names = word(header(half(0x3e)?) + 0x18)?;
    (0..half(0x3c)?).map(header).find_map(|header| {
        let called = names + (word(header)? & 0xffff_ffff);
        let found = file.get(called..)?.strip_prefix(name.as_bytes())?.first() == Some(&0);
        word(header + 0x18).filter(|_| found)
    })
}

#[test]
fn a_program_that_the_verifier_refuses_rolls_the_commit_back_with_the_last_of_its_log() -> Result<()> {
    let lab = Lab::new()?;
    let mut file = std::fs::read(object()?)?;
    let begin = section(&file, "classifier").context("no section of programs for traffic control")?;
    // r0 = r5, which nobody has written.
    file.get_mut(begin..begin + 8).context("the section is empty")?.copy_from_slice(&[0xbf, 0x50, 0, 0, 0, 0, 0, 0]);
    let bad = lab.router.directory().join("bad.o");
    std::fs::write(&bad, file)?;
    let mut router = Router::prepare(&lab)?.with_arguments(&["--bpf-object", &bad.to_string_lossy()]);
    router.boot(&lab)?;
    let said = refused(&router)?;
    for words in ["could not put the balancer on eth0", "its verifier said:", "R5 !read_ok", "Commit failed"] {
        assert!(said.contains(words), "{words}:\n{said}");
    }
    Ok(())
}
