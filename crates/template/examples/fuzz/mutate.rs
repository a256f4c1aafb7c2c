//! Templates nobody has written: those of the tables, taken apart and put together in other ways.

use crate::{dice::Dice, grow, tables};

/// Around this many bytes a template gets no longer.
const LONG: usize = 2_000;
/// Deep and repetitive templates end here, beyond what is accepted.
const LONGEST: usize = 70_000;

const CHARACTERS: &[&str] = &[
    "{{", "}}", "{{-", "-}}", "(", ")", "|", ".", "$", ":=", "=", ",", "\"", "'", "`", "\\", "/*", "*/", " ", "\n",
    "\t", "0", "9", "-", "+", "_", "e", "x", "i", "a", "%", "[", "]", "*", "#", "é", "🦀", "\u{0}", "\u{a0}",
    "\u{feff}",
];

/// Where a deep template repeats itself: before, inside, and after.
const NESTS: &[[&str; 3]] = &[
    ["{{if 1}}", "x", "{{end}}"],
    ["{{with 1}}", "{{.}}", "{{end}}"],
    ["{{range 2}}", "x", "{{end}}"],
    ["{{range args 1}}", "{{.}}", "{{end}}"],
    ["{{if 0}}{{else ", "if 1}}x{{end}}", ""],
    ["{{if 0}}a{{else}}", "b", "{{end}}"],
    ["{{if 0}}a{{else if 0}}", "b", ""],
    ["{{with 0}}a{{else with 0}}", "b", ""],
    ["{{block \"b\" .}}", "x", "{{end}}"],
    ["{{define \"t\"}}", "x", "{{end}}"],
    ["{{$x := 1}}", "{{$labels}}", ""],
    ["{{1}}", "", ""],
    ["{{", "1", "}}"],
    ["{{/**/}}", "x", ""],
    ["{{- 1 -}} ", "", ""],
    ["{", "", ""],
    [" ", "{{- 1}}", " "],
    ["\n", "{{.Foo}}", "\n"],
];

/// The same inside one action.
const NESTS_INSIDE: &[[&str; 3]] = &[
    ["(", "1", ")"],
    ["(", ".", ").Labels"],
    ["print (", "1", ")"],
    ["print 1|", "print", ""],
    ["", "1", "|print"],
    ["$labels.job.", "x", ""],
    ["", ".", ".x"],
    ["and ", "1", " 1"],
    ["print", "", " 1"],
    ["len (", "\"a\"", ")"],
    ["args (", "1", ")"],
    ["not (", "1", ")"],
    ["print \"", "\\n", "\""],
    ["'", "a", "'"],
    ["1", "", ""],
    ["-", "1", ""],
    ["printf \"%", "d", "\" 1"],
    ["$x := ", "1", ""],
];

/// What is done over and over, so that what it costs adds up. `$n` is a number that is ever larger.
const OFTEN: &[&str] = &[
    "$x = args $x",
    "$x = args $x $x",
    "$x = print $x $x",
    "$x = printf \"%v%q\" $x $x",
    "$x = printf \"%s%[1]s\" $x",
    "$x = html $x",
    "$x = js $x",
    "$x = urlquery $x",
    "$x = println $x $x",
    "$x = title (print $x)",
    "$x = toUpper (print $x $x)",
    "$x = query (print $x)",
    "$x = reReplaceAll \"\" \"aaaaaaaaaaaaaaaaaaaa\" (print $x)",
    "$x = reReplaceAll \".\" \"$0$0$0\" (print $x)",
    "$x = slice (print $x $x) 1",
    "$x = printf \"%1000000d\" 1",
    "$x = printf \"%.1000000f\" 1.5",
    "$x = printf \"%*d%*d\" 1000000 1 1000000 1",
    "$x = (toTime 0).Format (print \"Monday 2006\" $x $x)",
    "$x = (toTime 0).AppendFormat (toTime 0).MarshalText (print $x $x)",
    "$x = humanize (print \"0.\" $x $x)",
    "$x = parseDuration (print $x)",
    "$x = match \"(\\\\pL{100}){9}\" \"a\"",
    "$x = match \"((a{30}){30}|b)*c\" \"aaaaaaaaaaaaaaaaa\"",
    "$x = match (print \"(\" $x \")\") \"a\"",
    "$x = match \"(x+x+)+y\" (printf \"%10000d\" 1)",
    "$x = match \"[^a]*?[^b]*?[^c]*?d\" (printf \"%10000d\" 1)",
    "$x = eq (args $x) (args $x)",
    "$x = index $labels \"job\"",
    "$x = query \"up\" | sortByLabel \"job\"",
    "$x = and 1 $x $labels",
    "$x = $labels",
    "$x = len (print $x)",
    "$x = stripDomain (print $x $x)",
    "$x = graphLink (print $x)",
    "$x = (args $x).arg0",
    "$x = index (args (args $x)) \"arg0\" \"arg0\"",
    "template \"t\" $x",
    "$x",
    "$x = .",
    "$x = 1",
];

/// What is looked at when that is done.
const AFTER: &[&str] = &[
    "",
    "{{$x}}",
    "{{len (print $x)}}",
    "{{printf \"%v\" $x}}",
    "{{printf \"%d%x%#v\" $x $x $x}}",
    "{{printf \"%T\" $x}}",
    "{{html $x}}",
    "{{js $x | len}}",
    "{{eq $x $x}}",
    "{{index $x 1}}",
    "{{$x.Foo}}",
    "{{humanize $x}}",
    "{{range $x}}{{.}}{{end}}",
    "{{template \"t\" $x}}",
    "{{urlquery $x}}",
    "{{println $x $x}}",
    "{{toUpper $x}}",
];

/// The templates of the tables that are expanded; those that are refused have less to give.
pub(crate) fn corpus() -> Vec<String> {
    let cases = ["expanded.tsv", "newer.tsv"].map(tables::expansions).into_iter().flatten();
    cases.map(|case| case.template).collect()
}

/// A template; not every one is right.
pub(crate) fn template(corpus: &[String], dice: &mut Dice) -> String {
    if dice.one_in(1_000) {
        return deep(dice);
    }
    if dice.one_in(1_000) {
        return often(dice);
    }
    let mut text = if dice.one_in(2) { grow::template(dice) } else { joined(corpus, dice) };
    if dice.one_in(4) {
        for _ in 0..=dice.below(3) {
            text = with_other_tokens(&text, corpus, dice);
        }
    }
    if dice.one_in(12) {
        text = with_other_characters(&text, dice);
    }
    text
}

fn joined(corpus: &[String], dice: &mut Dice) -> String {
    let mut text = String::new();
    for _ in 0..=dice.below(3) {
        let other = dice.one_of(corpus);
        if text.len() + other.len() > LONG {
            break;
        }
        // A template is only defined outside of everything else.
        let inside = if text.contains("define") || other.contains("define") { 3 } else { dice.below(4) };
        text = match inside {
            0 => format!("{{{{range $labels}}}}{text}{other}{{{{end}}}}"),
            1 => format!("{{{{with $x := $value}}}}{text}{{{{else}}}}{other}{{{{end}}}}"),
            _ => text + other,
        };
    }
    text
}

fn deep(dice: &mut Dice) -> String {
    let inside = dice.one_in(2);
    let [before, middle, after] = dice.pick(if inside { NESTS_INSIDE } else { NESTS });
    let most = LONGEST / (before.len() + after.len());
    let times = if dice.one_in(2) { dice.below(most) } else { dice.below(300) };
    let text = format!("{}{middle}{}", before.repeat(times), after.repeat(times));
    match (inside, dice.below(4)) {
        (false, _) => text,
        (true, 0) => format!("{{{{range 1000000}}}}{{{{if {text}}}}}{{{{end}}}}{{{{end}}}}"),
        (true, 1) => format!("{{{{$x := 1}}}}{{{{range 1000000}}}}{{{{$x = {text}}}}}{{{{end}}}}"),
        (true, _) => format!("{{{{{text}}}}}"),
    }
}

fn often(dice: &mut Dice) -> String {
    let begin = dice.pick(&["1", "\"a\"", "args 1", "$labels", "query \"up\"", ".", "toTime 0", "\"é\\\"<\\xff\""]);
    let many = dice.pick(&["20", "60", "1000", "20000", "1000000", "9000000000000"]);
    let steps = (0..=dice.below(2)).map(|_| format!("{{{{{}}}}}", dice.pick(OFTEN))).collect::<String>();
    let variables = if dice.one_in(3) { "{{$y := 1}}".repeat(dice.below(5_000)) } else { String::new() };
    let after = dice.pick(AFTER);
    let defined = "{{define \"t\"}}{{with .}}{{template \"t\" 0}}{{end}}{{end}}";
    format!("{defined}{{{{$x := {begin}}}}}{variables}{{{{range {many}}}}}{steps}{{{{end}}}}{after}")
}

/// Words, numbers, texts in quotes and single characters.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = if first.is_alphanumeric() {
            rest.find(|c: char| !c.is_alphanumeric())
        } else if "\"`".contains(first) {
            rest[1..].find(first).map(|end| end + 2)
        } else if rest.starts_with("{{") || rest.starts_with("}}") {
            Some(2)
        } else {
            Some(first.len_utf8())
        };
        let (token, after) = rest.split_at(end.unwrap_or(rest.len()));
        tokens.push(token);
        rest = after;
    }
    tokens
}

fn with_other_tokens(text: &str, corpus: &[String], dice: &mut Dice) -> String {
    let mut tokens = tokens(text);
    let other: &String = dice.one_of(corpus);
    let others = self::tokens(other);
    let other = others.get(dice.below(others.len())).copied().unwrap_or(" ");
    let at = dice.below(tokens.len());
    if tokens.is_empty() {
        return other.to_owned();
    }
    match dice.below(6) {
        0 => drop(tokens.remove(at)),
        1 => tokens.insert(at, other),
        2 => tokens.insert(at, tokens[at]),
        3 => {
            let with = dice.below(tokens.len());
            tokens.swap(at, with);
        }
        4 => tokens[at] = grow::word(dice),
        _ => tokens[at] = other,
    }
    tokens.concat()
}

fn with_other_characters(text: &str, dice: &mut Dice) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for _ in 0..=dice.below(3) {
        let at = dice.below(characters.len());
        if dice.one_in(2) && at < characters.len() {
            characters.remove(at);
        } else {
            characters.splice(at..at, dice.pick(CHARACTERS).chars());
        }
    }
    characters.into_iter().collect()
}
