//! What each peer of a group ends up knowing.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::collections::BTreeMap;

use bgp_wire::attribute::Origin;
use bgp_wire::message::Message;
use proptest::prelude::*;

use super::*;

/// The peers of the group, and one that is not in it.
const MEMBERS: [PeerId; 3] = [PeerId(1), PeerId(2), PeerId(3)];
const STRANGER: PeerId = PeerId(9);

fn codec() -> Codec {
    Codec { four_octet_as: true, internal: true, families: Family::ALL.to_vec(), ..Codec::default() }
}

fn attributes(med: u32) -> Arc<PathAttributes> {
    let mut attributes = PathAttributes::new(Origin::Igp, [192, 0, 2, 1].into());
    attributes.med = Some(med);
    attributes.local_pref = Some(100);
    Arc::new(attributes)
}

fn prefix(number: u32) -> Prefix {
    Prefix::host(std::net::Ipv4Addr::from_bits(0x0a00_0000 + number).into())
}

/// The AS of a peer. The last two of the group are of the same one.
fn asn(peer: PeerId) -> Option<Asn> {
    Some(Asn(64512 + peer.0.min(2)))
}

fn loops() -> Loops {
    let mut loops = Loops::new();
    for peer in MEMBERS {
        loops.entry(asn(peer).unwrap()).or_default().push(peer);
    }
    loops
}

/// A path as it is used here: of MED 2 it came through the AS of the first peer, and the last peer sends its own AS.
fn used(med: u32, from: PeerId) -> Arc<PathAttributes> {
    let mut used = PathAttributes::clone(&attributes(med));
    if med == 2 {
        used.as_path.prepend(Asn(64513));
    }
    if from == MEMBERS[2] {
        used.as_path.prepend(asn(from).unwrap());
    }
    Arc::new(used)
}

/// What the best paths are: MED and whose they are.
type Wish = BTreeMap<Prefix, (u32, PeerId)>;

fn hears(peer: PeerId, (med, from): (u32, PeerId)) -> bool {
    peer != from && !used(med, from).as_path.contains(asn(peer).unwrap())
}

/// A group whose peers believe what they are told.
struct Group {
    out: AdjOut,
    wish: Wish,
    knows: BTreeMap<PeerId, BTreeMap<Prefix, u32>>,
    messages: u64,
}

impl Default for Group {
    fn default() -> Self {
        let mut out = AdjOut::default();
        MEMBERS.into_iter().filter_map(asn).for_each(|asn| out.count_loops_of(asn));
        Self { out, wish: Wish::new(), knows: BTreeMap::new(), messages: 0 }
    }
}

impl Group {
    fn want(&mut self, number: u32, best: Option<(u32, PeerId)>) {
        match best {
            Some(best) => _ = self.wish.insert(prefix(number), best),
            None => _ = self.wish.remove(&prefix(number)),
        }
        self.out.offer(prefix(number), best.is_some());
    }

    fn drain(&mut self, max_octets: usize) {
        let Self { out, wish, knows, messages } = self;
        let export = |spot: Spot| {
            let Some((med, from)) = wish.get(&spot.prefix()).copied() else { return Say::Nothing };
            let path = used(med, from);
            let own = asn(from).is_none_or(|asn| !path.as_path.contains(asn));
            Say::Tell(Exported { attributes: attributes(med), from, own, path: Some(path) })
        };
        for portion in out.drain(Family::Ipv4Unicast, (&codec(), &loops()), max_octets, export) {
            *messages += portion.messages;
            for peer in MEMBERS.into_iter().filter(|peer| portion.audience.includes(*peer)) {
                hear(knows.entry(peer).or_default(), &portion.octets);
            }
        }
    }

    fn drain_all(&mut self) {
        while !self.out.is_drained() {
            self.drain(usize::MAX);
        }
    }

    fn check(&self) {
        for peer in MEMBERS {
            let heard = self.wish.iter().filter(|(_, best)| hears(peer, **best));
            let shall: BTreeMap<Prefix, u32> = heard.map(|(prefix, (med, _))| (*prefix, *med)).collect();
            assert_eq!(self.knows.get(&peer).cloned().unwrap_or_default(), shall, "{peer:?}");
            assert!(self.out.iter(peer, asn(peer)).eq(shall.keys().copied()));
            assert_eq!(self.out.len(peer, asn(peer)), shall.len());
        }
        assert_eq!(self.out.is_empty(), self.wish.is_empty());
    }
}

#[test]
fn what_was_offered_as_gone_is_withdrawn_without_a_question_and_what_came_back_since_is_asked_for() {
    let mut group = Group::default();
    group.want(1, Some((1, STRANGER)));
    group.want(2, Some((1, STRANGER)));
    group.drain_all();
    group.want(1, None);
    group.want(2, None);
    group.want(2, Some((3, STRANGER)));
    let mut asked = Vec::new();
    let again = |spot: Spot| {
        asked.push(spot.prefix());
        Say::Later
    };
    let portions = group.out.drain(Family::Ipv4Unicast, (&codec(), &loops()), usize::MAX, again);
    assert_eq!((portions.len(), asked), (1, vec![prefix(2)]));
}

fn hear(knows: &mut BTreeMap<Prefix, u32>, mut bytes: &[u8]) {
    while let Some(length) = bgp_wire::frame(bytes, 4096).unwrap() {
        let Message::Update(update) = Message::decode(&bytes[..length], &codec()).unwrap() else {
            unreachable!("only UPDATEs are drained")
        };
        assert_eq!(update.errors, []);
        for nlri in update.unreach.iter().flat_map(|unreach| &unreach.nlri) {
            assert!(knows.remove(&nlri.prefix).is_some(), "{} was never told", nlri.prefix);
        }
        for reach in &update.reach {
            let med = reach.attributes.med.unwrap();
            for nlri in &reach.nlri {
                assert_ne!(knows.insert(nlri.prefix, med), Some(med), "{} was told already", nlri.prefix);
            }
        }
        bytes = &bytes[length..];
    }
}

#[test]
fn routes_of_equal_attributes_share_messages() {
    let mut group = Group::default();
    for number in 0..2000 {
        group.want(number, Some((number % 2, STRANGER)));
    }
    group.drain_all();
    // 1000 routes of 5 octets need two messages of 4096 each.
    assert_eq!(group.messages, 4);
    group.check();
}

#[test]
fn saying_the_same_again_is_no_news() {
    let mut group = Group::default();
    group.want(1, Some((1, STRANGER)));
    group.drain_all();
    group.want(1, Some((1, STRANGER)));
    group.want(2, None);
    group.drain_all();
    assert_eq!(group.messages, 1);
    group.want(1, Some((5, STRANGER)));
    group.drain_all();
    assert_eq!(group.messages, 2);
    group.check();
}

#[test]
fn what_is_not_decided_stays_pending() {
    let mut group = Group::default();
    group.want(1, Some((1, STRANGER)));
    let portions = group.out.drain(Family::Ipv4Unicast, (&codec(), &loops()), usize::MAX, |_| Say::Later);
    assert!(portions.is_empty() && !group.out.is_drained() && group.out.is_silent());
    group.drain_all();
    group.check();
}

#[test]
fn a_route_that_goes_before_it_was_told_leaves_no_trace() {
    let mut group = Group::default();
    group.want(1, Some((1, STRANGER)));
    group.want(1, None);
    group.drain_all();
    assert!(group.out.is_empty() && group.out.is_silent());
    group.check();
}

#[test]
fn a_peer_hears_neither_of_its_own_path_nor_of_its_own_as_and_forgets_an_older_one() {
    let mut group = Group::default();
    let [first, second, _] = MEMBERS;
    for best in [Some((1, first)), Some((1, second)), Some((2, first)), Some((2, STRANGER)), None] {
        group.want(1, best);
        group.drain_all();
        group.check();
    }
}

#[test]
fn what_is_too_much_is_told_as_soon_as_there_is_room() {
    let mut group = Group::default();
    group.out.tell_at_most(Some(2));
    let told = |group: &Group| group.out.iter(MEMBERS[0], asn(MEMBERS[0])).collect::<Vec<_>>();
    for number in [1, 2, 3, 4] {
        group.want(number, Some((1, STRANGER)));
    }
    group.drain_all();
    assert_eq!((told(&group), group.out.left_out()), (vec![prefix(1), prefix(2)], 2));
    // What is told may change, what is left out may go.
    group.want(1, Some((5, STRANGER)));
    group.want(3, None);
    group.drain_all();
    assert_eq!((told(&group), group.out.left_out()), (vec![prefix(1), prefix(2)], 1));
    group.want(2, None);
    group.drain_all();
    assert_eq!((told(&group), group.out.left_out()), (vec![prefix(1), prefix(4)], 0));
    group.out.tell_at_most(Some(1));
    group.out.offer(prefix(1), true);
    group.drain_all();
    assert_eq!((told(&group), group.out.left_out()), (vec![prefix(4)], 1));
    group.out.tell_at_most(None);
    group.out.offer(prefix(1), true);
    group.drain_all();
    group.check();
}

#[test]
fn a_refresh_says_everything_again_once() {
    let mut group = Group::default();
    for number in 0..10 {
        group.want(number, Some((number, STRANGER)));
    }
    group.drain_all();
    group.out.refresh();
    group.knows.clear();
    group.drain_all();
    assert_eq!(group.messages, 20);
    group.check();
}

#[test]
fn attributes_that_fit_into_no_message_withdraw_the_older_route() {
    let mut group = Group::default();
    group.want(1, Some((1, STRANGER)));
    group.drain_all();
    let huge = Arc::new(PathAttributes { communities: (0..2000).collect(), ..PathAttributes::clone(&attributes(1)) });
    for number in [1, 2] {
        group.out.offer(prefix(number), true);
    }
    let export = |_| Say::Tell(Exported { attributes: Arc::clone(&huge), from: STRANGER, own: true, path: None });
    let portions = group.out.drain(Family::Ipv4Unicast, (&codec(), &loops()), usize::MAX, export);
    assert_eq!(portions.len(), 1, "the second prefix was never told");
    hear(group.knows.get_mut(&MEMBERS[0]).unwrap(), &portions[0].octets);
    assert!(group.knows[&MEMBERS[0]].is_empty() && group.out.is_empty());
}

proptest! {
    #[test]
    fn never_more_is_told_than_may_be_and_never_less_than_fits(
        most in 0_usize..6,
        steps in prop::collection::vec((0_u32..10, prop::option::of(0_u32..3), any::<bool>()), 0..100)
    ) {
        let mut group = Group::default();
        group.out.tell_at_most(Some(u32::try_from(most).unwrap()));
        for (number, med, drain) in steps {
            group.want(number, med.map(|med| (med, STRANGER)));
            if drain {
                group.drain_all();
                let told = group.out.iter(PeerId(77), None).count();
                prop_assert_eq!(told, most.min(group.wish.len()));
                prop_assert_eq!(group.out.left_out(), group.wish.len() - told);
            }
        }
    }

    #[test]
    fn once_drained_each_peer_knows_exactly_what_it_shall(
        steps in prop::collection::vec(
            (0_u32..20, prop::option::of((0_u32..3, 0_usize..4)), prop::option::of(1_usize..200)), 0..200
        )
    ) {
        let mut group = Group::default();
        for (number, best, drain) in steps {
            let sources = [MEMBERS[0], MEMBERS[1], MEMBERS[2], STRANGER];
            group.want(number, best.map(|(med, from)| (med, sources[from])));
            if let Some(octets) = drain {
                group.drain(octets);
            }
        }
        group.drain_all();
        group.check();
    }
}

/// What the last peer of `MEMBERS` hears of several paths: MED by prefix and path identifier.
type Heard = BTreeMap<(Prefix, u32), u32>;

/// A group that hears of several paths of a prefix, and one peer of it that believes what it is told.
#[derive(Default)]
struct Several {
    out: AdjOut,
    wish: BTreeMap<Prefix, BTreeMap<u32, (u32, PeerId)>>,
    knows: Heard,
}

impl Several {
    fn want(&mut self, number: u32, path_id: u32, path: Option<(u32, PeerId)>) {
        let paths = self.wish.entry(prefix(number)).or_default();
        match path {
            Some(path) => _ = paths.insert(path_id, path),
            None => _ = paths.remove(&path_id),
        }
        self.out.offer(prefix(number), !paths.is_empty());
    }

    fn drain(&mut self, max_octets: usize) {
        let codec = Codec { add_path_send: vec![Family::Ipv4Unicast], ..codec() };
        let Self { out, wish, knows } = self;
        let exported =
            |(med, from): (u32, PeerId)| Exported { attributes: attributes(med), from, own: true, path: None };
        let export = |spot: Spot| {
            let paths = wish.get(&spot.prefix()).into_iter().flatten();
            Say::Several(paths.map(|(path_id, path)| (*path_id, exported(*path))).collect())
        };
        for portion in out.drain(Family::Ipv4Unicast, (&codec, &Loops::new()), max_octets, export) {
            if portion.audience.includes(MEMBERS[2]) {
                hear_several(knows, &portion.octets);
            }
        }
    }

    fn check(&mut self) {
        while !self.out.is_drained() {
            self.drain(usize::MAX);
        }
        let [.., listener] = MEMBERS;
        let all =
            self.wish.iter().flat_map(|(prefix, paths)| paths.iter().map(move |(id, path)| (*prefix, *id, *path)));
        let shall = all.filter(|(.., (_, from))| *from != listener).map(|(prefix, id, (med, _))| ((prefix, id), med));
        let shall: Heard = shall.collect();
        assert_eq!(self.knows, shall);
        assert_eq!(self.out.len(listener, None), shall.len());
        let prefixes: std::collections::BTreeSet<Prefix> = shall.keys().map(|(prefix, _)| *prefix).collect();
        assert!(self.out.iter(listener, None).eq(prefixes));
        for (prefix, path_id) in shall.keys().copied() {
            assert!(self.out.knows_path(listener, None, Nlri { prefix, path_id }));
        }
        assert_eq!(self.out.is_empty(), self.wish.values().all(BTreeMap::is_empty));
    }
}

fn hear_several(knows: &mut Heard, mut bytes: &[u8]) {
    let codec = Codec { add_path_receive: vec![Family::Ipv4Unicast], ..codec() };
    while let Some(length) = bgp_wire::frame(bytes, 4096).unwrap() {
        let Message::Update(update) = Message::decode(&bytes[..length], &codec).unwrap() else {
            unreachable!("only UPDATEs are drained")
        };
        for nlri in update.unreach.iter().flat_map(|unreach| &unreach.nlri) {
            assert!(knows.remove(&(nlri.prefix, nlri.path_id)).is_some(), "{nlri:?} was never told");
        }
        for reach in &update.reach {
            let med = reach.attributes.med.unwrap();
            for nlri in &reach.nlri {
                assert_ne!(knows.insert((nlri.prefix, nlri.path_id), med), Some(med), "{nlri:?} was told already");
            }
        }
        bytes = &bytes[length..];
    }
}

#[test]
fn a_refresh_says_each_of_several_paths_again() {
    let mut group = Several::default();
    for path_id in 1..=3 {
        group.want(1, path_id, Some((path_id, STRANGER)));
    }
    group.check();
    group.out.refresh();
    group.knows.clear();
    group.check();
}

#[test]
fn a_withdrawal_names_the_path_that_goes() {
    let mut group = Several::default();
    for path_id in [1, 2] {
        group.want(1, path_id, Some((7, STRANGER)));
    }
    group.check();
    group.want(1, 1, None);
    group.check();
    assert_eq!(group.knows.into_keys().collect::<Vec<_>>(), [(prefix(1), 2)]);
}

proptest! {
    #[test]
    fn once_drained_a_peer_knows_exactly_the_several_paths_that_it_shall(
        steps in prop::collection::vec(
            (0_u32..6, 1_u32..5, prop::option::of((0_u32..3, 0_usize..4)), prop::option::of(1_usize..100)), 0..200
        )
    ) {
        let mut group = Several::default();
        for (number, path_id, path, drain) in steps {
            let sources = [MEMBERS[0], MEMBERS[1], MEMBERS[2], STRANGER];
            group.want(number, path_id, path.map(|(med, from)| (med, sources[from])));
            if let Some(octets) = drain {
                group.drain(octets);
            }
        }
        group.check();
    }
}
