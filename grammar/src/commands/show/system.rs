//! `show system …`, `show hardware …`, `show configuration …`, `show date`, `show users`

use crate::commands::image;
use crate::commands::op::{ConfigurationForm, Machine, Op};
use crate::commands::tree::{Make, Step};
use crate::value::ValueKind;

pub(super) static SYSTEM: Step = Step::word(
    "system",
    "The system",
    &[
        &machine("boot-messages", "What the kernel said since it started", |_| show(Machine::BootMessages)),
        &Step::word(
            "commit",
            "Revisions of the configuration",
            &[
                &Step::word(
                    "diff",
                    "What a commit changed",
                    &[&NUMBER.op(|a| Some(Op::ShowSystemCommitDiff { number: a.first()? }))],
                ),
                &Step::word(
                    "file",
                    "The configuration of a commit",
                    &[&NUMBER.op(|a| Some(Op::ShowSystemCommitFile { number: a.first()? }))],
                ),
            ],
        )
        .op(|_| Some(Op::ShowSystemCommit)),
        &machine("connections", "Sockets of the router itself", |_| show(Machine::Connections)),
        &image::SHOW,
        &machine("kernel-messages", "What the kernel said", |_| show(Machine::KernelMessages)),
        &Step::word("login", "Who is logged in", &[&USERS]),
        &machine("memory", "How much memory is used", |_| show(Machine::Memory)),
        &machine("processes", "Programs that run", |_| show(Machine::Processes)),
        &machine("storage", "How full the disks are", |_| show(Machine::Storage)),
        &machine("uptime", "Since when the machine runs, and its load", |_| show(Machine::Uptime)),
    ],
);

/// Which commit.
const NUMBER: Step = Step::value(ValueKind::U32 { min: 0, max: 65_535 }, "Commit; 0 is the newest", "0", &[]);

pub(super) static HARDWARE: Step = Step::word(
    "hardware",
    "The machine",
    &[
        &machine("cpu", "Processors", |_| show(Machine::Cpu)),
        &machine("memory", "Memory", |_| show(Machine::Memory)),
        &machine("pci", "Devices on the PCI bus", |_| show(Machine::Pci)),
    ],
);

pub(super) static DATE: Step = machine("date", "Date and time", |_| show(Machine::Date));
pub(super) static USERS: Step = machine("users", "People who are logged in", |_| show(Machine::Users));

pub(super) static CONFIGURATION: Step = Step::word(
    "configuration",
    "The active configuration",
    &[
        &Step::word("all", "With the defaults", &[]).op(|_| configuration(ConfigurationForm::All)),
        &Step::word("commands", "As set commands", &[]).op(|_| configuration(ConfigurationForm::Commands)),
        &Step::word("files", "Files that hold configurations", &[]).op(|_| configuration(ConfigurationForm::Files)),
        &Step::word(
            "json",
            "As JSON on one line",
            &[&Step::word("pretty", "On many lines", &[]).op(|_| configuration(ConfigurationForm::JsonPretty))],
        )
        .op(|_| configuration(ConfigurationForm::Json)),
    ],
)
.op(|_| configuration(ConfigurationForm::Braces));

const fn machine(name: &'static str, help: &'static str, make: Make) -> Step {
    Step::word(name, help, &[]).op(make)
}

fn show(machine: Machine) -> Option<Op> {
    Some(Op::ShowMachine(machine))
}

fn configuration(form: ConfigurationForm) -> Option<Op> {
    Some(Op::ShowConfiguration { form })
}
