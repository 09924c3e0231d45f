//! The line editor of a person's session.
//!
//! Thin adapters from the terminal to the session: TAB asks for a completion, `?` lists what can follow,
//! ^C clears the line, ^D leaves. Never knows a word.

use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use rustyline::Changeset;
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::line_buffer::LineBuffer;
use rustyline::validate::Validator;
use rustyline::{
    Cmd, CompletionType, ConditionalEventHandler, Context, Editor, Event, EventContext, EventHandler, Helper, KeyEvent,
    RepeatCount,
};

use crate::completion;
use crate::interpreter::{self, OnFailure};
use crate::machine::Outside;
use crate::output::Paging;
use crate::screen::Terminal;
use crate::session::Session;
use crate::world::Screen;

/// How many lines the history keeps.
const HISTORY: usize = 1000;

/// The session and the world, shared between the loop and the editor's callbacks.
struct Shared {
    session: Session,
    world: Outside,
}

/// Runs the session until the person leaves.
///
/// # Errors
/// When the terminal cannot be read.
pub(crate) fn run(session: Session, world: Outside, screen: &mut Terminal) -> Result<(), ReadlineError> {
    let shared = Rc::new(RefCell::new(Shared { session, world }));
    let config = rustyline::Config::builder()
        .max_history_size(HISTORY)?
        .history_ignore_space(true)
        .completion_type(CompletionType::List)
        // Pasted lines run one by one as if they were typed, each below its prompt.
        .bracketed_paste(false)
        .build();
    let mut editor: Editor<Assistant, FileHistory> = Editor::with_config(config)?;
    editor.set_helper(Some(Assistant { shared: Rc::clone(&shared) }));
    let asked = Asked::default();
    editor.bind_sequence(KeyEvent::from('?'), EventHandler::Conditional(Box::new(asked.clone())));
    let history = history_file();
    if let Some(path) = &history {
        // The first session has no history yet.
        let _ = editor.load_history(path);
    }
    let mut initial = (String::new(), String::new());
    while !shared.borrow().session.has_left() {
        tell_news(&mut shared.borrow_mut(), screen);
        let (above, prompt) = shared.borrow().session.prompt();
        screen.show(&above, Paging::Never);
        match editor.readline_with_initial(&prompt, (&initial.0, &initial.1)) {
            Ok(line) => {
                initial = entered(&line, asked.take(), &mut shared.borrow_mut(), &mut editor, screen);
            }
            Err(ReadlineError::Interrupted) => initial = Default::default(),
            Err(ReadlineError::Eof) => {
                initial = Default::default();
                run_line("exit", &mut shared.borrow_mut(), screen);
            }
            Err(error) => return Err(error),
        }
    }
    if let Some(path) = &history {
        let _ = editor.append_history(path);
    }
    Ok(())
}

/// Tells what others committed while the person was editing.
fn tell_news(shared: &mut Shared, screen: &mut Terminal) {
    let Shared { session, world } = shared;
    if let Some(news) = session.keep_up(world) {
        screen.show(&news, Paging::Never);
    }
}

/// Does what a line asks for, or lists what can follow where `?` was pressed; answers what the next line
/// begins with, before and behind the cursor.
fn entered(
    line: &str,
    asked: Option<(String, String)>,
    shared: &mut Shared,
    editor: &mut Editor<Assistant, FileHistory>,
    screen: &mut Terminal,
) -> (String, String) {
    if let Some((before, behind)) = asked {
        let completion = completion::at(&before, before.len(), &shared.session, &mut shared.world);
        screen.show(&format!("{}\n", completion.listing()), Paging::Never);
        return (before, behind);
    }
    if !line.trim().is_empty() {
        let _ = editor.add_history_entry(line);
        run_line(line, shared, screen);
    }
    Default::default()
}

fn run_line(line: &str, shared: &mut Shared, screen: &mut Terminal) {
    let Shared { session, world } = shared;
    interpreter::run(line, session, world, screen, OnFailure::GoOn);
}

/// `$XDG_STATE_HOME/towpath/history`, or below the person's home.
fn history_file() -> Option<PathBuf> {
    let given = std::env::var_os("XDG_STATE_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
    let home = || {
        std::env::var_os("HOME").filter(|path| !path.is_empty()).map(|home| PathBuf::from(home).join(".local/state"))
    };
    let folder = given.or_else(home)?.join("towpath");
    fs::create_dir_all(&folder).ok()?;
    Some(folder.join("history"))
}

/// Where `?` was pressed: the line before and behind the cursor.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<Option<(String, String)>>>);

impl Asked {
    fn take(&self) -> Option<(String, String)> {
        self.0.lock().ok()?.take()
    }
}

impl ConditionalEventHandler for Asked {
    /// Ends the line so that the listing is printed below it; the next line begins with the same text.
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, context: &EventContext) -> Option<Cmd> {
        let (before, behind) = context.line().split_at_checked(context.pos())?;
        if completion::inside_quotes(before) {
            return None;
        }
        *self.0.lock().ok()? = Some((before.to_owned(), behind.to_owned()));
        Some(Cmd::AcceptLine)
    }
}

/// What the editor asks while a line is being typed.
struct Assistant {
    shared: Rc<RefCell<Shared>>,
}

impl Completer for Assistant {
    type Candidate = String;

    fn complete(&self, line: &str, cursor: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let Ok(mut shared) = self.shared.try_borrow_mut() else { return Ok((cursor, Vec::new())) };
        let Shared { session, world } = &mut *shared;
        let completion = completion::at(line, cursor, session, world);
        if let Some(text) = completion::extension(&completion, line, cursor) {
            return Ok((completion.start, vec![text]));
        }
        if completion.candidates.is_empty() {
            return Ok((cursor, Vec::new()));
        }
        let (above, _) = session.prompt();
        // The listing goes below the line. What is returned is the word as it stands: the editor then
        // draws prompt and line anew, below the listing.
        Terminal::new(true)
            .show(&format!("\r\n{}\n{above}", completion.listing()).replace('\n', "\r\n"), Paging::Never);
        let typed = line.get(completion.start..cursor).unwrap_or_default();
        Ok((completion.start, vec![typed.to_owned()]))
    }

    /// Puts the completed word into the line, over what stands of it behind the cursor already.
    fn update(&self, line: &mut LineBuffer, start: usize, elected: &str, changes: &mut Changeset) {
        let cursor = line.pos();
        let typed = line.as_str().get(start..cursor).unwrap_or_default();
        let behind = line.as_str().get(cursor..).unwrap_or_default();
        let end = cursor.saturating_add(completion::overlap(elected, typed, behind));
        line.replace(start..end, elected, changes);
    }
}

impl Hinter for Assistant {
    type Hint = String;
}

impl Highlighter for Assistant {}

impl Validator for Assistant {}

impl Helper for Assistant {}
