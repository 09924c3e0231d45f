//! What may stand in a file of the system: the lines that the configuration's words come to.
//!
//! A program of root reads these files, and some of them can make it run others. So nothing is taken but what the engine
//! renders. Never writes.

use engine::plan::SystemFile;

/// No file is longer, in octets.
const LONGEST: usize = 1 << 16;
/// What `sshd_config(5)` may say.
const SSHD: &[&str] = &[
    "Port",
    "ListenAddress",
    "SyslogFacility",
    "LogLevel",
    "PermitRootLogin",
    "PasswordAuthentication",
    "KbdInteractiveAuthentication",
    "UsePAM",
    "UseDNS",
    "X11Forwarding",
    "PrintMotd",
    "AcceptEnv",
    "AllowUsers",
    "AllowGroups",
    "DenyUsers",
    "DenyGroups",
    "Ciphers",
    "KexAlgorithms",
    "MACs",
];
/// Lines that are always the same.
const SSHD_LINES: &[&str] = &["Banner /etc/issue.net", "Subsystem sftp internal-sftp"];
const CHRONY_LINES: &[&str] = &["driftfile /var/lib/chrony/chrony.drift", "makestep 1.0 3", "rtcsync"];
/// The places of messages, behind which a name follows or nothing.
const LOGS: &[(&str, bool)] = &[
    ("-/var/log/messages", false),
    ("/dev/console", false),
    ("-/var/log/user/", true),
    ("@", true),
    (":omusrmsg:", true),
];

/// Whether a text may stand in the file.
///
/// # Errors
/// Which line may not.
pub(super) fn judge(file: SystemFile, text: &str) -> Result<(), String> {
    if text.len() > LONGEST {
        return Err(format!("{} would be longer than {LONGEST} octets", file.path()));
    }
    let fits: fn(&str) -> bool = match file {
        // What persons are greeted with, and what nobody carries out.
        SystemFile::Issue | SystemFile::IssueNet | SystemFile::Motd => |_| true,
        SystemFile::Hosts => hosts,
        SystemFile::ResolvConf => |line| begins(line, &["search", "domain", "nameserver"]),
        SystemFile::ChronyConf => |line| begins(line, &["server", "pool"]) || CHRONY_LINES.contains(&line),
        SystemFile::SshdConfig => |line| begins(line, SSHD) || SSHD_LINES.contains(&line),
        SystemFile::RsyslogConf => rsyslog,
        SystemFile::Dhcp => |line| is_name(line, "._-@"),
    };
    let is_banner = matches!(file, SystemFile::Issue | SystemFile::IssueNet | SystemFile::Motd);
    let bad = |line: &&str| {
        let is_comment = line.starts_with('#') && file != SystemFile::Dhcp;
        !is_banner && (line.chars().any(|sign| sign.is_control() && sign != '\t') || !(is_comment || fits(line)))
    };
    match text.lines().find(bad) {
        Some(line) => Err(format!("{} may not hold the line '{}'", file.path(), line.escape_debug())),
        None => Ok(()),
    }
}

fn begins(line: &str, words: &[&str]) -> bool {
    line.split_once(' ').is_some_and(|(word, rest)| words.contains(&word) && !rest.contains('"') && !rest.is_empty())
}

fn hosts(line: &str) -> bool {
    line.split_once('\t').is_some_and(|(address, names)| {
        address.parse::<std::net::IpAddr>().is_ok() && names.split(' ').all(|name| is_name(name, ".-_"))
    })
}

fn rsyslog(line: &str) -> bool {
    let Some((selector, place)) = line.split_once('\t') else { return false };
    let named = |(begin, more): &(&str, bool)| {
        place.strip_prefix(begin).is_some_and(|name| if *more { is_name(name, "._-:[]*") } else { name.is_empty() })
    };
    is_name(selector, "*.;=!,") && LOGS.iter().any(named)
}

/// Letters, digits and these signs; neither empty nor a way up.
fn is_name(text: &str, signs: &str) -> bool {
    !text.is_empty() && text != ".." && text.chars().all(|sign| sign.is_ascii_alphanumeric() || signs.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_words_come_to_is_taken() {
        for (file, text) in [
            (
                SystemFile::SshdConfig,
                "# Written by towpathd\nPort 22\nListenAddress ::1\nUsePAM yes\nSubsystem sftp internal-sftp\n",
            ),
            (SystemFile::SshdConfig, "Banner /etc/issue.net\nAcceptEnv LANG LC_* NO_COLOR\n"),
            (SystemFile::ChronyConf, "# x\npool pool.ntp.org iburst prefer\nmakestep 1.0 3\nrtcsync\n"),
            (SystemFile::ResolvConf, "search a.example b.example\nnameserver 192.0.2.1\n"),
            (SystemFile::Hosts, "127.0.1.1\tedge1.example edge1\n::1\tlocalhost ip6-localhost\n"),
            (SystemFile::Dhcp, "eth0\neth1.100\n"),
            (
                SystemFile::RsyslogConf,
                "*.info;auth.notice\t-/var/log/messages\n*.*\t@[2001:db8::1]\nkern.err\t:omusrmsg:*\n",
            ),
            (SystemFile::RsyslogConf, "local7.*\t-/var/log/user/routing\n*.*\t/dev/console\n"),
            (SystemFile::Motd, "welcome, `whoami`\n"),
        ] {
            assert_eq!(judge(file, text), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_makes_a_program_run_another_is_not() {
        for (file, text) in [
            (SystemFile::SshdConfig, "AuthorizedKeysCommand /bin/sh\n"),
            (SystemFile::SshdConfig, "Subsystem sftp /bin/sh\n"),
            (SystemFile::SshdConfig, "Match all\n"),
            (SystemFile::SshdConfig, "Include /tmp/more\n"),
            (SystemFile::SshdConfig, "ForceCommand /bin/sh\n"),
            (SystemFile::SshdConfig, "Banner /etc/shadow\n"),
            (SystemFile::ChronyConf, "mailonchange root 1\n"),
            (SystemFile::ChronyConf, "include /tmp/more\n"),
            (SystemFile::RsyslogConf, "*.*\t^/bin/sh\n"),
            (SystemFile::RsyslogConf, "*.*\t|/tmp/pipe\n"),
            (SystemFile::RsyslogConf, "*.*\t-/etc/passwd\n"),
            (SystemFile::RsyslogConf, "*.*\t-/var/log/user/../../etc/passwd\n"),
            (SystemFile::RsyslogConf, "module(load=\"omprog\")\n"),
            (SystemFile::Dhcp, "eth0; reboot\n"),
            (SystemFile::Dhcp, "# eth0\n"),
            (SystemFile::Hosts, "localhost\t127.0.0.1\n"),
            (SystemFile::ResolvConf, "options ndots:9\n"),
            (SystemFile::ResolvConf, "search a\rb\n"),
        ] {
            assert!(judge(file, text).is_err(), "{text}");
        }
        assert!(judge(SystemFile::Motd, &"x".repeat(LONGEST + 1)).is_err());
    }
}
