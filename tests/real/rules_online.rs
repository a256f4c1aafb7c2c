//! `vigil rules check` against what a data source has: Debian's Prometheus, which scrapes this machine each second, and
//! the same behind a Vigil.

use vigil_tests::installation::{Installation, Layout};

use crate::{Machine, rules_client::shell::Shell};

const RULES: &str = r#"groups:
- name: g
  rules:
  - {alert: Fine, for: 1m, expr: 'up{job="node"} == 0'}
  - {alert: Metric, for: 1m, expr: node_lod1 > 1}
  - {alert: Value, for: 1m, expr: 'up{job="nodes"} == 0'}
  - {alert: Label, for: 1m, expr: 'up{jb="node"} == 0'}
  - {alert: LeftOut, for: 1m, expr: 'up{jb!="x"} == 0'}
  - {alert: Another, for: 1m, expr: 'node_cpu_seconds_total{mode="idle",cpu="none"} > 0'}
  - {alert: Absent, for: 1m, expr: 'absent(nothing_of_the_kind{job="x"})'}
  - {alert: Either, for: 1m, expr: up == 0 or nothing_of_the_kind}
  - {record: 'job:up:sum', expr: sum by (job) (up)}
  - {alert: Own, for: 1m, expr: 'job:up:sum{job="none"} < 1 or ALERTS{alertname="none"} > 1'}
  - {record: 'cpu:rate', expr: 'rate(node_cpu_seconds_total[1s])'}
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_data_source_does_not_have_is_told_with_its_reason() {
    let machine = Machine::scraped().await;
    machine.prometheus.until_present("count_over_time(node_cpu_seconds_total[30s]) > 4").await;
    let url = machine.prometheus.url();
    let shell = Shell::new();
    let file = shell.home.write("rules.yml", RULES).display().to_string();
    let alone = shell.run(&["rules", "check", "--lint-fatal", &file]);
    assert!(alone.is_success() && !alone.out.contains("[warning]"), "{alone:?}");

    let asked = shell.run(&["rules", "check", "--datasource", url, "--lookback", "1h", &file]);
    assert_eq!((asked.status, asked.err.as_str()), (Some(0), ""), "{}", asked.out);
    for told in [
        r#""Metric": `node_lod1` finds nothing: no metric is called node_lod1; node_load1"#,
        r#""Value": `up{job="nodes"}` finds nothing: no series of up has job="nodes"; "node" is almost that (never-matching)"#,
        r#""Label": `up{jb="node"}` finds nothing: no series of up has a label jb; job is almost that (never-matching)"#,
        r#""LeftOut": in `up{jb!="x"}`: no series of up has a label jb; job is almost that (spelling)"#,
        r#"finds nothing: no series of node_cpu_seconds_total{mode="idle"} has cpu="none"; there "#,
        "rate(node_cpu_seconds_total[1s]) needs two samples, and 1s is less than two scrapes 1s apart (short-range)",
    ] {
        assert!(asked.out.contains(told), "{told}\n{}", asked.out);
    }
    assert_eq!(asked.out.matches("[warning]").count(), 6, "{}", asked.out);
    let fatal = shell.run(&["rules", "check", "--datasource", url, "--lint-fatal", &file]);
    assert_eq!(fatal.status, Some(3), "{}", fatal.out);

    let vigil = Installation::start(Layout::OneProcess, url, &[]).await;
    let viewer = Shell::signed_in(&vigil, "viewer").await;
    let online = viewer.run(&["rules", "check", "--online", "--lookback", "1h", &file]);
    assert_eq!((online.out, online.err.as_str()), (asked.out, ""), "a Vigil passes the questions on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_data_source_that_does_not_answer_is_one_error() {
    let shell = Shell::new();
    let file = shell.home.write("rules.yml", RULES).display().to_string();
    let away = shell.run(&["rules", "check", "--datasource", "http://me:s3cret@127.0.0.1:9", &file, &file]);
    assert_eq!((away.status, away.err.lines().count()), (Some(1), 1), "{}", away.err);
    let told = "vigil: ask http://127.0.0.1:9 what it has: data source unreachable: ";
    assert!(away.err.starts_with(told), "{}", away.err);
    assert_eq!(away.out.matches("  SUCCESS: 11 rules found\n").count(), 2, "{}", away.out);
    assert!(!away.err.contains("s3cret"), "{}", away.err);

    let nobody = shell.run(&["rules", "check", "--online", &file]);
    let told = "which Vigil? Sign in with `vigil login URL`";
    assert!(nobody.status == Some(1) && nobody.err.contains(told), "{nobody:?}");
    let vigil = Installation::on_its_own().await;
    let stranger = shell.with("VIGIL_URL", &vigil.api.url).with("VIGIL_TOKEN", "none of its keys");
    let refused = stranger.run(&["rules", "check", "--online", &file]);
    assert!(refused.status == Some(1) && refused.err.contains("refused the credentials (status 401)"), "{refused:?}");
}
