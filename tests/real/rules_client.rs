//! The commands that talk to a running Vigil, as people and pipelines run them.

pub(crate) mod shell;

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use serde_json::json;
use vigil_tests::{
    app::{ADMIN, items, text},
    installation::{Installation, Layout},
    programs,
    scratch::Scratch,
    services::{Prometheus, User},
};

use self::shell::Shell;

/// A rule file with one group of these rules.
fn rules(yaml: &str) -> String {
    format!("groups:\n- name: g\n  rules:\n{yaml}")
}

fn down(more: &str) -> String {
    rules(&format!("  - {{alert: Down, expr: up == 0{more}}}\n"))
}

/// The namespaces that are from files.
async fn namespaces(vigil: &Installation) -> Vec<String> {
    let listed = vigil.api.get("/rule-files").await.ok();
    let names = items(&listed).iter().map(|file| text(file, "namespace"));
    names.filter(|name| name != "vigil").collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_in_keeps_a_key_until_signing_out() {
    let (vigil, shell) = (Installation::on_its_own().await, Shell::new());
    let url = vigil.api.url.as_str();
    let nobody = shell.run(&["rules", "export"]);
    assert_eq!((nobody.status, nobody.out.as_str()), (Some(1), ""));
    assert!(nobody.err.contains("which Vigil? Sign in with `vigil login URL`"), "{}", nobody.err);
    let login = ["login", url, "--username", ADMIN.0];
    let wrong = shell.fed(&login, "a wrong password\n");
    assert_eq!(wrong.status, Some(1));
    assert!(wrong.err.contains("the user name or the password is wrong"), "{}", wrong.err);
    let file = shell.home.file("config/vigil/credentials.toml");
    assert!(!file.exists());

    let signed_in = shell.fed(&login, ADMIN.1);
    assert!(signed_in.is_success() && signed_in.out.contains("(operator); the key is in "), "{signed_in:?}");
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(&file), mode(file.parent().expect("a directory"))), (0o600, 0o700));
    let kept = fs::read_to_string(&file).expect("credentials");
    assert!(kept.contains(url) && !kept.contains(ADMIN.1), "{kept}");
    let keys = vigil.api.get("/api-keys").await.ok();
    let [key] = items(&keys) else { panic!("{keys}") };
    assert_eq!((text(key, "role").as_str(), text(key, "name").starts_with("vigil on ")), ("operator", true), "{key}");
    let exported = shell.run(&["rules", "export", "--namespace", "vigil"]);
    assert!(exported.is_success() && exported.out.starts_with("groups:\n"), "{exported:?}");

    // Again: one key replaces the other. The address is the one before.
    assert!(shell.fed(&["login", "--username", ADMIN.0], ADMIN.1).is_success());
    let again = vigil.api.get("/api-keys").await.ok();
    let [other] = items(&again) else { panic!("{again}") };
    assert_ne!(other["id"], key["id"]);
    // The environment wins over the file.
    let elsewhere = shell.with("VIGIL_URL", "http://127.0.0.1:9").run(&["rules", "export"]);
    assert!(elsewhere.err.contains("there is no key for http://127.0.0.1:9"), "{}", elsewhere.err);

    let signed_out = shell.run(&["logout"]);
    assert!(signed_out.is_success() && signed_out.out.contains(&format!("Signed out of {url}")), "{signed_out:?}");
    assert!(!file.exists());
    assert_eq!(items(&vigil.api.get("/api-keys").await.ok()).len(), 0);
    assert!(shell.run(&["logout"]).out.contains("Nobody was signed in"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "one story, from the first import to the last export")]
async fn files_are_imported_all_or_none_and_every_mistake_has_its_place() {
    let vigil = Installation::on_its_own().await;
    let shell = Shell::signed_in(&vigil, "operator").await;
    let file = |name: &str, text: &str| shell.home.write(name, text).display().to_string();
    let node = file("node.yml", &down(", for: 5m"));

    let planned = shell.run(&["rules", "import", "--dry-run", &node]);
    let added = "node.yml: 1 rule to add; 1 group to add\n  + group \"g\"\n  + alert \"Down\" in group \"g\"\n";
    assert_eq!((planned.status, planned.out.as_str(), planned.err.as_str()), (Some(0), added, ""));
    assert_eq!(namespaces(&vigil).await, [""; 0]);
    let imported = shell.run(&["rules", "import", &node]);
    assert_eq!((imported.status, imported.out), (Some(0), added.replace("to add", "added")));
    file("node.yml", &down(", for: 10m"));
    let changed = shell.run(&["rules", "import", &node]);
    let told = "node.yml: 1 rule changed\n  ~ alert \"Down\" in group \"g\"\n      for: \"5m\" → \"10m\"\n";
    assert_eq!((changed.status, changed.out.as_str()), (Some(0), told));
    let same = shell.run(&["rules", "import", &node]);
    assert_eq!(same.out, "node.yml: nothing changed (1 rule)\n");

    let good = file("good.yml", &down(""));
    let bad = file(
        "bad.yml",
        &rules("  - alert: A\n    expr: sum(\n    annotation: {}\n  - record: a:b\n    expr: up\n    for: 5m\n"),
    );
    let unknown = file("unknown.yml", &down(", debug: true"));
    let missing = shell.home.file("missing.yml").display().to_string();
    let refused = shell.run(&["rules", "import", &good, &bad, &unknown, &missing]);
    assert_eq!((refused.status, refused.out.as_str()), (Some(1), ""));
    let lines: Vec<_> = refused.err.lines().collect();
    let begin = [
        format!("{missing}: no such file"),
        format!("{bad}:5:"),
        format!("{bad}:6:5: "),
        format!("{bad}:9:5: "),
        format!("{unknown}:4:"),
        "vigil: nothing was imported".to_owned(),
    ];
    assert_eq!(lines.len(), begin.len(), "{}", refused.err);
    assert!(lines.iter().zip(&begin).all(|(line, begin)| line.starts_with(begin)), "{}", refused.err);
    assert!(
        lines[2].ends_with("group \"g\", rule 1, \"A\": field annotation not found in type rulefmt.Rule"),
        "{}",
        lines[2]
    );
    assert_eq!(namespaces(&vigil).await, ["node.yml"]);

    let ops = vigil.api.create("/channels", json!({"name": "ops", "kind": "log", "config": {}})).await;
    let lenient = ["rules", "import", "--lenient", "--channel", "ops", "--channel", &ops, &good, &unknown];
    let lenient = shell.run(&lenient);
    assert!(lenient.is_success(), "{lenient:?}");
    assert!(
        lenient.err.starts_with(&format!("{unknown}:4:")) && lenient.err.trim_end().ends_with("[warning]"),
        "{}",
        lenient.err
    );
    assert_eq!(namespaces(&vigil).await, ["good.yml", "node.yml", "unknown.yml"]);
    let heard = vigil.api.get("/rules?namespace=good.yml").await.ok();
    assert_eq!(items(&heard)[0]["channel_ids"], json!([ops]), "{heard}");
    let renamed = shell.fed(&["rules", "import", "--namespace", "teams/a.yml", "-"], &down(""));
    assert!(renamed.is_success(), "{renamed:?}");

    let exported = shell.run(&["rules", "export", "--namespace", "teams/a.yml"]);
    assert!(exported.is_success() && exported.out.contains("- alert: Down\n"), "{exported:?}");
    let several = shell.run(&["rules", "export"]);
    assert!(several.status == Some(2) && several.err.contains("or give -o DIR"), "{several:?}");
    let out = shell.home.file("out").display().to_string();
    let written = shell.run(&["rules", "export", "-o", &out]);
    assert!(written.is_success(), "{written:?}");
    let exported_again = fs::read_to_string(shell.home.file("out/teams/a.yml")).expect("a file");
    assert_eq!(exported_again, exported.out);
    let again = shell.run(&["apply", "-f", &out, "--yes", "--prune"]);
    assert_eq!(
        (again.status, again.out.as_str()),
        (Some(0), "Nothing to do: 4 files are as they should be.\n"),
        "{}",
        again.err
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_is_what_vigil_has_after_it_was_applied() {
    let vigil = Installation::on_its_own().await;
    let shell = Shell::signed_in(&vigil, "operator").await;
    let folder = shell.home.file("rules");
    fs::create_dir_all(folder.join("teams/.old")).expect("our own directory");
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).expect("our own directory");
    write("node.yml", &down(""));
    write("teams/shop.yaml", &rules("  - {record: 'a:b', expr: up}\n"));
    write("teams/.old/x.yml", "no rules at all");
    let dir = folder.display().to_string();
    let apply = |more: &[&str]| shell.run(&[&["apply", "-f", &dir], more].concat());

    let unasked = apply(&[]);
    assert!(unasked.status == Some(2) && unasked.err.contains("give --yes or --dry-run"), "{unasked:?}");
    let planned = apply(&["--dry-run"]);
    assert!(planned.is_success() && planned.out.ends_with("\n2 files to import.\n"), "{planned:?}");
    assert!(
        planned.out.contains("teams/shop.yaml: 1 rule to add") && planned.out.contains("+ record \"a:b\""),
        "{planned:?}"
    );
    assert_eq!(namespaces(&vigil).await, [""; 0]);
    write("bad.yml", "groups: 5\n");
    let refused = apply(&["--yes"]);
    assert!(refused.status == Some(1) && refused.err.contains("/rules/bad.yml:1:9: "), "{refused:?}");
    assert_eq!(namespaces(&vigil).await, [""; 0]);
    fs::remove_file(folder.join("bad.yml")).expect("it is there");

    let applied = apply(&["--yes"]);
    assert!(applied.is_success() && applied.out.ends_with("\nApplied.\n"), "{applied:?}");
    assert_eq!(namespaces(&vigil).await, ["node.yml", "teams/shop.yaml"]);
    let nothing = "Nothing to do: 2 files are as they should be.\n";
    assert_eq!(apply(&["--yes", "--prune"]).out, nothing);

    // What was released is the file's again, but is not pruned while it is nobody's.
    vigil.api.post("/rule-files/node.yml/release", json!({})).await.ok();
    let retaken = apply(&["--yes"]);
    assert!(retaken.out.contains("node.yml: owns its rules again"), "{retaken:?}");
    assert_eq!(apply(&["--yes"]).out, nothing);
    fs::remove_file(folder.join("node.yml")).expect("it is there");
    let one = "Nothing to do: 1 file is as it should be.\n";
    assert_eq!(apply(&["--yes"]).out, one, "without --prune what is not there stays");
    vigil.api.post("/rule-files/node.yml/release", json!({})).await.ok();
    assert_eq!(apply(&["--yes", "--prune"]).out, one);
    vigil.api.import("node.yml", "", &down("")).await.ok();
    let starters = items(&vigil.api.get("/rules?namespace=vigil").await.ok()).len();
    let pruned = apply(&["--yes", "--prune"]);
    assert!(
        pruned.is_success() && pruned.out.contains("node.yml: 1 rule to remove; 1 group to remove\n"),
        "{pruned:?}"
    );
    assert_eq!(namespaces(&vigil).await, ["teams/shop.yaml"]);
    assert!(starters > 0);
    assert_eq!(items(&vigil.api.get("/rules?namespace=vigil").await.ok()).len(), starters);
    fs::remove_file(folder.join("teams/shop.yaml")).expect("it is there");
    let empty = apply(&["--yes", "--prune"]);
    assert!(empty.status == Some(1) && empty.err.contains("there is no *.yml or *.yaml"), "{empty:?}");
    assert_eq!(namespaces(&vigil).await, ["teams/shop.yaml"]);
}

/// As `vigil rules check rules.yml | head -0`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_nobody_reads_ends_without_a_word() {
    let shell = Shell::new();
    let file = shell.home.write("node.yml", &down("")).display().to_string();
    for args in [&["rules", "check", &file][..], &["openapi"], &["logout"]] {
        let ended = shell.unheard(args);
        assert_eq!((ended.status, ended.err.as_str()), (Some(141), ""), "{args:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_at_a_terminal_is_asked() {
    let (vigil, shell) = (Installation::on_its_own().await, Shell::new());
    let dir = shell.home.path().display().to_string();
    shell.home.write("node.yml", &down(""));
    let signed_in = shell.typed(&["login", &vigil.api.url], &format!("{}\n{}\n", ADMIN.0, ADMIN.1));
    assert!(signed_in.is_success() && signed_in.out.contains("Signed in at "), "{signed_in:?}");
    let declined = shell.typed(&["apply", "-f", &dir], "\n");
    assert!(declined.status == Some(1) && declined.out.contains("Nothing was changed."), "{declined:?}");
    assert_eq!(namespaces(&vigil).await, [""; 0]);
    let applied = shell.typed(&["apply", "-f", &dir], "yes\n");
    assert!(applied.is_success() && applied.out.contains("Applied."), "{applied:?}");
    assert_eq!(namespaces(&vigil).await, ["node.yml"]);
}

/// Every field that Prometheus 2.42 knows, with labels in the order in which they are written.
const NODE: &str = r#"groups:
- name: node
  interval: 1m30s
  limit: 7
  rules:
  - alert: Down
    expr: up == 0
    for: 5m
    keep_firing_for: 1h
    labels:
      severity: page
      tier: ""
    annotations:
      summary: '{{ $labels.instance }} is "down"'
  - record: job:up:sum
    expr: sum by (job) (up)
    labels:
      how: sum
"#;

const WEB: &str = "groups:
- name: web
  interval: 1m
  rules:
  - alert: Always
    expr: vector(1)
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rules_of_a_prometheus_come_along_and_go_back() {
    let home = Scratch::owned_by(User::for_server("prometheus"));
    home.write("node.yml", NODE);
    home.write("web.yml", &WEB.replace("  interval: 1m\n", ""));
    let files = home.path().join("*.yml").display().to_string();
    let prometheus = Prometheus::configured(&format!("rule_files: [{files:?}]\n")).await;
    let vigil = Installation::start(Layout::OneProcess, prometheus.url(), &[]).await;
    let shell = Shell::signed_in(&vigil, "operator").await;

    let imported = shell.run(&["rules", "import", "--from-prometheus", prometheus.url()]);
    assert!(imported.is_success() && imported.out.contains("node.yml: 2 rules added; 1 group added\n"), "{imported:?}");
    assert_eq!(namespaces(&vigil).await, ["node.yml", "web.yml"]);
    for (namespace, text) in [("node.yml", NODE), ("web.yml", WEB)] {
        let exported = shell.run(&["rules", "export", "--namespace", namespace, "--target", "2.42"]);
        assert_eq!((exported.status, exported.out.as_str()), (Some(0), text), "{}", exported.err);
    }
    let out = shell.home.file("out").display().to_string();
    assert!(shell.run(&["rules", "export", "--target", "2.42", "-o", &out]).is_success());
    let written = ["node.yml", "web.yml"].map(|name| shell.home.file("out").join(name));
    let promtool = shell::output(
        shell::command(&programs::debian("promtool", "prometheus")).args(["check", "rules"]).args(written),
        "",
    );
    assert!(promtool.is_success() && promtool.out.contains("SUCCESS: 2 rules found"), "{promtool:?}");

    // Vigil answers as Prometheus does, to a password and to a token: nothing changes when it reads from itself.
    let key = vigil.api.post("/api-keys", json!({"name": "x", "role": "viewer"})).await.ok();
    let own = format!("{}/prometheus/", vigil.api.url);
    let with_password = own.replace("http://", &format!("http://me:{}@", text(&key, "key")));
    let same = "node.yml: nothing changed (2 rules)\nweb.yml: nothing changed (1 rule)\n";
    let by_password = shell.run(&["rules", "import", "--from-prometheus", &with_password]);
    assert_eq!((by_password.out.as_str(), by_password.err.as_str()), (same, ""));
    let by_token = shell.run(&["rules", "import", "--from-prometheus", &own, "--bearer-token", &text(&key, "key")]);
    assert_eq!((by_token.out.as_str(), by_token.err.as_str()), (same, ""));
    let refused = shell.run(&["rules", "import", "--from-prometheus", &own]);
    assert!(refused.status == Some(1) && refused.err.contains("give --bearer-token"), "{refused:?}");
    let two = shell.run(&["rules", "import", "--from-prometheus", prometheus.url(), "--namespace", "all.yml"]);
    assert!(two.status == Some(2) && two.err.contains("has several files: node.yml, web.yml"), "{two:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stands_in_the_way_is_told_with_what_to_change() {
    let vigil = Installation::on_its_own().await;
    let viewer = Shell::signed_in(&vigil, "viewer").await;
    let node = viewer.home.write("node.yml", &down("")).display().to_string();
    let failed = |shell: &Shell, args: &[&str]| {
        let ran = shell.run(args);
        assert_eq!((ran.status, ran.out.as_str()), (Some(1), ""), "{ran:?}");
        ran.err
    };
    let import = ["rules", "import", node.as_str()];
    let told = failed(&viewer, &import);
    assert!(told.contains("your role does not allow this; sign in as somebody who may"), "{told}");
    let told = failed(&viewer.with("VIGIL_TOKEN", "vgl_unknown"), &import);
    assert!(told.contains("does not know the key: sign in with `vigil login "), "{told}");
    let told = failed(&viewer.with("VIGIL_URL", "http://127.0.0.1:9"), &import);
    assert!(
        told.contains("cannot be reached (Connection refused") && told.contains("VIGIL_URL names another"),
        "{told}"
    );
    let told = failed(&viewer.with("VIGIL_URL", "127.0.0.1:8000"), &import);
    assert!(told.contains("write it like https://"), "{told}");
    let told = failed(&viewer.with("VIGIL_URL", &format!("{}/docs", vigil.api.url)), &import);
    assert!(told.contains("is that its address?") || told.contains("sends to"), "{told}");
    let told = failed(&viewer, &["rules", "import", "--channel", "pager", &node]);
    assert!(told.contains("there is no channel \"pager\"; there are \"log\""), "{told}");
    let told = failed(&viewer, &["rules", "export", "--namespace", "missing.yml"]);
    assert!(told.contains("the rule file not found"), "{told}");
    let told = failed(&viewer, &["rules", "import", "--from-prometheus", "http://me:secret@127.0.0.1:9"]);
    assert!(told.contains("http://127.0.0.1:9 cannot be reached") && !told.contains("secret"), "{told}");
    let usage = viewer.run(&["rules", "import", &node, &node]);
    assert!(usage.status == Some(2) && usage.err.contains("would be \"node.yml\""), "{usage:?}");
}
