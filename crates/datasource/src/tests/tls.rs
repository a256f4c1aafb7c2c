//! Real TLS handshakes: only a certificate from a trusted authority, for the name that was asked, will do.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

use super::fake::ONE;
use crate::{Datasource, HttpOptions, QueryError};

struct Tls {
    port: u16,
    ca_pem: String,
}

/// Serves [`super::fake::ONE`] with a certificate for `localhost`, issued by a fresh authority.
async fn serve() -> Tls {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let authority_certificate = authority.self_signed(&authority_key).unwrap();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();

    let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], private)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(answer_all(listener, TlsAcceptor::from(Arc::new(config))));
    Tls { port, ca_pem: authority_certificate.pem() }
}

async fn answer_all(listener: TcpListener, acceptor: TlsAcceptor) {
    while let Ok((stream, _)) = listener.accept().await {
        let Ok(mut stream) = acceptor.accept(stream).await else { continue };
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(stream.read_u8().await.unwrap());
        }
        let answer = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{ONE}", ONE.len());
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
    }
}

async fn ask(host: &str, tls: &Tls, ca_pem: Option<&str>) -> Result<(), QueryError> {
    let mut options = HttpOptions::new(format!("https://{host}:{}", tls.port));
    options.ca_pem = ca_pem.map(|pem| pem.as_bytes().to_vec());
    Datasource::http(options).unwrap().healthy().await
}

#[tokio::test]
async fn a_configured_authority_is_trusted() {
    let tls = serve().await;
    ask("localhost", &tls, Some(&tls.ca_pem)).await.unwrap();
}

#[tokio::test]
async fn an_unknown_authority_is_not() {
    let (tls, other) = (serve().await, serve().await);
    for ca_pem in [None, Some(other.ca_pem.as_str())] {
        let error = ask("localhost", &tls, ca_pem).await.unwrap_err();
        assert!(error.is_source_failure() && error.to_string().contains("certificate"), "{error}");
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_is_not() {
    let tls = serve().await;
    let error = ask("127.0.0.1", &tls, Some(&tls.ca_pem)).await.unwrap_err();
    assert!(error.is_source_failure() && error.to_string().contains("certificate"), "{error}");
}
