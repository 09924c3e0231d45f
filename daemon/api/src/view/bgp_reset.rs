//! How a session with a neighbor ended last, as `show ip bgp neighbors` tells it.
//!
//! Never judges whose fault it was.

use serde::{Deserialize, Serialize};

use crate::text::uptime;

/// The last time that a session went down or failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastReset {
    /// Seconds ago.
    pub ago: u64,
    /// In words.
    pub reason: String,
    /// The NOTIFICATION that it ended with, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification: Option<ResetNotification>,
}

/// A NOTIFICATION that ended a session (RFC 4271 §4.5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetNotification {
    /// It was ours.
    pub sent: bool,
    /// Error code.
    pub code: u8,
    /// Error subcode.
    pub subcode: u8,
    /// `Cease/Administrative Shutdown`
    pub name: String,
    /// What whoever closed the session wrote for the other side (RFC 9003).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl LastReset {
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("  Last reset {},  {}", uptime(self.ago), self.reason)];
        if let Some(notification) = &self.notification {
            let way = if notification.sent { "sent" } else { "received" };
            let ResetNotification { name, code, subcode, .. } = notification;
            lines.push(format!("    NOTIFICATION {way}: {name} ({code}/{subcode})"));
            lines.extend(notification.text.iter().map(|text| format!("    Message {way}: \"{text}\"")));
        }
        lines
    }
}
