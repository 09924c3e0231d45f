//! Prefixes that are out of the table while their paths are judged again, so that several can be judged at the same time.
//!
//! What follows for the table, what is counted and which prefixes need a decision, follows when one is put back. Never
//! judges, and never decides.

use super::{BgpTable, Inserted, Path, PathKey, PeerId, Place, Stays, Waits, index};
use crate::few::Few;
use crate::prefix_table::Spot;

/// A prefix that is out of the table, which knows no path of it until it is put back.
#[derive(Debug)]
#[must_use = "the table lacks its paths until it is put back"]
pub struct Lent {
    spot: Spot,
    paths: Few<Path>,
    best: Option<Place>,
    /// Whether it waited for a decision.
    waits: Waits,
    /// Which paths became others.
    became: Became,
}

/// What judging paths again has made of them.
#[derive(Debug, Default)]
struct Became {
    /// Some path is another now.
    changed: bool,
    /// The best one is.
    news: bool,
    /// One that is another may have another rank.
    ranked: bool,
    /// Whose best path there is that may be used.
    usable: Option<PeerId>,
    /// Paths that count differently now: their places, and what they were.
    otherwise: Vec<(usize, Path)>,
    /// The paths that are others, where somebody wants to hear of them.
    told: Vec<PathKey>,
}

impl Lent {
    /// Where it stands.
    #[must_use]
    pub fn spot(&self) -> Spot {
        self.spot
    }

    /// The paths, in the order in which their peers first announced them.
    #[must_use]
    pub fn paths(&self) -> &[Path] {
        self.paths.as_slice()
    }

    /// Puts new judgements in place of those that the paths have; neither their age nor whether they are stale changes. A
    /// path for which `judge` answers nothing stays as it is. Sets have to be of one store: another set is taken for a
    /// different one. With a judgement stands whether it leaves the rank of the path as it was (`Inserted::ranks_as`).
    /// Which paths became others is kept to be told if that is `wanted`.
    pub fn rejudge(&mut self, wanted: bool, mut judge: impl FnMut(&Path) -> Option<(Inserted, bool)>) {
        let Self { paths, best, became, .. } = self;
        let best = best.map(index);
        let best_peer = best.and_then(|best| paths.as_slice().get(best)).map(Path::peer);
        for (at, path) in paths.as_mut_slice().iter_mut().enumerate() {
            let Some((judged, alike)) = judge(path) else { continue };
            let key = path.key();
            let mut now = judged.path(key, 0);
            if path.same_sets(&now) {
                continue;
            }
            now.succeed(path);
            let old = std::mem::replace(path, now);
            became.changed = true;
            became.news |= best_peer == Some(key.peer);
            became.ranked |= !alike;
            if !old.counts_as(path) {
                became.otherwise.push((at, old));
            }
            if wanted {
                became.told.push(key);
            }
        }
        let best = best.and_then(|best| paths.as_slice().get(best));
        became.usable = best.filter(|best| best.rejected().is_none()).map(Path::peer);
    }
}

impl BgpTable {
    /// Takes a prefix out, so that its paths can be judged again beside those of others. It is undecided meanwhile.
    pub fn lend(&mut self, spot: impl Into<Spot>) -> Option<Lent> {
        let (spot, entry) = self.entries.find_mut(spot)?;
        let (paths, best) = (std::mem::take(&mut entry.paths), entry.best);
        let waits = std::mem::replace(&mut entry.waits, Waits::Lent);
        Some(Lent { spot, paths, best, waits, became: Became::default() })
    }

    /// Puts a prefix back, and tells which of its paths are others now. Where all kept their ranks, and nothing else of the
    /// prefix is undecided, what was chosen stays chosen, and the answer is what became of it.
    pub fn put_back(&mut self, lent: Lent, tell: impl FnMut(PathKey)) -> Option<Stays> {
        let Lent { spot, paths, became, waits, .. } = lent;
        let (_, entry) = self.entries.find_mut(spot)?;
        for (at, old) in &became.otherwise {
            if let Some(path) = paths.as_slice().get(*at) {
                self.census.replaced(old, path);
            }
        }
        (entry.paths, entry.waits) = (paths, waits);
        became.told.into_iter().for_each(tell);
        if !became.changed {
            return None;
        }
        entry.changed |= became.news;
        if entry.waits == Waits::No && !became.ranked {
            return Some(Stays { news: std::mem::take(&mut entry.changed), best: became.usable });
        }
        self.queues.presses(spot, entry);
        None
    }
}
