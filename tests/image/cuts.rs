//! Power cuts: commits, saves and upgrades that end anywhere, and what the disk holds behind each.
//!
//! A machine does deeds while its disk logs each write and each flush, until QEMU is killed within the last deed. A cut is a
//! place in that log: the disk that it leaves is made and read, after some cuts as the host that lives on has it, after the
//! others without writes that no flush stood behind. The disk of the killed machine and one of those that were made are
//! started. `TOWPATH_CUTS` says how many cuts, `TOWPATH_FIRST_CUT` where their numbers begin, so that they can be made in
//! pieces; the same number draws the same place among the writes of its machine.

mod disk_log;
mod remains;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use scenarios::appliance::{Machine, Parts, Place, Seed};

use self::disk_log::{DiskLog, Drawn, Lost, Replay};
use self::remains::{Found, Remains};
use crate::boot_partition::{Known, flatten};
use crate::variants::{VOLUME, variant, volume};
use crate::{logged_in, user_data};

/// How many cuts are made of what one machine did.
const CUTS: u32 = 40;
/// How many places behind the end of a deed are still its own.
const BEHIND: usize = 3;

/// A kind of deed that the power is taken away from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Commit,
    Save,
    Upgrade,
}

const KINDS: [Kind; 3] = [Kind::Commit, Kind::Upgrade, Kind::Save];

impl Kind {
    /// What is typed.
    fn words(self) -> String {
        match self {
            Self::Commit => "commit".to_owned(),
            Self::Save => "save".to_owned(),
            Self::Upgrade => format!("run add system image {VOLUME}/other.image"),
        }
    }
}

/// What the disk shall hold: the saved host name, that of the newest revision, whether the upgrade is tried next.
#[derive(Clone, Debug, PartialEq, Eq)]
struct State {
    saved: String,
    committed: String,
    upgraded: bool,
}

impl State {
    fn after(&self, kind: Kind, name: &str) -> Self {
        match kind {
            Kind::Commit => Self { committed: name.to_owned(), ..self.clone() },
            Kind::Save => Self { saved: self.committed.clone(), ..self.clone() },
            Kind::Upgrade => Self { upgraded: true, ..self.clone() },
        }
    }

    fn is(&self, found: &Found) -> bool {
        (&self.saved, &self.committed, self.upgraded) == (&found.saved, &found.committed, found.upgraded)
    }

    /// The same before a deed is done: while an image is written, what was there before it counts no more, and the good one
    /// is started.
    fn may_be(&self, found: &Found, kind: Kind) -> bool {
        self.is(found) || kind == Kind::Upgrade && Self { upgraded: false, ..self.clone() }.is(found)
    }
}

impl Tally {
    fn count(&mut self, kind: Kind, is_new: bool, lost: Lost) {
        let count = if is_new { &mut self.new } else { &mut self.old };
        count[kind as usize] += 1;
        self.unflushed += lost.unflushed;
        self.lost += lost.lost;
    }
}

/// A deed that was done, and what the disk had been told when it began and when the person was told that it is done.
#[derive(Debug)]
struct Deed {
    kind: Kind,
    begin: usize,
    end: usize,
    old: State,
    new: State,
}

/// A machine that does deeds.
struct Session<'a> {
    place: &'a Place,
    machine: Machine,
    state: State,
    deeds: Vec<Deed>,
    /// What the disk had been told when a person had logged in for the first time.
    born: usize,
}

/// What is left of a machine that was killed.
struct Record {
    log: DiskLog,
    born: usize,
    deeds: Vec<Deed>,
    /// The deed that it was killed within, and how long after its begin.
    last: (Kind, Duration),
    old: State,
    new: State,
}

/// A cut that shall be made.
#[derive(Clone, Copy, Debug)]
struct Cut {
    number: u32,
    deed: usize,
    at: usize,
}

/// How many cuts left the old and how many the new state, by kind of deed, and what was lost.
#[derive(Debug, Default)]
struct Tally {
    old: [u32; 3],
    new: [u32; 3],
    unflushed: usize,
    lost: usize,
}

impl<'a> Session<'a> {
    /// Starts a machine that was never started, and saves a first name.
    fn begin(place: &'a Place, parts: &Parts) -> Result<Self> {
        DiskLog::make(&place.path("log"))?;
        let mut machine = logged_in(place, &Parts { log: Some("log".to_owned()), ..parts.clone() })?;
        let born = DiskLog::read(&place.path("log"))?.len();
        for line in ["configure", "set system host-name first", "commit", "save"] {
            machine.says(line)?;
        }
        let state = State { saved: "first".to_owned(), committed: "first".to_owned(), upgraded: false };
        Ok(Self { place, machine, state, deeds: Vec::new(), born })
    }

    fn told(&self) -> Result<usize> {
        Ok(DiskLog::read(&self.place.path("log"))?.len())
    }

    /// Does a deed to its end: how long that took.
    fn does(&mut self, kind: Kind) -> Result<Duration> {
        let (name, begin, since) = (self.prepares(kind)?, self.told()?, Instant::now());
        let said = self.machine.says(&kind.words())?;
        let (took, end) = (since.elapsed(), self.told()?);
        ensure!(kind != Kind::Upgrade || said.contains("The image is installed as"), "{said}");
        let (old, new) = (self.state.clone(), self.state.after(kind, &name));
        self.state = new.clone();
        self.deeds.push(Deed { kind, begin, end, old, new });
        Ok(took)
    }

    /// Begins a deed and kills QEMU a part of what it takes later.
    fn dies_within(mut self, kind: Kind, after: Duration) -> Result<Record> {
        let name = self.prepares(kind)?;
        self.machine.enters(&kind.words())?;
        std::thread::sleep(after);
        self.machine.power_cut();
        let new = self.state.after(kind, &name);
        let log = DiskLog::read(&self.place.path("log"))?;
        Ok(Record { log, born: self.born, deeds: self.deeds, last: (kind, after), old: self.state, new })
    }

    /// Types all that a deed needs before: the name that a commit brings.
    fn prepares(&mut self, kind: Kind) -> Result<String> {
        let name = format!("deed{}", self.deeds.len());
        if kind == Kind::Commit {
            self.machine.says(&format!("set system host-name {name}"))?;
        }
        Ok(name)
    }
}

/// A place within a deed: anywhere, beside a flush, where what is kept changes, or about its end.
fn drawn_cut(number: u32, record: &Record, drawn: &mut Drawn) -> Cut {
    let Record { deeds, log, .. } = record;
    let kind = KINDS[usize::try_from(number).unwrap_or_default() % KINDS.len()];
    let of_kind: Vec<usize> = (0..deeds.len()).filter(|deed| deeds[*deed].kind == kind).collect();
    let deed = of_kind[drawn.below(of_kind.len())];
    let begin = deeds[deed].begin;
    let next = deeds.get(deed + 1).map_or(log.len(), |next| next.begin);
    let end = (deeds[deed].end + BEHIND).min(next);
    let flushes = log.flushes(begin, end);
    let at = match drawn.below(3) {
        // Behind the flush, before it, and with one or two writes that it would have kept.
        0 if !flushes.is_empty() => (flushes[drawn.below(flushes.len())] + 1).saturating_sub(drawn.below(4)).max(begin),
        1 => end.saturating_sub(drawn.below(2 * BEHIND)).max(begin),
        _ => begin + drawn.below(end + 1 - begin),
    };
    Cut { number, deed, at }
}

/// Makes the disk of a cut, reads it, and holds it against what it may be.
fn judge(place: &Place, replay: &mut Replay<'_>, deed: &Deed, cut: Cut, known: &Known) -> Result<(Lost, Found)> {
    let disk = place.path("cut.img");
    let lost = replay.cut(cut.at, cut.number.is_multiple_of(4), &mut Drawn::of(cut.number), &disk)?;
    let found = Remains::of(place, &disk).look(known)?;
    ensure!(deed.old.may_be(&found, deed.kind) || deed.new.is(&found), "neither the old nor the new state: {found:?}");
    ensure!(cut.at < deed.end || deed.new.is(&found), "a person was told that it is done, and it is not: {found:?}");
    Ok((lost, found))
}

/// Starts a disk: it knows the person and the saved name, and runs the image that was read from it.
fn starts(place: &Place, disk: &Path, found: &Found, others: &[String]) -> Result<()> {
    let _ = std::fs::remove_file(place.path("started.qcow2"));
    place.thin_disk("started.qcow2", disk)?;
    let parts = Parts { disk: "started.qcow2".to_owned(), others: others.to_vec(), ..Parts::default() };
    let mut machine = logged_in(place, &parts)?;
    let config = machine.says("show configuration commands | no-more")?;
    ensure!(config.contains("login user towpath"), "{config}");
    ensure!(config.contains(&format!("host-name '{}'", found.saved)), "{found:?}: {config}");
    let list = machine.says("show system image")?;
    let runs =
        if found.upgraded { "0.2.0 (default boot) (running image)" } else { "0.1.0 (default boot) (running image)" };
    ensure!(list.contains(runs), "{found:?}: {list}");
    machine.power_cut();
    Ok(())
}

/// A configuration of some 40 KiB.
fn long_config() -> String {
    let route = |number: u32| {
        format!(
            "        route 10.{}.{}.0/24 {{\n            blackhole {{\n            }}\n        }}\n",
            number / 200,
            number % 200
        )
    };
    format!("protocols {{\n    static {{\n{}    }}\n}}\n", (0..500).map(route).collect::<String>())
}

/// Has a machine do its deeds until it is killed within one.
fn a_machine_is_killed(place: &Place, parts: &Parts, first: u32) -> Result<Record> {
    let mut session = Session::begin(place, parts)?;
    let mut spans = [Duration::ZERO; 3];
    for kind in [Kind::Commit, Kind::Save, Kind::Commit, Kind::Upgrade, Kind::Commit, Kind::Save, Kind::Commit] {
        spans[kind as usize] = session.does(kind)?;
    }
    let last = KINDS[usize::try_from(first / CUTS)? % KINDS.len()];
    session.dies_within(last, spans[last as usize].mul_f64(Drawn::of(first).part() * 1.1))
}

/// Reads and starts the disk of the killed machine, as it lies there: its texts, but for the names.
fn what_was_killed_is_whole(place: &Place, parts: &Parts, record: &Record, known: &Known) -> Result<[String; 2]> {
    let (killed, Record { last: (kind, after), old, new, .. }) = (place.path("killed.img"), record);
    flatten(&place.path("disk.qcow2"), &killed)?;
    let found = Remains::of(place, &killed).look(known)?;
    let is_old = old.may_be(&found, *kind);
    ensure!(is_old || new.is(&found), "QEMU killed within {kind:?}: {found:?}");
    println!("QEMU killed within {kind:?} after {:.2} s: {}", after.as_secs_f64(), if is_old { "old" } else { "new" });
    starts(place, &killed, &found, &parts.others).context("the disk of the killed machine")?;
    Ok(found.texts)
}

/// A machine whose very first start was cut starts once more as if it were the first time.
fn a_cut_first_start_is_begun_anew(
    place: &Place,
    parts: &Parts,
    replay: &mut Replay<'_>,
    born: usize,
    drawn: &mut Drawn,
) -> Result<()> {
    let at = drawn.below(born);
    let lost = replay.cut(at, false, drawn, &place.path("cut.img"))?;
    let _ = std::fs::remove_file(place.path("started.qcow2"));
    place.thin_disk("started.qcow2", &place.path("cut.img"))?;
    let mut machine = logged_in(place, &Parts { disk: "started.qcow2".to_owned(), ..parts.clone() })?;
    let said = machine.console()?.text();
    ensure!(!said.contains("WARNING"), "the first start, write {at} of {born}: {said}");
    let config = machine.says("show configuration commands | match host-name | no-more")?;
    ensure!(config.contains("host-name 'edge1'"), "the first start, write {at} of {born}: {config}");
    machine.power_cut();
    println!("the first start, write {at} of {born}: {} of {} unflushed lost; begun anew", lost.lost, lost.unflushed);
    Ok(())
}

/// One machine and the cuts that are made of it.
fn a_machine_s_cuts(place: &Place, parts: &Parts, numbers: std::ops::Range<u32>, tally: &mut Tally) -> Result<()> {
    let (known, first, mut drawn) = (Known::of(place)?, numbers.start, Drawn::of(numbers.start));
    // Every second machine has a configuration that the store of revisions keeps in a file of its own.
    let config = (first / CUTS % 2 == 1).then(long_config);
    let seeded =
        Parts { seed: Some(Seed { user_data: Some(user_data()), config, ..Seed::default() }), ..parts.clone() };
    let record = a_machine_is_killed(place, &seeded, first)?;
    let texts = what_was_killed_is_whole(place, parts, &record, &known)?;
    let mut replay = Replay::new(&record.log, &place.image().disk(), place.path("safe.img"))?;
    a_cut_first_start_is_begun_anew(place, &seeded, &mut replay, record.born, &mut drawn)?;
    let mut cuts: Vec<Cut> = numbers.map(|number| drawn_cut(number, &record, &mut drawn)).collect();
    let started = cuts[drawn.below(cuts.len())].number;
    cuts.sort_by_key(|cut| cut.at);
    for cut in cuts {
        let deed = &record.deeds[cut.deed];
        let told =
            format!("cut {}: {:?}, write {} of {}", cut.number, deed.kind, cut.at - deed.begin, deed.end - deed.begin);
        let (lost, found) = judge(place, &mut replay, deed, cut, &known).with_context(|| told.clone())?;
        ensure!(found.texts == texts, "{told}: not whole: {:?}", found.texts);
        let is_new = deed.new.is(&found);
        let word = if is_new { "new" } else { "old" };
        println!("{told}: {} of {} unflushed lost; {word}", lost.lost, lost.unflushed);
        tally.count(deed.kind, is_new, lost);
        if cut.number == started {
            starts(place, &place.path("cut.img"), &found, &parts.others).context(told)?;
            println!("cut {}: started", cut.number);
        }
    }
    Ok(())
}

#[test]
fn power_cuts_leave_the_old_or_the_new_state_whole() -> Result<()> {
    let number = |name: &str| std::env::var(name).ok().and_then(|number| number.parse::<u32>().ok());
    let (cuts, first) = (number("TOWPATH_CUTS").unwrap_or(20), number("TOWPATH_FIRST_CUT").unwrap_or(0));
    let (mut tally, end) = (Tally::default(), first.saturating_add(cuts));
    for begin in (first..end).step_by(CUTS as usize) {
        let place = Place::new("cuts")?;
        let newer = variant(&place, "0.2.0", &[])?;
        let parts = Parts { others: volume(&place, &[("other.image", &newer)])?, ..Parts::default() };
        a_machine_s_cuts(&place, &parts, begin..(begin + CUTS).min(end), &mut tally)?;
    }
    let Tally { old, new, unflushed, lost } = tally;
    println!("{cuts} cuts, all whole; {unflushed} writes stood behind no flush, {lost} of them were lost");
    for kind in [Kind::Commit, Kind::Save, Kind::Upgrade] {
        println!("{kind:?}: {} left the old state, {} the new one", old[kind as usize], new[kind as usize]);
    }
    Ok(())
}
