//! Programs in virtual time.

use super::*;

const FILE: &str = "/etc/some.conf";

fn spec(name: &str, when: When, ends_often: bool) -> Spec {
    Spec { name: name.to_owned(), command: vec![format!("/bin/{name}")], when, console: false, ends_often }
}

struct Story {
    services: Services,
    begin: Instant,
    now: Instant,
}

impl Story {
    fn of(specs: Vec<Spec>) -> Self {
        let now = Instant::now();
        Self { services: Services::new(specs), begin: now, now }
    }

    /// What is to be done at a second of the story.
    fn at(&mut self, second: u64, input: Input) -> Vec<Output> {
        self.now = self.begin + Duration::from_secs(second);
        let mut out = Vec::new();
        self.services.handle(self.now, input, &mut out);
        out.retain(|output| !matches!(output, Output::Say(_)));
        out
    }

    fn deadline(&self) -> Option<u64> {
        self.services.deadline().map(|at| at.duration_since(self.begin).as_secs())
    }
}

#[test]
fn a_program_that_ends_again_and_again_rests_longer_each_time() {
    let mut story = Story::of(vec![spec("router", When::Always, false)]);
    assert_eq!(story.at(0, Input::Tick), [Output::Start(0)]);
    assert_eq!(story.at(0, Input::Tick), [], "only once");
    let mut second = 0;
    for rest in [1, 2, 4, 8, 16, 32, 60, 60] {
        assert_eq!(story.at(second, Input::Started(0, 7)), []);
        assert_eq!(story.at(second, Input::Ended(7)), []);
        assert_eq!(story.deadline(), Some(second + rest));
        assert_eq!(story.at(second + rest - 1, Input::Tick), [], "it rests for {rest} s");
        second += rest;
        assert_eq!(story.at(second, Input::Tick), [Output::Start(0)]);
    }
    assert_eq!(story.services.ends("router"), 8);
}

#[test]
fn one_that_ran_for_long_is_back_soon() {
    let mut story = Story::of(vec![spec("router", When::Always, false)]);
    story.at(0, Input::Tick);
    story.at(0, Input::Failed(0));
    story.at(1, Input::Tick);
    story.at(1, Input::Started(0, 7));
    story.at(100, Input::Ended(7));
    assert_eq!(story.deadline(), Some(101));
}

#[test]
fn a_login_that_ends_is_back_at_once_but_not_in_a_loop() {
    let mut story = Story::of(vec![spec("console", When::Always, true)]);
    story.at(0, Input::Tick);
    story.at(0, Input::Started(0, 7));
    assert_eq!(story.at(20, Input::Ended(7)), [Output::Start(0)]);
    story.at(20, Input::Started(0, 8));
    assert_eq!(story.at(20, Input::Ended(8)), []);
    assert_eq!(story.deadline(), Some(21));
}

#[test]
fn a_program_follows_its_file() {
    let with = |change| vec![spec("server", When::While(FILE, change), false)];
    let mut story = Story::of(with(OnChange::HangUp));
    assert_eq!(story.at(0, Input::Tick), []);
    assert_eq!(story.at(1, Input::File(0, Some(1))), [Output::Start(0)]);
    story.at(1, Input::Started(0, 7));
    assert_eq!(story.at(2, Input::File(0, Some(1))), []);
    assert_eq!(story.at(3, Input::File(0, Some(2))), [Output::Reload(7)]);
    assert_eq!(story.at(4, Input::File(0, None)), [Output::End(7)]);
    assert_eq!(story.at(5, Input::Ended(7)), []);
    assert_eq!(story.deadline(), None, "it is off");
    let mut story = Story::of(with(OnChange::Restart));
    story.at(1, Input::File(0, Some(1)));
    story.at(1, Input::Started(0, 7));
    assert_eq!(story.at(3, Input::File(0, Some(2))), [Output::End(7)]);
    assert_eq!(story.at(3, Input::Ended(7)), [Output::Start(0)]);
}

#[test]
fn who_does_not_end_is_killed_and_nobody_comes_back_at_the_end() {
    let mut story = Story::of(vec![spec("one", When::Always, false), spec("two", When::Always, true)]);
    assert_eq!(story.at(0, Input::Tick), [Output::Start(0), Output::Start(1)]);
    story.at(0, Input::Started(0, 7));
    story.at(0, Input::Started(1, 8));
    assert_eq!(story.at(9, Input::Shutdown), [Output::End(7), Output::End(8)]);
    assert_eq!(story.at(10, Input::Ended(8)), []);
    assert!(!story.services.is_quiet());
    assert_eq!(story.deadline(), Some(14));
    assert_eq!(story.at(14, Input::Tick), [Output::Kill(7)]);
    assert_eq!(story.at(14, Input::Ended(7)), []);
    assert!(story.services.is_quiet());
}

#[test]
fn a_person_may_have_a_program_begin_anew() {
    let mut story = Story::of(vec![spec("router", When::Always, false)]);
    story.at(0, Input::Tick);
    story.at(0, Input::Started(0, 7));
    assert_eq!(story.at(5, Input::Restart("other".to_owned())), []);
    assert_eq!(story.at(5, Input::Restart("router".to_owned())), [Output::End(7)]);
    assert_eq!(story.at(6, Input::Ended(7)), [Output::Start(0)]);
    assert_eq!(story.services.ends("router"), 0, "this was no fault of its own");
}

#[test]
fn a_process_that_was_there_before_everybody_is_not_started_again() {
    let mut story = Story::of(vec![spec("router", When::Always, false), spec("console", When::Always, true)]);
    story.services.adopt(story.begin, 1, 5);
    assert_eq!(story.at(0, Input::Tick), [Output::Start(0)]);
    assert_eq!(story.at(20, Input::Ended(5)), [Output::Start(1)]);
}
