//! What is told to who keeps the daemon running: that it is ready, that its loop still turns, that it ends (sd_notify(3)).
//!
//! Never waits, and says nothing where nobody asked to be told.

use std::ffi::OsString;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

/// The one who keeps the daemon running.
pub(crate) struct Supervisor {
    door: Option<(UnixDatagram, SocketAddr)>,
    /// How often it wants to hear that the loop turns.
    every: Option<Duration>,
    due: Instant,
}

impl Supervisor {
    /// As the environment names it (`NOTIFY_SOCKET`, `WATCHDOG_USEC`).
    pub(crate) fn of_environment() -> Self {
        let address = std::env::var_os("NOTIFY_SOCKET").and_then(|name| address(&name));
        let socket = UnixDatagram::unbound().and_then(|socket| socket.set_nonblocking(true).map(|()| socket)).ok();
        let limit = std::env::var("WATCHDOG_USEC").ok().and_then(|text| text.parse().ok()).filter(|limit| *limit > 0);
        // Twice within the limit, as sd_watchdog_enabled(3) advises.
        let every = limit.map(|limit: u64| Duration::from_micros(limit / 2));
        Self { door: socket.zip(address), every, due: Instant::now() }
    }

    /// The daemon answers.
    pub(crate) fn ready(&self) {
        self.tell("READY=1");
    }

    /// The daemon ends.
    pub(crate) fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// The loop turns; when it has to turn again at the latest.
    pub(crate) fn alive(&mut self, now: Instant) -> Option<Instant> {
        let every = self.every.filter(|_| self.door.is_some())?;
        if self.due <= now {
            self.due = now + every;
            self.tell("WATCHDOG=1");
        }
        Some(self.due)
    }

    fn tell(&self, what: &str) {
        if let Some((socket, address)) = &self.door {
            // Whoever does not listen is not waited for.
            let _ = socket.send_to_addr(what.as_bytes(), address);
        }
    }
}

/// A path, or a name without one behind `@`.
fn address(name: &OsString) -> Option<SocketAddr> {
    match name.as_bytes().split_first()? {
        (b'@', name) => SocketAddr::from_abstract_name(name).ok(),
        _ => SocketAddr::from_pathname(name).ok(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;

    #[test]
    fn the_supervisor_hears_of_the_start_and_twice_within_its_limit() {
        let path = std::env::temp_dir().join(format!("towpathd-notify-{}", std::process::id()));
        let listener = UnixDatagram::bind(&path).unwrap();
        listener.set_nonblocking(true).unwrap();
        let begin = Instant::now();
        let door = Some((UnixDatagram::unbound().unwrap(), address(&path.clone().into_os_string()).unwrap()));
        let mut supervisor = Supervisor { door, every: Some(Duration::from_secs(5)), due: begin };
        let heard = || {
            let mut octets = [0; 64];
            listener
                .recv(&mut octets)
                .ok()
                .map(|length| String::from_utf8_lossy(octets.get(..length).unwrap()).into_owned())
        };
        supervisor.ready();
        assert_eq!(heard().as_deref(), Some("READY=1"));
        assert_eq!(supervisor.alive(begin), Some(begin + Duration::from_secs(5)));
        assert_eq!(heard().as_deref(), Some("WATCHDOG=1"));
        supervisor.alive(begin + Duration::from_secs(4));
        assert_eq!(heard(), None);
        supervisor.alive(begin + Duration::from_secs(5));
        assert_eq!(heard().as_deref(), Some("WATCHDOG=1"));
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn names_without_a_path_are_understood() {
        assert!(
            address(&OsString::from("@towpath/notify")).is_some_and(|address| address.as_abstract_name().is_some())
        );
        assert!(address(&OsString::from("/run/systemd/notify")).is_some_and(|address| address.as_pathname().is_some()));
        assert!(address(&OsString::new()).is_none());
    }
}
