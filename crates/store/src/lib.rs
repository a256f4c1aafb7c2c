//! State we own: entities and named queries on PostgreSQL and SQLite, the queue, live fan-out and the shared cache.

pub mod accounts;
pub mod cache;
pub mod channels;
pub mod db;
pub mod entity;
pub mod evaluation;
pub mod first_steps;
pub mod history;
pub mod lease;
pub mod live;
pub mod outbox;
pub mod queue;
pub mod redis;
pub mod rules;
pub mod seal;
pub mod servers;
pub mod stores;
pub mod throttle;
pub mod write;
