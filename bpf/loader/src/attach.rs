//! Programs on links of the network: in the driver, behind it, or at the ingress of traffic control.
//!
//! Never takes another's program off a link: where one sits, ours does not, and the words say so.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use bpf_tables::report::Attached;
use bpf_tables::wish::Hook;

use crate::{Loader, sys};

/// `BPF_XDP`, `BPF_TCX_INGRESS`, `BPF_TCX_EGRESS`
const XDP: u32 = 37;
const INGRESS: u32 = 46;
const EGRESS: u32 = 47;
/// `XDP_FLAGS_SKB_MODE`, `XDP_FLAGS_DRV_MODE`
const GENERIC: u32 = 2;
const NATIVE: u32 = 4;

/// A place on a link of the network, and the word for it in the name of a pin.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    word: &'static str,
    program: &'static str,
    kind: u32,
    flags: u32,
    attached: Attached,
}

const PLACES: [Place; 3] = [
    Place { word: "native", program: "towpath_xdp", kind: XDP, flags: NATIVE, attached: Attached::Native },
    Place { word: "generic", program: "towpath_xdp", kind: XDP, flags: GENERIC, attached: Attached::Generic },
    Place { word: "tc", program: "towpath_tc", kind: INGRESS, flags: 0, attached: Attached::Tc },
];
/// Where marked packets of our own leave.
const PROBE: &str = "probe";

fn places(hook: Hook) -> &'static [Place] {
    match hook {
        Hook::Auto => PLACES.split_at_checked(2).map_or(&[], |(xdp, _)| xdp),
        Hook::Native => PLACES.split_at_checked(1).map_or(&[], |(native, _)| native),
        Hook::Generic => PLACES.get(1..2).unwrap_or_default(),
        Hook::Tc => PLACES.get(2..3).unwrap_or_default(),
    }
}

impl Loader {
    /// Puts the programs on a link of the network, or leaves them where they are if that will do; another release's program
    /// is replaced by this one's without a packet in between.
    ///
    /// # Errors
    /// In words, when the kernel refuses.
    pub fn attach(&self, index: u32, hook: Hook) -> Result<Attached, String> {
        let mut refusal = "it knows no such place".to_owned();
        for place in places(hook) {
            match self.attach_at(index, *place) {
                Ok(()) => return Ok(place.attached),
                Err(error) => refusal = words(&error, place.attached),
            }
        }
        Err(refusal)
    }

    fn attach_at(&self, index: u32, place: Place) -> io::Result<()> {
        let program = self.program(place.program)?;
        let path = self.pins.link(&format!("{index}-{}", place.word));
        if self.update(&path, index, place.kind, program)? {
            return Ok(());
        }
        // On one link there is one place for XDP: what is ours in another one makes way, and comes back where this fails.
        let others = self.detach_others(index, place);
        let made = match sys::link(program, index, place.kind, place.flags) {
            Err(error) if is_taken(&error) && self.free_foreign(index, place.kind) => {
                sys::link(program, index, place.kind, place.flags)
            }
            made => made,
        };
        match made.and_then(|link| sys::pin(link.as_fd(), &sys::c_path(&path)?)) {
            Ok(()) => Ok(()),
            Err(error) => {
                for other in others {
                    let path = self.pins.link(&format!("{index}-{}", other.word));
                    let link = self
                        .program(other.program)
                        .and_then(|program| sys::link(program, index, other.kind, other.flags));
                    let _ = link.and_then(|link| sys::pin(link.as_fd(), &sys::c_path(&path)?));
                }
                Err(error)
            }
        }
    }

    /// Gives a pinned link this program. A pin that leads to another link of the network, or to one that is gone, is no pin.
    fn update(&self, path: &std::path::Path, index: u32, kind: u32, program: BorrowedFd<'_>) -> io::Result<bool> {
        let Ok(link) = sys::pinned(&sys::c_path(path)?) else { return Ok(false) };
        // BPF_LINK_TYPE_XDP, BPF_LINK_TYPE_TCX
        let expect = if kind == XDP { 6 } else { 11 };
        if sys::link_info(link.as_fd()).is_ok_and(|found| found == (expect, index)) {
            sys::update_link(link.as_fd(), program)?;
            return Ok(true);
        }
        std::fs::remove_file(path)?;
        Ok(false)
    }

    fn detach_others(&self, index: u32, place: Place) -> Vec<Place> {
        let others = PLACES.into_iter().filter(|other| *other != place);
        others.filter(|other| take_off(&self.pins.link(&format!("{index}-{}", other.word)))).collect()
    }

    /// Takes what a release with another layout has put there off; says whether there was such a thing.
    fn free_foreign(&self, index: u32, kind: u32) -> bool {
        let foreign = self.pins.foreign_links().into_iter().filter(|path| {
            let link = sys::c_path(path).and_then(|path| sys::pinned(&path));
            let expect = if kind == XDP { 6 } else { 11 };
            link.and_then(|link| sys::link_info(link.as_fd())).is_ok_and(|found| found == (expect, index))
        });
        foreign.filter(|path| take_off(path)).count() > 0
    }

    /// Takes the programs off a link of the network.
    pub fn detach(&self, index: u32) {
        for name in self.pins.links().iter().filter(|name| index_of(name) == Some(index)) {
            take_off(&self.pins.link(name));
        }
    }

    /// Sends marked packets of our own that leave by a link on the way of those of clients.
    ///
    /// # Errors
    /// What the kernel said; before Linux 6.6 it knows no such place.
    pub fn attach_probe(&self, index: u32) -> io::Result<()> {
        let program = self.program("towpath_probe")?;
        let path = self.pins.link(&format!("{index}-{PROBE}"));
        if self.update(&path, index, EGRESS, program)? {
            return Ok(());
        }
        let link = sys::link(program, index, EGRESS, 0)?;
        sys::pin(link.as_fd(), &sys::c_path(&path)?)
    }

    /// Where programs are, by the numbers of the network's links.
    #[must_use]
    pub fn attached(&self) -> BTreeMap<u32, Attached> {
        let names = self.pins.links();
        let found = names.iter().filter_map(|name| {
            let (index, word) = name.split_once('-')?;
            let place = PLACES.iter().find(|place| place.word == word)?;
            let link = sys::pinned(&sys::c_path(&self.pins.link(name)).ok()?).ok()?;
            let (_, on) = sys::link_info(link.as_fd()).ok()?;
            (index.parse() == Ok(on)).then_some((on, place.attached))
        });
        found.collect()
    }

    /// The links whose packets of our own are looked at.
    #[must_use]
    pub fn probed(&self) -> Vec<u32> {
        let names = self.pins.links();
        names.iter().filter(|name| name.ends_with(PROBE)).filter_map(|name| index_of(name)).collect()
    }

    fn program(&self, name: &str) -> io::Result<BorrowedFd<'_>> {
        let program = self.programs.get(name).map(AsFd::as_fd);
        program.ok_or_else(|| io::Error::other(format!("there is no program {name} in the file")))
    }
}

/// Takes a program off where a pin says that it is; says whether there was such a pin.
fn take_off(path: &std::path::Path) -> bool {
    let link = sys::c_path(path).and_then(|path| sys::pinned(&path));
    let _ = link.and_then(|link| sys::detach_link(link.as_fd()));
    std::fs::remove_file(path).is_ok()
}

/// Another program sits there.
fn is_taken(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EBUSY | libc::EEXIST))
}

fn index_of(name: &str) -> Option<u32> {
    name.split_once('-')?.0.parse().ok()
}

/// Errors that have a meaning here, in words that say what to do.
fn words(error: &io::Error, place: Attached) -> String {
    let meaning = match (error.raw_os_error(), place) {
        (Some(libc::EBUSY), _) => "another program sits there already",
        (Some(libc::EEXIST), _) => "another program sits there already, in another mode",
        (Some(libc::ENODEV), _) => "there is no such interface",
        (Some(libc::EOPNOTSUPP), Attached::Native) => "its driver has no XDP; use generic or tc",
        (Some(libc::ERANGE | libc::EMSGSIZE), Attached::Native) => "its MTU is too large for XDP in its driver",
        (Some(libc::EINVAL), Attached::Tc) => "this kernel has no such place; Linux 6.6 is the first one",
        (Some(libc::EINVAL), Attached::Native) => {
            "its driver refuses: the MTU may be too large, LRO may be on, or it has too few queues"
        }
        _ => return error.to_string(),
    };
    meaning.to_owned()
}
