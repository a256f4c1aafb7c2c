//! Vigil's own log as a destination: the fallback when nothing else is configured.

use vigil_domain::{
    Timestamp,
    message::{Message, plain},
};

use super::Sent;

/// Writes the message as one event at level `info`.
pub fn send(channel: &str, message: &Message, now: Timestamp) -> Sent {
    let text = plain::render_line(message, now);
    tracing::info!(target: "vigil::notification", { channel.name = channel, reason = message.reason.as_str() }, "{text}");
    Sent { peer_response: None }
}
