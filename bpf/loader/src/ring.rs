//! The ring of captured packets.
//!
//! Never waits: what is there is taken.

use std::os::fd::AsRawFd as _;
use std::os::fd::{AsFd, BorrowedFd};

use aya::maps::{Map, MapData, RingBuf};
use bpf_common::layout::{self, HEAD, WENT};

use crate::pins::Pins;
use crate::{LoadError, Loader, sys};

/// A packet at one moment.
#[derive(Clone, Debug)]
pub struct Captured {
    /// Nanoseconds since the machine started (`CLOCK_MONOTONIC`).
    pub at: u64,
    /// Octets of the whole packet, link header included.
    pub length: u32,
    /// How many of them are in `head`.
    pub kept: u32,
    /// The number of the service.
    pub service: u32,
    /// The number of the backend.
    pub backend: u32,
    /// The link that it came by, or goes by.
    pub link: u32,
    moment: u32,
    /// Its first octets.
    pub head: [u8; HEAD],
}

impl Captured {
    /// As it left, or else as it came.
    #[must_use]
    pub fn leaves(&self) -> bool {
        self.moment == WENT
    }
}

/// The ring.
pub struct Ring(RingBuf<MapData>);

impl Loader {
    /// The ring of captured packets.
    ///
    /// # Errors
    /// When the kernel does not give it.
    pub fn ring(&self) -> Result<Ring, LoadError> {
        Ring::open(&self.pins)
    }
}

impl Ring {
    fn open(pins: &Pins) -> Result<Self, LoadError> {
        let words = |error: &dyn std::error::Error| LoadError::Maps(crate::object::chain(error));
        let data = MapData::from_pin(pins.map("CAPTURED")).map_err(|error| words(&error))?;
        let ring = RingBuf::try_from(Map::RingBuf(data)).map_err(|error| words(&error))?;
        Ok(Self(ring))
    }

    /// The next captured packet, if there is one.
    pub fn take(&mut self) -> Option<Captured> {
        loop {
            let item = self.0.next()?;
            if let Some(captured) = sys::value::<layout::Captured>(&item) {
                let layout::Captured { at, length, kept, service, backend, link, moment, head } = captured;
                return Some(Captured { at, length, kept, service, backend, link, moment, head });
            }
        }
    }
}

impl AsFd for Ring {
    fn as_fd(&self) -> BorrowedFd<'_> {
        sys::borrowed(self, self.0.as_raw_fd())
    }
}
