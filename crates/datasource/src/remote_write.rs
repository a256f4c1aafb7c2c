//! Remote write 1.0, as far as Vigil sends it: protocol buffers in a block of snappy.
//!
//! <https://prometheus.io/docs/specs/prw/remote_write_spec/>

use prost::Message;
use vigil_domain::{Sample, Timestamp};

/// Goes with each request, beside the content's type and encoding.
pub(crate) const VERSION: (&str, &str) = ("x-prometheus-remote-write-version", "0.1.0");

/// Prometheus' `prometheus.WriteRequest`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    pub(crate) timeseries: Vec<TimeSeries>,
}

/// One series' labels, by name, and its points.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    pub(crate) labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) samples: Vec<Point>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Label {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) value: String,
}

/// What the specification calls a sample.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Point {
    /// Always there. Without `optional`, a value of the type's default is left out, and -0 counts as one.
    #[prost(double, optional, tag = "1")]
    pub(crate) value: Option<f64>,
    /// Milliseconds since 1970.
    #[prost(int64, tag = "2")]
    pub(crate) timestamp: i64,
}

impl WriteRequest {
    /// One point of each series, all at `at`.
    pub(crate) fn new(samples: &[Sample], at: Timestamp) -> Self {
        let timestamp = at.timestamp_millis();
        let label = |(name, value): (&str, &str)| Label { name: name.to_owned(), value: value.to_owned() };
        let series = |sample: &Sample| TimeSeries {
            labels: sample.labels.iter().map(label).collect(),
            samples: vec![Point { value: Some(sample.value), timestamp }],
        };
        Self { timeseries: samples.iter().map(series).collect() }
    }

    /// The body of a request. Fails on more than snappy's 4 GiB.
    pub(crate) fn pack(&self) -> Result<Vec<u8>, snap::Error> {
        snap::raw::Encoder::new().compress_vec(&self.encode_to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigil_domain::Labels;

    #[test]
    fn the_bytes_are_those_of_the_specification() {
        let sample = Sample { labels: Labels::from([("__name__", "up")]), value: 1.5 };
        let at = Timestamp::from_timestamp_millis(1_000).unwrap();
        let packed = WriteRequest::new(&[sample], at).pack().unwrap();
        let label = b"\x0a\x08__name__\x12\x02up";
        let point = b"\x09\0\0\0\0\0\0\xf8\x3f\x10\xe8\x07";
        let expected = [b"\x0a\x1e\x0a\x0e".as_slice(), label, b"\x12\x0c", point].concat();
        assert_eq!(snap::raw::Decoder::new().decompress_vec(&packed).unwrap(), expected);
    }

    #[test]
    fn minus_zero_stays_what_it_is() {
        for value in [-0.0, 0.0] {
            let sample = Sample { labels: Labels::from([("__name__", "up")]), value };
            let sent = WriteRequest::new(&[sample], Timestamp::UNIX_EPOCH).encode_to_vec();
            let received = WriteRequest::decode(sent.as_slice()).unwrap().timeseries[0].samples[0].value;
            assert_eq!(received.map(f64::to_bits), Some(value.to_bits()));
        }
    }
}
