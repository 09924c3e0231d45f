//! Programs of the system, with the arguments that a command means.
//!
//! No shell reads the arguments, and no word of a person can become an option. Never runs anything.

use grammar::commands::{ImageWork, ProbeOption, Tool, When};
use nouns::{Family, IfName};

use super::{Deed, Program};

fn program(name: &'static str, arguments: impl IntoIterator<Item = String>) -> Program {
    Program { name, arguments: arguments.into_iter().collect() }
}

fn owned<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}

/// `ping`, `traceroute`, `mtr`, `telnet`: options first, then the host.
#[must_use]
pub(super) fn probe(tool: Tool, host: String, options: &[ProbeOption]) -> Program {
    let flags = options.iter().filter_map(|option| flag(tool, option)).flatten();
    match tool {
        Tool::Ping => program("ping", flags.chain([host])),
        Tool::Traceroute => program("traceroute", flags.chain([host])),
        Tool::Mtr => program("mtr", flags.chain([host])),
        // The port stands behind the host.
        Tool::Telnet => {
            let port = options.iter().find_map(|option| match option {
                ProbeOption::Port(port) => Some(port.to_string()),
                _ => None,
            });
            program("telnet", std::iter::once(host).chain(port))
        }
    }
}

/// An option as the program spells it; none where the program has no such option.
fn flag(tool: Tool, option: &ProbeOption) -> Option<Vec<String>> {
    let flag = match (tool, option) {
        (_, ProbeOption::Family(Family::Ipv4Unicast)) => return Some(owned(["-4"])),
        (_, ProbeOption::Family(Family::Ipv6Unicast)) => return Some(owned(["-6"])),
        (Tool::Ping, option) => return ping_flag(option),
        (_, ProbeOption::Numeric) => return Some(owned(["-n"])),
        (_, ProbeOption::Icmp) => return Some(owned(["-I"])),
        (_, ProbeOption::Tcp) => return Some(owned(["-T"])),
        (Tool::Traceroute, ProbeOption::Interface(name)) => ("-i", name.to_string()),
        (Tool::Traceroute, ProbeOption::Source(address)) => ("-s", address.to_string()),
        (Tool::Traceroute, ProbeOption::Port(port)) => ("-p", port.to_string()),
        (Tool::Traceroute, ProbeOption::Queries(number)) => ("-q", number.to_string()),
        (Tool::Traceroute, ProbeOption::TimeToLive(hops)) => ("-m", hops.to_string()),
        (Tool::Traceroute, ProbeOption::TypeOfService(octet)) => ("-t", octet.to_string()),
        _ => return None,
    };
    Some(vec![flag.0.to_owned(), flag.1])
}

fn ping_flag(option: &ProbeOption) -> Option<Vec<String>> {
    let (flag, value) = match option {
        ProbeOption::Adaptive => ("-A", None),
        ProbeOption::BypassRoute => ("-r", None),
        ProbeOption::Count(number) => ("-c", Some(number.to_string())),
        ProbeOption::Deadline(seconds) => ("-w", Some(seconds.to_string())),
        ProbeOption::DoNotFragment => ("-M", Some("do".to_owned())),
        ProbeOption::Flood => ("-f", None),
        ProbeOption::Interface(name) => ("-I", Some(name.to_string())),
        ProbeOption::Interval(seconds) => ("-i", Some(seconds.to_string())),
        ProbeOption::Numeric => ("-n", None),
        ProbeOption::Pattern(digits) => ("-p", Some(digits.clone())),
        ProbeOption::Quiet => ("-q", None),
        ProbeOption::RecordRoute => ("-R", None),
        ProbeOption::Size(octets) => ("-s", Some(octets.to_string())),
        ProbeOption::Source(address) => ("-I", Some(address.to_string())),
        ProbeOption::TimeToLive(hops) => ("-t", Some(hops.to_string())),
        ProbeOption::Timestamp => ("-D", None),
        ProbeOption::TypeOfService(octet) => ("-Q", Some(octet.to_string())),
        ProbeOption::Verbose => ("-v", None),
        ProbeOption::Family(_)
        | ProbeOption::Icmp
        | ProbeOption::Port(_)
        | ProbeOption::Queries(_)
        | ProbeOption::Tcp => return None,
    };
    Some(std::iter::once(flag.to_owned()).chain(value).collect())
}

/// `tcpdump`, which asks no name server; the filter is one argument.
#[must_use]
pub(super) fn tcpdump(interface: &IfName, filter: Option<String>) -> Program {
    let options = ["-n", "-l", "-i"].map(str::to_owned).into_iter().chain([interface.to_string()]);
    program("tcpdump", options.chain(filter))
}

/// `shutdown`, after a question where nobody has said when.
#[must_use]
pub(super) fn shutdown(reboot: bool, when: When) -> Deed {
    let way = if reboot { "-r" } else { "-P" };
    match when {
        When::Asked => Deed::Shutdown {
            question: if reboot { "Proceed with reboot?" } else { "Proceed with poweroff?" },
            program: program("shutdown", owned([way, "now"])),
        },
        When::Now => Deed::Change(program("shutdown", owned([way, "now"]))),
        When::In(minutes) => Deed::Change(program("shutdown", [way.to_owned(), format!("+{minutes}")])),
        When::Cancel => Deed::Change(program("shutdown", owned(["-c"]))),
    }
}

/// The daemon, through the system's own starter.
#[must_use]
pub(super) fn restart() -> Program {
    program("systemctl", owned(["restart", "towpathd"]))
}

/// `towpath-image`, which asks the first process of the appliance.
#[must_use]
pub(super) fn image(work: ImageWork) -> Deed {
    let call = |words: Vec<String>| program("towpath-image", words);
    match work {
        ImageWork::List => Deed::Listed { text: call(owned(["list"])), json: call(owned(["list", "json"])) },
        ImageWork::Add { from } => Deed::Change(call(vec!["add".to_owned(), from])),
        ImageWork::Default { name } => Deed::Change(call(vec!["default".to_owned(), name])),
        ImageWork::Delete { name } => Deed::Change(call(vec!["delete".to_owned(), name])),
        ImageWork::Install => Deed::Change(call(owned(["install"]))),
        ImageWork::Rename { name, new } => Deed::Change(call(vec!["rename".to_owned(), name, new])),
    }
}

/// `date`, in either form that it understands.
#[must_use]
pub(super) fn set_date(date: String) -> Program {
    let plain = date.chars().all(|c| c.is_ascii_digit());
    program("date", if plain { vec![date] } else { vec!["--set".to_owned(), date] })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may fail loudly")]

    use super::super::deed;
    use super::*;
    use grammar::commands as words;

    /// The program of a command and its arguments, as one line.
    fn run(line: &str) -> String {
        let commands = grammar::parse::line(line).unwrap();
        let op = words::resolve(&commands[0].words).unwrap_or_else(|error| panic!("{line}: {error}"));
        match deed(op) {
            Deed::Run(program) => format!("{} {}", program.name, program.arguments.join("|")),
            Deed::Change(program) => format!("change {} {}", program.name, program.arguments.join("|")),
            Deed::Listed { text, json } => {
                format!("{} {} or {}", text.name, text.arguments.join("|"), json.arguments.join("|"))
            }
            Deed::Shutdown { question, program } => {
                format!("{question} {} {}", program.name, program.arguments.join("|"))
            }
            other => panic!("{line} runs no program: {other:?}"),
        }
    }

    #[test]
    fn programs_get_clean_arguments() {
        for (line, expect) in [
            ("ping 192.0.2.1", "ping 192.0.2.1"),
            ("ping 192.0.2.1 size 100 count 3", "ping -c|3|-s|100|192.0.2.1"),
            ("ping 2001:db8::1 source 2001:db8::2 count 1", "ping -c|1|-I|2001:db8::2|2001:db8::1"),
            ("ping node ipv6 adaptive do-not-fragment", "ping -A|-M|do|-6|node"),
            ("ping node flood numeric quiet record-route", "ping -f|-n|-q|-R|node"),
            ("ping node tos 16 ttl 9 deadline 5 interval 2", "ping -w|5|-i|2|-Q|16|-t|9|node"),
            ("ping node pattern ff00 timestamp verbose bypass-route", "ping -r|-p|ff00|-D|-v|node"),
            ("ping node interface eth1 ipv4", "ping -I|eth1|-4|node"),
            ("traceroute node.example", "traceroute node.example"),
            ("traceroute node icmp numeric ttl 5 queries 1", "traceroute -I|-n|-q|1|-m|5|node"),
            ("traceroute node tcp port 179 source 192.0.2.9", "traceroute -p|179|-s|192.0.2.9|-T|node"),
            ("traceroute node interface eth0 ipv6 tos 8", "traceroute -i|eth0|-6|-t|8|node"),
            ("mtr node", "mtr node"),
            ("telnet node", "telnet node"),
            ("telnet 192.0.2.1 179", "telnet 192.0.2.1|179"),
            ("monitor traffic interface eth0", "tcpdump -n|-l|-i|eth0"),
            ("monitor traffic interface eth0 filter 'tcp port 179'", "tcpdump -n|-l|-i|eth0|tcp port 179"),
            ("reboot", "Proceed with reboot? shutdown -r|now"),
            ("reboot now", "change shutdown -r|now"),
            ("reboot in 10", "change shutdown -r|+10"),
            ("reboot cancel", "change shutdown -c"),
            ("poweroff", "Proceed with poweroff? shutdown -P|now"),
            ("shutdown in 5", "change shutdown -P|+5"),
            ("show system image", "towpath-image list or list|json"),
            ("add system image http://a/b", "change towpath-image add|http://a/b"),
            ("install image", "change towpath-image install"),
            ("set system image default-boot 1.2", "change towpath-image default|1.2"),
            ("delete system image 1.2", "change towpath-image delete|1.2"),
            ("rename system image 1.2 spare", "change towpath-image rename|1.2|spare"),
            ("restart bgp", "change systemctl restart|towpathd"),
            ("set date 010212302026", "change date 010212302026"),
            ("set date '2026-01-02 12:30'", "change date --set|2026-01-02 12:30"),
        ] {
            assert_eq!(run(line), expect, "{line}");
        }
    }

    #[test]
    fn no_word_of_a_person_becomes_an_option_or_a_command() {
        for line in [
            "ping '-f'",
            "ping 'a;b'",
            "ping '$(x)'",
            "ping 'a b'",
            "ping '--help'",
            "telnet '-l'",
            "ping node interface '-x y'",
            "monitor traffic interface eth0 filter '-w /etc/passwd'",
            "monitor traffic interface eth0 filter ' -w'",
            "add system image '-x'",
            "rename system image 1.2 '--spare'",
            "set date '-R'",
            "set date tomorrow",
        ] {
            let commands = grammar::parse::line(line).unwrap();
            assert!(words::resolve(&commands[0].words).is_err(), "{line}");
        }
    }
}
