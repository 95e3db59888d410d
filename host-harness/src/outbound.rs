//! Outbound HTTP: an allow-list of origins, connections that all calls share, and limits.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::fs::File;
use std::future::Future;
use std::io::{self, Read as _};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::pin::pin;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use bytes::{Bytes, BytesMut};
use http::uri::Scheme;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper_rustls::{ConfigBuilderExt, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::capture_connection;
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::connector::{Connector, NameLookupFailed, Used};

/// Mixpanel's servers: one for each of its three regions, and the one that knows all project tokens.
pub const MIXPANEL: [&str; 4] = [
    "https://api.mixpanel.com",
    "https://api-eu.mixpanel.com",
    "https://api-in.mixpanel.com",
    "https://mixpanel.com",
];

/// The most that a guest may write at once, in bytes; two such pieces of a body wait to be sent.
const MAX_WRITE: usize = 64 << 10;

/// Of a file of certificates, in bytes: that of the web's usual authorities has a quarter of it.
const MAX_PEM: u64 = 1 << 20;

/// Scheme, host and port: what the allow-list is made of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    https: bool,
    host: String,
    port: u16,
}

impl Origin {
    fn of(uri: &Uri) -> Option<Self> {
        let https = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return None,
        };
        let host = uri
            .host()
            .filter(|host| !host.is_empty())?
            .to_ascii_lowercase();
        let port = uri.port_u16().unwrap_or(if https { 443 } else { 80 });
        Some(Origin { https, host, port })
    }
}

/// Reads a URL and keeps its origin; a path is ignored.
impl FromStr for Origin {
    type Err = anyhow::Error;

    fn from_str(url: &str) -> Result<Self> {
        let uri = Uri::from_str(url).with_context(|| format!("{url} is not a URL"))?;
        Origin::of(&uri)
            .ok_or_else(|| anyhow!("{url} is not an origin: write http:// or https:// and a host"))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        write!(formatter, "{scheme}://{}:{}", self.host, self.port)
    }
}

/// A name that is not looked up, as curl's `--resolve` has it: `HOST:PORT:ADDRESS`. The address
/// may have a port of its own, for a server that does not listen on the usual one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolve {
    host: String,
    port: u16,
    address: SocketAddr,
}

impl FromStr for Resolve {
    type Err = anyhow::Error;

    fn from_str(argument: &str) -> Result<Self> {
        let read = || {
            let mut parts = argument.splitn(3, ':');
            let host = parts.next()?.to_ascii_lowercase();
            let port = parts.next()?.parse().ok()?;
            let address = parts.next()?;
            let address = match address.parse() {
                Ok(address) => address,
                Err(_) => {
                    let ip = address.trim_start_matches('[').trim_end_matches(']');
                    SocketAddr::new(ip.parse::<IpAddr>().ok()?, port)
                }
            };
            if host.is_empty() {
                None
            } else {
                Some(Resolve {
                    host,
                    port,
                    address,
                })
            }
        };
        read().ok_or_else(|| {
            anyhow!("{argument} is not HOST:PORT:ADDRESS, such as api.mixpanel.com:443:127.0.0.1")
        })
    }
}

/// The host's own limits on one request; where the guest asks for shorter ones, those count.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// Name look-up, TCP and TLS.
    pub connect: Duration,
    /// From the connection to the response's head.
    pub first_byte: Duration,
    /// Between two pieces of the response's body.
    pub between_bytes: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(30),
            between_bytes: Duration::from_secs(30),
        }
    }
}

/// How [`Outbound`] is made.
#[derive(Clone, Debug)]
pub struct Options {
    /// Nothing else can be reached.
    pub allow: BTreeSet<Origin>,
    /// Names that are not looked up.
    pub resolve: Vec<Resolve>,
    /// Certificates to trust, as DER, instead of the web's usual authorities; empty for those.
    pub ca: Vec<CertificateDer<'static>>,
    /// Of a request's body, in bytes.
    pub max_request: usize,
    /// Of a response's body, in bytes.
    pub max_response: u64,
    pub timeouts: Timeouts,
    /// Connections that are kept open for the next call, for each origin.
    pub max_idle: usize,
}

impl Default for Options {
    /// Mixpanel's servers, and nothing else.
    fn default() -> Self {
        Options {
            allow: MIXPANEL.iter().filter_map(|url| url.parse().ok()).collect(),
            resolve: Vec::new(),
            ca: Vec::new(),
            // What Mixpanel takes.
            max_request: 2 << 20,
            max_response: 1 << 20,
            timeouts: Timeouts::default(),
            max_idle: 64,
        }
    }
}

impl Options {
    /// Trusts the certificates of a PEM file instead of the web's usual authorities.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or holds no certificate.
    pub fn trust(&mut self, file: &Path) -> Result<()> {
        let name = file.display();
        let mut pem = Vec::new();
        File::open(file)
            .and_then(|file| file.take(MAX_PEM + 1).read_to_end(&mut pem))
            .with_context(|| format!("{name} cannot be read"))?;
        if pem.len() as u64 > MAX_PEM {
            bail!("{name} is longer than {MAX_PEM} bytes: it is no file of certificates");
        }
        self.trust_pem(&pem).with_context(|| name.to_string())
    }

    /// Trusts the certificates of a PEM string instead of the web's usual authorities.
    ///
    /// # Errors
    ///
    /// It holds no certificate.
    pub fn trust_pem(&mut self, pem: &[u8]) -> Result<()> {
        for certificate in CertificateDer::pem_slice_iter(pem) {
            self.ca
                .push(certificate.context("this is not a PEM certificate")?);
        }
        if self.ca.is_empty() {
            bail!("there is no certificate in it");
        }
        Ok(())
    }
}

/// The shared client: allow-list, connection pool and limits.
pub struct Outbound {
    client: Client<hyper_rustls::HttpsConnector<Connector>, Full<Bytes>>,
    allow: BTreeSet<Origin>,
    max_request: usize,
    max_response: u64,
    timeouts: Timeouts,
}

impl Outbound {
    /// # Errors
    ///
    /// A certificate to trust is not one.
    pub fn new(options: Options) -> Result<Self> {
        let tls = rustls::ClientConfig::builder_with_provider(
            rustls::crypto::ring::default_provider().into(),
        )
        .with_safe_default_protocol_versions()?;
        let tls = if options.ca.is_empty() {
            tls.with_webpki_roots()
        } else {
            let mut roots = rustls::RootCertStore::empty();
            for certificate in options.ca {
                roots
                    .add(certificate)
                    .context("this certificate cannot be trusted")?;
            }
            tls.with_root_certificates(roots)
        }
        .with_no_client_auth();

        let resolve: HashMap<_, _> = options
            .resolve
            .into_iter()
            .map(|r| ((r.host, r.port), r.address))
            .collect();
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(Connector::new(resolve));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            // Below the 60 s after which common servers and balancers close an idle connection.
            .pool_idle_timeout(Duration::from_secs(50))
            .pool_max_idle_per_host(options.max_idle)
            .build(connector);
        Ok(Outbound {
            client,
            allow: options.allow,
            max_request: options.max_request,
            max_response: options.max_response,
            timeouts: options.timeouts,
        })
    }

    fn allows(&self, uri: &Uri) -> bool {
        Origin::of(uri).is_some_and(|origin| self.allow.contains(&origin))
    }

    /// Sends a request, and once more where it went out on a connection that had been idle and
    /// turned out to be closed: no byte of a response came, and the server can hardly have seen it.
    ///
    /// `open` is held until the response's body has been read or dropped.
    async fn send(
        &self,
        request: Request<WasiBody>,
        options: RequestOptions,
        open: OwnedSemaphorePermit,
    ) -> Result<Response<WasiBody>, Error> {
        let (parts, body) = request.into_parts();
        let body = collect(body, self.max_request).await?;
        let shorter = |host: Duration, guest: Option<Duration>| guest.map_or(host, |g| g.min(host));
        let connect = shorter(self.timeouts.connect, options.connect_timeout);
        let first_byte = shorter(self.timeouts.first_byte, options.first_byte_timeout);
        let between_bytes = shorter(self.timeouts.between_bytes, options.between_bytes_timeout);

        let mut once_more = true;
        let response = loop {
            let mut request = Request::new(Full::new(body.clone()));
            *request.method_mut() = parts.method.clone();
            *request.uri_mut() = parts.uri.clone();
            *request.headers_mut() = parts.headers.clone();
            match self.send_once(request, connect, first_byte).await {
                Ok(response) => break response,
                Err(failed) if failed.was_used && once_more => once_more = false,
                Err(failed) => return Err(failed.error),
            }
        };
        let limits = BodyLimits {
            between_bytes,
            left: self.max_response,
            max: self.max_response,
            _open: open,
        };
        Ok(response.map(|body| limited(body, limits).boxed_unsync()))
    }

    async fn send_once(
        &self,
        mut request: Request<Full<Bytes>>,
        connect: Duration,
        first_byte: Duration,
    ) -> Result<Response<hyper::body::Incoming>, Failed> {
        let mut connection = capture_connection(&mut request);
        let mut response = pin!(self.client.request(request));
        tokio::select! {
            biased;
            result = &mut response => return finish(result),
            // It ends too where connecting failed: the response tells why.
            connected = timeout(connect, connection.wait_for_connection_metadata()) => {
                if connected.is_err() {
                    return Err(Failed::for_good(Error::ConnectionTimeout));
                }
            }
        }
        match timeout(first_byte, response).await {
            Ok(result) => finish(result),
            Err(_) => Err(Failed::for_good(Error::ConnectionReadTimeout)),
        }
    }
}

/// Why a request has no response, and whether its connection had served one before.
struct Failed {
    error: Error,
    was_used: bool,
}

impl Failed {
    fn for_good(error: Error) -> Self {
        Failed {
            error,
            was_used: false,
        }
    }
}

/// Marks the connection of a response as used; tells whether that of a failure was.
fn finish(
    result: Result<Response<hyper::body::Incoming>, ClientError>,
) -> Result<Response<hyper::body::Incoming>, Failed> {
    match result {
        Ok(response) => {
            if let Some(used) = response.extensions().get::<Used>() {
                used.set();
            }
            Ok(response)
        }
        Err(error) => {
            let used = error.connect_info().and_then(Used::of);
            let error = classify(&error);
            let was_closed = matches!(error, Error::ConnectionTerminated);
            Err(Failed {
                was_used: was_closed && used.is_some_and(|used| used.get()),
                error,
            })
        }
    }
}

/// What failed, in the terms of `wasi:http`.
fn classify(error: &ClientError) -> Error {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    let mut terminated = false;
    while let Some(current) = cause {
        if current.is::<NameLookupFailed>() {
            return Error::DnsError {
                rcode: None,
                info_code: None,
            };
        }
        if let Some(tls) = current.downcast_ref::<rustls::Error>() {
            return classify_tls(tls);
        }
        if let Some(http) = current.downcast_ref::<hyper::Error>() {
            if http.is_parse() {
                return Error::HttpProtocolError;
            }
            terminated |= http.is_incomplete_message() || http.is_closed() || http.is_canceled();
        }
        if let Some(io) = current.downcast_ref::<io::Error>() {
            match io.kind() {
                io::ErrorKind::ConnectionRefused => return Error::ConnectionRefused,
                io::ErrorKind::TimedOut => return Error::ConnectionTimeout,
                io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                    return Error::DestinationUnavailable;
                }
                // A connection that ends while it is being made ends in the TLS handshake.
                io::ErrorKind::UnexpectedEof if error.is_connect() => {
                    return Error::TlsProtocolError;
                }
                io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::NotConnected
                | io::ErrorKind::UnexpectedEof => terminated = true,
                _ => {}
            }
            // The error inside an io::Error is not among its sources.
            if let Some(inner) = io.get_ref() {
                cause = Some(inner);
                continue;
            }
        }
        cause = current.source();
    }
    if terminated {
        Error::ConnectionTerminated
    } else if error.is_connect() {
        Error::DestinationUnavailable
    } else {
        Error::HttpProtocolError
    }
}

fn classify_tls(error: &rustls::Error) -> Error {
    match error {
        rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => {
            Error::TlsCertificateError
        }
        rustls::Error::AlertReceived(alert) => Error::TlsAlertReceived {
            alert_id: Some(u8::from(*alert)),
            alert_message: alert.as_str().map(str::to_owned),
        },
        _ => Error::TlsProtocolError,
    }
}

/// The whole body of a request: it may have to be sent twice.
async fn collect(mut body: WasiBody, max: usize) -> Result<Bytes, Error> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        // Trailers have no place in a request of a known length.
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        if whole.len() + data.len() > max {
            return Err(Error::HttpRequestBodySize(Some(max as u64)));
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

/// What is left to a response's body.
struct BodyLimits {
    between_bytes: Duration,
    left: u64,
    max: u64,
    /// The request's place among those that the call may have open.
    _open: OwnedSemaphorePermit,
}

/// The response's body, each piece of it in time, and no more of it than is allowed.
fn limited(
    body: hyper::body::Incoming,
    limits: BodyLimits,
) -> impl hyper::body::Body<Data = Bytes, Error = Error> + Send + 'static {
    let pieces =
        futures_util::stream::try_unfold((body, limits), |(mut body, mut limits)| async move {
            let frame = match timeout(limits.between_bytes, body.frame()).await {
                Ok(None) => return Ok(None),
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(error))) if error.is_parse() => return Err(Error::HttpProtocolError),
                Ok(Some(Err(_))) => return Err(Error::HttpResponseIncomplete),
                Err(_) => return Err(Error::ConnectionReadTimeout),
            };
            let length = frame.data_ref().map_or(0, |data| data.len() as u64);
            if length > limits.left {
                return Err(Error::HttpResponseBodySize(Some(limits.max)));
            }
            limits.left -= length;
            Ok(Some((frame, (body, limits))))
        });
    http_body_util::StreamBody::new(pieces)
}

/// What one call's guest gets of the network.
pub(crate) struct Hooks {
    outbound: Arc<Outbound>,
    /// As many permits as the call may have requests open.
    open: Arc<Semaphore>,
}

impl Hooks {
    pub(crate) fn new(outbound: &Arc<Outbound>, max_requests: usize) -> Self {
        Hooks {
            outbound: Arc::clone(outbound),
            open: Arc::new(Semaphore::new(max_requests)),
        }
    }
}

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _received: Completion,
    ) -> Box<Sending> {
        let outbound = Arc::clone(&self.outbound);
        let open = Arc::clone(&self.open).try_acquire_owned();
        Box::new(async move {
            if !outbound.allows(request.uri()) {
                return Err(Error::HttpRequestDenied);
            }
            let open = open.map_err(|_| Error::ConnectionLimitReached)?;
            let response = outbound
                .send(request, options.unwrap_or_default(), open)
                .await?;
            let sent: Completion = Box::new(async { Ok(()) });
            Ok((response, sent))
        })
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        MAX_WRITE
    }
}

/// Ends when a body has been passed on.
type Completion = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Sending = dyn Future<Output = Result<(Response<WasiBody>, Completion), Error>> + Send;

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::Arc;

    use http::Request;
    use http_body_util::{BodyExt as _, Empty};
    use wasmtime_wasi_http::{Error, WasiHttpHooks as _};

    use super::{Hooks, MIXPANEL, Options, Origin, Outbound, Resolve};

    /// Why a request to `url` is not sent, by a call that may have no request open.
    async fn refusal(url: &str) -> Error {
        let outbound = Arc::new(Outbound::new(Options::default()).expect("outbound HTTP"));
        let body = Empty::new().map_err(|never| match never {}).boxed_unsync();
        let request = Request::get(url).body(body).expect("a request");
        let received = Box::new(async { Ok(()) });
        let sent = Hooks::new(&outbound, 0).send_request(request, None, received);
        Pin::from(sent).await.map(drop).expect_err("a refusal")
    }

    #[tokio::test]
    async fn what_is_refused_before_it_is_sent() {
        for url in MIXPANEL {
            let error = refusal(url).await;
            assert!(matches!(error, Error::ConnectionLimitReached), "{error}");
        }
        for url in [
            "https://example.com",
            "http://mixpanel.com",
            "https://mixpanel.com:444",
            "https://www.mixpanel.com",
        ] {
            let error = refusal(url).await;
            assert!(matches!(error, Error::HttpRequestDenied), "{url}: {error}");
        }
    }

    #[test]
    fn origins() {
        for (url, origin) in [
            (
                "https://api.mixpanel.com",
                Some("https://api.mixpanel.com:443"),
            ),
            (
                "https://API.mixpanel.com:443/path",
                Some("https://api.mixpanel.com:443"),
            ),
            ("http://127.0.0.1:8080", Some("http://127.0.0.1:8080")),
            ("http://[::1]", Some("http://[::1]:80")),
            ("ftp://h", None),
            ("h", None),
            ("", None),
            ("/path", None),
        ] {
            let read = url.parse::<Origin>().ok().map(|origin| origin.to_string());
            assert_eq!(read.as_deref(), origin, "{url}");
        }
    }

    #[test]
    fn resolves() {
        for (text, address) in [
            ("api.mixpanel.com:443:127.0.0.1", Some("127.0.0.1:443")),
            ("h:443:127.0.0.1:9999", Some("127.0.0.1:9999")),
            ("h:443:::1", Some("[::1]:443")),
            ("h:443:[::1]", Some("[::1]:443")),
            ("h:443:[::1]:9999", Some("[::1]:9999")),
            ("h:443", None),
            ("h:port:127.0.0.1", None),
            (":443:127.0.0.1", None),
            ("h:443:name", None),
        ] {
            let read = text
                .parse::<Resolve>()
                .ok()
                .map(|resolve| resolve.address.to_string());
            assert_eq!(read.as_deref(), address, "{text}");
        }
    }
}
