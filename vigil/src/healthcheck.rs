//! The probe that containers run: no `curl` needed in the image.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, ensure};
use vigil_runtime::Config;

/// Where this configuration's API says whether it is ready.
pub(crate) fn own(config: &Config) -> String {
    let listen = config.http.listen;
    let local = match listen.ip() {
        ip if !ip.is_unspecified() => listen,
        std::net::IpAddr::V4(_) => SocketAddr::from(([127, 0, 0, 1], listen.port())),
        std::net::IpAddr::V6(_) => SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], listen.port())),
    };
    format!("http://{local}/readyz")
}

/// Succeeds if `url` answers with a 2xx status within 3 seconds.
pub(crate) async fn run(url: &str) -> anyhow::Result<()> {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(3)).no_proxy().build()?;
    let answer = client.get(url).send().await.with_context(|| format!("ask {url}"))?;
    ensure!(answer.status().is_success(), "{url} answered {}", answer.status());
    Ok(())
}
