//! Who keeps the programs of the appliance running: a state machine in virtual time.
//!
//! Never starts a process and never reads a clock: it says what shall be done and when it wants to be asked again.

use std::time::{Duration, Instant};

/// The first rest after an end, doubled with each end that follows soon.
const FIRST_REST: Duration = Duration::from_secs(1);
/// The longest rest.
const LONGEST_REST: Duration = Duration::from_secs(60);
/// A program that ran as long as this is taken for healthy again.
const LASTING: Duration = Duration::from_secs(30);
/// How long a program may take to end once it is asked to.
const GRACE: Duration = Duration::from_secs(5);

/// What a program needs so that it shall run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// Always.
    Always,
    /// While this file is there; when the file changes, the program is told.
    While(&'static str, OnChange),
}

/// How a program learns that its file has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnChange {
    /// It reads it again when it gets SIGHUP.
    HangUp,
    /// It ends and begins anew.
    Restart,
}

/// What a program is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spec {
    /// What persons call it.
    pub(crate) name: String,
    /// Its file and its arguments.
    pub(crate) command: Vec<String>,
    /// When it shall run.
    pub(crate) when: When,
    /// A terminal of its own, or else its output goes to the log.
    pub(crate) console: bool,
    /// A program that ends by itself after each use, like the login on a console, comes back at once.
    pub(crate) ends_often: bool,
}

/// What happens to programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// A process was started for the program.
    Started(usize, i32),
    /// It could not be started.
    Failed(usize),
    /// A process has ended.
    Ended(i32),
    /// The file of the program is there, with this mark of its state, or is not.
    File(usize, Option<u64>),
    /// A person wants the program to begin anew.
    Restart(String),
    /// Everything shall end.
    Shutdown,
    /// Time has passed.
    Tick,
}

/// What shall be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// Start the program with this number.
    Start(usize),
    /// Ask the process to end.
    End(i32),
    /// Have it read its file again.
    Reload(i32),
    /// End it without asking.
    Kill(i32),
    /// Tell the log.
    Say(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It shall not run.
    Off,
    /// It is being started.
    Starting,
    Running {
        pid: i32,
        since: Instant,
    },
    /// It was asked to end.
    Ending {
        pid: i32,
        kill_at: Instant,
    },
    /// It waits for its next start.
    Resting {
        until: Instant,
    },
}

#[derive(Clone, Debug)]
struct Service {
    spec: Spec,
    state: State,
    rest: Duration,
    file: Option<u64>,
    ends: u32,
}

/// All programs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Services {
    all: Vec<Service>,
    down: bool,
}

impl Services {
    pub(crate) fn new(specs: Vec<Spec>) -> Self {
        let service = |spec| Service { spec, state: State::Off, rest: FIRST_REST, file: None, ends: 0 };
        Self { all: specs.into_iter().map(service).collect(), down: false }
    }

    /// Takes a program in whose process is there already.
    pub(crate) fn adopt(&mut self, now: Instant, number: usize, pid: i32) {
        if let Some(service) = self.all.get_mut(number) {
            service.state = State::Running { pid, since: now };
        }
    }

    /// What the programs are, by their numbers.
    pub(crate) fn specs(&self) -> impl Iterator<Item = (usize, &Spec)> {
        self.all.iter().map(|service| &service.spec).enumerate()
    }

    /// Whether no process of a program is there any more.
    pub(crate) fn is_quiet(&self) -> bool {
        self.all.iter().all(|service| matches!(service.state, State::Off | State::Resting { .. }))
    }

    /// How often the program with this name has ended by itself since the start.
    pub(crate) fn ends(&self, name: &str) -> u32 {
        self.all.iter().filter(|service| service.spec.name == name).map(|service| service.ends).sum()
    }

    /// A line for each program: name, state, process.
    pub(crate) fn told(&self, now: Instant) -> String {
        let row = |service: &Service| {
            let state = match service.state {
                State::Off => "off".to_owned(),
                State::Starting => "starting".to_owned(),
                State::Running { pid, since } => {
                    format!("running, process {pid}, for {} s", now.saturating_duration_since(since).as_secs())
                }
                State::Ending { pid, .. } => format!("ending, process {pid}"),
                State::Resting { until } => {
                    format!("starts again in {} s", until.saturating_duration_since(now).as_secs())
                }
            };
            format!("{:<20} {state}; ended {} times\n", service.spec.name, service.ends)
        };
        self.all.iter().map(row).collect()
    }

    /// Takes in what happened, and says what shall be done.
    pub(crate) fn handle(&mut self, now: Instant, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Started(number, pid) => {
                if let Some(service) = self.all.get_mut(number) {
                    service.state = State::Running { pid, since: now };
                    if self.down {
                        service.end(now, pid, out);
                    }
                }
            }
            Input::Failed(number) => {
                if let Some(service) = self.all.get_mut(number) {
                    service.rest_a_while(now, "could not be started", out);
                }
            }
            Input::Ended(pid) => self.ended(now, pid, out),
            Input::File(number, mark) => {
                if let Some(service) = self.all.get_mut(number) {
                    service.file_is(now, mark, out);
                }
            }
            Input::Restart(name) => {
                for service in self.all.iter_mut().filter(|service| service.spec.name == name) {
                    match service.state {
                        State::Running { pid, .. } => service.end(now, pid, out),
                        State::Resting { .. } => service.state = State::Resting { until: now },
                        State::Off | State::Starting | State::Ending { .. } => {}
                    }
                }
            }
            Input::Shutdown => {
                self.down = true;
                for service in &mut self.all {
                    if let State::Running { pid, .. } = service.state {
                        service.end(now, pid, out);
                    }
                }
            }
            Input::Tick => {}
        }
        let down = self.down;
        for (number, service) in self.all.iter_mut().enumerate() {
            service.turn(now, number, down, out);
        }
    }

    /// When to ask again at the latest.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let of = |service: &Service| match service.state {
            State::Resting { until } if !self.down => Some(until),
            State::Ending { kill_at, .. } => Some(kill_at),
            _ => None,
        };
        self.all.iter().filter_map(of).min()
    }

    fn ended(&mut self, now: Instant, pid: i32, out: &mut Vec<Output>) {
        for service in &mut self.all {
            match service.state {
                State::Running { pid: own, since } if own == pid => {
                    service.ends = service.ends.saturating_add(1);
                    if service.spec.ends_often && now.saturating_duration_since(since) >= FIRST_REST {
                        service.state = State::Resting { until: now };
                        continue;
                    }
                    if now.saturating_duration_since(since) >= LASTING {
                        service.rest = FIRST_REST;
                    }
                    service.rest_a_while(now, "ended", out);
                }
                State::Ending { pid: own, .. } if own == pid => service.state = State::Resting { until: now },
                _ => {}
            }
        }
    }
}

impl Service {
    fn rest_a_while(&mut self, now: Instant, what: &str, out: &mut Vec<Output>) {
        let rest = self.rest;
        self.state = State::Resting { until: now + rest };
        self.rest = (rest * 2).min(LONGEST_REST);
        out.push(Output::Say(format!("{} {what}; it starts again in {} s", self.spec.name, rest.as_secs())));
    }

    fn end(&mut self, now: Instant, pid: i32, out: &mut Vec<Output>) {
        self.state = State::Ending { pid, kill_at: now + GRACE };
        out.push(Output::End(pid));
    }

    fn file_is(&mut self, now: Instant, mark: Option<u64>, out: &mut Vec<Output>) {
        let before = std::mem::replace(&mut self.file, mark);
        let State::Running { pid, .. } = self.state else { return };
        let When::While(_, on_change) = self.spec.when else { return };
        match (mark, on_change) {
            (None, _) => self.end(now, pid, out),
            (Some(_), _) if before == mark => {}
            (Some(_), OnChange::HangUp) => out.push(Output::Reload(pid)),
            (Some(_), OnChange::Restart) => self.end(now, pid, out),
        }
    }

    /// What follows from the state and the moment alone.
    fn turn(&mut self, now: Instant, number: usize, down: bool, out: &mut Vec<Output>) {
        let wished = !down
            && match self.spec.when {
                When::Always => true,
                When::While(..) => self.file.is_some(),
            };
        match self.state {
            State::Off if wished => {
                self.state = State::Starting;
                out.push(Output::Start(number));
            }
            State::Resting { .. } if !wished => self.state = State::Off,
            State::Resting { until } if until <= now => {
                self.state = State::Starting;
                out.push(Output::Start(number));
            }
            State::Ending { pid, kill_at } if kill_at <= now => {
                out.push(Output::Kill(pid));
                self.state = State::Ending { pid, kill_at: now + GRACE };
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
