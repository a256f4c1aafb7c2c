//! Scripts of `load`, `eval` and `clear`, as Prometheus' own test suite is written, and how they are run.

mod notation;
mod run;

pub(crate) use run::{Kind, Outcome, run};

/// Labels as they are written.
pub(crate) type Pairs = Vec<(String, String)>;

/// What a script says, one step after the other.
#[derive(Debug)]
pub(crate) enum Step {
    Clear,
    Load(Vec<Loaded>),
    Eval(Eval),
}

/// A series of a `load`, with points in milliseconds.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) labels: Pairs,
    /// Nothing when the series has native histograms.
    pub(crate) points: Option<Vec<(i64, f64)>>,
}

#[derive(Debug)]
pub(crate) struct Eval {
    /// File and line, for messages.
    pub(crate) place: String,
    pub(crate) when: When,
    pub(crate) text: String,
    pub(crate) expected: Expected,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum When {
    Instant(i64),
    Range { start_ms: i64, end_ms: i64, step_ms: i64 },
}

#[derive(Debug, Default)]
pub(crate) struct Expected {
    pub(crate) fails: bool,
    pub(crate) message: Option<String>,
    pub(crate) ordered: bool,
    pub(crate) string: Option<String>,
    pub(crate) scalar: Option<f64>,
    /// For each step a value, if there is one.
    pub(crate) series: Vec<(Pairs, Vec<Option<f64>>)>,
    pub(crate) histograms: bool,
}

/// Reads a script.
///
/// # Panics
/// The script is not written as it must be; the message says where.
pub(crate) fn parse(name: &str, text: &str) -> Vec<Step> {
    let lines: Vec<&str> =
        text.lines().map(str::trim).map(|line| if line.starts_with('#') { "" } else { line }).collect();
    let mut steps = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let first = lines[at];
        let block: Vec<&str> = lines[at + 1..].iter().take_while(|line| !line.is_empty()).copied().collect();
        let place = format!("{name}:{}", at + 1);
        let word = first.split_whitespace().next().unwrap_or_default();
        match word {
            "" => {
                at += 1;
                continue;
            }
            "clear" => {
                steps.push(Step::Clear);
                at += 1;
                continue;
            }
            "load" | "load_with_nhcb" => steps.push(Step::Load(load(first, &block, &place))),
            _ if word.starts_with("eval") => steps.push(Step::Eval(eval(first, &block, place))),
            _ => panic!("{place}: unknown command {first:?}"),
        }
        at += block.len() + 1;
    }
    steps
}

fn load(first: &str, block: &[&str], place: &str) -> Vec<Loaded> {
    let step = first.split_whitespace().nth(1).unwrap_or_default();
    let step_ms = notation::millis(step).unwrap_or_else(|| panic!("{place}: no step in {first:?}"));
    let histograms = first.starts_with("load_with_nhcb");
    let one = |line: &&str| {
        let (labels, values) = notation::series(line).unwrap_or_else(|| panic!("{place}: {line:?}"));
        let values = if histograms { None } else { notation::values(values) };
        let points = values.map(|values| {
            let at = (0..).map(|index: i64| index * step_ms);
            at.zip(values).filter_map(|(at, value)| Some((at, value?))).collect()
        });
        Loaded { labels, points }
    };
    block.iter().map(one).collect()
}

fn eval(first: &str, block: &[&str], place: String) -> Eval {
    let (when, text) = when(first).unwrap_or_else(|| panic!("{place}: {first:?}"));
    let mut expected = Expected { fails: first.starts_with("eval_fail"), ..Expected::default() };
    expected.ordered = first.starts_with("eval_ordered");
    for line in block {
        expect(&mut expected, line).unwrap_or_else(|| panic!("{place}: {line:?}"));
    }
    Eval { place, when, text: text.to_owned(), expected }
}

fn when(first: &str) -> Option<(When, &str)> {
    let mut rest = first;
    let mut word = || {
        let (word, after) = rest.split_once(char::is_whitespace)?;
        rest = after.trim_start();
        Some(word)
    };
    word()?;
    if word()? == "instant" {
        word().filter(|word| *word == "at")?;
        let at_ms = notation::millis(word()?)?;
        return Some((When::Instant(at_ms), rest));
    }
    let mut moment = |keyword: &str| {
        word().filter(|word| *word == keyword)?;
        notation::millis(word()?)
    };
    let (start_ms, end_ms, step_ms) = (moment("from")?, moment("to")?, moment("step")?);
    Some((When::Range { start_ms, end_ms, step_ms }, rest))
}

fn expect(expected: &mut Expected, line: &str) -> Option<()> {
    if let Some(rest) = line.strip_prefix("expect ") {
        let rest = rest.trim();
        let (word, argument) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        match word {
            "fail" => {
                expected.fails = true;
                expected.message = argument.trim().strip_prefix("msg:").map(|text| text.trim().to_owned());
            }
            "ordered" => expected.ordered = true,
            "string" => expected.string = Some(notation::text(argument.trim())?),
            // What a range query of the same would say besides its result is not compared.
            "warn" | "info" | "no_warn" | "no_info" => {}
            _ => return None,
        }
        return Some(());
    }
    if let Some(number) = notation::number(line) {
        expected.scalar = Some(number);
        return Some(());
    }
    let (labels, values) = notation::series(line)?;
    match notation::values(values) {
        Some(values) => expected.series.push((labels, values)),
        None => expected.histograms = true,
    }
    Some(())
}
