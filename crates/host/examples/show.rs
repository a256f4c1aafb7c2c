//! Prints this host's metrics as a scrape would answer them; what could not be collected goes to standard error.

use vigil_host::{Collector, Roots, exposition};

fn main() {
    let mut collector = Collector::new(Roots::default());
    print!("{}", exposition(&collector.collect()));
    for (name, reason) in collector.failures() {
        eprintln!("{name}: {reason}");
    }
}
