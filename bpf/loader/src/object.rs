//! The file of programs becomes programs in the kernel.
//!
//! Never changes what packets see: programs sit nowhere until they are attached.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use aya::programs::raw_trace_point::RawTracePointLink;
use aya::programs::{Program, ProgramError, RawTracePoint};
use aya::{EbpfError, EbpfLoader, VerifierLogLevel};

use crate::LoadError;
use crate::maps::NAMES;
use crate::pins::Pins;

/// The last lines of a verifier's log that are told; they say what it stumbled over.
const LINES: usize = 6;

/// What the names of programs begin with that listen to an event of the kernel, which the rest names.
const LISTENS: &str = "towpath_";
/// What tests alone have verified: it is `towpath_tc` once more.
const TESTED: &str = "towpath_tc_tagged";

/// Programs in the kernel.
pub(crate) struct Loaded {
    /// Those for packets, by their names.
    pub(crate) programs: BTreeMap<String, OwnedFd>,
    /// Those that listen to events.
    pub(crate) listening: Vec<RawTracePointLink>,
    /// Why one of them does not.
    pub(crate) unwatched: Option<String>,
}

/// Loads all programs; their maps are those that are pinned, or pinned from now on. What listens to events may be refused.
pub(crate) fn load(path: &Path, octets: &[u8], pins: &Pins) -> Result<Loaded, LoadError> {
    match load_with(path, octets, pins, VerifierLogLevel::empty()) {
        // The verifier takes its time to write down what it does: it is asked for that only once it has refused.
        Err(LoadError::Program { .. }) => load_with(path, octets, pins, VerifierLogLevel::DEBUG),
        loaded => loaded,
    }
}

fn load_with(path: &Path, octets: &[u8], pins: &Pins, log: VerifierLogLevel) -> Result<Loaded, LoadError> {
    let mut loader = EbpfLoader::new();
    loader.verifier_log_level(log);
    for name in NAMES {
        loader.map_pin_path(name, pins.map(name));
    }
    let mut object = loader.load(octets).map_err(|error| match error {
        EbpfError::ParseError(error) => LoadError::BadObject { path: path.to_owned(), words: error.to_string() },
        EbpfError::MapError(error) => LoadError::Maps(chain(&error)),
        error => LoadError::Maps(chain(&error)),
    })?;
    let mut loaded = Loaded { programs: BTreeMap::new(), listening: Vec::new(), unwatched: None };
    for (name, program) in object.programs_mut() {
        match program {
            Program::RawTracePoint(program) => match listen(name, program) {
                Ok(link) => loaded.listening.push(link),
                Err(error) => loaded.unwatched = Some(words(&error)),
            },
            _ if name == TESTED => {}
            program => _ = loaded.programs.insert(name.to_owned(), load_one(name, program)?),
        }
    }
    Ok(loaded)
}

fn listen(name: &str, program: &mut RawTracePoint) -> Result<RawTracePointLink, ProgramError> {
    program.load()?;
    let link = program.attach(name.strip_prefix(LISTENS).unwrap_or(name))?;
    program.take_link(link)
}

fn load_one(name: &str, program: &mut Program) -> Result<OwnedFd, LoadError> {
    let refused = |error: &ProgramError| LoadError::Program { program: name.to_owned(), words: words(error) };
    let loaded = match program {
        Program::Xdp(program) => program.load(),
        Program::SchedClassifier(program) => program.load(),
        _ => return Err(LoadError::Program { program: name.to_owned(), words: "of an unknown type".to_owned() }),
    };
    loaded.map_err(|error| refused(&error))?;
    let fd = program.fd().map_err(|error| refused(&error))?;
    fd.as_fd()
        .try_clone_to_owned()
        .map_err(|error| LoadError::Program { program: name.to_owned(), words: error.to_string() })
}

/// What the verifier said last, on one line.
fn words(error: &ProgramError) -> String {
    let ProgramError::LoadError { io_error, verifier_log } = error else { return chain(error) };
    let log = verifier_log.to_string();
    let lines: Vec<&str> = log.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    // Statistics stand behind what was refused.
    let lines: Vec<&str> = lines.into_iter().take_while(|line| !line.starts_with("verification time")).collect();
    let last = lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default().join(" / ");
    if last.is_empty() { io_error.to_string() } else { format!("{io_error}; its verifier said: {last}") }
}

/// An error with its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = error.source();
    }
    text
}
