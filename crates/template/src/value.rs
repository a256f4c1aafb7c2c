//! What a template works with: the Go values that Prometheus hands to one, with Go's types.

mod map;

use std::{fmt, sync::Arc};

use chrono::{DateTime, Utc};

pub use map::LabelMap;
pub(crate) use map::ValueMap;

/// A Go string: bytes that are usually, but not always, UTF-8 (`slice` may cut a character in two).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Arc<[u8]>);

impl Text {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// As UTF-8, with U+FFFD for what is none.
    pub fn lossy(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().into())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into_bytes().into())
    }
}

impl From<Vec<u8>> for Text {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl From<&[u8]> for Text {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.lossy())
    }
}

/// One element of a query's result, `template.sample`.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// With `__name__`.
    pub labels: Arc<LabelMap>,
    pub value: f64,
}

/// The struct a template is executed with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Data {
    pub(crate) labels: Arc<LabelMap>,
    pub(crate) external_labels: Arc<LabelMap>,
    pub(crate) external_url: Text,
    pub(crate) value: f64,
}

/// A value of a template.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// No value at all: Go's untyped nil.
    Nil,
    Bool(bool),
    /// `int`
    Int(i64),
    /// `int64`
    Int64(i64),
    /// `uint8`: what `index` takes out of a string.
    Byte(u8),
    /// `float64`
    Float(f64),
    /// `complex128`
    Complex(f64, f64),
    /// `string`
    Text(Text),
    /// `template.HTML`, what `safeHtml` makes of a string.
    Html(Text),
    /// `map[string]string`
    Labels(Arc<LabelMap>),
    /// `map[string]interface {}`, what `args` makes.
    Map(Arc<ValueMap>),
    /// `*template.sample`; `None` is a nil pointer.
    Sample(Option<Arc<Sample>>),
    /// `template.queryResult`, a slice of `*template.sample`.
    Samples(Arc<[Arc<Sample>]>),
    /// `[]uint8`
    Bytes(Arc<[u8]>),
    /// `*time.Time`, what `toTime` makes.
    TimePointer(DateTime<Utc>),
    /// `time.Time`, what the methods of one give.
    Time(DateTime<Utc>),
    /// `*time.Duration` in nanoseconds, what `toDuration` makes.
    DurationPointer(i64),
    /// `time.Duration` in nanoseconds.
    Duration(i64),
    /// `time.Month`, January is 1.
    Month(u32),
    /// `time.Weekday`, Sunday is 0.
    Weekday(u32),
    /// `*time.Location`; there is none but UTC.
    Location,
    Data(Arc<Data>),
}

/// A type of Go, as the parameter of a function or as what a value has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    /// `interface {}`: takes anything.
    Interface,
    /// `reflect.Value`: takes anything, as builtin functions do.
    Reflect,
    Bool,
    Int,
    Int64,
    Uint8,
    Float64,
    Complex128,
    String,
    Html,
    Labels,
    Map,
    SamplePointer,
    /// Only what a pointer to one points to.
    Sample,
    Samples,
    Bytes,
    TimePointer,
    Time,
    DurationPointer,
    Duration,
    Month,
    Weekday,
    LocationPointer,
    Data,
}

/// A kind of Go's reflection, as far as a template can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Invalid,
    Bool,
    Int,
    Uint,
    Float,
    Complex,
    String,
    Map,
    Slice,
    Struct,
    Pointer,
    Interface,
}

impl Type {
    pub(crate) const fn kind(self) -> Kind {
        match self {
            Self::Interface => Kind::Interface,
            Self::Reflect | Self::Sample | Self::Time | Self::Data => Kind::Struct,
            Self::Bool => Kind::Bool,
            Self::Int | Self::Int64 | Self::Duration | Self::Month | Self::Weekday => Kind::Int,
            Self::Uint8 => Kind::Uint,
            Self::Float64 => Kind::Float,
            Self::Complex128 => Kind::Complex,
            Self::String | Self::Html => Kind::String,
            Self::Labels | Self::Map => Kind::Map,
            Self::Samples | Self::Bytes => Kind::Slice,
            Self::SamplePointer | Self::TimePointer | Self::DurationPointer | Self::LocationPointer => Kind::Pointer,
        }
    }

    /// Whether `nil` may stand for a value of it.
    pub(crate) const fn can_be_nil(self) -> bool {
        matches!(self.kind(), Kind::Interface | Kind::Map | Kind::Slice | Kind::Pointer)
            || matches!(self, Self::Reflect)
    }
}

impl fmt::Display for Type {
    /// As Go prints a `reflect.Type`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interface => "interface {}",
            Self::Reflect => "reflect.Value",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Int64 => "int64",
            Self::Uint8 => "uint8",
            Self::Float64 => "float64",
            Self::Complex128 => "complex128",
            Self::String => "string",
            Self::Html => "template.HTML",
            Self::Labels => "map[string]string",
            Self::Map => "map[string]interface {}",
            Self::SamplePointer => "*template.sample",
            Self::Sample => "template.sample",
            Self::Samples => "template.queryResult",
            Self::Bytes => "[]uint8",
            Self::TimePointer => "*time.Time",
            Self::Time => "time.Time",
            Self::DurationPointer => "*time.Duration",
            Self::Duration => "time.Duration",
            Self::Month => "time.Month",
            Self::Weekday => "time.Weekday",
            Self::LocationPointer => "*time.Location",
            Self::Data => {
                "struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value interface {} }"
            }
        })
    }
}

impl Value {
    /// A Go string.
    pub(crate) fn text(text: impl Into<Text>) -> Self {
        Self::Text(text.into())
    }

    /// Its type; `None` for no value at all.
    pub(crate) const fn go_type(&self) -> Option<Type> {
        Some(match self {
            Self::Nil => return None,
            Self::Bool(_) => Type::Bool,
            Self::Int(_) => Type::Int,
            Self::Int64(_) => Type::Int64,
            Self::Byte(_) => Type::Uint8,
            Self::Float(_) => Type::Float64,
            Self::Complex(..) => Type::Complex128,
            Self::Text(_) => Type::String,
            Self::Html(_) => Type::Html,
            Self::Labels(_) => Type::Labels,
            Self::Map(_) => Type::Map,
            Self::Sample(_) => Type::SamplePointer,
            Self::Samples(_) => Type::Samples,
            Self::Bytes(_) => Type::Bytes,
            Self::TimePointer(_) => Type::TimePointer,
            Self::Time(_) => Type::Time,
            Self::DurationPointer(_) => Type::DurationPointer,
            Self::Duration(_) => Type::Duration,
            Self::Month(_) => Type::Month,
            Self::Weekday(_) => Type::Weekday,
            Self::Location => Type::LocationPointer,
            Self::Data(_) => Type::Data,
        })
    }

    /// Its kind.
    pub(crate) fn kind(&self) -> Kind {
        self.go_type().map_or(Kind::Invalid, Type::kind)
    }

    /// What the pointer points to, for those whose target is a value of its own; anything else stays as it is.
    pub(crate) fn indirect(self) -> Self {
        match self {
            Self::TimePointer(time) => Self::Time(time),
            Self::DurationPointer(duration) => Self::Duration(duration),
            other => other,
        }
    }

    /// Whether `if` takes it for true.
    pub(crate) fn truth(&self) -> bool {
        match self {
            Self::Nil | Self::Sample(None) => false,
            Self::Bool(truth) => *truth,
            Self::Int(n) | Self::Int64(n) | Self::Duration(n) => *n != 0,
            Self::Byte(n) => *n != 0,
            Self::Month(n) | Self::Weekday(n) => *n != 0,
            Self::Float(n) => *n != 0.0,
            Self::Complex(re, im) => *re != 0.0 || *im != 0.0,
            Self::Text(text) | Self::Html(text) => !text.bytes().is_empty(),
            Self::Bytes(bytes) => !bytes.is_empty(),
            Self::Labels(labels) => !labels.is_empty(),
            Self::Map(map) => !map.is_empty(),
            Self::Samples(samples) => !samples.is_empty(),
            Self::Sample(Some(_))
            | Self::TimePointer(_)
            | Self::Time(_)
            | Self::DurationPointer(_)
            | Self::Location
            | Self::Data(_) => true,
        }
    }
}
