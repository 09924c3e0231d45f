//! `show rpki …`

use nouns::{Asn, Prefix};

use crate::commands::op::{Op, RpkiShown};
use crate::commands::tree::{Arguments, Step};
use crate::value::ValueKind;

pub(super) static RPKI: Step = Step::word(
    "rpki",
    "Resource Public Key Infrastructure",
    &[
        &Step::word(
            "as-number",
            "Prefixes that an AS may announce",
            &[&Step::value(ValueKind::Asn, "The AS", "64512", &[]).op(of_as)],
        ),
        &Step::word(
            "aspa",
            "Customers that say who their providers are",
            &[&Step::value(ValueKind::Asn, "Only this customer", "64512", &[]).op(aspas)],
        )
        .op(aspas),
        &Step::word("cache-connection", "Caches, and how it stands with them", &[])
            .op(|_| Some(Op::ShowRpki(RpkiShown::Caches))),
        &Step::word(
            "prefix",
            "Who may announce a prefix",
            &[&Step::value(
                ValueKind::Prefix,
                "The prefix",
                "192.0.2.0/24",
                &[&Step::value(ValueKind::Asn, "AS that is judged", "64512", &[]).op(of_prefix)],
            )
            .op(of_prefix)],
        ),
        &Step::word("prefix-table", "Who may announce which prefix", &[]).op(|_| Some(Op::ShowRpki(RpkiShown::All))),
    ],
);

fn of_as(arguments: &Arguments) -> Option<Op> {
    Some(Op::ShowRpki(RpkiShown::OfAs(arguments.first::<Asn>()?)))
}

fn aspas(arguments: &Arguments) -> Option<Op> {
    Some(Op::ShowRpki(RpkiShown::Aspas(arguments.first())))
}

fn of_prefix(arguments: &Arguments) -> Option<Op> {
    let prefix = arguments.first::<Prefix>()?;
    Some(Op::ShowRpki(RpkiShown::Covering { prefix, asn: arguments.second() }))
}
