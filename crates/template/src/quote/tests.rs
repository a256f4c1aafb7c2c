use super::*;

#[test]
fn strings_are_quoted_as_go_does() {
    let cases: &[(&[u8], &str, &str, bool)] = &[
        (b"", "\"\"", "\"\"", true),
        (b"hi", "\"hi\"", "\"hi\"", true),
        (b"a\"b'c`d", "\"a\\\"b'c`d\"", "\"a\\\"b'c`d\"", false),
        (b"back\\slash", "\"back\\\\slash\"", "\"back\\\\slash\"", true),
        (b"\x07\x08\x0c\n\x0d\t\x0b", "\"\\a\\b\\f\\n\\r\\t\\v\"", "\"\\a\\b\\f\\n\\r\\t\\v\"", false),
        (b"\x00\x1f\x7f", "\"\\x00\\x1f\\x7f\"", "\"\\x00\\x1f\\x7f\"", false),
        (
            b"\xc3\xa9\xe6\x97\xa5\xe6\x9c\xac\xf0\x9f\x98\x80",
            "\"é日本😀\"",
            "\"\\u00e9\\u65e5\\u672c\\U0001f600\"",
            true,
        ),
        (b"\xff\xc3(", "\"\\xff\\xc3(\"", "\"\\xff\\xc3(\"", false),
        (
            b"\xc2\xad\xe2\x80\x8b\xe2\x80\xa8\xcc\x81",
            "\"\\u00ad\\u200b\\u2028́\"",
            "\"\\u00ad\\u200b\\u2028\\u0301\"",
            true,
        ),
        (b"\xef\xbf\xbd\xef\xbb\xbf", "\"�\\ufeff\"", "\"\\ufffd\\ufeff\"", false),
        (b"\xf3\xa0\x80\x81\xf4\x8f\xbf\xbf", "\"\\U000e0001\\U0010ffff\"", "\"\\U000e0001\\U0010ffff\"", true),
        (b"\xc2\xa0\xe3\x80\x80", "\"\\u00a0\\u3000\"", "\"\\u00a0\\u3000\"", true),
        (b"e\xcc\x81", "\"é\"", "\"e\\u0301\"", true),
    ];
    for &(text, quoted, ascii, backquote) in cases {
        assert_eq!(quote(text), quoted);
        assert_eq!(quote_to_ascii(text), ascii);
        assert_eq!(can_backquote(text), backquote, "{quoted}");
    }
}

#[test]
fn characters_are_quoted_as_go_does() {
    let cases = [
        ('a', "'a'", "'a'"),
        ('\'', "'\\''", "'\\''"),
        ('"', "'\"'", "'\"'"),
        ('\\', "'\\\\'", "'\\\\'"),
        ('\n', "'\\n'", "'\\n'"),
        ('\x00', "'\\x00'", "'\\x00'"),
        ('\x7f', "'\\x7f'", "'\\x7f'"),
        ('é', "'é'", "'\\u00e9'"),
        ('日', "'日'", "'\\u65e5'"),
        ('́', "'́'", "'\\u0301'"),
        ('\u{200b}', "'\\u200b'", "'\\u200b'"),
        ('😀', "'😀'", "'\\U0001f600'"),
        ('�', "'�'", "'\\ufffd'"),
    ];
    for (c, quoted, ascii) in cases {
        assert_eq!(quote_rune(c), quoted);
        assert_eq!(quote_rune_to_ascii(c), ascii);
    }
}

#[test]
fn literals_of_strings_are_read_as_go_does() {
    let cases: &[(&str, Option<&[u8]>)] = &[
        ("\"\"", Some(b"")),
        ("\"hi\"", Some(b"hi")),
        ("\"a\\\"b\"", Some(b"a\"b")),
        ("\"a\\'b\"", None),
        ("\"it's\"", Some(b"it's")),
        ("\"\\a\\b\\f\\n\\r\\t\\v\\\\\"", Some(b"\x07\x08\x0c\n\x0d\t\x0b\\")),
        ("\"\\x41\\xff\\303\\251\"", Some(b"A\xff\xc3\xa9")),
        ("\"\\u00e9\\U0001f600é\"", Some(b"\xc3\xa9\xf0\x9f\x98\x80\xc3\xa9")),
        ("\"\\ud800\"", None),
        ("\"\\U00110000\"", None),
        ("\"\\400\"", None),
        ("\"\\08\"", None),
        ("\"\\x4\"", None),
        ("\"\\q\"", None),
        ("\"a\nb\"", None),
        ("\"open", None),
        ("\"a\"b\"", None),
        ("\"", None),
        ("", None),
        ("hi", None),
        ("``", Some(b"")),
        ("`raw \\n \"`", Some(b"raw \\n \"")),
        ("`a\r\nb`", Some(b"a\nb")),
        ("`open", None),
        ("`a`b`", None),
        ("`", None),
        ("\"tab\t\"", Some(b"tab\t")),
        ("\"\\u+123\"", None),
        ("\"\\", None),
    ];
    for &(literal, expected) in cases {
        assert_eq!(unquote(literal).as_deref(), expected, "{literal}");
    }
}

#[test]
fn characters_of_literals_are_read_as_go_does() {
    let cases = [
        ("a'", b'\'', Some((0x61, false, "'"))),
        ("''", b'\'', None),
        ("\"'", b'\'', Some((0x22, false, "'"))),
        ("\\''", b'\'', Some((0x27, false, "'"))),
        ("\\\"'", b'\'', None),
        ("\\'\"", b'\"', None),
        ("é'", b'\'', Some((0xe9, true, "'"))),
        ("\\x41'", b'\'', Some((0x41, false, "'"))),
        ("\\xff'", b'\'', Some((0xff, false, "'"))),
        ("\\101'", b'\'', Some((0x41, false, "'"))),
        ("\\377'", b'\'', Some((0xff, false, "'"))),
        ("\\400'", b'\'', None),
        ("\\u00e9'", b'\'', Some((0xe9, true, "'"))),
        ("\\U0001F600'", b'\'', Some((0x1f600, true, "'"))),
        ("\\ud800'", b'\'', None),
        ("\\n'", b'\'', Some((0xa, false, "'"))),
        ("\\\\'", b'\'', Some((0x5c, false, "'"))),
        ("\\z'", b'\'', None),
        ("ab'", b'\'', Some((0x61, false, "b'"))),
        ("", b'\'', None),
        ("\\", b'\'', None),
        ("\\x4é'", b'\'', None),
        ("\\1é'", b'\'', None),
    ];
    for (text, quote, expected) in cases {
        assert_eq!(unquote_char(text, quote), expected, "{text}");
    }
}

#[test]
fn each_byte_outside_a_character_is_a_step_of_its_own() {
    let steps: Vec<Rune> = runes(b"a\xe2\x82\xc3\xa9\xff").collect();
    let expected = [Rune::Char('a'), Rune::Byte(0xe2), Rune::Byte(0x82), Rune::Char('\u{e9}'), Rune::Byte(0xff)];
    assert_eq!(steps, expected);
    assert_eq!(steps.iter().map(|rune| rune.len()).sum::<usize>(), 6);
    assert_eq!(steps[1].to_char(), char::REPLACEMENT_CHARACTER);
}

#[test]
fn spaces_controls_and_unassigned_characters_are_not_printable() {
    for c in [
        '\0', '\x7f', '\u{80}', '\u{a0}', '\u{ad}', '\u{378}', '\u{200b}', '\u{2028}', '\u{3000}', '\u{e000}',
        '\u{feff}',
    ] {
        assert!(!is_print(c), "{c:?}");
    }
    for c in [' ', 'a', '~', '\u{a1}', '\u{301}', '\u{e31}', '\u{4e00}', '\u{fffd}', '\u{1f600}', '\u{e0100}'] {
        assert!(is_print(c), "{c:?}");
    }
}
