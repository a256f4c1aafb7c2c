use super::*;
use std::os::unix::process::ExitStatusExt;

const PATIENCE: Duration = Duration::from_secs(10);

fn shell(script: &str) -> Program {
    Program::new("/bin/sh").args(["-c", script])
}

async fn until_printed(process: &mut Process, text: &str, times: usize) {
    let deadline = Instant::now() + PATIENCE;
    while process.output().matches(text).count() < times {
        assert!(Instant::now() < deadline, "printed only {:?}", process.output());
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

fn exists(process: u32) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    !state.is_empty() && !state.contains(") Z ")
}

#[tokio::test]
async fn both_outputs_are_kept_across_restarts() {
    let mut process = Process::start(shell("echo out; echo err >&2; exec sleep 1000"));
    until_printed(&mut process, "err", 1).await;
    let first = process.id();
    process.restart();
    until_printed(&mut process, "err", 2).await;
    assert_ne!(first, process.id());
    assert_eq!(process.output(), "out\nerr\nout\nerr\n");
}

#[tokio::test]
async fn a_dropped_process_takes_its_grandchildren_along() {
    let mut process = Process::start(shell("sleep 1000 & echo child $!; wait"));
    until_printed(&mut process, "child", 1).await;
    let grandchild = process.output().trim().rsplit(' ').next().unwrap().parse().unwrap();
    assert!(exists(grandchild));
    drop(process);
    let deadline = Instant::now() + PATIENCE;
    while exists(grandchild) {
        assert!(Instant::now() < deadline, "the grandchild lives on");
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

#[tokio::test]
async fn sigterm_is_answered_by_the_programs_own_exit_code() {
    let mut process = Process::start(shell("trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done"));
    until_printed(&mut process, "ready", 1).await;
    assert_eq!(process.term(PATIENCE).await.code(), Some(7));
    assert!(!process.is_running());
    process.start_again();
    until_printed(&mut process, "ready", 2).await;
    assert_eq!(process.end_by(Signal::SIGKILL, PATIENCE).await.signal(), Some(9));
}

#[tokio::test]
async fn a_paused_process_does_nothing_until_it_is_resumed() {
    let mut process = Process::start(shell("while :; do echo tick; sleep 0.01; done"));
    until_printed(&mut process, "tick", 1).await;
    process.pause();
    let stat = format!("/proc/{}/stat", process.id());
    let deadline = Instant::now() + PATIENCE;
    // D: it waits for a child of its own that was stopped between fork and exec.
    let stands = |stat: String| stat.contains(") T ") || stat.contains(") D ");
    while !stands(std::fs::read_to_string(&stat).unwrap()) {
        assert!(Instant::now() < deadline, "it was not stopped");
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    let frozen = process.output().matches("tick").count();
    process.resume();
    until_printed(&mut process, "tick", frozen + 2).await;
}

#[tokio::test]
#[should_panic(expected = "ended with exit status: 3 before it was ready; it printed:\nno such luck")]
async fn a_program_that_ends_early_tells_its_story() {
    let mut process = Process::start(shell("echo no such luck; exit 3"));
    process.until(PATIENCE, async || false).await;
}

#[test]
fn the_environment_and_directory_are_those_asked_for() {
    let printed = shell("echo $WORD $HOME; pwd").clean_env().env("WORD", "hello").directory("/").run();
    assert_eq!(printed, "hello\n/\n");
}
