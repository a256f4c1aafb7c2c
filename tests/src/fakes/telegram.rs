//! A Telegram Bot API server on this machine: the real protocol and its refusals, and what tests script it to do.
//!
//! It checks what Telegram checks: bot tokens, chats, HTML, lengths. A test says what goes wrong next, per chat
//! ([`FakeTelegram::rate_limit`], [`FakeTelegram::block`] …) or for whoever sends next ([`FakeTelegram::fail_next`] …), and
//! reads what was accepted ([`FakeTelegram::sent`]) and what was tried ([`FakeTelegram::calls`]).
//!
//! <https://core.telegram.org/bots/api>

mod answer;
mod api;
pub mod html;
mod script;

use super::server::Server;
use answer::Refusal;
use chrono::{DateTime, Utc};
use script::{Mood, Next, Script};
use serde_json::Value;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// A chat by id, or by the public name of a channel (`"@name"`), which stands for an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Chat(pub i64);

impl From<i64> for Chat {
    fn from(id: i64) -> Self {
        Self(id)
    }
}

impl From<&str> for Chat {
    /// The same name is always the same id, in the range of channels and supergroups.
    fn from(name: &str) -> Self {
        let hash = name.bytes().fold(0_i64, |hash, byte| (hash * 31 + i64::from(byte)) % 1_000_000_000);
        Self(-1_001_000_000_000 - hash)
    }
}

/// A message Telegram took.
#[derive(Clone, Debug, PartialEq)]
pub struct SentMessage {
    pub at: DateTime<Utc>,
    pub token: String,
    pub chat_id: i64,
    pub message_id: i64,
    pub message_thread_id: Option<i64>,
    /// As it was sent, with its markup.
    pub text: String,
    /// As a person reads it.
    pub plain: String,
    pub parse_mode: Option<String>,
    pub disable_notification: bool,
    /// Every parameter of the request.
    pub raw: Value,
}

/// One request, taken or not.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub at: DateTime<Utc>,
    pub token: String,
    /// In lower case: `sendmessage`.
    pub method: String,
    pub chat_id: Option<i64>,
    /// The HTTP status answered; `None` when the connection was closed instead.
    pub status: Option<u16>,
}

/// A running Bot API server. It ends on drop.
pub struct FakeTelegram {
    server: Server,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    sent: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    tokens: HashSet<String>,
    script: Script,
    /// Counts messages of all chats, as ids of messages.
    last_message_id: i64,
    sent: Vec<SentMessage>,
    edited: Vec<SentMessage>,
    calls: Vec<Call>,
}

impl FakeTelegram {
    /// The token of the one bot it knows at the start.
    pub const TOKEN: &'static str = "123456789:AAEhBOweik9ai2o-FAKE_fake_FAKE_fake_0";

    pub fn start() -> Self {
        let state = State { tokens: HashSet::from([Self::TOKEN.to_owned()]), ..State::default() };
        let shared = Arc::new(Shared { state: Mutex::new(state), sent: watch::Sender::new(0) });
        Self { server: Server::start(api::router(shared.clone())), shared }
    }

    /// The base URL, before `/bot<token>`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Every message it took, oldest first.
    pub fn sent(&self) -> Vec<SentMessage> {
        self.shared.state().sent.clone()
    }

    /// Every edit it took, oldest first: `text` is the new one, `message_id` that of the message.
    pub fn edited(&self) -> Vec<SentMessage> {
        self.shared.state().edited.clone()
    }

    /// Every request of any method, oldest first, also those it refused.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.state().calls.clone()
    }

    /// Waits until it has taken `count` messages since the start or [`Self::clear`], and returns all it took.
    ///
    /// # Panics
    /// When it has not after `patience`.
    pub async fn wait_for(&self, count: usize, patience: Duration) -> Vec<SentMessage> {
        let mut sent = self.shared.sent.subscribe();
        let arrived = tokio::time::timeout(patience, sent.wait_for(|sent| *sent >= count)).await;
        let messages = self.sent();
        assert!(arrived.is_ok(), "{} of {count} messages after {patience:?}: {messages:#?}", messages.len());
        messages
    }

    /// Forgets messages, edits and calls; scripts and tokens stay.
    pub fn clear(&self) {
        let mut state = self.shared.state();
        state.sent.clear();
        state.edited.clear();
        state.calls.clear();
        self.shared.sent.send_replace(0);
    }

    /// Knows one more bot. A token that is none answers 404, one of an unknown bot 401.
    pub fn add_token(&self, token: &str) {
        self.shared.state().tokens.insert(token.to_owned());
    }

    pub fn revoke_token(&self, token: &str) {
        self.shared.state().tokens.remove(token);
    }

    /// The next `times` messages to `chat` are too many: 429 with `retry_after` seconds.
    pub fn rate_limit(&self, chat: impl Into<Chat>, retry_after: u32, times: u32) {
        self.mood(chat, Mood::Limited { retry_after, times });
    }

    /// `chat` is a group that became the supergroup `new`.
    pub fn migrate(&self, chat: impl Into<Chat>, new: i64) {
        self.mood(chat, Mood::Migrated(new));
    }

    /// The person behind `chat` blocked the bot.
    pub fn block(&self, chat: impl Into<Chat>) {
        self.mood(chat, Mood::Blocked);
    }

    /// There is no such chat, as far as the bot knows.
    pub fn unknown_chat(&self, chat: impl Into<Chat>) {
        self.mood(chat, Mood::Unknown);
    }

    /// The topics of `chat` are gone: a message with a `message_thread_id` is refused.
    pub fn close_topics(&self, chat: impl Into<Chat>) {
        self.mood(chat, Mood::WithoutTopics);
    }

    /// `chat` takes messages again.
    pub fn forgive(&self, chat: impl Into<Chat>) {
        self.shared.state().script.chats.remove(&chat.into());
    }

    /// The next `times` messages, to whatever chat, are answered with `status`.
    pub fn fail_next(&self, status: u16, times: usize) {
        self.next(times, Next::Fail(status));
    }

    /// The next message is looked at only after `time`; a sender that gives up before has sent nothing.
    pub fn hang_next(&self, time: Duration) {
        self.next(1, Next::Hang(time));
    }

    /// The connection of the next message is closed without an answer, `after_recording` the message or before.
    pub fn drop_connection_next(&self, after_recording: bool) {
        self.next(1, Next::HangUp { after_recording });
    }

    /// Closes every connection and refuses new ones.
    pub fn down(&self) {
        self.server.down();
    }

    /// Listens again, on the same port.
    pub fn up(&self) {
        self.server.up();
    }

    fn mood(&self, chat: impl Into<Chat>, mood: Mood) {
        self.shared.state().script.chats.insert(chat.into(), mood);
    }

    fn next(&self, times: usize, next: Next) {
        self.shared.state().script.next.extend(std::iter::repeat_n(next, times));
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
