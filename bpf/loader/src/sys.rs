//! The system calls of BPF for which no safe wrapper is at hand, and memory that is shared with maps.
//!
//! Never keeps a pointer behind a call, but those into a [`Shared`] mapping, which live as long as it does.

#![expect(unsafe_code, reason = "system calls without a safe wrapper, each block with its reason")]

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::path::Path;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use bpf_common::flow::Flow;
use bpf_common::layout;

/// A value whose octets can be given to the kernel and taken from it.
///
/// # Safety
/// Any octets are a valid value, and it has no hidden ones.
pub(crate) unsafe trait Plain: Copy {}

macro_rules! plain {
    ($($name:ty)*) => {
        // SAFETY: numbers and arrays of numbers, whose sizes `bpf_common::layout` asserts to be those of their fields.
        $(unsafe impl Plain for $name {})*
    };
}

plain!(u8 u32 u64 Flow layout::Slot layout::Entry layout::Directory layout::Service layout::Backend layout::Return
    layout::FlowKey layout::Pin layout::Count layout::ServiceCount layout::Capture layout::Captured layout::Watched);

/// The octets of values.
pub(crate) fn octets<T: Plain>(values: &[T]) -> &[u8] {
    // SAFETY: a plain value has no hidden octets, so all of them are initialized; they live as long as the slice.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
}

/// The octets of values, to be written by the kernel.
fn octets_mut<T: Plain>(values: &mut [T]) -> &mut [u8] {
    // SAFETY: as in `octets`, and any octets are a valid value again.
    unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), size_of_val(values)) }
}

/// A value of zeros.
pub(crate) fn zero<T: Plain>() -> T {
    // SAFETY: any octets are a valid value.
    unsafe { std::mem::zeroed() }
}

/// The value that these octets are, if they are as many.
pub(crate) fn value<T: Plain>(octets: &[u8]) -> Option<T> {
    // SAFETY: there are as many octets as the value has, any octets are one, and none is required to be aligned.
    (octets.len() == size_of::<T>()).then(|| unsafe { octets.as_ptr().cast::<T>().read_unaligned() })
}

/// `bpf(2)`. The words are those of `union bpf_attr`; what a command does not have is zero.
fn bpf(command: u32, words: &mut [u64]) -> io::Result<i32> {
    let answer = loop {
        // SAFETY: the kernel reads and writes as many octets as there are. Pointers among them lead to slices that the callers
        // below hold over the call, with the lengths that the map has.
        let answer = unsafe {
            libc::syscall(libc::SYS_bpf, libc::c_ulong::from(command), words.as_mut_ptr(), size_of_val(words))
        };
        if answer >= 0 {
            break answer;
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    };
    Ok(i32::try_from(answer).unwrap_or(i32::MAX))
}

fn descriptor(answer: i32) -> OwnedFd {
    // SAFETY: the kernel has just given this descriptor to us, and nobody else has it.
    unsafe { OwnedFd::from_raw_fd(answer) }
}

const fn pair(low: u32, high: u32) -> u64 {
    u64::from_ne_bytes({
        let ([a, b, c, d], [e, f, g, h]) = (low.to_ne_bytes(), high.to_ne_bytes());
        [a, b, c, d, e, f, g, h]
    })
}

fn number(fd: BorrowedFd<'_>) -> u32 {
    fd.as_raw_fd().unsigned_abs()
}

fn pointer(octets: &[u8]) -> u64 {
    octets.as_ptr().expose_provenance() as u64
}

/// `BPF_MAP_CREATE` of an array.
pub(crate) fn create_array(name: &CStr, value_size: usize, flags: u32) -> io::Result<OwnedFd> {
    const ARRAY: u32 = 2;
    let size = u32::try_from(value_size).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut words = [0; 9];
    words[..3].copy_from_slice(&[pair(ARRAY, 4), pair(size, 1), pair(flags, 0)]);
    // `map_name` begins behind seven words of 32 bits.
    let mut label = [0; 16];
    label.iter_mut().take(15).zip(name.to_bytes()).for_each(|(place, letter)| *place = *letter);
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = label;
    words[3] = u64::from_ne_bytes([0, 0, 0, 0, a, b, c, d]);
    words[4] = u64::from_ne_bytes([e, f, g, h, i, j, k, l]);
    words[5] = u64::from_ne_bytes([m, n, o, p, 0, 0, 0, 0]);
    bpf(0, &mut words).map(descriptor)
}

/// `BPF_MAP_LOOKUP_ELEM`; the value has the length that the map's values have (rounded up, and once for each possible
/// processor, where the map has one for each).
fn look_up(map: BorrowedFd<'_>, key: &[u8], value: &mut [u8]) -> io::Result<()> {
    bpf(1, &mut [pair(number(map), 0), pointer(key), value.as_mut_ptr().expose_provenance() as u64, 0]).map(drop)
}

/// The element of a map with plain keys and values; nothing if there is none.
///
/// The caller names the types that the map was made with.
pub(crate) fn get<K: Plain, V: Plain>(map: BorrowedFd<'_>, key: K, values: &mut [V]) -> io::Result<bool> {
    match look_up(map, octets(&[key]), octets_mut(values)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        found => found.map(|()| true),
    }
}

/// `BPF_MAP_UPDATE_ELEM`
pub(crate) fn set<K: Plain, V: Plain>(map: BorrowedFd<'_>, key: K, values: &[V]) -> io::Result<()> {
    let key = [key];
    bpf(2, &mut [pair(number(map), 0), pointer(octets(&key)), pointer(octets(values)), 0]).map(drop)
}

/// `BPF_MAP_UPDATE_BATCH`: as many keys as values. Says how many were written, if not all were.
pub(crate) fn set_all<K: Plain, V: Plain>(map: BorrowedFd<'_>, keys: &[K], values: &[V]) -> io::Result<()> {
    let count = u32::try_from(keys.len().min(values.len())).map_err(|_| io::ErrorKind::InvalidInput)?;
    let words = &mut [0, 0, pointer(octets(keys)), pointer(octets(values)), pair(count, number(map)), 0, 0];
    bpf(26, words).map(drop)
}

/// `BPF_MAP_DELETE_ELEM`; what is not there is gone.
pub(crate) fn delete<K: Plain>(map: BorrowedFd<'_>, key: K) -> io::Result<()> {
    let key = [key];
    match bpf(3, &mut [pair(number(map), 0), pointer(octets(&key)), 0, 0]) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done.map(drop),
    }
}

/// `BPF_MAP_GET_NEXT_KEY`
pub(crate) fn next_key<K: Plain>(map: BorrowedFd<'_>, key: Option<K>) -> io::Result<Option<K>> {
    let mut next = [zero::<K>()];
    let key = key.map(|key| [key]);
    let before = key.as_ref().map_or(0, |key| pointer(octets(key)));
    match bpf(4, &mut [pair(number(map), 0), before, octets_mut(&mut next).as_mut_ptr().expose_provenance() as u64, 0])
    {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        found => found.map(|_| next.first().copied()),
    }
}

/// `BPF_MAP_LOOKUP_BATCH` of a hash: what stands behind a place, at most as many as the slices hold, and the next place,
/// unless that was the end.
pub(crate) fn batch<K: Plain, V: Plain>(
    map: BorrowedFd<'_>,
    place: Option<u64>,
    keys: &mut [K],
    values: &mut [V],
) -> io::Result<(usize, Option<u64>)> {
    let count = u32::try_from(keys.len().min(values.len())).map_err(|_| io::ErrorKind::InvalidInput)?;
    let (before, mut after) = ([place.unwrap_or(0)], [0_u64]);
    let mut words = [
        place.map_or(0, |_| pointer(octets(&before))),
        octets_mut(&mut after).as_mut_ptr().expose_provenance() as u64,
        octets_mut(keys).as_mut_ptr().expose_provenance() as u64,
        octets_mut(values).as_mut_ptr().expose_provenance() as u64,
        pair(count, number(map)),
        0,
        0,
    ];
    let done = bpf(24, &mut words);
    let [a, b, c, d, ..] = words[4].to_ne_bytes();
    let found = usize::try_from(u32::from_ne_bytes([a, b, c, d]).min(count)).unwrap_or_default();
    match done {
        Ok(_) => Ok((found, after.first().copied())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((found, None)),
        Err(error) => Err(error),
    }
}

/// `BPF_OBJ_GET_INFO_BY_FD` of a map or a program: its number in the kernel.
pub(crate) fn id(object: BorrowedFd<'_>) -> io::Result<u32> {
    // struct bpf_map_info, struct bpf_prog_info: type, id, then what nobody asks for.
    let mut info = [0_u64; 1];
    let place = octets_mut(&mut info).as_mut_ptr().expose_provenance() as u64;
    bpf(15, &mut [pair(number(object), size_of_val(&info) as u32), place])?;
    let [_, _, _, _, a, b, c, d] = info.map(u64::to_ne_bytes).as_flattened().try_into().unwrap_or_default();
    Ok(u32::from_ne_bytes([a, b, c, d]))
}

/// `BPF_OBJ_GET`: what is pinned there.
pub(crate) fn pinned(path: &CStr) -> io::Result<OwnedFd> {
    bpf(7, &mut [pointer(path.to_bytes_with_nul()), 0]).map(descriptor)
}

/// `BPF_OBJ_PIN`
pub(crate) fn pin(fd: BorrowedFd<'_>, path: &CStr) -> io::Result<()> {
    bpf(6, &mut [pointer(path.to_bytes_with_nul()), pair(number(fd), 0)]).map(drop)
}

/// `BPF_LINK_CREATE`: a program on a link of the network.
pub(crate) fn link(program: BorrowedFd<'_>, index: u32, kind: u32, flags: u32) -> io::Result<OwnedFd> {
    let mut words = [0; 8];
    words[..2].copy_from_slice(&[pair(number(program), index), pair(kind, flags)]);
    bpf(28, &mut words).map(descriptor)
}

/// `BPF_LINK_UPDATE`: another program instead, without a packet in between that sees none.
pub(crate) fn update_link(link: BorrowedFd<'_>, program: BorrowedFd<'_>) -> io::Result<()> {
    bpf(29, &mut [pair(number(link), number(program)), 0]).map(drop)
}

/// `BPF_LINK_DETACH`: the program is off the network's link when this returns, whoever else holds the BPF link.
pub(crate) fn detach_link(link: BorrowedFd<'_>) -> io::Result<()> {
    bpf(34, &mut [pair(number(link), 0)]).map(drop)
}

/// `BPF_OBJ_GET_INFO_BY_FD` of a BPF link: the kind of the link, and the number of the network's link that it is on.
pub(crate) fn link_info(link: BorrowedFd<'_>) -> io::Result<(u32, u32)> {
    let mut info = [0_u64; 16];
    let place = octets_mut(&mut info).as_mut_ptr().expose_provenance() as u64;
    bpf(15, &mut [pair(number(link), size_of_val(&info) as u32), place])?;
    // struct bpf_link_info: type, id, prog_id, padding, then what the kind has: of XDP and TCX the number first.
    let [kind, _, index, ..] = info.map(|word| word.to_ne_bytes());
    let first = |[a, b, c, d, ..]: [u8; 8]| u32::from_ne_bytes([a, b, c, d]);
    Ok((first(kind), first(index)))
}

/// `CLOCK_MONOTONIC_COARSE`, by which the programs tell the time.
#[must_use]
pub fn monotonic() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel writes one `timespec` to the pointer, which lives through the call.
    let _ = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC_COARSE, &raw mut time) };
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// Whether a directory is of the file system that pins live in (`BPF_FS_MAGIC`).
pub(crate) fn holds_pins(path: &CStr) -> io::Result<bool> {
    // SAFETY: all octets zero are a valid `statfs`.
    let mut found: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: `path` ends with a NUL, and the C library writes one `statfs` to the pointer, which lives through the call.
    let answer = unsafe { libc::statfs(path.as_ptr(), &raw mut found) };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(found.f_type == 0xcafe_4a11) }
}

/// `mount(2)` of that file system.
pub(crate) fn mount(path: &CStr) -> io::Result<()> {
    let (name, options) = (c"bpf", c"mode=0700");
    // SAFETY: all are strings with an end, and the kernel keeps none of them.
    let answer = unsafe { libc::mount(name.as_ptr(), path.as_ptr(), name.as_ptr(), 0, options.as_ptr().cast()) };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// A path for the kernel.
pub(crate) fn c_path(path: &Path) -> io::Result<std::ffi::CString> {
    use std::os::unix::ffi::OsStrExt as _;
    Ok(std::ffi::CString::new(path.as_os_str().as_bytes())?)
}

/// The descriptor that its owner lends.
pub(crate) fn borrowed<T>(_owner: &T, fd: std::os::fd::RawFd) -> BorrowedFd<'_> {
    // SAFETY: the callers' owner holds the descriptor open for as long as it is borrowed.
    unsafe { BorrowedFd::borrow_raw(fd) }
}

/// The values of an array map, as the programs have them at this moment.
pub(crate) struct Shared {
    begin: NonNull<libc::c_void>,
    length: usize,
}

// SAFETY: all access to the memory goes through atomics.
unsafe impl Send for Shared {}

impl Shared {
    /// Those of a map that was made with `BPF_F_MMAPABLE`, so many octets in all.
    pub(crate) fn new(map: BorrowedFd<'_>, length: usize) -> io::Result<Self> {
        let (access, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
        // SAFETY: a mapping at a place of the kernel's choice touches nothing that is there.
        let begin = unsafe { libc::mmap(std::ptr::null_mut(), length, access, flags, map.as_raw_fd(), 0) };
        if begin == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let begin = NonNull::new(begin).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { begin, length })
    }

    /// A word of 64 bits, by its index.
    pub(crate) fn word(&self, index: usize) -> Option<&AtomicU64> {
        let fits = index.checked_add(1).and_then(|end| end.checked_mul(8)).is_some_and(|end| end <= self.length);
        // SAFETY: within the mapping, which is aligned to a page and lives as long as `self`; the kernel's programs read and
        // write whole words there.
        fits.then(|| unsafe { &*self.begin.as_ptr().cast::<AtomicU64>().add(index) })
    }

    /// One of 32 bits.
    pub(crate) fn half(&self, index: usize) -> Option<&AtomicU32> {
        let fits = index.checked_add(1).and_then(|end| end.checked_mul(4)).is_some_and(|end| end <= self.length);
        // SAFETY: as in `word`.
        fits.then(|| unsafe { &*self.begin.as_ptr().cast::<AtomicU32>().add(index) })
    }

    /// Reads a value that begins at an element of its own size; each of its words is read as a whole.
    pub(crate) fn read<T: Plain>(&self, element: usize) -> Option<T> {
        let words = size_of::<T>() / 8;
        let read = |word| self.word(element * words + word).map(|word| word.load(Ordering::Acquire).to_ne_bytes());
        let octets: Option<Vec<[u8; 8]>> = (0..words).map(read).collect();
        value(octets?.as_flattened())
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and all references into it have ended with the borrow of `self`.
        let _ = unsafe { libc::munmap(self.begin.as_ptr(), self.length) };
    }
}
