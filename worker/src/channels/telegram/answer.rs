//! What the Bot API answered, and what follows from it.
//!
//! Refusals: <https://core.telegram.org/bots/api#making-requests>. Their texts are not specified; teloxide knows many.

use reqwest::{Response, StatusCode, header::RETRY_AFTER};
use serde::Deserialize;
use serde_json::Value;
use teloxide::{ApiError, types::ResponseParameters};
use vigil_domain::{Span, notification::SendError};

/// Bodies longer than this are nobody's answer to `sendMessage`.
const LONGEST_BODY: usize = 64 * 1024;

/// Why a message was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The group is this chat now.
    Migrated(i64),
    /// The markup is not valid, in Telegram's eyes.
    Markup(String),
    /// There is no such topic.
    Topic(String),
    /// Nothing that can be mended here.
    Final(SendError),
}

impl From<SendError> for Refusal {
    fn from(error: SendError) -> Self {
        Self::Final(error)
    }
}

impl Refusal {
    /// With every text changed by `change`.
    pub(super) fn map(self, change: impl Fn(String) -> String) -> Self {
        match self {
            Self::Migrated(chat) => Self::Migrated(chat),
            Self::Markup(text) => Self::Markup(change(text)),
            Self::Topic(text) => Self::Topic(change(text)),
            Self::Final(error) => Self::Final(match error {
                SendError::Transient(text) => SendError::Transient(change(text)),
                SendError::Unknown(text) => SendError::Unknown(change(text)),
                SendError::RateLimited { wait, message } => SendError::RateLimited { wait, message: change(message) },
                SendError::Permanent(text) => SendError::Permanent(change(text)),
                SendError::ChannelBroken(text) => SendError::ChannelBroken(change(text)),
            }),
        }
    }

    /// What it means when it cannot be mended.
    pub(super) fn into_error(self) -> SendError {
        match self {
            Self::Migrated(chat) => SendError::Permanent(format!("the group moves from chat to chat, now to {chat}")),
            Self::Markup(text) | Self::Topic(text) => SendError::Permanent(text),
            Self::Final(error) => error,
        }
    }
}

/// A complete answer.
#[derive(Debug)]
pub(super) struct Answer {
    status: StatusCode,
    /// Seconds, from the header.
    retry_after: Option<u64>,
    body: Option<Body>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Body {
    ok: bool,
    result: Value,
    description: String,
    parameters: Option<Value>,
}

impl Answer {
    /// Reads the whole answer. One that breaks off is a doubt if it began with success.
    pub(super) async fn read(mut response: Response) -> Result<Self, Refusal> {
        let status = response.status();
        let header = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = header.and_then(|value| value.trim().parse().ok());
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= LONGEST_BODY => body.extend_from_slice(&chunk),
                Ok(_) => break,
                Err(error) if status.is_success() => {
                    let text = super::chain(&error.without_url());
                    let text = format!("Telegram's answer broke off: {text}; the message may have arrived");
                    return Err(SendError::Unknown(text).into());
                }
                Err(_) => break,
            }
        }
        Ok(Self { status, retry_after, body: serde_json::from_slice(&body).ok() })
    }

    /// What Telegram calls the message, or why it is refused.
    pub(super) fn judge(self) -> Result<String, Refusal> {
        let Self { status, retry_after, body } = self;
        match body {
            Some(Body { ok: true, result, .. }) if status.is_success() => Ok(accepted(&result)),
            Some(body) => Err(refused(status, retry_after, &body)),
            None => Err(refused(status, retry_after, &Body::default())),
        }
    }
}

fn accepted(result: &Value) -> String {
    match result.get("message_id").and_then(Value::as_i64) {
        Some(id) => format!("message_id {id}"),
        None => "accepted".to_owned(),
    }
}

fn refused(status: StatusCode, retry_after: Option<u64>, body: &Body) -> Refusal {
    let parameters = body.parameters.clone().and_then(|parameters| serde_json::from_value(parameters).ok());
    let said = if body.description.is_empty() { format!("status {status}") } else { body.description.clone() };
    let wait = match parameters {
        Some(ResponseParameters::MigrateToChatId(chat)) => return Refusal::Migrated(chat.0),
        Some(ResponseParameters::RetryAfter(wait)) => Some(u64::from(wait.seconds())),
        None => retry_after,
    };
    match status.as_u16() {
        429 => SendError::RateLimited { wait: Span::from_secs(wait.unwrap_or(0)), message: said }.into(),
        400 => bad_request(said),
        401 | 404 => SendError::ChannelBroken(format!("{said}: the bot token is wrong; set config.bot_token")).into(),
        403 => SendError::ChannelBroken(format!("{said}: let the bot into the chat again")).into(),
        408 | 500.. => SendError::Transient(format!("Telegram failed: {said}")).into(),
        200..=299 => {
            SendError::Transient(format!("not an answer of the Bot API ({said}): check telegram.api_url")).into()
        }
        300..=399 => SendError::Permanent(format!("redirected ({said}): check telegram.api_url")).into(),
        _ => SendError::Permanent(said).into(),
    }
}

/// A bad request, by its text: Telegram gives nothing else.
fn bad_request(said: String) -> Refusal {
    let lower = said.to_ascii_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
    let known = serde_json::from_value::<ApiError>(Value::String(said.clone())).ok();
    match known {
        Some(ApiError::CantParseEntities(_)) => return Refusal::Markup(said),
        Some(ApiError::ChatNotFound | ApiError::UserNotFound) => {
            let advice = "check config.chat_id, and that the bot has been let into the chat";
            return SendError::ChannelBroken(format!("{said}: {advice}")).into();
        }
        Some(ApiError::GroupDeactivated | ApiError::NotEnoughRightsToPostMessages) => {
            return SendError::ChannelBroken(said).into();
        }
        _ => {}
    }
    if has(&["can't parse entities", "can't find end of", "unsupported start tag"]) {
        Refusal::Markup(said)
    } else if has(&["message thread not found", "topic_deleted", "topic_closed"]) {
        Refusal::Topic(said)
    } else if has(&["not enough rights", "have no rights", "write_forbidden", "peer_id_invalid", "chat_restricted"]) {
        SendError::ChannelBroken(format!("{said}: the bot may not write there")).into()
    } else {
        SendError::Permanent(said).into()
    }
}
