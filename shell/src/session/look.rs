//! What is looked at: answers of the daemon, put together and cut to what was asked for.
//!
//! Never changes anything.

use api::request::{RouteFilter, Show};
use api::{Reply, Request, Text, View, Which};
use config::Tree;
use config::print::{self, Against, Style};
use grammar::commands::{ConfigurationForm, InterfaceClass, Machine};
use nouns::{Family, IfName};
use serde_json::{Map, Value};

use super::{Outcome, fetch, folder_of, json, pcap, revisions, unexpected};
use crate::output::Output;
use crate::world::World;

/// Octets of a file of packets that are read: far more than those that are explained.
const CAPTURE: u64 = 64 << 20;

/// Asks for a view, or for a deed that is answered with a sentence.
pub(super) fn ask(request: Request, world: &mut dyn World) -> Result<Reply, String> {
    match world.call(request)? {
        reply @ (Reply::View(_) | Reply::Done(_)) => Ok(reply),
        other => Err(unexpected(other)),
    }
}

/// The answers of several requests as one: texts one below the other, values as an array.
pub(super) fn ask_each(requests: Vec<(Family, Request)>, world: &mut dyn World) -> Outcome {
    let mut texts = Vec::new();
    let mut values = Vec::new();
    for (family, request) in requests {
        let output = said(ask(request, world)?);
        texts.push(format!("{family}:\n{}", output.text));
        values.extend(output.json);
    }
    let json = format!("[\n{}\n]\n", values.iter().map(|value| value.trim_end()).collect::<Vec<_>>().join(",\n"));
    Ok(both(texts.join("\n"), Some(json)))
}

/// What becomes of the packets in a file.
pub(super) fn packets(file: &str, world: &mut dyn World) -> Outcome {
    let octets = world.read_octets(file, CAPTURE)?;
    let (packets, more) = pcap::packets(&octets).map_err(|why| format!("Cannot use '{file}': {why}"))?;
    ask(Request::Show(Show::BalancerPackets { packets, more }), world).map(said)
}

/// What an answer says.
pub(super) fn said(reply: Reply) -> Output {
    match reply {
        Reply::View(view) => both(view.text(), view.json().ok()),
        Reply::Done(sentence) if !sentence.is_empty() => Output::text(format!("{sentence}\n")),
        _ => Output::default(),
    }
}

fn both(text: String, json: Option<String>) -> Output {
    Output { json, ..Output::text(text) }
}

/// The numbers of the forwarding table.
pub(super) fn fib_summary(reply: Reply) -> Output {
    match reply {
        Reply::View(View::Fib(fib)) => both(fib.summary_text(), View::Fib(fib).json().ok()),
        other => said(other),
    }
}

/// Only the interfaces that are wanted, of any view of interfaces.
pub(super) fn only(wanted: impl Fn(&IfName) -> bool, reply: Reply) -> Reply {
    match reply {
        Reply::View(View::Interfaces(mut view)) => {
            view.interfaces.retain(|one| wanted(&one.name));
            Reply::View(View::Interfaces(view))
        }
        Reply::View(View::InterfaceDetails(mut view)) => {
            view.retain(|one| wanted(&one.interface.name));
            Reply::View(View::InterfaceDetails(view))
        }
        Reply::View(View::InterfaceCounters(mut view)) => {
            view.interfaces.retain(|one| wanted(&one.name));
            Reply::View(View::InterfaceCounters(view))
        }
        other => other,
    }
}

/// Only the interfaces of a class, as their names tell it.
pub(super) fn only_class(class: InterfaceClass, reply: Reply) -> Reply {
    only(|name| InterfaceClass::of(name) == class, reply)
}

/// The line of one interface.
///
/// # Errors
/// That there is none of this name.
pub(super) fn only_name(name: &IfName, reply: Reply) -> Outcome {
    match only(|one| one == name, reply) {
        Reply::View(View::Interfaces(view)) if view.interfaces.is_empty() => {
            Err(format!("interface {name} does not exist\n'show interfaces' lists those that do"))
        }
        found => Ok(said(found)),
    }
}

/// The files in the folder of the saved configuration.
pub(super) fn files_beside(boot_file: &str, world: &mut dyn World) -> Output {
    let folder = folder_of(boot_file);
    let names = world.names(api::NameKind::File, folder).into_iter().map(|name| name.text);
    let files: Vec<String> = names.filter(|name| name.starts_with(folder) && !name.ends_with('/')).collect();
    let json = serde_json::to_string_pretty(&files).ok().map(|text| text + "\n");
    both(files.iter().map(|file| format!("{file}\n")).collect(), json)
}

/// The active configuration; secrets are never shown.
pub(super) fn configuration(form: ConfigurationForm, world: &mut dyn World) -> Outcome {
    let tree = Tree::parse(&fetch(world, Which::Active)?.text).tree;
    let style = Style { mask_secrets: true, defaults: form == ConfigurationForm::All };
    let value = json::of(&tree, &[], true);
    let text = match form {
        ConfigurationForm::Braces | ConfigurationForm::All | ConfigurationForm::Files => {
            print::braces(&tree, &[], style)
        }
        ConfigurationForm::Commands => print::commands(&tree, &[], style),
        ConfigurationForm::JsonPretty => value.clone().unwrap_or_default(),
        ConfigurationForm::Json => value.as_deref().map(on_one_line).unwrap_or_default(),
    };
    let commands = Some(print::commands(&tree, &[], style));
    Ok(Output { commands, ..both(text, value) })
}

fn on_one_line(json: &str) -> String {
    serde_json::from_str::<Value>(json).map(|value| format!("{value}\n")).unwrap_or_default()
}

/// What a commit changed; 0 is the newest. All of the oldest that is kept is told as new.
pub(super) fn commit_changes(number: u32, world: &mut dyn World) -> Outcome {
    let new = revisions::revision(number, world)?;
    let before = number.saturating_add(1);
    let is_first = revisions::list(world)?.iter().all(|line| line.index <= number);
    let old = if is_first { Tree::default() } else { revisions::revision(before, world)? };
    let style = Style { mask_secrets: true, defaults: false };
    let against = Against::Revisions(u64::from(before), u64::from(number));
    let commands = print::compare_commands_in(&old, &new, against, style);
    let lines: Vec<&str> = if old == new { Vec::new() } else { commands.lines().collect() };
    let json = Some(format!("{:#}\n", serde_json::json!({ "index": number, "changes": lines })));
    let text = print::compare_in(&old, &new, against, style);
    Ok(Output { text, json, commands: Some(commands), marked: true })
}

/// The configuration of a commit; 0 is the newest.
pub(super) fn commit_file(number: u32, world: &mut dyn World) -> Outcome {
    let tree = revisions::revision(number, world)?;
    let style = Style { mask_secrets: true, defaults: false };
    let commands = Some(print::commands(&tree, &[], style));
    Ok(Output { commands, ..both(print::braces(&tree, &[], style), json::of(&tree, &[], true)) })
}

/// All that a person needs who helps from afar: each part below its command; what cannot be told says why.
pub(super) fn tech_support(world: &mut dyn World) -> Outcome {
    let (v4, v6) = (Family::Ipv4Unicast, Family::Ipv6Unicast);
    let routes = |family| Show::Routes { family, filter: RouteFilter::Summary };
    let parts = [
        ("show version", Show::Version),
        ("show system memory", Show::Machine(Machine::Memory)),
        ("show system storage", Show::Machine(Machine::Storage)),
        ("show interfaces", Show::Interfaces { name: None }),
        ("show interfaces counters", Show::InterfaceCounters { name: None }),
        ("show arp", Show::NeighborTable { family: v4, interface: None }),
        ("show ipv6 neighbors", Show::NeighborTable { family: v6, interface: None }),
        ("show ip route summary", routes(v4)),
        ("show ipv6 route summary", routes(v6)),
        ("show ip route", Show::Routes { family: v4, filter: RouteFilter::All }),
        ("show ipv6 route", Show::Routes { family: v6, filter: RouteFilter::All }),
        ("show ip fib", Show::Fib { family: v4 }),
        ("show ipv6 fib", Show::Fib { family: v6 }),
        ("show bgp summary", Show::BgpSummary { family: None }),
        ("show bgp neighbors", Show::BgpNeighbors { family: None, address: None, interface: None }),
    ];
    let mut bundle = Bundle::default();
    for (command, show) in parts {
        bundle.add(command, ask(Request::Show(show), world).map(said));
    }
    bundle.add("show configuration", configuration(ConfigurationForm::Braces, world));
    bundle.add("show system commit", ask(Request::Revisions, world).map(said));
    bundle.add("show log", ask(Request::Show(Show::Log { lines: Some(1000) }), world).map(said));
    Ok(both(bundle.text, Some(format!("{:#}\n", Value::Object(bundle.values)))))
}

/// Texts below their commands, values behind them.
#[derive(Default)]
struct Bundle {
    text: String,
    values: Map<String, Value>,
}

impl Bundle {
    fn add(&mut self, command: &str, outcome: Outcome) {
        let rule = "-".repeat(command.len());
        let (text, value) = match outcome {
            Ok(output) => (output.text, output.json.and_then(|json| serde_json::from_str(&json).ok())),
            Err(complaint) => (format!("{complaint}\n"), None),
        };
        self.text.push_str(&format!("{command}\n{rule}\n{text}\n"));
        self.values.insert(command.to_owned(), value.unwrap_or(Value::Null));
    }
}
