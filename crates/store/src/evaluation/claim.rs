//! Who evaluates which slot of which group: claimed before it is queried, closed by the commit.

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, ExprTrait, FromQueryResult, QueryFilter, QueryOrder,
    QuerySelect, prelude::Uuid, sea_query::Expr,
};
use vigil_domain::{Span, Timestamp, id::GroupId};

use crate::entity::rule_group::{Column, Entity, Model};

/// A group whose next slot has come.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct DueGroup {
    pub id: Uuid,
    pub interval_ms: i64,
    pub phase_ms: i64,
    /// Active rules.
    pub rule_count: i32,
}

/// Groups with active rules whose next slot is at or before `until`, oldest first; claimed ones are left out while
/// their claim lasts.
pub async fn due_groups<C: ConnectionTrait>(db: &C, until: Timestamp, now: Timestamp) -> Result<Vec<DueGroup>, DbErr> {
    Entity::find()
        .select_only()
        .columns([Column::Id, Column::IntervalMs, Column::PhaseMs, Column::RuleCount])
        .filter(Column::NextSlotMs.lte(until.timestamp_millis()))
        .filter(Column::RuleCount.gt(0))
        .filter(unclaimed(now))
        .order_by_asc(Column::NextSlotMs)
        .order_by_asc(Column::Id)
        .into_model()
        .all(db)
        .await
}

/// Groups that are ours for one slot until the claim expires.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Proof of ownership; one for the whole batch.
    pub token: Uuid,
    pub slot: Timestamp,
    pub groups: Vec<Model>,
}

impl Claim {
    /// Slots of the claimed groups that nobody evaluated before this one.
    pub fn missed_slots(&self) -> u64 {
        let missed = |group: &Model| {
            let late = self.slot.timestamp_millis().saturating_sub(group.next_slot_ms);
            u64::try_from(late / Ord::max(group.interval_ms, 1)).unwrap_or_default()
        };
        self.groups.iter().map(missed).sum()
    }
}

/// Claims `groups` for `slot`. Leaves out those that are evaluated already, claimed by somebody else, without active
/// rules, or due for a newer slot by now.
pub async fn claim<C: ConnectionTrait>(
    db: &C,
    groups: &[GroupId],
    slot: Timestamp,
    now: Timestamp,
    lease: Span,
) -> Result<Claim, DbErr> {
    let (token, slot_ms) = (Uuid::now_v7(), slot.timestamp_millis());
    let not_evaluated = Column::EvaluatedSlotMs.is_null().or(Column::EvaluatedSlotMs.lt(slot_ms));
    let still_current = Expr::col(Column::IntervalMs).add(slot_ms).gt(now.timestamp_millis());
    let mut groups = Entity::update_many()
        .col_expr(Column::ClaimSlotMs, Expr::value(slot_ms))
        .col_expr(Column::ClaimToken, Expr::value(token))
        .col_expr(Column::ClaimExpiresAt, Expr::value(now + lease.chrono()))
        .filter(Column::Id.is_in(groups.iter().map(|group| group.0)))
        .filter(Column::RuleCount.gt(0))
        .filter(Column::NextSlotMs.lte(slot_ms))
        .filter(not_evaluated)
        .filter(still_current)
        .filter(unclaimed(now))
        .exec_with_returning(db)
        .await?;
    groups.sort_unstable_by_key(|group| group.id);
    Ok(Claim { token, slot, groups })
}

/// Keeps a claim alive while its queries take long. Answers whether it is still whole.
pub async fn renew<C: ConnectionTrait>(db: &C, claim: &Claim, now: Timestamp, lease: Span) -> Result<bool, DbErr> {
    let renewed = Entity::update_many()
        .col_expr(Column::ClaimExpiresAt, Expr::value(now + lease.chrono()))
        .filter(Column::ClaimToken.eq(claim.token))
        .exec(db)
        .await?;
    Ok(renewed.rows_affected == claim.groups.len() as u64)
}

/// Gives a claim back unused, so that somebody else can take the slot at once.
pub async fn release<C: ConnectionTrait>(db: &C, token: Uuid) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::ClaimToken, Expr::value(None::<Uuid>))
        .col_expr(Column::ClaimExpiresAt, Expr::value(None::<Timestamp>))
        .filter(Column::ClaimToken.eq(token))
        .exec(db)
        .await
        .map(|_| ())
}

/// Takes their claims from the groups that a condition selects: an evaluation of them that is under way commits nothing.
pub(crate) async fn break_claims<C: ConnectionTrait>(tx: &C, groups: Condition) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::ClaimToken, Expr::value(None::<Uuid>))
        .col_expr(Column::ClaimExpiresAt, Expr::value(None::<Timestamp>))
        .filter(groups)
        .exec(tx)
        .await
        .map(|_| ())
}

fn unclaimed(now: Timestamp) -> Condition {
    Condition::any().add(Column::ClaimExpiresAt.is_null()).add(Column::ClaimExpiresAt.lte(now))
}
