//! Who is logged in: sessions of systemd-logind, else the file of logins (`utmp(5)`).

use std::fs;
use std::path::Path;

use api::view::machine::{LoggedIn, Users};

use crate::run::moment;

const SESSIONS: &str = "/run/systemd/sessions";
const LOGINS: &str = "/run/utmp";
/// `USER_PROCESS` of `utmp(5)`.
const USER_PROCESS: u16 = 7;

/// Where the fields of `struct utmp` stand: its length, its time.
const RECORD: (usize, usize) = if cfg!(target_arch = "aarch64") { (400, 344) } else { (384, 340) };

/// `show users`
pub(crate) fn users() -> Users {
    let sessions = fs::read_dir(SESSIONS).into_iter().flatten().flatten();
    let texts = sessions.filter_map(|entry| fs::read_to_string(entry.path()).ok());
    let mut users: Vec<LoggedIn> = texts.filter_map(|text| session(&text)).collect();
    if !Path::new(SESSIONS).is_dir() {
        let records = fs::read(LOGINS).unwrap_or_default();
        users = records.chunks_exact(RECORD.0).filter_map(login).collect();
    }
    users.sort_by_key(|user| (user.since, user.line.clone()));
    Users { utc_offset: kernel::host::local_time(moment().unix).0, users }
}

/// `KEY=value` on each line; a session without a terminal is nobody's who sits there.
fn session(text: &str) -> Option<LoggedIn> {
    let of = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).map(str::to_owned);
    let microseconds: u64 = of("REALTIME")?.parse().ok()?;
    if of("CLASS").is_some_and(|class| class != "user") || of("STATE").is_some_and(|state| state == "closing") {
        return None;
    }
    Some(LoggedIn { user: of("USER")?, line: of("TTY")?, since: microseconds / 1_000_000, from: of("REMOTE_HOST") })
}

/// One `struct utmp`: type, terminal at 8, user at 44, host at 76, and the time.
fn login(record: &[u8]) -> Option<LoggedIn> {
    let kind = u16::from_ne_bytes(*record.first_chunk()?);
    let text = |at: usize, length: usize| {
        let field = record.get(at..at.checked_add(length)?)?;
        let end = field.iter().position(|octet| *octet == 0).unwrap_or(field.len());
        Some(String::from_utf8_lossy(field.get(..end)?).into_owned()).filter(|text| !text.is_empty())
    };
    let since = u32::from_ne_bytes(*record.get(RECORD.1..)?.first_chunk()?);
    let login = LoggedIn { user: text(44, 32)?, line: text(8, 32)?, since: u64::from(since), from: text(76, 256) };
    (kind == USER_PROCESS).then_some(login)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]
    use super::*;

    #[test]
    fn a_session_with_a_terminal_is_somebody() {
        let text =
            "UID=0\nUSER=root\nSTATE=active\nCLASS=user\nTTY=pts/0\nREMOTE_HOST=192.0.2.5\nREALTIME=1609935533000000\n";
        let root = LoggedIn {
            user: "root".into(),
            line: "pts/0".into(),
            since: 1_609_935_533,
            from: Some("192.0.2.5".into()),
        };
        assert_eq!(session(text), Some(root));
        assert_eq!(session(&text.replace("TTY", "NO")), None);
        assert_eq!(session(&text.replace("=active", "=closing")), None);
        assert_eq!(session("nonsense"), None);
    }

    #[test]
    fn a_login_of_the_file_is_read_and_an_ended_one_is_not() {
        let mut record = vec![0_u8; RECORD.0];
        record[..2].copy_from_slice(&USER_PROCESS.to_ne_bytes());
        record[8..12].copy_from_slice(b"tty1");
        record[44..49].copy_from_slice(b"alice");
        record[RECORD.1..RECORD.1 + 4].copy_from_slice(&77_u32.to_ne_bytes());
        let alice = LoggedIn { user: "alice".into(), line: "tty1".into(), since: 77, from: None };
        assert_eq!(login(&record), Some(alice));
        record[0] = 8;
        assert_eq!(login(&record), None);
        assert_eq!(login(&record[..100]), None);
    }
}
