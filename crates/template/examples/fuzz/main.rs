//! Fuzzes the templates: texts nobody has written, for alerts nobody has seen.
//!
//! `cargo run --release -p vigil-template --example fuzz -- --seconds 60 --seed 1`. The exit status is 1 when something
//! was found; a finding names the seed and the case, and `--seed S --case C` plays it again.

mod check;
mod data;
#[expect(dead_code, reason = "the evaluator's fuzzing throws more dice")]
#[path = "../../../promql/examples/fuzz/dice.rs"]
mod dice;
mod grow;
mod mutate;
#[expect(dead_code, unused_imports, reason = "the tables are read here, not compared with")]
#[path = "../../tests/tables/mod.rs"]
mod tables;
#[path = "../../../promql/examples/fuzz/watch.rs"]
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
use data::Case;
use dice::Dice;
use watch::Watch;

/// More findings are not told.
const ENOUGH: usize = 20;
/// Half of what threads usually have.
const STACK: usize = 1 << 20;
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
    let templates = mutate::corpus();
    if asked.note.is_none() && asked.case.is_none() {
        return watch::in_another_process(&asked, |case| tell(&asked, case, &made(&templates, &asked, case)));
    }
    println!("corpus: {} templates; seed {}", templates.len(), asked.seed);
    let small = std::thread::Builder::new().stack_size(STACK);
    match small.spawn(move || Fuzz::new(asked, templates).run()).map(std::thread::JoinHandle::join) {
        Ok(Ok(exit)) => exit,
        _ => ExitCode::from(2),
    }
}

/// A case depends on nothing but the seed and its number.
fn made(templates: &[String], asked: &Asked, case: u64) -> Case {
    let mut dice = Dice::new(asked.seed, case);
    let text = mutate::template(templates, &mut dice);
    data::case(text, &mut dice)
}

fn tell(asked: &Asked, number: u64, case: &Case) {
    println!("  play it again: --seed {} --case {number}", asked.seed);
    let shown: String = case.text.chars().take(2_000).collect();
    println!("  template of {} bytes, value {:?}: {shown:?}", case.text.len(), case.value);
    println!("  labels {:?}", case.labels);
}

struct Fuzz {
    asked: Asked,
    templates: Vec<String>,
    watch: Watch,
    went: BTreeMap<Went, u64>,
    slowest: (Duration, u64),
    found: usize,
    panicked: Arc<Mutex<String>>,
}

impl Fuzz {
    fn new(asked: Asked, templates: Vec<String>) -> Self {
        let panicked = Arc::new(Mutex::new(String::new()));
        let told = Arc::clone(&panicked);
        std::panic::set_hook(Box::new(move |panic| {
            if let Ok(mut told) = told.lock() {
                *told = panic.to_string();
            }
        }));
        let watch = Watch::new(asked.note.as_deref());
        Self { asked, templates, watch, went: BTreeMap::new(), slowest: (Duration::ZERO, 0), found: 0, panicked }
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
            if over || self.found >= ENOUGH {
                break;
            }
            self.one(number);
            cases += 1;
        }
        self.watch.end();
        self.line(began.elapsed(), cases);
        println!("done: {} findings", self.found);
        if self.found == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) }
    }

    fn one(&mut self, number: u64) {
        self.watch.begin(number);
        let case = made(&self.templates, &self.asked, number);
        if self.asked.case.is_some() {
            tell(&self.asked, number, &case);
        }
        let checked = catch_unwind(AssertUnwindSafe(|| check::check(&case)));
        let finding = match checked {
            Ok(Ok((went, took))) => {
                *self.went.entry(went).or_default() += 1;
                self.slowest = self.slowest.max((took, number));
                return;
            }
            Ok(Err(finding)) => finding,
            Err(_) => self.panicked.lock().map(|panicked| panicked.clone()).unwrap_or_default(),
        };
        println!("FINDING in case {number}: {finding}");
        tell(&self.asked, number, &case);
        self.found += 1;
    }

    fn line(&self, after: Duration, cases: u64) {
        let by_kind = self.went.iter().map(|(kind, count)| format!(" {kind:?} {count}")).collect::<String>();
        let (took, slowest) = self.slowest;
        println!(
            "{:>5} s: {cases} cases;{by_kind}; slowest {} ms (case {slowest}); findings {}",
            after.as_secs(),
            took.as_millis(),
            self.found
        );
    }
}
