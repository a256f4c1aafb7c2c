//! Who does what only one process should do at a time. Advisory: everything done under a lease stays correct if two
//! hold it for a moment.

use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, QueryFilter, sea_query::Expr,
};
use vigil_domain::{Span, Timestamp};

use crate::entity::lease::{ActiveModel, Column, Entity};

/// Takes or renews the lease `name` for `holder`. `false` while somebody else holds it.
pub async fn acquire<C: ConnectionTrait>(
    db: &C,
    name: &str,
    holder: &str,
    now: Timestamp,
    ttl: Span,
) -> Result<bool, DbErr> {
    let expires_at = now + ttl.chrono();
    let free = Condition::any().add(Column::Holder.eq(holder)).add(Column::ExpiresAt.lte(now));
    let taken = Entity::update_many()
        .col_expr(Column::Holder, Expr::value(holder))
        .col_expr(Column::ExpiresAt, Expr::value(expires_at))
        .filter(Column::Name.eq(name))
        .filter(free)
        .exec(db)
        .await?;
    if taken.rows_affected > 0 {
        return Ok(true);
    }
    let row = ActiveModel { name: Set(name.to_owned()), holder: Set(holder.to_owned()), expires_at: Set(expires_at) };
    let inserted = Entity::insert(row).on_conflict_do_nothing_on([Column::Name]).exec_without_returning(db).await?;
    Ok(matches!(inserted, sea_orm::TryInsertResult::Inserted(rows) if rows > 0))
}

/// Gives the lease up, if `holder` has it.
pub async fn release<C: ConnectionTrait>(db: &C, name: &str, holder: &str) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::Name.eq(name)).filter(Column::Holder.eq(holder)).exec(db).await.map(|_| ())
}
