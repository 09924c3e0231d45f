//! The thread itself: orders, news and time go to the state of `bpf-tables`, what it writes goes into the maps.
//!
//! Never leaves packets without a program while it changes something.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use api::request::HeldPacket;
use api::view::{BalancerExplained, BalancerPacket};
use api::watch::WantedPackets;
use bpf_loader::{FlowsPlace, Loader};
use bpf_tables::report::{Attached, LinkReport};
use bpf_tables::wish::{Hook, Wish};
use bpf_tables::{Balancer, Input, Report, Write};
use engine::effect::{AskedFlow, WantedFlows};
use engine::{Event, Notice};
use nouns::IfName;

use super::captures::Captures;
use super::explained;
use super::flows;
use super::surroundings::Surroundings;
use super::traced;
use super::warnings::{of_pins, warnings};
use super::{Order, Places};
use crate::run::Inbox;

/// How long the thread waits after waiting itself has failed.
const AGAIN: Duration = Duration::from_millis(100);

/// Packets that are traced at once.
const TRACED: usize = 1_024;

/// How long after a change it is looked what makes packets go astray: hosts have answered by then.
const SETTLE: Duration = Duration::from_secs(3);
/// How often it is looked without a change.
const LOOK: Duration = Duration::from_secs(60);

/// A link that the programs shall be on, and what came of it.
struct Hooked {
    wished: Hook,
    index: Option<u32>,
    result: Result<Attached, String>,
}

/// The balancer in the kernel.
struct Running {
    loader: Loader,
    state: Balancer,
    surroundings: Surroundings,
    links: BTreeMap<IfName, Hooked>,
    /// Why what shall stand in the maps does not.
    fault: Option<String>,
    /// What is captured, while somebody watches.
    captures: Option<Captures>,
    /// What is to be said of pins that do not outlive the daemon.
    passing: Option<String>,
    /// What the log has been told of.
    warned: BTreeSet<String>,
    /// When it is looked at again.
    warn_at: Instant,
}

/// What the thread has.
pub(super) struct Keeper {
    inbox: Inbox,
    places: Places,
    orders: Receiver<Order>,
    ear: UnixStream,
    running: Option<Running>,
    wish: Option<Box<Wish>>,
    /// Why it does not run though it shall.
    off: Option<String>,
    /// What is captured.
    captured: Option<WantedPackets>,
}

impl Keeper {
    pub(super) fn new(inbox: Inbox, places: Places, orders: Receiver<Order>, ear: UnixStream) -> Self {
        Self { inbox, places, orders, ear, running: None, wish: None, off: None, captured: None }
    }

    pub(super) fn run(mut self) {
        loop {
            self.wait();
            if !self.take_orders() {
                return;
            }
            if let Some(running) = &mut self.running {
                running.take_news(&self.inbox);
                let Running { captures, state, surroundings, .. } = running;
                let taken = captures.as_mut().map(|captures| captures.take(state, surroundings));
                if let Some((packets, left_out)) = taken.filter(|taken| *taken != (Vec::new(), 0)) {
                    self.inbox.push(Event::Captured(packets, left_out));
                }
                running.give(Input::Tick, &self.inbox);
                if running.warn_at <= Instant::now() {
                    running.warn(&self.inbox);
                }
            }
        }
    }

    fn wait(&self) {
        let running = self.running.as_ref();
        let due = running.and_then(|running| {
            let captures = running.captures.as_ref().and_then(Captures::due);
            running.state.deadline().into_iter().chain(captures).chain([running.warn_at]).min()
        });
        let is_ahead = running.is_some_and(|running| running.surroundings.is_ahead());
        let until = due.map(|due| due.saturating_duration_since(Instant::now()));
        let at_most = if is_ahead { Some(Duration::ZERO) } else { until };
        let news = self.running.iter().flat_map(|running| {
            std::iter::once(running.surroundings.as_fd()).chain(running.captures.iter().map(Captures::as_fd))
        });
        let readable: Vec<_> = std::iter::once(self.ear.as_fd()).chain(news).collect();
        match kernel::datagram::wait(&readable, &[], at_most) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                self.inbox.note(Notice::error(format!("the balancer cannot wait for news: {error}")));
                std::thread::sleep(AGAIN);
            }
        }
    }

    fn take_orders(&mut self) -> bool {
        while matches!((&self.ear).read(&mut [0; 64]), Ok(64)) {}
        loop {
            match self.orders.try_recv() {
                Ok(Order::Attach(id, links)) => {
                    let done = self.attach(&links);
                    self.inbox.push(Event::StepDone(id, done));
                }
                Ok(Order::Balance(wish)) => self.balance(wish),
                Ok(Order::Explain(flow, answer)) => {
                    // Whoever asks is told nothing where nothing runs.
                    let explanation = self.running.as_mut().map(|running| running.explain(&flow));
                    explanation.into_iter().for_each(|explanation| _ = answer.send(explanation));
                }
                Ok(Order::Flows(place, wanted, answer)) => {
                    // As above, and where the kernel does not tell them.
                    let part = self.running.as_mut().and_then(|running| running.flows(place, &wanted, &self.inbox));
                    part.into_iter().for_each(|part| _ = answer.send(part));
                }
                Ok(Order::Trace(packets, answer)) => {
                    let traced = self.running.as_mut().map(|running| running.trace(&packets));
                    traced.into_iter().for_each(|traced| _ = answer.send(traced));
                }
                Ok(Order::Capture(wanted)) => self.capture(wanted),
                Ok(Order::Tell(answer)) => _ = answer.send(self.report()),
                Ok(Order::End) | Err(TryRecvError::Disconnected) => return false,
                Err(TryRecvError::Empty) => return true,
            }
        }
    }

    /// Puts the programs on these links and no others: on all of them, or it stays as it was.
    fn attach(&mut self, links: &BTreeMap<IfName, Hook>) -> Result<(), String> {
        if links.is_empty() {
            self.remove();
            return Ok(());
        }
        let began = self.running.is_none();
        let attached = self.begin().and_then(|running| running.attach(links));
        if attached.is_err() && began {
            self.remove();
        }
        attached
    }

    /// The balancer in the kernel, loaded if it is not.
    fn begin(&mut self) -> Result<&mut Running, String> {
        if self.running.is_none() {
            let running =
                Running::begin(&self.places, &self.inbox).inspect_err(|words| self.off = Some(words.clone()))?;
            self.off = None;
            let running = self.running.insert(running);
            if let Some(wish) = &self.wish {
                running.give(Input::Wish(wish.clone()), &self.inbox);
            }
            if self.captured.is_some() {
                self.capture(self.captured.clone());
            }
        }
        self.running.as_mut().ok_or_else(|| "it does not run".to_owned())
    }

    /// Nothing is balanced any more, and nothing of it is left in the kernel.
    fn remove(&mut self) {
        self.off = None;
        match self.running.take() {
            Some(running) => running.loader.remove(),
            None => bpf_loader::clear(&self.places.pins),
        }
    }

    fn balance(&mut self, wish: Box<Wish>) {
        let is_nothing = wish.links.is_empty();
        self.wish = Some(wish.clone());
        let done = match &mut self.running {
            Some(running) => {
                running.give(Input::Wish(wish), &self.inbox);
                running.warn_at = Instant::now() + SETTLE;
                running.aim(&self.inbox);
                running.probe(&self.inbox, self.wish.as_deref());
                running.fault.clone().map_or(Ok(()), Err)
            }
            None if is_nothing => Ok(()),
            None => Err(self.off.clone().unwrap_or_else(|| "its programs are on no link".to_owned())),
        };
        self.inbox.push(Event::Balanced(done));
    }

    fn capture(&mut self, wanted: Option<WantedPackets>) {
        self.captured.clone_from(&wanted);
        let Some(running) = &mut self.running else { return };
        let begun = wanted.map(|wanted| Captures::begin(&running.loader, wanted)).transpose();
        match begun {
            Ok(captures) => running.captures = captures,
            Err(words) => self.inbox.note(Notice::warning(format!("packets cannot be captured: {words}"))),
        }
        running.aim(&self.inbox);
    }

    fn report(&mut self) -> Report {
        let off = self.off.clone();
        match &mut self.running {
            Some(running) => running.report(),
            None => Report { off, ..Report::default() },
        }
    }
}

impl Running {
    /// Loads the programs, and takes over what an earlier daemon has left.
    fn begin(places: &Places, inbox: &Inbox) -> Result<Self, String> {
        let (loader, held) = Loader::open(&places.object, &places.pins).map_err(|error| error.to_string())?;
        let (surroundings, inputs) =
            Surroundings::open().map_err(|error| format!("the kernel does not tell of links and hosts: {error}"))?;
        let (state, links) = (Balancer::default(), BTreeMap::new());
        let passing = of_pins(&places.pins, loader.lasts());
        let mut running = Self {
            loader,
            state,
            surroundings,
            links,
            fault: None,
            captures: None,
            passing,
            warned: BTreeSet::new(),
            warn_at: Instant::now() + SETTLE,
        };
        for input in inputs.into_iter().chain(held.map(|held| Input::Adopted(Box::new(held)))) {
            running.give(input, inbox);
        }
        Ok(running)
    }

    fn attach(&mut self, links: &BTreeMap<IfName, Hook>) -> Result<(), String> {
        let before: Vec<IfName> = self.links.keys().cloned().collect();
        let mut refused = None;
        for (name, hook) in links {
            let hooked = self.attach_one(name, *hook);
            if let Err(words) = &hooked.result {
                refused = Some(format!("the balancer cannot be on {name}: {words}"));
            }
            // What cannot be on a link any longer stays as it was there.
            if refused.is_none() || !self.links.contains_key(name) {
                self.links.insert(name.clone(), hooked);
            }
        }
        let keep = |name: &IfName| if refused.is_some() { before.contains(name) } else { links.contains_key(name) };
        let gone: Vec<IfName> = self.links.keys().filter(|name| !keep(name)).cloned().collect();
        for name in gone {
            if let Some(index) = self.links.remove(&name).and_then(|hooked| hooked.index) {
                self.loader.detach(index);
            }
        }
        // What an earlier daemon was on, and nobody wishes.
        if refused.is_none() {
            let wished: Vec<u32> = self.links.values().filter_map(|hooked| hooked.index).collect();
            let stale = self.loader.attached().into_keys().filter(|index| !wished.contains(index));
            stale.for_each(|index| self.loader.detach(index));
        }
        refused.map_or(Ok(()), Err)
    }

    fn attach_one(&self, name: &IfName, wished: Hook) -> Hooked {
        let Some(index) = self.surroundings.index(name) else {
            return Hooked { wished, index: None, result: Err("there is no such interface".to_owned()) };
        };
        Hooked { wished, index: Some(index), result: self.loader.attach(index, wished) }
    }

    /// Links that have come back get the programs again.
    fn attach_again(&mut self) {
        let changed: Vec<(IfName, Hook)> = self
            .links
            .iter()
            .filter(|(name, hooked)| self.surroundings.index(name) != hooked.index)
            .map(|(name, hooked)| (name.clone(), hooked.wished))
            .collect();
        for (name, wished) in changed {
            let hooked = self.attach_one(&name, wished);
            self.links.insert(name, hooked);
        }
    }

    fn take_news(&mut self, inbox: &Inbox) {
        match self.surroundings.read() {
            Ok(inputs) if inputs.is_empty() => {}
            Ok(inputs) => {
                let links = inputs.iter().any(|input| matches!(input, Input::Link(..)));
                inputs.into_iter().for_each(|input| self.give(input, inbox));
                if links {
                    self.attach_again();
                }
            }
            Err(error) => {
                inbox.note(Notice::error(format!("the balancer hears nothing of hosts: {error}")));
                std::thread::sleep(AGAIN);
            }
        }
    }

    /// The programs capture what is wanted, by the numbers that services and backends have now.
    fn aim(&mut self, inbox: &Inbox) {
        let aimed = self.captures.as_ref().map(|captures| captures.aim(&self.state)).unwrap_or_default();
        if let Err(error) = self.loader.maps().capture(aimed) {
            inbox.note(Notice::warning(format!("packets cannot be captured: {error}")));
        }
    }

    /// Gives something to the state, and does what comes of it.
    fn give(&mut self, input: Input, inbox: &Inbox) {
        let mut writes = Vec::new();
        self.state.handle(Instant::now(), input, &mut writes);
        while !writes.is_empty() {
            let taken = std::mem::take(&mut writes);
            self.obey(&taken, &mut writes, inbox);
        }
    }

    fn obey(&mut self, taken: &[Write], more: &mut Vec<Write>, inbox: &Inbox) {
        match self.loader.maps().write(taken) {
            Ok(()) => {}
            Err(error) => {
                let words = error.to_string();
                inbox.note(Notice::error(format!("the balancer's maps are not as they shall be: {words}")));
                self.fault = Some(words);
            }
        }
        for write in taken {
            match write {
                Write::Resolve(link, address) => {
                    if let Err(error) = self.surroundings.ask(*link, *address) {
                        inbox.note(Notice::warning(format!("the kernel cannot be asked for {address}: {error}")));
                    }
                }
                Write::Sweep => self.sweep(more, inbox),
                _ => {}
            }
        }
    }

    fn sweep(&mut self, more: &mut Vec<Write>, inbox: &Inbox) {
        let (state, now) = (&mut self.state, Instant::now());
        let swept = self.loader.maps().sweep(|clock, flows| state.handle(now, Input::Flows(clock, flows), more));
        match swept {
            Ok(()) => state.handle(Instant::now(), Input::Swept, more),
            Err(error) => {
                inbox.note(Notice::warning(format!("the balancer cannot look at remembered flows: {error}")));
                state.handle(now, Input::Unswept, more);
            }
        }
    }

    /// Questions about the health of backends take the way of clients' packets, wherever the kernel sends them.
    fn probe(&mut self, inbox: &Inbox, wish: Option<&Wish>) {
        let mut members =
            wish.into_iter().flat_map(|wish| wish.services.values()).flat_map(|service| service.backends.iter());
        if !members.any(|member| member.mark.is_some()) {
            return;
        }
        let probed = self.loader.probed();
        let on = self.links.values().filter_map(|hooked| hooked.index);
        let wanted = self.state.exits().into_iter().chain(on).filter(|index| !probed.contains(index));
        let by_filter = self.links.values().any(|hooked| hooked.result == Ok(Attached::Clsact));
        for index in wanted.collect::<BTreeSet<u32>>() {
            if let Err(error) = self.loader.attach_probe(index, by_filter) {
                let name =
                    self.surroundings.link(index).map_or_else(|| index.to_string(), |link| link.name.to_string());
                let text = format!("health checks that leave by {name} do not take the way of packets: {error}");
                inbox.note(Notice::warning(text));
            }
        }
    }

    /// What silently makes packets go astray.
    fn warnings(&self) -> Vec<String> {
        let link = |index: u32| self.surroundings.link(index);
        let taken = self.links.values().filter_map(|hooked| Some((link(hooked.index?)?, hooked.result.clone().ok()?)));
        let exits = self.state.exits();
        let exits = exits.iter().filter_map(|index| link(*index));
        let name = |index: u32| link(index).map_or_else(|| index.to_string(), |link| link.name.to_string());
        let missing: Vec<_> = self.state.missing().into_iter().map(|(index, gateway)| (gateway, name(index))).collect();
        let mut found = warnings(taken, exits, &missing);
        found.extend(self.passing.clone());
        found.extend(
            self.loader.unwatched().map(|why| format!("packets that drivers do not send are not counted: {why}")),
        );
        found
    }

    /// Tells the log of what is new among them.
    fn warn(&mut self, inbox: &Inbox) {
        let found: BTreeSet<String> = self.warnings().into_iter().collect();
        for warning in found.difference(&self.warned) {
            inbox.note(Notice::warning(format!("balancer: {warning}")));
        }
        self.warned = found;
        self.warn_at = Instant::now() + LOOK;
    }

    fn explain(&mut self, asked: &AskedFlow) -> BalancerExplained {
        let flow = explained::flow(asked);
        let pin = self.loader.maps().pin(&flow).unwrap_or_default();
        let found = self.state.explain(&flow, false, pin);
        let exit = found.backend.as_ref().and_then(|backend| backend.exit);
        let interface = exit.and_then(|exit| self.surroundings.link(exit.link)).map(|link| link.name.to_string());
        explained::view(asked, found, interface)
    }

    fn flows(&mut self, place: FlowsPlace, wanted: &WantedFlows, inbox: &Inbox) -> Option<flows::Part> {
        match self.loader.maps().flows(place) {
            Ok(some) => Some(flows::part(&self.state, wanted, &some)),
            Err(error) => {
                inbox.note(Notice::warning(format!("the balancer cannot look at remembered flows: {error}")));
                None
            }
        }
    }

    fn trace(&mut self, packets: &[HeldPacket]) -> Vec<BalancerPacket> {
        // More than the shell asks about takes the time of the thread that keeps everything.
        let packets: Vec<Vec<u8>> = packets.iter().take(TRACED).map(traced::octets).collect();
        let (state, maps) = (&self.state, self.loader.maps());
        let found = state.trace(packets.iter().map(Vec::as_slice), &mut |flow| maps.pin(flow).unwrap_or_default());
        let name = |index: u32| self.surroundings.link(index).map(|link| link.name.to_string());
        let views = packets.iter().zip(found).enumerate();
        views.map(|(number, (came, traced))| traced::view(number, came, traced, name)).collect()
    }

    fn report(&mut self) -> Report {
        let (services, backends) = self.state.numbers();
        let counters = self.loader.maps().counters(services.into_iter(), backends.into_iter()).unwrap_or_default();
        let mut report = self.state.report(Instant::now(), &counters.counts);
        report.warnings.extend(self.warnings());
        report.drops = counters.drops;
        report.off.clone_from(&self.fault);
        report.links = self
            .links
            .iter()
            .map(|(name, hooked)| LinkReport { name: name.clone(), wished: hooked.wished, hook: hooked.result.clone() })
            .collect();
        report
    }
}
