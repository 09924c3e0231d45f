//! Two sessions in virtual time over a link that loses, delays and dies.

use proptest::prelude::*;

use super::*;

/// A link and its two ends. Packets are lost as the list says, over and over.
struct Pair {
    now: Instant,
    ends: [Session; 2],
    /// What is on its way: when it comes, to which end.
    way: Vec<(Instant, usize, Packet)>,
    losses: Vec<bool>,
    sent: usize,
    dead: bool,
    /// Since when one end is up and the other one is not.
    one_sided: Option<Instant>,
    longest: Duration,
    deepest: Duration,
}

impl Pair {
    fn new(settings: [Settings; 2], losses: Vec<bool>) -> Self {
        let now = Instant::now();
        let [a, b] = settings;
        let ends = [Session::new(now, a, number(1), 3), Session::new(now, b, number(2), 4)];
        let (longest, deepest) = (Duration::ZERO, Duration::ZERO);
        Self { now, ends, way: Vec::new(), losses, sent: 0, dead: false, one_sided: None, longest, deepest }
    }

    fn up(&self) -> bool {
        self.ends.iter().all(|end| end.state() == State::Up)
    }

    fn send(&mut self, from: usize, wanted: Wanted) {
        let Some(packet) = wanted.packet else { return };
        let lost = self.dead || self.losses.get(self.sent % self.losses.len().max(1)).copied().unwrap_or(false);
        self.sent += 1;
        if !lost {
            self.way.push((self.now + 2 * MS, 1 - from, packet));
        }
    }

    fn watch(&mut self) {
        let ups = self.ends.iter().filter(|end| end.state() == State::Up).count();
        let detection = self.ends.iter().filter_map(Session::detection_time).sum();
        self.deepest = self.deepest.max(detection);
        match (ups, self.one_sided) {
            (1, None) => self.one_sided = Some(self.now),
            (1, Some(_)) => {}
            (_, Some(since)) => {
                self.longest = self.longest.max(self.now - since);
                self.one_sided = None;
            }
            (_, None) => {}
        }
    }

    /// Goes on until a time has passed or something holds.
    fn run(&mut self, span: Duration, until: impl Fn(&Self) -> bool) -> bool {
        let end = self.now + span;
        while !until(self) {
            let next = self.ends.iter().filter_map(Session::deadline).chain(self.way.iter().map(|(at, ..)| *at)).min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            let (come, way) = std::mem::take(&mut self.way).into_iter().partition(|(at, ..)| *at <= self.now);
            self.way = way;
            for (_, to, packet) in come {
                let packet = Packet::parse(&packet.encode()).unwrap();
                let wanted = self.ends[to].receive(self.now, &packet);
                self.send(to, wanted);
            }
            for from in 0..2 {
                let wanted = self.ends[from].tick(self.now);
                self.send(from, wanted);
            }
            self.watch();
        }
        until(self)
    }
}

fn any_settings() -> impl Strategy<Value = Settings> {
    (10u32..2000, 10u32..2000, 1u8..8, any::<bool>()).prop_map(|(transmit, receive, multiplier, passive)| Settings {
        transmit: transmit * MS,
        receive: receive * MS,
        multiplier: NonZeroU8::new(multiplier).unwrap(),
        passive,
        ..settings()
    })
}

/// A change of what is agreed on: a smaller multiplier counts at once, and another secret is not the other side's.
fn same(before: &Settings, change: Settings) -> Settings {
    Settings { multiplier: before.multiplier, secret: before.secret.clone(), ..change }
}

fn pair() -> impl Strategy<Value = [Settings; 2]> {
    // Two passive ones would wait for each other.
    (any_settings(), any_settings(), any_secret())
        .prop_map(|(a, b, secret)| [Settings { passive: false, secret: secret.clone(), ..a }, Settings { secret, ..b }])
}

fn any_secret() -> impl Strategy<Value = Option<Secret>> {
    let methods = [
        Method::SimplePassword,
        Method::KeyedMd5,
        Method::MeticulousKeyedMd5,
        Method::KeyedSha1,
        Method::MeticulousKeyedSha1,
    ];
    let secret =
        prop::sample::select(methods.to_vec()).prop_map(|method| Secret { method, key: 1, word: "s".to_owned() });
    prop::option::of(secret)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn two_ends_come_up_and_stay_up_over_a_link_that_loses_nothing(settings in pair()) {
        let mut pair = Pair::new(settings, Vec::new());
        prop_assert!(pair.run(Duration::from_secs(10), Pair::up));
        prop_assert!(!pair.run(Duration::from_secs(60), |pair| !pair.up()), "it went down: {:?}", pair.ends);
        prop_assert!(pair.ends.iter().all(|end| !end.timing.polls()), "polls are answered");
        let [a, b] = &pair.ends;
        prop_assert_eq!(a.transmit_interval(), Some(a.settings().transmit.max(b.settings().receive)));
        let expected = a.settings().receive.max(b.settings().transmit) * u32::from(b.settings().multiplier.get());
        prop_assert_eq!(a.detection_time(), Some(expected));
    }

    #[test]
    fn two_ends_come_up_over_a_link_that_loses_packets_and_are_never_up_one_sided_for_longer_than_both_take_to_notice(
        settings in pair(),
        losses in prop::collection::vec(prop::bool::weighted(0.3), 37..60),
    ) {
        let mut pair = Pair::new(settings, losses);
        let came_up = pair.run(Duration::from_secs(300), Pair::up);
        prop_assert!(came_up, "{:?}", pair.ends);
        pair.run(Duration::from_secs(60), |_| false);
        // The one that is not up gives up what it had heard, then the other one hears that, or nothing.
        prop_assert!(pair.longest <= pair.deepest + 10 * MS, "{:?} of {:?}", pair.longest, pair.deepest);
    }

    #[test]
    fn a_dead_link_is_noticed_within_the_detection_time_and_a_mended_one_is_used_again(settings in pair()) {
        let mut pair = Pair::new(settings, Vec::new());
        prop_assert!(pair.run(Duration::from_secs(10), Pair::up));
        pair.run(Duration::from_secs(20), |_| false);
        let detection = pair.ends.iter().filter_map(Session::detection_time).max().unwrap();
        pair.dead = true;
        let died = pair.now;
        prop_assert!(pair.run(detection + SLOW, |pair| pair.ends.iter().all(|end| end.state() == State::Down)));
        prop_assert!(pair.now - died <= detection + 5 * MS);
        pair.run(Duration::from_secs(30), |_| false);
        pair.dead = false;
        prop_assert!(pair.run(Duration::from_secs(20), Pair::up), "{:?}", pair.ends);
    }

    #[test]
    fn changing_intervals_never_takes_a_session_down(
        settings in pair(),
        changes in prop::collection::vec((any::<bool>(), any_settings(), 0u32..3000), 1..8),
    ) {
        let mut pair = Pair::new(settings, Vec::new());
        prop_assert!(pair.run(Duration::from_secs(10), Pair::up));
        for (first, change, wait) in changes {
            let which = usize::from(first);
            let wanted = pair.ends[which].configure(pair.now, same(pair.ends[which].settings(), change));
            pair.send(which, wanted);
            prop_assert!(!pair.run(wait * MS, |pair| !pair.up()), "{:?}", pair.ends);
        }
        prop_assert!(!pair.run(Duration::from_secs(60), |pair| !pair.up()), "{:?}", pair.ends);
        let [a, b] = &pair.ends;
        prop_assert_eq!(a.transmit_interval(), Some(a.settings().transmit.max(b.settings().receive)));
        prop_assert_eq!(b.transmit_interval(), Some(b.settings().transmit.max(a.settings().receive)));
    }
}
