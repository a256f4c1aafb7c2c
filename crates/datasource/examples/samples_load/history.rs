//! What lies behind, written as fast as it goes.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Instant,
};

use serde_json::json;
use vigil_promql::{Point, SeriesLabels};
use vigil_samples::{Clock, Options, Store};

use crate::{
    Result,
    fleet::{self, HOSTS, Line, STEP_MS, moment_ms},
    remote::Request,
};

/// Steps that are written together: five minutes.
const TOGETHER: i64 = 20;

/// The time that the history spans, in steps.
pub(crate) struct History {
    /// The first host's first step, all hosts' first step, and the first step that is not in it.
    alone: i64,
    all: i64,
    end: i64,
}

impl History {
    pub(crate) fn new(end_ms: &str, days: &str, hours: &str) -> Result<Self> {
        let (days, hours): (i64, i64) = (days.parse()?, hours.parse()?);
        let end = last_step(end_ms.parse()?);
        let an_hour = 3_600_000 / STEP_MS;
        Ok(Self { alone: end - days * 24 * an_hour, all: end - hours * an_hour, end })
    }

    /// Writes all of it and says what it took.
    pub(crate) async fn write(&self, mut target: impl Target) -> Result<()> {
        let began = Instant::now();
        let hosts: Vec<_> = (0..HOSTS).map(fleet::host).collect();
        let mut samples = 0;
        let mut from = self.alone.min(self.all);
        while from < self.end {
            let (seen, border) = if from < self.all { (&hosts[..1], self.all) } else { (&hosts[..], self.end) };
            let until = border.min(from + TOGETHER);
            for (host, lines) in (0..).zip(seen) {
                samples += lines.len() as u64 * (until - from).cast_unsigned();
                target.write(host, lines, from..until).await?;
            }
            target.end_of_step(until * STEP_MS).await?;
            from = until;
        }
        target.close().await?;
        let seconds = began.elapsed().as_secs_f64();
        println!("{}", json!({"samples": samples, "seconds": seconds, "cpu_seconds": cpu_seconds()?}));
        Ok(())
    }
}

/// The step in which `end_ms` lies: the history ends before it, whatever comes live begins with it.
pub(crate) fn last_step(end_ms: i64) -> i64 {
    end_ms.div_euclid(STEP_MS)
}

/// Where a history goes.
pub(crate) trait Target {
    async fn write(&mut self, host: u64, lines: &[Line], steps: std::ops::Range<i64>) -> Result<()>;
    async fn end_of_step(&mut self, _now_ms: i64) -> Result<()> {
        Ok(())
    }
    async fn close(self) -> Result<()>;
}

/// Nowhere: the values are only added up, so that they are made.
#[derive(Default)]
pub(crate) struct Counted(f64);

impl Target for Counted {
    async fn write(&mut self, host: u64, lines: &[Line], steps: std::ops::Range<i64>) -> Result<()> {
        for step in steps {
            let at_ms = moment_ms(host, step);
            self.0 += lines.iter().map(|line| line.value(at_ms)).sum::<f64>();
        }
        Ok(())
    }

    async fn close(self) -> Result<()> {
        if self.0.is_nan() { Err("a value is no number".into()) } else { Ok(()) }
    }
}

/// Into a store whose clock follows the samples.
pub(crate) struct Stored {
    store: Store,
    now_ms: Arc<AtomicI64>,
    labels: Vec<Vec<SeriesLabels>>,
}

impl Stored {
    pub(crate) async fn open(file: &Path) -> Result<Self> {
        let now_ms = Arc::new(AtomicI64::new(0));
        let told = now_ms.clone();
        let options = Options { clock: Clock::new(move || told.load(Ordering::Relaxed)), ..Options::default() };
        let store = Store::open(file, options).await?;
        let labels = (0..HOSTS).map(|host| fleet::host(host).iter().map(labels_of).collect()).collect();
        Ok(Self { store, now_ms, labels })
    }
}

impl Target for Stored {
    /// Step by step, each point by the labels of its series, as a collector does.
    async fn write(&mut self, host: u64, lines: &[Line], steps: std::ops::Range<i64>) -> Result<()> {
        let labels = &self.labels[host as usize];
        for step in steps {
            let at_ms = moment_ms(host, step);
            self.now_ms.fetch_max(at_ms, Ordering::Relaxed);
            append(&self.store, labels, lines, at_ms)?;
        }
        Ok(())
    }

    async fn end_of_step(&mut self, now_ms: i64) -> Result<()> {
        self.now_ms.fetch_max(now_ms, Ordering::Relaxed);
        Ok(self.store.flush().await?)
    }

    async fn close(self) -> Result<()> {
        Ok(self.store.close().await?)
    }
}

pub(crate) fn labels_of(line: &Line) -> SeriesLabels {
    SeriesLabels::new(line.labels.iter().map(|(name, value)| (name.as_str().into(), value.as_str().into())))
}

/// Appends one look at a host.
pub(crate) fn append(store: &Store, labels: &[SeriesLabels], lines: &[Line], at_ms: i64) -> Result<()> {
    let point = |(labels, line): (&SeriesLabels, &Line)| (labels.clone(), Point { at_ms, value: line.value(at_ms) });
    let batch: Vec<_> = labels.iter().zip(lines).map(point).collect();
    let refused = store.append(&batch).refused;
    if refused.is_empty() { Ok(()) } else { Err(format!("refused: {refused:?}").into()) }
}

/// To a Prometheus that takes remote writes: one request for five minutes of a host.
pub(crate) struct Pushed {
    client: reqwest::Client,
    url: String,
}

impl Pushed {
    pub(crate) fn new(url: &str) -> Self {
        Self { client: reqwest::Client::new(), url: url.to_owned() }
    }
}

impl Target for Pushed {
    async fn write(&mut self, host: u64, lines: &[Line], steps: std::ops::Range<i64>) -> Result<()> {
        let mut request = Request::default();
        let times: Vec<_> = steps.map(|step| moment_ms(host, step)).collect();
        for line in lines {
            let points: Vec<_> = times.iter().map(|at_ms| (*at_ms, line.value(*at_ms))).collect();
            request.add(&line.labels, &points);
        }
        request.send(&self.client, &self.url).await
    }

    async fn close(self) -> Result<()> {
        Ok(())
    }
}

/// User and system time of this process so far.
fn cpu_seconds() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit_once(')').map(|(_, fields)| fields).unwrap_or_default();
    let ticks =
        fields.split_whitespace().skip(11).take(2).map(str::parse::<f64>).sum::<std::result::Result<f64, _>>()?;
    Ok(ticks / 100.0)
}
