//! Logs: spans and events of the whole process, as text or JSON lines on standard error.
//!
//! Standard output stays free for what a command answers.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{LogConfig, LogFormat};

/// Starts logging as configured. A second call in one process changes nothing.
///
/// A `level` that does not parse (which [`Config::load`](crate::Config::load) refuses) logs at `info`.
pub fn init(log: &LogConfig) {
    let (filter, refused) = match EnvFilter::builder().parse(&log.level) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new("info"), Some(error)),
    };
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    let started = match log.format {
        LogFormat::Text => lines.with_ansi(stderr().is_terminal()).finish().try_init(),
        LogFormat::Json => lines.json().flatten_event(true).finish().try_init(),
    };
    if let (Ok(()), Some(error)) = (started, refused) {
        tracing::warn!(level = log.level, %error, "the log level is not a filter: logging at info");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logging_can_be_started_again_and_survives_a_bad_level() {
        init(&LogConfig { format: LogFormat::Text, level: "warn,vigil=debug".to_owned() });
        init(&LogConfig { format: LogFormat::Json, level: "==".to_owned() });
        assert!(tracing::enabled!(target: "vigil", tracing::Level::DEBUG));
        assert!(!tracing::enabled!(target: "elsewhere", tracing::Level::INFO));
    }
}
