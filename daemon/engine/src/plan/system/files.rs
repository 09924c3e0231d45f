//! Files of the system that the configuration writes: which there are, and what stands in each.
//!
//! Rendering is a function of the model; a file that nothing in it names is not rendered and stays as it is.

mod links;
mod log;
mod names;
mod shell;

use config::model::Model;

/// A file that the configuration may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SystemFile {
    /// `system name-server`, `domain-name`, `domain-search`
    ResolvConf,
    /// `system static-host-mapping`, `domain-name`
    Hosts,
    /// `system ntp`
    ChronyConf,
    /// `system syslog`
    RsyslogConf,
    /// `interfaces … address dhcp`
    Dhcp,
    /// `service ssh`
    SshdConfig,
    /// `system login banner pre-login`, on terminals.
    Issue,
    /// `system login banner pre-login`, over the network.
    IssueNet,
    /// `system login banner post-login`
    Motd,
}

/// A program that reads one of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Program {
    /// Keeps the clock.
    Chrony,
    /// Asks for addresses.
    Dhcp,
    /// Keeps the log.
    Rsyslog,
    /// Lets people in.
    Sshd,
}

impl SystemFile {
    /// All of them, in the order in which they are written: banners before the server that shows them.
    pub const ALL: [Self; 9] = [
        Self::ResolvConf,
        Self::Hosts,
        Self::ChronyConf,
        Self::Dhcp,
        Self::RsyslogConf,
        Self::Issue,
        Self::IssueNet,
        Self::Motd,
        Self::SshdConfig,
    ];

    /// Where it stands.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::ResolvConf => "/etc/resolv.conf",
            Self::Hosts => "/etc/hosts",
            Self::ChronyConf => "/etc/chrony/chrony.conf",
            Self::Dhcp => "/etc/towpath/dhcp",
            Self::RsyslogConf => "/etc/rsyslog.d/50-towpath.conf",
            Self::SshdConfig => "/etc/ssh/sshd_config",
            Self::Issue => "/etc/issue",
            Self::IssueNet => "/etc/issue.net",
            Self::Motd => "/etc/motd",
        }
    }

    /// Who has to read it anew when it changes.
    #[must_use]
    pub fn program(self) -> Option<Program> {
        match self {
            Self::ChronyConf => Some(Program::Chrony),
            Self::Dhcp => Some(Program::Dhcp),
            Self::RsyslogConf => Some(Program::Rsyslog),
            Self::SshdConfig => Some(Program::Sshd),
            Self::ResolvConf | Self::Hosts | Self::Issue | Self::IssueNet | Self::Motd => None,
        }
    }
}

impl Program {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Chrony, Self::Dhcp, Self::Rsyslog, Self::Sshd];

    /// The words of the configuration that need it.
    #[must_use]
    pub fn words(self) -> [&'static str; 2] {
        match self {
            Self::Chrony => ["system", "ntp"],
            Self::Dhcp => ["interfaces", "ethernet"],
            Self::Rsyslog => ["system", "syslog"],
            Self::Sshd => ["service", "ssh"],
        }
    }

    /// What it does, for a sentence that says it is not there.
    #[must_use]
    pub fn purpose(self) -> &'static str {
        match self {
            Self::Chrony => "NTP",
            Self::Dhcp => "DHCP",
            Self::Rsyslog => "syslog",
            Self::Sshd => "SSH",
        }
    }

    /// Its file.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Chrony => "/usr/sbin/chronyd",
            Self::Dhcp => "/usr/lib/towpath/dhcp",
            Self::Rsyslog => "/usr/sbin/rsyslogd",
            Self::Sshd => "/usr/sbin/sshd",
        }
    }
}

/// What stands in the file, `None` when the configuration does not name it.
pub(super) fn render(file: SystemFile, model: &Model) -> Option<String> {
    let system = &model.system;
    match file {
        SystemFile::ResolvConf => names::resolv_conf(system),
        SystemFile::Hosts => names::hosts(system),
        SystemFile::ChronyConf => names::chrony(&system.ntp_servers),
        SystemFile::Dhcp => links::dhcp(&model.interfaces),
        SystemFile::RsyslogConf => log::rsyslog(&system.syslog),
        SystemFile::SshdConfig => {
            let banner = system.login.pre_login.is_some();
            model.service.ssh.as_ref().map(|ssh| shell::sshd(ssh, banner))
        }
        SystemFile::Issue | SystemFile::IssueNet => system.login.pre_login.as_deref().map(shell::banner),
        SystemFile::Motd => system.login.post_login.as_deref().map(shell::banner),
    }
}

/// The first line of a file that takes comments.
fn heading(words: &str) -> String {
    format!("# Written by towpathd from '{words}'; a commit writes it anew.\n")
}
