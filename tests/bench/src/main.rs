//! What the README promises about speed and size, measured on this machine and printed.
//!
//! A report and no test: it stands on the laboratory of namespaces, on a speaker of its own and on what the kernel
//! tells, and it fails only where a measurement could not be made.
//!
//! It never judges but by the targets that stand beside the figures.

mod chapters;
mod clock;
mod control;
mod daemons;
mod feed;
mod floor;
mod kernel_watch;
mod node;
mod relay;
mod report;
mod speaker;
mod svg;
mod swarm;
mod terminal;
mod usage;
mod wire;
mod witness;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use chapters::Effort;
use report::Report;

const USAGE: &str = "usage: bench [--quick] [--json FILE] [--rounds N] [--daemon NAME]... [--only CHAPTER]...
chapters: start session service death detection commit configuration policy restart
convergence peers fan reflector feed kernel overrun busy reload churn growth parts balancer connections";

/// What a person asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Arguments {
    quick: bool,
    json: Option<PathBuf>,
    only: Vec<String>,
    /// Rounds of the contests, where others are wanted than usual.
    rounds: Option<usize>,
    /// The daemons that take part, where not all shall.
    daemons: Vec<String>,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    // The same program plays the nodes: started inside their namespaces with this word first.
    let done = match words.split_first() {
        Some((role, rest)) if role == speaker::ROLE => speaker::run(rest),
        Some((role, rest)) if role == swarm::ROLE => swarm::run(rest),
        Some((role, rest)) if role == relay::ROLE => relay::run(rest),
        Some((role, rest)) if role == floor::ROLE => floor::run(rest),
        Some((role, rest)) if role == witness::ROLE => witness::run(rest),
        Some((role, rest)) if role == chapters::CHAIN => chapters::chain(rest),
        Some((role, rest)) if role == chapters::CHANGE => chapters::change(rest),
        Some((role, rest)) if role == chapters::GROWTH => chapters::grow(rest),
        Some((role, rest)) if role == chapters::STOPWATCH => chapters::stopwatch(rest),
        _ => Arguments::parse(&words).and_then(|arguments| measure(&arguments)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

impl Arguments {
    fn parse(words: &[String]) -> Result<Self> {
        let mut arguments = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--quick" => arguments.quick = true,
                "--json" => arguments.json = Some(words.next().context("--json needs a file")?.into()),
                "--only" => arguments.only.push(words.next().context("--only needs a chapter")?.clone()),
                "--rounds" => arguments.rounds = Some(words.next().context("--rounds needs a number")?.parse()?),
                "--daemon" => arguments.daemons.push(words.next().context("--daemon needs a name")?.clone()),
                other => bail!("unknown argument {other:?}\n{USAGE}"),
            }
        }
        for name in &arguments.only {
            if chapters::ALL.iter().all(|(known, _)| known != name) {
                bail!("unknown chapter {name:?}\n{USAGE}");
            }
        }
        Ok(arguments)
    }

    /// Beside the programs' own folder, which is `target/` unless told otherwise.
    fn json_path(&self) -> Result<PathBuf> {
        if let Some(path) = &self.json {
            return Ok(path.clone());
        }
        let own = std::env::current_exe().context("asking for the own path")?;
        let target = own.parent().and_then(|profile| profile.parent()).context("the own path has no parent")?;
        Ok(target.join("bench.json"))
    }
}

fn measure(arguments: &Arguments) -> Result<()> {
    let mut effort = if arguments.quick { Effort::quick() } else { Effort::full() };
    effort.rounds = arguments.rounds.unwrap_or(effort.rounds);
    effort.daemons.clone_from(&arguments.daemons);
    let mut report = Report::default();
    let mut failed = Vec::new();
    for (name, chapter) in chapters::ALL {
        if !arguments.only.is_empty() && !arguments.only.iter().any(|only| only == name) {
            continue;
        }
        eprintln!("measuring: {name}");
        if let Err(error) = chapter(&effort, &mut report) {
            eprintln!("bench: {name}: {error:#}");
            failed.push(*name);
        }
    }
    print!("{}", report.table());
    let path = arguments.json_path()?;
    std::fs::write(&path, report.json()).with_context(|| format!("writing {}", path.display()))?;
    println!("\nThe same as data: {}", path.display());
    if !failed.is_empty() {
        bail!("not measured: {}", failed.join(", "));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;

    fn parsed(line: &str) -> Result<Arguments> {
        Arguments::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn chapters_are_chosen_by_name() {
        let expected =
            Arguments { quick: true, json: Some("x.json".into()), only: vec!["death".into()], ..Arguments::default() };
        assert_eq!(parsed("--quick --json x.json --only death").unwrap(), expected);
    }

    #[test]
    fn a_contest_can_be_one_of_few_daemons_and_rounds() {
        let daemons = vec!["towpath".to_owned(), "bird".to_owned()];
        let expected = Arguments { rounds: Some(3), daemons, ..Arguments::default() };
        assert_eq!(parsed("--rounds 3 --daemon towpath --daemon bird").unwrap(), expected);
    }

    #[test]
    fn an_unknown_word_is_refused_with_the_usage() {
        for line in ["--fast", "--only everything", "--json", "--rounds many"] {
            assert!(parsed(line).is_err(), "{line}");
        }
    }
}
