//! Frames that break the protocol, and messages that make no sense.

use futures::{StreamExt, stream};
use rand::{RngExt, rngs::StdRng};
use serde_json::json;

use crate::{
    AT_ONCE, Target,
    forms::{mutated, noise},
    handshakes, wire,
};

/// Random cases of each kind.
const ROUNDS: usize = 60;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;
/// The bit of a frame that ends a message.
const FIN: u8 = 0x80;

/// Sends every case on a connection of its own; none ends with an error of ours.
pub(crate) async fn send_all(target: &Target, rng: &mut StdRng) {
    let handshake = handshakes::valid(target);
    let cases: Vec<Vec<u8>> = broken_frames(rng).into_iter().chain(messages(rng)).collect();
    let sent = stream::iter(cases).map(async |case: Vec<u8>| {
        let heard = wire::exchange_frames(&target.address, &handshake, &case).await;
        let told = format!("{:02x?}", &case[..case.len().min(200)]);
        assert_eq!(heard.status, Some(101), "{told}");
        let code = heard.close_code();
        assert!(code.is_none_or(|code| code != 1011), "{told}: {code:?}");
    });
    sent.buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
}

/// A frame as clients send it, masked by zeros.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..=125 => bytes.push(0x80 | u8::try_from(length).expect("at most 125")),
        length @ 126..=65_535 => {
            bytes.push(0x80 | 126);
            bytes.extend(u16::try_from(length).expect("at most 65535").to_be_bytes());
        }
        length => {
            bytes.push(0x80 | 127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend([0; 4]);
    bytes.extend(payload);
    bytes
}

fn broken_frames(rng: &mut StdRng) -> Vec<Vec<u8>> {
    let text = |payload: &[u8]| frame(FIN | TEXT, payload);
    let mut cases = vec![
        text(b"\xff\xfe\xfd"),
        text(b"\xed\xa0\x80"),
        [frame(TEXT, b"\xe2\x82"), frame(FIN, b"\xff")].concat(),
        text(&vec![b'a'; (64 << 10) + 1]),
        text(&vec![b'a'; 4 << 20]),
        [frame(TEXT, &vec![b'a'; 40_000]), frame(FIN, &vec![b'a'; 40_000])].concat(),
        frame(FIN | BINARY, &[0; 1_000]),
        frame(FIN, b"a continuation of nothing"),
        [frame(TEXT, b"a"), frame(FIN | TEXT, b"b")].concat(),
        frame(PING, b"a ping in fragments"),
        frame(FIN | PING, &[0; 126]),
        frame(FIN | PONG, b"nobody asked"),
        frame(FIN | CLOSE, b"\x03"),
        frame(FIN | CLOSE, &[0, 0]),
        frame(FIN | CLOSE, &[0x03, 0xed]),
        frame(FIN | CLOSE, b"\x03\xe8\xff\xff"),
        [frame(FIN | CLOSE, &[0x03, 0xe8]), text(b"after the end")].concat(),
        vec![FIN | TEXT, 5, b'h', b'e', b'l', b'l', b'o'],
        vec![FIN | TEXT],
        vec![FIN | TEXT, 0x80 | 100, 0, 0, 0, 0, b'x'],
        vec![FIN | TEXT, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        vec![FIN | TEXT, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        text(b"{}").repeat(2_000),
        frame(FIN | PING, b"x").repeat(5_000),
        frame(TEXT, b"").repeat(5_000),
    ];
    for opcode in [3, 7, 11, 15] {
        cases.push(frame(FIN | opcode, b"reserved"));
    }
    for reserved in [0x10, 0x20, 0x40] {
        cases.push(frame(FIN | TEXT | reserved, b"reserved"));
    }
    for _ in 0..ROUNDS {
        cases.push(noise(rng, 300));
        cases.push(mutated(rng, &frame(FIN | TEXT, br#"{"type":"subscribe","expr":["up"]}"#)));
    }
    cases
}

fn messages(rng: &mut StdRng) -> Vec<Vec<u8>> {
    let valid = br#"{"type":"subscribe","expr":["rate(up[5m]) > 0"]}"#;
    let subscribe = |exprs: &[&str]| json!({"type": "subscribe", "expr": exprs}).to_string();
    let mut texts: Vec<Vec<u8>> = [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        "\"subscribe\"".to_owned(),
        "{\"type\":\"subscribe\"}".to_owned(),
        "{\"type\":\"subscribe\",\"expr\":\"up\"}".to_owned(),
        "{\"type\":\"subscribe\",\"expr\":[1,null,{}]}".to_owned(),
        "{\"type\":\"subscribe\",\"expr\":[\"\\ud800\"]}".to_owned(),
        "{\"type\":\"frame\"}".to_owned(),
        "[".repeat(30_000),
        subscribe(&["", " ", "\0", "up\u{0}", "\u{202e}", "{", "up[5m]", "\"text\""]),
        subscribe(&["up"; 10_000]),
        subscribe(&[&"(".repeat(5_000)]),
        subscribe(&[&format!("{}up", "-".repeat(3_000))]),
        subscribe(&[&format!("{}up{}", "(".repeat(3_000), ")".repeat(3_000))]),
        subscribe(&["{__name__=~\".*\"}", "up offset -99999999y", "up @ 1e300", "vector(1e309)", "absent(up)"]),
    ]
    .map(String::into_bytes)
    .to_vec();
    for _ in 0..ROUNDS {
        let text = String::from_utf8_lossy(&mutated(rng, valid)).into_owned();
        texts.push(text.into_bytes());
    }
    texts.iter().map(|text| frame(FIN | TEXT, text).repeat(rng.random_range(1..4))).collect()
}
