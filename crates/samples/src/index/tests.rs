use proptest::prelude::*;
use regex::Regex;

use super::*;

fn labels(pairs: &[(&str, &str)]) -> SeriesLabels {
    SeriesLabels::new(pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())))
}

fn hosts() -> Index {
    let mut index = Index::default();
    for pairs in [
        [("__name__", "up"), ("job", "node"), ("host", "a")].as_slice(),
        &[("__name__", "up"), ("job", "node"), ("host", "b")],
        &[("__name__", "up"), ("job", "db")],
        &[("__name__", "load"), ("job", "node"), ("host", "a")],
        &[("__name__", "load")],
    ] {
        index.register(&labels(pairs));
    }
    index
}

/// `name`, one of `= != =~ !~`, `value`.
fn matcher(name: &str, how: &str, value: &str) -> Matcher {
    let regex = || Regex::new(&format!("^(?:{value})$")).unwrap();
    let how = match how {
        "=" => Match::Equal(value.to_owned()),
        "!=" => Match::NotEqual(value.to_owned()),
        "=~" => Match::Regex(regex()),
        _ => Match::NotRegex(regex()),
    };
    Matcher { name: name.to_owned(), how }
}

#[test]
fn matchers_mean_what_they_mean_to_prometheus() {
    let index = hosts();
    for (matchers, expected) in [
        ([("job", "=", "node")].as_slice(), [0, 1, 3].as_slice()),
        (&[("job", "=", "nothing")], &[]),
        (&[("nothing", "=", "x")], &[]),
        (&[("job", "=~", "n.*|db")], &[0, 1, 2, 3]),
        (&[("job", "=~", "od")], &[]),
        (&[("job", "=~", ".+")], &[0, 1, 2, 3]),
        (&[("job", "!=", "")], &[0, 1, 2, 3]),
        // The empty value satisfies these, so they also mean series without the label.
        (&[("job", "!=", "node")], &[2, 4]),
        (&[("job", "=", "")], &[4]),
        (&[("host", "=", "")], &[2, 4]),
        (&[("host", "=~", "a|")], &[0, 2, 3, 4]),
        (&[("host", "=~", ".*")], &[0, 1, 2, 3, 4]),
        (&[("host", "!~", "a.*")], &[1, 2, 4]),
        (&[("host", "!~", ".+")], &[2, 4]),
        (&[("host", "!~", "a|")], &[1]),
        (&[("nothing", "=", "")], &[0, 1, 2, 3, 4]),
        (&[("nothing", "!=", "x")], &[0, 1, 2, 3, 4]),
        (&[("nothing", "=~", ".*")], &[0, 1, 2, 3, 4]),
        (&[("nothing", "!~", ".*")], &[]),
        // All must hold, two of one label among them.
        (&[("__name__", "=", "up"), ("host", "!=", "a")], &[1, 2]),
        (&[("__name__", "=", "up"), ("job", "=~", "node|db"), ("job", "!=", "db")], &[0, 1]),
        (&[("job", "=", "node"), ("job", "=", "db")], &[]),
        (&[], &[0, 1, 2, 3, 4]),
    ] {
        let matchers: Vec<_> = matchers.iter().map(|(name, how, value)| matcher(name, how, value)).collect();
        assert_eq!(index.matching_ids(&matchers), expected, "{matchers:?}");
    }
}

#[test]
fn a_removed_series_leaves_nothing_behind() {
    let mut index = hosts();
    index.remove(&BTreeSet::from([2, 4]));
    assert_eq!(index.len(), 3);
    assert_eq!(index.values("job"), ["node".into()]);
    assert!(index.get(&labels(&[("__name__", "load")])).is_none());
    index.remove(&BTreeSet::from([0, 1, 3]));
    assert!(index.names().is_empty());
    assert_eq!(index.register(&labels(&[("__name__", "up")])).id, 5, "numbers are not used again");
}

#[test]
fn equal_texts_are_shared() {
    let index = hosts();
    let value = |id| index.by_id(id).unwrap().labels.pairs()[2].1.clone();
    assert!(Arc::ptr_eq(&value(0), &value(1)));
}

fn any_matcher() -> impl Strategy<Value = Matcher> {
    let value = prop::sample::select(vec!["", "x", "y", "z", "x|y", ".*", ".+", "x|", "[^x]"]);
    (prop::sample::select(vec!["a", "b", "c"]), prop::sample::select(vec!["=", "!=", "=~", "!~"]), value)
        .prop_map(|(name, how, value)| matcher(name, how, value))
}

proptest! {
    #[test]
    fn the_index_finds_what_asking_each_series_finds(
        series in proptest::collection::btree_set(proptest::collection::vec(0_usize..4, 3), 0..40),
        matchers in proptest::collection::vec(any_matcher(), 0..4),
    ) {
        let mut index = Index::default();
        let mut expected = Vec::new();
        for (id, values) in (0..).zip(&series) {
            let value = |n: usize| ["", "x", "y", "z"][values[n]];
            let labels = labels(&[("__name__", "m"), ("a", value(0)), ("b", value(1)), ("c", value(2))]);
            index.register(&labels);
            if matchers.iter().all(|matcher| matcher.matches(labels.get(&matcher.name).unwrap_or(""))) {
                expected.push(id);
            }
        }
        prop_assert_eq!(index.matching_ids(&matchers), expected);
    }
}
