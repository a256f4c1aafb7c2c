//! Other people's clients, played back: `clients/*.http` have their requests as they go over the wire, and what comes back.
//!
//! Of an exchange, a line `###` says what it is for. Then comes the request, until a line `---` with the status and the type
//! of the answer, and then the body of that. A request is sent as it stands, but `{host}`, `{length}` and whoever signs in
//! are put in. A text is compared byte for byte, and JSON value by value: what differs each time stands there as what it
//! is, such as `{time}`.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write as _},
    net::TcpStream,
    process::{Command, Stdio},
    time::Duration,
};

use chrono::DateTime;
use serde_json::{Value, json};
use vigil_tests::{
    app::{TestApp, text},
    labels, programs,
};

/// How long an answer may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Fields whose values differ each time, and what stands for them.
const VOLATILE: [(&str, &str); 12] = [
    ("CWD", "{text}"),
    ("GOMAXPROCS", "{number}"),
    ("activeAt", "{time}"),
    ("evaluationTime", "{seconds}"),
    ("goroutineCount", "{number}"),
    ("hostname", "{text}"),
    ("keepFiringSince", "{time}"),
    ("lastConfigTime", "{time}"),
    ("lastError", "{text}"),
    ("lastEvaluation", "{time}"),
    ("serverTime", "{time}"),
    ("startTime", "{time}"),
];

/// Go's zero time, which stands for never and is not put away.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// What is asked, and what is to come back.
struct Exchange<'a> {
    title: &'a str,
    /// The line of the method and the headers.
    head: &'a str,
    /// Empty, or ending with a line feed.
    body: String,
    /// Status and type.
    kind: (u16, &'a str),
    expected: &'a str,
}

/// An answer as it came, unpacked.
struct Answer {
    status: u16,
    /// Names in lower case.
    headers: BTreeMap<String, String>,
    body: String,
}

impl<'a> Exchange<'a> {
    fn all(file: &'a str) -> Vec<Self> {
        file.split("\n### ").skip(1).map(Self::read).collect()
    }

    fn read(block: &'a str) -> Self {
        let (title, rest) = block.split_once('\n').expect("a line that says what it is for");
        let (request, rest) = rest.split_once("\n--- ").unwrap_or_else(|| panic!("{title}: no answer"));
        let (kind, expected) = rest.split_once('\n').unwrap_or_else(|| panic!("{title}: no body"));
        let (status, kind) = kind.split_once(' ').unwrap_or_else(|| panic!("{title}: a status and a type"));
        let (head, body) = match request.split_once("\n\n") {
            Some((head, body)) => (head, format!("{body}\n")),
            None => (request.trim_end(), String::new()),
        };
        let status = status.parse().unwrap_or_else(|_| panic!("{title}: {status} is no status"));
        Self { title, head, body, kind: (status, kind), expected }
    }

    /// The request as it goes over the wire.
    fn wire(&self, puts: &[(&str, String)]) -> Vec<u8> {
        let length = ("{length}", self.body.len().to_string());
        let head = puts.iter().chain([&length]).fold(self.head.to_owned(), |head, (name, put)| head.replace(name, put));
        format!("{}\r\n\r\n{}", head.replace('\n', "\r\n"), self.body).into_bytes()
    }

    /// Asserts that this is what was to come back.
    fn judge(&self, answer: &Answer) {
        let kind = (answer.status, answer.headers.get("content-type").map_or("", String::as_str));
        assert_eq!(kind, self.kind, "{}: {}", self.title, answer.body);
        if self.kind.1 == "application/json" {
            let expected = self.expected.replace("{version}", env!("CARGO_PKG_VERSION"));
            let [expected, got] = [&expected, &answer.body].map(|text| timeless(parsed(text)));
            assert_eq!(got, expected, "{}:\n{got:#}\ninstead of\n{expected:#}", self.title);
        } else {
            assert_eq!(answer.body, self.expected, "{}", self.title);
        }
    }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Without what differs each time. What is not of the right kind stays, and alerts are in no order.
fn timeless(mut value: Value) -> Value {
    match &mut value {
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                let volatile = VOLATILE.iter().find(|(volatile, kind)| volatile == name && is_of_kind(value, kind));
                *value = volatile.map_or_else(|| timeless(value.take()), |(_, kind)| json!(kind));
            }
            if let Some(Value::Array(alerts)) = fields.get_mut("alerts") {
                alerts.sort_by_key(Value::to_string);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = timeless(item.take())),
        _ => {}
    }
    value
}

fn is_of_kind(value: &Value, kind: &str) -> bool {
    let is_time = |text: &str| text != NEVER && DateTime::parse_from_rfc3339(text).is_ok();
    match kind {
        "{time}" => value.as_str().is_some_and(is_time),
        "{text}" => value.as_str().is_some_and(|text| !text.is_empty()),
        _ => value.as_f64().is_some_and(|number| number >= 0.0),
    }
}

/// Sends bytes to `address` and reads the answer.
fn ask(address: &str, request: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).expect("Vigil listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time");
    stream.write_all(request).expect("Vigil reads");
    let mut reader = BufReader::new(stream);
    let status = line(&mut reader);
    let status = status.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.expect("an answer begins with its status");
    let mut headers = BTreeMap::new();
    while let Some((name, value)) = line(&mut reader).split_once(": ") {
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let body = match headers.get("content-length").map(|length| length.parse().expect("a number")) {
        Some(length) => bytes(&mut reader, length),
        None => chunks(&mut reader),
    };
    let is_packed = headers.get("content-encoding").is_some_and(|encoding| encoding == "gzip");
    let body = String::from_utf8(if is_packed { unpacked(&body) } else { body }).expect("UTF-8");
    Answer { status, headers, body }
}

fn line(reader: &mut impl BufRead) -> String {
    let mut line = String::new();
    reader.read_line(&mut line).expect("a whole answer");
    line.trim_end().to_owned()
}

fn bytes(reader: &mut impl Read, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    reader.read_exact(&mut bytes).expect("a whole answer");
    bytes
}

/// A body that comes in pieces, each behind its size.
fn chunks(reader: &mut impl BufRead) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let size = usize::from_str_radix(&line(reader), 16).expect("a piece's size");
        let piece = bytes(reader, size);
        assert_eq!(line(reader), "", "a piece ends with its line");
        if size == 0 {
            return body;
        }
        body.extend(piece);
    }
}

/// What was packed for a client that takes it so, as Go's do.
fn unpacked(packed: &[u8]) -> Vec<u8> {
    let mut gzip = Command::new(programs::debian("gzip", "gzip"));
    let gzip = gzip.arg("-dc").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut gzip = gzip.spawn().expect("gzip starts");
    gzip.stdin.take().expect("a pipe").write_all(packed).expect("gzip reads");
    let output = gzip.wait_with_output().expect("it is our child");
    assert!(output.status.success(), "gzip ended with {}", output.status);
    output.stdout
}

/// What signs a request in: with a key as HTTP Basic's password, as mimirtool and Grafana do, or as a bearer token.
async fn signatures(app: &TestApp) -> Vec<(&'static str, String)> {
    let mut signatures = Vec::new();
    for (role, basic, bearer) in
        [("operator", "{operator}", "{operator_token}"), ("viewer", "{viewer}", "{viewer_token}")]
    {
        let key = app.api.post("/api-keys", json!({"name": role, "role": role})).await.ok();
        let key = text(&key, "key");
        let signed = reqwest::Client::new().get(&app.api.url).basic_auth("team-a", Some(&key)).build();
        let signed = signed.expect("a request").headers()["authorization"].to_str().expect("ASCII").to_owned();
        signatures.extend([(basic, signed), (bearer, format!("Bearer {key}"))]);
    }
    signatures
}

/// Plays a file back from its beginning to its end.
async fn play(app: &TestApp, file: &'static str) {
    let address = app.api.url.strip_prefix("http://").expect("an address").to_owned();
    let mut puts = signatures(app).await;
    puts.push(("{host}", address.clone()));
    let exchanges = Exchange::all(file);
    assert!(exchanges.len() > 5, "only {} exchanges", exchanges.len());
    for exchange in exchanges {
        let (address, request) = (address.clone(), exchange.wire(&puts));
        let asked = tokio::task::spawn_blocking(move || ask(&address, &request));
        exchange.judge(&asked.await.expect("an answer"));
    }
}

stories! {
    async fn mimirtool_manages_rule_files(app) {
        play(&app, include_str!("clients/mimirtool.http")).await;
    }

    async fn grafana_shows_and_edits_the_rules_of_its_data_source(app) {
        let file = r#"groups:
- name: node
  interval: 1m
  rules:
  - alert: NodeDown
    expr: up{job="node"} == 0
    for: 5m
    labels: {severity: critical}
    annotations: {summary: "{{ $labels.instance }} is down"}
  - record: job:up:sum
    expr: sum by (job) (up)
"#;
        app.api.import("node.yml", "", file).await.ok();
        app.prometheus.answers(r#"up{job="node"} == 0"#, [(labels! {instance = "a", job = "node"}, 0.0)]);
        app.tick("1m").await;
        play(&app, include_str!("clients/grafana.http")).await;
    }

    /// A rule in every state, of either kind; an alert that is kept firing, and one that is pending.
    async fn rules_and_alerts_have_every_key_that_prometheus_has(app) {
        let file = r#"groups:
- name: shapes
  interval: 1m
  limit: 10
  labels: {team: infra}
  rules:
  - alert: Down
    expr: up == 0
    for: 2m
    keep_firing_for: 10m
    labels: {severity: page}
    annotations: {summary: "{{ $labels.instance }} is down"}
  - {alert: Broken, expr: broken, for: 500ms}
  - {record: "job:up:sum", expr: sum by(job) (up)}
  - {record: "job:broken:sum", expr: sum by(job) (broken), labels: {how: sum}}
- name: waiting
  interval: 7d
  rules:
  - {alert: Unknown, expr: vector(1)}
  - {record: "unknown:sum", expr: vector(1)}
"#;
        let (shapes, _) = file.split_once("- name: waiting").expect("two groups");
        app.api.import("shapes.yml", "", shapes).await.ok();
        let urls = json!({"urls": ["http://am-1:9093", "http://am-2:9093/prefix/"]});
        app.api.create("/channels", json!({"name": "am", "kind": "alertmanager", "config": urls})).await;
        for broken in ["broken", "sum by (job) (broken)"] {
            app.prometheus.rejects(broken, "too many samples");
        }
        let (a, b) = ((labels! {instance = "a"}, 1.5e-7), (labels! {instance = "b"}, f64::INFINITY));
        for there in [vec![a.clone()], vec![a.clone()], vec![a, b.clone()], vec![b]] {
            app.prometheus.answers("up == 0", there);
            app.tick("1m").await;
        }
        // The other group has not been evaluated, whatever its phase is.
        app.api.import("shapes.yml", "", file).await.ok();
        play(&app, include_str!("clients/prometheus.http")).await;
    }
}
