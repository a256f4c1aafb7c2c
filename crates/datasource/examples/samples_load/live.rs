//! What comes now: each host's samples at their moments, and rules evaluated every 15 s.

use std::{
    collections::BTreeMap,
    fs, io,
    path::Path,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::json;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval, sleep},
};
use vigil_datasource::{Datasource, EmbeddedOptions};
use vigil_domain::{QueryValue, Timestamp};
use vigil_promql::SeriesLabels;
use vigil_samples::{Options, Store};

use crate::{
    Result,
    fleet::{self, HOSTS, Line, STEP_MS, moment_ms},
    history::{append, labels_of, last_step},
    remote::Request,
};

/// Where live samples go, and who evaluates.
pub(crate) trait Target {
    /// The series of a host.
    fn lines(&mut self, host: u64) -> Result<Vec<Line>> {
        Ok(fleet::host(host))
    }
    async fn take(&mut self, host: u64, lines: &[Line], at_ms: i64) -> Result<()>;
    /// Evaluates everything once.
    async fn evaluate(&mut self) -> Result<()> {
        Ok(())
    }
    /// Ends, and what is to be told.
    async fn close(self) -> Result<serde_json::Value>;
}

/// Goes on from `end_ms` until standard input ends.
pub(crate) async fn run(end_ms: i64, mut target: impl Target) -> Result<()> {
    let hosts = (0..HOSTS).map(|host| target.lines(host)).collect::<Result<Vec<_>>>()?;
    let mut order: Vec<u64> = (0..HOSTS).collect();
    let mut told = standard_input();
    let mut slots = interval(Duration::from_millis(STEP_MS.cast_unsigned()));
    slots.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut is_ready, mut evaluates) = (false, false);
    let mut last_ms = end_ms;
    'live: for step in last_step(end_ms).. {
        order.sort_by_key(|host| moment_ms(*host, step));
        for host in &order {
            let at_ms = moment_ms(*host, step);
            while now_ms() < at_ms {
                if !is_ready {
                    println!("ready");
                    is_ready = true;
                }
                let left = Duration::from_millis((at_ms - now_ms()).max(0).cast_unsigned());
                tokio::select! {
                    () = sleep(left) => {}
                    _ = slots.tick(), if evaluates => target.evaluate().await?,
                    line = told.recv() => match line {
                        Some(()) => {
                            evaluates = true;
                            slots.reset_immediately();
                        }
                        None => break 'live,
                    },
                }
            }
            target.take(*host, &hosts[*host as usize], at_ms).await?;
            last_ms = at_ms;
        }
    }
    let mut result = target.close().await?;
    result["last_ms"] = last_ms.into();
    println!("{result}");
    Ok(())
}

/// Something for each line, and the end at its end.
fn standard_input() -> mpsc::Receiver<()> {
    let (tell, told) = mpsc::channel(1);
    thread::spawn(move || {
        for line in io::stdin().lines() {
            if line.is_err() || tell.blocking_send(()).is_err() {
                return;
            }
        }
    });
    told
}

fn now_ms() -> i64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX)
}

/// The embedded store and the evaluator over it, as Vigil's one process has them.
pub(crate) struct Evaluated {
    store: Store,
    datasource: Datasource,
    labels: Vec<Vec<SeriesLabels>>,
    rules: Vec<String>,
    /// Seconds that each evaluation took, by expression.
    took: BTreeMap<String, Vec<f64>>,
    end: oneshot::Sender<()>,
    writing: JoinHandle<()>,
}

impl Evaluated {
    pub(crate) async fn open(file: &str, rules: &str) -> Result<Self> {
        let store = Store::open(Path::new(file), Options::default()).await?;
        let options = EmbeddedOptions {
            timeout: Duration::from_secs(30),
            concurrency: 20,
            limits: vigil_promql::Options::default(),
        };
        let datasource = Datasource::embedded(store.clone(), options);
        let text = fs::read_to_string(rules)?;
        let rules = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect();
        let (end, ended) = oneshot::channel::<()>();
        let flushing = store.clone();
        let writing = tokio::spawn(async move {
            if let Err(error) = flushing.run(async { drop(ended.await) }).await {
                eprintln!("the last samples could not be written: {error}");
            }
        });
        Ok(Self { store, datasource, labels: Vec::new(), rules, took: BTreeMap::new(), end, writing })
    }
}

impl Target for Evaluated {
    /// Labels are kept once, in the store, so that this process takes no more memory than Vigil would.
    fn lines(&mut self, host: u64) -> Result<Vec<Line>> {
        let mut lines = fleet::host(host);
        let kept =
            |line: &Line| -> Result<SeriesLabels> { Ok(self.store.series_ref(&labels_of(line))?.labels().clone()) };
        self.labels.push(lines.iter().map(kept).collect::<Result<_>>()?);
        lines.iter_mut().for_each(|line| line.labels = Vec::new());
        Ok(lines)
    }

    async fn take(&mut self, host: u64, lines: &[Line], at_ms: i64) -> Result<()> {
        append(&self.store, &self.labels[host as usize], lines, at_ms)
    }

    async fn evaluate(&mut self) -> Result<()> {
        let slot = Timestamp::from_timestamp_millis(now_ms()).ok_or("no such time")?;
        for rule in &self.rules {
            let began = Instant::now();
            let answer = self.datasource.instant(rule, slot).await.map_err(|error| format!("{rule}: {error}"))?;
            if !matches!(answer.value, QueryValue::Vector(_)) {
                return Err(format!("{rule} yields no vector").into());
            }
            self.took.entry(rule.clone()).or_default().push(began.elapsed().as_secs_f64());
        }
        Ok(())
    }

    async fn close(self) -> Result<serde_json::Value> {
        drop(self.end);
        self.writing.await?;
        let usage = self.store.usage();
        Ok(json!({"took": self.took, "series": usage.series, "samples": usage.samples}))
    }
}

/// A Prometheus, which evaluates by itself.
pub(crate) struct Fed {
    client: reqwest::Client,
    url: String,
}

impl Fed {
    pub(crate) fn new(url: &str) -> Self {
        Self { client: reqwest::Client::new(), url: url.to_owned() }
    }
}

impl Target for Fed {
    async fn take(&mut self, _host: u64, lines: &[Line], at_ms: i64) -> Result<()> {
        let mut request = Request::default();
        lines.iter().for_each(|line| request.add(&line.labels, &[(at_ms, line.value(at_ms))]));
        request.send(&self.client, &self.url).await
    }

    async fn close(self) -> Result<serde_json::Value> {
        Ok(json!({}))
    }
}
