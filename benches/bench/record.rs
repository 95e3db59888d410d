//! What a client sends, to the byte: all of them must send the same.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use anyhow::{Context as _, Result};

/// One request.
#[derive(Debug, PartialEq, Eq)]
pub struct Sent {
    /// The lines of its head, in the order of the alphabet, without the server's address.
    pub head: Vec<String>,
    pub body: Vec<u8>,
}

/// A server for one request, in a thread.
pub struct Recorder {
    pub origin: String,
    thread: thread::JoinHandle<Result<Sent>>,
}

impl Recorder {
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        Ok(Recorder {
            origin: format!("http://{}", listener.local_addr()?),
            thread: thread::spawn(move || record(&listener)),
        })
    }

    pub fn sent(self) -> Result<Sent> {
        self.thread.join().ok().context("the recorder")?
    }
}

fn record(listener: &TcpListener) -> Result<Sent> {
    let (mut connection, _) = listener.accept()?;
    let mut lines = BufReader::new(connection.try_clone()?);
    let (mut head, mut length) = (vec![], 0);
    loop {
        let mut line = String::new();
        lines.read_line(&mut line)?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse()?;
        }
        if !line.starts_with("host: ") {
            head.push(line);
        }
    }
    let mut body = vec![0; length];
    lines.read_exact(&mut body)?;
    head.sort();
    let answer = r#"{"error":null,"status":1,"num_good_events":1}"#;
    write!(
        connection,
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{answer}",
        answer.len()
    )?;
    Ok(Sent { head, body })
}
