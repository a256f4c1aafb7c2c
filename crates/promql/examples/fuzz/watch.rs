//! Notices what a case cannot report itself: that it does not end, or that it ends the process.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt as _,
    path::Path,
    process::{Command, ExitCode},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::Asked;

/// A case that takes longer is a finding.
const TOO_LONG: Duration = Duration::from_secs(5);
/// No case.
const NONE: u64 = u64::MAX;

/// Notes the case at hand where another process finds it, and ends this one when it takes too long.
pub(crate) struct Watch {
    note: Option<File>,
    case: Arc<AtomicU64>,
}

impl Watch {
    pub(crate) fn new(note: Option<&Path>) -> Self {
        let case = Arc::new(AtomicU64::new(NONE));
        let watched = Arc::clone(&case);
        thread::spawn(move || {
            let (mut last, mut since) = (NONE, Instant::now());
            loop {
                thread::sleep(Duration::from_millis(250));
                let now = watched.load(Ordering::Relaxed);
                if now != last {
                    (last, since) = (now, Instant::now());
                } else if now != NONE && since.elapsed() > TOO_LONG {
                    println!("FINDING in case {now}: it does not end within {} s", TOO_LONG.as_secs());
                    std::process::abort();
                }
            }
        });
        Self { note: note.and_then(|note| File::create(note).ok()), case }
    }

    pub(crate) fn begin(&self, case: u64) {
        self.case.store(case, Ordering::Relaxed);
        if let Some(note) = &self.note {
            // Without the note a crash is still seen, only its case is not.
            let _ = note.write_all_at(&case.to_le_bytes(), 0);
        }
    }

    pub(crate) fn end(&self) {
        self.case.store(NONE, Ordering::Relaxed);
    }
}

/// Runs the cases in a process of their own, and tells which one ended it, as a stack overflow does.
pub(crate) fn in_another_process(asked: &Asked, tell: impl Fn(u64)) -> ExitCode {
    let note = std::env::temp_dir().join(format!("promql-fuzz-{}", std::process::id()));
    let status = std::env::current_exe().and_then(|program| {
        let [seconds, seed] = [asked.seconds, asked.seed].map(|number| number.to_string());
        Command::new(program).args(["--seconds", &seconds, "--seed", &seed, "--note"]).arg(&note).status()
    });
    let case = fs::read(&note).ok().and_then(|bytes| Some(u64::from_le_bytes(bytes.try_into().ok()?)));
    let _ = fs::remove_file(&note);
    match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(status) if status.code().is_some() => ExitCode::from(1),
        Ok(status) => {
            println!("FINDING: the process ended with {status}");
            case.into_iter().for_each(tell);
            ExitCode::from(1)
        }
        Err(error) => {
            eprintln!("the process that runs the cases cannot be started: {error}");
            ExitCode::from(2)
        }
    }
}
