//! What the kernel says of itself: the ring of its messages, `/dev/kmsg`.
//!
//! Never waits for more than is there.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;

/// The longest record (`CONSOLE_EXT_LOG_MAX` in the kernel).
const RECORD: usize = 8192;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelMessage {
    /// Microseconds since the machine started.
    pub time: u64,
    /// 0 emergency to 7 debug.
    pub severity: u8,
    /// What it says.
    pub text: String,
}

/// All messages that the ring still has, oldest first.
///
/// # Errors
/// When the ring may not be read (`CAP_SYSLOG`), or there is none.
pub fn kernel_messages() -> io::Result<Vec<KernelMessage>> {
    let mut ring = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open("/dev/kmsg")?;
    let mut messages = Vec::new();
    let mut record = [0_u8; RECORD];
    loop {
        match ring.read(&mut record) {
            Ok(0) => return Ok(messages),
            Ok(length) => messages.extend(record.get(..length).and_then(message)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(messages),
            // A record was overwritten while we read; the next one is there.
            Err(error) if error.raw_os_error() == Some(libc::EPIPE) => {}
            Err(error) => return Err(error),
        }
    }
}

/// `6,339,5140900,-;text`, and lines with keys behind it (Documentation/ABI/testing/dev-kmsg).
fn message(record: &[u8]) -> Option<KernelMessage> {
    let record = String::from_utf8_lossy(record);
    let (head, text) = record.lines().next()?.split_once(';')?;
    let mut fields = head.split(',');
    let priority: u32 = fields.next()?.parse().ok()?;
    let time = fields.nth(1)?.parse().ok()?;
    Some(KernelMessage { time, severity: u8::try_from(priority & 7).ok()?, text: text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_its_first_line_and_nonsense_is_none() {
        let record = b"30,339,5140900,-;systemd: it's \xffalive; really\n SUBSYSTEM=x\n";
        let expect = KernelMessage { time: 5_140_900, severity: 6, text: "systemd: it's \u{fffd}alive; really".into() };
        assert_eq!(message(record), Some(expect));
        for nonsense in [&b""[..], b"6,1", b"x,1,2,-;text", b";", b"6,1,x;text"] {
            assert_eq!(message(nonsense), None);
        }
    }
}
