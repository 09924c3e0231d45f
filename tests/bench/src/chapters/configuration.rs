//! Ten thousand statements: loading, committing, one leaf more, completing, showing, and starting with them.
//!
//! The times are those of a person at a terminal: from the last key to the next prompt, with the real shell.

use std::fmt::Write as _;
use std::time::Instant;

use anyhow::{Result, bail};
use scenarios::lab::Lab;
use scenarios::router::Router;

use super::Effort;
use super::start::time_start;
use crate::control::Control;
use crate::report::Report;
use crate::terminal::Terminal;

const CHAPTER: &str = "configuration";

/// What a prompt of configuration mode begins with.
const PROMPT: &str = "[edit]";

pub(super) fn measure(effort: &Effort, report: &mut Report) -> Result<()> {
    let statements = statements();
    let lines = statements.lines().count();
    if lines != 10_000 {
        bail!("{lines} statements instead of 10,000");
    }
    loads(effort, report, &statements)?;
    on_top(effort, report, &statements)?;
    boots(effort, report, &statements)
}

/// 4,000 statements of neighbors and policies and 6,000 static routes, as `set` lines.
fn statements() -> String {
    let mut text = String::new();
    // Writing into a String cannot fail.
    for number in 0..1_000u32 {
        let (high, low) = (number / 250, number % 250 + 1);
        let neighbor = format!("set protocols bgp 64512 neighbor 198.18.{high}.{low}");
        let _ = writeln!(text, "{neighbor} remote-as 64512\n{neighbor} passive");
        let _ = writeln!(text, "{neighbor} description 'node {number}'\n{neighbor} maximum-prefix 100");
    }
    for number in 0..6_000u32 {
        let (high, low) = (16 + number / 256, number % 256);
        let _ = writeln!(text, "set protocols static route 172.{high}.{low}.0/24 next-hop 192.168.101.201");
    }
    text
}

/// The file of commands into an empty configuration, and its commit.
fn loads(effort: &Effort, report: &mut Report, statements: &str) -> Result<()> {
    let (mut load, mut commit, mut both) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..effort.long {
        let lab = Lab::new()?;
        let router = Router::start(&lab)?;
        let file = router.host().write("statements", &format!("{statements}{ROUTER_ID}"))?;
        let mut terminal = Terminal::open(&router.program("towpath"), &router.path("towpathd.sock"))?;
        terminal.time("configure\n", PROMPT)?;
        terminal.settle();
        let loading = said(&mut terminal, &format!("load {}\n", file.display()), "Load complete")?;
        let committing = said(&mut terminal, "commit\n", PROMPT)?;
        load.push(loading);
        commit.push(committing);
        both.push(loading + committing);
    }
    report.add(CHAPTER, "load 10,000 set statements", "–", "ms", load);
    report.add(CHAPTER, "commit them", "–", "ms", commit);
    report.add(CHAPTER, "load and commit 10,000 set statements", "500 ms", "ms", both);
    Ok(())
}

/// A router without an address of its own still needs an identifier.
const ROUTER_ID: &str = "set protocols bgp 64512 parameters router-id 192.168.101.1\n";

/// The milliseconds of a command in which nothing went wrong.
fn said(terminal: &mut Terminal, keys: &str, until: &str) -> Result<f64> {
    let (milliseconds, said) = terminal.time(keys, until)?;
    if said.contains("ailed") || said.contains("not valid") || said.contains("left out") {
        bail!("{keys:?} was answered with {said:?}");
    }
    terminal.settle();
    Ok(milliseconds)
}

/// What is done with ten thousand statements that are active.
fn on_top(effort: &Effort, report: &mut Report, statements: &str) -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::start_with(&lab, &format!("{statements}{ROUTER_ID}"))?;
    let socket = router.path("towpathd.sock");
    let mut terminal = Terminal::open(&router.program("towpath"), &socket)?;
    let (mut enter, mut leaf, mut name) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..effort.short {
        enter.push(said(&mut terminal, "configure\n", PROMPT)?);
        let neighbor = "set protocols bgp 64512 neighbor 198.18.1.1 description";
        said(&mut terminal, &format!("{neighbor} 'changed {number}'\n"), PROMPT)?;
        leaf.push(said(&mut terminal, "commit\n", PROMPT)?);
        said(&mut terminal, &format!("set system host-name router{number}\n"), PROMPT)?;
        name.push(said(&mut terminal, "commit\n", PROMPT)?);
        said(&mut terminal, "exit\n", ":~$ ")?;
    }
    report.add(CHAPTER, "enter configuration mode on 10,000 statements", "–", "ms", enter);
    report.add(CHAPTER, "commit a neighbor's description on top of 10,000 statements", "10 ms", "ms", leaf);
    report.add(CHAPTER, "commit the host name on top of 10,000 statements", "10 ms", "ms", name);
    let mut control = Control::open(&socket)?;
    let mut daemon = Vec::new();
    for number in 0..effort.short {
        let began = Instant::now();
        control.commit(&[format!("set protocols bgp 64512 neighbor 198.18.1.1 description again-{number}")])?;
        daemon.push(began.elapsed().as_secs_f64() * 1e3);
    }
    report.add(CHAPTER, "the same as request and reply, without the shell", "10 ms", "ms", daemon);
    completes(effort, report, &mut terminal)?;
    shows(effort, report, &router)
}

/// `?` where six thousand routes and a thousand neighbors stand.
fn completes(effort: &Effort, report: &mut Report, terminal: &mut Terminal) -> Result<()> {
    said(terminal, "configure\n", PROMPT)?;
    for (line, what) in [
        ("delete protocols static route ", "completion: ? among 6,000 static routes"),
        ("set protocols bgp 64512 neighbor 198.18.3.", "completion: ? among 1,000 neighbors"),
        ("set protocols bgp 64512 parameters ", "completion: ? among words"),
    ] {
        let mut values = Vec::new();
        for _ in 0..effort.short {
            terminal.time(line, line.split(' ').nth_back(1).unwrap_or_default())?;
            terminal.settle();
            values.push(terminal.time("?", "Possible completions")?.0);
            terminal.settle();
            // ^U takes the line away, and the terminal is told to clear what stood there.
            terminal.time("\u{15}", "\u{1b}[K")?;
            terminal.settle();
        }
        report.add(CHAPTER, what, "5 ms", "ms", values);
    }
    Ok(())
}

/// `show configuration` of all of it, the start of the shell included.
fn shows(effort: &Effort, report: &mut Report, router: &Router) -> Result<()> {
    let mut values = Vec::new();
    for _ in 0..effort.short {
        let began = Instant::now();
        let text = router.show("show configuration")?;
        values.push(began.elapsed().as_secs_f64() * 1e3);
        if text.lines().count() < 10_000 {
            bail!("show configuration has only {} lines", text.lines().count());
        }
    }
    report.add(CHAPTER, "show configuration of 10,000 statements, with the start of the shell", "100 ms", "ms", values);
    Ok(())
}

/// From the start of the process until the socket answers.
fn boots(effort: &Effort, report: &mut Report, statements: &str) -> Result<()> {
    let lab = Lab::new()?;
    let router = Router::prepare(&lab)?;
    router.host().write("config.boot", &format!("{statements}{ROUTER_ID}"))?;
    let mut values = Vec::new();
    for _ in 0..effort.long {
        // What the last daemon remembered would be read in place of the file.
        let _ = std::fs::remove_dir_all(router.path("state"));
        values.push(time_start(&router)?);
    }
    report.add(CHAPTER, "start with 10,000 statements → the control socket answers", "1,000 ms", "ms", values);
    Ok(())
}
