//! Answers in the shapes of the Bot API.

use super::html::Entity;
use super::{Chat, SentMessage};
use axum::Json;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

/// An answer that is not `ok`.
#[derive(Debug, PartialEq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    description: String,
    parameters: Option<Value>,
}

impl Refusal {
    pub(super) fn new(status: u16, description: &str) -> Self {
        Self { status, description: description.to_owned(), parameters: None }
    }

    pub(super) fn bad_request(reason: &str) -> Self {
        Self::new(400, &format!("Bad Request: {reason}"))
    }

    pub(super) fn too_many_requests(retry_after: u32) -> Self {
        let description = format!("Too Many Requests: retry after {retry_after}");
        Self { status: 429, description, parameters: Some(json!({ "retry_after": retry_after })) }
    }

    pub(super) fn migrated(new: i64) -> Self {
        let refusal = Self::bad_request("group chat was upgraded to a supergroup chat");
        Self { parameters: Some(json!({ "migrate_to_chat_id": new })), ..refusal }
    }

    /// What Telegram says with `status` when it gives no particular reason.
    pub(super) fn plain(status: u16) -> Self {
        let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
        Self::new(status, reason.unwrap_or("Unknown Error"))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).expect("scripts name statuses of HTTP");
        let mut body = json!({ "ok": false, "error_code": self.status, "description": self.description });
        let mut response = match self.parameters {
            None => Json(body).into_response(),
            Some(parameters) => {
                let retry_after = parameters["retry_after"].as_u64();
                body["parameters"] = parameters;
                let header = retry_after.map(|seconds| [(RETRY_AFTER, seconds.to_string())]);
                header.map_or_else(|| Json(&body).into_response(), |header| (header, Json(&body)).into_response())
            }
        };
        *response.status_mut() = status;
        response
    }
}

/// `{"ok": true, "result": …}`.
pub(super) fn success(result: Value) -> Value {
    json!({ "ok": true, "result": result })
}

/// The bot itself, as `getMe` has it; its id is the first part of its token.
pub(super) fn bot(token: &str) -> Value {
    let id = token.split(':').next().and_then(|id| id.parse::<i64>().ok()).unwrap_or_default();
    json!({
        "id": id, "is_bot": true, "first_name": "Vigil", "username": "vigil_bot", "can_join_groups": true,
        "can_read_all_group_messages": false, "supports_inline_queries": false,
        "can_connect_to_business": false, "has_main_web_app": false,
    })
}

/// A chat; its kind shows in its id.
pub(super) fn chat(Chat(id): Chat, name: Option<&str>) -> Value {
    match (name, id) {
        (Some(name), _) => {
            json!({ "id": id, "type": "channel", "title": name, "username": name.trim_start_matches('@') })
        }
        (None, 0..) => json!({ "id": id, "type": "private", "first_name": "Ada", "username": "ada" }),
        (None, ..=-1_000_000_000_001) => json!({ "id": id, "type": "supergroup", "title": "Operations" }),
        (None, _) => {
            json!({ "id": id, "type": "group", "title": "Operations", "all_members_are_administrators": true })
        }
    }
}

/// The message as Telegram shows it to its sender.
pub(super) fn message(message: &SentMessage, entities: &[Entity]) -> Value {
    let name = message.raw["chat_id"].as_str().filter(|name| name.starts_with('@'));
    let mut shown = Map::new();
    shown.insert("message_id".to_owned(), json!(message.message_id));
    shown.insert("date".to_owned(), json!(message.at.timestamp()));
    shown.insert("chat".to_owned(), chat(Chat(message.chat_id), name));
    shown.insert("text".to_owned(), json!(message.plain));
    if name.is_none() {
        shown.insert("from".to_owned(), bot(&message.token));
    }
    if let Some(thread) = message.message_thread_id {
        shown.insert("message_thread_id".to_owned(), json!(thread));
        shown.insert("is_topic_message".to_owned(), json!(true));
    }
    if !entities.is_empty() {
        shown.insert("entities".to_owned(), entities.iter().map(Entity::to_json).collect());
    }
    Value::Object(shown)
}
