//! The stand-in that breaks.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

/// A stand-in in a process of its own, so that the profiles it remembers are not counted here.
pub struct StandIn {
    process: Child,
    pub origin: String,
}

impl StandIn {
    pub fn start() -> Self {
        let mut process = Command::new(harness())
            .args(["stand-in", "--no-record"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the stand-in");
        let mut origin = String::new();
        BufReader::new(process.stdout.take().expect("its output"))
            .read_line(&mut origin)
            .expect("its origin");
        StandIn {
            process,
            origin: origin.trim().to_owned(),
        }
    }

    /// Asks it; the connection is closed afterwards, so that no file of it stays open.
    pub fn ask(&self, method: &str, path: &str, body: &str) -> Value {
        self.connect().ask(method, path, body)
    }

    /// Opens a connection that can be asked many times.
    pub fn connect(&self) -> Connection {
        let address = self.origin.trim_start_matches("http://");
        let socket = TcpStream::connect(address).expect("a connection");
        socket.set_nodelay(true).expect("a socket");
        Connection(BufReader::new(socket))
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A connection to the stand-in.
pub struct Connection(BufReader<TcpStream>);

impl Connection {
    pub fn ask(&mut self, method: &str, path: &str, body: &str) -> Value {
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        self.0
            .get_mut()
            .write_all(request.as_bytes())
            .expect("a request");
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a status line");
        assert!(line.starts_with("HTTP/1.1 200"), "{path}: {line}");
        let mut length = None;
        while line != "\r\n" {
            line.clear();
            self.0.read_line(&mut line).expect("a header");
            if let Some(value) = line.strip_prefix("Content-Length: ") {
                length = value.trim().parse().ok();
            }
        }
        let mut body = vec![0; length.expect("a length")];
        self.0.read_exact(&mut body).expect("a body");
        serde_json::from_slice(&body).expect("JSON")
    }
}

/// The command of the same build.
pub fn harness() -> PathBuf {
    let test = std::env::current_exe().expect("this test's file");
    let folder = test.ancestors().nth(2).expect("the folder of the build");
    folder.join("host-harness")
}

/// Ten kinds of failure, each of them at one request of so many that meet none of those before.
pub fn failures(every: u32) -> Value {
    let response =
        |status: u16, headers: Value| json!({"answer": {"status": status, "headers": headers}});
    // Each with whether what was sent is stored nevertheless.
    let kinds = [
        (response(429, json!([["Retry-After", "1"]])), false),
        (response(500, json!([])), false),
        (response(502, json!([])), true),
        (response(503, json!([])), false),
        (json!("reset"), false),
        (json!("close"), false),
        (json!("close"), true),
        (json!("cut-off"), false),
        (json!("garbage"), false),
        (json!("close-after-answer"), false),
    ];
    let rule = |(failure, store): &(Value, bool)| json!({"every": every, "store": store, "fault": failure});
    kinds.iter().map(rule).collect()
}
