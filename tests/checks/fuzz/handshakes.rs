//! Upgrades to WebSocket that ask wrongly: refused by a status, or closed with a code that says why.

use futures::{StreamExt, stream};
use rand::{RngExt, rngs::StdRng};

use crate::{AT_ONCE, Target, forms::noise, is_fair, wire};

/// Random cases per part of the handshake.
const ROUNDS: usize = 30;

/// The request, with what a case makes of it.
struct Handshake {
    target: String,
    headers: Vec<(&'static str, String)>,
}

/// A handshake the API takes, for `server` as the owner of `token`.
pub(crate) fn valid(target: &Target) -> String {
    let handshake = Handshake { target: format!("/ws/metrics/{}?interval=1s", target.server), headers: vec![] };
    let bearer = format!("Bearer {}", target.token);
    String::from_utf8(handshake.with("Authorization", &bearer).bytes(&target.address)).expect("it is text")
}

impl Handshake {
    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn bytes(&self, host: &str) -> Vec<u8> {
        let usual = [
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        let given = |name: &str| self.headers.iter().any(|(other, _)| *other == name);
        let mut text = format!("GET {} HTTP/1.1\r\nHost: {host}\r\n", self.target);
        for (name, value) in usual.iter().filter(|(name, _)| !given(name)) {
            text += &format!("{name}: {value}\r\n");
        }
        for (name, value) in self.headers.iter().filter(|(_, value)| value != "absent") {
            text += &format!("{name}: {value}\r\n");
        }
        (text + "\r\n").into_bytes()
    }
}

/// Tries every case: none gets in, each is told.
pub(crate) async fn try_all(target: &Target, rng: &mut StdRng) {
    let cases: Vec<Vec<u8>> = cases(target, rng).iter().map(|case| case.bytes(&target.address)).collect();
    let tried = stream::iter(cases).map(async |case: Vec<u8>| {
        let heard = wire::exchange(&target.address, &case, false).await;
        let told = String::from_utf8_lossy(&case[..case.len().min(400)]).into_owned();
        match heard.status {
            Some(101) => {
                let code = heard.close_code().unwrap_or_else(|| panic!("{told:?} got in: {heard:?}"));
                assert!((4400..4500).contains(&code), "{told:?}: {code}");
            }
            status => assert!(status.is_none_or(|status| status >= 400 && is_fair(status)), "{told:?}: {heard:?}"),
        }
    });
    tried.buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
}

fn cases(target: &Target, rng: &mut StdRng) -> Vec<Handshake> {
    let (server, bearer) = (&target.server, format!("Bearer {}", target.token));
    let at = |path: &str| Handshake { target: path.to_owned(), headers: vec![] };
    let own = || at(&format!("/ws/metrics/{server}"));
    let mut cases = vec![
        own(),
        own().with("Authorization", "Bearer"),
        own().with("Authorization", "Basic YWRtaW46eA=="),
        own().with("Authorization", &format!("Bearer {}", "a".repeat(20_000))),
        own().with("Sec-WebSocket-Protocol", ""),
        own().with("Sec-WebSocket-Protocol", "vigil.v1, bearer."),
        own().with("Sec-WebSocket-Protocol", "bearer.a, bearer.b,,,vigil.v2"),
        own().with("Sec-WebSocket-Protocol", &"vigil.v1,".repeat(3_000)),
        own().with("Sec-WebSocket-Version", "12").with("Authorization", &bearer),
        own().with("Sec-WebSocket-Version", "absent").with("Authorization", &bearer),
        own().with("Sec-WebSocket-Key", "absent").with("Authorization", &bearer),
        own().with("Upgrade", "h2c").with("Authorization", &bearer),
        own().with("Connection", "close").with("Authorization", &bearer),
        at("/ws/metrics/00000000-0000-7000-8000-000000000000").with("Authorization", &bearer),
        at("/ws/metrics/%00").with("Authorization", &bearer),
        at(&format!("/ws/metrics/{server}?token={}", target.token)),
        at(&format!("/ws/metrics/{server}?access_token={}", target.token)),
    ];
    for query in [
        "interval=0s",
        "interval=-5s",
        "interval=5",
        "interval=1e9y",
        "interval=999999999999999999999s",
        "interval=%00",
        "interval=\u{661}s",
        "other=1",
    ] {
        cases.push(at(&format!("/ws/metrics/{server}?{query}")).with("Authorization", &bearer));
    }
    for _ in 0..ROUNDS {
        let text = printable(rng);
        cases.push(own().with("Sec-WebSocket-Protocol", &format!("vigil.v1, bearer.{text}")));
        cases.push(at(&format!("/ws/metrics/{server}?ticket={}", text.replace(' ', "%20"))));
        cases.push(at(&format!("/ws/metrics/{}?ticket=x", text.replace([' ', '?', '#'], "%"))));
        cases.push(own().with("Sec-WebSocket-Extensions", &text));
    }
    cases
}

/// Characters that a header may hold.
fn printable(rng: &mut StdRng) -> String {
    let length = rng.random_range(1..80);
    noise(rng, 300).into_iter().chain([b'x']).map(|byte| char::from(b' ' + byte % 95)).take(length).collect()
}
