//! `/bot<token>/<method>`: reads a request, does it, answers.

use super::answer::{self, Refusal, success};
use super::html::{self, Parsed};
use super::script::Next;
use super::{Call, Chat, SentMessage, Shared, State};
use crate::fakes::{received_now, server};
use axum::extract::{Form, FromRequest, Query, Request, State as Extract};
use axum::http::Uri;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Characters of a message after its markup is taken away, in UTF-16 units.
const LONGEST: usize = 4096;

/// What a request carries, wherever it carries it.
type Parameters = Map<String, Value>;

/// What a request leads to.
enum Outcome {
    Success(Value),
    Refused(Refusal),
    HangUp,
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(serve).with_state(shared)
}

async fn serve(Extract(shared): Extract<Arc<Shared>>, request: Request) -> Response {
    let at = received_now();
    let Some((token, method)) = address(request.uri()) else { return Refusal::plain(404).into_response() };
    let Some(parameters) = parameters(request).await else {
        return Refusal::bad_request("can't parse request").into_response();
    };
    let chat_id = chat(&parameters).ok().map(|chat| chat.0);
    let outcome = perform(&shared, at, &token, &method, parameters).await;
    let status = match &outcome {
        Outcome::Success(_) => Some(200),
        Outcome::Refused(refusal) => Some(refusal.status),
        Outcome::HangUp => None,
    };
    shared.state().calls.push(Call { at, token, method, chat_id, status });
    match outcome {
        Outcome::Success(result) => Json(success(result)).into_response(),
        Outcome::Refused(refusal) => refusal.into_response(),
        Outcome::HangUp => server::hang_up(),
    }
}

/// Token and method (in lower case) of `/bot<token>/<method>`.
fn address(uri: &Uri) -> Option<(String, String)> {
    let (token, method) = uri.path().strip_prefix("/bot")?.split_once('/')?;
    Some((token.replace("%3A", ":"), method.to_lowercase()))
}

/// From the query and the body, JSON or form; `None` when the body is neither.
async fn parameters(request: Request) -> Option<Parameters> {
    let query = Query::<HashMap<String, Value>>::try_from_uri(request.uri()).ok()?.0;
    let mut parameters: Parameters = query.into_iter().collect();
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/json") {
        let Json(body) = Json::<Parameters>::from_request(request, &()).await.ok()?;
        parameters.extend(body);
    } else if kind.starts_with("application/x-www-form-urlencoded") {
        let Form(body) = Form::<HashMap<String, Value>>::from_request(request, &()).await.ok()?;
        parameters.extend(body);
    }
    Some(parameters)
}

async fn perform(shared: &Shared, at: DateTime<Utc>, token: &str, method: &str, parameters: Parameters) -> Outcome {
    if let Some(refusal) = refused_token(&shared.state(), token) {
        return refusal.into();
    }
    match method {
        "sendmessage" | "editmessagetext" => write(shared, at, token, method, parameters).await,
        "getme" => Outcome::Success(answer::bot(token)),
        "getchat" => match chat(&parameters) {
            Ok(chat) => Outcome::Success(answer::chat(chat, parameters.get("chat_id").and_then(Value::as_str))),
            Err(refusal) => refusal.into(),
        },
        "getupdates" => {
            // Nobody writes to the bot: a long poll waits in vain.
            let seconds = integer(&parameters, "timeout").and_then(|seconds| u64::try_from(seconds).ok());
            tokio::time::sleep(Duration::from_secs(seconds.unwrap_or(0))).await;
            Outcome::Success(json!([]))
        }
        "answercallbackquery"
        | "deletemessage"
        | "setmycommands"
        | "deletewebhook"
        | "setwebhook"
        | "sendchataction" => Outcome::Success(json!(true)),
        _ => Refusal::new(404, "Not Found: method not found").into(),
    }
}

/// 404 for what is no token, 401 for one of no bot.
fn refused_token(state: &State, token: &str) -> Option<Refusal> {
    let well_formed = token.split_once(':').is_some_and(|(id, secret)| id.parse::<u64>().is_ok() && secret.len() >= 30);
    match (well_formed, state.tokens.contains(token)) {
        (_, true) => None,
        (true, false) => Some(Refusal::plain(401)),
        (false, false) => Some(Refusal::plain(404)),
    }
}

/// `sendMessage` and `editMessageText`, as the script has it.
async fn write(shared: &Shared, at: DateTime<Utc>, token: &str, method: &str, parameters: Parameters) -> Outcome {
    let next = shared.state().script.next.pop_front();
    match &next {
        Some(Next::Fail(status)) => return Refusal::plain(*status).into(),
        Some(Next::HangUp { after_recording: false }) => return Outcome::HangUp,
        Some(Next::Hang(time)) => tokio::time::sleep(*time).await,
        Some(Next::HangUp { after_recording: true }) | None => {}
    }
    let mut state = shared.state();
    let written = read(&mut state, at, token, parameters).and_then(|(message, parsed)| match method {
        "sendmessage" => Ok(send(&mut state, message, &parsed)),
        _ => edit(&mut state, message, &parsed),
    });
    let count = state.sent.len();
    drop(state);
    shared.sent.send_replace(count);
    match (written, next) {
        (Err(refusal), _) => refusal.into(),
        (Ok(_), Some(Next::HangUp { .. })) => Outcome::HangUp,
        (Ok(shown), _) => Outcome::Success(shown),
    }
}

/// The message a request asks to write, if the chat and the text allow it.
fn read(
    state: &mut State,
    at: DateTime<Utc>,
    token: &str,
    parameters: Parameters,
) -> Result<(SentMessage, Parsed), Refusal> {
    let chat = chat(&parameters)?;
    let message_thread_id = integer(&parameters, "message_thread_id");
    if let Some(refusal) = state.script.refusal(chat, message_thread_id.is_some()) {
        return Err(refusal);
    }
    let text = |name| parameters.get(name).and_then(Value::as_str).map(str::to_owned);
    let (written, parse_mode) = (text("text").unwrap_or_default(), text("parse_mode").filter(|mode| !mode.is_empty()));
    let parsed = check(&written, parse_mode.as_deref())?;
    let message = SentMessage {
        at,
        token: token.to_owned(),
        chat_id: chat.0,
        message_id: integer(&parameters, "message_id").unwrap_or(0),
        message_thread_id,
        text: written,
        plain: parsed.text.clone(),
        parse_mode,
        disable_notification: parameters.get("disable_notification").is_some_and(|it| it == true || it == "true"),
        raw: Value::Object(parameters),
    };
    Ok((message, parsed))
}

/// Markup first, then emptiness and length of what remains. Of Telegram's modes only HTML is spoken here.
fn check(text: &str, parse_mode: Option<&str>) -> Result<Parsed, Refusal> {
    let parsed = match parse_mode {
        None => Parsed::plain(text),
        Some(mode) if mode.eq_ignore_ascii_case("html") => {
            html::parse(text).map_err(|reason| Refusal::bad_request(&format!("can't parse entities: {reason}")))?
        }
        Some(_) => return Err(Refusal::bad_request("unsupported parse_mode")),
    };
    if parsed.text.trim().is_empty() {
        return Err(Refusal::bad_request("message text is empty"));
    }
    if parsed.text.encode_utf16().count() > LONGEST {
        return Err(Refusal::bad_request("message is too long"));
    }
    Ok(parsed)
}

fn send(state: &mut State, mut message: SentMessage, parsed: &Parsed) -> Value {
    state.last_message_id += 1;
    message.message_id = state.last_message_id;
    let shown = answer::message(&message, &parsed.entities);
    state.sent.push(message);
    shown
}

fn edit(state: &mut State, message: SentMessage, parsed: &Parsed) -> Result<Value, Refusal> {
    let same = |other: &&SentMessage| (other.chat_id, other.message_id) == (message.chat_id, message.message_id);
    let current = state.edited.iter().rev().find(same).or_else(|| state.sent.iter().find(same));
    let Some(current) = current else { return Err(Refusal::bad_request("message to edit not found")) };
    if current.text == message.text && current.raw["reply_markup"] == message.raw["reply_markup"] {
        return Err(Refusal::bad_request(
            "message is not modified: specified new message content and reply markup are exactly the same as a current \
             content and reply markup of the message",
        ));
    }
    let mut shown = answer::message(&message, &parsed.entities);
    shown["edit_date"] = json!(message.at.timestamp());
    state.edited.push(message);
    Ok(shown)
}

fn chat(parameters: &Parameters) -> Result<Chat, Refusal> {
    let name = parameters.get("chat_id").and_then(Value::as_str).filter(|name| name.starts_with('@'));
    match (name, integer(parameters, "chat_id")) {
        (Some(name), _) => Ok(Chat::from(name)),
        (None, Some(id)) if id != 0 => Ok(Chat(id)),
        (None, Some(_)) => Err(Refusal::bad_request("chat not found")),
        (None, None) => Err(Refusal::bad_request("chat_id is empty")),
    }
}

/// A number, written as one or as text.
fn integer(parameters: &Parameters, name: &str) -> Option<i64> {
    match parameters.get(name)? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}
