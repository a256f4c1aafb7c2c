//! Queries nobody has written: those of the corpus, taken apart and put together in other ways.

use promql_parser::parser::value::ValueType;

use crate::{
    corpus::{self, Corpus},
    dice::Dice,
};

/// Around this many bytes a query gets no longer.
const LONG: usize = 600;
/// Deep and repetitive queries end here, beyond what the evaluator accepts.
const LONGEST: usize = 17_000;

const FUNCTIONS: &str = "abs absent absent_over_time acos acosh asin asinh atan atanh avg_over_time ceil changes clamp \
    clamp_max clamp_min cos cosh count_over_time day_of_month day_of_week day_of_year days_in_month deg delta deriv exp \
    floor histogram_avg histogram_count histogram_fraction histogram_quantile histogram_stddev histogram_stdvar \
    histogram_sum hour idelta increase irate label_join label_replace last_over_time ln log10 log2 max_over_time \
    min_over_time minute month pi predict_linear present_over_time quantile_over_time rad rate resets round scalar sgn \
    sin sinh sort sort_desc sqrt stddev_over_time stdvar_over_time sum_over_time tan tanh time timestamp vector year \
    mad_over_time sort_by_label info double_exponential_smoothing";
const AGGREGATIONS: &str = "sum avg min max group count stddev stdvar topk bottomk quantile count_values limitk";
const OPERATORS: &str = "+ - * / % ^ atan2 == != > < >= <= and or unless =~ !~ =";
const KEYWORDS: &str = "bool by without on ignoring group_left group_right offset @ start() end() fill fill_left";
const DURATIONS: &str = "1ms 1s 15s 59s 1m 90s 2m30s 5m 10m 1h 1d 1w 1y 100y 1000000w 0s 0 7 0.001 1e3 1e30";
const NUMBERS: &str = "0 1 -1 2 0.5 0.9 1.5 -0.1 100 1e3 1e-3 1e300 -1e300 1e-320 NaN Inf -Inf 0x1F 9223372036854775807 \
    -9223372036854775808 1_000 5m 1.7976931348623157e308 4294967296";
const NAMES: &str = "le job instance __name__ __type__ foo bar group \"a.b\" \"\" é";
const STRINGS: &str = "\"\" \"x\" \"le\" \"job\" \"+Inf\" \".*\" \".+\" \"(.*)\" \"$1\" \"${1}x\" \"$$\" \"a|b|\" \"[\" \
    \"(?i)A\" \"x{2,3}\" \"\\\\d+\" \"\\n\" 'y' `z` \"\\xff\" \"(a*)*b\" \"__name__\" \"foo\" \"\\U0001F600\"";
const CHARACTERS: &str = "( ) [ ] { } , : . _ - + \" ' ` \\ # @ = ! ~ 0 9 a e x \u{0} é \u{1F600} \u{FFFD}";

/// `$` is any part that fits.
const WRAPS: [(ValueType, &str); 3] = [
    (
        ValueType::Vector,
        "abs($)|-$|+$|($)|round($, 0.1)|clamp($, 1, scalar($))|sum($)|avg by (job) ($)|count without (le) ($)|\
         topk(2, $)|bottomk by (job) (1, $)|quantile(0.3, $)|count_values(\"v\", $)|stddev by (instance) ($)|\
         max_over_time(($)[5m:1m])|rate(($)[10m:])|avg_over_time(($)[2m:30s] offset 1m)|sum_over_time(($)[1m:7s] @ 60)|\
         quantile_over_time(scalar($), ($)[3m:1m])|predict_linear(($)[5m:1m], 60)|absent_over_time(($)[1m:])|\
         histogram_quantile(0.9, $)|histogram_fraction(0, 1, $)|label_replace($, \"job\", \"$1\", \"le\", \"(.*)\")|\
         label_join($, \"le\", \"\", \"job\", \"instance\")|timestamp($)|scalar($)|vector(scalar($))|sort_desc($)|\
         absent($)|$ + $|$ / on (job) $|$ > bool $|$ == $|$ and $|$ or $|$ unless on () $|$ * ignoring (le) group_left $|\
         $ - on (job) group_right (instance) $|$ ^ 2|1 / $|$ atan2 $|hour($)|($) offset 1m|$ @ start()",
    ),
    (ValueType::Scalar, "vector($)|-$|$ + $|$ == bool $|clamp_min($, $)|$ ^ $|round(vector($), $)|topk($, vector($))"),
    (
        ValueType::Matrix,
        "rate($)|increase($)|delta($)|irate($)|idelta($)|deriv($)|changes($)|resets($)|last_over_time($)|\
         count_over_time($)|absent_over_time($)|quantile_over_time(0.5, $)|predict_linear($, 3600)|stddev_over_time($)",
    ),
];

/// Where a deep query repeats itself: before, and after.
const NESTS: [(&str, &str); 14] = [
    ("(", ")"),
    ("-", ""),
    ("+", ""),
    ("abs(", ")"),
    ("sum(", ")"),
    ("1+(", ")"),
    ("1+", ""),
    ("", "+1"),
    ("", " or up"),
    ("2^", ""),
    ("scalar(vector(", "))"),
    ("sum_over_time(", "[2m:1m])"),
    ("label_replace(", ",\"a\",\"$1\",\"b\",\"(.*)\")"),
    ("(", ""),
];

/// A query; not every one is right.
pub(crate) fn query(corpus: &Corpus, dice: &mut Dice) -> String {
    if dice.one_in(2_000) {
        return deep(dice);
    }
    let mut text = structural(corpus, dice);
    if dice.one_in(3) {
        for _ in 0..=dice.below(3) {
            text = with_other_tokens(&text, dice);
        }
    }
    if dice.one_in(12) {
        text = with_other_bytes(&text, dice);
    }
    text
}

/// Any text of the corpus' series, sometimes as it is.
fn structural(corpus: &Corpus, dice: &mut Dice) -> String {
    let mut expr = dice.one_of(&corpus.queries).clone();
    for _ in 0..dice.below(4) {
        let mut before = dice.below(corpus::size(&expr));
        if let Some(place) = corpus::part(&mut expr, &mut before) {
            *place = dice.one_of(corpus.parts(place.value_type())).clone();
        }
    }
    let kind = expr.value_type();
    let mut text = expr.to_string();
    for _ in 0..dice.below(3) {
        let Some((_, wraps)) = WRAPS.iter().find(|(of, _)| *of == kind).filter(|_| text.len() < LONG) else { break };
        let wraps: Vec<&str> = wraps.split('|').collect();
        let others = corpus.parts(kind);
        let mut wrapped = String::new();
        // "$1" in the text of a label_replace is none of the places.
        for (index, piece) in dice.pick(&wraps).split('$').enumerate() {
            if index > 0 {
                match (piece.starts_with('1'), index) {
                    (true, _) => wrapped.push('$'),
                    (false, 1) => wrapped.push_str(&text),
                    (false, _) => wrapped.push_str(&dice.one_of(others).to_string()),
                }
            }
            wrapped.push_str(piece);
        }
        text = wrapped;
        if kind != ValueType::Vector {
            break;
        }
    }
    text
}

fn deep(dice: &mut Dice) -> String {
    let (before, after) = dice.pick(&NESTS);
    let most = LONGEST / (before.len() + after.len());
    let times = if dice.one_in(2) { dice.below(most) } else { dice.below(100) };
    let inside = dice.pick(&["1", "up", "up[1m]", "vector(1)", "foo{bar=\"x\"}", ""]);
    format!("{}{inside}{}", before.repeat(times), after.repeat(times))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Space,
    Word,
    Number,
    Text,
    Sign,
}

fn tokens(text: &str) -> Vec<(Class, &str)> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (class, end) = if first.is_whitespace() {
            (Class::Space, rest.find(|c: char| !c.is_whitespace()))
        } else if first.is_ascii_digit() {
            (Class::Number, rest.find(|c: char| !c.is_alphanumeric() && c != '.'))
        } else if first.is_alphabetic() || first == '_' {
            (Class::Word, rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':'))
        } else if "\"'`".contains(first) {
            (Class::Text, rest[1..].find(first).map(|end| end + 2))
        } else if "=!<>".contains(first) {
            (Class::Sign, rest.find(|c: char| !"=!<>~".contains(c)))
        } else {
            (Class::Sign, Some(first.len_utf8()))
        };
        let (token, after) = rest.split_at(end.unwrap_or(rest.len()));
        tokens.push((class, token));
        rest = after;
    }
    tokens
}

fn word<'a>(list: &'a str, dice: &mut Dice) -> &'a str {
    let words: Vec<&str> = list.split_whitespace().collect();
    dice.pick(&words)
}

fn any_word(dice: &mut Dice) -> &'static str {
    let lists = [FUNCTIONS, AGGREGATIONS, OPERATORS, KEYWORDS, DURATIONS, NUMBERS, NAMES, STRINGS, CHARACTERS];
    word(dice.pick(&lists), dice)
}

fn is_in(list: &str, token: &str) -> bool {
    list.split_whitespace().any(|word| word == token)
}

/// A token of the same kind.
fn instead(class: Class, token: &str, dice: &mut Dice) -> &'static str {
    match class {
        Class::Space => " ",
        Class::Text => word(STRINGS, dice),
        Class::Number if token.ends_with(|c: char| c.is_ascii_digit()) => word(NUMBERS, dice),
        Class::Number => word(DURATIONS, dice),
        Class::Word if is_in(FUNCTIONS, token) => word(FUNCTIONS, dice),
        Class::Word if is_in(AGGREGATIONS, token) => word(AGGREGATIONS, dice),
        Class::Word if is_in(OPERATORS, token) => word(OPERATORS, dice),
        Class::Word if is_in(KEYWORDS, token) => word(KEYWORDS, dice),
        Class::Word => word(NAMES, dice),
        Class::Sign if is_in(OPERATORS, token) => word(OPERATORS, dice),
        Class::Sign => word(CHARACTERS, dice),
    }
}

fn with_other_tokens(text: &str, dice: &mut Dice) -> String {
    let mut tokens = tokens(text);
    let modifiers =
        [" offset 1m", " offset -30s", " @ 60", " @ start()", " @ -5.5", "[5m]", "[2m:30s]", "{job=~\".*\"}"];
    let at = dice.below(tokens.len());
    let Some((class, token)) = tokens.get(at).copied() else { return any_word(dice).to_owned() };
    match dice.below(8) {
        0 => drop(tokens.remove(at)),
        1 => tokens.insert(at, (Class::Word, any_word(dice))),
        2 => tokens.insert(at, (class, token)),
        3 => {
            let other = dice.below(tokens.len());
            tokens.swap(at, other);
        }
        4 => tokens.insert(at + 1, (Class::Word, dice.pick(&modifiers))),
        _ => tokens[at] = (class, instead(class, token, dice)),
    }
    tokens.into_iter().map(|(_, token)| token).collect()
}

fn with_other_bytes(text: &str, dice: &mut Dice) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for _ in 0..=dice.below(3) {
        let at = dice.below(characters.len());
        if dice.one_in(2) && at < characters.len() {
            characters.remove(at);
        } else {
            characters.splice(at..at, word(CHARACTERS, dice).chars());
        }
    }
    characters.into_iter().collect()
}
