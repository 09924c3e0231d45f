//! The engine of the router: events in, effects out.
//!
//! It is the only crate that knows BGP, routes and commits at once. It never waits: no socket, no
//! clock, no task, no file. Time is an argument, results come back as events, and the same events
//! give the same effects.

mod aggregates;
mod answer;
mod balancer;
pub mod boot;
mod collectors;
pub mod commit;
pub mod configure;
mod confirm;
mod decide;
mod dumps;
pub mod effect;
pub mod engine;
pub mod event;
mod flow;
mod journal;
mod limits;
mod liveness;
pub mod log;
mod looks;
mod names;
mod originate;
pub mod paths;
pub mod peers;
pub mod plan;
mod policies;
mod preview;
mod recovery;
mod routes;
pub mod secret;
mod statics;
mod table_map;
#[cfg(test)]
mod tests;
mod together;
mod truth;
pub mod validation;
mod views;
mod watch;

pub use boot::Boot;
pub use effect::{Effect, Level, Notice};
pub use engine::{Engine, Facts};
pub use event::{AskId, CacheNews, Caller, ClientId, Event, Moment, SavedAs, StepId};
