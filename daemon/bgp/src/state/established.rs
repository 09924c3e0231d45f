//! Established: routes flow.
//!
//! Never keeps a route: UPDATEs go to the caller as they come.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bgp_wire::error::{DecodeError, ErrorClass};
use bgp_wire::message::{Message, RouteRefresh, Update};
use bgp_wire::notification::{Notification, Reason};
use bgp_wire::orf::{FilterChange, FilterEntry, Filters};
use nouns::Family;

use super::timers::Timers;
use super::{Afterwards, Event, Idle, OpenSent, Opening, State, opening, rest};
use crate::cease;
use crate::collision::{Opener, Speaker, survivor};
use crate::graceful::{Ending, keep_stale};
use crate::line::Line;
use crate::session::{ConnId, Context, Kept, Level, Negotiated, Output, PrefixLimit, StopReason};

/// So many filters fit into a message of any size.
const FILTERS: usize = 128;
/// A session that lasted this long was stable: the next error is the first again.
const STABLE: Duration = Duration::from_secs(60);
/// A session for which there was room this long begins anew with its rests.
const ROOMY: Duration = Duration::from_secs(3600);
/// The shortest send hold time (RFC 9687 §4): 8 minutes.
const SEND_HOLD: Duration = Duration::from_secs(480);
/// How long a second connection waits for the first to prove dead. The KEEPALIVE sent meanwhile makes the
/// host of a peer that was rebooted answer with a reset.
const PATIENCE: Duration = Duration::from_secs(1);

/// RFC 4271 §8.2.2 Established.
#[derive(Debug)]
pub(crate) struct Established {
    line: Line,
    negotiated: Box<Negotiated>,
    /// `None` when the negotiated hold time is zero.
    timers: Option<Timers>,
    since: Instant,
    /// Octets wait to be written (RFC 9687); `None` when all is written.
    unsent: Option<Unsent>,
    /// A second connection, heard only if the first is lost within `PATIENCE`.
    rival: Option<Opening>,
    /// What the operator knows of how many prefixes there are.
    levels: BTreeMap<Family, Level>,
}

/// What the connection could not yet write.
#[derive(Clone, Copy, Debug)]
struct Unsent {
    octets: usize,
    /// When the peer has not read for too long.
    give_up: Instant,
}

impl Established {
    /// The peer has confirmed our OPEN.
    pub(crate) fn begin(
        context: &mut Context<'_>,
        line: Line,
        negotiated: Box<Negotiated>,
        timers: Option<Timers>,
        rival: Option<Opening>,
    ) -> State {
        let established = &mut context.memory.counters.established;
        *established = established.saturating_add(1);
        context.log_afresh();
        context.push(Output::Up(negotiated.clone()));
        let mut state =
            Self { line, negotiated, timers, since: context.now, unsent: None, rival: None, levels: BTreeMap::new() };
        if let Some(rival) = rival {
            let local = Speaker { router_id: context.config.router_id, asn: context.config.local_as };
            let remote = Speaker { router_id: state.negotiated.remote_router_id, asn: state.negotiated.remote_as };
            if survivor(local, remote) == rival.line.opener {
                // The peer may just be choosing the rival: keep it until that is known.
                state.park(context, rival);
            } else {
                context.notify(rival.conn(), cease::collision());
            }
        }
        State::Established(state)
    }

    pub(crate) fn negotiated(&self) -> &Negotiated {
        &self.negotiated
    }

    pub(crate) fn since(&self) -> Instant {
        self.since
    }

    /// What the operator knows of how many prefixes of a family there are.
    pub(crate) fn level(&self, family: Family) -> Level {
        self.levels.get(&family).copied().unwrap_or_default()
    }

    pub(crate) fn conn(&self) -> ConnId {
        self.line.conn
    }

    /// The octets of the peer's OPEN.
    pub(crate) fn peer_open(&self) -> &[u8] {
        self.line.open()
    }

    /// Something was sent, so the next keepalive has time.
    pub(crate) fn restart_keepalive(&mut self, context: &mut Context<'_>) {
        if let Some(timers) = &mut self.timers {
            timers.spoke(context);
        }
    }

    /// Keepalives go at the interval of the configuration from now on.
    pub(crate) fn change_interval(&mut self, context: &mut Context<'_>) {
        Timers::change_interval(&mut self.timers, &mut self.negotiated, context);
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        let timers = self.timers.as_ref().map(Timers::deadline);
        let unsent = self.unsent.map(|unsent| unsent.give_up);
        let rival = self.rival.as_ref().map(|rival| rival.give_up);
        [timers, unsent, rival].into_iter().flatten().min()
    }

    pub(crate) fn receive(&mut self, now: Instant, conn: ConnId, octets: &[u8]) {
        if self.line.conn == conn {
            self.line.receive(octets);
            if let Some(timers) = &mut self.timers {
                timers.heard(now);
            }
        } else if let Some(rival) = &mut self.rival {
            rival.receive(conn, octets);
        }
    }

    pub(crate) fn receive_decoded(&mut self, now: Instant, conn: ConnId, messages: Vec<Result<Message, DecodeError>>) {
        if self.line.conn == conn {
            self.line.receive_decoded(messages);
            if let Some(timers) = &mut self.timers {
                timers.heard(now);
            }
        }
    }

    pub(crate) fn next_received(&mut self) -> Option<Event> {
        opening::next_received(&mut self.line, &self.negotiated.codec)
    }

    pub(crate) fn handle(mut self, context: &mut Context<'_>, event: Event) -> State {
        match event {
            Event::Stop(reason) => self.end(context, &reason, Afterwards::Stopped),
            Event::Reset(reason) => self.end(context, &reason, Afterwards::Again),
            Event::Connected(conn) => {
                context.close(conn);
                State::Established(self)
            }
            Event::Accepted(conn) => self.accepted(context, conn),
            Event::Message(_, message) => self.message(context, message),
            Event::Fault(_, error) => {
                let why = error.to_string();
                self.refuse(context, Notification::from(&error), &why)
            }
            Event::Closed(conn, why) if conn == self.line.conn => {
                let kept = keep_stale(&self.negotiated, Ending::Lost);
                self.leave(context, super::closed(why), kept)
            }
            Event::Closed(conn, _) => {
                self.rival.take_if(|rival| rival.conn() == conn);
                State::Established(self)
            }
            Event::SendQueue(conn, octets) => {
                self.send_queue(context, conn, octets);
                State::Established(self)
            }
            Event::Tick => self.tick(context),
            Event::PrefixCount(family, count) => self.prefix_count(context, family, count),
            Event::OutOfResources(limit) => self.out_of_resources(context, &limit),
            Event::RequestRefresh(family) => {
                self.request_refresh(context, family);
                State::Established(self)
            }
            Event::Start | Event::ConnectFailed(_) | Event::Reachable => State::Established(self),
        }
    }

    fn end(self, context: &mut Context<'_>, reason: &StopReason, afterwards: Afterwards) -> State {
        super::dismiss(context, self.line.conn, reason, self.notifications_spare_routes());
        if let Some(rival) = self.rival {
            super::dismiss(context, rival.conn(), reason, false);
        }
        context.down(cease::words(reason), true, keep_stale(&self.negotiated, Ending::OnPurpose));
        afterwards.begin(context)
    }

    /// With graceful restart a new connection means that the peer has restarted (RFC 4724 §5); without, the
    /// newcomer is refused (RFC 4271 §6.8) unless the old connection turns out to be dead at once.
    fn accepted(mut self, context: &mut Context<'_>, conn: ConnId) -> State {
        let newcomer = Opening::begin(context, conn, Opener::Theirs);
        if self.negotiated.graceful_restart.is_some() {
            let kept = keep_stale(&self.negotiated, Ending::Lost);
            context.close(self.line.conn);
            if let Some(older) = self.rival.replace(newcomer) {
                context.close(older.conn());
            }
            return self.leave(context, "Peer restarted".to_owned(), kept);
        }
        context.send_keepalive(self.line.conn);
        self.restart_keepalive(context);
        self.park(context, newcomer);
        State::Established(self)
    }

    fn park(&mut self, context: &mut Context<'_>, newcomer: Opening) {
        let newcomer = Opening { give_up: context.exactly_after(PATIENCE), ..newcomer };
        if let Some(older) = self.rival.replace(newcomer) {
            context.close(older.conn());
        }
    }

    fn message(self, context: &mut Context<'_>, message: Message) -> State {
        match message {
            Message::Keepalive => {}
            Message::Update(update) => Self::update(context, update),
            Message::RouteRefresh(RouteRefresh { family: Some(family), filters: Some(filters), .. }) => {
                if !self.negotiated.filter_receive.contains(&family) {
                    let why = "filters came that were not agreed on";
                    return self.refuse(context, Notification::new(Reason::RefreshInvalidLength), why);
                }
                context.push(Output::Filters(family, filters));
            }
            Message::RouteRefresh(RouteRefresh { family: Some(family), subtype, filters: None })
                if self.negotiated.families.contains(&family) =>
            {
                let marks = self.negotiated.enhanced_refresh;
                match subtype {
                    RouteRefresh::REQUEST => context.push(Output::RefreshRequested(family)),
                    RouteRefresh::BEGINS if marks => context.push(Output::RefreshBegins(family)),
                    RouteRefresh::ENDS if marks => context.push(Output::RefreshEnds(family)),
                    _ => {}
                }
            }
            Message::RouteRefresh(_) => {}
            Message::Notification(notification) => {
                context.close(self.line.conn);
                let kept = keep_stale(&self.negotiated, Ending::Received(&notification));
                return self.leave(context, format!("Notification received: {notification}"), kept);
            }
            Message::Open(_) => {
                return self.refuse(
                    context,
                    Notification::new(Reason::UnexpectedInEstablished),
                    "an OPEN came in the middle of the session",
                );
            }
        }
        State::Established(self)
    }

    /// Counts what was wrong with an UPDATE, and hands it on; the words for the log travel in `Update::errors`.
    pub(crate) fn update(context: &mut Context<'_>, update: Update) {
        let counters = &mut context.memory.counters;
        let of = |lengths: &mut dyn Iterator<Item = usize>| count(lengths.fold(0, usize::saturating_add));
        let announced = of(&mut update.reach.iter().map(|reach| reach.nlri.len()));
        let withdrawn = of(&mut update.unreach.iter().map(|unreach| unreach.nlri.len()));
        counters.announced = counters.announced.saturating_add(announced);
        counters.withdrawn = counters.withdrawn.saturating_add(withdrawn);
        if !update.errors.is_empty() {
            let withdraws = update.errors.iter().any(|error| error.class == ErrorClass::Withdraw);
            let routes: usize =
                if withdraws { update.unreach.iter().map(|unreach| unreach.nlri.len()).sum() } else { 0 };
            let discarded = update.errors.iter().filter(|error| error.class == ErrorClass::Discard).count();
            counters.malformed_updates = counters.malformed_updates.saturating_add(1);
            counters.treated_as_withdraw = counters.treated_as_withdraw.saturating_add(count(routes));
            counters.attributes_discarded = counters.attributes_discarded.saturating_add(count(discarded));
        }
        context.push(Output::Update(update));
    }

    fn send_queue(&mut self, context: &Context<'_>, conn: ConnId, octets: usize) {
        if conn != self.line.conn {
            return;
        }
        let twice_hold = Duration::from_secs(u64::from(self.negotiated.hold_time.unwrap_or(0)).saturating_mul(2));
        let give_up = context.exactly_after(SEND_HOLD.max(twice_hold));
        self.unsent = match self.unsent {
            _ if octets == 0 => None,
            // Fewer octets than before: the peer reads, if slowly.
            Some(unsent) if octets >= unsent.octets => Some(Unsent { octets, give_up: unsent.give_up }),
            _ => Some(Unsent { octets, give_up }),
        };
    }

    fn tick(mut self, context: &mut Context<'_>) -> State {
        if self.timers.is_some_and(|timers| timers.hold <= context.now) {
            context.notify(self.line.conn, Notification::new(Reason::HoldTimerExpired));
            let kept = keep_stale(&self.negotiated, Ending::Silent);
            return self.leave(context, "Hold timer expired".to_owned(), kept);
        }
        if self.unsent.is_some_and(|unsent| unsent.give_up <= context.now) {
            let notification = Notification::new(Reason::SendHoldTimerExpired);
            let kept = keep_stale(&self.negotiated, Ending::Sent(&notification));
            context.notify(self.line.conn, notification);
            context.warn("the neighbor has not read what was sent to it for a long time".to_owned());
            return self.leave(context, "Send hold timer expired".to_owned(), kept);
        }
        if self.timers.is_some_and(|timers| timers.keepalive <= context.now) {
            context.send_keepalive(self.line.conn);
            self.restart_keepalive(context);
        }
        if let Some(late) = self.rival.take_if(|rival| rival.give_up <= context.now) {
            context.notify(late.conn(), cease::collision());
        }
        State::Established(self)
    }

    fn prefix_count(mut self, context: &mut Context<'_>, family: Family, count: u32) -> State {
        let Some(wish) = context.config.maximum_prefix.get(&family).copied() else { return State::Established(self) };
        let PrefixLimit { limit, threshold, warning_only, restart } = wish;
        let (before, now) = (self.level(family), wish.level(count, self.level(family)));
        self.levels.insert(family, now);
        if now < Level::Over || warning_only {
            let said = format!("{count} prefixes of {family} received");
            match now {
                _ if now <= before => {}
                Level::Over => context.warn(format!("{said}, maximum-prefix is {limit}; the session goes on")),
                Level::High => context.warn(format!("{said}, more than {threshold} % of maximum-prefix {limit}")),
                Level::Low => {}
            }
            if now < before {
                context.log_afresh();
            }
            return State::Established(self);
        }
        context.notify(self.line.conn, cease::maximum_prefixes(family, limit, self.notifications_spare_routes()));
        if let Some(rival) = &self.rival {
            context.notify(rival.conn(), cease::connection_rejected());
        }
        let reason = format!("{count} prefixes of {family} received, maximum-prefix is {limit}");
        let rest = restart.map(|minutes| Duration::from_secs(u64::from(minutes).saturating_mul(60)));
        let words = restart.map(|minutes| format!("for {minutes} minutes, or ")).unwrap_or_default();
        context.warn(format!("{reason}; the session rests {words}until 'clear ip bgp' or another limit"));
        context.down(reason, true, keep_stale(&self.negotiated, Ending::OnPurpose));
        State::Idle(Idle::prefix_limit(family, rest.map(|rest| context.exactly_after(rest))))
    }

    fn out_of_resources(self, context: &mut Context<'_>, limit: &str) -> State {
        context.notify(self.line.conn, cease::out_of_resources(self.notifications_spare_routes()));
        if let Some(rival) = &self.rival {
            context.notify(rival.conn(), cease::connection_rejected());
        }
        if context.now.saturating_duration_since(self.since) >= ROOMY {
            context.forgive_shortages();
        }
        let until = context.shortage_rest();
        let seconds = until.saturating_duration_since(context.now).as_secs();
        let unit = if seconds == 1 { "second" } else { "seconds" };
        context.warn(format!("{limit}; the session rests for {seconds} {unit}, or until 'clear ip bgp'"));
        context.down(limit.to_owned(), true, keep_stale(&self.negotiated, Ending::OnPurpose));
        State::Idle(Idle::out_of_resources(until))
    }

    fn request_refresh(&self, context: &mut Context<'_>, family: Family) {
        if self.negotiated.route_refresh && self.negotiated.families.contains(&family) {
            let request = RouteRefresh::new(Some(family), RouteRefresh::REQUEST);
            context.send(self.line.conn, &Message::RouteRefresh(request), &self.negotiated.codec);
        }
    }

    /// Tells the peer what we want to hear of a family, in place of what it was told before, and asks for that. Some
    /// speakers read nothing behind a removal of everything in the same message.
    pub(crate) fn tell_filter(
        &mut self,
        context: &mut Context<'_>,
        family: Family,
        entries: &[FilterEntry],
        anew: bool,
    ) {
        if !self.negotiated.filter_send.contains(&family) {
            return;
        }
        let mut messages = Vec::new();
        if anew {
            messages.push(vec![FilterChange::RemoveAll]);
        }
        messages.extend(entries.chunks(FILTERS).map(|some| some.iter().copied().map(FilterChange::Add).collect()));
        let last = messages.len();
        for (number, changes) in (1..).zip(messages) {
            let filters = Some(Filters { immediate: number == last, changes });
            let message = RouteRefresh { family: Some(family), subtype: RouteRefresh::REQUEST, filters };
            context.send(self.line.conn, &Message::RouteRefresh(message), &self.negotiated.codec);
        }
        if last == 0 {
            self.request_refresh(context, family);
        }
        self.restart_keepalive(context);
    }

    /// Tells where a refresh begins or ends, if the peer minds.
    pub(crate) fn mark_refresh(&mut self, context: &mut Context<'_>, family: Family, subtype: u8) {
        if self.negotiated.enhanced_refresh && self.negotiated.families.contains(&family) {
            let mark = Message::RouteRefresh(RouteRefresh::new(Some(family), subtype));
            context.send(self.line.conn, &mark, &self.negotiated.codec);
            self.restart_keepalive(context);
        }
    }

    fn refuse(self, context: &mut Context<'_>, notification: Notification, why: &str) -> State {
        let reason = format!("Notification sent: {notification} ({why})");
        let kept = keep_stale(&self.negotiated, Ending::Sent(&notification));
        context.notify(self.line.conn, notification);
        self.leave(context, reason, kept)
    }

    /// The session is over; a second connection takes its place, or the peer is looked for after a rest.
    fn leave(self, context: &mut Context<'_>, reason: String, kept: Kept) -> State {
        if context.now.saturating_duration_since(self.since) >= STABLE {
            context.forgive();
        }
        context.down(reason, true, kept);
        match self.rival {
            Some(rival) => OpenSent::with(rival.renewed(context)),
            None => rest(context),
        }
    }

    /// N bit on both sides: only a Hard Reset ends the routes (RFC 8538 §3).
    fn notifications_spare_routes(&self) -> bool {
        self.negotiated.graceful_restart.as_ref().is_some_and(|restart| restart.notification)
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
