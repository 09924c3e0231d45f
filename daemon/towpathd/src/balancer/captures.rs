//! Captured packets, on their way from the kernel's ring to those who watch them.
//!
//! Never keeps more than a moment's: what is too much is left out.

use std::fmt::Write as _;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use api::watch::CapturedPacket;
use bpf_loader::{Captured, Loader, Ring};
use bpf_tables::Balancer;

use super::surroundings::Surroundings;

/// Packets that are told in a second at most.
const MOST: u32 = 2000;

/// The ring, while somebody watches.
pub(super) struct Captures {
    ring: Ring,
    /// How far the clock of the kernel's programs is behind that of persons.
    offset: Duration,
    second: Instant,
    told: u32,
}

impl Captures {
    /// Begins to capture one packet of so many.
    ///
    /// # Errors
    /// In words, when the kernel does not give its ring.
    pub(super) fn begin(loader: &mut Loader, every: u32) -> Result<Self, String> {
        let ring = loader.ring().map_err(|error| error.to_string())?;
        loader.maps().capture(every).map_err(|error| error.to_string())?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let offset = now.saturating_sub(bpf_loader::monotonic());
        Ok(Self { ring, offset, second: Instant::now(), told: 0 })
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.ring.as_fd()
    }

    /// What has been captured meanwhile.
    pub(super) fn take(&mut self, state: &Balancer, surroundings: &Surroundings) -> Vec<CapturedPacket> {
        let mut packets = Vec::new();
        if self.second.elapsed() >= Duration::from_secs(1) {
            (self.second, self.told) = (Instant::now(), 0);
        }
        // The ring is emptied in any case, so that it has room for what comes then.
        while let Some(captured) = self.ring.take() {
            if self.told < MOST {
                self.told += 1;
                packets.push(self.packet(&captured, state, surroundings));
            }
        }
        packets
    }

    fn packet(&self, captured: &Captured, state: &Balancer, surroundings: &Surroundings) -> CapturedPacket {
        let kept = usize::try_from(captured.kept).unwrap_or(usize::MAX);
        let head = captured.head.get(..kept).unwrap_or(&captured.head);
        let octets = head.iter().fold(String::new(), |mut text, octet| {
            let _ = write!(text, "{octet:02x}");
            text
        });
        let time = self.offset + Duration::from_nanos(captured.at);
        let link = surroundings.link(captured.link).map(|link| link.name.to_string());
        CapturedPacket {
            time: u64::try_from(time.as_micros()).unwrap_or(u64::MAX),
            leaves: captured.leaves(),
            interface: link.unwrap_or_else(|| captured.link.to_string()),
            service: state.name(captured.service).map_or_else(|| captured.service.to_string(), |name| name.to_string()),
            backend: state.node(captured.backend).map_or_else(|| captured.backend.to_string(), |node| node.to_string()),
            length: captured.length,
            octets,
        }
    }
}
