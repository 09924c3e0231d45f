//! The line editor of a person's session.
//!
//! Thin adapters from the terminal to the session: TAB asks for a completion, `?` lists what can follow,
//! ^C clears the line, ^D leaves. Never knows a word.

use std::cell::RefCell;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
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
    Cmd, CompletionType, ConditionalEventHandler, Context, Editor, Event, EventContext, EventHandler, ExternalPrinter,
    Helper, KeyCode, KeyEvent, Modifiers, RepeatCount,
};

use crate::completion;
use crate::interpreter::{self, OnFailure};
use crate::interrupt::{Interrupt, TerminalModes};
use crate::keep::Kept;
use crate::machine::Outside;
use crate::news::{Listener, Told};
use crate::output::Paging;
use crate::screen::Terminal;
use crate::session::{Session, Unfinished};
use crate::world::Screen;

/// How many lines the history keeps.
const HISTORY: usize = 1000;

/// The session and the world, shared between the loop and the editor's callbacks.
struct Shared {
    session: Session,
    world: Outside,
}

/// A person's session at a terminal.
pub(crate) struct Seat {
    /// Where the daemon listens.
    pub(crate) socket: PathBuf,
    /// What the person waits for can be stopped.
    pub(crate) interrupt: Interrupt,
    /// Below it are the history and what lost sessions left.
    pub(crate) state: Option<PathBuf>,
}

/// What would be lost if the terminal went away now, for whoever is told first.
type Precious = Arc<Mutex<Option<Unfinished>>>;

/// Runs the session until the person leaves.
///
/// # Errors
/// When the terminal cannot be read.
pub(crate) fn run(seat: &Seat, session: Session, world: Outside, screen: &mut Terminal) -> Result<(), ReadlineError> {
    let kept = world.lost.clone();
    let precious = Precious::default();
    let modes = TerminalModes::without_suspension();
    let farewell = {
        let (precious, kept, modes) = (Arc::clone(&precious), kept.clone(), modes.clone());
        move || {
            keep(&precious, kept.as_ref());
            modes.restore();
        }
    };
    // Without signals the shell ends as programs do; all else works.
    let _ = seat.interrupt.listen(farewell);
    let ended = Desk::new(seat, session, world).and_then(|desk| desk.run(seat, &precious, screen));
    keep(&precious, kept.as_ref());
    modes.restore();
    ended
}

/// Writes down what would be lost.
fn keep(precious: &Precious, kept: Option<&Kept>) {
    if let (Ok(mut precious), Some(kept)) = (precious.lock(), kept)
        && let Some(unfinished) = precious.take()
    {
        // The terminal is gone: there is nobody to tell that the disk is full.
        let _ = kept.write(&unfinished);
    }
}

/// The editor with all that it asks.
struct Desk {
    editor: Editor<Assistant, FileHistory>,
    shared: Rc<RefCell<Shared>>,
    asked: Asked,
    told: Told,
    history: Option<PathBuf>,
    kept: Option<Kept>,
}

impl Desk {
    fn new(seat: &Seat, session: Session, world: Outside) -> Result<Self, ReadlineError> {
        let kept = world.lost.clone();
        let listener = Listener {
            socket: seat.socket.clone(),
            user: session.user().to_owned(),
            tty: session.tty().map(str::to_owned),
            told: Told::default(),
        };
        let told = listener.told.clone();
        let shared = Rc::new(RefCell::new(Shared { session, world }));
        let config = rustyline::Config::builder()
            .max_history_size(HISTORY)?
            .history_ignore_space(true)
            .completion_type(CompletionType::List)
            // Pasted lines run one by one as if they were typed, each below its prompt.
            .bracketed_paste(false)
            .build();
        let mut editor: Editor<Assistant, FileHistory> = Editor::with_config(config)?;
        editor.set_helper(Some(Assistant { shared: Rc::clone(&shared), last: RefCell::default() }));
        let asked = Asked::default();
        editor.bind_sequence(KeyEvent::from('?'), EventHandler::Conditional(Box::new(asked.clone())));
        let anywhere = Asked { anywhere: true, ..asked.clone() };
        editor
            .bind_sequence(KeyEvent(KeyCode::Char('?'), Modifiers::ALT), EventHandler::Conditional(Box::new(anywhere)));
        editor.bind_sequence(KeyEvent::ctrl('z'), EventHandler::Simple(Cmd::Noop));
        let history = seat.state.as_deref().and_then(history_file);
        if let Some(path) = &history {
            // The first session has no history yet.
            let _ = editor.load_history(path);
        }
        // A terminal that cannot edit lines is told at the next prompt.
        if let Ok(mut printer) = editor.create_external_printer() {
            listener.start(move |text| drop(printer.print(text)));
        }
        Ok(Self { editor, shared, asked, told, history, kept })
    }

    fn run(mut self, seat: &Seat, precious: &Precious, screen: &mut Terminal) -> Result<(), ReadlineError> {
        let mut initial = (String::new(), String::new());
        loop {
            self.mind(precious);
            if self.shared.borrow().session.has_left() {
                return Ok(());
            }
            self.tell_news(screen);
            let (above, last) = self.shared.borrow().session.prompt();
            let plain = format!("{above}{last}");
            let prompt = (plain.as_str(), screen.colours().prompt(&plain));
            let typed = self.editor.readline_with_initial(&prompt, (&initial.0, &initial.1));
            seat.interrupt.clear();
            match typed {
                Ok(line) => initial = self.entered(&line, screen),
                Err(ReadlineError::Interrupted) => initial = Default::default(),
                // Not ^D, but a terminal that is gone.
                Err(ReadlineError::Eof) if !io::stdin().is_terminal() => return Ok(()),
                Err(ReadlineError::Eof) => {
                    initial = Default::default();
                    self.run_line("exit", screen);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Remembers what would be lost now, and forgets what an earlier session lost once that is settled.
    fn mind(&self, precious: &Precious) {
        let session = &self.shared.borrow().session;
        self.told.set_editing(session.editing().is_some());
        let unfinished = session.unfinished();
        if let (None, true, Some(kept)) = (&unfinished, session.has_taken_up(), &self.kept) {
            kept.forget();
        }
        if let Ok(mut precious) = precious.lock() {
            *precious = unfinished;
        }
    }

    /// Tells what others committed while the person was editing.
    fn tell_news(&self, screen: &mut Terminal) {
        let Shared { session, world } = &mut *self.shared.borrow_mut();
        if let Some(news) = session.keep_up(self.told.newest(), world) {
            screen.show(&news, Paging::Never);
        }
    }

    /// Does what a line asks for, or lists what can follow where `?` was pressed; answers what the next line
    /// begins with, before and behind the cursor.
    fn entered(&mut self, line: &str, screen: &mut Terminal) -> (String, String) {
        if let Some((before, behind)) = self.asked.take() {
            let Shared { session, world } = &mut *self.shared.borrow_mut();
            screen.show(&format!("{}\n", completion::answer(&before, session, world)), Paging::Never);
            return (before, behind);
        }
        if !line.trim().is_empty() {
            self.remember(line);
            self.run_line(line, screen);
        }
        Default::default()
    }

    /// Adds a line to the history at once, so that sessions side by side lose none; secrets are not remembered.
    fn remember(&mut self, line: &str) {
        if self.shared.borrow().session.holds_secret(line) {
            return;
        }
        let _ = self.editor.add_history_entry(line);
        if let Some(path) = &self.history {
            // A history that cannot be written costs the history only.
            let _ = self.editor.append_history(path);
        }
    }

    fn run_line(&mut self, line: &str, screen: &mut Terminal) {
        let Shared { session, world } = &mut *self.shared.borrow_mut();
        // A terminal that does not know its size says zero.
        let size = self.editor.dimensions().filter(|(columns, rows)| *columns > 0 && *rows > 0);
        screen.measure(size, session.length());
        interpreter::run(line, session, world, screen, OnFailure::GoOn);
    }
}

/// The history's file, its folder made for the person alone.
fn history_file(state: &Path) -> Option<PathBuf> {
    crate::keep::private_folder(state).ok()?;
    Some(state.join("history"))
}

/// Where `?` was pressed: the line before and behind the cursor.
#[derive(Clone, Default)]
struct Asked {
    at: Arc<Mutex<Option<(String, String)>>>,
    /// Also where `?` is a character like others.
    anywhere: bool,
}

impl Asked {
    fn take(&self) -> Option<(String, String)> {
        self.at.lock().ok()?.take()
    }
}

impl ConditionalEventHandler for Asked {
    /// Ends the line so that the listing is printed below it; the next line begins with the same text.
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, context: &EventContext) -> Option<Cmd> {
        let (before, behind) = context.line().split_at_checked(context.pos())?;
        if !self.anywhere && completion::is_text(before) {
            return None;
        }
        *self.at.lock().ok()? = Some((before.to_owned(), behind.to_owned()));
        Some(Cmd::AcceptLine)
    }
}

/// What the editor asks while a line is being typed.
struct Assistant {
    shared: Rc<RefCell<Shared>>,
    /// The line and the cursor at the last TAB that completed nothing: the next one lists.
    last: RefCell<Option<(String, usize)>>,
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
        let here = Some((line.to_owned(), cursor));
        let again = self.last.replace(here.clone()) == here;
        if completion.candidates.is_empty() || !again {
            return Ok((cursor, Vec::new()));
        }
        self.last.replace(None);
        let (above, _) = session.prompt();
        // The listing goes below the line. What is returned is the word as it stands: the editor then
        // draws prompt and line anew, below the listing.
        let rows = "\n".repeat(above.lines().count());
        Terminal::new(true).show(&format!("\r\n{}\n{rows}", completion.listing()).replace('\n', "\r\n"), Paging::Never);
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
