//! Programs on links of the network: in the driver, behind it, or at the ingress of traffic control.
//!
//! Never takes another's program off a link: where one sits, ours does not, and the words say so.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use bpf_tables::report::Attached;
use bpf_tables::wish::Hook;
use kernel::filters::{self, Way};

use crate::{Loader, sys};

/// `BPF_XDP`, `BPF_TCX_INGRESS`, `BPF_TCX_EGRESS`
const XDP: u32 = 37;
const INGRESS: u32 = 46;
const EGRESS: u32 = 47;
/// `XDP_FLAGS_SKB_MODE`, `XDP_FLAGS_DRV_MODE`
const GENERIC: u32 = 2;
const NATIVE: u32 = 4;

/// What holds a program where it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seat {
    /// A BPF link, of this type and with these flags; its pin is what holds it.
    Link(u32, u32),
    /// A filter of traffic control, which the kernel holds; a pin of the program says that it is ours.
    Filter(Way),
}

/// A place on a link of the network, and the word for it in the name of a pin.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    word: &'static str,
    program: &'static str,
    seat: Seat,
    attached: Attached,
}

const PLACES: [Place; 4] = [
    Place { word: "native", program: "towpath_xdp", seat: Seat::Link(XDP, NATIVE), attached: Attached::Native },
    Place { word: "generic", program: "towpath_xdp", seat: Seat::Link(XDP, GENERIC), attached: Attached::Generic },
    Place { word: "tc", program: "towpath_tc", seat: Seat::Link(INGRESS, 0), attached: Attached::Tc },
    Place { word: "clsact", program: "towpath_tc", seat: Seat::Filter(Way::In), attached: Attached::Clsact },
];
/// Where marked packets of our own leave: as a BPF link, or as a filter.
const PROBES: [(&str, Seat); 2] = [("probe", Seat::Link(EGRESS, 0)), ("probe-clsact", Seat::Filter(Way::Out))];
/// The pin that says that the queue which filters hang on is ours.
const QUEUE: &str = "queue";

fn places(hook: Hook) -> &'static [Place] {
    let range = match hook {
        Hook::Auto => 0..2,
        Hook::Native => 0..1,
        Hook::Generic => 1..2,
        Hook::Tc => 2..4,
        Hook::Clsact => 3..4,
    };
    PLACES.get(range).unwrap_or_default()
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
                Ok(()) => {
                    let is_xdp = matches!(place.seat, Seat::Link(XDP, _));
                    return self.watch_link(index, is_xdp).map(|()| place.attached).map_err(|error| error.to_string());
                }
                // A kernel that has such a place says why this link has none of it.
                Err(error) if place.attached == Attached::Tc && !is_unknown(&error) => {
                    return Err(words(&error, place.attached));
                }
                Err(error) => refusal = words(&error, place.attached),
            }
        }
        Err(refusal)
    }

    fn attach_at(&self, index: u32, place: Place) -> io::Result<()> {
        let program = self.program(place.program)?;
        let path = self.pins.link(&format!("{index}-{}", place.word));
        if let Seat::Link(kind, _) = place.seat
            && self.update(&path, index, kind, program)?
        {
            return Ok(());
        }
        // On one link there is one place for XDP: what is ours in another one makes way, and comes back where this fails.
        let others = self.detach_others(index, place);
        let made = match self.seat(&path, index, place.seat, place.program) {
            Err(error) if is_taken(&error) && self.free_foreign(index, place.seat) => {
                self.seat(&path, index, place.seat, place.program)
            }
            made => made,
        };
        if made.is_err() {
            for other in others {
                let path = self.pins.link(&format!("{index}-{}", other.word));
                let _ = self.seat(&path, index, other.seat, other.program);
            }
        } else {
            // Several programs may sit in traffic control, and one of another layout would go before ours.
            self.free_foreign(index, place.seat);
        }
        made
    }

    /// Puts a program there and pins what says so.
    fn seat(&self, path: &Path, index: u32, seat: Seat, name: &str) -> io::Result<()> {
        let program = self.program(name)?;
        match seat {
            Seat::Link(kind, flags) => {
                sys::link(program, index, kind, flags).and_then(|link| sys::pin(link.as_fd(), &sys::c_path(path)?))
            }
            Seat::Filter(way) => {
                let made = filters::put(index, way, program, name)?;
                if made {
                    repin(program, &self.pins.link(&format!("{index}-{QUEUE}")))?;
                }
                repin(program, path)
            }
        }
    }

    /// Gives a pinned link this program. A pin that leads to another link of the network, or to one that is gone, is no pin.
    fn update(&self, path: &Path, index: u32, kind: u32, program: BorrowedFd<'_>) -> io::Result<bool> {
        let Ok(link) = sys::pinned(&sys::c_path(path)?) else { return Ok(false) };
        if sys::link_info(link.as_fd()).is_ok_and(|found| found == (type_of(kind), index)) {
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

    /// Takes what a release with another layout has put there off; says whether there was such a thing. A filter of it has been
    /// replaced, and its pin goes.
    fn free_foreign(&self, index: u32, seat: Seat) -> bool {
        let foreign = self.pins.foreign_links().into_iter().filter(|path| match seat {
            Seat::Link(kind, _) => {
                let link = sys::c_path(path).and_then(|path| sys::pinned(&path));
                // The other way through traffic control is of the same type.
                link.and_then(|link| sys::link_info(link.as_fd())).is_ok_and(|found| found == (type_of(kind), index))
                    && (kind == XDP || seat_of(path) == Some((index, seat)))
            }
            Seat::Filter(_) => {
                if seat_of(path) == Some((index, seat)) {
                    let _ = std::fs::remove_file(path);
                }
                false
            }
        });
        foreign.filter(|path| take_off(path)).count() > 0
    }

    /// Takes the programs off a link of the network.
    pub fn detach(&self, index: u32) {
        for name in self.pins.links().iter().filter(|name| index_of(name) == Some(index) && !name.ends_with(QUEUE)) {
            take_off(&self.pins.link(name));
        }
        // What is left of it is overwritten with the next one there.
        let _ = self.watch_link(index, false);
    }

    /// Sends marked packets of our own that leave by a link on the way of those of clients; by a filter where that is wished,
    /// or where the kernel has no other place.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn attach_probe(&self, index: u32, by_filter: bool) -> io::Result<()> {
        let mut done = Err(io::ErrorKind::NotFound.into());
        for (word, seat) in PROBES.into_iter().skip(usize::from(by_filter)) {
            let path = self.pins.link(&format!("{index}-{word}"));
            done = match seat {
                Seat::Link(kind, _) if self.update(&path, index, kind, self.program("towpath_probe")?)? => Ok(()),
                _ => self.seat(&path, index, seat, "towpath_probe"),
            };
            if done.as_ref().err().is_none_or(|error| !is_unknown(error)) {
                break;
            }
        }
        done
    }

    /// Where programs are, by the numbers of the network's links.
    #[must_use]
    pub fn attached(&self) -> BTreeMap<u32, Attached> {
        let names = self.pins.links();
        let found = names.iter().filter_map(|name| {
            let (index, word) = name.split_once('-')?;
            let place = PLACES.iter().find(|place| place.word == word)?;
            let index = index.parse().ok()?;
            self.sits(index, place.seat, name).then_some((index, place.attached))
        });
        found.collect()
    }

    /// The links whose packets of our own are looked at.
    #[must_use]
    pub fn probed(&self) -> Vec<u32> {
        let names = self.pins.links();
        let found = names.iter().filter_map(|name| {
            let (index, word) = name.split_once('-')?;
            let (_, seat) = PROBES.into_iter().find(|(probe, _)| *probe == word)?;
            let index = index.parse().ok()?;
            self.sits(index, seat, name).then_some(index)
        });
        found.collect()
    }

    /// Whether what a pin says of a link is so.
    fn sits(&self, index: u32, seat: Seat, name: &str) -> bool {
        match seat {
            Seat::Link(kind, _) => {
                let link = sys::c_path(&self.pins.link(name)).and_then(|path| sys::pinned(&path));
                link.and_then(|link| sys::link_info(link.as_fd())).is_ok_and(|found| found == (type_of(kind), index))
            }
            Seat::Filter(way) => filters::stands(index, way).unwrap_or_default(),
        }
    }

    fn program(&self, name: &str) -> io::Result<BorrowedFd<'_>> {
        let program = self.programs.get(name).map(AsFd::as_fd);
        program.ok_or_else(|| io::Error::other(format!("there is no program {name} in the file")))
    }
}

/// Takes filters off the network's links, which do not go with their pins, below a directory of pins of whatever layout.
pub(crate) fn take_filters_off(links: &Path) {
    let pins = std::fs::read_dir(links).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    for pin in pins.filter(|pin| matches!(seat_of(pin), Some((_, Seat::Filter(_))))) {
        take_off(&pin);
    }
}

/// Takes a program off where a pin says that it is; says whether there was such a pin.
fn take_off(path: &Path) -> bool {
    if let Some((index, Seat::Filter(way))) = seat_of(path) {
        if !path.exists() {
            return false;
        }
        let _ = filters::remove(index, way);
        let queue = path.with_file_name(format!("{index}-{QUEUE}"));
        if queue.exists() && filters::remove_queue(index).is_ok_and(|removed| removed) {
            let _ = std::fs::remove_file(queue);
        }
    } else {
        let link = sys::c_path(path).and_then(|path| sys::pinned(&path));
        let _ = link.and_then(|link| sys::detach_link(link.as_fd()));
    }
    std::fs::remove_file(path).is_ok()
}

/// What the name of a pin says: the link of the network, and what sits there.
fn seat_of(path: &Path) -> Option<(u32, Seat)> {
    let (index, word) = path.file_name()?.to_str()?.split_once('-')?;
    let place = PLACES.iter().find(|place| place.word == word).map(|place| place.seat);
    let probe = || PROBES.into_iter().find(|(probe, _)| *probe == word).map(|(_, seat)| seat);
    Some((index.parse().ok()?, place.or_else(probe)?))
}

/// Pins a program in the place of what was pinned there.
fn repin(program: BorrowedFd<'_>, path: &Path) -> io::Result<()> {
    let _ = std::fs::remove_file(path);
    sys::pin(program, &sys::c_path(path)?)
}

/// `BPF_LINK_TYPE_XDP`, `BPF_LINK_TYPE_TCX`
const fn type_of(kind: u32) -> u32 {
    if kind == XDP { 6 } else { 11 }
}

/// The kernel has no such place: it is older than Linux 6.6.
fn is_unknown(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EINVAL)
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
        (Some(libc::EBUSY), Attached::Clsact) => "another queue for what comes sits there already (tc qdisc show)",
        (Some(libc::EEXIST), Attached::Clsact) => "another filter has its priority and handle (tc filter show)",
        (Some(libc::EBUSY), _) => "another program sits there already",
        (Some(libc::EEXIST), _) => "another program sits there already, in another mode",
        (Some(libc::ENODEV), _) => "there is no such interface",
        (Some(libc::EOPNOTSUPP), Attached::Native) => "its driver has no XDP; use generic or tc",
        (Some(libc::ERANGE | libc::EMSGSIZE), Attached::Native) => "its MTU is too large for XDP in its driver",
        (Some(libc::ENOENT), Attached::Clsact) => "this kernel has no clsact, or no filters of BPF (cls_bpf)",
        (Some(libc::EINVAL), Attached::Native) => {
            "its driver refuses: the MTU may be too large, LRO may be on, or it has too few queues"
        }
        _ => return error.to_string(),
    };
    meaning.to_owned()
}
