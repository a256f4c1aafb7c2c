//! What travels through the queue: identifiers only. A lost job costs latency, never work, because the database
//! says what is due; a job that runs twice changes nothing the second time.

use serde::{Deserialize, Serialize};

use crate::id::{GroupId, NotificationId};

/// "Evaluate these groups for this slot."
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvaluateGroups {
    /// The instant the evaluation is for, in Unix milliseconds.
    pub slot_ms: i64,
    /// Groups that share the slot, about 50 to 200 rules in all.
    pub groups: Vec<GroupId>,
}

/// "Look at this notification now."
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliverNotification {
    /// The notification that is due.
    pub notification: NotificationId,
}
