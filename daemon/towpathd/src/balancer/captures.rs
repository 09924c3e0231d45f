//! Captured packets, on their way from the kernel's ring to those who watch them.
//!
//! Never keeps more than a moment's: what is too much is left out.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use api::digits;
use api::watch::{CapturedPacket, WantedPackets};
use bpf_loader::{Capture, Captured, Loader, Ring};
use bpf_tables::Balancer;
use bpf_tables::reason::Reason;

use super::surroundings::Surroundings;

/// Packets that are told in a second at most.
const MOST: u32 = 2000;
/// How long a second is.
const SECOND: Duration = Duration::from_secs(1);
/// A number that no service and no backend has.
const NOBODY: u32 = u32::MAX;

/// The ring, while somebody watches.
pub(super) struct Captures {
    ring: Ring,
    wanted: WantedPackets,
    /// How far the clock of the kernel's programs is behind that of persons.
    offset: Duration,
    second: Instant,
    told: u32,
    left_out: u64,
}

impl Captures {
    /// Begins to listen for these packets; the programs have to be told of them ([`Captures::aim`]).
    ///
    /// # Errors
    /// In words, when the kernel does not give its ring.
    pub(super) fn begin(loader: &Loader, wanted: WantedPackets) -> Result<Self, String> {
        let ring = loader.ring().map_err(|error| error.to_string())?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let offset = now.saturating_sub(bpf_loader::monotonic());
        Ok(Self { ring, wanted, offset, second: Instant::now(), told: 0, left_out: 0 })
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.ring.as_fd()
    }

    /// What the programs shall capture: what is wanted, or more where one number does not say it.
    pub(super) fn aim(&self, state: &Balancer) -> Capture {
        let one = |numbers: Vec<u32>| match numbers.as_slice() {
            [] => NOBODY,
            [one] => *one,
            _ => 0,
        };
        let bit =
            |word: &String| Reason::ALL.iter().find(|reason| reason.word() == word).map(|reason| 1 << *reason as u32);
        Capture {
            every: self.wanted.every.max(1),
            service: self.wanted.service.as_ref().map_or(0, |name| one(state.services_called(name))),
            backend: self.wanted.backend.map_or(0, |node| one(state.backends_at(node))),
            reasons: self.wanted.reason.as_ref().and_then(bit).unwrap_or_default(),
        }
    }

    /// When it is to be told at the latest how many were left out.
    pub(super) fn due(&self) -> Option<Instant> {
        (self.left_out > 0).then_some(self.second + SECOND)
    }

    /// What has been captured meanwhile, and how many were left out in the second that is over.
    pub(super) fn take(&mut self, state: &Balancer, surroundings: &Surroundings) -> (Vec<CapturedPacket>, u64) {
        let mut packets = Vec::new();
        let mut left_out = 0;
        if self.second.elapsed() >= SECOND {
            (self.second, self.told) = (Instant::now(), 0);
            left_out = std::mem::take(&mut self.left_out);
        }
        // The ring is emptied in any case, so that it has room for what comes then.
        while let Some(captured) = self.ring.take() {
            if self.told >= MOST {
                self.left_out = self.left_out.saturating_add(1);
                continue;
            }
            let packet = self.packet(&captured, state, surroundings);
            if self.wanted.wants(&packet) {
                self.told += 1;
                packets.push(packet);
            }
        }
        (packets, left_out)
    }

    fn packet(&self, captured: &Captured, state: &Balancer, surroundings: &Surroundings) -> CapturedPacket {
        let kept = usize::try_from(captured.kept).unwrap_or(usize::MAX);
        let head = captured.head.get(..kept).unwrap_or(&captured.head);
        let time = self.offset + Duration::from_nanos(captured.at);
        let link = surroundings.link(captured.link).map(|link| link.name.to_string());
        CapturedPacket {
            time: u64::try_from(time.as_micros()).unwrap_or(u64::MAX),
            leaves: captured.leaves(),
            interface: link.unwrap_or_else(|| captured.link.to_string()),
            service: state.name(captured.service).map(|name| name.to_string()),
            backend: state.node(captured.backend),
            reason: captured.is_lost().then(|| reason(captured.reason).to_owned()),
            length: captured.length,
            octets: digits::of(head),
        }
    }
}

/// The word of a reason, by its number.
fn reason(number: u32) -> &'static str {
    Reason::ALL.iter().find(|reason| **reason as u32 == number).map_or("unknown", |reason| reason.word())
}
