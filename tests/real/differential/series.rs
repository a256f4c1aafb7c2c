//! Series as exporters would have produced them: the same ones at each run, down to the bit.

use std::sync::Arc;

use vigil_domain::labels::METRIC_NAME;
use vigil_promql::{Match, Point, Series, SeriesLabels, selector, stale_marker};

/// When the series end: midnight after a leap day, for the functions of the calendar.
pub(crate) const END_MS: i64 = 1_709_251_200_000;
/// How far back they go. Prometheus takes no more than an hour at once.
const LENGTH_S: i64 = 3_000;
const INTERVAL_S: i64 = 15;
/// Scrapes are late by less than this.
const JITTER_MS: f64 = 20.0;
/// How long a counter's program has been up when it is scraped for the first time after a restart.
const UPTIME_S: f64 = 60.0;

/// What the values of a series look like.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// Grows at about this rate. Begins anew when its program does.
    Counter(f64),
    /// Whole events at about this rate.
    Events(f64),
    /// Wanders around the first, at most the second away.
    Gauge(f64, f64),
    /// From the first on, the second more each second.
    Line(f64, f64),
    Always(f64),
    /// These, a scrape each, over and over.
    Turns(&'static [f64]),
    /// What a clock shows that is so many seconds ahead.
    Clock(f64),
}

/// When a target is scraped. All but the phase is in seconds before the end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Life {
    pub(super) from_s: i64,
    pub(super) until_s: i64,
    /// Nothing is scraped after the first and until the second.
    pub(super) gap_s: Option<(i64, i64)>,
    /// When its program starts again.
    pub(super) restart_s: Option<i64>,
    /// Whether a stale marker says that scrapes have stopped.
    pub(super) is_marked: bool,
    /// How much later than each multiple of the interval. Not a whole second, so that no sample is at the edge of a
    /// window by accident.
    pub(super) phase_ms: i64,
}

impl Life {
    /// Scraped all the time.
    pub(super) const fn whole(phase_ms: i64) -> Self {
        Self { from_s: LENGTH_S, until_s: 0, gap_s: None, restart_s: None, is_marked: true, phase_ms }
    }

    fn is_scraped(&self, age_s: i64) -> bool {
        let is_gap = self.gap_s.is_some_and(|(from, until)| age_s <= from && age_s > until);
        age_s <= self.from_s && age_s >= self.until_s && !is_gap
    }
}

/// One scrape, or the first that did not come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scrape {
    pub(super) at_ms: i64,
    /// `None` where a stale marker belongs.
    pub(super) passed_s: Option<f64>,
    pub(super) has_restarted: bool,
}

/// Numbers that look like chance (splitmix64). Of its own, because other generators may change with their version.
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    /// Of a text: FNV-1a.
    pub(super) fn of(text: &str) -> Self {
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        Self(text.bytes().fold(0xcbf2_9ce4_8422_2325, mix))
    }

    /// From 0 up to but not 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
    pub(super) fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// How many of events at such a rate came: the whole part, and by chance one more.
    pub(super) fn events(&mut self, expected: f64) -> f64 {
        let exact = expected * (0.5 + self.share());
        exact.floor() + if self.share() < exact.fract() { 1.0 } else { 0.0 }
    }
}

/// The scrapes of a target, in order.
pub(super) fn scrapes(life: Life, chance: &mut Chance) -> Vec<Scrape> {
    let mut scrapes: Vec<Scrape> = Vec::new();
    let (mut was_scraped, mut last_ms, mut has_restarted) = (false, None, false);
    for age_s in (0..=LENGTH_S).rev().step_by(usize::try_from(INTERVAL_S).expect("positive")) {
        #[expect(clippy::cast_possible_truncation, reason = "a few milliseconds")]
        let at_ms = END_MS - age_s * 1_000 - INTERVAL_S * 1_000 + life.phase_ms + (chance.share() * JITTER_MS) as i64;
        has_restarted |= life.restart_s.is_some_and(|restart| restart >= age_s && restart < age_s + INTERVAL_S);
        let is_scraped = life.is_scraped(age_s);
        if is_scraped {
            let passed_s = last_ms.map_or(0.0, |last: i64| seconds(at_ms - last));
            scrapes.push(Scrape { at_ms, passed_s: Some(passed_s), has_restarted });
            (last_ms, has_restarted) = (Some(at_ms), false);
        } else if was_scraped && life.is_marked {
            scrapes.push(Scrape { at_ms, passed_s: None, has_restarted: false });
        }
        was_scraped = is_scraped;
    }
    scrapes
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 are exact in a float")]
fn seconds(ms: i64) -> f64 {
    ms as f64 / 1_000.0
}

/// The series that `text` selects, as a selector does.
pub(super) fn labels(text: &str) -> SeriesLabels {
    let matchers = selector(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    SeriesLabels::new(matchers.into_iter().map(|matcher| match matcher.how {
        Match::Equal(value) => (Arc::from(matcher.name), Arc::from(value)),
        Match::NotEqual(_) | Match::Regex(_) | Match::NotRegex(_) => panic!("{text}: only = says which series"),
    }))
}

/// `metric` with `others` of its labels, and those of its target.
pub(super) fn of_target(metric: &str, others: &str, target: &str) -> SeriesLabels {
    let labels = labels(&format!("{{{METRIC_NAME}={metric:?},{target},{others}}}"));
    assert_eq!(labels.metric(), Some(metric), "{labels}");
    labels
}

/// One series of `shape`, scraped as `life` says.
pub(super) fn series(labels: SeriesLabels, shape: Shape, life: Life) -> Series {
    let mut chance = Chance::of(&labels.to_string());
    let mut value = first(shape, life);
    let mut points = Vec::new();
    for (index, scrape) in scrapes(life, &mut chance).into_iter().enumerate() {
        let Some(passed_s) = scrape.passed_s else {
            points.push(Point { at_ms: scrape.at_ms, value: stale_marker() });
            continue;
        };
        value = match shape {
            Shape::Counter(rate) | Shape::Events(rate) if scrape.has_restarted => (rate * UPTIME_S).ceil(),
            Shape::Counter(rate) => value + rate * passed_s * (0.5 + chance.share()),
            Shape::Events(rate) => value + chance.events(rate * passed_s),
            Shape::Gauge(middle, reach) => {
                let there = value + (chance.share() - 0.5) * reach * 0.4;
                there.clamp(middle - reach, middle + reach)
            }
            Shape::Line(from, slope) => from + slope * seconds(scrape.at_ms - END_MS + LENGTH_S * 1_000),
            Shape::Always(value) => value,
            Shape::Turns(values) => values[index % values.len()],
            Shape::Clock(ahead) => seconds(scrape.at_ms) + ahead,
        };
        points.push(Point { at_ms: scrape.at_ms, value });
    }
    Series { labels, points }
}

/// A counter that was there from the beginning has counted for days; one that comes later begins at zero.
fn first(shape: Shape, life: Life) -> f64 {
    const DAYS_S: f64 = 400_000.0;
    match shape {
        Shape::Counter(rate) | Shape::Events(rate) if life.from_s >= LENGTH_S => (rate * DAYS_S).floor(),
        Shape::Gauge(middle, _) => middle,
        _ => 0.0,
    }
}
