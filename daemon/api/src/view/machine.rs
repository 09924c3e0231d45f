//! `show system uptime | memory | storage`, `show date`, `show users`, in the layouts of the programs
//! that print them everywhere: `uptime`, `free`, `df -h`, `date`, `who -H`.
//!
//! Times are seconds since the Unix epoch and become dates here; never reads a clock.

use serde::{Deserialize, Serialize};

use crate::text::{Align, Table, Text, clock, date_line, date_time, minute, size};

/// `show system uptime`
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Uptime {
    /// Now, in seconds since the Unix epoch.
    pub time: u64,
    /// Offset of the router's time zone in seconds, for the text form.
    #[serde(default)]
    pub utc_offset: i32,
    /// Seconds since the machine started.
    pub uptime: u64,
    /// How many people are logged in.
    pub users: u64,
    /// Runnable tasks, averaged over 1, 5 and 15 minutes.
    pub load_average: [f64; 3],
}

impl Text for Uptime {
    fn text(&self) -> String {
        format!(" {}\n", self.line())
    }
}

impl Uptime {
    /// The line of `uptime`: ` 12:30:25 up 1 day,  2:03,  1 user,  load average: 0.00, 0.01, 0.05`.
    pub(super) fn line(&self) -> String {
        let (days, hours, minutes) = (self.uptime / 86_400, self.uptime % 86_400 / 3600, self.uptime % 3600 / 60);
        let days = match days {
            0 => String::new(),
            1 => "1 day, ".to_owned(),
            days => format!("{days} days, "),
        };
        let rest = if hours > 0 { format!("{hours:>2}:{minutes:02}") } else { format!("{minutes} min") };
        let users = if self.users == 1 { "1 user".to_owned() } else { format!("{} users", self.users) };
        let [one, five, fifteen] = self.load_average;
        format!(
            "{} up {days}{rest},  {users},  load average: {one:.2}, {five:.2}, {fifteen:.2}",
            clock(self.time, self.utc_offset)
        )
    }
}

/// `show system memory`, `show hardware memory`: octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Memory {
    /// All that the kernel manages, octets.
    pub total: u64,
    /// Neither free nor a cache, octets.
    pub used: u64,
    /// Used for nothing at all, octets.
    pub free: u64,
    /// In memory file systems, octets.
    pub shared: u64,
    /// Buffers and caches, octets.
    pub cache: u64,
    /// What programs could still get without swapping, octets.
    pub available: u64,
    /// Size of the swap space, octets.
    pub swap_total: u64,
    /// Swap space in use, octets.
    pub swap_used: u64,
}

impl Text for Memory {
    fn text(&self) -> String {
        let columns = ["total", "used", "free", "shared", "buff/cache", "available"];
        let columns = columns.map(|title| (title, Align::Right, 11));
        let mut table = Table::new(&[&[("", Align::Left, 7)], columns.as_slice()].concat());
        let Self { total, used, free, shared, cache, available, swap_total, swap_used } = *self;
        let kibibytes = |octets: u64| (octets / 1024).to_string();
        let row = |title: &str, counts: &[u64]| {
            std::iter::once(title.to_owned()).chain(counts.iter().map(|count| kibibytes(*count))).collect::<Vec<_>>()
        };
        table.row(row("Mem:", &[total, used, free, shared, cache, available]));
        table.row(row("Swap:", &[swap_total, swap_used, swap_total.saturating_sub(swap_used)]));
        table.text()
    }
}

/// `show system storage`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Storage {
    /// In the order in which they were mounted.
    pub filesystems: Vec<Filesystem>,
}

/// One mounted file system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Filesystem {
    /// What is mounted: `/dev/sda1`, `tmpfs`.
    pub device: String,
    /// `ext4`, `tmpfs`.
    pub kind: String,
    /// Where.
    pub mounted_on: String,
    /// Octets.
    pub size: u64,
    /// Octets in use.
    pub used: u64,
    /// Octets that a user could still write.
    pub available: u64,
}

impl Text for Storage {
    fn text(&self) -> String {
        let mut table = Table::new(&[
            ("Filesystem", Align::Left, 14),
            ("Size", Align::Right, 5),
            ("Used", Align::Right, 5),
            ("Avail", Align::Right, 5),
            ("Use%", Align::Right, 4),
            ("Mounted on", Align::Left, 0),
        ]);
        for Filesystem { device, mounted_on, size: total, used, available, .. } in &self.filesystems {
            // As `df` counts: of what users may have, rounded up.
            let whole = used.saturating_add(*available);
            let percent = if whole == 0 { "-".to_owned() } else { format!("{}%", percent(*used, whole)) };
            table.row([device.clone(), size(*total), size(*used), size(*available), percent, mounted_on.clone()]);
        }
        table.text()
    }
}

fn percent(part: u64, whole: u64) -> u128 {
    (u128::from(part).saturating_mul(100)).div_ceil(u128::from(whole.max(1)))
}

/// `show date`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Date {
    /// Seconds since the Unix epoch.
    pub time: u64,
    /// Offset of the router's time zone in seconds.
    pub utc_offset: i32,
    /// Its short name: `CET`.
    pub zone: String,
}

impl Text for Date {
    fn text(&self) -> String {
        format!("{}\n", date_line(self.time, self.utc_offset, &self.zone))
    }
}

/// `show users`, `show system login users`: who is logged in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Users {
    /// Offset of the router's time zone in seconds, for the text form.
    #[serde(default)]
    pub utc_offset: i32,
    /// In the order in which they came.
    pub users: Vec<LoggedIn>,
}

/// One person at one terminal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedIn {
    /// The login name.
    pub user: String,
    /// `tty1`, `pts/0`
    pub line: String,
    /// Since when, in seconds since the Unix epoch.
    pub since: u64,
    /// The host that they came from; absent at the console.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

impl Text for Users {
    fn text(&self) -> String {
        let mut table = Table::new(&[
            ("NAME", Align::Left, 8),
            ("LINE", Align::Left, 12),
            ("TIME", Align::Left, 16),
            ("COMMENT", Align::Left, 0),
        ]);
        for LoggedIn { user, line, since, from } in &self.users {
            let from = from.as_ref().map(|host| format!("({host})")).unwrap_or_default();
            let since = minute(&date_time(*since, self.utc_offset));
            table.row([user.clone(), line.clone(), since, from]);
        }
        table.text()
    }
}
