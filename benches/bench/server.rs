//! A stand-in for Mixpanel that does no more than answer, in a process of its own: what is measured
//! is the client.
//!
//! It counts the updates in a body, and says so. Under `/hold` it waits until it is told to answer.

use std::convert::Infallible;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde::de::IgnoredAny;
use tokio::net::TcpSocket;
use tokio::sync::watch;

/// As many connections as can be waiting to be accepted.
const BACKLOG: u32 = 16_384;

/// A server in another process, which ends with this value.
pub struct Server {
    process: Child,
    pub origin: String,
}

impl Server {
    pub fn start() -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg("serve")
            .stdout(Stdio::piped())
            .stdin(Stdio::null())
            .spawn()?;
        let mut origin = String::new();
        let output = process.stdout.take().context("the server's output")?;
        BufReader::new(output).read_line(&mut origin)?;
        Ok(Server {
            process,
            origin: origin.trim().to_owned(),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What the requests that wait have in common.
struct Held {
    count: watch::Sender<usize>,
    released: watch::Sender<bool>,
}

/// The server's process: prints its origin, and serves until it is killed.
pub fn serve() -> Result<()> {
    super::raise_file_limit()?;
    let held: &'static Held = Box::leak(Box::new(Held {
        count: watch::Sender::new(0),
        released: watch::Sender::new(false),
    }));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let listener = socket.listen(BACKLOG)?;
        println!("http://{}", listener.local_addr()?);
        std::io::stdout().flush()?;
        loop {
            let (connection, _) = listener.accept().await?;
            connection.set_nodelay(true)?;
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(
                TokioIo::new(connection),
                service_fn(move |request| answer(request, held)),
            ));
        }
    })
}

async fn answer(
    request: Request<Incoming>,
    held: &'static Held,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => Bytes::new(),
    };
    let answer = match parts.uri.path() {
        // How many wait, once there are as many as were asked for.
        "/held" => {
            let wanted = std::str::from_utf8(&body).ok().and_then(|n| n.parse().ok());
            let mut count = held.count.subscribe();
            let _ = count.wait_for(|n| *n >= wanted.unwrap_or(0)).await;
            "{}".to_owned()
        }
        "/release" => {
            held.released.send_replace(true);
            "{}".to_owned()
        }
        path => {
            if path.starts_with("/hold/") {
                held.count.send_modify(|n| *n += 1);
                let _ = held
                    .released
                    .subscribe()
                    .wait_for(|released| *released)
                    .await;
            }
            let updates = serde_json::from_slice::<Vec<IgnoredAny>>(&body).map_or(0, |u| u.len());
            format!("{{\"error\":null,\"status\":1,\"num_good_events\":{updates}}}")
        }
    };
    let mut response = Response::new(Full::new(Bytes::from(answer)));
    response.headers_mut().insert(
        http::header::CONTENT_TYPE,
        http::HeaderValue::from_static("application/json"),
    );
    Ok(response)
}
