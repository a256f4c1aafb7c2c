//! Reads what Redis says about stream entries, in RESP2 and RESP3, deleted entries included.

use redis::Value;

/// The field of an entry that holds the job.
pub(super) const PAYLOAD: &str = "job";

/// An entry of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its id, `<milliseconds>-<sequence>`.
    pub(super) id: String,
    /// The job as it was pushed; `None` when the entry was deleted or is none of ours.
    pub(super) payload: Option<Vec<u8>>,
}

/// A consumer of the group.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Consumer {
    pub(super) name: String,
    pub(super) pending: u64,
    pub(super) idle_ms: u64,
}

/// The entries in a reply to `XREADGROUP` of one stream. Nothing arrived: empty.
pub(super) fn read(reply: Value) -> Vec<Entry> {
    let streams = match reply {
        Value::Map(streams) => streams.into_iter().map(|(_, entries)| entries).collect(),
        other => list(other).into_iter().filter_map(|stream| list(stream).into_iter().nth(1)).collect(),
    };
    let streams: Vec<Value> = streams;
    streams.into_iter().flat_map(entries).collect()
}

/// The cursor to go on from, and the entries, in a reply to `XAUTOCLAIM`.
pub(super) fn claimed(reply: Value) -> (Option<String>, Vec<Entry>) {
    let mut parts = list(reply).into_iter();
    let cursor = parts.next().and_then(text);
    let entries = parts.next().map(entries).unwrap_or_default();
    (cursor, entries)
}

/// How often an entry has been delivered, from `XPENDING` of that single entry. Unknown: 0.
pub(super) fn deliveries(reply: Value) -> u64 {
    list(reply).into_iter().next().and_then(|entry| list(entry).into_iter().nth(3)).and_then(number).unwrap_or(0)
}

/// The consumers in a reply to `XINFO CONSUMERS`.
pub(super) fn consumers(reply: Value) -> Vec<Consumer> {
    list(reply).into_iter().filter_map(consumer).collect()
}

fn consumer(value: Value) -> Option<Consumer> {
    let (mut name, mut pending, mut idle_ms) = (None, None, None);
    for (key, value) in pairs(value) {
        match text(key)?.as_str() {
            "name" => name = text(value),
            "pending" => pending = number(value),
            "idle" => idle_ms = number(value),
            _ => {}
        }
    }
    Some(Consumer { name: name?, pending: pending?, idle_ms: idle_ms? })
}

fn entries(value: Value) -> Vec<Entry> {
    list(value).into_iter().filter_map(entry).collect()
}

fn entry(value: Value) -> Option<Entry> {
    let mut parts = list(value).into_iter();
    let id = parts.next().and_then(text)?;
    let fields = parts.next().map(pairs).unwrap_or_default();
    let payload = fields.into_iter().find_map(|(field, value)| match (text(field)?.as_str(), value) {
        (PAYLOAD, Value::BulkString(bytes)) => Some(bytes),
        _ => None,
    });
    Some(Entry { id, payload })
}

fn pairs(value: Value) -> Vec<(Value, Value)> {
    if let Value::Map(pairs) = value {
        return pairs;
    }
    let mut flat = list(value).into_iter();
    let mut pairs = Vec::with_capacity(flat.len() / 2);
    while let (Some(key), Some(value)) = (flat.next(), flat.next()) {
        pairs.push((key, value));
    }
    pairs
}

fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) | Value::Set(items) => items,
        _ => Vec::new(),
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => String::from_utf8(bytes).ok(),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => Some(text),
        _ => None,
    }
}

fn number(value: Value) -> Option<u64> {
    match value {
        Value::Int(number) => u64::try_from(number).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn one_entry() -> Value {
        Value::Array(vec![Value::Array(vec![bulk("5-0"), Value::Array(vec![bulk("job"), bulk("{}")])])])
    }

    #[test]
    fn both_protocols_read_alike() {
        let expected = vec![Entry { id: "5-0".to_owned(), payload: Some(b"{}".to_vec()) }];
        assert_eq!(read(Value::Array(vec![Value::Array(vec![bulk("key"), one_entry()])])), expected);
        assert_eq!(read(Value::Map(vec![(bulk("key"), one_entry())])), expected);
    }

    #[test]
    fn a_read_that_timed_out_is_empty() {
        assert_eq!(read(Value::Nil), vec![]);
    }

    #[test]
    fn a_deleted_or_foreign_entry_has_no_payload() {
        let deleted = Value::Array(vec![bulk("1-0"), Value::Nil]);
        let foreign = Value::Array(vec![bulk("2-0"), Value::Array(vec![bulk("other"), bulk("x")])]);
        let reply = Value::Array(vec![Value::Array(vec![bulk("key"), Value::Array(vec![deleted, foreign])])]);
        let ids: Vec<_> = read(reply).into_iter().map(|entry| (entry.id, entry.payload)).collect();
        assert_eq!(ids, [("1-0".to_owned(), None), ("2-0".to_owned(), None)]);
    }

    #[test]
    fn claims_of_redis_6_and_7_read_alike() {
        let (cursor, entries) = claimed(Value::Array(vec![bulk("0-0"), one_entry()]));
        assert_eq!((cursor.as_deref(), entries.len()), (Some("0-0"), 1));
        let (cursor, entries) = claimed(Value::Array(vec![bulk("9-1"), one_entry(), Value::Array(vec![])]));
        assert_eq!((cursor.as_deref(), entries.len()), (Some("9-1"), 1));
    }
}
