//! Answers and failures in a row, and what they make of a node.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may fail loudly, and this one needs a moment"
)]

use super::*;

const MARK: u32 = 7;

fn wish() -> Wish {
    Wish {
        address: [203, 0, 113, 80].into(),
        question: Question::Tcp { port: 80 },
        interval: Duration::from_secs(2),
        timeout: Duration::from_secs(1),
        rise: 2,
        fall: 3,
    }
}

/// Gives what was heard of one question after the other: `+` an answer, `-` a failure, `.` nothing at all; answers what
/// became of it each time.
fn judged(heard: &str) -> String {
    let mut checks = Checks::default();
    let mut now = Instant::now();
    checks.want(now, &Wishes::from([(MARK, wish())]));
    let mut judged = String::new();
    for what in heard.chars() {
        let mut asked = None;
        let mut verdicts = checks.tick(now, |mark, number, _| asked = Some((mark, number)));
        let (mark, number) = asked.unwrap();
        match what {
            '+' => verdicts.extend(checks.heard(mark, number, Ok(())).map(|verdict| (mark, verdict))),
            '-' => {
                verdicts.extend(checks.heard(mark, number, Err("refused".to_owned())).map(|verdict| (mark, verdict)))
            }
            _ => verdicts.extend(checks.tick(now + wish().timeout, |_, _, _| unreachable!("it was asked already"))),
        }
        judged.push(match verdicts.last().map(|(_, verdict)| verdict.health) {
            None => '.',
            Some(Health::Well) => 'W',
            Some(Health::Unwell) => 'U',
            Some(Health::Unknown) => '?',
        });
        now += wish().interval;
    }
    judged
}

#[test]
fn only_answers_and_failures_in_a_row_count() {
    for (heard, expect) in [
        ("+", "W"),
        ("--+", "..W"),
        ("---", "..U"),
        ("...", "..U"),
        ("+---", "W..U"),
        ("+--+--+---", "W........U"),
        ("+---+-++", "W..U...W"),
        ("-.-", "..U"),
    ] {
        assert_eq!(judged(heard), expect, "{heard}");
    }
}

#[test]
fn a_late_answer_and_one_to_another_question_say_nothing() {
    let mut checks = Checks::default();
    let now = Instant::now();
    checks.want(now, &Wishes::from([(MARK, wish())]));
    let mut first = 0;
    checks.tick(now, |_, number, _| first = number);
    checks.tick(now + wish().interval, |_, _, _| {});
    assert_eq!(checks.heard(MARK, first, Ok(())), None);
    assert_eq!(checks.heard(MARK + 1, first, Ok(())), None);
}

#[test]
fn who_is_asked_something_else_is_unknown_and_who_is_asked_more_often_is_not() {
    let mut checks = Checks::default();
    let now = Instant::now();
    checks.want(now, &Wishes::from([(MARK, wish())]));
    let mut number = 0;
    checks.tick(now, |_, asked, _| number = asked);
    assert!(checks.heard(MARK, number, Ok(())).is_some());
    let often = Wish { interval: Duration::from_millis(100), timeout: Duration::from_millis(100), ..wish() };
    checks.want(now, &Wishes::from([(MARK, often)]));
    assert_eq!(checks.deadline(), Some(now + Duration::from_millis(100)));
    checks.tick(now + Duration::from_millis(100), |_, asked, _| number = asked);
    assert_eq!(checks.heard(MARK, number, Ok(())), None, "it is well already");
    checks.want(now, &Wishes::from([(MARK, Wish { question: Question::Icmp, ..wish() })]));
    checks.tick(now, |_, asked, _| number = asked);
    assert!(checks.heard(MARK, number, Ok(())).is_some(), "another question begins anew");
    checks.want(now, &Wishes::new());
    assert_eq!(checks.deadline(), None);
}
