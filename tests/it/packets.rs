//! The balancer's way of a packet, as a table: a sentence, the packet that comes, what becomes of it, the packet that goes.
//! Each line is run natively, and in the kernel by the programs for XDP and for traffic control.

mod captured;
mod plan;
mod quic;
mod table;
mod transition;

use anyhow::{Context, Result};
use bpf_common::way::Outcome;
use scenarios::balancer::kernel::{Kernel, Program};
use scenarios::balancer::native::Native;

use table::{Case, Due, cases};

/// The link that all packets come by: the loopback, which `BPF_PROG_TEST_RUN` takes.
const LINK: u32 = 1;

/// The first 64 octets in which two packets differ, for a person.
fn difference(wanted: &[u8], seen: &[u8]) -> String {
    let at = wanted.iter().zip(seen).position(|(a, b)| a != b).unwrap_or(wanted.len().min(seen.len()));
    let part = |octets: &[u8]| format!("{:02x?}", octets.iter().skip(at).take(32).collect::<Vec<_>>());
    format!(
        "{} octets wanted, {} seen; different from octet {at}:\n  wanted {}\n  seen   {}",
        wanted.len(),
        seen.len(),
        part(wanted),
        part(seen)
    )
}

/// What is wrong with an answer, if anything.
fn judged(case: &Case, outcome: Outcome, packet: &[u8]) -> Option<String> {
    let (wanted, content) = match &case.due {
        Due::Pass(packet) => (Outcome::Pass, Some(packet)),
        Due::Nobody => (Outcome::Drop, None),
        Due::Back(packet) => (Outcome::Back, Some(packet)),
        Due::To(link, packet) => (Outcome::To(*link), Some(packet)),
    };
    if wanted != outcome {
        return Some(format!("{wanted:?} is due, {outcome:?} became of it"));
    }
    content.filter(|content| content.as_slice() != packet).map(|content| difference(content, packet))
}

fn all_hold(run: impl Fn(&Case) -> Result<Option<String>>) -> Result<()> {
    let mut wrong = Vec::new();
    let cases = cases();
    for case in &cases {
        if let Some(what) = run(case)? {
            wrong.push(format!("not so: {}\n{what}", case.sentence));
        }
    }
    assert!(wrong.is_empty(), "{} of {} do not hold\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    Ok(())
}

#[test]
fn each_packet_goes_its_way_natively() -> Result<()> {
    let native = Native::new(plan::world());
    all_hold(|case| {
        let went = native.run(&case.packet, LINK);
        let counted = native.reason.get();
        if counted != case.reason {
            return Ok(Some(format!("{:?} is to be counted, {counted:?} was", case.reason)));
        }
        Ok(judged(case, went.outcome, &went.packet))
    })
}

/// Runs the table in the kernel; redirections tell no link there.
fn in_the_kernel(program: Program, outcome_of: impl Fn(&Case, u32) -> Outcome) -> Result<()> {
    let kernel = Kernel::new(&plan::world())?;
    all_hold(|case| {
        // What a call cannot be given: less than a link header; for traffic control less than an IP header, or more than a page.
        let least = if case.packet.get(12) == Some(&0x86) { 54 } else { 34 };
        let length = case.packet.len();
        if length < 14 || (program != Program::Xdp && !(least..3000).contains(&length)) {
            return Ok(None);
        }
        // Traffic control has tags beside the packet.
        let program = if program == Program::Tc && case.tagged { Program::TcTagged } else { program };
        let before = kernel.drops()?;
        let answer = kernel.run(program, &case.packet).with_context(|| case.sentence.clone())?;
        let counted: Vec<u64> = kernel.drops()?.iter().zip(&before).map(|(after, before)| after - before).collect();
        let wanted = case.reason.map(|reason| reason as usize);
        if counted.iter().enumerate().any(|(number, count)| *count != u64::from(Some(number) == wanted)) {
            return Ok(Some(format!("{:?} is to be counted, seen: {counted:?}", case.reason)));
        }
        Ok(judged(case, outcome_of(case, answer.action), &answer.packet))
    })
}

#[test]
fn each_packet_goes_its_way_in_xdp() -> Result<()> {
    // Answers are redirected to where the question came by; what else goes back is sent by the driver itself.
    in_the_kernel(Program::Xdp, |case, action| match (action, &case.due) {
        (1, _) => Outcome::Drop,
        (2, _) => Outcome::Pass,
        (3 | 4, Due::Back(_)) if (action == 4) == case.reason.is_some() => Outcome::Back,
        (4, Due::To(link, _)) => Outcome::To(*link),
        _ => Outcome::To(u32::MAX),
    })
}

#[test]
fn each_packet_goes_its_way_in_traffic_control() -> Result<()> {
    // Traffic control sends packets back by a redirection, too.
    in_the_kernel(Program::Tc, |case, action| match (action, &case.due) {
        // TC_ACT_UNSPEC: whoever comes behind sees it, too.
        (u32::MAX, _) => Outcome::Pass,
        (2, _) => Outcome::Drop,
        (7, Due::To(link, _)) => Outcome::To(*link),
        (7, Due::Back(_)) => Outcome::Back,
        _ => Outcome::To(u32::MAX),
    })
}

#[test]
fn the_table_can_fail() {
    let native = Native::new(plan::world());
    let cases = cases();
    for case in &cases {
        let went = native.run(&case.packet, LINK);
        let mut other = went.packet.clone();
        if let Some(last) = other.first_mut() {
            *last ^= 1;
        }
        if !matches!(case.due, Due::Nobody) && !other.is_empty() {
            assert!(judged(case, went.outcome, &other).is_some(), "{}", case.sentence);
        }
        assert!(judged(case, Outcome::To(99), &went.packet).is_some(), "{}", case.sentence);
    }
}
