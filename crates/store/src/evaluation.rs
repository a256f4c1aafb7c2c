//! One evaluation in the database: claim a slot, read what it needs, commit everything it decided at once.

mod claim;
mod close;
mod commit;
mod ended;
mod forget;
mod listeners;
mod read;
mod source;

pub(crate) use claim::break_claims;
pub use claim::{Claim, DueGroup, claim, due_groups, release, renew};
pub use close::{Ending, close_alerts};
pub use commit::{Commit, RuleOutcome, Took, commit};
pub use ended::{ended_series, forget_ended};
pub use forget::prune_events;
pub use listeners::Listeners;
pub(crate) use read::evaluated;
pub use read::{Batch, BatchRule, read};
pub use source::{current_source, record_probe};

use sea_orm::prelude::Uuid;
use vigil_domain::id::ChannelId;

/// The channel of rules that name none: Vigil's own log. It exists in every database.
pub const LOG_CHANNEL: ChannelId = ChannelId(Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0001));

#[cfg(test)]
mod tests;
