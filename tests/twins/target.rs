//! What both Prometheus scrape: two pages of one server.

use std::sync::{Arc, OnceLock};

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use chrono::{DateTime, Utc};
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;
use vigil_runtime::Clock;

use crate::world::{Page, World};

/// A running server. It ends on drop.
pub(crate) struct Target {
    address: String,
    story: Arc<Story>,
    _serving: AbortOnDropHandle<()>,
}

struct Story {
    world: World,
    zero: OnceLock<DateTime<Utc>>,
}

impl Target {
    /// Shows the world as it is before the story.
    pub(crate) async fn start(world: World) -> Self {
        let story = Arc::new(Story { world, zero: OnceLock::new() });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound listener has an address").to_string();
        let pages = Router::new().route("/metrics", get(steady)).route("/flaky", get(flaky));
        let pages = pages.with_state(Arc::clone(&story));
        let serving = async move { axum::serve(listener, pages).await.expect("serving does not fail") };
        Self { address, story, _serving: AbortOnDropHandle::new(tokio::spawn(serving)) }
    }

    /// Where it is scraped: host and port.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Begins the story now, if it has not begun, and says when it began.
    pub(crate) fn begin(&self) -> DateTime<Utc> {
        *self.story.zero.get_or_init(|| Clock::System.now())
    }
}

impl Story {
    fn page(&self, page: Page) -> Response {
        let after = self.zero.get().map(|zero| (Clock::System.now() - *zero).num_milliseconds());
        match self.world.page(page, after) {
            Some(text) => text.into_response(),
            None => (StatusCode::SERVICE_UNAVAILABLE, "not now").into_response(),
        }
    }
}

async fn steady(State(story): State<Arc<Story>>) -> Response {
    story.page(Page::Steady)
}

async fn flaky(State(story): State<Arc<Story>>) -> Response {
    story.page(Page::Flaky)
}
