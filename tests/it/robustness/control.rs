//! The control socket: garbage, crowds, clients that never read, clients that leave in the middle.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use scenarios::lab::Lab;
use scenarios::router::Router;

use super::{NEIGHBORS, SOON, assert_undisturbed, descriptors, pid, resident, speaker, steady};

/// A Unix socket belongs to the file system, which namespaces of the network share.
fn client(router: &Router) -> Result<UnixStream> {
    let stream = UnixStream::connect(router.path("towpathd.sock")).context("connecting to the daemon")?;
    stream.set_read_timeout(Some(SOON))?;
    stream.set_write_timeout(Some(Duration::from_secs(2)))?;
    Ok(stream)
}

#[test]
fn garbage_is_answered_in_words_and_ends_nothing() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    for garbage in ["\n", "nonsense\n", "{}\n", "{\"id\":-1,\"request\":null}\n", "\0\0\u{1}\n", "[[[[[[[[[[\n"] {
        let mut stream = client(&router)?;
        stream.write_all(garbage.as_bytes())?;
        let mut answer = String::new();
        BufReader::new(&stream).read_line(&mut answer)?;
        assert!(answer.contains("error"), "{garbage:?} is answered: {answer:?}");
        router.show("show version")?;
    }
    let deep = format!("{}\n", "[".repeat(200_000));
    client(&router)?.write_all(deep.as_bytes())?;
    router.show("show version")?;
    Ok(())
}

#[test]
fn a_line_without_end_is_cut_off() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let daemon = pid(&lab.router)?;
    let before = resident(daemon);
    let mut stream = client(&router)?;
    let chunk = vec![b'x'; 1 << 20];
    // The daemon closes once it has had enough; 10 MB it may still take.
    let taken = (0..200).take_while(|_| stream.write_all(&chunk).is_ok()).count();
    assert!(taken < 100, "the daemon took {taken} MiB of one line");
    drop(stream);
    router.show("show version")?;
    lab.wait_until(SOON, "the memory is given back", || resident(daemon) < before + 24 * 1024)?;
    Ok(())
}

#[test]
fn a_thousand_clients_that_say_nothing_keep_nobody_out() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let daemon = pid(&lab.router)?;
    let before = descriptors(daemon);
    let crowd: Vec<UnixStream> = (0..1000).filter_map(|_| client(&router).ok()).collect();
    router.show("show version")?;
    drop(crowd);
    lab.wait_until(SOON, "the descriptors are given back", || descriptors(daemon) <= before + 1)?;
    router.show("show version")?;
    Ok(())
}

#[test]
fn a_client_that_asks_and_never_reads_costs_little_memory() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    router.configure(&NEIGHBORS)?;
    let mut neighbor = steady(&lab, &router)?;
    let offer = speaker(&lab.nodes[1], &["offer", "5000"])?;
    lab.wait_until(SOON, "the routes have come", || {
        offer.output().contains("sent 1") && router.gateways("10.64.19.135/32") == ["192.168.101.202"]
    })?;
    let daemon = pid(&lab.router)?;
    router.show("show ip bgp")?;
    let before = resident(daemon);
    let mut streams = Vec::new();
    for _ in 0..4 {
        let mut stream = client(&router)?;
        for number in 0..2000 {
            let line = format!(
                "{{\"id\":{number},\"request\":{{\"show\":{{\"bgp-table\":{{\"family\":\"ipv4-unicast\"}}}}}}}}\n"
            );
            if stream.write_all(line.as_bytes()).is_err() {
                break;
            }
        }
        streams.push(stream);
    }
    let asked = Instant::now();
    while asked.elapsed() < Duration::from_secs(4) {
        router.show("show ip bgp summary")?;
    }
    assert_undisturbed(&mut neighbor, &router, "clients that never read");
    let after = resident(daemon);
    assert!(after < before + 64 * 1024, "replies that nobody reads do not pile up: {before} to {after} KiB");
    Ok(())
}

#[test]
fn clients_that_leave_in_the_middle_of_a_reply_are_forgotten() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    router.configure(&NEIGHBORS)?;
    let offer = speaker(&lab.nodes[1], &["offer", "2000"])?;
    lab.wait_until(SOON, "the routes have come", || router.gateways("10.64.7.207/32") == ["192.168.101.202"])?;
    let daemon = pid(&lab.router)?;
    let before = descriptors(daemon);
    for _ in 0..40 {
        let mut stream = client(&router)?;
        stream.write_all(b"{\"id\":1,\"request\":{\"show\":{\"bgp-table\":{\"family\":\"ipv4-unicast\"}}}}\n")?;
        let mut some = [0; 100];
        let _ = stream.read(&mut some)?;
    }
    lab.wait_until(SOON, "the descriptors are given back", || descriptors(daemon) <= before)?;
    drop(offer);
    router.show("show ip bgp summary")?;
    Ok(())
}

#[test]
fn commits_at_the_same_time_each_succeed_or_are_refused_whole() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    let said: Vec<_> = std::thread::scope(|scope| {
        let people: Vec<_> = (1..=16)
            .map(|person| {
                let router = &router;
                scope.spawn(move || {
                    let lines: Vec<String> = (1..=5)
                        .map(|line| format!("set protocols static route 10.{person}.{line}.0/24 blackhole"))
                        .collect();
                    let commands: Vec<&str> =
                        ["configure"].into_iter().chain(lines.iter().map(String::as_str)).chain(["commit"]).collect();
                    (person, router.cmd(&commands))
                })
            })
            .collect();
        people.into_iter().map(|person| person.join().unwrap()).collect()
    });
    let running = router.show("show configuration commands")?;
    let mut done = 0;
    for (person, said) in said {
        let said = said?;
        let there = (1..=5).filter(|line| running.contains(&format!("10.{person}.{line}.0/24"))).count();
        assert_eq!(there, if said.status == 0 { 5 } else { 0 }, "{person}: {said:?}");
        done += usize::from(said.status == 0);
    }
    assert!(done > 0, "somebody succeeds");
    lab.wait_until(SOON, "the kernel has just what was committed", || {
        super::ours(&lab.router).is_ok_and(|ours| ours.len() == done * 5)
    })
}
