use super::*;

fn reason(html: &str) -> String {
    parse(html).expect_err(html)
}

fn text(html: &str) -> String {
    parse(html).unwrap_or_else(|reason| panic!("{html}: {reason}")).text
}

#[test]
fn tags_vanish_and_entities_become_characters() {
    assert_eq!(
        text("🔴 <b>CRITICAL</b> · Disk &lt;90 &amp; &quot;up&quot; &#60;&#x3E;"),
        "🔴 CRITICAL · Disk <90 & \"up\" <>"
    );
    assert_eq!(text("<b>bold <i>both</i></b> <code>x &gt; 1</code>"), "bold both x > 1");
    assert_eq!(text("a > b"), "a > b");
    assert_eq!(text("<B>case</b>"), "case");
}

#[test]
fn what_is_no_entity_of_telegrams_stays_as_it_is() {
    assert_eq!(text("AT&T &nbsp; &copy; &; & &#0; &#xZZ;"), "AT&T &nbsp; &copy; &; & &#0; &#xZZ;");
    assert_eq!(text("&lt without semicolon, &amp;lt; twice"), "< without semicolon, &lt; twice");
}

#[test]
fn the_tags_telegram_knows_are_accepted() {
    for tag in ["b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "tg-spoiler", "code", "pre", "blockquote"] {
        assert_eq!(text(&format!("<{tag}>x</{tag}>")), "x");
    }
    assert_eq!(text("<span class=\"tg-spoiler\">x</span>"), "x");
    assert_eq!(text("<pre><code class=\"language-rust\">x</code></pre>"), "x");
    assert_eq!(text("<blockquote expandable>x</blockquote>"), "x");
}

#[test]
fn every_other_tag_is_refused_with_its_place() {
    for (html, expected) in [
        ("a <p>b</p>", "Unsupported start tag \"p\" at byte offset 2"),
        ("é <br/>", "Unsupported start tag \"br/\" at byte offset 3"),
        ("1 < 2 and 3 > 2", "Unsupported start tag \"\" at byte offset 2"),
        ("<no value>", "Unsupported start tag \"no\" at byte offset 0"),
        ("<!-- -->", "Unsupported start tag \"!--\" at byte offset 0"),
        ("<span class='x'>y</span>", "Tag \"span\" must have class \"tg-spoiler\" at byte offset 0"),
    ] {
        assert_eq!(reason(html), expected);
    }
}

#[test]
fn tags_must_be_closed_in_order() {
    for (html, expected) in [
        ("<b>x", "Can't find end tag corresponding to start tag \"b\""),
        ("<b><i>x</b>", "Unmatched end tag at byte offset 7, expected \"</i>\", found \"</b>\""),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ("cut in the <b", "Unclosed start tag at byte offset 11"),
        ("<a href=\"http://x", "Unclosed start tag \"a\" at byte offset 0"),
        ("<a href", "Unclosed start tag \"a\" at byte offset 0"),
    ] {
        // `<a href` ends before it is known whether a value follows: Telegram looks for the next attribute.
        assert_eq!(reason(html), expected, "{html}");
    }
    assert_eq!(text("<b>x</>"), "x");
    assert_eq!(text("<b>x</b >"), "x");
}

#[test]
fn addresses_may_be_quoted_either_way_and_hold_entities() {
    for html in [
        "<a href=\"http://x.org/?a=1&amp;b='2'\">x</a>",
        "<a href='http://x.org/?a=1&amp;b=&#39;2&#39;'>x</a>",
        "<a  href = \"http://x.org/?a=1&b='2'\" >x</a>",
    ] {
        let link = Entity { kind: "text_link", offset: 0, length: 1, url: Some("http://x.org/?a=1&b='2'".to_owned()) };
        assert_eq!(parse(html).unwrap().entities, [link], "{html}");
    }
    assert_eq!(reason("<a href=http://x.org>x</a>"), "Unexpected end of name token at byte offset 8");
    assert_eq!(reason("<a =x>y</a>"), "Empty attribute name in the tag \"a\" at byte offset 0");
    assert_eq!(parse("<a href=\"nowhere\">x</a>").unwrap(), Parsed::plain("x"));
}

#[test]
fn offsets_and_lengths_count_utf16_units() {
    let entities = parse("🔴 <b>fünf <i>🟢</i></b><u></u>").unwrap().entities;
    let found: Vec<_> = entities.iter().map(|entity| (entity.kind, entity.offset, entity.length)).collect();
    assert_eq!(found, [("italic", 8, 2), ("bold", 3, 7)]);
}
