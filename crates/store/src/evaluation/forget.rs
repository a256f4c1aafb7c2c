//! Old history.

use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, prelude::Uuid};
use vigil_domain::Timestamp;

use crate::entity::alert_event::{Column, Entity};

/// Deletes at most `limit` events evaluated before `before`, oldest first. Answers how many.
pub async fn prune_events<C: ConnectionTrait>(db: &C, before: Timestamp, limit: u64) -> Result<u64, DbErr> {
    let ids: Vec<Uuid> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::EvaluatedAt.lt(before))
        .order_by_asc(Column::EvaluatedAt)
        .limit(limit)
        .into_tuple()
        .all(db)
        .await?;
    Ok(Entity::delete_many().filter(Column::Id.is_in(ids)).exec(db).await?.rows_affected)
}
