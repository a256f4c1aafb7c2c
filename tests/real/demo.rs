//! `vigil demo`, as a newcomer runs it, and with a Telegram chat to tell.

use vigil_tests::{
    app::{BOT_TOKEN, CHAT},
    fakes::FakeTelegram,
    process::{Process, Program},
    programs,
    scratch::Scratch,
};

use crate::PATIENCE;

/// What is said at each step, in this order.
const STEPS: [&str; 9] = ["metric", "rule", "metric", "pending", "firing", "told", "metric", "resolved", "told"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_plays_an_incident_says_each_step_and_leaves_nothing() {
    let home = Scratch::new();
    let demo = Program::new(programs::workspace("vigil")).arg("demo").clean_env().directory(home.path());
    let output = played(demo).await;
    assert_eq!(steps(&output), [&STEPS[..], &["done"]].concat(), "{output}");
    assert!(output.contains("Queue too long"), "the log says it too: {output}");
    assert!(output.contains("3 events, 2 notifications"), "{output}");
    assert_eq!(std::fs::read_dir(home.path()).expect("it is there").count(), 0, "something was left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_tells_a_telegram_chat() {
    let (telegram, home) = (FakeTelegram::start(), Scratch::new());
    telegram.add_token(BOT_TOKEN);
    let command = format!("printf '%s\\n' \"$TOKEN\" | \"$VIGIL\" demo --chat-id {CHAT} --bot-token-stdin");
    let demo = Program::new("/bin/sh").arg("-c").arg(command).clean_env().directory(home.path());
    let demo = demo.env("TOKEN", BOT_TOKEN).env("VIGIL", programs::workspace("vigil"));
    let output = played(demo.env("VIGIL_TELEGRAM__API_URL", telegram.url())).await;
    assert_eq!(steps(&output), [&["metric", "channel"], &STEPS[1..], &["done"]].concat(), "{output}");
    let told = telegram.wait_for(2, PATIENCE).await;
    assert!(told[0].plain.contains("Queue too long"), "{}", told[0].plain);
    assert_eq!(told.len(), 2);
}

async fn played(program: Program) -> String {
    let mut demo = Process::start(program);
    let status = demo.exited(PATIENCE).await;
    assert!(status.success(), "{}", demo.output());
    demo.output()
}

/// The second word of the lines that begin with a time, as `3.0 s  pending  …` does.
fn steps(output: &str) -> Vec<&str> {
    let words = output.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    words.filter(|words| words.get(1) == Some(&"s")).filter_map(|words| words.get(2).copied()).collect()
}
