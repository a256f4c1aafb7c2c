//! Listening, serving and ending politely.

use std::{future::IntoFuture, io, net::SocketAddr, time::Duration};

use axum::serve::{ListenerExt, TapIo};
use tokio::net::{TcpListener, TcpStream};
use vigil_runtime::{Config, Shutdown, exposition};
use vigil_store::accounts;

use crate::{app::router, state::AppState};

/// How often expired tokens and tickets are deleted.
const SWEEP: Duration = Duration::from_secs(3600);

/// How long requests in hand may take once the end has begun.
const PATIENCE: Duration = Duration::from_secs(15);

/// Serves the API until the end begins, then finishes the requests in hand. Beside it: `/metrics` on the address of its
/// own, when one is configured, and the deletion of expired tokens.
///
/// # Errors
/// When the address for `/metrics` cannot be listened on, or a listener fails for good.
pub async fn serve(listener: TcpListener, state: AppState, shutdown: Shutdown) -> io::Result<()> {
    if let Some(address) = state.config.metrics.listen {
        let listener = TcpListener::bind(address)
            .await
            .map_err(|error| io::Error::new(error.kind(), format!("listen on {address} (metrics.listen): {error}")))?;
        shutdown.spawn("metrics", exposition::serve(listener, shutdown.token()));
    }
    shutdown.spawn("metrics upkeep", vigil_runtime::metrics::upkeep(shutdown.token()));
    shutdown.spawn("sweep of accounts", sweep(state.clone(), shutdown.clone()));
    let app = router(state).await.into_make_service_with_connect_info::<SocketAddr>();
    let served = axum::serve(with_no_delay(listener), app).with_graceful_shutdown(shutdown.token().cancelled_owned());
    let too_long = async {
        shutdown.token().cancelled().await;
        tokio::time::sleep(PATIENCE).await;
    };
    tokio::select! {
        ended = served.into_future() => ended,
        () = too_long => {
            tracing::warn!("some connections did not end in time and are cut");
            Ok(())
        }
    }
}

/// Where people reach the API that listens on `local`: the configured address, or that one. No trailing slash.
pub fn base_url(config: &Config, local: SocketAddr) -> String {
    let host = if local.ip().is_unspecified() { format!("localhost:{}", local.port()) } else { local.to_string() };
    config.http.public_url.clone().unwrap_or_else(|| format!("http://{host}"))
}

fn with_no_delay(listener: TcpListener) -> TapIo<TcpListener, impl FnMut(&mut TcpStream) + Send + use<>> {
    listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot turn off the delay of small packets");
        }
    })
}

async fn sweep(state: AppState, shutdown: Shutdown) {
    let mut ticks = tokio::time::interval(SWEEP);
    while shutdown.token().run_until_cancelled(ticks.tick()).await.is_some() {
        if let Err(error) = accounts::sweep(&state.db, state.now()).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "cannot delete expired tokens");
        }
    }
}
