//! The tables of connections, and of URLs.

use super::{BaseUrl, Destination, Scheme, check_image_url};
use crate::bindings::profiles::{Connection, InvalidField, Region};

fn base_url(url: &str) -> Result<BaseUrl, &'static str> {
    BaseUrl::parse(url)
}

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
        ("https://h/engage", Https, "h", ""),
        ("https://h/a/engage/", Https, "h", "/a"),
        ("https://h/engagement", Https, "h", "/engagement"),
        ("http://a.b2", Http, "a.b2", ""),
        ("http://1.2.3.4.example", Http, "1.2.3.4.example", ""),
        ("http://0xz", Http, "0xz", ""),
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
        ("http://h:000041213", "port"),
        ("http://h:080", "port"),
        ("http://0x7f000001", "host that is no"),
        ("http://0x7f.0.0.1", "host that is no"),
        ("http://0X7F.1", "host that is no"),
        ("http://a.0x", "host that is no"),
        ("http://a.1", "host that is no"),
        ("http://127.1", "host that is no"),
        ("http://2130706433", "host that is no"),
        ("http://0177.0.0.1", "host that is no"),
        ("http://127.0.0.1.", "host that is no"),
        ("http://127.0.0.01", "host that is no"),
        ("http://[::1%25eth0]", "host that is no"),
        ("http://[v1.a]", "host that is no"),
        ("http://a%41", "host that is no"),
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

fn connection() -> Connection {
    Connection {
        project_token: "T".into(),
        region: Region::Standard,
        base_url: None,
        max_retries: None,
    }
}

fn invalid(connection: &Connection) -> Vec<InvalidField> {
    Destination::new(connection)
        .expect_err("invalid fields")
        .into()
}

#[test]
fn where_requests_go() {
    let (engage, credentials) = (
        "/engage?ip=0&verbose=1&strict=1",
        "/api/app/validate-project-credentials/",
    );
    for (region, base_url, engage, credentials) in [
        (
            Region::Standard,
            None,
            ("api.mixpanel.com", engage),
            ("mixpanel.com", credentials),
        ),
        (
            Region::Eu,
            None,
            ("api-eu.mixpanel.com", engage),
            ("mixpanel.com", credentials),
        ),
        (
            Region::India,
            None,
            ("api-in.mixpanel.com", engage),
            ("mixpanel.com", credentials),
        ),
        (
            Region::Eu,
            Some(" "),
            ("api-eu.mixpanel.com", engage),
            ("mixpanel.com", credentials),
        ),
        (
            Region::Eu,
            Some("https://h:81"),
            ("h:81", engage),
            ("h:81", credentials),
        ),
        (
            Region::Eu,
            Some("https://h/a/"),
            ("h", "/a/engage?ip=0&verbose=1&strict=1"),
            ("h", "/a/api/app/validate-project-credentials/"),
        ),
    ] {
        let connection = Connection {
            region,
            base_url: base_url.map(str::to_owned),
            ..connection()
        };
        let destination = Destination::new(&connection).expect("a valid connection");
        for (endpoint, (authority, path_with_query)) in [
            (destination.engage(), engage),
            (destination.credentials(), credentials),
        ] {
            assert_eq!(endpoint.scheme, Scheme::Https);
            assert_eq!(endpoint.authority, authority);
            assert_eq!(endpoint.path_with_query, path_with_query);
        }
    }
}

#[test]
fn retries_are_three_when_left_out_and_at_most_ten() {
    for (given, retries) in [
        (None, Some(3)),
        (Some(0), Some(0)),
        (Some(10), Some(10)),
        (Some(11), None),
    ] {
        let connection = Connection {
            max_retries: given,
            ..connection()
        };
        let built = Destination::new(&connection);
        assert_eq!(
            built.ok().map(|destination| destination.max_retries),
            retries,
            "{given:?}"
        );
    }
}

#[test]
fn every_invalid_field_is_named_and_none_repeats_the_token() {
    let secret = "s3cr3t s3cr3t";
    let connection = Connection {
        project_token: secret.into(),
        base_url: Some(format!("http://{secret}@h")),
        max_retries: Some(255),
        ..connection()
    };
    let fields = invalid(&connection);
    let names: Vec<_> = fields.iter().map(|field| field.field.as_str()).collect();
    assert_eq!(
        names,
        [
            "connection.project-token",
            "connection.base-url",
            "connection.max-retries"
        ]
    );
    assert!(fields.iter().all(|field| !field.reason.contains("s3cr3t")));
}
