//! Templates grown from the language's grammar.

use crate::dice::Dice;

const FUNCTIONS: &str = "query first label value strvalue sortByLabel args humanize humanize1024 humanizeDuration \
    humanizePercentage humanizeTimestamp toTime toDuration now parseDuration title toUpper toLower match reReplaceAll \
    stripPort stripDomain graphLink tableLink externalURL pathPrefix urlQueryEscape safeHtml and or not len index slice \
    print printf println html js urlquery call eq ne lt le gt ge";
const FIELDS: &str = "Labels Value ExternalLabels ExternalURL job instance nope arg0 arg1 Year Month Day Weekday Format Add \
    AddDate Sub Unix UnixMilli UnixNano Round Truncate String Hours Seconds Abs UTC Location MarshalText MarshalJSON \
    GoString In After Equal Compare YearDay ISOWeek wall Foo";
const TEXTS: &[&str] = &[
    "\"\"",
    "\"a\"",
    "\"job\"",
    "\"up\"",
    "\"%d %s %v\"",
    "\"%[2]*[1]x\"",
    "\"%#v %T %q\"",
    "\"%+08.3f|%-5x\"",
    "\"2006-01-02 Jan\"",
    "\"1h2m\"",
    "\"-5m\"",
    "\"NaN\"",
    "\"12.5\"",
    "\"a.b:80\"",
    "\"[::1]:80\"",
    "\"(a)(.*)\"",
    "\"$1${2}\"",
    "\"[a\"",
    r#""\xff""#,
    "\"é日🦀\"",
    r#""<&'\">""#,
    "\"0x1p-2\"",
    "\"1_0\"",
    "\"aa bb\"",
    "`r\"aw`",
    r#""\n\t\\""#,
];
const NUMBERS: &str = "0 1 -1 2 3 007 0x1F 0b11 1_000 1.5 -0.0 .5 1e3 1e-7 1e21 1e308 0x1p4 1i 1+2i 'a' 'é' 1435065584.128 \
    9223372036854775807 -9223372036854775808 9223372037 1000000";
const VARIABLES: &str = "$x $y $labels $value $externalLabels $externalURL $";

/// A word of any kind.
pub(crate) fn word(dice: &mut Dice) -> &'static str {
    const KEYWORDS: &str =
        "if else end range with define template block break continue nil true false . $ | := = ( ) ,";
    if dice.one_in(6) {
        return dice.pick(TEXTS);
    }
    of(dice.pick(&[FUNCTIONS, FIELDS, NUMBERS, VARIABLES, KEYWORDS]), dice)
}

fn of(list: &'static str, dice: &mut Dice) -> &'static str {
    let words: Vec<&str> = list.split_whitespace().collect();
    dice.pick(&words)
}

pub(crate) fn template(dice: &mut Dice) -> String {
    let defined = dice.pick(&["", "{{define \"t\"}}<{{.}}>{{end}}"]);
    let declared = dice.pick(&["{{$x := 1}}", "{{$x := \"a\"}}", "{{$x := $labels}}", "{{$x := query \"up\"}}"]);
    format!("{defined}{declared}{{{{$y := {}}}}}{}", operand(dice, 1).replace("$y", "$x"), nodes(dice, 3))
}

fn nodes(dice: &mut Dice, depth: usize) -> String {
    (0..=dice.below(3)).map(|_| node(dice, depth)).collect()
}

fn node(dice: &mut Dice, depth: usize) -> String {
    if depth == 0 {
        return format!("{{{{{}}}}}", pipe(dice, 1));
    }
    let below = depth - 1;
    match dice.below(12) {
        0 => dice.pick(&["text ", " \n ", "é", "{", "}}", "{{/* c */}}"]).to_owned(),
        1 => format!("{{{{- {} -}}}}", pipe(dice, 2)),
        2 => {
            let otherwise = dice.pick(&["", "{{else}}o", "{{else if $x}}p{{else}}q"]);
            format!("{{{{if {}}}}}{}{otherwise}{{{{end}}}}", pipe(dice, 2), nodes(dice, below))
        }
        3 => {
            let otherwise = dice.pick(&["", "{{else}}o", "{{else with $y}}{{.}}"]);
            format!("{{{{with {}}}}}{}{otherwise}{{{{end}}}}", pipe(dice, 2), nodes(dice, below))
        }
        4 => {
            let declared = dice.pick(&["", "$x := ", "$i, $x := ", "$x = ", "$y, $x = "]);
            let jump = dice.pick(&["", "{{break}}", "{{continue}}", "{{if $x}}{{break}}{{end}}"]);
            let body = nodes(dice, below);
            format!("{{{{range {declared}{}}}}}{body}{jump}{{{{else}}}}none{{{{end}}}}", pipe(dice, 2))
        }
        5 => format!("{{{{template \"t\" {}}}}}", pipe(dice, 1)),
        6 => format!("{{{{block \"b{}\" {}}}}}{{{{.}}}}{{{{end}}}}", dice.below(1_000), pipe(dice, 1)),
        7 => format!("{{{{{} {} {}}}}}", dice.pick(&["$x", "$y"]), dice.pick(&["=", ":="]), pipe(dice, 2)),
        _ => format!("{{{{{}}}}}", pipe(dice, 2)),
    }
}

fn pipe(dice: &mut Dice, depth: usize) -> String {
    let mut text = command(dice, depth);
    for _ in 0..dice.below(3) {
        text = format!("{text} | {}", call(dice, depth));
    }
    text
}

fn command(dice: &mut Dice, depth: usize) -> String {
    if dice.one_in(3) { operand(dice, depth) } else { call(dice, depth) }
}

/// Mostly calls that work, since one that does not ends the template.
fn call(dice: &mut Dice, depth: usize) -> String {
    if dice.one_in(3) {
        let format = dice.pick(TEXTS);
        return format!("printf {format}{}", operands(dice, depth));
    }
    if dice.one_in(6) {
        return format!("(toTime {}).{}{}", of(NUMBERS, dice), of(FIELDS, dice), operands(dice, depth));
    }
    format!("{}{}", of(FUNCTIONS, dice), operands(dice, depth))
}

fn operands(dice: &mut Dice, depth: usize) -> String {
    (0..dice.below(4)).map(|_| format!(" {}", operand(dice, depth))).collect()
}

fn operand(dice: &mut Dice, depth: usize) -> String {
    match dice.below(10) {
        0 | 1 => dice.pick(TEXTS).to_owned(),
        2 | 3 => of(NUMBERS, dice).to_owned(),
        4 => of(VARIABLES, dice).to_owned(),
        5 => format!("{}.{}", of(VARIABLES, dice).trim_end_matches('$'), of(FIELDS, dice)),
        6 => dice.pick(&[".", "nil", "true", "false", ".Labels.job", ".Value"]).to_owned(),
        _ if depth == 0 => "$labels.job".to_owned(),
        7 => format!("({}).{}", pipe(dice, depth - 1), of(FIELDS, dice)),
        _ => format!("({})", pipe(dice, depth - 1)),
    }
}
