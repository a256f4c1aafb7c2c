//! Each way a query fails, and that no secret is told on the way.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::fake::{Fake, ONE, SHORT, at};
use crate::{ApiPath, Datasource, HttpOptions, LARGEST_ANSWER, QueryError};

const BAD_DATA: &str = r#"{"status":"error","errorType":"bad_data","error":"1:3: parse error"}"#;
const SLOW: &str = r#"{"status":"error","errorType":"timeout","error":"query timed out in expression evaluation"}"#;

async fn failure(status: u16, kind: &'static str, body: impl Into<String>) -> QueryError {
    let fake = Fake::answering(status, kind, body).await;
    fake.source().instant("up", at()).await.unwrap_err()
}

#[tokio::test]
async fn a_wrong_query_is_rejected_in_the_sources_words() {
    let error = failure(400, "application/json", BAD_DATA).await;
    assert_eq!(error, QueryError::Rejected { kind: "bad_data".to_owned(), message: "1:3: parse error".to_owned() });
    let slow = failure(503, "application/json", SLOW).await;
    assert!(matches!(&slow, QueryError::Rejected { kind, .. } if kind == "timeout"), "{slow:?}");
}

#[tokio::test]
async fn a_proxys_page_is_an_unreachable_source() {
    for (status, body) in [(200, "<html>sign in</html>"), (502, "<html>bad gateway</html>"), (302, ""), (404, "no")] {
        let error = failure(status, "text/html", body).await;
        assert!(matches!(error, QueryError::Unreachable(_)), "{status}: {error:?}");
    }
}

#[tokio::test]
async fn refused_credentials_have_their_own_error() {
    assert_eq!(failure(401, "text/plain", "no").await, QueryError::Refused(401));
    assert_eq!(failure(403, "application/json", BAD_DATA).await, QueryError::Refused(403));
    let fake = Fake::answering(401, "application/json", BAD_DATA).await;
    assert_eq!(fake.source().query_raw(&[]).await, Err(QueryError::Refused(401)));
}

#[tokio::test]
async fn a_source_that_hangs_is_a_timeout_and_gives_its_slot_back() {
    let fake = Fake::healthy().await;
    let mut options = fake.options();
    (options.timeout, options.concurrency) = (SHORT, 1);
    let source = Datasource::http(options).unwrap();
    fake.close();
    assert_eq!(source.instant("up", at()).await, Err(QueryError::Timeout(SHORT)));
    fake.open();
    assert!(source.instant("up", at()).await.is_ok());
}

#[tokio::test]
async fn a_connection_that_is_refused_is_named_by_its_origin_alone() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let mut options = HttpOptions::new(format!("http://me:s3cret@{address}/s3cret"));
    options.headers = vec![("X-Key".to_owned(), "s3cret".to_owned())];
    let source = Datasource::http(options).unwrap();
    let error = source.instant("s3cret", at()).await.unwrap_err();
    assert!(error.is_source_failure());
    let told = format!("{error} {error:?} {source:?}");
    assert!(told.contains(&format!("cannot connect to http://{address}: ")), "{told}");
    assert!(!told.contains("s3cret"), "{told}");
}

#[tokio::test]
async fn a_huge_answer_is_not_read() {
    let body = format!("{{{}", " ".repeat(LARGEST_ANSWER));
    let fake = Fake::answering(200, "application/json", body).await;
    let error = fake.source().instant("up", at()).await.unwrap_err();
    assert_eq!(error, QueryError::TooLarge { limit: LARGEST_ANSWER });
    assert_eq!(fake.source().query_raw(&[]).await.unwrap_err(), error);
    assert!(!error.is_source_failure());
}

#[tokio::test]
async fn pass_through_hands_on_error_envelopes_and_nothing_else() {
    let fake = Fake::answering(400, "application/json", BAD_DATA).await;
    let answer = fake.source().get_raw(&ApiPath::Series, &[]).await.unwrap();
    assert_eq!((answer.status, &answer.body[..]), (400, BAD_DATA.as_bytes()));
    for (status, body) in [(200, "<html>sign in</html>"), (400, "{}"), (500, "{\"error\":\"x\"}"), (302, "")] {
        let fake = Fake::answering(status, "application/json", body).await;
        let error = fake.source().query_raw(&[]).await.unwrap_err();
        assert!(error.is_source_failure(), "{status} {body}: {error}");
    }
}

async fn read_request(stream: &mut TcpStream) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await.unwrap());
    }
}

async fn write_one(stream: &mut TcpStream) {
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{ONE}", ONE.len());
    stream.write_all(answer.as_bytes()).await.unwrap();
}

#[tokio::test]
async fn a_kept_connection_that_is_cut_costs_no_query() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let source = Datasource::http(HttpOptions::new(format!("http://{}", listener.local_addr().unwrap()))).unwrap();
    let peer = tokio::spawn(async move {
        let (mut first, _) = listener.accept().await.unwrap();
        read_request(&mut first).await;
        write_one(&mut first).await;
        read_request(&mut first).await;
        drop(first);
        let (mut second, _) = listener.accept().await.unwrap();
        read_request(&mut second).await;
        write_one(&mut second).await;
    });
    source.healthy().await.unwrap();
    source.healthy().await.unwrap();
    peer.await.unwrap();
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_not_an_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let source = Datasource::http(HttpOptions::new(format!("http://{}", listener.local_addr().unwrap()))).unwrap();
    let peer = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{ONE}", ONE.len() + 1);
        stream.write_all(answer.as_bytes()).await.unwrap();
    });
    let error = source.instant("up", at()).await.unwrap_err();
    assert!(matches!(error, QueryError::Unreachable(_)), "{error:?}");
    peer.await.unwrap();
}
