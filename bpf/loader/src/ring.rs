//! The ring of captured packets.
//!
//! Never waits: what is there is taken.

use std::os::fd::AsRawFd as _;
use std::os::fd::{AsFd, BorrowedFd};

use aya::maps::{Map, MapData, RingBuf};
use bpf_common::layout::Captured;

use crate::pins::Pins;
use crate::{LoadError, Loader, sys};

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
            if let Some(captured) = sys::value(&item) {
                return Some(captured);
            }
        }
    }
}

impl AsFd for Ring {
    fn as_fd(&self) -> BorrowedFd<'_> {
        sys::borrowed(self, self.0.as_raw_fd())
    }
}
