//! What the demo asks of its own API.

use std::time::Duration;

use anyhow::{Context as _, bail};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

/// How long the API may take until it answers at all.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(50);

/// A client of the API, signed in or not yet.
pub(super) struct Client {
    http: reqwest::Client,
    base_url: String,
    token: Option<String>,
}

impl Client {
    pub(super) fn new(base_url: &str) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build()?;
        Ok(Self { http, base_url: base_url.to_owned(), token: None })
    }

    /// Waits for the API and signs in.
    pub(super) async fn sign_in(mut self, username: &str, password: &str) -> anyhow::Result<Self> {
        let form = [("username", username), ("password", password)];
        let signed_in = async {
            loop {
                match answer(self.request(Method::POST, "/auth/login").form(&form)).await {
                    Ok(answer) => return answer,
                    Err(_) => tokio::time::sleep(PAUSE).await,
                }
            }
        };
        let signed_in = tokio::time::timeout(PATIENCE, signed_in).await.context("the API does not let the demo in")?;
        self.token = signed_in["access_token"].as_str().map(str::to_owned);
        Ok(self)
    }

    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        answer(self.request(Method::GET, path)).await
    }

    /// Makes something and answers it.
    pub(super) async fn create(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        answer(self.request(Method::POST, path).json(body)).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}/api/v1{path}", self.base_url));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }
}

async fn answer(request: RequestBuilder) -> anyhow::Result<Value> {
    let answer = request.send().await?;
    let (status, url) = (answer.status(), answer.url().clone());
    let body: Value = answer.json().await.unwrap_or_default();
    if status.is_success() {
        return Ok(body);
    }
    let mistakes = body["errors"].as_array().map(|errors| format!(" {}", Value::from(errors.clone())));
    bail!("{url} answered {status}: {}{}", body["detail"], mistakes.unwrap_or_default())
}
