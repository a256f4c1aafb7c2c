//! What must hold of any template for any alert.

use std::time::{Duration, Instant};

use vigil_template::{Expanded, LONGEST, Template};

use crate::data::Case;

/// An expansion that takes longer is a finding: what it may do is limited.
const TOO_LONG: Duration = Duration::from_millis(1_500);
/// A text is at most 1 MiB, and each byte that is no UTF-8 becomes three.
const LARGEST: usize = 3 * 1024 * 1024;
/// More answers than a template of this length can ask for.
const QUERIES: usize = 500;

/// How a case went, as far as it is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Went {
    Refused,
    Failed,
    Expanded,
    /// Asked for more than [`QUERIES`] answers.
    Asks,
}

/// Answers how the case went and how long one parse and one expansion took.
///
/// # Errors
/// What is wrong, in words.
pub(crate) fn check(case: &Case) -> Result<(Went, Duration), String> {
    let began = Instant::now();
    let first = outcome(case);
    let took = began.elapsed();
    if took > TOO_LONG {
        return Err(format!("it takes {} ms: {}", took.as_millis(), shown(&first)));
    }
    let second = outcome(case);
    if first != second {
        return Err(format!("{} the first time, {} the second", shown(&first), shown(&second)));
    }
    let went = match &first {
        Err(error) if error.len() > 2 * LONGEST => return Err(format!("an error of {} bytes", error.len())),
        Err(_) => Went::Refused,
        Ok(Expanded::Text(text) | Expanded::Failed(text)) if text.len() > LARGEST => {
            return Err(format!("{} bytes: {}", text.len(), shown(&first)));
        }
        Ok(Expanded::Failed(text)) if text.contains("outside range") => return Err(shown(&first)),
        Ok(Expanded::Failed(_)) => Went::Failed,
        Ok(Expanded::Text(_)) => Went::Expanded,
        Ok(Expanded::Needs(_)) => Went::Asks,
    };
    Ok((went, took))
}

fn outcome(case: &Case) -> Result<Expanded, String> {
    let template = Template::parse("Fuzz", &case.text)?;
    let mut left = QUERIES;
    let mut ask = |query: &str| {
        left = left.saturating_sub(1);
        if left == 0 { vigil_template::Asked::NotYet } else { case.answer(query) }
    };
    Ok(template.expand(case.scene(), &mut ask))
}

fn shown(outcome: &Result<Expanded, String>) -> String {
    format!("{outcome:?}").chars().take(300).collect()
}
