//! Prometheus' Alertmanager, sending to one webhook.

use super::{PATIENCE, User};
use crate::ports::free_port;
use crate::process::{Process, Program};
use crate::programs;
use crate::scratch::Scratch;

/// A private Alertmanager. Gone with its data on drop, or when the test program ends.
pub struct Alertmanager {
    _process: Process,
    url: String,
    _home: Scratch,
}

impl Alertmanager {
    /// One that sends every alert to `webhook` at once, a message per alert, and repeats nothing for four hours.
    ///
    /// # Panics
    /// When it is not installed or does not come up.
    pub async fn start(webhook: &str) -> Self {
        let user = User::for_server("prometheus");
        let (home, address) = (Scratch::owned_by(user), format!("127.0.0.1:{}", free_port()));
        let route = "{receiver: webhook, group_by: ['...'], group_wait: 0s, group_interval: 1s, repeat_interval: 4h}";
        let receiver = format!("{{name: webhook, webhook_configs: [{{url: {webhook:?}}}]}}");
        let config = home.write("alertmanager.yml", &format!("route: {route}\nreceivers: [{receiver}]\n"));
        let path = programs::debian("prometheus-alertmanager", "prometheus-alertmanager");
        let server = Program::new(path).user(user).directory(home.path());
        let server = server.arg("--config.file").arg(config).arg("--storage.path").arg(home.file("data"));
        let server = server.arg(format!("--web.listen-address={address}")).arg("--log.level=warn");
        let mut process = Process::start(server.arg("--cluster.listen-address="));
        let url = format!("http://{address}");
        process.until_healthy(&format!("{url}/-/ready"), PATIENCE).await;
        Self { _process: process, url, _home: home }
    }

    pub fn url(&self) -> &str {
        &self.url
    }
}
