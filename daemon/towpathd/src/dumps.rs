//! Dump files, written by a thread of its own.
//!
//! A table is written beside its place and put there once it is whole; updates go behind those that a file of this name
//! has already. Never decides what is written; what cannot be is told, and waits for the next file.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender};
use std::thread;

use engine::effect::{DumpFile, Writing};
use engine::{Event, Notice};

use crate::run::Inbox;

/// One file that is written.
struct Open {
    file: File,
    /// Where it is written, and where it is put in the end.
    from: PathBuf,
    to: PathBuf,
}

/// Starts the thread.
pub(crate) fn spawn(inbox: Inbox) -> Sender<(DumpFile, Writing)> {
    let (sender, orders) = mpsc::channel::<(DumpFile, Writing)>();
    let told = inbox.clone();
    let thread = thread::Builder::new().name("dumps".to_owned()).spawn(move || {
        let mut files = BTreeMap::new();
        for (which, writing) in orders {
            let octets = if let Writing::Octets(octets) = &writing { octets.len() } else { 0 };
            let ends = writing == Writing::Close;
            let result = carry_out(&mut files, which, writing);
            if result.is_err() {
                files.remove(&which);
            }
            if octets > 0 || ends || result.is_err() {
                inbox.push(Event::Dumped(which, octets, result));
            }
        }
    });
    if let Err(error) = thread {
        told.note(Notice::error(format!("the thread that writes dump files could not be started: {error}")));
    }
    sender
}

fn carry_out(files: &mut BTreeMap<DumpFile, Open>, which: DumpFile, writing: Writing) -> Result<(), String> {
    match writing {
        Writing::Open(name) => {
            let open = open(which, Path::new(&name)).map_err(|error| format!("{name} cannot be made: {error}"))?;
            files.insert(which, open);
        }
        Writing::Octets(octets) => {
            let Some(open) = files.get_mut(&which) else { return Ok(()) };
            let written = open.file.write_all(&octets);
            written.map_err(|error| format!("{} cannot be written: {error}", open.to.display()))?;
        }
        Writing::Close => {
            let Some(open) = files.remove(&which) else { return Ok(()) };
            let put = if open.from == open.to { Ok(()) } else { fs::rename(&open.from, &open.to) };
            put.map_err(|error| format!("{} cannot be put in its place: {error}", open.to.display()))?;
        }
    }
    Ok(())
}

fn open(which: DumpFile, to: &Path) -> io::Result<Open> {
    let (to, from) = match which {
        DumpFile::Updates => (to.to_owned(), to.to_owned()),
        DumpFile::Table | DumpFile::Once => {
            let mut beside = to.as_os_str().to_owned();
            beside.push(".part");
            (to.to_owned(), PathBuf::from(beside))
        }
    };
    let mut options = OpenOptions::new();
    options.create(true);
    let file = match which {
        DumpFile::Updates => options.append(true).open(&from)?,
        DumpFile::Table | DumpFile::Once => options.write(true).truncate(true).open(&from)?,
    };
    Ok(Open { file, from, to })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;

    #[test]
    fn a_table_appears_once_it_is_whole_and_updates_go_behind_what_is_there() {
        let folder = std::env::temp_dir().join(format!("towpath-dumps-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = |name: &str| folder.join(name).display().to_string();
        let mut files = BTreeMap::new();
        for round in 0..2 {
            for which in [DumpFile::Table, DumpFile::Updates] {
                let name = path(&which.to_string());
                carry_out(&mut files, which, Writing::Open(name.clone())).unwrap();
                carry_out(&mut files, which, Writing::Octets(b"ab".to_vec())).unwrap();
                let there = fs::read(&name).unwrap_or_default().len();
                let expected = if which == DumpFile::Table { 2 * round } else { 2 * (round + 1) };
                assert_eq!(there, expected, "{which}");
                carry_out(&mut files, which, Writing::Close).unwrap();
            }
            assert_eq!(fs::read(path("table")).unwrap(), b"ab");
        }
        assert_eq!(fs::read(path("updates")).unwrap(), b"abab");
        let lost = carry_out(&mut files, DumpFile::Table, Writing::Open(path("no/where")));
        assert!(lost.unwrap_err().contains("cannot be made"));
        // What was on its way to a file that could not be made goes nowhere.
        assert_eq!(carry_out(&mut files, DumpFile::Table, Writing::Octets(b"ab".to_vec())), Ok(()));
        fs::remove_dir_all(&folder).unwrap();
    }
}
