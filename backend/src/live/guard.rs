//! Watches the ground that clients stand on: servers and credentials, each asked about once per pass however many
//! clients share it.

use std::{
    collections::HashMap,
    error::Error,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter};
use tokio::sync::watch;
use uuid::Uuid;
use vigil_domain::{Labels, Timestamp, id::ServerId, role::Role};
use vigil_store::{entity::server, servers::matchers_of};

use super::close::Close;
use crate::{
    auth::{Caller, Credential, is_still_valid},
    state::AppState,
};

/// How often everything is looked at again.
const EVERY: Duration = Duration::from_secs(5);
/// Servers in one query.
const CHUNK: usize = 500;

/// A server as its feeds see it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Ground {
    /// Active; what ties its series to it.
    Firm(Arc<Labels>),
    Gone(Close),
}

impl Ground {
    /// What a row says; `None` is a deleted one.
    pub(super) fn of(row: Option<&server::Model>) -> Self {
        match row {
            None => Self::Gone(Close::UnknownServer),
            Some(row) if !row.is_active => Self::Gone(Close::InactiveServer),
            Some(row) => Self::Firm(Arc::new(matchers_of(row))),
        }
    }
}

/// Credentials that are good or bad together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct CallerKey {
    id: Uuid,
    expires_at: Option<Timestamp>,
    role: Role,
}

impl CallerKey {
    fn of(caller: &Caller) -> Self {
        let id = match caller.credential {
            Credential::Session { family, .. } => family,
            Credential::ApiKey { id, .. } => id,
        };
        Self { id, expires_at: caller.credential.expires_at(), role: caller.role }
    }
}

struct Held {
    caller: Caller,
    end: watch::Sender<Option<Close>>,
}

/// Everything that somebody stands on.
#[derive(Default)]
pub(super) struct Guard {
    servers: Mutex<HashMap<ServerId, watch::Sender<Ground>>>,
    callers: Mutex<HashMap<CallerKey, Held>>,
}

impl Guard {
    /// Follows a server whose row was just read.
    pub(super) fn server(&self, id: ServerId, ground: Ground) -> watch::Receiver<Ground> {
        let mut servers = lock(&self.servers);
        let sender = servers.entry(id).or_insert_with(|| watch::channel(ground.clone()).0);
        change(sender, ground);
        sender.subscribe()
    }

    /// Follows the credentials of a caller who was just admitted: `Some` when they must go.
    pub(super) fn caller(&self, caller: &Caller) -> watch::Receiver<Option<Close>> {
        let mut callers = lock(&self.callers);
        let held = callers
            .entry(CallerKey::of(caller))
            .or_insert_with(|| Held { caller: caller.clone(), end: watch::channel(None).0 });
        held.end.subscribe()
    }

    /// Looks at everything from time to time, until the end, at which it sends everybody away.
    pub(super) async fn keep(&self, state: &AppState) {
        let end = state.shutdown.token();
        let mut passes = tokio::time::interval(EVERY);
        while end.run_until_cancelled(passes.tick()).await.is_some() {
            if end.run_until_cancelled(self.pass(state)).await.is_none() {
                break;
            }
        }
        for (_, held) in lock(&self.callers).drain() {
            held.end.send_replace(Some(Close::Shutdown));
        }
    }

    async fn pass(&self, state: &AppState) {
        if let Err(error) = self.look_at_servers(state).await {
            tracing::warn!(error = &error as &dyn Error, "cannot check the servers that are watched");
        }
        for (key, caller) in self.held() {
            match is_still_valid(state, &caller).await {
                Ok(true) => {}
                Ok(false) => self.send_away(key),
                // It says nothing about the caller.
                Err(error) => {
                    tracing::warn!(error = &error as &dyn Error, "cannot check the credentials of live clients");
                    return;
                }
            }
        }
    }

    async fn look_at_servers(&self, state: &AppState) -> Result<(), DbErr> {
        let ids = {
            let mut servers = lock(&self.servers);
            servers.retain(|_, sender| sender.receiver_count() > 0);
            servers.keys().map(|id| id.0).collect::<Vec<_>>()
        };
        for chunk in ids.chunks(CHUNK) {
            let wanted = server::Entity::find().filter(server::Column::Id.is_in(chunk.iter().copied()));
            let rows: HashMap<Uuid, server::Model> =
                wanted.all(&state.db).await?.into_iter().map(|row| (row.id, row)).collect();
            let servers = lock(&self.servers);
            for id in chunk {
                if let Some(sender) = servers.get(&ServerId(*id)) {
                    change(sender, Ground::of(rows.get(id)));
                }
            }
        }
        Ok(())
    }

    fn held(&self) -> Vec<(CallerKey, Caller)> {
        let mut callers = lock(&self.callers);
        callers.retain(|_, held| held.end.receiver_count() > 0);
        callers.iter().map(|(key, held)| (*key, held.caller.clone())).collect()
    }

    fn send_away(&self, key: CallerKey) {
        if let Some(held) = lock(&self.callers).remove(&key) {
            let reason = "the credentials have expired or were revoked";
            held.end.send_replace(Some(Close::Credentials(reason)));
        }
    }
}

fn change(sender: &watch::Sender<Ground>, ground: Ground) {
    sender.send_if_modified(|current| {
        let is_new = *current != ground;
        *current = ground;
        is_new
    });
}

fn lock<K: Hash + Eq, V>(map: &Mutex<HashMap<K, V>>) -> MutexGuard<'_, HashMap<K, V>> {
    map.lock().unwrap_or_else(PoisonError::into_inner)
}
