//! What web applications, probes and batch jobs say: classic histograms above all.

use vigil_promql::{Point, Series, stale_marker};

use super::series::{
    Chance, Life,
    Shape::{self, Always, Counter, Events, Gauge, Line, Turns},
    of_target, scrapes, series,
};

const BOUNDS: [(&str, f64); 10] = [
    ("0.005", 0.005),
    ("0.025", 0.025),
    ("0.05", 0.05),
    ("0.1", 0.1),
    ("0.25", 0.25),
    ("0.5", 0.5),
    ("1", 1.0),
    ("2.5", 2.5),
    ("10", 10.0),
    ("+Inf", f64::INFINITY),
];

/// Instance, handler, requests a second, how long one takes, life. The last handler nobody asks.
const HANDLERS: [(&str, &str, f64, f64, Life); 6] = [
    ("api-1:8080", "/api/cart", 3.1, 0.12, Life::whole(2_431)),
    ("api-1:8080", "/api/pay", 0.7, 0.9, Life::whole(2_431)),
    ("api-2:8080", "/api/cart", 2.8, 0.15, Life { restart_s: Some(1_000), ..Life::whole(6_613) }),
    ("api-2:8080", "/api/pay", 0.6, 1.4, Life { restart_s: Some(1_000), ..Life::whole(6_613) }),
    ("api-3:8080", "/api/cart", 1.9, 0.05, Life { from_s: 800, ..Life::whole(8_871) }),
    ("api-1:8080", "/api/old", 0.0, 1.0, Life::whole(2_431)),
];

const CODES: [(&str, f64); 4] = [("200", 0.9), ("404", 0.06), ("500", 0.03), ("503", 0.01)];

/// Metric, labels, target, shape, life.
const OTHERS: &[(&str, &str, &str, Shape, Life)] = &[
    ("probe_success", "", PROBE_SHOP, Turns(&[1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 1.0]), Life::whole(7_217)),
    ("probe_success", "", PROBE_DOCS, Always(1.0), Life::whole(7_431)),
    (
        "probe_http_status_code",
        "",
        PROBE_SHOP,
        Turns(&[200.0, 200.0, 200.0, 200.0, 200.0, 502.0, 200.0]),
        Life::whole(7_217),
    ),
    ("probe_duration_seconds", "", PROBE_SHOP, Gauge(0.4, 0.3), Life::whole(7_217)),
    ("probe_duration_seconds", "", PROBE_DOCS, Gauge(0.1, 0.05), Life::whole(7_431)),
    ("probe_ssl_earliest_cert_expiry", "", PROBE_SHOP, Always(1_710_100_000.0), Life::whole(7_217)),
    ("probe_ssl_earliest_cert_expiry", "", PROBE_DOCS, Always(1_713_000_000.0), Life::whole(7_431)),
    ("backup_last_success_timestamp_seconds", r#"name="db""#, BATCH, Always(1_709_160_600.0), Life::whole(11_217)),
    ("backup_last_success_timestamp_seconds", r#"name="files""#, BATCH, Always(1_709_247_600.0), Life::whole(11_217)),
    ("backup_size_bytes", r#"name="db""#, BATCH, Line(4.0e9, 1.0e4), Life::whole(11_217)),
    ("heartbeat_total", "", BATCH, Events(0.07), Life { until_s: 420, ..Life::whole(11_217) }),
    ("heartbeat_total", "", CRASHED, Events(0.07), Life { until_s: 420, is_marked: false, ..Life::whole(11_431) }),
    ("queue_length", r#"queue="mail""#, BATCH, Gauge(40.0, 40.0), Life::whole(11_217)),
    ("queue_length", r#"queue="orders""#, BATCH, Turns(&[0.0, 3.0, 9.0, 27.0, 12.0, 1.0]), Life::whole(11_217)),
    ("queue_consumers", r#"queue="mail""#, BATCH, Turns(&[3.0, 3.0, 2.0]), Life::whole(11_217)),
    ("queue_consumers", r#"queue="orders""#, BATCH, Always(0.0), Life::whole(11_217)),
    // What programs say when they divide by nothing, and other oddities.
    ("odd_ratio", r#"kind="nan""#, BATCH, Always(f64::NAN), Life::whole(13_217)),
    ("odd_ratio", r#"kind="inf""#, BATCH, Always(f64::INFINITY), Life::whole(13_217)),
    ("odd_ratio", r#"kind="minus_inf""#, BATCH, Always(f64::NEG_INFINITY), Life::whole(13_217)),
    ("odd_ratio", r#"kind="plain""#, BATCH, Gauge(0.5, 0.4), Life::whole(13_217)),
    ("odd_mixed", "", BATCH, Turns(&[1.5, f64::NAN, -2.5, f64::INFINITY, 4.0, 4.0]), Life::whole(13_217)),
    ("odd_nans", "", BATCH, Turns(&[f64::NAN, 2.0, f64::NAN, 3.0]), Life::whole(13_217)),
    ("odd_small", "", BATCH, Gauge(3.0e-9, 2.0e-9), Life::whole(13_217)),
    ("odd_large", "", BATCH, Gauge(3.0e17, 2.0e17), Life::whole(13_217)),
    ("odd_signed", "", BATCH, Gauge(0.0, 7.5), Life::whole(13_217)),
    ("odd_text", r#"path="/a b/\"c\"\\d",unit="°C""#, BATCH, Gauge(20.0, 3.0), Life::whole(13_217)),
    ("odd_busy_total", "", BATCH, Counter(1.0e12), Life { restart_s: Some(600), ..Life::whole(13_217) }),
    // Comes and goes, with and without word of it.
    ("flapping_up", "", BATCH, Always(1.0), Life { gap_s: Some((1_800, 1_000)), ..Life::whole(10_613) }),
    (
        "silent_up",
        "",
        BATCH,
        Always(1.0),
        Life { gap_s: Some((1_800, 1_000)), is_marked: false, ..Life::whole(10_871) },
    ),
    (
        "sparse_total",
        "",
        BATCH,
        Events(0.01),
        Life { from_s: 2_000, until_s: 60, gap_s: Some((1_500, 1_300)), ..Life::whole(10_217) },
    ),
];

const PROBE_SHOP: &str = r#"job="blackbox",instance="https://shop.example.org""#;
const PROBE_DOCS: &str = r#"job="blackbox",instance="https://docs.example.org""#;
const BATCH: &str = r#"job="batch",instance="batch-1:9091""#;
const CRASHED: &str = r#"job="batch",instance="batch-2:9091""#;

pub(super) fn all() -> Vec<Series> {
    let mut found = Vec::new();
    for (instance, handler, rate, typical_s, life) in HANDLERS {
        let target = format!("job=\"api\",instance={instance:?}");
        let handler = format!("handler={handler:?}");
        found.extend(histogram("http_request_duration_seconds", &handler, &target, (rate, typical_s), life));
        for (code, share) in CODES {
            let labels = format!("{handler},code={code:?},method=\"GET\"");
            found.push(series(of_target("http_requests_total", &labels, &target), Events(rate * share), life));
        }
        let labels = format!("{handler},code=\"200\",method=\"POST\"");
        found.push(series(of_target("http_requests_total", &labels, &target), Events(rate * 0.2), life));
    }
    for (metric, labels, target, shape, life) in OTHERS {
        found.push(series(of_target(metric, labels, target), *shape, *life));
    }
    // A histogram whose exporter forgot the bucket for everything.
    let forgetful = histogram("rpc_duration_seconds", "", BATCH, (1.0, 0.2), Life::whole(14_217));
    found.extend(forgetful.into_iter().filter(|series| series.labels.get("le") != Some("+Inf")));
    found
}

/// The buckets, sum and count of one histogram: `rate` observations a second of about `typical_s`.
fn histogram(metric: &str, others: &str, target: &str, (rate, typical_s): (f64, f64), life: Life) -> Vec<Series> {
    let labels =
        |suffix: &str, more: &str| of_target(&format!("{metric}_{suffix}"), &format!("{others}{more}"), target);
    let bucket = |(bound, _)| labels("bucket", &format!("{}le={bound:?}", if others.is_empty() { "" } else { "," }));
    let mut all: Vec<Series> = BOUNDS
        .map(bucket)
        .into_iter()
        .chain([labels("sum", ""), labels("count", "")])
        .map(|labels| Series { labels, points: Vec::new() })
        .collect();
    let mut chance = Chance::of(&all[0].labels.to_string());
    let mut totals = [0.0; BOUNDS.len() + 2];
    for scrape in scrapes(life, &mut chance) {
        if scrape.has_restarted {
            totals = [0.0; BOUNDS.len() + 2];
        }
        let mut left = chance.events(rate * scrape.passed_s.unwrap_or_default());
        while left > 0.0 {
            // Exponentially distributed, with a long tail now and then.
            let tail = if chance.share() < 0.02 { 12.0 } else { 1.0 };
            observe(&mut totals, -typical_s * tail * (1.0 - chance.share()).ln());
            left -= 1.0;
        }
        for (series, total) in all.iter_mut().zip(totals) {
            let value = if scrape.passed_s.is_some() { total } else { stale_marker() };
            series.points.push(Point { at_ms: scrape.at_ms, value });
        }
    }
    all
}

fn observe(totals: &mut [f64; BOUNDS.len() + 2], took_s: f64) {
    let ones = BOUNDS.map(|(_, bound)| f64::from(u8::from(took_s <= bound)));
    for (total, more) in totals.iter_mut().zip(ones.into_iter().chain([took_s, 1.0])) {
        *total += more;
    }
}
