//! Cleans up after a test program that cannot do it itself: one that was killed, or whose servers live in statics.
//!
//! A small shell process reads from a pipe which process groups and directories exist. When the test program is gone,
//! however it went, the pipe closes: the shell ends the groups and removes the directories.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};

/// How the names of removable directories begin; the shell removes nothing else.
pub(crate) const SCRATCH_PREFIX: &str = "vigil-test-";

const SCRIPT: &str = r#"
groups=
directories=
while read -r word value; do
    case $word in
    group) groups="$groups $value" ;;
    forget) kept=; for group in $groups; do [ "$group" = "$value" ] || kept="$kept $group"; done; groups=$kept ;;
    directory) directories="$directories $value" ;;
    esac
done
alive() { for group in $groups; do kill -s 0 -- "-$group" 2>/dev/null && return 0; done; return 1; }
for group in $groups; do kill -s CONT -- "-$group"; kill -s TERM -- "-$group"; done 2>/dev/null
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do alive || break; sleep 0.1; done
for group in $groups; do kill -s KILL -- "-$group"; done 2>/dev/null
for directory in $directories; do case $directory in */vigil-test-*) rm -rf "$directory" ;; esac; done
"#;

/// Ends the process group `id` when this program is gone.
pub(crate) fn watch_group(id: u32) {
    tell(&format!("group {id}"));
}

/// The group has ended; its number may soon be another's.
pub(crate) fn forget_group(id: u32) {
    tell(&format!("forget {id}"));
}

/// Removes `path` when this program is gone.
pub(crate) fn watch_directory(path: &Path) {
    tell(&format!("directory {}", path.display()));
}

fn tell(line: &str) {
    static REAPER: LazyLock<Mutex<ChildStdin>> = LazyLock::new(|| Mutex::new(start()));
    let mut reaper = REAPER.lock().unwrap_or_else(PoisonError::into_inner);
    writeln!(reaper, "{line}").expect("the reaper reads until this program ends");
}

/// Starts the shell in a group of its own, so that an interrupt from the terminal does not reach it.
#[expect(clippy::zombie_processes, reason = "it outlives this program")]
fn start() -> ChildStdin {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", SCRIPT]).process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().expect("every system has /bin/sh");
    child.stdin.expect("its input was asked for")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;
    use std::time::{Duration, Instant};

    fn sleeper() -> std::process::Child {
        Command::new("sleep").arg("1000").process_group(0).spawn().unwrap()
    }

    #[test]
    fn a_closed_pipe_ends_watched_groups_and_removes_watched_directories() {
        let (mut watched, mut forgotten) = (sleeper(), sleeper());
        let home = tempfile::tempdir().unwrap();
        let (ours, other) = (home.path().join("vigil-test-a"), home.path().join("precious"));
        std::fs::create_dir(&ours).unwrap();
        std::fs::create_dir(&other).unwrap();

        let mut pipe = start();
        writeln!(pipe, "group {}\ngroup {}\nforget {}", watched.id(), forgotten.id(), forgotten.id()).unwrap();
        writeln!(pipe, "directory {}\ndirectory {}", ours.display(), other.display()).unwrap();
        drop(pipe);

        let deadline = Instant::now() + Duration::from_secs(10);
        while ours.exists() {
            assert!(Instant::now() < deadline, "the directory is still there");
            std::thread::sleep(Duration::from_millis(5));
        }
        let ended = watched.try_wait().unwrap().expect("directories go when their owners have ended");
        assert_eq!(ended.signal(), Some(15));
        assert!(other.exists());
        assert!(forgotten.try_wait().unwrap().is_none());
        forgotten.kill().unwrap();
        forgotten.wait().unwrap();
    }
}
