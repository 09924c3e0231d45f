//! Operational mode: asking the daemon, running programs, entering configuration mode.
//!
//! Never changes the configuration.

use api::Which;
use config::Tree;
use grammar::commands::{ConfigurationForm, Op, TerminalSetting};

use super::{Outcome, Session, Working, fetch, look, monitor};
use crate::command::{Deed, Program, deed};
use crate::help;
use crate::output::Output;
use crate::world::World;

impl Session {
    /// Does an operational command, in either mode.
    pub(super) fn operate(&mut self, op: Op, world: &mut dyn World) -> Outcome {
        match deed(op) {
            Deed::Ask(request) => look::ask(request, world).map(look::said),
            Deed::AskFibSummary(request) => look::ask(request, world).map(look::fib_summary),
            Deed::AskEach(requests) => look::ask_each(requests, world),
            Deed::AskInterfaces(class, request) => {
                look::ask(request, world).map(|reply| look::said(look::only_class(class, reply)))
            }
            Deed::AskInterface(name, request) => look::only_name(&name, look::ask(request, world)?),
            Deed::ShowConfiguration(ConfigurationForm::Files) => Ok(look::files_beside(&self.boot_file, world)),
            Deed::ShowConfiguration(form) => look::configuration(form, world),
            Deed::ShowCommitChanges(number) => look::commit_changes(number, world),
            Deed::ShowCommitFile(number) => look::commit_file(number, world),
            Deed::ShowTechSupport => look::tech_support(world),
            Deed::ShowHistory(lines) => Ok(history(&world.history(), lines)),
            Deed::Monitor(what) => monitor::monitor(what, world),
            Deed::Capture { wanted, file } => monitor::capture(wanted, file.as_deref(), world),
            Deed::ExplainPackets(file) => look::packets(&file, world),
            Deed::Run(program) => run(&program, world),
            Deed::Listed { text, json } => {
                let text = world.told_by(&text)?;
                Ok(Output { json: Some(world.told_by(&json)?), ..Output::text(text) })
            }
            Deed::Change(program) => self.change(&program, world),
            Deed::Shutdown { question, program } => {
                self.may_change(&program)?;
                if !world.agrees(question) {
                    return Ok(Output::default());
                }
                self.change(&program, world)
            }
            Deed::SetTerminal(TerminalSetting::Length(rows)) => {
                self.set_length(u16::try_from(rows).ok());
                Ok(Output::default())
            }
            Deed::SetTerminal(TerminalSetting::Width(_)) => Ok(Output::default()),
            Deed::Configure => self.enter(world),
            Deed::Exit if self.working.is_some() => Err("Leave configuration mode first: type 'exit'".to_owned()),
            Deed::Exit => {
                self.left = true;
                Ok(Output::default())
            }
            Deed::Help => Ok(Output::text(help::OPERATIONAL)),
        }
    }

    /// Runs a program that changes something, which takes the level of an administrator.
    fn change(&self, program: &Program, world: &mut dyn World) -> Outcome {
        self.may_change(program)?;
        run(program, world)
    }

    fn may_change(&self, program: &Program) -> Result<(), String> {
        if program.name == "shutdown" && self.working.is_some() {
            return Err("Exit from configure mode before rebooting.".to_owned());
        }
        if self.is_operator() {
            return Err("Users of level operator may not change the machine\n\
                        It takes level admin: root, or a member of the group towpath"
                .to_owned());
        }
        Ok(())
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

fn run(program: &Program, world: &mut dyn World) -> Outcome {
    match world.execute(program)? {
        true => Ok(Output::default()),
        false => Err(format!("{} ended without success", program.name)),
    }
}

/// Each line with its number, which counts from the first that is remembered.
fn history(typed: &[String], lines: Option<u32>) -> Output {
    let wanted = lines.map_or(typed.len(), |lines| usize::try_from(lines).unwrap_or(usize::MAX));
    let rows: Vec<(usize, &String)> = (1..).zip(typed).skip(typed.len().saturating_sub(wanted)).collect();
    let text = rows.iter().map(|(number, line)| format!("{number:>5}  {line}\n")).collect::<String>();
    let value: Vec<_> =
        rows.iter().map(|(number, line)| serde_json::json!({ "number": number, "line": line })).collect();
    let json = serde_json::to_string_pretty(&serde_json::json!({ "history": value })).ok().map(|text| text + "\n");
    Output { json, ..Output::text(text) }
}
