//! What deliveries teach about a channel.

use sea_orm::{
    ColumnTrait, DatabaseConnection, DbErr, EntityTrait, ExprTrait, QueryFilter, prelude::Json, sea_query::Expr,
};
use vigil_domain::Timestamp;

use crate::entity::channel::{Column, Entity, Model};

/// Switches a channel off, with the reason for people to read. `false`: it has been changed, or was off already.
///
/// `seen` is the channel as the failed attempt used it: one that somebody has mended meanwhile stays on.
pub async fn disable_channel(
    db: &DatabaseConnection,
    seen: &Model,
    reason: &str,
    now: Timestamp,
) -> Result<bool, DbErr> {
    let disabled = Entity::update_many()
        .col_expr(Column::IsActive, Expr::value(false))
        .col_expr(Column::DisabledReason, Expr::value(reason))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .filter(Column::Id.eq(seen.id))
        .filter(Column::Version.eq(seen.version))
        .filter(Column::IsActive.eq(true))
        .exec(db)
        .await?;
    Ok(disabled.rows_affected > 0)
}

/// Points a Telegram channel at the chat its group has become. `false`: it has been changed meanwhile.
pub async fn migrate_chat(db: &DatabaseConnection, seen: &Model, chat_id: i64, now: Timestamp) -> Result<bool, DbErr> {
    let mut config = seen.config.clone();
    if let Json::Object(fields) = &mut config {
        fields.insert("chat_id".to_owned(), Json::from(chat_id));
    }
    let migrated = Entity::update_many()
        .col_expr(Column::Config, Expr::value(config))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .filter(Column::Id.eq(seen.id))
        .filter(Column::Version.eq(seen.version))
        .exec(db)
        .await?;
    Ok(migrated.rows_affected > 0)
}
