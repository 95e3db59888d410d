//! HTTPS, with certificates good and bad.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::{ACCEPTED, TIMEOUT, answer, connect, engage};
use crate::fault::{Fault, Rule};
use crate::stand_in::{Authority, Options, StandIn, Validity};

#[test]
fn certificates_good_and_bad() {
    let authority = Authority::new().expect("an authority");
    let other = Authority::new().expect("an authority");
    for (names, validity, trusted, problem) in [
        (&["api.mixpanel.com"][..], Validity::Valid, &authority, None),
        (
            &["127.0.0.1", "api.mixpanel.com"],
            Validity::Valid,
            &authority,
            None,
        ),
        (
            &["localhost"],
            Validity::Valid,
            &authority,
            Some("not valid for name"),
        ),
        (
            &["api.mixpanel.com"],
            Validity::Expired,
            &authority,
            Some("expired"),
        ),
        (
            &["api.mixpanel.com"],
            Validity::NotYetValid,
            &authority,
            Some("not valid yet"),
        ),
        (
            &["api.mixpanel.com"],
            Validity::Valid,
            &other,
            Some("UnknownIssuer"),
        ),
    ] {
        let tls = Some(authority.server(names, validity).expect("a certificate"));
        let stand_in = StandIn::start(Options {
            tls,
            ..Options::default()
        })
        .expect("a stand-in");
        assert!(stand_in.origin().starts_with("https://127.0.0.1:"));
        let mut socket = secure(&stand_in, trusted);
        let sent = socket
            .write_all(engage("a").as_bytes())
            .and_then(|()| socket.flush());
        match problem {
            None => {
                sent.expect("sent");
                assert_eq!(answer(&mut socket), (200, ACCEPTED.to_owned()));
                assert_eq!(socket.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
            }
            Some(problem) => {
                let error = sent.expect_err("a refusal").to_string();
                assert!(error.contains(problem), "{error}");
                drop(socket);
                assert!(stand_in.wait_for_open_connections(0, TIMEOUT));
                assert_eq!(stand_in.request_count(), 0);
            }
        }
    }
}

#[test]
fn a_reset_beneath_tls() {
    let authority = Authority::new().expect("an authority");
    let tls = authority
        .server(&["api.mixpanel.com"], Validity::Valid)
        .expect("a certificate");
    let stand_in = StandIn::start(Options {
        tls: Some(tls),
        ..Options::default()
    })
    .expect("a stand-in");
    stand_in.add_rule(Rule::new(Fault::Reset));
    let mut socket = secure(&stand_in, &authority);
    socket.write_all(engage("a").as_bytes()).expect("sent");
    let error = socket.read(&mut [0]).expect_err("a reset");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

/// A client that trusts `authority` and calls the stand-in `api.mixpanel.com`.
fn secure(stand_in: &StandIn, authority: &Authority) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    let pem = authority.pem();
    roots
        .add(CertificateDer::from_pem_slice(pem.as_bytes()).expect("PEM"))
        .expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = ServerName::try_from("api.mixpanel.com").expect("a name");
    let client = ClientConnection::new(Arc::new(config), name).expect("a client");
    StreamOwned::new(client, connect(stand_in))
}
