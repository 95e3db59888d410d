//! The stand-in's connections: accepts them, reads requests off them, and performs the answers.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ::http::StatusCode;
use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::Tls;
use super::http::{self, Framed, MAX_HEADERS};
use super::state::Shared;
use crate::fault::Step;
use crate::mixpanel::Answer;

/// What a client may send ahead while it waits for an answer.
const MAX_AHEAD_BYTES: usize = 64 * 1024;
const READ_BYTES: usize = 16 * 1024;

/// Of the requests that have not come whole: on all connections together.
const MAX_UNFINISHED_BYTES: usize = 64 * 1024 * 1024;

/// Without any more files, accepting fails at once each time until one is closed.
const ACCEPT_AGAIN: Duration = Duration::from_millis(10);

/// One open connection, counted for as long as this lives.
struct Open {
    shared: Arc<Shared>,
    number: u64,
}

impl Open {
    fn new(shared: &Arc<Shared>) -> Self {
        let mut state = shared.lock();
        state.connections += 1;
        state.open += 1;
        shared.notify(&state);
        Self {
            shared: Arc::clone(shared),
            number: state.connections,
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.open -= 1;
        self.shared.notify(&state);
    }
}

/// What a connection holds of a request that has not come whole.
struct Unfinished<'a> {
    all: &'a AtomicUsize,
    bytes: usize,
}

impl<'a> Unfinished<'a> {
    fn new(shared: &'a Shared) -> Self {
        Self {
            all: &shared.unfinished_bytes,
            bytes: 0,
        }
    }

    /// Holds so many bytes from now on; `false` where that is too much for all connections together.
    fn hold(&mut self, bytes: usize) -> bool {
        let before = std::mem::replace(&mut self.bytes, bytes);
        self.all.fetch_sub(before, Ordering::Relaxed);
        self.all.fetch_add(bytes, Ordering::Relaxed) + bytes <= MAX_UNFINISHED_BYTES
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Accepts connections and serves each; never ends.
pub(super) async fn accept(listener: TcpListener, tls: Option<Tls>, shared: Arc<Shared>) {
    let acceptor = tls.map(|Tls(config)| TlsAcceptor::from(config));
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_AGAIN).await;
            continue;
        };
        let open = Open::new(&shared);
        if shared.lock().rules.close_on_accept() {
            continue;
        }
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            // An error is the client's going away, which is its right at any time.
            let _ = connection(socket, acceptor, &open).await;
        });
    }
}

async fn connection(
    socket: TcpStream,
    acceptor: Option<TlsAcceptor>,
    open: &Open,
) -> io::Result<()> {
    // An answer is one write: there is nothing to wait for.
    socket.set_nodelay(true)?;
    match acceptor {
        None => serve(socket, open).await,
        Some(acceptor) => serve(acceptor.accept(socket).await?, open).await,
    }
}

trait Socket: AsyncRead + AsyncWrite + Unpin {
    /// The connection beneath any encryption.
    fn tcp(&self) -> &TcpStream;
}

impl Socket for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Socket for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// Serves one request after the other until either side closes.
async fn serve<S: Socket>(mut socket: S, open: &Open) -> io::Result<()> {
    let mut buffer = BytesMut::new();
    let mut unfinished = Unfinished::new(&open.shared);
    let mut continued = false;
    loop {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let (mut steps, end, keep_alive) = match http::frame(&mut headers, &buffer) {
            Ok(Framed::Whole(whole)) => {
                let steps = open.shared.answer(open.number, &whole, &buffer);
                (steps, whole.end, whole.keep_alive)
            }
            Ok(Framed::Partial { expects_continue }) => {
                if expects_continue && !continued {
                    continued = true;
                    socket.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
                    socket.flush().await?;
                }
                buffer.reserve(READ_BYTES);
                if socket.read_buf(&mut buffer).await? == 0 {
                    return Ok(());
                }
                if unfinished.hold(buffer.len()) {
                    continue;
                }
                let error = "the stand-in holds too much of unfinished requests";
                let answer = Answer::error(StatusCode::SERVICE_UNAVAILABLE, error);
                (vec![Step::Write(answer.to_http())], buffer.len(), false)
            }
            Err(status) => {
                let answer = Answer::error(status, "the stand-in cannot read this request");
                (vec![Step::Write(answer.to_http())], buffer.len(), false)
            }
        };
        if !keep_alive {
            steps.push(Step::Close);
        }
        buffer.advance(end);
        unfinished.hold(buffer.len());
        continued = false;
        for step in steps {
            if !perform(&mut socket, &mut buffer, step).await? {
                return Ok(());
            }
        }
    }
}

/// Performs `step`; `false` where it ends the connection.
async fn perform<S: Socket>(socket: &mut S, buffer: &mut BytesMut, step: Step) -> io::Result<bool> {
    match step {
        Step::Write(bytes) => {
            socket.write_all(&bytes).await?;
            // TLS may keep some of it back.
            socket.flush().await?;
        }
        Step::Repeat(bytes, times) => {
            for _ in 0..times {
                socket.write_all(&bytes).await?;
            }
            socket.flush().await?;
        }
        Step::Wait(duration) => tokio::select! {
            () = tokio::time::sleep(duration) => {}
            () = gone(socket, buffer) => return Ok(false),
        },
        Step::Hang => {
            gone(socket, buffer).await;
            return Ok(false);
        }
        Step::Close => {
            socket.shutdown().await?;
            return Ok(false);
        }
        Step::Reset => {
            socket.tcp().set_zero_linger()?;
            return Ok(false);
        }
    }
    Ok(true)
}

/// Ends when the client has gone away, or sends more ahead than it may.
async fn gone<S: Socket>(socket: &mut S, buffer: &mut BytesMut) {
    while buffer.len() < MAX_AHEAD_BYTES {
        buffer.reserve(READ_BYTES);
        if !matches!(socket.read_buf(buffer).await, Ok(1..)) {
            return;
        }
    }
}
