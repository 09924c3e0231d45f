//! A drop-in of `rsyslog.conf(5)`: which messages go where, in the words of Vyatta.

use config::model::system::Syslog;
use config::model::system::syslog::Facilities;

use super::heading;

/// One line for each place; the facilities of a place share it.
pub(super) fn rsyslog(syslog: &Syslog) -> Option<String> {
    let mut lines = Vec::new();
    let mut line = |facilities: &Facilities, place: String| {
        if !facilities.is_empty() {
            lines.push(format!("{}\t{place}\n", selector(facilities)));
        }
    };
    line(&syslog.global, "-/var/log/messages".to_owned());
    line(&syslog.console, "/dev/console".to_owned());
    for (name, facilities) in &syslog.files {
        line(facilities, format!("-/var/log/user/{name}"));
    }
    for (host, facilities) in &syslog.hosts {
        // An IPv6 address stands in brackets, so that its last group is not taken for a port.
        line(facilities, if host.contains(':') { format!("@[{host}]") } else { format!("@{host}") });
    }
    for (user, facilities) in &syslog.users {
        line(facilities, format!(":omusrmsg:{}", if user == "all" { "*" } else { user }));
    }
    (!lines.is_empty()).then(|| heading("system syslog") + &lines.concat())
}

fn selector(facilities: &Facilities) -> String {
    let one = |(facility, level): (&String, &String)| {
        let facility = match facility.as_str() {
            "all" => "*",
            "protocols" => "local7",
            "security" => "auth",
            other => other,
        };
        format!("{facility}.{}", if level == "all" { "*" } else { level })
    };
    facilities.iter().map(one).collect::<Vec<_>>().join(";")
}
