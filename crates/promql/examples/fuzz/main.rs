//! Fuzzes the evaluator: queries nobody has written, over series nobody has seen.
//!
//! `cargo run --release -p vigil-promql --example fuzz -- --seconds 60 --seed 1`. The exit status is 1 when something
//! was found; a finding names the seed and the case, and `--seed S --case C` plays it again. `PROMQLTEST_DIR` may name a
//! folder with more `.test` files to start from.

mod check;
mod corpus;
mod data;
mod dice;
#[path = "../../tests/held/mod.rs"]
mod held;
mod mutate;
#[expect(dead_code, unused_imports, reason = "scripts are read here, not run")]
#[path = "../../tests/script/mod.rs"]
mod script;
mod watch;

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    process::ExitCode,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use check::Went;
use corpus::Corpus;
use data::Case;
use dice::Dice;
use watch::Watch;

/// More findings are not told.
const ENOUGH: usize = 20;
const BETWEEN_LINES: Duration = Duration::from_secs(30);

/// What the command line says.
#[derive(Clone)]
struct Asked {
    seconds: u64,
    seed: u64,
    case: Option<u64>,
    /// Where the case at hand is noted, in the process that runs them.
    note: Option<PathBuf>,
}

fn asked() -> Result<Asked, String> {
    let mut asked = Asked { seconds: 60, seed: 1, case: None, note: None };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
        let number = || value.parse::<u64>().map_err(|error| format!("{word} {value}: {error}"));
        match word.as_str() {
            "--seconds" => asked.seconds = number()?,
            "--seed" => asked.seed = number()?,
            "--case" => asked.case = Some(number()?),
            "--note" => asked.note = Some(PathBuf::from(value)),
            _ => return Err(format!("{word} is not known: --seconds N --seed S [--case C]")),
        }
    }
    Ok(asked)
}

fn main() -> ExitCode {
    let asked = match asked() {
        Ok(asked) => asked,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let more = std::env::var_os("PROMQLTEST_DIR").map(PathBuf::from);
    let corpus = match Corpus::read(more.as_deref()) {
        Ok(corpus) => corpus,
        Err(error) => {
            eprintln!("the corpus cannot be read: {error}");
            return ExitCode::from(2);
        }
    };
    if asked.note.is_none() && asked.case.is_none() {
        return watch::in_another_process(&asked, |case| tell(&asked, case, &made(&corpus, &asked, case).0));
    }
    println!("corpus: {} queries, {} label sets; seed {}", corpus.queries.len(), corpus.series.len(), asked.seed);
    Fuzz::new(asked, corpus).run()
}

/// A case depends on nothing but the seed and its number.
fn made(corpus: &Corpus, asked: &Asked, case: u64) -> (Case, Dice) {
    let mut dice = Dice::new(asked.seed, case);
    let text = mutate::query(corpus, &mut dice);
    let made = data::case(corpus, text, &mut dice);
    (made, dice)
}

fn tell(asked: &Asked, number: u64, case: &Case) {
    println!("  play it again, with the same PROMQLTEST_DIR: --seed {} --case {number}", asked.seed);
    println!("  query: {:?}", case.text);
    println!("  from {} ms, {} steps of {} ms; series:", case.start_ms, case.steps, case.step_ms);
    for series in &case.data {
        let points = series.points.iter().map(|point| format!(" {}:{:?}", point.at_ms, point.value));
        println!("    {}{}", series.labels, points.collect::<String>());
    }
}

struct Fuzz {
    asked: Asked,
    corpus: Corpus,
    watch: Watch,
    went: BTreeMap<Went, u64>,
    /// Findings, and the first words of each.
    found: Vec<String>,
    panicked: Arc<Mutex<String>>,
}

impl Fuzz {
    fn new(asked: Asked, corpus: Corpus) -> Self {
        let panicked = Arc::new(Mutex::new(String::new()));
        let told = Arc::clone(&panicked);
        std::panic::set_hook(Box::new(move |panic| {
            if let Ok(mut told) = told.lock() {
                *told = panic.to_string();
            }
        }));
        let watch = Watch::new(asked.note.as_deref());
        Self { asked, corpus, watch, went: BTreeMap::new(), found: Vec::new(), panicked }
    }

    fn run(mut self) -> ExitCode {
        let began = Instant::now();
        let mut line_at = BETWEEN_LINES;
        let mut cases = 0;
        let first = self.asked.case.unwrap_or_default();
        let last = self.asked.case.unwrap_or(u64::MAX);
        for number in first..=last {
            if began.elapsed() >= line_at {
                line_at += BETWEEN_LINES;
                self.line(began.elapsed(), cases);
            }
            let over = began.elapsed().as_secs() >= self.asked.seconds && self.asked.case.is_none();
            if over || self.found.len() >= ENOUGH {
                break;
            }
            self.one(number);
            cases += 1;
        }
        self.watch.end();
        self.line(began.elapsed(), cases);
        println!("done: {} findings", self.found.len());
        if self.found.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) }
    }

    fn one(&mut self, number: u64) {
        self.watch.begin(number);
        let (case, mut dice) = made(&self.corpus, &self.asked, number);
        if self.asked.case.is_some() {
            tell(&self.asked, number, &case);
        }
        let checked = catch_unwind(AssertUnwindSafe(|| check::check(&case, &mut dice)));
        let finding = match checked {
            Ok(Ok(went)) => {
                *self.went.entry(went).or_default() += 1;
                return;
            }
            Ok(Err(finding)) => finding,
            Err(_) => self.panicked.lock().map(|panicked| panicked.clone()).unwrap_or_default(),
        };
        println!("FINDING in case {number}: {finding}");
        tell(&self.asked, number, &case);
        self.found.push(finding);
    }

    fn line(&self, after: Duration, cases: u64) {
        let refused = self.went.get(&Went::NoQuery).copied().unwrap_or_default();
        let by_kind = self.went.iter().map(|(kind, count)| format!(" {kind:?} {count}")).collect::<String>();
        println!(
            "{:>5} s: {cases} cases, {} accepted by the parser;{by_kind}; findings {}",
            after.as_secs(),
            cases - refused,
            self.found.len()
        );
    }
}
