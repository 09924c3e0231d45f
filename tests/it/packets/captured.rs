//! What is captured of packets, as they come, as they go, and where they end; and how often senders are told that theirs are
//! too big. In the kernel by both programs, and natively what has no clock there.

use std::net::IpAddr;

use anyhow::Result;
use bpf_common::layout::{CAME, Capture, Captured, LOST, TOLD_ONE, WENT};
use bpf_common::reason::Reason;
use scenarios::balancer::build::{frame, udp};
use scenarios::balancer::kernel::{Kernel, Program};
use scenarios::balancer::native::Native;
use scenarios::balancer::world::World;

use super::plan::{self, from_clients};
use super::table::{client, ip};

/// The loopback.
const LINK: u32 = 1;

/// A datagram to a service from the client of its family, or another one.
fn packet(to: &str, from: Option<IpAddr>, octets: usize) -> Vec<u8> {
    frame(&from_clients(), &udp((from.unwrap_or_else(|| client(to)), 40_000), (ip(to), 80), &vec![7; octets], true))
}

fn all() -> Capture {
    Capture { every: 1, ..Capture::default() }
}

/// The programs, which capture all.
fn watched() -> Result<Kernel> {
    Kernel::new(&World { capture: all(), ..plan::world() })
}

/// The head that was kept.
fn head(captured: &Captured) -> &[u8] {
    captured.head.get(..captured.kept as usize).unwrap_or(&captured.head)
}

#[test]
fn a_packet_is_captured_as_it_comes_and_as_it_goes_by_both_programs() -> Result<()> {
    let mut kernel = watched()?;
    for program in [Program::Xdp, Program::Tc] {
        for (to, octets) in [("192.0.2.1", 10), ("192.0.2.2", 900), ("2001:db8::4", 30)] {
            let came = packet(to, None, octets);
            let went = kernel.run(program, &came)?.packet;
            let found = kernel.captured()?;
            let moments: Vec<u32> = found.iter().map(|captured| captured.moment).collect();
            assert_eq!(moments, [CAME, WENT], "{program:?}, {to}");
            for (captured, packet, link) in [(&found[0], &came, LINK), (&found[1], &went, plan::EXIT)] {
                assert_eq!((captured.length as usize, captured.link), (packet.len(), link), "{program:?}, {to}");
                assert!(captured.service > 0 && captured.backend > 0, "{program:?}, {to}: {captured:?}");
                assert_eq!(head(captured), &packet[..packet.len().min(256)], "{program:?}, {to}");
            }
        }
    }
    Ok(())
}

#[test]
fn a_packet_that_is_not_forwarded_is_captured_with_the_reason_unless_it_is_for_no_service() -> Result<()> {
    let mut kernel = watched()?;
    let lost = [
        ("192.0.2.9", 10, Some(Reason::Unresolved)),
        ("192.0.2.12", 10, Some(Reason::NoBackend)),
        ("192.0.2.1", 1480, Some(Reason::TooBig)),
        ("203.0.114.1", 10, None),
    ];
    for program in [Program::Xdp, Program::Tc] {
        for (to, octets, reason) in lost {
            kernel.run(program, &packet(to, None, octets))?;
            let found = kernel.captured()?;
            let reasons = found.iter().filter(|captured| captured.moment == LOST).map(|captured| captured.reason);
            let wanted: Vec<u32> = reason.iter().map(|reason| *reason as u32).collect();
            assert_eq!(reasons.collect::<Vec<u32>>(), wanted, "{program:?}, {to}");
            assert!(found.iter().all(|captured| captured.moment != WENT), "{program:?}, {to}: {found:?}");
        }
    }
    Ok(())
}

#[test]
fn only_what_is_asked_for_is_captured() -> Result<()> {
    let mut kernel = watched()?;
    let whose = |kernel: &mut Kernel, to: &str| -> Result<(u32, u32)> {
        kernel.run(Program::Xdp, &packet(to, None, 10))?;
        Ok(kernel.captured()?.first().map_or((0, 0), |captured| (captured.service, captured.backend)))
    };
    let (service, backend) = whose(&mut kernel, "192.0.2.1")?;
    let (other, _) = whose(&mut kernel, "192.0.2.2")?;
    assert!(service > 0 && other > 0 && service != other);
    let unresolved = 1 << Reason::Unresolved as u32;
    for (what, capture, wanted) in [
        ("nothing", Capture::default(), [0, 0, 0]),
        ("a service", Capture { service, ..all() }, [2, 0, 0]),
        ("a backend", Capture { backend, ..all() }, [2, 0, 0]),
        ("a backend of another service", Capture { backend, service: other, ..all() }, [0, 0, 0]),
        ("a reason", Capture { reasons: unresolved, ..all() }, [0, 0, 1]),
        ("another reason", Capture { reasons: 1 << Reason::Guarded as u32, ..all() }, [0, 0, 0]),
        ("all", all(), [2, 2, 2]),
    ] {
        kernel.capture(capture)?;
        for program in [Program::Xdp, Program::Tc] {
            let mut counts = Vec::new();
            for to in ["192.0.2.1", "192.0.2.2", "192.0.2.9"] {
                kernel.run(program, &packet(to, None, 10))?;
                counts.push(kernel.captured()?.len());
            }
            assert_eq!(counts, wanted, "{what}, {program:?}");
        }
    }
    Ok(())
}

#[test]
fn a_sender_is_told_a_few_times_and_others_are_told_meanwhile() {
    let native = Native::new(plan::world());
    for (to, other) in [("192.0.2.1", "198.51.200.6"), ("2001:db8::1", "2001:db8:d::5")] {
        let reason = |from| {
            let _ = native.run(&packet(to, from, 1480), LINK);
            native.reason.get()
        };
        for _ in 0..TOLD_ONE {
            assert_eq!(reason(None), Some(Reason::TooBig), "{to}");
        }
        assert_eq!(reason(None), Some(Reason::TooBigUntold), "{to}: once more");
        assert_eq!(reason(Some(ip(other))), Some(Reason::TooBig), "{to}: another client");
        native.now.set(native.now.get() + 1);
        assert_eq!(reason(None), Some(Reason::TooBig), "{to}: a second later");
    }
    let mut told = 0;
    for number in 0..3000_u32 {
        let [.., high, low] = number.to_be_bytes();
        let _ = native.run(&packet("192.0.2.1", Some(IpAddr::from([10, 7, high, low])), 1480), LINK);
        told += u32::from(native.reason.get() == Some(Reason::TooBig));
    }
    assert!((900..=1000).contains(&told), "of 3,000 senders {told} are told");
}

#[test]
fn the_kernel_tells_a_sender_a_few_times_a_second() -> Result<()> {
    let kernel = Kernel::new(&plan::world())?;
    for (program, to) in [(Program::Xdp, "192.0.2.1"), (Program::Tc, "2001:db8::1")] {
        let before = kernel.drops()?;
        for _ in 0..200 {
            kernel.run(program, &packet(to, None, 1480))?;
        }
        let counted = |reason: Reason| -> Result<u64> {
            let count = |drops: &[u64]| drops.get(reason as usize).copied().unwrap_or_default();
            Ok(count(&kernel.drops()?) - count(&before))
        };
        let (told, untold) = (counted(Reason::TooBig)?, counted(Reason::TooBigUntold)?);
        assert_eq!(told + untold, 200, "{program:?}");
        // A few of them on each processor and in each second that the calls took.
        assert!((6..150).contains(&told), "{program:?}: {told} told");
    }
    Ok(())
}
