//! What drivers do not send of that which the programs for XDP have sent on its way.
//!
//! Never keeps the balancer from running: where the kernel does not tell it, it is not counted, and the words say so.

use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use bpf_common::layout::Watched;

use crate::btf::{self, Btf};
use crate::{LoadError, Loader, sys, tried};

impl Loader {
    /// Says to the programs that listen what is ours, and where in the kernel's structures it stands.
    pub(crate) fn watch(&mut self) {
        if self.unwatched.is_none() {
            self.unwatched = self.try_to_watch().err();
        }
    }

    fn try_to_watch(&self) -> Result<(), String> {
        let words = |error: &dyn std::error::Error| crate::object::chain(error);
        let btf = Btf::read(Path::new(btf::KERNEL)).ok_or_else(|| format!("no {} to be read", btf::KERNEL))?;
        let place = |structure, word| {
            btf.offset(structure, word).ok_or_else(|| format!("this kernel has no {word} in its {structure}"))
        };
        let namespace = std::fs::metadata("/proc/thread-self/ns/net").map_err(|error| words(&error))?.ino();
        let program = self.programs.get("towpath_xdp").map(OwnedFd::as_fd).ok_or("there is no towpath_xdp")?;
        let watched = Watched {
            namespace: u32::try_from(namespace).map_err(|error| words(&error))?,
            program: sys::id(program).map_err(|error| words(&error))?,
            device_index: place("net_device", "ifindex")?,
            device_net: place("net_device", "nd_net")?,
            net_number: place("net", "ns")?.saturating_add(place("ns_common", "inum")?),
            program_aux: place("bpf_prog", "aux")?,
            aux_id: place("bpf_prog_aux", "id")?,
            zero: 0,
        };
        let written = self.maps.map("WATCHED").and_then(|map| sys::set(map, 0_u32, &[watched]));
        written.map_err(|error| words(&error))
    }

    /// Why packets that drivers do not send are not counted, if they are not.
    #[must_use]
    pub fn unwatched(&self) -> Option<&str> {
        self.unwatched.as_deref()
    }

    /// Whether a program for XDP is on a link of the network from now on.
    ///
    /// # Errors
    /// What the kernel said.
    pub(crate) fn watch_link(&self, index: u32, on: bool) -> Result<(), LoadError> {
        let links = tried("opening the maps", self.maps.map("XDP_LINKS"))?;
        let written = if on { sys::set(links, index, &[1_u32]) } else { sys::delete(links, index) };
        tried("writing which links have a program", written)
    }
}
