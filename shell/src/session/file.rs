//! `save`, `load` and `merge`.
//!
//! The daemon writes the file that it starts with, since it alone keeps it whole; all other files are read and
//! written with the person's own rights.

use api::{Reply, Request, Which};
use config::Tree;
use config::parse::Parsed;

use super::{Outcome, Session, fetch, unexpected};
use crate::output::Output;
use crate::url::Url;
use crate::world::World;

impl Session {
    /// Writes the active configuration; changes that are not committed are not in it.
    pub(super) fn save(&mut self, file: Option<String>, world: &mut dyn World) -> Outcome {
        let mut text = String::new();
        if self.has_uncommitted_changes() {
            text.push_str("Warning: you have uncommitted changes that will not be saved.\n\n");
        }
        let (path, former) = self.save_to(file, world).map_err(|error| format!("{text}{error}\nSave failed"))?;
        if let Some(working) = self.working.as_mut() {
            working.level.clear();
        }
        text.push_str(&format!("Saving configuration to '{path}'...\n"));
        if let Some(former) = former {
            text.push_str(&format!("The former file had parts that were left out; it is kept as '{former}'.\n"));
        }
        Ok(Output::text(text + "Done\n"))
    }

    /// Answers what the file is called, and where the former one is kept if it is.
    fn save_to(&mut self, file: Option<String>, world: &mut dyn World) -> Result<(String, Option<String>), String> {
        if let Some(url) = file.as_deref().map_or(Ok(None), Url::read)? {
            let active = fetch(world, Which::Active)?.text;
            world.upload(&active, &url)?;
            return Ok((url.shown(), None));
        }
        let path = file.map(|file| world.absolute(&file)).transpose()?;
        let named = path.is_some();
        if let Some(path) = path.filter(|path| *path != self.boot_file) {
            let active = fetch(world, Which::Active)?.text;
            world.write_file(&path, &active)?;
            return Ok((path, None));
        }
        match world.call(Request::Save { named })? {
            Reply::Saved { path, former } => {
                self.unsaved = false;
                Ok((path, former))
            }
            other => Err(unexpected(other)),
        }
    }

    /// Makes a file, or the saved configuration, the working configuration.
    pub(super) fn load(&mut self, file: Option<String>, world: &mut dyn World) -> Outcome {
        let (name, parsed) = self.read("load", "loading", file, world, Tree::default())?;
        // Else the next commit would take everything away.
        if parsed.tree == Tree::default() && !parsed.problems.is_empty() {
            return Err(format!("{}Cannot load '{name}': nothing in it was understood", parsed.report()));
        }
        let Some(working) = self.working.as_mut() else { return Ok(Output::default()) };
        working.level.clear();
        let text = format!("Loading configuration from '{name}'...\n{}", parsed.report());
        working.tree = parsed.tree;
        Ok(Output::text(format!("{text}{}", done("Load", working.is_modified()))))
    }

    /// Adds a file to the working configuration.
    pub(super) fn merge(&mut self, file: &str, world: &mut dyn World) -> Outcome {
        let base = self.working.as_ref().map(|working| working.tree.clone()).unwrap_or_default();
        let (name, parsed) = self.read("merge", "merging", Some(file.to_owned()), world, base)?;
        let Some(working) = self.working.as_mut() else { return Ok(Output::default()) };
        let text = format!("Merging configuration from '{name}'...\n{}", parsed.report());
        working.level.clear();
        working.tree = parsed.tree;
        Ok(Output::text(format!("{text}{}", done("Merge", working.is_modified()))))
    }

    fn read(
        &self,
        verb: &str,
        doing: &str,
        file: Option<String>,
        world: &mut dyn World,
        base: Tree,
    ) -> Result<(String, Parsed), String> {
        if self.has_uncommitted_changes() {
            return Err(format!(
                "Cannot {verb}: configuration modified.\n\
                 Commit or discard the changes before {doing} a config file."
            ));
        }
        let (name, text) = match file {
            Some(file) => match Url::read(&file)? {
                Some(url) => (url.shown(), world.download(&url)?),
                None => {
                    let text = world.read_file(&file)?;
                    (file, text)
                }
            },
            None => (self.boot_file.clone(), fetch(world, Which::Saved)?.text),
        };
        let parsed = base.merged(&text);
        match parsed.refusal() {
            Some(refusal) => Err(format!("Cannot {verb} '{name}': {refusal}")),
            None => Ok((name, parsed)),
        }
    }
}

fn done(what: &str, modified: bool) -> String {
    if modified {
        format!("{what} complete. Use 'commit' to make changes effective.\n")
    } else {
        format!("{what} complete. No configuration changes to commit\n")
    }
}
