//! Operational mode: asking the daemon, running programs, entering configuration mode.
//!
//! Never changes the configuration.

use api::request::Show;
use api::{Reply, Request, Text, View, Which};
use config::Tree;
use config::print::{self, Style};
use grammar::commands::{ConfigurationForm, InterfaceClass, Op};
use nouns::Family;

use super::{Outcome, Session, Working, fetch, json, unexpected};
use crate::command::{Deed, deed};
use crate::help;
use crate::output::Output;
use crate::world::World;

impl Session {
    /// Does an operational command, in either mode.
    pub(super) fn operate(&mut self, op: Op, world: &mut dyn World) -> Outcome {
        match deed(op) {
            Deed::Ask(request) => ask(request, world).map(said),
            Deed::AskFibSummary(request) => ask(request, world).map(|reply| match reply {
                Reply::View(View::Fib(fib)) => {
                    let text = fib.summary_text();
                    Output { json: View::Fib(fib).json().ok(), ..Output::text(text) }
                }
                other => said(other),
            }),
            Deed::AskEach(requests) => ask_each(requests, world),
            Deed::AskInterfaces(class) => {
                ask(Request::Show(Show::Interfaces { name: None }), world).map(|reply| said(only(class, reply)))
            }
            Deed::ShowConfiguration(form) => show_configuration(form, world),
            Deed::Run(program) => match world.execute(&program)? {
                true => Ok(Output::default()),
                false => Err(format!("{} ended without success", program.name)),
            },
            Deed::Configure => self.enter(world),
            Deed::Exit if self.working.is_some() => Err("Leave configuration mode first: type 'exit'".to_owned()),
            Deed::Exit => {
                self.left = true;
                Ok(Output::default())
            }
            Deed::Help => Ok(Output::text(help::OPERATIONAL)),
        }
    }

    fn enter(&mut self, world: &mut dyn World) -> Outcome {
        if self.working.is_some() {
            return Err("You are in configuration mode already".to_owned());
        }
        if self.is_operator() {
            return Err("Users of level operator may not configure\n\
                        It takes level admin: root, or a member of the group towpath"
                .to_owned());
        }
        if let Some(notice) = self.take_up(world) {
            return Ok(Output::text(notice));
        }
        let configuration = fetch(world, Which::Active)?;
        let tree = Tree::parse(&configuration.text).tree;
        self.unsaved = configuration.unsaved;
        self.working =
            Some(Working { active: tree.clone(), revision: configuration.revision, tree, level: Vec::new() });
        Ok(Output::default())
    }
}

fn ask(request: Request, world: &mut dyn World) -> Result<Reply, String> {
    match world.call(request)? {
        reply @ (Reply::View(_) | Reply::Done(_)) => Ok(reply),
        other => Err(unexpected(other)),
    }
}

/// The answers of several requests as one: texts one below the other, values as an array.
fn ask_each(requests: Vec<(Family, Request)>, world: &mut dyn World) -> Outcome {
    let mut texts = Vec::new();
    let mut values = Vec::new();
    for (family, request) in requests {
        let output = said(ask(request, world)?);
        texts.push(format!("{family}:\n{}", output.text));
        values.extend(output.json);
    }
    let json = format!("[\n{}\n]\n", values.iter().map(|value| value.trim_end()).collect::<Vec<_>>().join(",\n"));
    Ok(Output { json: Some(json), ..Output::text(texts.join("\n")) })
}

/// What an answer says.
fn said(reply: Reply) -> Output {
    match reply {
        Reply::View(view) => Output { json: view.json().ok(), ..Output::text(view.text()) },
        Reply::Done(sentence) if !sentence.is_empty() => Output::text(format!("{sentence}\n")),
        _ => Output::default(),
    }
}

/// Only the interfaces of a class; the kernel has one loopback, and it is `lo`.
fn only(class: InterfaceClass, reply: Reply) -> Reply {
    match reply {
        Reply::View(View::Interfaces(mut view)) => {
            view.interfaces.retain(|one| (one.name.as_str() == "lo") == (class == InterfaceClass::Loopback));
            Reply::View(View::Interfaces(view))
        }
        other => other,
    }
}

fn show_configuration(form: ConfigurationForm, world: &mut dyn World) -> Outcome {
    let tree = Tree::parse(&fetch(world, Which::Active)?.text).tree;
    let style = Style { mask_secrets: true, defaults: form == ConfigurationForm::All };
    let text = match form {
        ConfigurationForm::Braces | ConfigurationForm::All => print::braces(&tree, &[], style),
        ConfigurationForm::Commands => print::commands(&tree, &[], style),
    };
    let commands = Some(print::commands(&tree, &[], style));
    Ok(Output { text, json: json::of(&tree, &[], true), commands, marked: false })
}
