//! Work that several processors do together.
//!
//! The threads borrow what they read and are over before the call is, and each thing that they change is changed by one of
//! them: what comes out does not depend on how many there are. Never waits for anything else.

use std::sync::{Mutex, PoisonError};

/// Works on things, so many threads together, each of which takes the next thing that nobody took. The calling one works
/// along once it has done what is to be done `beside`: where there is no processor for the others, it does it all.
pub(crate) fn together<T, I>(
    threads: usize,
    things: I,
    work: impl Fn(&mut dyn Iterator<Item = T>) + Sync,
    beside: impl FnOnce(),
) where
    I: Iterator<Item = T> + Send,
{
    let things = Mutex::new(things);
    let work = || work(&mut std::iter::from_fn(|| things.lock().unwrap_or_else(PoisonError::into_inner).next()));
    std::thread::scope(|scope| {
        // Where no thread is to be had, there is one less; one that panics takes the call along.
        let begin = |_| std::thread::Builder::new().spawn_scoped(scope, work).ok();
        let others: Vec<_> = (1..threads).filter_map(begin).collect();
        beside();
        work();
        for other in others {
            if let Err(panic) = other.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
}
