//! What the targets show at each moment: a function of the time since the story began, and of nothing else.

use crate::timeline::Millis;

/// How long most things stay as they are.
const PHASE: Millis = 10_000;
const PHASES: usize = 5;
/// After so long everything begins anew.
pub(crate) const CYCLE: Millis = PHASE * PHASES as Millis;
/// In this phase the second target fails.
const FAILS_IN: usize = 2;

/// So many cycles take these minutes, or a little more; there is at least one.
pub(crate) fn cycles(minutes: u32) -> i64 {
    let millis = Millis::from(minutes) * 60_000;
    ((millis + CYCLE - 1) / CYCLE).max(1)
}

/// Which target is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    Steady,
    Flaky,
}

/// What there is, for so many cycles; before and after them it is as in the first phase.
#[derive(Debug)]
pub(crate) struct World {
    steady: Vec<Series>,
    flaky: Vec<Series>,
    cycles: i64,
}

/// A series as it is exposed, and its value in each phase.
#[derive(Debug)]
struct Series {
    name: &'static str,
    values: [Value; PHASES],
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Value {
    /// There is no series.
    Gone,
    /// As it is written.
    Same(&'static str),
    /// A hundredth more in each cycle.
    Varied(f64),
    /// 100 for half a phase, then 0.
    Flap,
    /// Ten a second since the cycle began.
    Tick,
    Rise,
    Fall,
}

/// Where in the story a moment is.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    cycle: i64,
    phase: usize,
    into_cycle: Millis,
    into_phase: Millis,
}

impl World {
    pub(crate) fn new(cycles: i64) -> Self {
        let [steady, flaky] = [include_str!("series.txt"), include_str!("flaky.txt")].map(|text| {
            let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
            lines.map(Series::read).collect()
        });
        Self { steady, flaky, cycles }
    }

    /// A page in Prometheus' text format, so long after the beginning, or before it; `None` when the target fails.
    pub(crate) fn page(&self, page: Page, after: Option<Millis>) -> Option<String> {
        let place = self.place(after);
        let series = match page {
            Page::Steady => &self.steady,
            Page::Flaky if place.phase == FAILS_IN => return None,
            Page::Flaky => &self.flaky,
        };
        Some(series.iter().filter_map(|series| series.line(place)).collect())
    }

    fn place(&self, after: Option<Millis>) -> Place {
        let Some(after) = after.filter(|after| (0..self.cycles * CYCLE).contains(after)) else {
            return Place::default();
        };
        let into_cycle = after % CYCLE;
        let phase = usize::try_from(into_cycle / PHASE).expect("one of five");
        Place { cycle: after / CYCLE, phase, into_cycle, into_phase: after % PHASE }
    }
}

impl Series {
    /// A line that ends with a word for each phase; whatever is before them may have spaces.
    fn read(line: &'static str) -> Self {
        let (mut rest, mut values) = (line, [Value::Gone; PHASES]);
        for value in values.iter_mut().rev() {
            rest = rest.trim_end();
            let (before, word) = rest.rsplit_once(' ').unwrap_or_else(|| panic!("{line} has {PHASES} values"));
            *value = Value::read(word);
            rest = before;
        }
        Self { name: rest.trim_end(), values }
    }

    fn line(&self, place: Place) -> Option<String> {
        let value = self.values[place.phase].at(place)?;
        Some(format!("{} {value}\n", self.name))
    }
}

impl Value {
    fn read(word: &'static str) -> Self {
        let number = |text: &str| text.parse::<f64>().unwrap_or_else(|_| panic!("{word} is no value"));
        match (word, word.strip_suffix('~')) {
            ("-", _) => Self::Gone,
            ("flap", _) => Self::Flap,
            ("tick", _) => Self::Tick,
            ("rise", _) => Self::Rise,
            ("fall", _) => Self::Fall,
            (_, Some(varied)) => Self::Varied(number(varied)),
            (same, None) => {
                number(same);
                Self::Same(same)
            }
        }
    }

    fn at(self, place: Place) -> Option<String> {
        let risen = 100 * place.into_phase / PHASE;
        let turn = if place.into_phase < PHASE / 2 { "100" } else { "0" };
        Some(match self {
            Self::Gone => return None,
            Self::Same(text) => text.to_owned(),
            Self::Varied(value) => format!("{:.2}", value + place.cycle as f64 / 100.0),
            Self::Flap => turn.to_owned(),
            Self::Tick => (place.into_cycle / 1_000 * 10).to_string(),
            Self::Rise => risen.to_string(),
            Self::Fall => (100 - risen).to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The line of a series, without its name.
    fn shown(world: &World, name: &str, after: Option<Millis>) -> Option<String> {
        let page = world.page(Page::Steady, after).expect("this page never fails");
        page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned))
    }

    #[test]
    fn series_change_with_the_phases_and_a_little_with_the_cycles() {
        let world = World::new(3);
        let drawn = |name: &str| {
            let values = [0, 10_000, 20_000, 30_000, 40_000, 50_000, 60_000].map(|at| shown(&world, name, Some(at)));
            values.map(|value| value.unwrap_or_else(|| "-".to_owned())).join(" ")
        };
        assert_eq!(drawn("level{series=\"plain\"}"), "10 95.00 95.00 10 10 10 95.01");
        assert_eq!(drawn("level{series=\"nan\"}"), "10 95.00 NaN 95.00 10 10 95.01");
        assert_eq!(drawn("level{series=\"gone\"}"), "- 95.00 - 95.00 - - 95.01");
        assert_eq!(drawn(r#"level{series="a \"b\" \\ c\nd ünï 🦀 {{e}}"}"#), "10 95.00 95.00 95.00 10 10 95.01");
        assert_eq!(drawn("ticks_total"), "0 100 200 300 0 0 100");
        assert_eq!(drawn("saw"), "0 0 100 100 0 0 0");
    }

    #[test]
    fn some_series_change_within_a_phase() {
        let world = World::new(1);
        for (name, at, value) in [
            ("flapping", 24_999, "100"),
            ("flapping", 25_000, "0"),
            ("saw", 17_500, "75"),
            ("saw", 37_500, "25"),
            ("ticks_total", 17_900, "170"),
        ] {
            assert_eq!(shown(&world, name, Some(at)).as_deref(), Some(value), "{name} after {at} ms");
        }
    }

    #[test]
    fn before_and_after_the_cycles_everything_is_as_in_the_first_phase() {
        let world = World::new(2);
        let first = world.page(Page::Steady, Some(0));
        for after in [None, Some(-1), Some(9_999), Some(50_000), Some(2 * CYCLE), Some(100 * CYCLE + 15_000)] {
            assert_eq!(world.page(Page::Steady, after), first, "{after:?}");
        }
        assert_ne!(world.page(Page::Steady, Some(10_000)), first);
    }

    #[test]
    fn the_second_target_fails_in_one_phase_only() {
        let world = World::new(2);
        let fails = [0, 10_000, 20_000, 29_999, 30_000, 70_000].map(|at| world.page(Page::Flaky, Some(at)).is_none());
        assert_eq!(fails, [false, false, true, true, false, true]);
    }

    #[test]
    fn cycles_take_at_least_the_minutes_that_are_asked_for() {
        assert_eq!([0, 1, 10].map(cycles), [1, 2, 12]);
    }
}
