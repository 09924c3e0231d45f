//! How soon the daemon answers, and how small it is.
//!
//! It never counts the time that entering a namespace takes: the stopwatch runs inside.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use scenarios::lab::Lab;
use scenarios::router::Router;

use super::Effort;
use super::scene::Scene;
use crate::clock::wait_for;
use crate::control::Control;
use crate::report::Report;
use crate::usage;

/// The first word of the command line that makes this program the stopwatch.
pub(crate) const STOPWATCH: &str = "stopwatch";

const CHAPTER: &str = "start";

pub(super) fn measure(effort: &Effort, report: &mut Report) -> Result<()> {
    let mut ready = Vec::new();
    {
        let lab = Lab::new()?;
        let router = Router::prepare(&lab)?;
        for _ in 0..effort.short {
            ready.push(time_start(&router)?);
        }
    }
    report.add(CHAPTER, "start of the process → the control socket answers", "50 ms", "ms", ready);

    let (mut idle, mut busy) = (Vec::new(), Vec::new());
    for _ in 0..effort.long.min(3) {
        let mut scene = Scene::new(0)?;
        std::thread::sleep(Duration::from_secs(1));
        idle.push(usage::resident(scene.daemon.id())?);
        scene.announce("172.16.102.229/32", 2)?;
        busy.push(usage::resident(scene.daemon.id())?);
    }
    report.add(CHAPTER, "resident memory, three neighbors that are silent", "< 20 MiB", "MiB", idle);
    report.add(CHAPTER, "resident memory, three sessions and two services", "< 20 MiB", "MiB", busy);
    for name in ["towpathd", "towpath"] {
        let lab = Lab::new()?;
        let program = Router::prepare(&lab)?.program(name);
        report.add(CHAPTER, format!("size of `{name}`, stripped"), "–", "MiB", vec![stripped_size(&lab, &program)?]);
    }
    Ok(())
}

/// Runs inside the router's namespace: starts the program and prints the milliseconds until its socket answers.
pub(crate) fn stopwatch(words: &[String]) -> Result<()> {
    let [socket, program, arguments @ ..] = words else { bail!("the stopwatch needs a socket and a program") };
    let began = Instant::now();
    let mut child = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let answers = || Control::open(socket).ok();
    let answered = wait_for(Duration::from_secs(10), Duration::from_micros(200), "the socket answers", answers);
    let elapsed = began.elapsed();
    child.kill()?;
    child.wait()?;
    answered?;
    println!("{}", elapsed.as_secs_f64() * 1e3);
    Ok(())
}

/// The milliseconds from the start of the daemon until its socket answers.
pub(super) fn time_start(router: &Router) -> Result<f64> {
    let own = std::env::current_exe().context("asking for the own path")?;
    let [socket, config, state] = ["towpathd.sock", "config.boot", "state"].map(|name| router.path(name));
    // What a killed daemon left would be connected to in vain.
    if Path::new(&socket).exists() {
        std::fs::remove_file(&socket)?;
    }
    let daemon = router.program("towpathd");
    let program = [STOPWATCH, &socket, &daemon, "--config", &config, "--state-dir", &state, "--socket", &socket];
    let said = router.host().run(&own.to_string_lossy(), &program)?.success()?;
    said.trim().parse().with_context(|| format!("the stopwatch said {said:?}"))
}

fn stripped_size(lab: &Lab, program: &str) -> Result<f64> {
    let stripped = lab.directory().join("stripped");
    let status = Command::new("strip").arg("-o").arg(&stripped).arg(program).status().context("starting strip")?;
    if !status.success() {
        bail!("strip refuses {program}");
    }
    let octets = u32::try_from(std::fs::metadata(&stripped)?.len()).context("a program of more than 4 GiB")?;
    Ok(f64::from(octets) / f64::from(1u32 << 20))
}
