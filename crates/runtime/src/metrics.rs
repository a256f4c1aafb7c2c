//! The process's own metrics in Prometheus' text format: what the code counts, and the process itself.
//!
//! Record with the macros of the `metrics` crate; names ending in `_seconds` become histograms.

use std::fmt::Write;
use std::fs;
use std::sync::OnceLock;
use std::time::Duration;

use ::metrics::{describe_gauge, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;

/// Upper bounds of every histogram of durations, in seconds: from a cached read to a peer's timeout.
const SECONDS: [f64; 16] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// How often recorded samples are folded into the histograms, which bounds their memory.
const UPKEEP: Duration = Duration::from_secs(5);

static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();

/// Starts recording in this process. Further calls change nothing.
pub fn install() {
    handle();
}

/// Everything recorded so far and the process's own figures, in Prometheus' text format.
pub fn render() -> String {
    let mut text = handle().render();
    if let Some(process) = Process::read() {
        process.write(&mut text);
    }
    text
}

/// Keeps the recorder's memory bounded until `stop` is cancelled. Every program runs it as a task.
pub async fn upkeep(stop: CancellationToken) {
    let mut ticks = tokio::time::interval(UPKEEP);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        handle().run_upkeep();
    }
}

fn handle() -> &'static PrometheusHandle {
    HANDLE.get_or_init(|| {
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
            .expect("there are buckets");
        let handle = builder.install_recorder().expect("nothing else in the process installs a recorder");
        describe_gauge!("vigil_build_info", "1, labelled with the version of this program.");
        gauge!("vigil_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        handle
    })
}

/// What Linux knows about this process.
#[derive(Debug, PartialEq)]
struct Process {
    resident_bytes: u64,
    cpu_seconds: f64,
    start_seconds: f64,
    open_fds: u64,
}

impl Process {
    /// `None` where there is no `/proc`, or not in Linux' format.
    fn read() -> Option<Self> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let system = fs::read_to_string("/proc/stat").ok()?;
        let open_fds = u64::try_from(fs::read_dir("/proc/self/fd").ok()?.count()).ok()?;
        Self::parse(&stat, &status, &system, open_fds)
    }

    /// Fields as in `proc_pid_stat(5)`. Its times are in ticks, of which Linux shows programs 100 a second.
    fn parse(stat: &str, status: &str, system: &str, open_fds: u64) -> Option<Self> {
        const TICKS_PER_SECOND: f64 = 100.0;
        // The program's name, in parentheses, may hold spaces and parentheses; field 3 follows the last one.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
        let ticks = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
        let line = |text: &str, name: &str| {
            let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
            rest.split_ascii_whitespace().next()?.parse::<u64>().ok()
        };
        let boot_seconds = f64::from(u32::try_from(line(system, "btime ")?).ok()?);
        Some(Self {
            resident_bytes: line(status, "VmRSS:")? * 1024,
            cpu_seconds: (ticks(14)? + ticks(15)?) / TICKS_PER_SECOND,
            start_seconds: boot_seconds + ticks(22)? / TICKS_PER_SECOND,
            open_fds,
        })
    }

    fn write(&self, text: &mut String) {
        let Self { resident_bytes, cpu_seconds, start_seconds, open_fds } = self;
        write!(
            text,
            "# HELP process_cpu_seconds_total User and system CPU time spent, in seconds.\n\
             # TYPE process_cpu_seconds_total counter\n\
             process_cpu_seconds_total {cpu_seconds}\n\
             # HELP process_open_fds Number of open file descriptors.\n\
             # TYPE process_open_fds gauge\n\
             process_open_fds {open_fds}\n\
             # HELP process_resident_memory_bytes Resident memory size, in bytes.\n\
             # TYPE process_resident_memory_bytes gauge\n\
             process_resident_memory_bytes {resident_bytes}\n\
             # HELP process_start_time_seconds Start time of the process, in seconds since the Unix epoch.\n\
             # TYPE process_start_time_seconds gauge\n\
             process_start_time_seconds {start_seconds}\n"
        )
        .expect("writing to a string cannot fail");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_histograms_and_the_process_describes_itself() {
        install();
        install();
        ::metrics::histogram!("test_wait_seconds").record(0.02);
        ::metrics::counter!("test_sent_total", "channel" => "log").increment(2);
        let text = render();
        for line in [
            "test_wait_seconds_bucket{le=\"0.01\"} 0",
            "test_wait_seconds_bucket{le=\"0.025\"} 1",
            "test_sent_total{channel=\"log\"} 2",
            concat!("vigil_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
            "# TYPE process_cpu_seconds_total counter",
            "# TYPE process_start_time_seconds gauge",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        let value = |name: &str| -> f64 {
            text.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().parse().unwrap()
        };
        assert!(value("process_resident_memory_bytes ") > 100_000.0);
        assert!(value("process_open_fds ") >= 3.0);
    }

    #[test]
    fn a_program_name_with_parentheses_is_not_misread() {
        let stat = "7 (a (b) c) R 1 7 7 0 -1 4194304 101 0 0 0 250 50 0 0 20 0 1 0 4250 3133440 383 184 9";
        let process = Process::parse(stat, "Name:\ta\nVmRSS:\t    2012 kB\n", "cpu 1\nbtime 1795240173\n", 5).unwrap();
        assert_eq!(
            process,
            Process { resident_bytes: 2_060_288, cpu_seconds: 3.0, start_seconds: 1_795_240_215.5, open_fds: 5 }
        );
        assert_eq!(Process::parse("7 (a) R", "VmRSS: 1 kB", "btime 1", 5), None);
    }

    #[tokio::test]
    async fn upkeep_ends_when_told() {
        let stop = CancellationToken::new();
        let task = tokio::spawn(upkeep(stop.clone()));
        stop.cancel();
        task.await.unwrap();
    }
}
