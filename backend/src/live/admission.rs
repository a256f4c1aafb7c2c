//! Who may watch what. Everything is decided before the upgrade is answered; what was refused is said after it, because
//! browsers show a page the close code and nothing of a refused upgrade.

use axum::http::{
    HeaderMap,
    header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL},
};
use tokio::sync::watch;
use vigil_domain::{Span, id::ServerId};
use vigil_store::servers;

use super::{
    close::Close,
    feed::{Key, Question},
    guard::Ground,
    pace,
    request::Parameters,
    session::Client,
    view::View,
};
use crate::{
    auth::{Caller, authenticate, authenticate_token, redeem_ticket},
    problem::Problem,
    state::AppState,
};

/// How a subprotocol carries a token.
const BEARER: &str = "bearer.";

/// A request to watch a server.
pub(crate) struct Visit<'a> {
    /// `None` if the address names none.
    pub(crate) server: Option<ServerId>,
    pub(crate) query: &'a str,
    pub(crate) headers: &'a HeaderMap,
}

/// A client that may watch.
///
/// # Errors
/// How the connection must end instead.
pub(crate) async fn admit(state: &AppState, visit: Visit<'_>) -> Result<Client, Close> {
    if state.shutdown.has_begun() {
        return Err(Close::Shutdown);
    }
    let parameters = Parameters::parse(visit.query)?;
    let caller = caller(state, visit.headers, parameters.ticket.as_deref()).await?;
    if let Some(name) = parameters.unknown {
        return Err(Close::Parameter(format!("{name:?} is no parameter; there are interval and ticket")));
    }
    let shortest = Span::from_millis(u64::try_from(state.config.live.min_interval().as_millis()).unwrap_or(u64::MAX));
    let interval = pace::parse_interval(parameters.interval.as_deref(), shortest).map_err(Close::Parameter)?;
    let server = visit.server.ok_or(Close::UnknownServer)?;
    let ground = ground(state, server).await?;
    let seat = state.hub.seat(state.config.live.max_clients).ok_or(Close::TooMany)?;
    state.hub.post_guard(state);
    let key = Key { server, interval, question: Question::Summary };
    let view = View::new(state.hub.follow(state, key.clone(), &ground), interval);
    let end = state.hub.guard.caller(&caller);
    Ok(Client { state: state.clone(), seat, key, ground, view, end, role: caller.role })
}

/// The server's ground, if it stands on any.
async fn ground(state: &AppState, id: ServerId) -> Result<watch::Receiver<Ground>, Close> {
    let row = servers::find(&state.db, id).await.map_err(Problem::from)?;
    match Ground::of(row.as_ref()) {
        Ground::Gone(close) => Err(close),
        firm @ Ground::Firm(_) => Ok(state.hub.guard.server(id, firm)),
    }
}

/// By header, by subprotocol, or by ticket: the first that is there counts.
async fn caller(state: &AppState, headers: &HeaderMap, ticket: Option<&str>) -> Result<Caller, Close> {
    let caller = if headers.contains_key(AUTHORIZATION) {
        authenticate(state, headers).await
    } else if let Some(token) = offered_token(headers) {
        authenticate_token(state, token).await
    } else if let Some(ticket) = ticket {
        redeem_ticket(state, ticket).await
    } else {
        return Err(Close::Credentials("send Authorization, the subprotocol bearer.<token>, or a ticket"));
    };
    Ok(caller?)
}

fn offered_token(headers: &HeaderMap) -> Option<&str> {
    let lists = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|list| list.to_str().ok());
    lists.flat_map(|list| list.split(',')).find_map(|offer| offer.trim().strip_prefix(BEARER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_among_the_subprotocols() {
        let mut headers = HeaderMap::new();
        headers.append(SEC_WEBSOCKET_PROTOCOL, "vigil.v1, bearer.a.b.c".parse().unwrap());
        assert_eq!(offered_token(&headers), Some("a.b.c"));
        let mut headers = HeaderMap::new();
        headers.append(SEC_WEBSOCKET_PROTOCOL, "vigil.v1".parse().unwrap());
        assert_eq!(offered_token(&headers), None);
        headers.append(SEC_WEBSOCKET_PROTOCOL, "bearer.vgl_x".parse().unwrap());
        assert_eq!(offered_token(&headers), Some("vgl_x"));
    }
}
