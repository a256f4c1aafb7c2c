//! Live results over WebSocket: a server's figures and expressions, every interval, to any number of clients.
//!
//! The story: [`admit`] decides who may watch what; [`run`] is one client's life; a `view` is what that client sees; a
//! `feed` asks one question each interval for all clients of this process, and shares its answers with the feeds of the
//! other processes, so that one of them asks; the `guard` ends what has lost its ground. What `POST /ws-tickets` does is
//! not here.

mod admission;
mod close;
mod feed;
mod frame;
mod guard;
mod hub;
mod pace;
mod request;
mod session;
mod view;

pub(crate) use admission::{Visit, admit};
pub use hub::Hub;
pub(crate) use session::{refuse, run};

/// The subprotocol that is spoken here.
pub(crate) const PROTOCOL: &str = "vigil.v1";
