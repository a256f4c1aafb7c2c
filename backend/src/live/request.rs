//! What clients say: the parameters of the address, and messages. Everything in here may be anything.

use std::{collections::BTreeSet, sync::Arc};

use serde::Deserialize;
use vigil_domain::{Labels, promql};

use super::close::Close;

/// Names under which people might put a token into the address, where logs and histories keep it.
const TOKENS: [&str; 5] = ["token", "access_token", "bearer", "api_key", "authorization"];

/// The parameters of the address.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Parameters {
    pub(super) ticket: Option<String>,
    pub(super) interval: Option<String>,
    /// The first parameter that means nothing here.
    pub(super) unknown: Option<String>,
}

impl Parameters {
    /// # Errors
    /// When a token stands in the address.
    pub(super) fn parse(query: &str) -> Result<Self, Close> {
        let mut parameters = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let known = match &*name {
                "ticket" => &mut parameters.ticket,
                "interval" => &mut parameters.interval,
                name if TOKENS.iter().any(|token| name.eq_ignore_ascii_case(token)) => {
                    return Err(Close::Credentials(
                        "no token in the address: use Authorization, a subprotocol or a ticket",
                    ));
                }
                _ => {
                    parameters.unknown.get_or_insert_with(|| name.clone().into_owned());
                    continue;
                }
            };
            *known = Some(value.into_owned());
        }
        Ok(parameters)
    }
}

/// A message of a client.
#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum ClientMessage {
    /// Also send the results of these expressions, instead of those named before; none ends them.
    Subscribe { expr: Vec<String> },
}

impl ClientMessage {
    /// # Errors
    /// What is wrong with it, for people.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| {
            format!("not a message that is understood here ({error}); send {{\"type\":\"subscribe\",\"expr\":[…]}}")
        })
    }
}

/// An expression that a client may watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    /// The client's own text, as JSON.
    pub(super) expr: Box<str>,
    /// In normal form, so that different spellings are asked once. Not tied to the server yet.
    pub(super) normal: Arc<str>,
}

/// Checks what is to be watched. Parses, so keep it off the async threads.
///
/// # Errors
/// The first mistake, for people.
pub(super) fn check(exprs: &[String], most: usize) -> Result<Vec<Wish>, String> {
    let distinct: BTreeSet<&String> = exprs.iter().collect();
    if distinct.len() > most {
        return Err(format!("expr: at most {most} expressions"));
    }
    let mut seen = BTreeSet::new();
    let mut wishes = Vec::with_capacity(distinct.len());
    for (index, text) in exprs.iter().enumerate().filter(|(_, text)| seen.insert(*text)) {
        let wish = wish(text).map_err(|error| format!("expr.{index}: {error}"))?;
        wishes.push(wish);
    }
    Ok(wishes)
}

fn wish(text: &str) -> Result<Wish, String> {
    let parsed = promql::scope(text, &Labels::default()).map_err(|error| match error {
        promql::ExprError::NoSelector => "names no metric of the server".to_owned(),
        other => other.to_string(),
    })?;
    if !parsed.usable_by_rule {
        return Err("evaluates to a string or a range vector; name an instant vector or a scalar".to_owned());
    }
    let expr = serde_json::to_string(text).expect("text is JSON").into();
    Ok(Wish { expr, normal: parsed.text.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wishes(texts: &[&str]) -> Result<Vec<Wish>, String> {
        check(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>(), 3)
    }

    #[test]
    fn a_token_in_the_address_is_refused_whatever_it_is_called() {
        for query in ["token=x", "interval=5s&access_token=x", "api_key=", "Token=x", "%74oken=x"] {
            assert!(matches!(Parameters::parse(query), Err(Close::Credentials(_))), "{query}");
        }
        let parameters = Parameters::parse("ticket=a%20b&interval=5s&colour=red&shape=round").unwrap();
        assert_eq!(parameters.ticket.as_deref(), Some("a b"));
        assert_eq!(parameters.interval.as_deref(), Some("5s"));
        assert_eq!(parameters.unknown.as_deref(), Some("colour"));
    }

    #[test]
    fn only_a_subscription_is_understood() {
        let message = ClientMessage::parse(r#"{"type":"subscribe","expr":["up"]}"#);
        assert_eq!(message, Ok(ClientMessage::Subscribe { expr: vec!["up".to_owned()] }));
        for text in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"type":"subscribe"}"#,
            r#"{"type":"subscribe","expr":"up"}"#,
            r#"{"type":"subscribe","expr":[1]}"#,
            r#"{"type":"subscribe","expr":[],"more":1}"#,
            r#"{"type":"shout","expr":[]}"#,
        ] {
            assert!(ClientMessage::parse(text).is_err(), "{text}");
        }
        assert!(ClientMessage::parse(&"[".repeat(60_000)).is_err());
    }

    #[test]
    fn different_spellings_of_an_expression_are_one_question() {
        let wishes = wishes(&["rate(a[5m])", "rate( a [5m] )", "rate(a[5m])"]).unwrap();
        assert_eq!(wishes.len(), 2);
        assert_eq!(wishes[0].normal, wishes[1].normal);
        assert_eq!(&*wishes[1].expr, r#""rate( a [5m] )""#);
    }

    #[test]
    fn what_cannot_be_watched_is_named() {
        for (texts, mistake) in [
            (&["up", "up{"][..], "expr.1: could not parse"),
            (&["1 + 1"], "expr.0: names no metric"),
            (&["up[5m]"], "expr.0: evaluates to"),
            (&[" "], "expr.0: write a PromQL expression"),
            (&["a", "b", "c", "d"], "expr: at most 3"),
        ] {
            let error = wishes(texts).unwrap_err();
            assert!(error.starts_with(mistake), "{texts:?}: {error}");
        }
        assert!(wishes(&[&"(".repeat(20_000)]).is_err());
        assert_eq!(wishes(&[]), Ok(Vec::new()));
    }
}
