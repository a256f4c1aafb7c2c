//! A fleet's samples for `scripts/bench`, given to the embedded store and to a Prometheus beside it.
//!
//! ```text
//! samples_load generate END_MS DAYS HOURS           makes the history and throws it away: what making it costs
//! samples_load fill     END_MS DAYS HOURS FILE      writes the history into a store, as fast as it goes
//! samples_load push     END_MS DAYS HOURS URL       the same by remote write
//! samples_load live     END_MS FILE RULES           goes on after the history, each sample at its time; evaluates
//! samples_load feed     END_MS URL                  the same by remote write, without evaluating
//! ```
//!
//! The history: `DAYS` days of one host and the last `HOURS` hours of all, every 15 s, up to `END_MS`. The first three say
//! what they did in a line of JSON. The other two say `ready` when they have caught up, and end with their standard input;
//! `live` evaluates the rules, one expression a line, every 15 s once a line comes from there.

mod fleet;
mod history;
mod live;
mod remote;

use std::{env, error::Error, path::Path};

use history::{Counted, History, Pushed, Stored};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["generate", end, days, hours] => History::new(end, days, hours)?.write(Counted::default()).await,
        ["fill", end, days, hours, file] => {
            let history = History::new(end, days, hours)?;
            history.write(Stored::open(Path::new(file)).await?).await
        }
        ["push", end, days, hours, url] => History::new(end, days, hours)?.write(Pushed::new(url)).await,
        ["live", end, file, rules] => live::run(end.parse()?, live::Evaluated::open(file, rules).await?).await,
        ["feed", end, url] => live::run(end.parse()?, live::Fed::new(url)).await,
        _ => Err("see the top of crates/datasource/examples/samples_load/main.rs".into()),
    }
}
