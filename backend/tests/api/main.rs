//! The API over a database of its own, request by request.

mod api_keys;
mod app;
mod document;
mod operations;
mod problems;
mod setup;
mod sign_in;
mod users;
