//! `show bfd …`

use crate::commands::op::Op;
use crate::commands::tree::{Arguments, Step};
use crate::value::ValueKind;

pub(super) static BFD: Step = Step::word("bfd", "Bidirectional Forwarding Detection", &[&PEERS]);

static PEERS: Step = Step::word(
    "peers",
    "Sessions with other routers and hosts",
    &[
        &Step::word("brief", "One line for each session", &[])
            .op(|_| Some(Op::ShowBfdPeers { brief: true, peer: None })),
        &Step::value(ValueKind::NeighborAddress, "One session", "192.168.101.201", &[]).op(peers),
    ],
)
.op(peers);

fn peers(arguments: &Arguments) -> Option<Op> {
    Some(Op::ShowBfdPeers { brief: false, peer: arguments.first() })
}
