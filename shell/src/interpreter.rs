//! A typed line: its commands one after the other, through their pipes, to the screen.
//!
//! Knows what `;` and `&&` mean and what a failure does; never knows what a command does.

use grammar::parse::{self, Command, Joiner};

use crate::output::{Paging, Piped, Pipes};
use crate::session::Session;
use crate::world::{Screen, World};

/// What a failed command means for those behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnFailure {
    /// The next one runs unless it is joined by `&&`: a person is there to see.
    GoOn,
    /// Nothing runs any more: a script must not go on blindly.
    Stop,
}

/// Runs a line; whether all that ran of it succeeded.
pub(crate) fn run(
    line: &str,
    session: &mut Session,
    world: &mut dyn World,
    screen: &mut dyn Screen,
    on_failure: OnFailure,
) -> bool {
    let commands = match parse::line(line) {
        Ok(commands) => commands,
        Err(error) => {
            screen.complain(&format!("{error} (column {})\n", error.column));
            return false;
        }
    };
    let mut all_well = true;
    let mut skip = false;
    for command in &commands {
        if session.has_left() {
            break;
        }
        if !skip {
            let well = run_one(command, session, world, screen);
            all_well &= well;
            if !well && on_failure == OnFailure::Stop {
                break;
            }
            skip = !well;
        }
        skip &= command.after == Joiner::OnSuccess;
    }
    all_well
}

fn run_one(command: &Command, session: &mut Session, world: &mut dyn World, screen: &mut dyn Screen) -> bool {
    let said = Pipes::read(&command.pipes).and_then(|pipes| {
        if !pipes.is_empty() && session.runs_program(&command.words) {
            return Err("This command writes to the terminal itself; leave the '|' away".to_owned());
        }
        let piped = session.run(&command.words, world).and_then(|output| pipes.run(output))?;
        into_file(piped, world)
    });
    match said {
        Ok(piped) => {
            match piped {
                Piped { text, .. } if text.is_empty() => {}
                Piped { text, paging, marked: true, .. } => screen.show_marked(&text, paging),
                Piped { text, paging, .. } => screen.show(&text, paging),
            }
            true
        }
        Err(complaint) => {
            let end = if complaint.ends_with('\n') { "" } else { "\n" };
            screen.complain(&format!("{complaint}{end}"));
            false
        }
    }
}

/// Writes what goes into a file; what is left for the screen is that it was done.
fn into_file(piped: Piped, world: &mut dyn World) -> Result<Piped, String> {
    let Some(file) = &piped.file else { return Ok(piped) };
    world.write_file(file, &piped.text)?;
    let lines = piped.text.lines().count();
    let text = format!("Wrote {lines} {} to '{file}'\n", if lines == 1 { "line" } else { "lines" });
    Ok(Piped { text, paging: Paging::Never, marked: false, file: None })
}
