//! `sshd_config` and the banners.

use config::model::service::Ssh;

use super::heading;

/// `sshd_config(5)`, as a whole: what no word names has the value that EdgeOS and VyOS give it.
pub(super) fn sshd(ssh: &Ssh, banner: bool) -> String {
    let mut text = heading("service ssh");
    let mut line = |word: &str, value: &str| text.push_str(&format!("{word} {value}\n"));
    let yes = |set: bool| if set { "yes" } else { "no" };
    line("Port", &ssh.port.to_string());
    for address in &ssh.listen_addresses {
        line("ListenAddress", &address.to_string());
    }
    line("SyslogFacility", "AUTH");
    line("LogLevel", &ssh.log_level.to_uppercase());
    line("PermitRootLogin", yes(ssh.allow_root));
    line("PasswordAuthentication", yes(!ssh.disable_password_authentication));
    line("KbdInteractiveAuthentication", "no");
    line("UsePAM", "yes");
    line("UseDNS", yes(!ssh.disable_host_validation));
    line("X11Forwarding", "no");
    line("PrintMotd", "no");
    line("AcceptEnv", "LANG LC_* NO_COLOR");
    if banner {
        line("Banner", "/etc/issue.net");
    }
    for (word, names, separator) in [
        ("AllowUsers", &ssh.allow.users, " "),
        ("AllowGroups", &ssh.allow.groups, " "),
        ("DenyUsers", &ssh.deny.users, " "),
        ("DenyGroups", &ssh.deny.groups, " "),
        ("Ciphers", &ssh.ciphers, ","),
        ("KexAlgorithms", &ssh.key_exchange, ","),
        ("MACs", &ssh.macs, ","),
    ] {
        if !names.is_empty() {
            line(word, &names.join(separator));
        }
    }
    line("Subsystem", "sftp internal-sftp");
    text
}

/// The text of a banner: `\n` begins a new line, as it does in Vyatta.
pub(super) fn banner(text: &str) -> String {
    let text = text.replace("\\n", "\n");
    format!("{}\n", text.trim_end_matches('\n'))
}
