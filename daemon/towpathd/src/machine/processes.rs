//! Programs that run, from `/proc/PID`.

use std::collections::BTreeMap;
use std::fs;

use api::ApiError;
use api::view::process::{Process, Processes};

use super::{system, text};
use crate::run::moment;

/// `USER_HZ`: in this unit `/proc` tells times, on every architecture that Linux still runs on.
const TICKS: u64 = 100;

/// `show system processes`
///
/// # Errors
/// When `/proc` is not there.
pub(crate) fn processes() -> Result<Processes, ApiError> {
    let time = moment().unix;
    let up = system::seconds_up()?;
    let memory = system::memory()?.total;
    let users = users(&fs::read_to_string("/etc/passwd").unwrap_or_default());
    let now = Now { time, up, memory };
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let mut processes: Vec<Process> = numbers.filter_map(|pid| read(pid, &users, &now)).collect();
    processes.sort_by_key(|process| process.pid);
    Ok(Processes { time, utc_offset: kernel::host::local_time(time).0, processes })
}

/// What the numbers of a process are measured against.
struct Now {
    time: u64,
    up: u64,
    memory: u64,
}

/// A process; none if it ended meanwhile.
fn read(pid: u32, users: &BTreeMap<u32, String>, now: &Now) -> Option<Process> {
    let stat = text(&format!("/proc/{pid}/stat")).ok()?;
    let status = text(&format!("/proc/{pid}/status")).ok()?;
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let uid = status.lines().find_map(|line| line.strip_prefix("Uid:")?.split_whitespace().next()?.parse().ok())?;
    let user = users.get(&uid).cloned().unwrap_or_else(|| uid.to_string());
    process(pid, user, &stat, &command, now)
}

/// The fields of `/proc/PID/stat` (proc(5)); the name in parentheses may itself hold any sign.
fn process(pid: u32, user: String, stat: &str, command: &[u8], now: &Now) -> Option<Process> {
    let (head, tail) = stat.rsplit_once(')')?;
    let name = head.split_once('(')?.1;
    let fields: Vec<&str> = tail.split_whitespace().collect();
    let number = |field: usize| fields.get(field).and_then(|word| word.parse::<u64>().ok());
    let ticks = number(11)?.saturating_add(number(12)?);
    let started = number(19)? / TICKS;
    let lived = now.up.saturating_sub(started).max(1);
    let resident = number(21)?.saturating_mul(4096);
    let words = String::from_utf8_lossy(command).replace('\0', " ");
    // A name may hold signs that would move the terminal's cursor.
    let words: String = words.trim_end().chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    Some(Process {
        pid,
        user,
        cpu_percent: percent(ticks, lived.saturating_mul(TICKS)),
        memory_percent: percent(resident, now.memory.max(1)),
        virtual_size: number(20)?,
        resident_size: resident,
        state: (*fields.first()?).to_owned(),
        started: now.time.saturating_sub(now.up).saturating_add(started),
        cpu_time: ticks / TICKS,
        command: if words.is_empty() { format!("[{name}]") } else { words },
    })
}

/// With one digit behind the point.
fn percent(part: u64, whole: u64) -> f64 {
    let tenths = u128::from(part).saturating_mul(1000) / u128::from(whole.max(1));
    f64::from(u32::try_from(tenths).unwrap_or(u32::MAX)) / 10.0
}

fn users(passwd: &str) -> BTreeMap<u32, String> {
    let row = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next()?.to_owned();
        Some((fields.nth(1)?.parse().ok()?, name))
    };
    passwd.lines().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]
    use super::*;

    #[test]
    fn a_process_is_read_whatever_its_name_holds() {
        let now = Now { time: 10_000, up: 1000, memory: 40_960_000 };
        let stat = "42 (a) b (c) S 1 42 42 0 -1 4194560 5 0 0 0 250 250 0 0 20 0 1 0 90000 8192000 1000 1";
        let process = process(42, "root".into(), stat, b"/bin/a\0--x\0", &now).unwrap();
        assert_eq!((process.pid, process.state.as_str(), process.command.as_str()), (42, "S", "/bin/a --x"));
        assert_eq!((process.cpu_time, process.started), (5, 9900));
        assert!((process.cpu_percent - 5.0).abs() < 0.01 && (process.memory_percent - 10.0).abs() < 0.01);
    }

    #[test]
    fn a_thread_of_the_kernel_has_its_name_in_brackets_and_nonsense_is_none() {
        let now = Now { time: 10, up: 10, memory: 0 };
        let stat = "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 0 0 0 1";
        assert_eq!(process(2, "0".into(), stat, b"", &now).unwrap().command, "[kthreadd]");
        for nonsense in ["", "1", "1 (x", "1 (x) S", ") ("] {
            assert!(process(1, "0".into(), nonsense, b"", &now).is_none(), "{nonsense}");
        }
    }

    #[test]
    fn this_process_is_among_them() {
        let own = std::process::id();
        assert!(processes().unwrap().processes.iter().any(|process| process.pid == own));
    }
}
