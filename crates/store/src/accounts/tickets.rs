//! One-time tickets for browsers, which cannot send a header with a WebSocket.

use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, QueryFilter};
use vigil_domain::Timestamp;

use crate::entity::ws_ticket;

/// Stores a ticket.
pub async fn create<C: ConnectionTrait>(db: &C, ticket: ws_ticket::Model) -> Result<(), DbErr> {
    ticket.into_active_model().insert(db).await?;
    Ok(())
}

/// Takes the ticket with this digest, so that nobody else can; `None` when there is none or it has expired.
pub async fn take<C: ConnectionTrait>(db: &C, hash: &str, now: Timestamp) -> Result<Option<ws_ticket::Model>, DbErr> {
    let Some(ticket) = ws_ticket::Entity::find_by_id(hash.to_owned()).one(db).await? else { return Ok(None) };
    let gone = ws_ticket::Entity::delete_many().filter(ws_ticket::Column::TicketHash.eq(hash)).exec(db).await?;
    Ok((gone.rows_affected == 1 && ticket.expires_at > now).then_some(ticket))
}
