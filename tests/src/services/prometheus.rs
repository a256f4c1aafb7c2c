//! Prometheus, scraping what a test names.

use super::{PATIENCE, User};
use crate::ports::free_port;
use crate::process::{Process, Program};
use crate::programs;
use crate::scratch::Scratch;
use std::time::Duration;

/// A private Prometheus server. Gone with its data on drop, or when the test program ends.
pub struct Prometheus {
    process: Process,
    url: String,
    _home: Scratch,
}

impl Prometheus {
    /// A server that scrapes each of `targets` (`host:port`) every `scrape_interval`, as job `node`. It takes remote writes.
    ///
    /// # Panics
    /// When Prometheus is not installed or does not come up.
    pub async fn start(targets: &[&str], scrape_interval: Duration) -> Self {
        let interval = format!("{}ms", scrape_interval.as_millis());
        let job = format!("{{job_name: node, static_configs: [{{targets: {targets:?}}}]}}");
        let global = format!("{{scrape_interval: {interval}, scrape_timeout: {interval}}}");
        Self::configured(&format!("global: {global}\nscrape_configs: [{job}]\n")).await
    }

    /// A server with the whole configuration file given.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub async fn configured(yaml: &str) -> Self {
        Self::with_flags(yaml, &[]).await
    }

    /// The same with these flags too.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub async fn with_flags(yaml: &str, flags: &[&str]) -> Self {
        let user = User::for_server("prometheus");
        let (home, address) = (Scratch::owned_by(user), format!("127.0.0.1:{}", free_port()));
        let config = home.write("prometheus.yml", yaml);
        let server = Program::new(programs::debian("prometheus", "prometheus")).user(user).directory(home.path());
        let server = server.arg("--config.file").arg(config).arg("--storage.tsdb.path").arg(home.file("data"));
        let server = server.arg(format!("--web.listen-address={address}")).arg("--log.level=warn");
        let server = server.args(["--web.enable-remote-write-receiver", "--web.enable-lifecycle"]).args(flags);
        let mut prometheus = Self { process: Process::start(server), url: format!("http://{address}"), _home: home };
        prometheus.ready().await;
        prometheus
    }

    /// The base URL, before `/api/v1`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many requests `/api/v1/query` has answered since the start, by its own counter.
    ///
    /// # Panics
    /// When the server does not tell.
    pub async fn query_count(&self) -> u64 {
        self.request_count("/api/v1/query").await
    }

    /// How many requests `handler` has answered since the start, whatever the status.
    ///
    /// # Panics
    /// When the server does not tell.
    pub async fn request_count(&self, handler: &str) -> u64 {
        let text = async { reqwest::get(format!("{}/metrics", self.url)).await?.text().await };
        let text: reqwest::Result<String> = text.await;
        requests_of(handler, &text.expect("a running Prometheus serves its metrics"))
    }

    /// Evaluates `expr` now, and returns Prometheus' whole answer.
    ///
    /// # Panics
    /// When the server does not answer JSON.
    pub async fn query(&self, expr: &str) -> serde_json::Value {
        let request = reqwest::Client::new().post(format!("{}/api/v1/query", self.url)).form(&[("query", expr)]);
        let answer = async { request.send().await?.json().await };
        let answer: reqwest::Result<serde_json::Value> = answer.await;
        answer.unwrap_or_else(|error| panic!("{expr}: {error}"))
    }

    /// Waits until `expr` has a result: the first scrapes take their interval. Returns its series.
    ///
    /// # Panics
    /// When it has none after a minute.
    pub async fn until_present(&self, expr: &str) -> Vec<serde_json::Value> {
        let deadline = std::time::Instant::now() + PATIENCE;
        loop {
            let answer = self.query(expr).await;
            match answer["data"]["result"].as_array() {
                Some(series) if !series.is_empty() => return series.clone(),
                _ => assert!(std::time::Instant::now() < deadline, "no result of {expr}: {answer}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Shuts it down.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn stop(&mut self) {
        self.process.term(PATIENCE).await;
    }

    pub fn kill9(&mut self) {
        self.process.kill9();
    }

    /// Freezes it: connections stay open and nothing answers.
    pub fn pause(&self) {
        self.process.pause();
    }

    pub fn resume(&self) {
        self.process.resume();
    }

    /// Starts a stopped or killed server again, on the same port with the same data.
    ///
    /// # Panics
    /// When it does not come up.
    pub async fn start_again(&mut self) {
        self.process.start_again();
        self.ready().await;
    }

    async fn ready(&mut self) {
        let url = format!("{}/-/ready", self.url);
        self.process.until_healthy(&url, PATIENCE).await;
    }
}

/// Sums `prometheus_http_requests_total{code="…",handler="…"} n` over the codes.
fn requests_of(handler: &str, metrics: &str) -> u64 {
    let wanted = format!("handler=\"{handler}\"");
    let lines = metrics.lines().filter(|line| line.starts_with("prometheus_http_requests_total{"));
    let counts = lines.filter(|line| line.contains(&wanted)).filter_map(|line| line.rsplit(' ').next());
    counts.filter_map(|count| count.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_summed_over_status_codes_of_one_handler() {
        let metrics = "# TYPE prometheus_http_requests_total counter\n\
            prometheus_http_requests_total{code=\"200\",handler=\"/api/v1/query\"} 17\n\
            prometheus_http_requests_total{code=\"400\",handler=\"/api/v1/query\"} 2\n\
            prometheus_http_requests_total{code=\"200\",handler=\"/api/v1/query_range\"} 100\n";
        assert_eq!(requests_of("/api/v1/query", metrics), 19);
        assert_eq!(requests_of("/api/v1/labels", metrics), 0);
    }
}
