//! What the first process does from the start to the end: one loop over signals, devices, requests and time.
//!
//! Never blocks: whatever takes long is a process of its own.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::reboot::{RebootMode, reboot, set_cad_enabled};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::start::{self, CARDS, CLOCK, CONFIG, PLACES, Started};
use crate::confine::{self, USER};
use crate::door::{Asked, Door};
use crate::hardware::name_cards;
use crate::health::{Trial, Verdict};
use crate::logs;
use crate::request::{End, FAILED, Request};
use crate::services::{Input, OnChange, Output, Services, Spec, When};
use crate::slots::Choice;
use crate::system::{self, say};
use crate::upgrade::{self, Images};

/// The router, and its steward.
const ROUTER: &str = "towpathd";
const STEWARD: &str = "towpath-steward";
const STEWARD_SOCKET: &str = "/run/towpath-steward/socket";
/// A file that is made when programs may begin that nobody waits for until the router answers.
const ROUTER_IS_UP: &str = "/run/router-is-up";
/// How long these leave the processor to the router's start, whatever becomes of it, and how often it is looked at.
const ROUTER_STARTS: Duration = Duration::from_secs(3);
const ROUTER_LOOK: Duration = Duration::from_millis(50);
/// Where the programs' words and the kernel's go.
const LOG: &str = "/var/log/messages";
/// How long the loop sleeps at most.
const TICK: Duration = Duration::from_secs(1);
/// How long devices that nobody waits for leave the processor to the router's start.
const OTHERS_WAIT: Duration = Duration::from_secs(6);
/// How often the watchdog hears of us.
const WATCHDOG_EVERY: Duration = Duration::from_secs(5);
/// How often the log is looked at, whether it has become long.
const LOGS_EVERY: Duration = Duration::from_secs(30);
/// How often the time is kept.
const CLOCK_EVERY: Duration = Duration::from_secs(600);
/// After how long a start has lasted: the boot loader counts those of the good image that did not.
const LASTS: Duration = Duration::from_secs(60);
/// How long programs may take to end before the machine does.
const LAST_WAIT: Duration = Duration::from_secs(8);
/// The length of an input event, and where its type, code and value stand (`struct input_event` of 64 bits).
const INPUT_EVENT: usize = 24;
/// The code of the key that switches a machine off.
const KEY_POWER: u16 = 116;

struct Machine {
    started: Started,
    services: Services,
    door: Option<Door>,
    signals: Option<SignalFd>,
    buttons: Vec<File>,
    watchdog: Option<File>,
    watchdog_at: Instant,
    clock_at: Instant,
    logs_at: Instant,
    /// When programs begin that leave the processor to the router's start; nothing once they may.
    behind_at: Option<Instant>,
    /// When devices get their drivers that nobody waits for; nothing once they have them.
    others_at: Option<Instant>,
    /// When this start has lasted; nothing once it has.
    lasts_at: Option<Instant>,
    trial: Option<Trial>,
    /// The process that asks whether the router answers.
    probe: Option<(i32, Option<bool>)>,
    /// The process that works on images.
    worker: Option<i32>,
    planned: Option<(Instant, End)>,
}

/// Keeps the machine running to its end.
pub(super) fn run(started: Started) -> ! {
    let now = Instant::now();
    let _ = set_cad_enabled(false);
    let trial = started.on_trial.map(|_| Trial::new(now));
    let (mut specs, consoles) = (specs(), started.consoles.clone());
    let first_console = specs.len();
    specs.extend(consoles.iter().map(|(spec, _)| spec.clone()));
    let mut machine = Machine {
        services: Services::new(specs),
        door: Door::open().map_err(|error| say(&error)).ok(),
        signals: open_signals(),
        buttons: Vec::new(),
        watchdog: open_watchdog(),
        watchdog_at: now,
        clock_at: now + CLOCK_EVERY,
        logs_at: now,
        behind_at: Some(now + ROUTER_STARTS),
        others_at: Some(now + OTHERS_WAIT),
        lasts_at: Some(now + LASTS),
        trial,
        probe: None,
        worker: None,
        planned: None,
        started,
    };
    for (number, (_, pid)) in (first_console..).zip(consoles) {
        if let Some(pid) = pid {
            machine.services.adopt(now, number, pid);
        }
    }
    // What is on trial may hang with the first program: the watchdog is there before it.
    if machine.trial.is_some() {
        machine.start_all_others(now);
    }
    machine.feed(Input::Tick);
    loop {
        machine.wait();
        if let Some(end) = machine.turn() {
            machine.end(end);
        }
    }
}

/// The router, as a user of its own.
fn router_command() -> String {
    format!("/proc/self/exe {} /usr/sbin/towpathd --steward {STEWARD_SOCKET}", confine::WORD)
}

/// Who changes files and accounts of the system for it, as the configuration says.
fn steward_command() -> String {
    format!("/usr/sbin/towpathd --steward-for {USER} --steward {STEWARD_SOCKET} --state-dir /run/towpath-steward/state")
}

/// The words of a command.
fn own(words: &str) -> Vec<String> {
    words.split_whitespace().map(str::to_owned).collect()
}

/// The programs of the appliance but for those of consoles.
fn specs() -> Vec<Spec> {
    let program = |name: &str, when: When, words: &str| Spec {
        name: name.to_owned(),
        command: own(words),
        when,
        console: false,
        ends_often: false,
    };
    vec![
        program("syslogd", When::Always, "/bin/busybox syslogd -n -O /var/log/messages"),
        program(STEWARD, When::Always, &steward_command()),
        program(ROUTER, When::Always, &router_command()),
        // The kernel keeps what it has to say.
        program("klogd", When::While(ROUTER_IS_UP, OnChange::Restart), "/bin/busybox klogd -n"),
        program("sshd", When::While("/etc/ssh/sshd_config", OnChange::HangUp), "/usr/lib/towpath/sshd"),
        program("chronyd", When::While("/etc/chrony/chrony.conf", OnChange::Restart), "/usr/sbin/chronyd -n -u root"),
        program("dhcp", When::While("/etc/towpath/dhcp", OnChange::Restart), "/usr/lib/towpath/dhcp"),
    ]
}

/// The programs of consoles: a login on each, or a shell where a person asked for that at the start.
pub(super) fn consoles(rescue: bool) -> Vec<Spec> {
    let spec = |(terminal, kind): (String, &str)| {
        let words = if rescue {
            format!("/bin/busybox getty -n -l /bin/sh 115200 {terminal} {kind}")
        } else {
            format!("/bin/busybox getty -n -l /usr/lib/towpath/console-login -L 115200 {terminal} {kind}")
        };
        Spec { name: terminal, command: own(&words), when: When::Always, console: true, ends_often: true }
    };
    terminals().into_iter().map(spec).collect()
}

/// Every device that the kernel speaks to, and the first screen: terminal and kind.
fn terminals() -> Vec<(String, &'static str)> {
    let active = fs::read_to_string("/sys/class/tty/console/active").unwrap_or_default();
    let mut found = vec![("tty1".to_owned(), "linux")];
    let others = active.split_whitespace().filter(|name| *name != "tty0" && *name != "tty1");
    found.extend(others.map(|name| (name.to_owned(), if name.starts_with("tty0") { "linux" } else { "vt102" })));
    found.retain(|(name, _)| Path::new("/dev").join(name).exists());
    found
}

fn open_signals() -> Option<SignalFd> {
    let set: SigSet =
        [Signal::SIGCHLD, Signal::SIGINT, Signal::SIGTERM, Signal::SIGUSR2, Signal::SIGPWR].into_iter().collect();
    set.thread_block().ok()?;
    SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)
        .map_err(|error| say(&error.to_string()))
        .ok()
}

fn open_watchdog() -> Option<File> {
    OpenOptions::new().write(true).open("/dev/watchdog").ok()
}

/// Buttons that a person presses to switch the machine off.
fn power_buttons() -> Vec<File> {
    let entries = fs::read_dir("/sys/class/input").into_iter().flatten().flatten();
    let is_button =
        |path: &Path| fs::read_to_string(path.join("device/name")).is_ok_and(|name| name.trim() == "Power Button");
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(nix::fcntl::OFlag::O_NONBLOCK.bits());
    let open = |entry: fs::DirEntry| options.open(Path::new("/dev/input").join(entry.file_name())).ok();
    entries.filter(|entry| is_button(&entry.path())).filter_map(open).collect()
}

impl Machine {
    /// Sleeps until something happens or something is due.
    fn wait(&self) {
        let now = Instant::now();
        let due = [self.services.deadline(), self.planned.map(|(at, _)| at), self.others_at];
        let due = due.into_iter().flatten().min();
        let most = if self.behind_at.is_some() { ROUTER_LOOK } else { TICK };
        let rest = due.map_or(most, |due| due.saturating_duration_since(now).min(most));
        let mut all: Vec<PollFd<'_>> = Vec::new();
        let mut watch = |fd| all.push(PollFd::new(fd, PollFlags::POLLIN));
        self.signals.iter().for_each(|signals| watch(signals.as_fd()));
        self.started.events.iter().for_each(|events| watch(events.as_fd()));
        self.buttons.iter().for_each(|button| watch(button.as_fd()));
        self.door.iter().flat_map(Door::all).for_each(watch);
        let milliseconds = u16::try_from(rest.as_millis()).unwrap_or(1000).saturating_add(1);
        let _ = poll(&mut all, PollTimeout::from(milliseconds));
    }

    /// Takes in what happened; whether the machine shall end now.
    fn turn(&mut self) -> Option<End> {
        let now = Instant::now();
        let mut end = self.take_signals();
        self.reap();
        if let Some(events) = &self.started.events
            && self.started.hardware.take_events(events)
        {
            name_cards(&fs::read_to_string(CONFIG).unwrap_or_default(), Path::new(CARDS));
        }
        if self.buttons.iter_mut().any(was_pressed) {
            end = end.or(Some(End::PowerOff));
        }
        if self.behind_at.is_some_and(|at| at <= now || Path::new(system::ROUTER_SOCKET).exists()) {
            self.behind_at = None;
            if let Err(error) = fs::write(ROUTER_IS_UP, "") {
                say(&system::told(ROUTER_IS_UP, error));
            }
        }
        if self.others_at.is_some_and(|at| at <= now) {
            self.start_others(now);
        }
        let asked = self.door.as_mut().map(Door::take).unwrap_or_default();
        for request in asked {
            self.answer(request, now);
        }
        self.look_at_files();
        self.feed(Input::Tick);
        self.judge(now);
        if self.watchdog_at <= now {
            self.watchdog_at = now + WATCHDOG_EVERY;
            let _ = self.watchdog.as_mut().map(|watchdog| watchdog.write_all(b"."));
        }
        // Who works on images changes the same variables.
        if self.worker.is_none() && self.lasts_at.is_some_and(|at| at <= now) {
            self.lasted();
        }
        if self.logs_at <= now {
            self.logs_at = now + LOGS_EVERY;
            if let Err(error) = logs::rotate(Path::new(LOG)) {
                say(&system::told("the log cannot be put aside", error));
            }
        }
        if self.clock_at <= now {
            self.clock_at = now + CLOCK_EVERY;
            keep_clock();
        }
        end.or(self.planned.filter(|(at, _)| *at <= now).map(|(_, end)| end))
    }

    /// Gives one more kind of device its drivers, or is done with all of them.
    fn start_others(&mut self, now: Instant) {
        if self.started.hardware.load_next() {
            self.others_at = Some(now);
            return;
        }
        self.others_at = None;
        start::finish();
        self.buttons = power_buttons();
        self.watchdog = self.watchdog.take().or_else(open_watchdog);
    }

    /// Gives all kinds of devices their drivers that have none yet.
    fn start_all_others(&mut self, now: Instant) {
        while self.others_at.is_some() {
            self.start_others(now);
        }
    }

    fn take_signals(&mut self) -> Option<End> {
        let mut end = None;
        while let Some(Ok(Some(signal))) = self.signals.as_ref().map(SignalFd::read_signal) {
            match i32::try_from(signal.ssi_signo).ok().and_then(|number| Signal::try_from(number).ok()) {
                Some(Signal::SIGINT) => end = Some(End::Reboot),
                Some(Signal::SIGTERM | Signal::SIGUSR2 | Signal::SIGPWR) => end = Some(End::PowerOff),
                _ => {}
            }
        }
        end
    }

    /// Takes in which processes have ended, also those of others that lost their parents.
    fn reap(&mut self) {
        loop {
            let (pid, good) = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, status)) => (pid.as_raw(), status == 0),
                Ok(WaitStatus::Signaled(pid, _, _)) => (pid.as_raw(), false),
                Ok(WaitStatus::StillAlive) | Err(_) => return,
                Ok(_) => continue,
            };
            if self.probe.is_some_and(|(probe, _)| probe == pid) {
                self.probe = Some((pid, Some(good)));
            }
            self.worker = self.worker.filter(|worker| *worker != pid);
            self.feed(Input::Ended(pid));
        }
    }

    /// Whether the files are there that programs wait for.
    fn look_at_files(&mut self) {
        let wanted: Vec<(usize, &'static str)> = self
            .services
            .specs()
            .filter_map(|(number, spec)| match spec.when {
                When::While(path, _) => Some((number, path)),
                When::Always => None,
            })
            .collect();
        for (number, path) in wanted {
            let mark = fs::metadata(path).ok().map(|file| {
                let parts = [file.ino(), file.mtime().unsigned_abs(), file.mtime_nsec().unsigned_abs(), file.len()];
                parts.into_iter().fold(17, |sum: u64, part| sum.wrapping_mul(1_000_003).wrapping_add(part))
            });
            self.feed(Input::File(number, mark));
        }
    }

    /// Tells the programs' keeper, and does what it wants.
    fn feed(&mut self, input: Input) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let mut out = Vec::new();
            self.services.handle(Instant::now(), input, &mut out);
            for output in out {
                match output {
                    Output::Start(number) => {
                        let spec = self.services.specs().find(|(at, _)| *at == number).map(|(_, spec)| spec.clone());
                        inputs.push(match spec.map(|spec| begin(&spec)) {
                            Some(Ok(pid)) => Input::Started(number, pid),
                            Some(Err(error)) => {
                                say(&error);
                                Input::Failed(number)
                            }
                            None => Input::Failed(number),
                        });
                    }
                    Output::End(pid) => signal(pid, Signal::SIGTERM),
                    Output::Reload(pid) => signal(pid, Signal::SIGHUP),
                    Output::Kill(pid) => signal(pid, Signal::SIGKILL),
                    Output::Say(what) => say(&what),
                }
            }
        }
    }

    fn answer(&mut self, asked: Asked, now: Instant) {
        let mut stream = asked.stream;
        let mut reply = |text: &str| drop(stream.write_all(text.as_bytes()));
        match asked.request {
            Some(Request::Shutdown(end, rest)) => {
                say(&format!("{end:?} in {} s, asked for by user {}", rest.as_secs(), asked.user));
                self.planned = Some((now + rest, end));
                let word = if end == End::Reboot { "starts again" } else { "is switched off" };
                reply(&if rest.is_zero() {
                    format!("The machine {word}.\n")
                } else {
                    format!("The machine {word} in {} minutes; 'reboot cancel' stops that.\n", rest.as_secs() / 60)
                });
            }
            Some(Request::Cancel) => match self.planned.take() {
                Some(_) => reply("The machine stays up.\n"),
                None => reply(&format!("{FAILED}Nothing was planned\n")),
            },
            Some(Request::Restart(name)) => self.feed(Input::Restart(name)),
            Some(Request::Services) => reply(&self.services.told(now)),
            Some(Request::Devices) => self.start_all_others(now),
            Some(Request::Worker(_)) if self.worker.is_some() => {
                reply(&format!("{FAILED}Somebody else is changing the images; try again later\n"));
            }
            Some(Request::Worker(words)) => {
                say(&format!("{}, asked for by user {}", words.join(" "), asked.user));
                let out = OwnedFd::from(stream);
                self.worker = work(&words, asked.file, out).map_err(|error| say(&error)).ok();
            }
            None => reply(&format!("{FAILED}These words mean nothing here\n")),
        }
    }

    /// An image on trial proves itself, or the machine starts again.
    fn judge(&mut self, now: Instant) {
        let (Some(trial), Some(slot)) = (self.trial.as_mut(), self.started.on_trial) else { return };
        let answers = match self.probe {
            Some((_, None)) => return,
            Some((_, Some(answered))) => answered,
            None => false,
        };
        self.probe = None;
        match trial.look(now, answers, self.services.ends(ROUTER)) {
            Verdict::Wait => self.probe = ask_router().map(|pid| (pid, None)),
            Verdict::Good => {
                self.trial = None;
                let proved = choose(|choice| choice.proved(slot));
                say(&proved.map_or_else(
                    |error| error,
                    |()| "this image is healthy and is the good one from now on".to_owned(),
                ));
            }
            Verdict::Bad(why) if is_without_a_good_one() => {
                // The good image does not start: there is nothing to go back to.
                say(&format!(
                    "this image does not become healthy: {why}; the good one cannot be started, so this one stays"
                ));
                self.trial = None;
            }
            Verdict::Bad(why) => {
                say(&format!("this image does not become healthy: {why}; the machine starts again"));
                // It would not do better a second time: what runs here is what was meant to run.
                if let Err(error) = choose(|choice| {
                    choice.failed_its_trial(slot);
                    true
                }) {
                    say(&error);
                }
                self.trial = None;
                self.planned = Some((now, End::Reboot));
            }
        }
    }

    /// The boot loader need not count this start.
    fn lasted(&mut self) {
        if self.lasts_at.take().is_some()
            && upgrade::running().is_some()
            && let Err(error) = choose(Choice::lasted)
        {
            say(&error);
        }
    }

    /// Ends all programs and the machine.
    fn end(&mut self, end: End) -> ! {
        say(&format!("the machine ends: {end:?}"));
        self.feed(Input::Shutdown);
        let begin = Instant::now();
        while !self.services.is_quiet() && begin.elapsed() < LAST_WAIT {
            self.wait();
            let _ = self.take_signals();
            self.reap();
            self.feed(Input::Tick);
        }
        if self.worker.is_none() {
            self.lasted();
        }
        let everybody = Pid::from_raw(-1);
        let _ = kill(everybody, Signal::SIGTERM);
        std::thread::sleep(Duration::from_millis(200));
        let _ = kill(everybody, Signal::SIGKILL);
        keep_clock();
        nix::unistd::sync();
        for (_, place) in PLACES.iter().rev() {
            system::unmount(place);
        }
        system::unmount(crate::disk::BOOT_FOLDER);
        system::unmount(crate::disk::DATA_FOLDER);
        nix::unistd::sync();
        let mode = if end == End::Reboot { RebootMode::RB_AUTOBOOT } else { RebootMode::RB_POWER_OFF };
        loop {
            // A machine that cannot be switched off stands still.
            let _ = reboot(mode);
            let _ = reboot(RebootMode::RB_HALT_SYSTEM);
        }
    }
}

/// Whether the good image could not be started.
fn is_without_a_good_one() -> bool {
    Images::of_machine().is_ok_and(|images| images.choice().is_without_a_good_one())
}

/// Changes what the boot loader does next, where that is news.
fn choose(change: impl FnOnce(&mut Choice) -> bool) -> Result<(), String> {
    let images = Images::of_machine()?;
    let mut choice = images.choice();
    if !change(&mut choice) {
        return Ok(());
    }
    system::remount(crate::disk::BOOT_FOLDER, false)?;
    let done = images.choose(&choice);
    let _ = system::remount(crate::disk::BOOT_FOLDER, true);
    done
}

fn signal(pid: i32, signal: Signal) {
    // Nobody there is as good as ended: the next look tells.
    let _ = kill(Pid::from_raw(pid), signal);
}

fn keep_clock() {
    let touched = File::create(CLOCK).and_then(|file| file.set_modified(std::time::SystemTime::now()));
    if let Err(error) = touched {
        say(&system::told("the time cannot be kept", error));
    }
}

fn was_pressed(button: &mut File) -> bool {
    let mut event = [0; INPUT_EVENT];
    let mut pressed = false;
    while button.read_exact(&mut event).is_ok() {
        let half = |at: usize| event.get(at..at + 2).and_then(|octets| octets.try_into().ok()).map(u16::from_ne_bytes);
        pressed |= half(16) == Some(1) && half(18) == Some(KEY_POWER) && half(20) == Some(1);
    }
    pressed
}

fn base(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("HOME", "/root").env("LC_ALL", "C.UTF-8");
    command.current_dir("/").stdin(Stdio::null());
    command
}

/// Starts a program: its process.
pub(super) fn begin(spec: &Spec) -> Result<i32, String> {
    let failed = |error: std::io::Error| format!("{} could not be started: {error}", spec.name);
    let (program, arguments) = spec.command.split_first().ok_or("a program without a name")?;
    let mut command = base(program);
    command.args(arguments);
    if !spec.console {
        let (reader, writer) = std::io::pipe().map_err(failed)?;
        command.stdout(writer.try_clone().map_err(failed)?).stderr(writer);
        let name = spec.name.clone();
        std::thread::Builder::new().name(name.clone()).spawn(move || carry_lines(&name, reader)).map_err(failed)?;
    }
    let child = command.spawn().map_err(failed)?;
    let pid = i32::try_from(child.id()).unwrap_or_default();
    if spec.name == ROUTER {
        let _ = fs::write(format!("/proc/{pid}/oom_score_adj"), "-900");
    }
    Ok(pid)
}

/// Takes what a program says to the log.
fn carry_lines(name: &str, said: std::io::PipeReader) {
    let Ok(log) = UnixDatagram::unbound() else { return };
    for line in BufReader::new(said).lines().map_while(Result::ok) {
        let told = format!("<30>{name}: {line}");
        if log.send_to(told.as_bytes(), "/dev/log").is_err() {
            say(&format!("{name}: {line}"));
        }
    }
}

/// Asks the router for its version, in a process of its own.
fn ask_router() -> Option<i32> {
    let mut command = base("/usr/bin/towpath");
    command.args(["-c", "show version"]).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().ok().and_then(|child| i32::try_from(child.id()).ok())
}

/// Starts the process that works on images.
fn work(words: &[String], file: Option<OwnedFd>, out: OwnedFd) -> Result<i32, String> {
    let mut command = base("/proc/self/exe");
    command.arg("worker").args(words).stdout(out);
    if let Some(file) = file {
        command.stdin(file);
    }
    let child = command.spawn().map_err(|error| format!("the worker could not be started: {error}"))?;
    Ok(i32::try_from(child.id()).unwrap_or_default())
}
