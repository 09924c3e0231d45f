//! The daemon's face: requests, replies, views, and the text of each view.
//!
//! One JSON object per line travels over a Unix stream socket in either direction: a [`Call`] to the
//! daemon, an [`Answer`] with the same `id` back. A view is plain data; its text lives beside it, so
//! that `show x` and `show x | json` are two faces of one value. This crate never knows how an answer
//! was found, and never opens the socket itself.

pub mod codec;
pub mod digits;
pub mod error;
pub mod level;
pub mod reply;
pub mod request;
pub mod text;
pub mod view;
pub mod watch;

pub use grammar::commands::Machine;
pub use grammar::value::NameKind;

pub use error::{ApiError, CodecError};
pub use level::Level;
pub use reply::{
    Answer, Committed, Configuration, Hello, NeighborChange, NeighborEffect, PendingConfirm, Plan, Problem, Refusal,
    RefusalReason, Reply,
};
pub use request::{
    BgpTarget, Call, Clear, ClearHow, ClearTarget, Flush, NeighborRoutes, Request, RouteFilter, Show, Which,
};
pub use text::Text;
pub use view::View;
pub use watch::{News, Watch};

/// Where the daemon listens unless told otherwise.
pub const DEFAULT_SOCKET: &str = "/run/towpath/towpathd.sock";
