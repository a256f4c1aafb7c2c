//! Prints what a cycle of collecting costs on this host: CPU time of every thread, over a thousand cycles.

use std::{error::Error, fs, time::Instant};

use vigil_host::{Collector, Roots, samples};

const CYCLES: u32 = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut collector = Collector::new(Roots::default());
    let mut series = samples(&collector.collect()).len();
    let (cpu, started) = (cpu_seconds()?, Instant::now());
    for _ in 0..CYCLES {
        series = samples(&collector.collect()).len();
    }
    let per_cycle = |seconds: f64| seconds * 1000.0 / f64::from(CYCLES);
    let cpu = per_cycle(cpu_seconds()? - cpu);
    println!("{series} series, {cpu:.3} ms CPU, {:.3} ms in all", per_cycle(started.elapsed().as_secs_f64()));
    Ok(())
}

/// What all threads of this process have run so far; the first number of `schedstat` is in nanoseconds.
fn cpu_seconds() -> Result<f64, Box<dyn Error>> {
    let mut seconds = 0.0;
    for thread in fs::read_dir("/proc/self/task")? {
        let text = fs::read_to_string(thread?.path().join("schedstat"))?;
        seconds += text.split(' ').next().unwrap_or("").parse::<f64>()? / 1e9;
    }
    Ok(seconds)
}
