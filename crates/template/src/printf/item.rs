//! What Go's reflection sees of a value: its type's name, its kind and its parts.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Datelike as _, Timelike as _, Utc};

use crate::{
    gotime,
    value::{Data, LabelMap, Sample, Text, Type, Value},
};

/// A value or a part of one.
#[derive(Clone, Copy)]
pub(super) struct Item<'a> {
    name: Name,
    pub(super) shape: Shape<'a>,
    methods: Option<Methods>,
}

#[derive(Clone, Copy)]
enum Name {
    Type(Type),
    /// Of a type that only parts of values have.
    Other(&'static str),
}

#[derive(Clone, Copy)]
pub(super) enum Shape<'a> {
    Nil,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Complex(f64, f64),
    Text(&'a [u8]),
    Slice(Elements<'a>),
    Map(Entries<'a>),
    Struct(Fields<'a>),
    Pointer(Pointer<'a>),
}

#[derive(Clone, Copy)]
pub(super) enum Elements<'a> {
    Nil,
    Bytes(&'a [u8]),
    Samples(&'a [Arc<Sample>]),
}

#[derive(Clone, Copy)]
pub(super) enum Entries<'a> {
    Labels(&'a LabelMap),
    Values(&'a BTreeMap<Text, Value>),
}

#[derive(Clone, Copy)]
pub(super) enum Fields<'a> {
    Sample(&'a Sample),
    Data(&'a Data),
    Time(DateTime<Utc>),
    Location,
}

/// Where something is; nil is at 0.
#[derive(Clone, Copy)]
pub(super) struct Pointer<'a> {
    pub(super) address: u64,
    /// What is there, where printing a pointer prints that.
    target: Option<Fields<'a>>,
}

/// The types with a `String` method, and what it needs.
#[derive(Clone, Copy)]
enum Methods {
    Time(DateTime<Utc>),
    Duration(i64),
    Month(u32),
    Weekday(u32),
    Location,
}

/// Seconds from Go's year 1 to the epoch.
const YEAR_ONE: i64 = 62_135_596_800;

/// An address that looks like one of Go's heap. Nothing really is there: a text has to be the same at each evaluation.
pub(super) const fn address(position: usize) -> u64 {
    0xc0_0001_2340 + 0x10 * position as u64
}

impl<'a> Item<'a> {
    /// `position` tells the pointers of one list from each other.
    pub(super) fn new(value: &'a Value, position: usize) -> Self {
        let Some(go_type) = value.go_type() else {
            return Self { name: Name::Other("<nil>"), shape: Shape::Nil, methods: None };
        };
        let pointer = |target| Shape::Pointer(Pointer { address: address(position), target });
        let (shape, methods) = match value {
            Value::Nil => (Shape::Nil, None),
            Value::Bool(truth) => (Shape::Bool(*truth), None),
            Value::Int(n) | Value::Int64(n) => (Shape::Int(*n), None),
            Value::Byte(n) => (Shape::Uint(u64::from(*n)), None),
            Value::Float(n) => (Shape::Float(*n), None),
            Value::Complex(re, im) => (Shape::Complex(*re, *im), None),
            Value::Text(text) | Value::Html(text) => (Shape::Text(text.bytes()), None),
            Value::Labels(labels) => (Shape::Map(Entries::Labels(labels)), None),
            Value::Map(map) => (Shape::Map(Entries::Values(map)), None),
            Value::Sample(None) => (Shape::Pointer(Pointer { address: 0, target: None }), None),
            Value::Sample(Some(sample)) => (pointer(Some(Fields::Sample(sample))), None),
            Value::Samples(samples) => (Shape::Slice(Elements::Samples(samples)), None),
            Value::Bytes(bytes) => (Shape::Slice(Elements::Bytes(bytes)), None),
            Value::TimePointer(time) => (pointer(Some(Fields::Time(*time))), Some(Methods::Time(*time))),
            Value::Time(time) => (Shape::Struct(Fields::Time(*time)), Some(Methods::Time(*time))),
            Value::DurationPointer(nanos) => (pointer(None), Some(Methods::Duration(*nanos))),
            Value::Duration(nanos) => (Shape::Int(*nanos), Some(Methods::Duration(*nanos))),
            Value::Month(n) => (Shape::Int(i64::from(*n)), Some(Methods::Month(*n))),
            Value::Weekday(n) => (Shape::Int(i64::from(*n)), Some(Methods::Weekday(*n))),
            Value::Location => (pointer(Some(Fields::Location)), Some(Methods::Location)),
            Value::Data(data) => (Shape::Struct(Fields::Data(data)), None),
        };
        Self { name: Name::Type(go_type), shape, methods }
    }

    /// What a template prints for a value: what it points to.
    pub(super) fn printable(value: &'a Value) -> Self {
        match value {
            Value::Nil => Self::text(b"<no value>"),
            Value::Sample(Some(sample)) => Fields::Sample(sample).item(),
            // What a time or a duration points to has the same methods.
            value => Self::new(value, 0),
        }
    }

    /// Its type as Go prints it.
    pub(super) fn type_name(&self) -> Cow<'static, str> {
        match self.name {
            Name::Type(go_type) => go_type.to_string().into(),
            Name::Other(name) => name.into(),
        }
    }

    pub(super) const fn is_string(&self) -> bool {
        matches!(self.shape, Shape::Text(_))
    }

    /// What its `String` method returns, if it has one.
    pub(super) fn string(&self) -> Option<String> {
        Some(match self.methods? {
            Methods::Time(time) => gotime::time_string(&time),
            Methods::Duration(nanos) => gotime::duration_string(nanos),
            Methods::Month(n) => gotime::month_name(n),
            Methods::Weekday(n) => gotime::weekday_name(n),
            Methods::Location => "UTC".to_owned(),
        })
    }

    /// What its `GoString` method returns, if it has one.
    pub(super) fn go_string(&self) -> Option<String> {
        let Some(Methods::Time(time)) = self.methods else { return None };
        Some(format!(
            "time.Date({}, time.{}, {}, {}, {}, {}, {}, time.UTC)",
            time.year(),
            gotime::month_name(time.month()),
            time.day(),
            time.hour(),
            time.minute(),
            time.second(),
            time.timestamp_subsec_nanos(),
        ))
    }

    const fn of(go_type: Type, shape: Shape<'a>) -> Self {
        Self { name: Name::Type(go_type), shape, methods: None }
    }

    const fn other(name: &'static str, shape: Shape<'a>) -> Self {
        Self { name: Name::Other(name), shape, methods: None }
    }

    const fn text(text: &'a [u8]) -> Self {
        Self::of(Type::String, Shape::Text(text))
    }

    fn labels(labels: &'a LabelMap) -> Self {
        Self::of(Type::Labels, Shape::Map(Entries::Labels(labels)))
    }

    const fn nil_pointer(name: &'static str) -> Self {
        Self::other(name, Shape::Pointer(Pointer { address: 0, target: None }))
    }
}

impl<'a> Elements<'a> {
    pub(super) fn items(self) -> Box<dyn Iterator<Item = Item<'a>> + 'a> {
        match self {
            Elements::Nil => Box::new(std::iter::empty()),
            Elements::Bytes(bytes) => {
                Box::new(bytes.iter().map(|&byte| Item::of(Type::Uint8, Shape::Uint(u64::from(byte)))))
            }
            Elements::Samples(samples) => Box::new(samples.iter().enumerate().map(|(position, sample)| {
                let pointer = Pointer { address: address(position), target: Some(Fields::Sample(sample)) };
                Item::of(Type::SamplePointer, Shape::Pointer(pointer))
            })),
        }
    }
}

impl<'a> Entries<'a> {
    /// In the keys' order.
    pub(super) fn items(self) -> Box<dyn Iterator<Item = (Item<'a>, Item<'a>)> + 'a> {
        match self {
            Entries::Labels(labels) => {
                Box::new(labels.iter().map(|(key, value)| (Item::text(key.bytes()), Item::text(value.bytes()))))
            }
            Entries::Values(map) => Box::new(
                map.iter()
                    .enumerate()
                    .map(|(position, (key, value))| (Item::text(key.bytes()), Item::new(value, position))),
            ),
        }
    }
}

impl<'a> Fields<'a> {
    /// The struct with these fields.
    fn item(self) -> Item<'a> {
        let shape = Shape::Struct(self);
        match self {
            Fields::Sample(_) => Item::of(Type::Sample, shape),
            Fields::Data(_) => Item::of(Type::Data, shape),
            Fields::Time(time) => Item { methods: Some(Methods::Time(time)), ..Item::of(Type::Time, shape) },
            // Its methods are the pointer's.
            Fields::Location => Item::other("time.Location", shape),
        }
    }

    /// With their names. Methods of a private field's value are out of reach: it has none here.
    pub(super) fn items(self) -> Vec<(&'static str, Item<'a>)> {
        let float = |n| Item::of(Type::Float64, Shape::Float(n));
        match self {
            Fields::Sample(sample) => vec![("Labels", Item::labels(&sample.labels)), ("Value", float(sample.value))],
            Fields::Data(data) => vec![
                ("Labels", Item::labels(&data.labels)),
                ("ExternalLabels", Item::labels(&data.external_labels)),
                ("ExternalURL", Item::text(data.external_url.bytes())),
                ("Value", float(data.value)),
            ],
            Fields::Time(time) => vec![
                ("wall", Item::other("uint64", Shape::Uint(u64::from(time.timestamp_subsec_nanos())))),
                ("ext", Item::of(Type::Int64, Shape::Int(time.timestamp() + YEAR_ONE))),
                ("loc", Item::nil_pointer("*time.Location")),
            ],
            Fields::Location => vec![
                ("name", Item::text(b"UTC")),
                ("zone", Item::other("[]time.zone", Shape::Slice(Elements::Nil))),
                ("tx", Item::other("[]time.zoneTrans", Shape::Slice(Elements::Nil))),
                ("extend", Item::text(b"")),
                ("cacheStart", Item::of(Type::Int64, Shape::Int(0))),
                ("cacheEnd", Item::of(Type::Int64, Shape::Int(0))),
                ("cacheZone", Item::nil_pointer("*time.zone")),
            ],
        }
    }
}

impl<'a> Pointer<'a> {
    /// The struct that it points to.
    pub(super) fn target(self) -> Option<Item<'a>> {
        self.target.map(Fields::item)
    }
}
