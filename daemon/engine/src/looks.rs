//! Looks at a whole BGP table: walked a piece at a time, so that nobody waits for whoever looks.
//!
//! A small table is answered at once. Of a large one the answer grows while peers, the kernel and other persons get
//! their turns; what changes meanwhile is seen as it is when the walk comes by. Never changes a table.

use std::collections::VecDeque;

use api::{ApiError, Reply, View};
use nouns::Prefix;

use crate::effect::Effect;
use crate::engine::Engine;
use crate::event::{AskId, ClientId};
use crate::views::bgp_table::Look;

/// How many prefixes are looked at before the others get their turn; a test of looks needs no large table.
const PIECE: usize = if cfg!(test) { 100 } else { 2_000 };

/// The looks under way, each with who asked and where it goes on.
#[derive(Debug, Default)]
pub(crate) struct Looks(VecDeque<(AskId, Look, Option<Prefix>)>);

impl Looks {
    /// Whether nobody looks.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A client is gone.
    pub(crate) fn left(&mut self, client: ClientId) {
        self.0.retain(|(ask, ..)| ask.client != client);
    }
}

impl Engine {
    /// Begins a look; a small table is answered at once.
    pub(crate) fn begin_look(&mut self, ask: AskId, look: Look, out: &mut Vec<Effect>) {
        let first = look.begins_at();
        self.look_on(ask, look, first, out);
    }

    /// Goes on with the look that waits longest.
    pub(crate) fn settle_looks(&mut self, out: &mut Vec<Effect>) {
        if let Some((ask, look, next)) = self.looks.0.pop_front() {
            self.look_on(ask, look, next, out);
        }
    }

    fn look_on(&mut self, ask: AskId, mut look: Look, next: Option<Prefix>, out: &mut Vec<Effect>) {
        let mut left = PIECE;
        let mut after = None;
        for (prefix, paths) in self.tables.of(look.family()).iter_from(next) {
            if look.ends_before(prefix) {
                break;
            }
            if left == 0 {
                after = Some(prefix);
                break;
            }
            left = left.saturating_sub(1);
            look.see(self, prefix, paths);
        }
        match after {
            // Those who came later wait, so that one answer at a time is in memory.
            Some(after) => self.looks.0.push_front((ask, look, Some(after))),
            None => out.push(Effect::Answer(ask, self.end_look(look))),
        }
    }

    fn end_look(&self, look: Look) -> Reply {
        let view: Result<View, ApiError> = look.view(self);
        view.map_or_else(Reply::Error, Reply::View)
    }
}
