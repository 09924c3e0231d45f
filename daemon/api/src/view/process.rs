//! `show system processes | connections | kernel-messages`, in the layouts of `ps aux`, `netstat -an` and `dmesg`.
//!
//! Never sorts; never looks behind what the kernel tells of a process.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::text::{Align, Table, Text, date_time};

/// `show system processes`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Processes {
    /// Now, in seconds since the Unix epoch.
    pub time: u64,
    /// Offset of the router's time zone in seconds, for the text form.
    #[serde(default)]
    pub utc_offset: i32,
    /// In the order of their numbers.
    pub processes: Vec<Process>,
}

/// One process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Whose it is.
    pub user: String,
    /// Percent of one processor since it started.
    pub cpu_percent: f64,
    /// Percent of the machine's memory.
    pub memory_percent: f64,
    /// Size of its address space, octets.
    pub virtual_size: u64,
    /// What of that is in memory, octets.
    pub resident_size: u64,
    /// `R` running, `S` sleeping, `D` waiting for a disk, `T` stopped, `Z` ended, `I` idle.
    pub state: String,
    /// When it started, in seconds since the Unix epoch.
    pub started: u64,
    /// Seconds of processor time.
    pub cpu_time: u64,
    /// The command line; the name in brackets for a thread of the kernel.
    pub command: String,
}

impl Text for Processes {
    fn text(&self) -> String {
        let mut table = Table::new(&[
            ("USER", Align::Left, 8),
            ("PID", Align::Right, 7),
            ("%CPU", Align::Right, 4),
            ("%MEM", Align::Right, 4),
            ("VSZ", Align::Right, 7),
            ("RSS", Align::Right, 6),
            ("STAT", Align::Left, 4),
            ("START", Align::Left, 5),
            ("TIME", Align::Right, 6),
            ("COMMAND", Align::Left, 0),
        ]);
        for process in &self.processes {
            let Process { user, pid, cpu_percent, memory_percent, cpu_time, command, .. } = process;
            table.row([
                user.clone(),
                pid.to_string(),
                format!("{cpu_percent:.1}"),
                format!("{memory_percent:.1}"),
                (process.virtual_size / 1024).to_string(),
                (process.resident_size / 1024).to_string(),
                process.state.clone(),
                self.start(process.started),
                format!("{}:{:02}", cpu_time / 60, cpu_time % 60),
                command.clone(),
            ]);
        }
        table.text()
    }
}

impl Processes {
    /// The time of day of what started within a day, else the date.
    fn start(&self, started: u64) -> String {
        let told = date_time(started, self.utc_offset);
        let (date, time) = told.split_once(' ').unwrap_or_default();
        let part = if self.time.saturating_sub(started) < 86_400 { time } else { date.get(5..).unwrap_or_default() };
        part.get(..5).unwrap_or_default().to_owned()
    }
}

/// `show system connections`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connections {
    /// TCP first, then UDP, each as the kernel lists them.
    pub connections: Vec<Connection>,
}

/// One socket of the router's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Connection {
    /// `tcp`, `tcp6`, `udp`, `udp6`
    pub protocol: String,
    /// Octets received that nobody has read yet.
    pub receive_queue: u64,
    /// Octets sent that the other side has not acknowledged.
    pub send_queue: u64,
    /// Our end.
    pub local: SocketAddr,
    /// The other end; unspecified with port 0 where there is none.
    pub remote: SocketAddr,
    /// `LISTEN`, `ESTABLISHED`; absent for UDP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

impl Text for Connections {
    fn text(&self) -> String {
        let mut table = Table::new(&[
            ("Proto", Align::Left, 5),
            ("Recv-Q", Align::Right, 6),
            ("Send-Q", Align::Right, 6),
            ("Local Address", Align::Left, 23),
            ("Foreign Address", Align::Left, 23),
            ("State", Align::Left, 0),
        ]);
        for connection in &self.connections {
            table.row([
                connection.protocol.clone(),
                connection.receive_queue.to_string(),
                connection.send_queue.to_string(),
                end(connection.local),
                end(connection.remote),
                connection.state.clone().unwrap_or_default(),
            ]);
        }
        format!("Active Internet connections (servers and established)\n{}", table.text())
    }
}

/// `192.0.2.1:179`, `:::22`, `*` for any port, as `netstat -an` writes it.
fn end(address: SocketAddr) -> String {
    match address.port() {
        0 => format!("{}:*", address.ip()),
        port => format!("{}:{port}", address.ip()),
    }
}

/// `show system kernel-messages`, `show system boot-messages`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelMessages {
    /// Oldest first.
    pub messages: Vec<KernelMessage>,
}

/// One message of the kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelMessage {
    /// Microseconds since the machine started.
    pub time: u64,
    /// 0 emergency to 7 debug (RFC 5424 §6.2.1).
    pub severity: u8,
    /// What it says.
    pub text: String,
}

impl Text for KernelMessages {
    fn text(&self) -> String {
        let line = |message: &KernelMessage| {
            let KernelMessage { time, text, .. } = message;
            format!("{}\n", format!("[{:>5}.{:06}] {text}", time / 1_000_000, time % 1_000_000).trim_end())
        };
        self.messages.iter().map(line).collect()
    }
}
