//! This machine's figures in a Vigil that reads them from a Prometheus, and in one that keeps them itself.

use serde_json::{Value, json};
use vigil_tests::installation::{Installation, Layout};

use crate::{Machine, until};

/// A running Vigil that answers clients of Prometheus.
pub(crate) struct Watched {
    pub(crate) vigil: Installation,
    /// Debian's Prometheus on the same machine, which Vigil may read from.
    pub(crate) machine: Machine,
    /// An API key of a viewer.
    pub(crate) key: String,
    /// Whole seconds since 1970, at which there are figures and rates.
    pub(crate) at: f64,
}

impl Watched {
    pub(crate) async fn through_prometheus() -> Self {
        let machine = Machine::scraped().await;
        let vigil = Installation::start(Layout::OneProcess, machine.prometheus.url(), &[]).await;
        machine.prometheus.until_present("rate(node_cpu_seconds_total[5s] offset 2s)").await;
        // Before the newest, so that what is answered does not change any more.
        let at = moment(&machine.prometheus.query(NEWEST).await).floor();
        Self::asked_at(vigil, machine, at).await
    }

    pub(crate) async fn by_itself() -> Self {
        let vigil = Installation::on_its_own().await;
        let machine = Machine::scraped().await;
        let api = vigil.api.clone();
        // A rate needs a second look at the machine, 15 s after the first.
        until("rates", async || {
            let rates = api.get("/metrics/query?query=rate(node_cpu_seconds_total%5B1m%5D)").await.ok();
            rates["data"]["result"].as_array().is_some_and(|found| !found.is_empty())
        })
        .await;
        let at = moment(&api.get(&format!("/metrics/query?query={NEWEST}")).await.ok()).ceil();
        Self::asked_at(vigil, machine, at).await
    }

    async fn asked_at(vigil: Installation, machine: Machine, at: f64) -> Self {
        let key = vigil.api.post("/api-keys", json!({"name": "client", "role": "viewer"})).await.ok();
        let key = key["key"].as_str().expect("a new key is shown").to_owned();
        Self { vigil, machine, key, at }
    }

    /// Vigil's address before `/api/v1`, as a data source.
    pub(crate) fn url(&self) -> String {
        format!("{}/prometheus", self.vigil.api.url)
    }

    /// The same with the key in it.
    pub(crate) fn url_with_key(&self) -> String {
        self.url().replace("http://", &format!("http://client:{}@", self.key))
    }
}

const NEWEST: &str = "max(timestamp(node_load1))";

fn moment(answer: &Value) -> f64 {
    let value = answer["data"]["result"][0]["value"][1].as_str();
    value.and_then(|at| at.parse().ok()).unwrap_or_else(|| panic!("a time in {answer}"))
}
