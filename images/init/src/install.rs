//! `install image`: the image that runs, onto another disk.
//!
//! What is asked and what a disk is fit for are functions of plain values. Nothing is written until a disk has been found
//! fit and a person has said yes; the code that a BIOS starts is written last of all, so that it starts no disk which was
//! left half-way.

mod disks;
mod questions;
mod write;

pub(crate) use self::questions::ask;
pub(crate) use self::write::work;

/// Where things lie on a disk, in MiB, as `images/build.sh` lays it out: the boot loader's own partition, that of the
/// images, that of the data.
const LOADER_AT: u64 = 1;
const BOOT_AT: u64 = 2;
const DATA_AT: u64 = 258;
/// The least that the data partition takes, and what the second partition table takes at the end, in MiB.
const LEAST_DATA: u64 = 96;
const END: u64 = 1;
const MIB: u64 = 1 << 20;

/// The least size of a disk, in octets.
const LEAST: u64 = (DATA_AT + LEAST_DATA + END) * MIB;

/// What shall be done, as it is asked of the first process: `install DISK NAME DATA COPY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    /// The disk's name below `/dev`.
    pub(crate) disk: String,
    /// What the image shall be called there.
    pub(crate) name: String,
    /// The data partition in MiB; `None` for all that is left.
    pub(crate) data: Option<u64>,
    /// Whether configuration and keys are copied.
    pub(crate) copy: bool,
}

impl Wish {
    /// The words that ask for it.
    pub(crate) fn words(&self) -> String {
        let data = self.data.map_or_else(|| "all".to_owned(), |data| data.to_string());
        format!("install {} {} {data} {}", self.disk, self.name, if self.copy { "copy" } else { "fresh" })
    }

    /// Reads the words behind `install`.
    pub(crate) fn read(words: &[&str]) -> Option<Self> {
        let [disk, name, data, copy] = words else { return None };
        let data = if *data == "all" { None } else { Some(data.parse().ok()?) };
        let copy = match *copy {
            "copy" => true,
            "fresh" => false,
            _ => return None,
        };
        let fit = crate::slots::is_name(disk) && crate::slots::is_name(name);
        fit.then(|| Self { disk: (*disk).to_owned(), name: (*name).to_owned(), data, copy })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_arrives_as_it_was_sent() {
        for (data, copy) in [(None, true), (Some(200), false)] {
            let wish = Wish { disk: "vdb".to_owned(), name: "1.2.3".to_owned(), data, copy };
            let words = wish.words();
            let words: Vec<&str> = words.split(' ').skip(1).collect();
            assert_eq!(Wish::read(&words), Some(wish));
        }
        for words in
            [&["vdb"][..], &["../sda", "1", "all", "copy"], &["vdb", "1", "much", "copy"], &["vdb", "1", "all", ""]]
        {
            assert_eq!(Wish::read(words), None, "{words:?}");
        }
    }
}
