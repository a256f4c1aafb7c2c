//! What holds of any template, whatever it says.

#[expect(dead_code, reason = "outputs are compared elsewhere")]
mod tables;

use proptest::{prelude::*, sample::select, test_runner::RngSeed};
use tables::Scene;
use vigil_template::{Expanded, Template};

/// A text is at most 1 MiB, and each byte that is no UTF-8 becomes three.
const LARGEST: usize = 3 * 1024 * 1024;

/// The same cases in every run.
fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() }
}

fn expand(text: &str, value: f64) -> Result<Expanded, String> {
    Ok(Scene::read().expand(&Template::parse("Any", text)?, value))
}

fn expanded(text: &str, value: f64) -> String {
    match expand(text, value) {
        Ok(Expanded::Text(text)) => text,
        other => panic!("{text} expands to {other:?}"),
    }
}

/// Templates of the tables, cut at any character and put together.
fn pieces() -> impl Strategy<Value = String> {
    let cases = ["expanded.tsv", "newer.tsv"].map(tables::expansions).into_iter().flatten();
    let templates: Vec<String> = cases.map(|case| case.template).filter(|text| text.len() < 400).collect();
    let piece = (select(templates), 0_usize..40, 0_usize..40).prop_map(|(text, before, after)| {
        let keep = text.chars().count().saturating_sub(before % 7 + after % 7);
        if before < 20 { text } else { text.chars().skip(before % 7).take(keep).collect() }
    });
    prop::collection::vec(piece, 1..4).prop_map(|pieces| pieces.concat())
}

/// What can be told apart of any outcome.
fn outcome(text: &str, value: f64) -> String {
    match expand(text, value) {
        Ok(Expanded::Text(text) | Expanded::Failed(text)) => text,
        Ok(Expanded::Needs(query)) => format!("needs {query}"),
        Err(error) => error,
    }
}

fn any_value() -> impl Strategy<Value = f64> {
    any::<u64>().prop_map(f64::from_bits)
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn pieces_of_templates_come_to_the_same_twice(text in pieces(), value in any_value()) {
        let first = outcome(&text, value);
        prop_assert!(first.len() <= LARGEST, "{} bytes", first.len());
        prop_assert_eq!(first, outcome(&text, value));
    }

    #[test]
    fn any_characters_come_to_the_same_twice(text in "(\\{\\{|\\}\\}|[-a-z$.|()\"'`:=0-9 \n/*%é]|print |\\PC){0,40}") {
        prop_assert_eq!(outcome(&text, 1.0), outcome(&text, 1.0));
    }

    #[test]
    fn a_text_without_braces_stays_as_it_is(text in "[^{]{0,60}") {
        prop_assert_eq!(&expanded(&text, 1.0), &text);
    }

    #[test]
    fn a_quoted_text_is_read_back(text in "\\PC{0,30}|(?s:.){0,10}") {
        let raw = text.replace(['`', '\r'], "");
        let quoted = expanded(&format!("{{{{printf \"%q\" `{raw}`}}}}"), 1.0);
        prop_assert_eq!(&expanded(&format!("{{{{{quoted}}}}}"), 1.0), &raw);
        let ascii = expanded(&format!("{{{{printf \"%+q\" `{raw}`}}}}"), 1.0);
        prop_assert!(ascii.is_ascii());
        prop_assert_eq!(&expanded(&format!("{{{{{ascii}}}}}"), 1.0), &raw);
    }

    #[test]
    fn a_value_prints_so_that_it_is_read_back(value in any_value()) {
        for template in ["{{$value}}", "{{printf \"%g\" .Value}}", "{{printf \"%.17e\" .Value}}", "{{print .Value}}"] {
            let read: f64 = expanded(template, value).parse().unwrap();
            prop_assert!(read == value || read.is_nan() && value.is_nan(), "{} is {}", template, read);
        }
    }

    #[test]
    fn a_value_rounds_to_as_many_digits_as_rust_gives_it(value in any_value(), digits in 0_usize..30) {
        prop_assume!(value.is_finite());
        let template = format!("{{{{printf \"%.{digits}f\" .Value}}}}");
        prop_assert_eq!(expanded(&template, value), format!("{value:.digits$}"));
    }

    #[test]
    fn html_has_no_signs_left(text in "[<>&'\"a-z{}é]{0,30}") {
        let html = expanded(&format!("{{{{html `{text}`}}}}"), 1.0);
        prop_assert!(!html.contains(['<', '>', '\'', '"']), "{}", html);
        let ampersands = text.matches(['<', '>', '\'', '"', '&']).count();
        prop_assert_eq!(html.matches('&').count(), ampersands);
    }

    #[test]
    fn whole_numbers_print_as_rust_prints_them(number in any::<i64>(), width in 0_usize..30) {
        let template = format!("{{{{printf \"%d|%{width}d|%0{width}d|%-{width}d|%+d\" {number} {number} {number} {number} {number}}}}}");
        let expected = format!("{number}|{number:width$}|{number:0width$}|{number:<width$}|{number:+}");
        prop_assert_eq!(expanded(&template, 1.0), if width == 0 { format!("{number}|{number}|{number}|{number}|{number:+}") } else { expected });
    }
}
