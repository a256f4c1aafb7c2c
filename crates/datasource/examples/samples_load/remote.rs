//! Remote write, as far as it takes to give samples to a Prometheus.

use std::error::Error;

use reqwest::Client;

/// A request under construction: protocol buffers in snappy, which may be stored without being compressed.
#[derive(Default)]
pub(crate) struct Request {
    body: Vec<u8>,
}

impl Request {
    /// Adds a series with its labels by name, and its points in time order.
    pub(crate) fn add(&mut self, labels: &[(String, String)], points: &[(i64, f64)]) {
        let mut series = Vec::new();
        for (name, value) in labels {
            let mut label = Vec::new();
            field(&mut label, 1, name.as_bytes());
            field(&mut label, 2, value.as_bytes());
            field(&mut series, 1, &label);
        }
        for (at_ms, value) in points {
            let mut sample = vec![1 << 3 | 1];
            sample.extend_from_slice(&value.to_le_bytes());
            sample.push(2 << 3);
            varint(&mut sample, at_ms.cast_unsigned());
            field(&mut series, 2, &sample);
        }
        field(&mut self.body, 1, &series);
    }

    pub(crate) async fn send(&self, client: &Client, url: &str) -> Result<(), Box<dyn Error>> {
        let request = client.post(format!("{url}/api/v1/write")).header("content-encoding", "snappy");
        let request = request.header("content-type", "application/x-protobuf");
        let answer = request.header("x-prometheus-remote-write-version", "0.1.0").body(self.stored()).send().await?;
        let status = answer.status();
        if status.is_success() { Ok(()) } else { Err(format!("{status}: {}", answer.text().await?).into()) }
    }

    fn stored(&self) -> Vec<u8> {
        let mut stored = Vec::with_capacity(self.body.len() + 64);
        varint(&mut stored, self.body.len() as u64);
        for literal in self.body.chunks(65_536) {
            stored.push(61 << 2);
            stored.extend_from_slice(&((literal.len() - 1) as u16).to_le_bytes());
            stored.extend_from_slice(literal);
        }
        stored
    }
}

fn field(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    out.push(number << 3 | 2);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}
