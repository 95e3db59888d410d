//! Certificates for the stand-in, good and bad, from an authority that lives as long as a test.

use std::fmt;
use std::sync::Arc;

use anyhow::Context as _;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, PublicKeyData as _, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;

/// A certificate authority of its own: two of them do not know each other's certificates.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// Makes a new key and a certificate that speaks for itself.
    ///
    /// # Errors
    ///
    /// Where the system gives no randomness.
    pub fn new() -> anyhow::Result<Self> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        // A name of its own, so that a client with another authority finds no issuer at all. The
        // first byte of a public key is the same in each.
        let number = key.der_bytes().get(1..9).unwrap_or_default();
        params.distinguished_name.push(
            DnType::CommonName,
            format!("stand-in authority {number:02x?}"),
        );
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ok(Self(CertifiedIssuer::self_signed(params, key)?))
    }

    /// The authority's certificate, for a client to trust.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A server's certificate for `names` (host names and IP addresses), with a new key.
    ///
    /// # Errors
    ///
    /// Where one of `names` cannot stand in a certificate.
    pub fn server(&self, names: &[&str], validity: Validity) -> anyhow::Result<Tls> {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).context("the server's names")?;
        params
            .distinguished_name
            .push(DnType::CommonName, "stand-in");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let (from, to) = match validity {
            Validity::Valid => (2000, 2100),
            Validity::Expired => (2000, 2001),
            Validity::NotYetValid => (2100, 2101),
        };
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.0)?;

        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Tls(Arc::new(config)))
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

/// When a certificate can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// From 2000 to 2100.
    Valid,
    /// Until 2001.
    Expired,
    /// From 2100 on.
    NotYetValid,
}

/// A server's certificate with its key.
#[derive(Clone)]
pub struct Tls(pub(super) Arc<ServerConfig>);

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}
