//! The shell: `towpath`.
//!
//! Reads commands from a person, from `-c` or from a file, and shows what the daemon answers. It keeps no
//! truth of its own: what is active is the daemon's word. Only this file decides how the program ends.

mod arguments;
mod client;
mod colour;
mod command;
mod completion;
mod editor;
mod help;
mod interpreter;
mod interrupt;
mod keep;
mod machine;
mod news;
mod output;
mod pattern;
mod private;
mod screen;
mod script;
mod session;
mod url;
mod whole;
mod world;

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use arguments::{Arguments, Run};
use client::Client;
use editor::Seat;
use interrupt::Interrupt;
use keep::Kept;
use machine::Outside;
use output::Paging;
use screen::Terminal;
use session::Session;
use world::Screen;

fn main() -> ExitCode {
    let environment = std::env::var("TOWPATH_SOCKET").ok();
    match Arguments::read(std::env::args().skip(1), environment) {
        Ok(Arguments::Run(run)) => shell(&run),
        Ok(Arguments::Print(text)) => {
            Terminal::new(false).show(&text, Paging::Never);
            ExitCode::SUCCESS
        }
        Err(complaint) => {
            Terminal::new(false).complain(&format!("towpath: {complaint}\n"));
            ExitCode::from(2)
        }
    }
}

fn shell(run: &Run) -> ExitCode {
    let interactive = run.commands.is_empty() && io::stdin().is_terminal();
    let interrupt = Interrupt::default();
    let state = keep::state_folder();
    let mut screen = Terminal::new(interactive);
    let mut world = Outside {
        client: Client::new(&run.socket, interrupt.clone()),
        interactive,
        lost: state.as_deref().filter(|_| interactive).map(|state| Kept::of(state, &run.socket)),
    };
    let (mut session, notices) = match Session::open(&user(), tty(), &mut world) {
        Ok(opened) => opened,
        Err(complaint) => {
            screen.complain(&format!("{complaint}\n"));
            return ExitCode::FAILURE;
        }
    };
    for notice in notices {
        screen.complain(&format!("{notice}\n"));
    }
    let well = if interactive {
        let seat = Seat { socket: run.socket.clone(), interrupt, state };
        let ended = editor::run(&seat, session, world, &mut screen);
        ended.inspect_err(|error| screen.complain(&format!("towpath: the terminal cannot be read: {error}\n"))).is_ok()
    } else if run.commands.is_empty() {
        script::lines(io::stdin().lock(), &mut session, &mut world, &mut screen)
    } else {
        script::commands(&run.commands, &mut session, &mut world, &mut screen)
    };
    let lost = screen.failure().map(|error| format!("towpath: the output cannot be written: {error}\n"));
    if let Some(complaint) = &lost {
        screen.complain(complaint);
    }
    if well && lost.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The terminal that the person sits at, as `who` names it: `pts/0`.
fn tty() -> Option<String> {
    let path = std::fs::read_link("/proc/self/fd/0").ok()?;
    path.strip_prefix("/dev").ok().filter(|_| io::stdin().is_terminal())?.to_str().map(str::to_owned)
}

/// The person's login name: the system's word first, since the environment is the person's.
fn user() -> String {
    let asked = std::process::Command::new("id").arg("-un").output();
    let told =
        asked.ok().filter(|output| output.status.success()).and_then(|output| String::from_utf8(output.stdout).ok());
    let name = told.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    name.or_else(|| std::env::var("USER").ok()).unwrap_or_else(|| "unknown".to_owned())
}
