//! Puts the balancer's programs, maps and links into the kernel, writes what shall stand in the maps, and reads it.
//!
//! Never decides what stands there, nor what a packet does. Programs, maps and links are pinned, so that they outlive the
//! daemon; what an earlier daemon pinned is taken over where its layout is this one's.

mod attach;
mod btf;
mod inner;
mod maps;
mod object;
mod pins;
mod read;
mod ring;
mod sys;
mod watch;

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use bpf_tables::state::Held;
use thiserror::Error;

pub use bpf_common::layout::{Capture, Captured};
pub use ring::Ring;
pub use sys::monotonic;

use aya::programs::raw_trace_point::RawTracePointLink;

use crate::maps::Maps;
use crate::object::Loaded;
use crate::pins::Pins;

/// Why the balancer cannot be in the kernel.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The programs are not there.
    #[error("its programs are not installed: {path}: {error}")]
    NoObject {
        /// Where they were looked for.
        path: PathBuf,
        /// Why they could not be read.
        error: io::Error,
    },
    /// The file is not what it should be.
    #[error("{path} does not hold its programs: {words}")]
    BadObject {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        words: String,
    },
    /// There is no place for pins.
    #[error("the file system for BPF objects is not there: {path}: {error}")]
    NoPins {
        /// Where it should be.
        path: PathBuf,
        /// Why it is not.
        error: io::Error,
    },
    /// The kernel lacks a kind of map, or memory for it.
    #[error("the kernel refuses its maps: {0}")]
    Maps(String),
    /// The verifier refuses a program.
    #[error("the kernel refuses its program {program}: {words}")]
    Program {
        /// Which.
        program: String,
        /// What the verifier said last.
        words: String,
    },
    /// A system call failed.
    #[error("{action}: {error}")]
    System {
        /// What was tried.
        action: &'static str,
        /// Why it failed.
        error: io::Error,
    },
}

/// Adds what was tried.
pub(crate) fn tried<T>(action: &'static str, result: io::Result<T>) -> Result<T, LoadError> {
    result.map_err(|error| LoadError::System { action, error })
}

/// Takes everything out of the kernel that any daemon has pinned below a directory.
pub fn clear(directory: &Path) {
    pins::clear(directory);
}

/// The balancer in the kernel.
pub struct Loader {
    pins: Pins,
    maps: Maps,
    /// Programs by their names.
    programs: BTreeMap<String, OwnedFd>,
    /// What listens to the kernel, for as long as this is held.
    _listening: Vec<RawTracePointLink>,
    /// Why nothing is heard.
    unwatched: Option<String>,
}

impl Loader {
    /// Loads the programs of a file; maps are those that are pinned below a directory, or new ones. Answers what they hold if
    /// they are of an earlier life.
    ///
    /// # Errors
    /// When the file, the directory or the kernel does not allow it; nothing has changed for packets then.
    pub fn open(object: &Path, directory: &Path) -> Result<(Self, Option<Held>), LoadError> {
        let octets = std::fs::read(object).map_err(|error| LoadError::NoObject { path: object.to_owned(), error })?;
        let pins = Pins::open(directory)?;
        let adopted = pins.have_maps();
        let Loaded { programs, listening, unwatched } = match object::load(object, &octets, &pins) {
            Ok(loaded) => loaded,
            Err(error) => {
                if !adopted {
                    pins.forget_maps();
                }
                return Err(error);
            }
        };
        let maps = Maps::open(pins.clone())?;
        let held = if adopted { Some(maps.held()?) } else { None };
        let mut loader = Self { pins, maps, programs, _listening: listening, unwatched };
        loader.watch();
        Ok((loader, held))
    }

    /// Takes everything out of the kernel: packets are no longer balanced.
    pub fn remove(self) {
        let indices: Vec<u32> = self.attached().into_keys().chain(self.probed()).collect();
        indices.into_iter().for_each(|index| self.detach(index));
        self.pins.forget_all();
    }

    /// Whether what is pinned stays when this process ends; nothing where that may not be seen.
    #[must_use]
    pub fn lasts(&self) -> Option<bool> {
        self.pins.last()
    }

    /// The maps.
    pub fn maps(&mut self) -> &mut Maps {
        &mut self.maps
    }
}

pub use maps::Maps as MapSet;
pub use read::{Counters, FlowsPlace, SomeFlows};
