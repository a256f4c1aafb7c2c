//! What Go 1.26 gives for the same.

use super::*;
use crate::function::Asked;

const LIMIT: usize = 1 << 20;
const STEPS: usize = 1_000_000;

fn with_env<T>(bytes: usize, steps: usize, run: impl FnOnce(&mut Env<'_>) -> T) -> T {
    run(&mut Env { external_url: "", now_ms: 0, bytes, steps, ask: &mut |_| Asked::NotYet })
}

fn replace_all(pattern: &Text, replacement: &Text, text: &Text, limit: usize) -> Result<Text, Failure> {
    with_env(limit, STEPS, |env| super::replace_all(env, pattern, replacement, text))
}

fn is_match(pattern: &Text, text: &Text) -> Result<bool, Failure> {
    with_env(LIMIT, STEPS, |env| super::is_match(env, pattern, text))
}

fn replaced(pattern: &[u8], text: &[u8], replacement: &[u8]) -> Result<Vec<u8>, Failure> {
    let result = replace_all(&Text::from(pattern), &Text::from(replacement), &Text::from(text), LIMIT);
    result.map(|text| text.bytes().to_vec())
}

fn error(result: Result<impl Sized, Failure>) -> String {
    match result {
        Err(Failure::Error(error)) => error,
        _ => panic!("no error"),
    }
}

/// Pattern, text, replacement, result.
type Case<T> = (T, T, T, T);

const REPLACED: &[Case<&str>] = &[
    ("(a)b", "ab", "x$1", "xa"),
    ("a*", "baac", "x", "xbxcx"),
    ("", "ab", "-", "-a-b-"),
    ("", "é", "-", "-é-"),
    ("x*", "", "y", "y"),
    ("b|", "abc", "<$0>", "<>a<b>c<>"),
    (
        "(?P<n>a)(?<m>b)?",
        "ab a",
        "[$n|$m|${n}x|$nx|$1|$2|$3|$01|$$|$|${|${n|$-|${}|$é]",
        "[a|b|ax||a|b|||$|$|${|${n|$-|${}|] [a||ax||a||||$|$|${|${n|$-|${}|]",
    ),
    ("(a)", "a", "$1_x ${1}_x $1é $", " a_x  $"),
    ("(?P<n>a)|(?P<n>b)", "ab", "<$n>", "<a><b>"),
    ("a.c", "a\nc", "x", "a\nc"),
    ("(?s)a.c", "a\nc", "x", "x"),
    ("^a$", "a\na", "x", "a\na"),
    ("(?m)^a$", "a\na", "x", "x\nx"),
    (r"a\z", "a\n", "x", "a\n"),
    ("a$", "a\n", "x", "a\n"),
    (r"\Aa", "aa", "x", "xa"),
    ("\\bé", "é aé", "x", "é ax"),
    (r"\B", "aéa", "|", "aéa"),
    (r"\B", "éé", "|", "|é|é|"),
    (r"\b", "aéb", "|", "|a|é|b|"),
    (r"\w+", "aéb_1", "x", "xéx"),
    (r"\d", "1١", "x", "x١"),
    (r"\s", "a b\u{a0}c\x0bd", "x", "axb\u{a0}c\x0bd"),
    (r"[\s]", "\x0b\t", "x", "\x0bx"),
    ("[[:space:]]", "\x0b\t", "x", "xx"),
    (r"\W", "aé", "x", "ax"),
    (r"[^\W]", "aé", "x", "xé"),
    ("[[:^alpha:]]+", "a1é", "x", "ax"),
    ("[[:word:]]", "_é", "x", "xé"),
    ("(?i)k", "kK\u{212a}", "x", "xxx"),
    (r"(?i)\w", "\u{212a}ſ", "x", "xx"),
    ("(?i)[^s]", "sSſa", "x", "sSſx"),
    (r"(?i)\W", "\u{212a}a", "x", "\u{212a}a"),
    ("(?i)[[:upper:]]", "aA", "x", "xx"),
    ("(?i)É", "éÉ", "x", "xx"),
    ("(?i)σ", "ςσΣ", "x", "xxx"),
    ("(?i)ß", "ẞß", "x", "xx"),
    ("(?U)a+", "aaa", "x", "xxx"),
    ("(?U)a+?", "aaa", "x", "x"),
    ("a+?", "aaa", "x", "xxx"),
    ("(?U:a+)a+", "aaaa", "x", "x"),
    ("(?i-s:A).(?i)B(?-i)b", "aXbb", "x", "x"),
    ("a(?i)b|c", "aB C", "x", "x x"),
    ("(a(?i)b)c", "aBc aBC", "x", "x aBC"),
    (r"\Qa.b\E+", "a.bbb", "x", "x"),
    (r"\Qa.b", "a.b axb", "x", "x axb"),
    (r"\Q\E", "a", "x", "xax"),
    (r"\Q", "a", "x", "xax"),
    (r"a\Q*\E*", "a***", "x", "x"),
    (r"\pL+", "aéב1", "x", "x1"),
    (r"\p{Greek}", "aα", "x", "ax"),
    (r"\P{Greek}", "aα", "x", "xα"),
    (r"\p{^Greek}", "aα", "x", "xα"),
    (r"\P{^Greek}", "aα", "x", "ax"),
    (r"[\p{Lu}\d]", "aA1", "x", "axx"),
    (r"(?i)\p{Lu}", "aA", "x", "xx"),
    (r"(?i)\P{Lu}", "aA1", "x", "aAx"),
    (r"\p{greek}", "α", "x", "x"),
    (r"\p{Uppercase_Letter}", "aA", "x", "ax"),
    (r"\p{Any}", "a", "x", "x"),
    (r"\p{ASCII}", "aé", "x", "xé"),
    (r"\p{L}", "a", "x", "x"),
    (r"\p{Thai}", "ก", "x", "x"),
    (r"\pN", "1", "x", "x"),
    (r"\p{lc}", "aA1", "x", "xx1"),
    (r"\p{Cs}", "a", "x", "a"),
    (r"\p{Cn}", "a", "x", "a"),
    ("[a-]", "a-", "x", "xx"),
    ("[-a]", "a-", "x", "xx"),
    ("[]a]", "]a", "x", "xx"),
    ("[^]a]", "]ab", "x", "]ax"),
    ("[a&&b]", "&ab", "x", "xxx"),
    ("[a~~b]", "~", "x", "x"),
    ("[[a]", "[a", "x", "xx"),
    (r"[\]\\\-]", r"]\-", "x", "xxx"),
    (r"[\x{10FFFF}a]", "a", "x", "x"),
    (r"[^\x00-\x{10FFFF}]", "a", "x", "a"),
    (r"[\x{D800}-\x{DFFF}]", "a", "x", "a"),
    (r"[^\x{D800}-\x{DFFF}]", "aé", "x", "xx"),
    (r"\x{D800}", "a", "x", "a"),
    (r"\x41\x{42}\103\0", "ABC\x00", "x", "x"),
    (r"[\101-\103]", "ABC", "x", "xxx"),
    (r"\a\f\n\r\t\v", "\x07\x0c\n\r\t\x0b", "x", "x"),
    (r"\_\-\.\ \#", "_-. #", "x", "x"),
    ("a#b c", "a#b c", "x", "x"),
    ("(?i)a#b", "A#B", "x", "x"),
    ("a{2}", "aaaa", "x", "xx"),
    ("a{2,}", "aaaa", "x", "x"),
    ("a{1,2}?", "aaa", "x", "xxx"),
    ("a{,2}", "a{,2}", "x", "x"),
    ("a{", "a{", "x", "x"),
    ("a{2", "a{2", "x", "x"),
    ("a{01}", "a{01}", "x", "x"),
    ("{a}", "{a}", "x", "x"),
    ("}", "}", "x", "x"),
    ("]", "]", "x", "x"),
    ("a{0}b", "ab", "x", "ax"),
    ("^*", "a", "x", "xax"),
    ("(?:)*", "a", "x", "xax"),
    ("(|a)*", "aa", "x", "xaxax"),
    ("(a|b|)+", "ab", "x", "x"),
    (r"\b+a", "a", "x", "x"),
    ("a(?i)*", "aaA", "x", "xAx"),
    ("a*(?i)*", "aaA", "x", "xAx"),
    ("(?:a{500}){2}", "a", "x", "a"),
    ("((a{10}){10}){10}", "a", "x", "a"),
    ("(?:a*){1000}", "a", "x", "x"),
    ("()", "a", "x", "xax"),
    ("(?:a|b)c|d", "acd", "x", "xx"),
    ("a||b", "ab", "x", "xbx"),
    ("\x00", "a\x00", "x", "ax"),
    ("\n", "a\n", "x", "ax"),
    ("(?<n>a)", "a", "$n", "a"),
    ("(?)", "a", "x", "xax"),
    ("(?:a)", "a", "x", "x"),
    (r"[\d-z]", "5-z", "x", "xxx"),
    ("(a{0}){1000}", "a", "x", "xax"),
    ("((a{1000}){0}){1000}", "a", "x", "xax"),
    ("(a{0,}){1000}", "a", "x", "x"),
    (r"\12", "\n", "x", "x"),
    (r"\<", "<", "x", "x"),
    (r"a\>", "a>", "x", "x"),
];

const REPLACED_BYTES: &[Case<&[u8]>] = &[
    (b".", b"a\xffb", b"<$0>", b"<a><\xff><b>"),
    (b"[^a]", b"a\xff\xfeb", b"<$0>", b"a<\xff><\xfe><b>"),
    (b"\xef\xbf\xbd", b"\xff", b"x", b"x"),
    (b"b", b"\xffb\xe2\x82", b"x", b"\xffx\xe2\x82"),
    (b"", b"\xff\xe2\x82", b"-", b"-\xff-\xe2-\x82-"),
];

const BAD: &[(&str, &str)] = &[
    (r"\p{Grek}", r"invalid character class range: `\p{Grek}`"),
    (r"\p{Alphabetic}", r"invalid character class range: `\p{Alphabetic}`"),
    (r"\p{Qaai}", r"invalid character class range: `\p{Qaai}`"),
    (r"\p{sc=Greek}", r"invalid character class range: `\p{sc=Greek}`"),
    ("[a--b]", "invalid character class range: `a--`"),
    ("(", "missing closing ): `(`"),
    (")", "unexpected ): `)`"),
    ("a)", "unexpected ): `a)`"),
    ("(a))", "unexpected ): `(a))`"),
    ("(?", "invalid or unsupported Perl syntax: `(?`"),
    ("(?i", "invalid or unsupported Perl syntax: `(?i`"),
    ("(?:", "missing closing ): `(?:`"),
    ("(?i:", "missing closing ): `(?i:`"),
    ("(?P", "invalid or unsupported Perl syntax: `(?P`"),
    ("(?P<", "invalid or unsupported Perl syntax: `(?P`"),
    ("(?P<n", "invalid named capture: `(?P<n`"),
    ("(?P<>a)", "invalid named capture: `(?P<>`"),
    ("(?P<n-a>a)", "invalid named capture: `(?P<n-a>`"),
    ("(?<", "invalid or unsupported Perl syntax: `(?<`"),
    ("(?<é>a)", "invalid named capture: `(?<é>`"),
    ("(?P=n)", "invalid or unsupported Perl syntax: `(?P`"),
    ("(?P>n)", "invalid or unsupported Perl syntax: `(?P`"),
    ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
    ("(?!a)", "invalid or unsupported Perl syntax: `(?!`"),
    ("(?<=a)", "invalid named capture: `(?<=a)`"),
    ("(?<!a)", "invalid named capture: `(?<!a)`"),
    ("(?#a)", "invalid or unsupported Perl syntax: `(?#`"),
    ("(?x)a", "invalid or unsupported Perl syntax: `(?x`"),
    ("(?i-)a", "invalid or unsupported Perl syntax: `(?i-)`"),
    ("(?-)", "invalid or unsupported Perl syntax: `(?-)`"),
    ("(?--i)", "invalid or unsupported Perl syntax: `(?--`"),
    ("(?-i-s)", "invalid or unsupported Perl syntax: `(?-i-`"),
    ("(?é)", "invalid or unsupported Perl syntax: `(?é`"),
    ("(?>a)", "invalid or unsupported Perl syntax: `(?>`"),
    ("(?R)", "invalid or unsupported Perl syntax: `(?R`"),
    ("[", "missing closing ]: `[`"),
    ("[a", "missing closing ]: `[a`"),
    ("[]", "missing closing ]: `[]`"),
    ("[^", "missing closing ]: `[^`"),
    ("[^]", "missing closing ]: `[^]`"),
    ("[a-", "missing closing ]: `[a-`"),
    ("[b-a]", "invalid character class range: `b-a`"),
    ("x[b-a]", "invalid character class range: `b-a`"),
    ("[[:foo:]]", "invalid character class range: `[:foo:]`"),
    ("[[:^foo:]]", "invalid character class range: `[:^foo:]`"),
    ("[[:alpha:]", "missing closing ]: `[[:alpha:]`"),
    ("[[:alpha", "missing closing ]: `[[:alpha`"),
    (r"[\", "trailing backslash at end of expression: ``"),
    (r"[a-\d]", r"invalid escape sequence: `\d`"),
    (r"[\q]", r"invalid escape sequence: `\q`"),
    (r"[\b]", r"invalid escape sequence: `\b`"),
    (r"\pX", r"invalid character class range: `\pX`"),
    (r"\p{Foo}", r"invalid character class range: `\p{Foo}`"),
    (r"\p{Foo", r"invalid character class range: `\p{Foo`"),
    (r"\p", r"invalid character class range: `\p`"),
    (r"\p{}", r"invalid character class range: `\p{}`"),
    (r"\p{^}", r"invalid character class range: `\p{^}`"),
    (r"[\pX]", r"invalid character class range: `\pX`"),
    (r"\P", r"invalid character class range: `\P`"),
    ("\\pé", "invalid character class range: `\\pé`"),
    ("*", "missing argument to repetition operator: `*`"),
    ("+a", "missing argument to repetition operator: `+`"),
    ("a|*", "missing argument to repetition operator: `*`"),
    ("(*)", "missing argument to repetition operator: `*`"),
    ("(?i)*", "missing argument to repetition operator: `*`"),
    ("a**", "invalid nested repetition operator: `**`"),
    ("a*?*", "invalid nested repetition operator: `*?*`"),
    ("a+*?b", "invalid nested repetition operator: `+*?`"),
    ("a{2}{3}", "invalid nested repetition operator: `{2}{3}`"),
    ("a*{2}", "invalid nested repetition operator: `*{2}`"),
    ("a?{2}?", "invalid nested repetition operator: `?{2}?`"),
    ("{2}", "missing argument to repetition operator: `{2}`"),
    ("a{1001}", "invalid repeat count: `{1001}`"),
    ("a{2,1}", "invalid repeat count: `{2,1}`"),
    ("a{1,1001}", "invalid repeat count: `{1,1001}`"),
    ("a{1001,}", "invalid repeat count: `{1001,}`"),
    ("a{99999999999}", "invalid repeat count: `{99999999999}`"),
    ("a{1,99999999999}", "invalid repeat count: `{1,99999999999}`"),
    ("(a{100}){100}", "invalid repeat count: `{100}`"),
    ("(a{2}){501}?", "invalid repeat count: `{501}?`"),
    ("((a{10}){10}){11}", "invalid repeat count: `{11}`"),
    ("(a{1000,}){2}", "invalid repeat count: `{2}`"),
    (r"\", "trailing backslash at end of expression: ``"),
    (r"a\", "trailing backslash at end of expression: ``"),
    (r"\8", r"invalid escape sequence: `\8`"),
    (r"\1", r"invalid escape sequence: `\1`"),
    (r"\q", r"invalid escape sequence: `\q`"),
    (r"\C", r"invalid escape sequence: `\C`"),
    (r"\Z", r"invalid escape sequence: `\Z`"),
    (r"\E", r"invalid escape sequence: `\E`"),
    (r"\G", r"invalid escape sequence: `\G`"),
    (r"\K", r"invalid escape sequence: `\K`"),
    (r"\R", r"invalid escape sequence: `\R`"),
    (r"\X", r"invalid escape sequence: `\X`"),
    (r"\h", r"invalid escape sequence: `\h`"),
    (r"\e", r"invalid escape sequence: `\e`"),
    (r"\cA", r"invalid escape sequence: `\c`"),
    (r"\x", r"invalid escape sequence: `\x`"),
    (r"\x4", r"invalid escape sequence: `\x4`"),
    (r"\xg1", r"invalid escape sequence: `\xg1`"),
    (r"\x{", r"invalid escape sequence: `\x{`"),
    (r"\x{}", r"invalid escape sequence: `\x{}`"),
    (r"\x{4g}", r"invalid escape sequence: `\x{4g`"),
    (r"\x{110000}", r"invalid escape sequence: `\x{110000`"),
    (r"\x{41", r"invalid escape sequence: `\x{41`"),
    ("\\é", "invalid escape sequence: `\\é`"),
    (r"\u0041", r"invalid escape sequence: `\u`"),
    (r"\N{a}", r"invalid escape sequence: `\N`"),
];

#[test]
fn matches_are_replaced_as_in_go() {
    for (pattern, text, replacement, expected) in REPLACED {
        let result = replaced(pattern.as_bytes(), text.as_bytes(), replacement.as_bytes());
        assert_eq!(result.as_deref(), Ok(expected.as_bytes()), "{pattern} in {text:?}");
    }
}

#[test]
fn a_byte_that_is_no_utf_8_is_a_character_and_stays_what_it_is() {
    for (pattern, text, replacement, expected) in REPLACED_BYTES {
        let pattern_text = String::from_utf8_lossy(pattern);
        assert_eq!(replaced(pattern, text, replacement).as_deref(), Ok(*expected), "{pattern_text}");
    }
}

#[test]
fn a_bad_pattern_is_explained_in_gos_words() {
    for (pattern, expected) in BAD {
        let (pattern, text) = (Text::from(*pattern), Text::from(""));
        let expected = format!("error parsing regexp: {expected}");
        assert_eq!(error(is_match(&pattern, &text)), expected);
        let panic = error(replace_all(&pattern, &text, &text, LIMIT));
        assert!(panic.starts_with("regexp: Compile(") && panic.ends_with(&format!("): {expected}")), "{panic}");
    }
}

#[test]
fn a_bad_pattern_is_quoted_as_go_can() {
    let panic = |pattern: &[u8]| error(replaced(pattern, b"", b""));
    assert_eq!(panic(b"("), "regexp: Compile(`(`): error parsing regexp: missing closing ): `(`");
    assert_eq!(panic(b"(`"), r#"regexp: Compile("(`"): error parsing regexp: missing closing ): `(``"#);
    assert_eq!(panic(b"\xff"), "regexp: Compile(\"\\xff\"): error parsing regexp: invalid UTF-8: `\u{fffd}`");
}

#[test]
fn a_match_is_found_anywhere() {
    let found = |pattern: &str, text: &str| is_match(&Text::from(pattern), &Text::from(text));
    assert_eq!(found("a+", "aa"), Ok(true));
    assert_eq!(found("a+", "b"), Ok(false));
    assert_eq!(found("b$", "ab"), Ok(true));
    assert_eq!(found("", ""), Ok(true));
    assert_eq!(found(r"\B", "aéa"), Ok(false));
}

#[test]
fn deep_patterns_are_matched_and_deeper_ones_refused() {
    let nested = |depth: usize| ["(".repeat(depth), "a".to_owned(), ")".repeat(depth)].concat();
    let repeated = ["(?:a".repeat(300), ")*".repeat(300)].concat();
    assert_eq!(replaced(nested(900).as_bytes(), b"ab", b"[$900]"), Ok(b"[a]b".to_vec()));
    assert_eq!(replaced(repeated.as_bytes(), b"aab", b"x"), Ok(b"xbx".to_vec()));
    let error = error(replaced(nested(1001).as_bytes(), b"", b""));
    assert!(error.contains("error parsing regexp: expression nests too deeply: `("), "{error}");
    // Never closed, so never too deep.
    let open = "(".repeat(100_000);
    assert!(self::error(replaced(open.as_bytes(), b"", b"")).contains("missing closing )"));
}

#[test]
fn a_pattern_that_would_take_too_much_memory_is_refused() {
    let error = error(replaced(br"(\pL{100}){10}", b"", b""));
    assert!(error.ends_with(r"error parsing regexp: expression too large: `(\pL{100}){10}`"), "{error}");
}

#[test]
fn a_pattern_that_would_take_too_much_time_is_refused() {
    let too_much = || Err(Failure::new("the template takes too many steps"));
    let found = |pattern: &str, text: &str, steps| {
        with_env(LIMIT, steps, |env| super::is_match(env, &Text::from(pattern), &Text::from(text)))
    };
    assert_eq!(found("a", "a", 1_000), too_much());
    assert_eq!(found("a", "a", 2_000), Ok(true));
    // A large program is dear to make, and so is looking for it in a long text.
    assert_eq!(found(r"\pL{100}", "a", 2_000), too_much());
    assert_eq!(found("a{1000}", &"b".repeat(1 << 20), STEPS), too_much());
    assert_eq!(found("a{1000}", &"b".repeat(1 << 10), STEPS), Ok(false));
    // Each of these matches is looked for until the end.
    let replaced = |steps| {
        let text = Text::from("a".repeat(1 << 13));
        with_env(LIMIT, steps, |env| super::replace_all(env, &Text::from("a*b|a"), &Text::from(""), &text))
    };
    assert_eq!(replaced(30_000).err(), too_much().err());
    assert_eq!(replaced(STEPS), Ok(Text::from("")));
}

#[test]
fn a_result_beyond_the_limit_is_an_error() {
    let grown = |replacement: &str, limit| {
        replace_all(&Text::from(".*"), &Text::from(replacement), &Text::from("x".repeat(1000)), limit)
    };
    assert_eq!(grown("$0$0", 2000).unwrap().bytes().len(), 2000);
    assert_eq!(error(grown("$0$0", 1999)), "the text is longer than 1999 bytes");
    assert_eq!(error(grown(&"$0".repeat(1_000_000), 5000)), "the text is longer than 5000 bytes");
    assert_eq!(
        error(replace_all(&Text::from("b"), &Text::from(""), &Text::from("aaa"), 2)),
        "the text is longer than 2 bytes"
    );
}
