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

/// What an answer is expected to say besides its value.
#[derive(Debug)]
pub(crate) enum Said {
    Nothing,
    Something,
    /// This among others; without the place in the query, which is not told here.
    Text(String),
    /// The place included.
    Pattern(regex::Regex),
}

#[derive(Debug, Default)]
pub(crate) struct Expected {
    pub(crate) warnings: Vec<Said>,
    pub(crate) infos: Vec<Said>,
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
            "warn" => expected.warnings.push(said(argument.trim())?),
            "info" => expected.infos.push(said(argument.trim())?),
            "no_warn" => expected.warnings.push(Said::Nothing),
            "no_info" => expected.infos.push(Said::Nothing),
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

fn said(argument: &str) -> Option<Said> {
    if argument.is_empty() {
        return Some(Said::Something);
    }
    if let Some(pattern) = argument.strip_prefix("regex:") {
        return Some(Said::Pattern(regex::Regex::new(&format!("^(?:{})$", pattern.trim())).ok()?));
    }
    Some(Said::Text(without_place(argument.strip_prefix("msg:")?.trim()).to_owned()))
}

/// `(1:7)` at the end is where in the query it is.
fn without_place(text: &str) -> &str {
    let place =
        |text: &str| text.strip_suffix(')').is_some_and(|place| place.split(':').all(|n| n.parse::<u32>().is_ok()));
    text.rsplit_once(" (").filter(|(_, end)| place(end)).map_or(text, |(before, _)| before)
}
