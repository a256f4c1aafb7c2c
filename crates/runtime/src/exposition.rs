//! `/metrics` and `/healthz` on an address of their own, for scrapers and probes. Everybody who can reach it may read.

use std::convert::Infallible;
use std::io;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::metrics;

/// Of the text format that [`metrics::render`] writes.
pub const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Answers `GET /metrics` (Prometheus' text format) and `GET /healthz` until `stop` is cancelled.
pub async fn serve(listener: TcpListener, stop: CancellationToken) {
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, _)) => drop(tokio::spawn(stop.clone().run_until_cancelled_owned(converse(stream)))),
            Err(error) => refuse(&error).await,
        }
    }
}

async fn converse(stream: TcpStream) {
    let service = service_fn(|request| async move { Ok::<_, Infallible>(answer(&request)) });
    let connection = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection to the metrics address ended early");
    }
}

fn answer<B>(request: &Request<B>) -> Response<Full<Bytes>> {
    let reads = [Method::GET, Method::HEAD].contains(request.method());
    let (status, body) = match request.uri().path() {
        "/metrics" if reads => (StatusCode::OK, metrics::render()),
        "/healthz" if reads => (StatusCode::OK, "ok\n".to_owned()),
        "/metrics" | "/healthz" => (StatusCode::METHOD_NOT_ALLOWED, "only GET\n".to_owned()),
        _ => (StatusCode::NOT_FOUND, "try /metrics\n".to_owned()),
    };
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(TEXT_FORMAT));
    response
}

/// Out of file descriptors, most likely: it passes.
async fn refuse(error: &io::Error) {
    tracing::warn!(%error, "cannot accept a connection to the metrics address");
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn ask(address: std::net::SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream
            .write_all(format!("{request} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes())
            .await
            .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    }

    #[tokio::test]
    async fn scrapers_and_probes_are_answered_and_nobody_else() {
        metrics::install();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let serving = tokio::spawn(serve(listener, stop.clone()));
        for (request, status, body) in [
            ("GET /metrics", "HTTP/1.1 200", "vigil_build_info"),
            ("GET /healthz", "HTTP/1.1 200", "ok"),
            ("POST /metrics", "HTTP/1.1 405", "only GET"),
            ("GET /secrets", "HTTP/1.1 404", "try /metrics"),
        ] {
            let answer = ask(address, request).await;
            assert!(answer.starts_with(status) && answer.contains(body), "{request}: {answer}");
        }
        stop.cancel();
        serving.await.unwrap();
    }
}
