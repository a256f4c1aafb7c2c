//! Who hears of a rule: people, in messages; Alertmanagers, of every alert.

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QuerySelect, prelude::Uuid};
use vigil_domain::{channel::ChannelKind, id::ChannelId, shadow::Shadow};

use super::LOG_CHANNEL;
use crate::entity::{channel, rule};

/// The channels of a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listeners {
    /// Those that get messages: the rule's own, or Vigil's log when it has no channel at all.
    pub people: Vec<ChannelId>,
    /// Alertmanagers that are switched on; in shadow they are among the others.
    pub alertmanagers: Vec<ChannelId>,
}

/// The channels that are Alertmanagers, and whether each is switched on.
#[derive(Debug, Default)]
pub(super) struct Alertmanagers(BTreeMap<Uuid, bool>);

impl Alertmanagers {
    /// Reads them, if any of `rules` can have one.
    pub(super) async fn of<C: ConnectionTrait>(db: &C, rules: &[rule::Model]) -> Result<Self, DbErr> {
        if rules.iter().all(|rule| rule.channel_ids.0.is_empty()) { Ok(Self::default()) } else { Self::all(db).await }
    }

    pub(super) async fn all<C: ConnectionTrait>(db: &C) -> Result<Self, DbErr> {
        let found = channel::Entity::find()
            .select_only()
            .columns([channel::Column::Id, channel::Column::IsActive])
            .filter(channel::Column::Kind.eq(ChannelKind::Alertmanager.as_str()))
            .into_tuple::<(Uuid, bool)>()
            .all(db)
            .await?;
        Ok(Self(found.into_iter().collect()))
    }

    pub(super) fn contains(&self, channel: ChannelId) -> bool {
        self.0.contains_key(&channel.0)
    }

    /// Who hears of `rule`, or would. Nothing is forwarded in shadow: for Alertmanagers too it is written down what they
    /// would be told, not how often.
    pub(super) fn listeners(&self, rule: &rule::Model, shadow: Shadow) -> Listeners {
        let own = &rule.channel_ids.0;
        if own.is_empty() {
            return Listeners { people: vec![LOG_CHANNEL], alertmanagers: Vec::new() };
        }
        let people = own.iter().filter(|id| !self.0.contains_key(id));
        let alertmanagers = own.iter().filter(|id| self.0.get(id) == Some(&true));
        let mut listeners = Listeners {
            people: people.copied().map(ChannelId).collect(),
            alertmanagers: alertmanagers.copied().map(ChannelId).collect(),
        };
        if shadow.is_on() {
            listeners.people.append(&mut listeners.alertmanagers);
        }
        listeners
    }
}
