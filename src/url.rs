//! URLs as a flow gives them, split as RFC 3986 splits them; pure.
//!
//! Own code, since the crates at hand do not fit: `http::Uri` drops fragments and refuses
//! international names in an avatar's URL, and `url` rewrites what it reads and brings the tables
//! for internationalised names, several times the size of the whole card.

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::net::{Ipv4Addr, Ipv6Addr};

/// How the request travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Http,
    Https,
}

/// Where requests go: an origin and the path in front of `/engage`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    pub scheme: Scheme,
    /// Host, and port where one was given.
    pub authority: String,
    /// Empty, or a path that starts with a slash and does not end in one.
    pub path: String,
}

/// An `http` or `https` URL by its parts, none of them decoded.
struct Parts<'a> {
    scheme: Scheme,
    authority: &'a str,
    path: &'a str,
    query: Option<&'a str>,
    fragment: Option<&'a str>,
}

/// Splits by [RFC 3986, appendix B]; `None` unless the scheme is `http` or `https`.
///
/// [RFC 3986, appendix B]: https://www.rfc-editor.org/rfc/rfc3986#appendix-B
fn split(url: &str) -> Option<Parts<'_>> {
    let (scheme, rest) = cut(url, first(url, b':'));
    let rest = rest?.strip_prefix("//")?;
    let scheme = if scheme.eq_ignore_ascii_case("https") {
        Scheme::Https
    } else if scheme.eq_ignore_ascii_case("http") {
        Scheme::Http
    } else {
        return None;
    };
    let (rest, fragment) = cut(rest, first(rest, b'#'));
    let (rest, query) = cut(rest, first(rest, b'?'));
    let path = first(rest, b'/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(path)?;
    Some(Parts {
        scheme,
        authority,
        path,
        query,
        fragment,
    })
}

/// What stands before and behind the byte at `at`, which is ASCII.
fn cut(text: &str, at: Option<usize>) -> (&str, Option<&str>) {
    let parts = at.and_then(|at| Some((text.get(..at)?, text.get(at + 1..)?)));
    parts.map_or((text, None), |(before, behind)| (before, Some(behind)))
}

// Of bytes: the standard searches for characters are made for long texts, and larger.
fn first(text: &str, wanted: u8) -> Option<usize> {
    text.bytes().position(|byte| byte == wanted)
}

fn last(text: &str, wanted: u8) -> Option<usize> {
    text.bytes().rposition(|byte| byte == wanted)
}

/// Reads a base URL: `http` or `https`, a host, perhaps a port and a path.
///
/// # Errors
///
/// The rule that `url` breaks, in words that tell how to mend it.
pub fn base_url(url: &str) -> Result<BaseUrl, &'static str> {
    let parts = split(url)
        .ok_or("is not a URL: start it with http:// or https://, as in https://proxy.example:8443/mixpanel")?;
    if first(parts.authority, b'@').is_some() {
        return Err("holds user info (the part before @): leave it out");
    }
    if parts.query.is_some() {
        return Err("holds a query (from ? on): leave it out");
    }
    if parts.fragment.is_some() {
        return Err("holds a fragment (from # on): leave it out");
    }
    let (host, port) = host_and_port(parts.authority);
    if host.is_empty() {
        return Err("has no host: write it after ://, as in https://proxy.example");
    }
    if !is_host(host) {
        return Err(
            "has a host that is no DNS name and no IP address: write an international name in its xn-- form, and IPv6 in brackets",
        );
    }
    if port.is_some_and(|port| !is_port(port)) {
        return Err("has a port that is not a number from 1 to 65535");
    }
    if !is_path(parts.path) {
        return Err("has a path with a character that a URL cannot hold: percent-encode it");
    }
    Ok(BaseUrl {
        scheme: parts.scheme,
        authority: parts.authority.to_ascii_lowercase(),
        path: without_slashes(parts.path).to_owned(),
    })
}

/// Checks an avatar's URL: `http` or `https`, a host, and a path that names an image.
///
/// Names and paths may be international: it is the browser of whoever looks at the profile that
/// reads this URL, not the card.
///
/// # Errors
///
/// The rule that `url` breaks, in words that tell how to mend it.
pub fn check_image_url(url: &str) -> Result<(), &'static str> {
    let parts = split(url).ok_or("is not a URL: start it with http:// or https://")?;
    if url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("holds white space or a control character: percent-encode it");
    }
    let (user, host) = cut(parts.authority, last(parts.authority, b'@'));
    if host_and_port(host.unwrap_or(user)).0.is_empty() {
        return Err("has no host: write it after ://");
    }
    let (stem, extension) = cut(parts.path, last(parts.path, b'.'));
    let is_image = !stem.ends_with('/')
        && extension.is_some_and(|extension| {
            ["gif", "jpg", "jpeg", "png"]
                .iter()
                .any(|e| extension.eq_ignore_ascii_case(e))
        });
    if !is_image {
        return Err("has a path that does not end in .gif, .jpg, .jpeg or .png");
    }
    Ok(())
}

fn host_and_port(authority: &str) -> (&str, Option<&str>) {
    match cut(authority, last(authority, b':')) {
        // The last colon of `[::1]` is part of the host.
        (_, Some(port)) if port.ends_with(']') => (authority, None),
        parts => parts,
    }
}

fn without_slashes(path: &str) -> &str {
    let mut path = path;
    while let Some(shorter) = path.strip_suffix('/') {
        path = shorter;
    }
    path
}

/// A DNS name, an IPv4 address or an IPv6 address in brackets.
fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().is_ok();
    }
    // A name of digits and dots alone can only be meant as an address.
    if host.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return host.parse::<Ipv4Addr>().is_ok();
    }
    // 253 characters a name and 63 a label, RFC 1035; a trailing dot marks the root.
    let name = host.strip_suffix('.').unwrap_or(host);
    name.len() <= 253
        && name.as_bytes().split(|&b| b == b'.').all(|label| {
            (1..=63).contains(&label.len())
                && label
                    .iter()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        })
}

fn is_port(port: &str) -> bool {
    port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
}

/// The characters of RFC 3986's `path`, with every percent sign followed by two hex digits.
fn is_path(path: &str) -> bool {
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        let is_fine = match byte {
            b'%' => {
                let hex = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_hexdigit());
                hex(bytes.next()) && hex(bytes.next())
            }
            _ => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte),
        };
        if !is_fine {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::{BaseUrl, Scheme, base_url, check_image_url};

    #[test]
    fn a_base_url_is_split() {
        use Scheme::{Http, Https};
        for (url, scheme, authority, path) in [
            ("http://127.0.0.1:8080", Http, "127.0.0.1:8080", ""),
            ("https://proxy.example", Https, "proxy.example", ""),
            ("HTTPS://Proxy.Example/", Https, "proxy.example", ""),
            ("https://proxy.example./", Https, "proxy.example.", ""),
            ("http://[::1]:8080/a/b/", Http, "[::1]:8080", "/a/b"),
            ("http://[2001:db8::1]", Http, "[2001:db8::1]", ""),
            ("http://my_host/%7Ea//", Http, "my_host", "/%7Ea"),
            (
                "http://h/a:@!$&'()*+,;=-._~",
                Http,
                "h",
                "/a:@!$&'()*+,;=-._~",
            ),
            ("http://h:1", Http, "h:1", ""),
            ("http://h:65535", Http, "h:65535", ""),
            ("http://xn--mnchen-3ya.de", Http, "xn--mnchen-3ya.de", ""),
        ] {
            let want = BaseUrl {
                scheme,
                authority: authority.into(),
                path: path.into(),
            };
            assert_eq!(base_url(url), Ok(want), "{url}");
        }
    }

    #[test]
    fn a_base_url_is_refused() {
        let long_label = format!("http://{}", "a".repeat(64));
        let long_name = format!("http://{}a", "a.".repeat(127));
        for (url, rule) in [
            ("api.mixpanel.com", "is not a URL"),
            ("ftp://h", "is not a URL"),
            ("http:/h", "is not a URL"),
            (" http://h", "is not a URL"),
            ("http://", "has no host"),
            ("http:///path", "has no host"),
            ("http://:80", "has no host"),
            ("http://user@h", "user info"),
            ("http://user:secret@h", "user info"),
            ("http://h?x", "query"),
            ("http://h/?", "query"),
            ("http://h/a#", "fragment"),
            ("http://h:0", "port"),
            ("http://h:65536", "port"),
            ("http://h:+80", "port"),
            ("http://h:", "port"),
            ("http://h:8x", "port"),
            ("http://::1", "host that is no"),
            ("http://[::1", "host that is no"),
            ("http://[::g]", "host that is no"),
            ("http://1.2.3", "host that is no"),
            ("http://256.1.1.1", "host that is no"),
            ("http://a..b", "host that is no"),
            ("http://mün.de", "host that is no"),
            ("http://a b", "host that is no"),
            ("http://a\r\nb", "host that is no"),
            ("http://a\\b", "host that is no"),
            (&long_label, "host that is no"),
            (&long_name, "host that is no"),
            ("http://h/ü", "path"),
            ("http://h/a b", "path"),
            ("http://h/%", "path"),
            ("http://h/%4", "path"),
            ("http://h/%zz", "path"),
            ("http://h/\r\nHost: x", "path"),
            ("http://h/{}", "path"),
        ] {
            let reason = base_url(url).expect_err(url);
            assert!(reason.contains(rule), "{url}: {reason}");
        }
    }

    #[test]
    fn an_image_url_ends_in_an_image() {
        for (url, rule) in [
            ("https://example.com/a.png", None),
            ("http://example.com/a/b.JPEG", None),
            ("https://example.com/a.jpg?size=64&x=/y", None),
            ("https://example.com/a.gif#top", None),
            ("https://münchen.example/ü.png", None),
            ("https://example.com/a.svg", Some("does not end in")),
            ("https://example.com/a.png/", Some("does not end in")),
            ("https://example.com/.png", Some("does not end in")),
            ("https://example.com/png", Some("does not end in")),
            ("https://example.png", Some("does not end in")),
            ("https://example.com/a?b=c.png", Some("does not end in")),
            ("https:///a.png", Some("has no host")),
            ("https://:80/a.png", Some("has no host")),
            ("example.com/a.png", Some("is not a URL")),
            ("data:image/png;base64,AA==", Some("is not a URL")),
            ("https://example.com/a b.png", Some("white space")),
            ("https://example.com/a\n.png", Some("white space")),
        ] {
            match (check_image_url(url), rule) {
                (Ok(()), None) => {}
                (Err(reason), Some(rule)) => assert!(reason.contains(rule), "{url}: {reason}"),
                (outcome, _) => panic!("{url}: {outcome:?}"),
            }
        }
    }
}
