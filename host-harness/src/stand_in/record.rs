//! Requests as they were received.

use std::fmt;

use bytes::Bytes;

/// A request as it was received.
#[derive(Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The connection it came over; the first one accepted is 1.
    pub connection: u64,
    /// Request line and headers, byte for byte, with the empty line that ends them.
    pub head: Bytes,
    /// Without any transfer coding.
    pub body: Bytes,
}

/// Without the body, which holds the token and the user: they must not reach a log.
impl fmt::Debug for Recorded {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Recorded")
            .field("connection", &self.connection)
            .field("target", &self.target())
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl Recorded {
    /// The first word of the request line.
    pub fn method(&self) -> String {
        self.request_line(0)
    }

    /// The second word of the request line: path, and query where there is one.
    pub fn target(&self) -> String {
        self.request_line(1)
    }

    /// Names and values in their order, without the white space around a value.
    pub fn headers(&self) -> Vec<(String, String)> {
        let head = String::from_utf8_lossy(&self.head);
        let lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect()
    }

    /// The value of the first header of that name, whose case is of no account.
    pub fn header(&self, name: &str) -> Option<String> {
        let mut headers = self.headers().into_iter();
        headers
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    fn request_line(&self, word: usize) -> String {
        let head = String::from_utf8_lossy(&self.head);
        let mut words = head.lines().next().unwrap_or_default().split(' ');
        words.nth(word).unwrap_or_default().to_owned()
    }
}
