//! How connections are made: with names that are not looked up, and a mark on those that were used.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::dns::{GaiFuture, GaiResolver, Name};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

/// A name has no address.
#[derive(Debug)]
pub(crate) struct NameLookupFailed(io::Error);

impl fmt::Display for NameLookupFailed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the name look-up failed: {}", self.0)
    }
}

impl std::error::Error for NameLookupFailed {}

/// Whether a connection has brought a response before. Such a one may have been closed by the
/// server in the meantime.
#[derive(Clone, Debug, Default)]
pub(crate) struct Used(Arc<AtomicBool>);

impl Used {
    /// The mark of a pooled connection.
    pub(crate) fn of(connected: &Connected) -> Option<Self> {
        let mut extensions = http::Extensions::new();
        connected.get_extras(&mut extensions);
        extensions.remove()
    }

    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Makes TCP connections.
#[derive(Clone)]
pub(crate) struct Connector {
    tcp: HttpConnector<Resolver>,
    resolve: Arc<HashMap<(String, u16), SocketAddr>>,
}

impl Connector {
    pub(crate) fn new(resolve: HashMap<(String, u16), SocketAddr>) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(Resolver(GaiResolver::new()));
        tcp.enforce_http(false);
        // A request is one small write: waiting for more would only delay it.
        tcp.set_nodelay(true);
        Connector {
            tcp,
            resolve: Arc::new(resolve),
        }
    }

    /// The URL to connect to: with the address in the place of a name that has one given.
    fn destination(&self, uri: Uri) -> Uri {
        if self.resolve.is_empty() {
            return uri;
        }
        let default_port = if uri.scheme_str() == Some("https") {
            443
        } else {
            80
        };
        let host = uri.host().unwrap_or_default().to_ascii_lowercase();
        let Some(address) = self
            .resolve
            .get(&(host, uri.port_u16().unwrap_or(default_port)))
        else {
            return uri;
        };
        Uri::builder()
            .scheme(uri.scheme_str().unwrap_or("http"))
            .authority(address.to_string())
            .path_and_query("/")
            .build()
            .unwrap_or(uri)
    }
}

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type ConnectError = Box<dyn std::error::Error + Send + Sync>;

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = ConnectError;
    type Future = BoxFuture<Result<Stream, ConnectError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        self.tcp.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.tcp.call(self.destination(uri));
        Box::pin(async move {
            Ok(Stream {
                tcp: connecting.await?,
                used: Used::default(),
            })
        })
    }
}

/// The system's resolver, with an error that can be told from those of connecting.
#[derive(Clone)]
struct Resolver(GaiResolver);

impl Service<Name> for Resolver {
    type Response = <GaiResolver as Service<Name>>::Response;
    type Error = NameLookupFailed;
    type Future = BoxFuture<Result<Self::Response, NameLookupFailed>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), NameLookupFailed>> {
        self.0.poll_ready(context).map_err(NameLookupFailed)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let looking_up: GaiFuture = self.0.call(name);
        Box::pin(async move { looking_up.await.map_err(NameLookupFailed) })
    }
}

/// A TCP connection that bears the mark.
pub(crate) struct Stream {
    tcp: TokioIo<TcpStream>,
    used: Used,
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        self.tcp.connected().extra(self.used.clone())
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(context, buffer)
    }
}

impl Write for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write_vectored(context, slices)
    }
}
