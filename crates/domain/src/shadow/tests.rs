//! Both sides drawn, a character for each interval of a minute: `F` firing, `p` pending, `.` neither.

use std::collections::BTreeSet;

use super::*;
use crate::event::EventState;

const MINUTE: Span = Span::from_secs(60);
const LENGTH: i64 = 20;

fn at(minute: i64) -> Timestamp {
    Timestamp::from_timestamp(1_800_000_000 + 60 * minute, 0).unwrap()
}

fn labels(instance: &str) -> Labels {
    Labels::from([("alertname", "Down"), ("instance", instance), ("severity", "page")])
}

fn subject(name: &str) -> Subject {
    Subject {
        id: RuleId::random(),
        name: name.to_owned(),
        labels: Labels::from([("severity", "page"), ("owner", "{{ $labels.team }}")]),
        interval: MINUTE,
        made_at: at(-1_000),
        changed_at: at(-1_000),
        evaluated_at: Some(at(LENGTH)),
        is_active: true,
        last_error: None,
        happened: Vec::new(),
        open: Vec::new(),
    }
}

fn scope() -> Scope {
    let window = Window { from: at(0), to: at(LENGTH) };
    Scope { window, watched: Watched::Firing, ignored: Ignored::default() }
}

/// What history keeps of an alert whose life is drawn, `for` and all.
fn live(subject: &mut Subject, labels: &Labels, drawn: &str) {
    let (mut active_at, mut fired_at) = (None, None);
    for (minute, mark) in (0..).zip(drawn.chars()) {
        let slot = at(minute);
        let to = match (mark, active_at, fired_at) {
            ('p', None, _) => Some(EventState::Pending),
            ('F', _, None) => Some(EventState::Firing),
            ('.', Some(_), None) => Some(EventState::Inactive),
            ('.', _, Some(_)) => Some(EventState::Resolved),
            _ => None,
        };
        let Some(to) = to else { continue };
        let since = *active_at.get_or_insert(slot);
        if to == EventState::Firing {
            fired_at = Some(slot);
        }
        let labels = labels.clone();
        subject.happened.push(Happened { labels, to, at: slot, active_at: since, starts_at: fired_at });
        if mark == '.' {
            (active_at, fired_at) = (None, None);
        }
    }
    if let Some(active_at) = active_at {
        subject.open.push(OpenAlert { labels: labels.clone(), active_at, fired_at });
    }
    subject.happened.sort_by_key(|event| event.at);
}

/// The series of an alert whose life is drawn, a fraction of a minute later than here.
fn series(labels: &Labels, drawn: &str) -> AlertSeries {
    let late = Span::from_millis(20_250).chrono();
    let times = (0..).zip(drawn.chars()).filter(|(_, mark)| *mark == 'F').map(|(minute, _)| at(minute) + late);
    let mut labels = labels.clone();
    labels.set("__name__", "ALERTS");
    labels.set("alertstate", "firing");
    let mut samples = Samples::new(MINUTE);
    samples.add(labels, times);
    samples.into_series().remove(0)
}

fn evidence(here: &str, there: &str) -> Evidence {
    let mut subject = subject("Down");
    live(&mut subject, &labels("a"), here);
    Evidence { subjects: vec![subject], there: vec![series(&labels("a"), there)], ..Evidence::default() }
}

/// Each finding in a word or two.
fn told(evidence: &Evidence, scope: &Scope) -> Vec<String> {
    let report = compare(evidence, scope);
    let line = |finding: &Finding| {
        let reason = finding.reason.as_ref().map(|reason| format!(": {}", reason.as_str())).unwrap_or_default();
        format!("{}{reason}", finding.verdict)
    };
    report.findings.iter().map(line).collect()
}

#[test]
fn both_sides_agree_within_what_their_phases_allow() {
    for (case, here, there, expected) in [
        ("nothing", "....................", "....................", &[][..]),
        ("the same", "....FFFFF...........", "....FFFFF...........", &["same"]),
        ("two intervals apart", "....FFFFFFFFF.......", "..FFFFFFFFFFFF......", &["same"]),
        ("longer at the beginning", "......FFFFFFF.......", "..FFFFFFFFFFF.......", &["shifted: unexplained"]),
        ("longer at the end", "..FFFFFF............", "..FFFFFFFFFF........", &["shifted: unexplained"]),
        ("still on both sides", "..........FFFFFFFFFF", "..........FFFFFFFFFF", &["same"]),
        ("ended a moment ago", "..........FFFFFFFFF.", "..........FFFFFFFFFF", &["same"]),
        ("ended long ago", "..........FF........", "..........FFFFFFFFFF", &["shifted: unexplained"]),
        ("only here", ".....FFFFF..........", "....................", &["only_here: nothing_there"]),
        ("only there", "....................", ".....FFFFF..........", &["only_there: unexplained"]),
        ("for a moment here", ".....FF.............", "....................", &["only_here: brief"]),
        ("for a moment there", "....................", ".....F..............", &["only_there: brief"]),
        ("a moment apart", ".....F..............", "......F.............", &["same"]),
        ("just now there", "....................", "..................FF", &["only_there: edge"]),
        ("until just now here", "FF..................", "....................", &["only_here: edge"]),
        ("twice", "..FFFF......FFFF....", "..FFFF......FFFF....", &["same", "same"]),
        ("the second time only", "..FFFF......FFFF....", "............FFFF....", &["only_here: unexplained", "same"]),
        ("an evaluation was missed there", "..FFFFFFFFF.........", "..FFFF.FFFF.........", &["same"]),
        ("it flapped for one interval here", "..FFFF.FFFF.........", "..FFFFFFFFF.........", &["same"]),
        (
            "one there, two here",
            "..FFFF....FFFF......",
            "..FFFFFFFFFFFF......",
            &["shifted: unexplained", "only_here: part_of_one"],
        ),
        (
            "one here, two there",
            "..FFFFFFFFFFFF......",
            "..FFFF....FFFF......",
            &["shifted: unexplained", "only_there: part_of_one"],
        ),
    ] {
        assert_eq!(told(&evidence(here, there), &scope()), expected, "{case}");
    }
}

#[test]
fn times_are_told_and_how_far_they_are_apart() {
    let report = compare(&evidence("....FFFFF...........", "....FFFFF..........."), &scope());
    let finding = &report.findings[0];
    assert_eq!(finding.here, Some(Episode { begin: at(4), end: Some(at(9)) }));
    let late = Span::from_millis(20_250).chrono();
    assert_eq!(finding.there, Some(Episode { begin: at(4) + late, end: Some(at(9) + late) }));
    assert_eq!((finding.began_later_ms, finding.ended_later_ms), (Some(-20_250), Some(-20_250)));
    assert_eq!(finding.labels, labels("a"));
    assert_eq!(report.tally(), Tally { same: 1, ..Tally::default() });
    assert!(report.by_rule()[&finding.rule].is_clean());

    let all_the_time = compare(&evidence("FFFFFFFFFFFFFFFFFFFF", "FFFFFFFFFFFFFFFFFFFF"), &scope());
    let finding = &all_the_time.findings[0];
    assert_eq!((finding.began_later_ms, finding.ended_later_ms), (None, None), "neither is within the window");
    assert_eq!(finding.here, Some(Episode { begin: at(0), end: None }));
}

#[test]
fn what_began_before_the_window_is_known_by_its_end_and_by_what_is_open() {
    let window = Window { from: at(10), to: at(LENGTH) };
    for (here, begin, end) in [
        ("..FFFFFFFFFFF.......", 2, Some(13)),
        ("..FFFFFFFFFFFFFFFFFF", 2, None),
        ("ppppFFFFFFFFFFFFF...", 4, Some(17)),
    ] {
        let mut subject = subject("Down");
        live(&mut subject, &labels("a"), here);
        subject.happened.retain(|event| event.at >= window.from);
        let recorded = episode::recorded(Watched::Firing, &subject.happened, &subject.open);
        let expected = Episode { begin: at(begin), end: end.map(at) };
        assert_eq!(recorded.values().flatten().collect::<Vec<_>>(), [&expected], "{here}");
    }
}

#[test]
fn pending_is_compared_by_itself() {
    let mut subject = subject("Down");
    for (instance, drawn) in
        [("a", "..pppFFF..pp........"), ("b", "..FFF..............."), ("c", ".................ppp")]
    {
        live(&mut subject, &labels(instance), drawn);
    }
    let recorded = episode::recorded(Watched::Pending, &subject.happened, &subject.open);
    let of = |instance: &str| recorded.get(&labels(instance)).cloned().unwrap_or_default();
    let episode = |begin, end: Option<i64>| Episode { begin: at(begin), end: end.map(at) };
    assert_eq!(of("a"), [episode(2, Some(5)), episode(10, Some(12))]);
    assert_eq!(of("b"), []);
    assert_eq!(of("c"), [episode(17, None)]);
}

#[test]
fn what_is_known_of_a_rule_says_why_its_alert_is_missing_here() {
    let there = ".....FFFFFFFF.......";
    let with = |change: &dyn Fn(&mut Evidence)| {
        let mut evidence = evidence("....................", there);
        change(&mut evidence);
        told(&evidence, &scope())
    };
    let outage = Episode { begin: at(7), end: Some(at(8)) };
    assert_eq!(with(&|evidence| evidence.subjects[0].is_active = false), ["only_there: switched_off"]);
    assert_eq!(with(&|evidence| evidence.subjects[0].made_at = at(9)), ["only_there: made_later"]);
    assert_eq!(with(&|evidence| evidence.outages = vec![outage]), ["only_there: source_down"]);
    assert_eq!(with(&|evidence| evidence.subjects[0].evaluated_at = Some(at(3))), ["only_there: not_evaluated"]);
    assert_eq!(with(&|evidence| evidence.subjects[0].evaluated_at = None), ["only_there: not_evaluated"]);
    assert_eq!(with(&|evidence| evidence.subjects[0].last_error = Some("boo".into())), ["only_there: failing"]);
    assert_eq!(with(&|evidence| evidence.subjects[0].changed_at = at(15)), ["only_there: edited"]);
    let mut late = evidence("..........FFFFFFFFFF", "..FFFFFFFFFFFFFFFFFF");
    late.subjects[0].made_at = at(9);
    assert_eq!(told(&late, &scope()), ["shifted: made_later"]);
}

#[test]
fn while_the_data_source_is_down_that_prometheus_writes_nothing() {
    let (same, shifted, part) = ("same", "shifted: source_down", "only_there: part_of_one");
    for (case, here, there, (down, up), expected) in [
        ("it was restarted", "..FFFFFFFFFFFF......", "..FFFF....FFFF......", (6, Some(10)), &[same][..]),
        ("and Vigil saw less of it", "..FFFFFFFFFFFF......", "..FFFF....FFFF......", (8, Some(9)), &[same]),
        ("the gap is longer", "..FFFFFFFFFFFF......", "..F........FFF......", (6, Some(7)), &[shifted, part]),
        ("it is down still", "..FFFFFFFFFFFFFFFFFF", "..FFFF..............", (7, None), &[shifted]),
        ("it ended then", "..FFFFFFFFFF........", "..FFFF..............", (6, Some(12)), &[shifted]),
        ("only Vigil was cut off", "............FFFF....", "......FFFFFFFFFF....", (4, Some(12)), &[shifted]),
    ] {
        let mut both = evidence(here, there);
        both.outages = vec![Episode { begin: at(down), end: up.map(at) }];
        assert_eq!(told(&both, &scope()), expected, "{case}");
    }
}

#[test]
fn a_rule_that_was_renamed_has_the_alerts_of_its_former_name() {
    let mut both = evidence("....FFFF............", "....FFFF............");
    both.subjects[0].name = "Gone".to_owned();
    let mut new = labels("a");
    new.set("alertname", "Gone");
    live(&mut both.subjects[0], &new, "..........FFFF......");
    both.there.push(series(&new, "..........FFFF......"));
    assert_eq!(told(&both, &scope()), ["same", "same"]);
    assert!(compare(&both, &scope()).unknown.is_empty());
}

#[test]
fn rules_that_are_alike_share_their_alerts() {
    let mut both = evidence("....FFFF............", "....FFFF............");
    let mut twin = subject("Down");
    live(&mut twin, &labels("a"), "....FFFF............");
    both.subjects.push(twin);
    assert_eq!(told(&both, &scope()), ["same", "same"]);
}

#[test]
fn samples_without_a_gap_are_kept_as_one_run() {
    let mut samples = Samples::new(MINUTE);
    let after = |second: i64| at(0) + chrono::TimeDelta::seconds(second);
    samples.add(labels("a"), [0, 15, 120].map(after));
    samples.add(labels("b"), []);
    samples.add(labels("a"), [120, 241, 363].map(after));
    let runs = [(0, 241), (363, 363)].map(|(first, last)| Run { first: after(first), last: after(last) });
    let found = samples.clone().into_series();
    assert_eq!((samples.count(), &found[0].runs[..], &found[1].runs[..]), (2, &runs[..], &[][..]));
}

#[test]
fn an_alert_with_other_labels_is_named_on_both_sides() {
    let mut both = evidence("....FFFFFFFF........", "....................");
    both.there = vec![series(&labels("b"), "....FFFFFFFF........"), series(&labels("z"), "................FFFF")];
    let report = compare(&both, &scope());
    let reasons: Vec<_> = report.findings.iter().map(|finding| (finding.verdict, finding.reason.clone())).collect();
    let other = Some(Reason::OtherLabels(vec!["instance".to_owned()]));
    let expected = [
        (Verdict::OnlyHere, other.clone()),
        (Verdict::OnlyThere, other),
        (Verdict::OnlyThere, Some(Reason::Unexplained)),
    ];
    assert_eq!(reasons, expected);
}

#[test]
fn labels_that_another_program_adds_are_ignored() {
    let drawn = "....FFFFFFFF........";
    let mut both = evidence(drawn, "....................");
    let mut added = labels("a");
    for (name, value) in [("replica", "1"), ("cluster", "eu"), ("owner", "{{ $labels.team }}")] {
        added.set(name, value);
    }
    let mut second = added.clone();
    second.set("replica", "2");
    both.there = vec![series(&added, "....FFFF............"), series(&second, "......FFFFFF........")];
    let mut scope = scope();
    scope.ignored = Ignored { names: ["replica".to_owned()].into(), external: Labels::from([("cluster", "eu")]) };
    assert_eq!(told(&both, &scope), ["same"], "two replicas are one series");
    scope.ignored.external = Labels::from([("cluster", "us")]);
    assert_eq!(told(&both, &scope), ["only_there: other_labels", "only_here: other_labels"]);
}

#[test]
fn an_alert_there_belongs_to_the_rule_whose_labels_it_has() {
    let drawn = "....FFFFFFFF........";
    let mut warning = subject("Down");
    warning.labels = Labels::from([("severity", "warning")]);
    let page = subject("Down");
    let mut theirs = labels("a");
    theirs.set("severity", "warning");
    let unknown = Labels::from([("alertname", "Nobody")]);
    let rules = [page.id, warning.id];
    let mut both = Evidence { subjects: vec![page, warning], ..Evidence::default() };
    both.there = vec![series(&labels("a"), drawn), series(&theirs, drawn), series(&unknown, drawn)];
    let report = compare(&both, &scope());
    assert_eq!(report.findings.iter().map(|finding| finding.rule).collect::<Vec<_>>(), rules);
    assert_eq!(report.unknown.into_iter().collect::<Vec<_>>(), [("Nobody".to_owned(), 1)]);

    // What another rule here may have is that one's, and not compared.
    both.subjects.truncate(1);
    both.others = BTreeSet::from(["Down".to_owned(), "Nobody".to_owned()]);
    let report = compare(&both, &scope());
    assert_eq!((report.findings.len(), report.unknown.len()), (1, 0));
}

#[test]
fn a_label_that_makes_no_difference_does_not_part_a_rule_from_its_alerts() {
    let mut warning = subject("Down");
    warning.labels = Labels::from([("severity", "warning")]);
    let mut page = subject("Down");
    page.labels.set("region", "eu");
    let mut theirs = labels("a");
    theirs.set("region", "eu");
    let there = vec![series(&theirs, "....FFFFFFFF........")];
    let both = Evidence { subjects: vec![warning, page], there, ..Evidence::default() };
    let mut scope = scope();
    scope.ignored = Ignored { names: ["alertname".to_owned()].into(), external: Labels::from([("region", "eu")]) };
    assert_eq!(compare(&both, &scope).findings[0].rule, both.subjects[1].id);
}

#[test]
fn one_word_is_enough_for_shadow() {
    for mask in 0..8_u8 {
        let [rule, group, namespace] = [1, 2, 4].map(|bit| mask & bit != 0);
        assert_eq!(Shadow { rule, group, namespace }.is_on(), mask != 0, "{mask}");
    }
}

#[test]
fn names_are_asked_for_by_pattern_a_few_kilobytes_at_a_time() {
    assert_eq!(selectors(Watched::Firing, None), [r#"ALERTS{alertstate="firing"}"#]);
    let names = BTreeSet::from(["Down", "a.b|c", "say \"no\""]);
    let expected = r#"ALERTS{alertname=~"Down|a\\.b\\|c|say \"no\"",alertstate="pending"}"#;
    assert_eq!(selectors(Watched::Pending, Some(&names)), [expected]);
    let many: Vec<String> = (0..2_000).map(|n| format!("AnAlert{n}")).collect();
    let asked = selectors(Watched::Firing, Some(&many.iter().map(String::as_str).collect()));
    assert!(asked.len() > 4 && asked.iter().all(|selector| selector.len() < 5_000), "{}", asked.len());
    assert!(asked.iter().all(|selector| crate::promql::parse(selector).is_ok()));
}

#[test]
fn every_reason_has_its_word_and_a_text() {
    let reasons = [
        Reason::OtherLabels(vec!["a".to_owned(), "b".to_owned()]),
        Reason::PartOfOne,
        Reason::Edge,
        Reason::Brief,
        Reason::NothingThere,
        Reason::MadeLater(at(0)),
        Reason::SwitchedOff,
        Reason::SourceDown,
        Reason::NotEvaluated(None),
        Reason::Failing("boo".to_owned()),
        Reason::Edited(at(0)),
        Reason::Unexplained,
    ];
    assert_eq!(reasons.each_ref().map(Reason::as_str), Reason::WORDS);
    assert_eq!(reasons[0].to_string(), "the other side has it with other values of a, b");
    assert_eq!(reasons[5].to_string(), "the rule was made here at 2027-01-15T08:00:00Z");
}
