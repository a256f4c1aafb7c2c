//! The lists of queries beside this file, read.

/// A query, and under which heading it stands.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) heading: String,
    pub(super) expr: String,
}

/// A query that Prometheus 2.42 and 3 answer differently: lines of series, `nothing` or `refused`.
#[derive(Clone, Debug)]
pub(super) struct Difference {
    pub(super) why: String,
    pub(super) expr: String,
    pub(super) of_two: String,
    pub(super) of_three: String,
}

/// One query a line, below headings that begin with `##`. Other lines with `#` are comments.
pub(super) fn cases(text: &str) -> Vec<Case> {
    let mut heading = String::new();
    let mut cases = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match (line.strip_prefix("##"), line.starts_with('#')) {
            (Some(words), _) => words.trim().clone_into(&mut heading),
            (None, true) => {}
            (None, false) => cases.push(Case { heading: heading.clone(), expr: line.to_owned() }),
        }
    }
    assert!(cases.iter().all(|case| !case.heading.is_empty()), "every query has a heading");
    cases
}

/// Queries below a `#` comment that says why they differ, each followed by indented lines that begin with `2.x` and `3.x`.
pub(super) fn differences(text: &str) -> Vec<Difference> {
    let mut why = String::new();
    let mut is_new_reason = true;
    let mut found: Vec<Difference> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        if let Some(words) = line.strip_prefix('#') {
            if is_new_reason {
                why.clear();
            }
            is_new_reason = false;
            why = format!("{why} {}", words.trim()).trim().to_owned();
        } else if let Some(answer) = line.strip_prefix("  ") {
            let last = found.last_mut().expect("an answer follows a query");
            match answer.split_once(' ') {
                Some(("2.x", series)) => add(&mut last.of_two, series),
                Some(("3.x", series)) => add(&mut last.of_three, series),
                _ => panic!("{line}: neither of 2.x nor of 3.x"),
            }
        } else {
            is_new_reason = true;
            let (why, expr) = (why.clone(), line.to_owned());
            found.push(Difference { why, expr, of_two: String::new(), of_three: String::new() });
        }
    }
    for one in &found {
        assert!(!one.why.is_empty() && !one.of_two.is_empty() && !one.of_three.is_empty(), "{one:?}");
        assert_ne!(one.of_two, one.of_three, "{}", one.expr);
    }
    found
}

fn add(lines: &mut String, line: &str) {
    if !lines.is_empty() {
        lines.push('\n');
    }
    lines.push_str(line.trim());
}
