//! The API: HTTP over the state we own and the samples we read. Knows nothing of Telegram or of other channels.
//!
//! [`app::router`] holds every URL; `routes/` has one file per resource; [`auth`] decides who is calling.

pub mod app;
pub mod auth;
mod extract;
pub mod live;
mod middleware;
pub mod openapi;
mod page;
mod problem;
mod routes;
pub mod serve;
pub mod setup;
pub mod start;
pub mod state;

pub use app::router;
pub use openapi::openapi;
pub use problem::Problem;
pub use serve::serve;
pub use state::{AppState, Parts};
