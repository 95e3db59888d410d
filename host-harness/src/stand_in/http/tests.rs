use super::{Framed, MAX_HEADERS, frame};

#[derive(Clone, Debug, PartialEq)]
enum Read {
    Whole {
        target: String,
        body: String,
        end: usize,
        keep_alive: bool,
    },
    Partial {
        expects_continue: bool,
    },
    Error(u16),
}

fn read(bytes: &[u8]) -> Read {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    match frame(&mut headers, bytes) {
        Ok(Framed::Whole(whole)) => Read::Whole {
            target: whole.target.to_owned(),
            body: String::from_utf8_lossy(&whole.body).into_owned(),
            end: whole.end,
            keep_alive: whole.keep_alive,
        },
        Ok(Framed::Partial { expects_continue }) => Read::Partial { expects_continue },
        Err(status) => Read::Error(status.as_u16()),
    }
}

#[test]
fn whole_requests_and_every_beginning_of_one() {
    for (head, body, expected, keep_alive) in [
        ("Host: h\r\n", "", "", true),
        ("Host: h\r\nContent-Length: 3\r\n", "abc", "abc", true),
        (
            "host: h\r\ncontent-length: 3\r\nConnection: close\r\n",
            "abc",
            "abc",
            false,
        ),
        (
            "Host: h\r\nTransfer-Encoding: chunked\r\n",
            "0\r\n\r\n",
            "",
            true,
        ),
        (
            "Host: h\r\nTransfer-Encoding: Chunked\r\n",
            "2\r\nab\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n",
            "ab0123456789",
            true,
        ),
    ] {
        let bytes = format!("POST /a?b HTTP/1.1\r\n{head}\r\n{body}");
        let whole = Read::Whole {
            target: "/a?b".to_owned(),
            body: expected.to_owned(),
            end: bytes.len(),
            keep_alive,
        };
        assert_eq!(read(bytes.as_bytes()), whole, "{bytes}");
        assert_eq!(read(format!("{bytes}POST").as_bytes()), whole, "{bytes}");
        for length in 0..bytes.len() {
            let begun = &bytes.as_bytes()[..length];
            assert_eq!(
                read(begun),
                Read::Partial {
                    expects_continue: false
                },
                "{length} of {bytes}"
            );
        }
    }
    let begun = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n";
    assert_eq!(
        read(begun.as_bytes()),
        Read::Partial {
            expects_continue: true
        }
    );
    let old = b"GET / HTTP/1.0\r\n\r\n";
    let whole = Read::Whole {
        target: "/".to_owned(),
        body: String::new(),
        end: old.len(),
        keep_alive: false,
    };
    assert_eq!(read(old), whole);
}

#[test]
fn requests_that_cannot_be_read() {
    let chunked = "Host: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    let long = "x".repeat(64 * 1024);
    for (rest, status) in [
        ("\r\n".to_owned(), 400),
        ("Host: h\r\nHost: h\r\n\r\n".to_owned(), 400),
        (
            "Host: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n".to_owned(),
            400,
        ),
        ("Host: h\r\nContent-Length: +1\r\n\r\n".to_owned(), 400),
        ("Host: h\r\nContent-Length: \r\n\r\n".to_owned(), 400),
        (
            "Host: h\r\nContent-Length: 16777217\r\n\r\n".to_owned(),
            413,
        ),
        (
            "Host: h\r\nContent-Length: 99999999999999999999999\r\n\r\n".to_owned(),
            413,
        ),
        (format!("Content-Length: 1\r\n{chunked}"), 400),
        ("Host: h\r\nTransfer-Encoding: gzip\r\n\r\n".to_owned(), 501),
        (format!("{chunked}x\r\n"), 400),
        (format!("{chunked}1\r\nabc"), 400),
        (format!("{chunked}1000001\r\n"), 413),
        (format!("{chunked}ffffffffffffffff\r\n"), 413),
        (format!("{chunked}0\r\nTrailer: x\r\n\r\n"), 501),
        (format!("{chunked}1;{long}"), 400),
        ("no header\r\n\r\n".to_owned(), 400),
        (format!("Host: {long}"), 431),
        (
            format!("Host: h\r\n{}\r\n", "a: b\r\n".repeat(MAX_HEADERS)),
            431,
        ),
    ] {
        let bytes = format!("POST / HTTP/1.1\r\n{rest}");
        assert_eq!(read(bytes.as_bytes()), Read::Error(status), "{bytes:.200}");
    }
    assert_eq!(read(b"\x16\x03\x01\x02\0\x01\0\x01\xfc"), Read::Error(400));
}
