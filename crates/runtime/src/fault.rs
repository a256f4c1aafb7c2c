//! Named steps at which a crash test ends the process.
//!
//! Jobs call [`step`] between the things that must survive a crash. In a normal build that is nothing at all. With the
//! cargo feature `faults` of this crate two environment variables, read once, give the steps a meaning:
//!
//! - `FAULT_AT=name` or `FAULT_AT=name:n`: the process gets `SIGKILL` the first (or `n`-th) time it reaches the step.
//! - `FAULT_PAUSE=name:millis`: the thread sleeps there each time, blocking, so that a test can act meanwhile.
//!
//! A variable that cannot be read as one of these ends the program at the first step: a crash test must not pass
//! because of a typing mistake.

/// Marks that the process has got as far as `name`.
#[cfg(not(feature = "faults"))]
#[inline(always)]
pub fn step(_name: &'static str) {}

#[cfg(feature = "faults")]
pub use active::step;

#[cfg(feature = "faults")]
mod active {
    use std::ffi::OsStr;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;

    /// `name` and the number behind it.
    #[derive(Debug, PartialEq)]
    pub(super) struct Mark {
        pub(super) name: String,
        pub(super) number: u64,
    }

    #[derive(Default)]
    struct Plan {
        crash: Option<Mark>,
        pause: Option<Mark>,
        reached: AtomicU64,
    }

    static PLAN: OnceLock<Plan> = OnceLock::new();

    /// Marks that the process has got as far as `name`; ends or delays it there when the environment says so.
    ///
    /// # Panics
    ///
    /// When `FAULT_AT` or `FAULT_PAUSE` is set and unreadable.
    pub fn step(name: &'static str) {
        let plan = PLAN.get_or_init(|| Plan {
            crash: from_environment("FAULT_AT", Some(1)),
            pause: from_environment("FAULT_PAUSE", None),
            reached: AtomicU64::new(0),
        });
        if let Some(pause) = plan.pause.as_ref().filter(|pause| pause.name == name) {
            std::thread::sleep(Duration::from_millis(pause.number));
        }
        if let Some(crash) = plan.crash.as_ref().filter(|crash| crash.name == name)
            && plan.reached.fetch_add(1, Ordering::SeqCst) + 1 == crash.number
        {
            kill(Pid::this(), Signal::SIGKILL).expect("a process may kill itself");
        }
    }

    fn from_environment(variable: &str, default: Option<u64>) -> Option<Mark> {
        let text = std::env::var_os(variable)?;
        let mark = parse(&text, default);
        assert!(mark.is_some(), "{variable} must be `name` or `name:number`, not {text:?}");
        mark
    }

    /// Reads `name:number`, or `name` where the number has a default. `None` when it is neither.
    pub(super) fn parse(text: &OsStr, default: Option<u64>) -> Option<Mark> {
        let text = text.to_str()?;
        let (name, number) = match text.rsplit_once(':') {
            Some((name, number)) => (name, number.parse().ok()?),
            None => (text, default?),
        };
        (!name.is_empty() && number > 0).then(|| Mark { name: name.to_owned(), number })
    }
}

#[cfg(all(test, feature = "faults"))]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    use super::active::{Mark, parse};
    use super::step;

    #[test]
    fn marks_are_a_name_and_a_number() {
        let mark = |name: &str, number| Some(Mark { name: name.to_owned(), number });
        assert_eq!(parse("deliver.sent".as_ref(), Some(1)), mark("deliver.sent", 1));
        assert_eq!(parse("deliver.sent:3".as_ref(), Some(1)), mark("deliver.sent", 3));
        for unreadable in ["", ":", ":2", "deliver.sent:", "deliver.sent:0", "deliver.sent:x"] {
            assert_eq!(parse(unreadable.as_ref(), Some(1)), None, "{unreadable}");
        }
        assert_eq!(parse("deliver.sent".as_ref(), None), None, "a pause needs its length");
    }

    /// Runs itself as another process, which is killed at the second visit to `b`.
    #[test]
    fn the_process_is_killed_at_the_named_visit() {
        if std::env::var_os("FAULT_AT").is_some() {
            for name in ["a", "b", "a", "b", "c"] {
                println!("at {name}");
                step(name);
            }
            return;
        }
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", "fault::tests::the_process_is_killed_at_the_named_visit"])
            .env("FAULT_AT", "b:2")
            .output()
            .unwrap();
        assert_eq!(child.status.signal(), Some(9));
        let printed = String::from_utf8(child.stdout).unwrap();
        assert_eq!(printed.matches("at b").count(), 2, "{printed}");
        assert!(!printed.contains("at c"), "{printed}");
    }
}
