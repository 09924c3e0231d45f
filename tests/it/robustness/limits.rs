//! Limits that hold before the machine's do: who announces more than there is room for is sent away, nobody else is.

use anyhow::Result;
use scenarios::lab::{Lab, Process};
use scenarios::router::Router;

use super::{NEIGHBORS, SOON, assert_undisturbed, ours, pid, resident, speaker, steady};

/// The second node announces so many routes until it is sent away, and the kernel has none of them then.
fn is_sent_away(lab: &Lab, router: &Router, routes: &str, limit: &str) -> Result<()> {
    let mut greedy = speaker(&lab.nodes[1], &["flood", routes])?;
    // The last word may be lost on the way to one that goes on talking; the router's log tells it.
    lab.wait_until(SOON * 2, "it is sent away", || !greedy.is_running())?;
    let gone = || ours(&lab.router).is_ok_and(|ours| ours == ["172.16.102.229"]);
    lab.wait_until(SOON, "its routes leave the kernel, and no others", gone)?;
    let summary = router.show("show ip bgp summary")?;
    assert!(summary.contains("Idle (Limit)") && summary.contains("(Limit) - "), "{summary}");
    let said = format!("neighbor 192.168.101.202: no room in more than {limit}");
    let said_of_paths = format!("neighbor 192.168.101.202: no room for more than {limit}");
    assert!(router.log().contains(&said) || router.log().contains(&said_of_paths), "{}", router.log());
    Ok(())
}

/// The second node offers so many routes, and has them in the kernel.
fn is_taken(lab: &Lab, routes: usize) -> Result<Process> {
    let modest = speaker(&lab.nodes[1], &["offer", &routes.to_string()])?;
    let there = || ours(&lab.router).is_ok_and(|ours| ours.len() == routes + 1);
    lab.wait_until(SOON * 2, "its routes are in the kernel", there)?;
    Ok(modest)
}

#[test]
fn more_paths_than_there_may_be_cost_only_the_session_they_came_over() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    router.configure(&NEIGHBORS)?;
    router.configure(&["set protocols bgp 64512 parameters limit paths 1000"])?;
    let mut neighbor = steady(&lab, &router)?;
    is_sent_away(&lab, &router, "2000", "1000 paths")?;
    assert_undisturbed(&mut neighbor, &router, "a neighbor that says too much");
    // Another limit ends the rest at once.
    router.configure(&["set protocols bgp 64512 parameters limit paths 3000"])?;
    let _modest = is_taken(&lab, 2000)?;
    assert_undisturbed(&mut neighbor, &router, "another limit");
    Ok(())
}

#[test]
fn more_memory_than_there_may_be_costs_only_the_session_that_asks_for_it() -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start(&lab)?;
    router.configure(&NEIGHBORS)?;
    let mut neighbor = steady(&lab, &router)?;
    let daemon = pid(&lab.router)?;
    let limit = resident(daemon) / 1024 + 12;
    router.configure(&[&format!("set protocols bgp 64512 parameters limit memory {limit}")])?;
    is_sent_away(&lab, &router, "200000", &format!("{limit} MiB of memory"))?;
    assert_undisturbed(&mut neighbor, &router, "a neighbor that fills the memory");
    router.configure(&["delete protocols bgp 64512 parameters limit"])?;
    let _modest = is_taken(&lab, 2000)?;
    assert_undisturbed(&mut neighbor, &router, "no limit");
    Ok(())
}
