//! What a test told the Bot API server to do.

use super::{Chat, Refusal};
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

#[derive(Default)]
pub(super) struct Script {
    pub(super) chats: HashMap<Chat, Mood>,
    /// One for each of the next messages, to whatever chat.
    pub(super) next: VecDeque<Next>,
}

/// How a chat is disposed towards messages.
pub(super) enum Mood {
    Limited { retry_after: u32, times: u32 },
    Migrated(i64),
    Blocked,
    Unknown,
    WithoutTopics,
}

#[derive(Clone)]
pub(super) enum Next {
    Fail(u16),
    Hang(Duration),
    HangUp { after_recording: bool },
}

impl Script {
    /// Why `chat` does not take a message now, into a topic or not. A limit is used up by being asked.
    pub(super) fn refusal(&mut self, chat: Chat, into_topic: bool) -> Option<Refusal> {
        match self.chats.get_mut(&chat)? {
            Mood::Limited { times: 0, .. } => None,
            Mood::Limited { retry_after, times } => {
                *times -= 1;
                Some(Refusal::too_many_requests(*retry_after))
            }
            Mood::Migrated(new) => Some(Refusal::migrated(*new)),
            Mood::Blocked => Some(Refusal::new(403, "Forbidden: bot was blocked by the user")),
            Mood::Unknown => Some(Refusal::bad_request("chat not found")),
            Mood::WithoutTopics => into_topic.then(|| Refusal::bad_request("message thread not found")),
        }
    }
}
