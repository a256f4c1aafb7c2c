//! How a data source is reached. Secrets go in and never come out, in `Debug` or in errors.

use std::{fmt, net::IpAddr, time::Duration};

use reqwest::{
    Certificate, Client, Url,
    header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue},
    redirect,
};

/// Longest wait for a TCP and TLS connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Shorter than the idle limit of the usual proxies (60 s), so that they rarely close a connection first.
const IDLE_CONNECTION: Duration = Duration::from_secs(50);

/// Settings of a Prometheus-compatible API.
#[derive(Clone)]
pub struct HttpOptions {
    /// The address before `/api/v1`. User and password in it count as `username` and `password`.
    pub base_url: String,
    /// Added to the path of `base_url`, such as `prometheus` (Mimir) or `select/0/prometheus` (`VictoriaMetrics`).
    pub path_prefix: Option<String>,
    pub bearer_token: Option<String>,
    /// For HTTP Basic; excludes `bearer_token`.
    pub username: Option<String>,
    pub password: Option<String>,
    /// Certificates to trust besides the usual ones, PEM.
    pub ca_pem: Option<Vec<u8>>,
    /// Sent with each request, such as `X-Scope-OrgID`.
    pub headers: Vec<(String, String)>,
    /// For one query, from sending it to having read the answer.
    pub timeout: Duration,
    /// Most queries under way at once; more wait for their turn.
    pub concurrency: usize,
}

impl HttpOptions {
    /// No credentials, 10 s, 32 queries at once.
    pub fn new(base_url: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            path_prefix: None,
            bearer_token: None,
            username: None,
            password: None,
            ca_pem: None,
            headers: Vec::new(),
            timeout: Duration::from_secs(10),
            concurrency: 32,
        }
    }
}

impl fmt::Debug for HttpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let base_url = Url::parse(&self.base_url).ok().map(|url| url.origin().ascii_serialization());
        let headers: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("HttpOptions")
            .field("base_url", &base_url)
            .field("headers", &headers)
            .field("timeout", &self.timeout)
            .field("concurrency", &self.concurrency)
            .finish_non_exhaustive()
    }
}

/// Why a data source cannot be set up. Names the setting, never its value.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("url: {0}")]
    Url(&'static str),
    #[error("give either bearer_token or username and password, not both")]
    TwoCredentials,
    #[error("{0}: contains characters that a header cannot carry")]
    Header(String),
    #[error("ca: not a certificate in PEM form")]
    Ca,
    #[error("the HTTP client could not be built")]
    Client(#[source] reqwest::Error),
}

/// What [`HttpOptions`] come to once they are checked.
pub(crate) struct Connection {
    pub(crate) client: Client,
    /// Ends in `/api/v1/`; carries no credentials.
    pub(crate) api: Url,
    /// Goes with each request, marked sensitive.
    pub(crate) authorization: Option<HeaderValue>,
}

impl Connection {
    pub(crate) fn new(options: &HttpOptions) -> Result<Self, SetupError> {
        let base = parse_base(&options.base_url)?;
        let client = client(options, &base)?;
        let authorization = authorization(options, &client, &base)?;
        Ok(Self { client, api: api_url(base, options.path_prefix.as_deref()), authorization })
    }
}

fn parse_base(text: &str) -> Result<Url, SetupError> {
    let url = Url::parse(text.trim()).map_err(|_| SetupError::Url("not an address such as http://localhost:9090"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(SetupError::Url("must start with http:// or https:// and name a host"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(SetupError::Url("must not contain ? or #"));
    }
    if url.path().trim_end_matches('/').ends_with("/api/v1") {
        return Err(SetupError::Url("give the part before /api/v1"));
    }
    Ok(url)
}

fn api_url(mut base: Url, prefix: Option<&str>) -> Url {
    let mut path = base.path().trim_end_matches('/').to_owned();
    let prefix = prefix.unwrap_or_default().trim_matches('/');
    if !prefix.is_empty() {
        path.push('/');
        path.push_str(prefix);
    }
    path.push_str("/api/v1/");
    base.set_path(&path);
    base.set_username("").expect("an http URL with a host takes a username");
    base.set_password(None).expect("an http URL with a host takes a password");
    base
}

/// Compression stays off: on small answers it costs the source several times the query itself. Redirects stay off
/// because credentials in headers would follow them.
fn client(options: &HttpOptions, base: &Url) -> Result<Client, SetupError> {
    let mut builder = Client::builder()
        .user_agent(concat!("vigil/", env!("CARGO_PKG_VERSION")))
        .default_headers(headers(&options.headers)?)
        .redirect(redirect::Policy::none())
        .no_gzip()
        .no_brotli()
        .no_deflate()
        .no_zstd()
        .http1_only()
        .tcp_nodelay(true)
        .connect_timeout(CONNECT_TIMEOUT.min(options.timeout))
        .pool_idle_timeout(IDLE_CONNECTION)
        .pool_max_idle_per_host(options.concurrency.max(1));
    if is_loopback(base) {
        builder = builder.no_proxy();
    }
    if let Some(pem) = &options.ca_pem {
        let certificates = Certificate::from_pem_bundle(pem).map_err(|_| SetupError::Ca)?;
        if certificates.is_empty() {
            return Err(SetupError::Ca);
        }
        for certificate in certificates {
            builder = builder.add_root_certificate(certificate);
        }
    }
    builder.build().map_err(|error| SetupError::Client(error.without_url()))
}

fn headers(pairs: &[(String, String)]) -> Result<HeaderMap, SetupError> {
    let mut headers = HeaderMap::with_capacity(pairs.len());
    for (name, value) in pairs {
        let wrong = || SetupError::Header(format!("headers.{}", name.escape_debug()));
        let header = HeaderName::try_from(name).map_err(|_| wrong())?;
        let mut value = HeaderValue::try_from(value).map_err(|_| wrong())?;
        value.set_sensitive(true);
        headers.append(header, value);
    }
    Ok(headers)
}

/// The client itself turns what is configured, or what stands in the URL, into a header.
fn authorization(options: &HttpOptions, client: &Client, base: &Url) -> Result<Option<HeaderValue>, SetupError> {
    let mut plain = base.clone();
    let request = match (&options.bearer_token, &options.username) {
        (Some(_), Some(_)) => return Err(SetupError::TwoCredentials),
        (Some(token), None) => {
            plain = api_url(plain, None);
            client.get(plain).bearer_auth(token)
        }
        (None, Some(username)) => {
            plain = api_url(plain, None);
            client.get(plain).basic_auth(username, options.password.as_ref())
        }
        (None, None) => client.get(plain),
    };
    let request = request.build().map_err(|_| SetupError::Header("bearer_token".to_owned()))?;
    Ok(request.headers().get(AUTHORIZATION).cloned().map(|mut value| {
        value.set_sensitive(true);
        value
    }))
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(base_url: &str, prefix: Option<&str>) -> String {
        let mut options = HttpOptions::new(base_url);
        options.path_prefix = prefix.map(str::to_owned);
        Connection::new(&options).unwrap().api.to_string()
    }

    #[test]
    fn base_and_prefix_make_one_path() {
        for (base, prefix, expected) in [
            ("http://p:9090", None, "http://p:9090/api/v1/"),
            ("http://p:9090/", Some("/"), "http://p:9090/api/v1/"),
            ("http://p/a/", Some("b"), "http://p/a/b/api/v1/"),
            (" https://p/a", Some("/b/c/"), "https://p/a/b/c/api/v1/"),
            ("http://user:pw@p", Some("b?x"), "http://p/b%3Fx/api/v1/"),
        ] {
            assert_eq!(api(base, prefix), expected);
        }
    }

    #[test]
    fn what_cannot_work_is_refused_before_the_first_query() {
        for url in ["", "localhost:9090", "ftp://p", "http://", "http://p/?a=b", "http://p/#a", "http://p/api/v1/"] {
            let error = Connection::new(&HttpOptions::new(url)).err().unwrap();
            assert!(matches!(error, SetupError::Url(_)), "{url}: {error}");
        }
        let with = |change: fn(&mut HttpOptions)| {
            let mut options = HttpOptions::new("http://p");
            change(&mut options);
            Connection::new(&options).err().unwrap().to_string()
        };
        assert!(with(|o| o.ca_pem = Some(b"not a certificate".to_vec())).starts_with("ca:"));
        assert_eq!(
            with(|o| o.headers = vec![("X-Key".to_owned(), "s3cret\n".to_owned())]),
            "headers.X-Key: contains characters that a header cannot carry"
        );
        assert!(with(|o| o.bearer_token = Some("s3cret\n".to_owned())).starts_with("bearer_token:"));
        assert!(
            with(|o| (o.bearer_token, o.username) = (Some("a".to_owned()), Some("b".to_owned()))).contains("not both")
        );
    }

    #[test]
    fn credentials_in_the_url_are_used_and_taken_out() {
        let connection = Connection::new(&HttpOptions::new("http://me:p%40ss@p:1/x")).unwrap();
        assert_eq!(connection.api.as_str(), "http://p:1/x/api/v1/");
        let header = connection.authorization.unwrap();
        assert!(header.is_sensitive());
        // "me:p@ss" in base64.
        assert_eq!(header.to_str().unwrap(), "Basic bWU6cEBzcw==");
    }

    #[test]
    fn debug_shows_no_secret() {
        let mut options = HttpOptions::new("http://me:s3cret@p:1/s3cret");
        options.password = Some("s3cret".to_owned());
        options.bearer_token = Some("s3cret".to_owned());
        options.headers = vec![("X-Key".to_owned(), "s3cret".to_owned())];
        let text = format!("{options:?}");
        assert!(!text.contains("s3cret"), "{text}");
        assert!(text.contains("http://p:1") && text.contains("X-Key"), "{text}");
    }
}
