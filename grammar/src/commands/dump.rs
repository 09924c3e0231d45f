//! `dump bgp table FILE`: what is in memory, into a file, now.
//!
//! Never writes it; the daemon does, with its own rights.

use super::op::Op;
use super::tree::Step;
use crate::value::ValueKind;

pub(super) static DUMP: Step = Step::word(
    "dump",
    "Write a table into a file",
    &[&Step::word(
        "bgp",
        "What BGP knows",
        &[&Step::word(
            "table",
            "All accepted paths, as MRT (RFC 6396)",
            &[&Step::value(ValueKind::FileName, "File, with its whole path", "/tmp/table.mrt", &[])
                .op(|arguments| Some(Op::DumpTable { file: arguments.first()? }))],
        )],
    )],
);
