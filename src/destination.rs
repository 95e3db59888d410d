//! From a connection to where requests go and how often they are retried; pure.

use fluent_uri::Uri;
use fluent_uri::component::{Authority, Host};

use crate::bindings::profiles::{Connection, Region};
use crate::invalid::{InvalidFields, Reason};
use crate::retry;
use crate::strings::{is_blank, present};
use crate::token::Token;

/// No location from the connection's address, and a response that says what was accepted.
const ENGAGE: &str = "/engage?ip=0&verbose=1&strict=1";

/// Not documented by Mixpanel.
const CREDENTIALS: &str = "/api/app/validate-project-credentials/";

/// The one server that knows all projects' tokens.
pub const CREDENTIALS_HOST: &str = "mixpanel.com";

/// How a request travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Http,
    Https,
}

/// What a request is sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub scheme: Scheme,
    /// Host, and port where there is one.
    pub authority: String,
    pub path_with_query: String,
}

/// One Mixpanel project: every value of it is valid.
#[derive(Debug)]
pub struct Destination<'a> {
    pub token: Token<'a>,
    /// At most [`retry::MAX_RETRIES`].
    pub max_retries: u8,
    region: Region,
    base_url: Option<BaseUrl>,
}

impl<'a> Destination<'a> {
    /// Checks a connection.
    ///
    /// # Errors
    ///
    /// Every invalid field of it.
    pub fn new(connection: &'a Connection) -> Result<Self, InvalidFields> {
        let mut invalid = InvalidFields::default();
        let token = Token::parse(&connection.project_token);
        let token = invalid.check("connection.project-token", token);
        let base_url = present(connection.base_url.as_ref()).map(BaseUrl::parse);
        let base_url = invalid.check("connection.base-url", base_url.transpose());
        let max_retries = max_retries(connection.max_retries);
        let max_retries = invalid.check("connection.max-retries", max_retries);
        let (Some(token), Some(base_url), Some(max_retries)) = (token, base_url, max_retries)
        else {
            return Err(invalid);
        };
        Ok(Destination {
            token,
            max_retries,
            region: connection.region,
            base_url,
        })
    }

    /// Where profiles are created.
    pub fn engage(&self) -> Endpoint {
        let host = match self.region {
            Region::Standard => "api.mixpanel.com",
            Region::Eu => "api-eu.mixpanel.com",
            Region::India => "api-in.mixpanel.com",
        };
        self.endpoint(host, ENGAGE)
    }

    /// Where Mixpanel says whether a project token is right.
    pub fn credentials(&self) -> Endpoint {
        self.endpoint(CREDENTIALS_HOST, CREDENTIALS)
    }

    fn endpoint(&self, host: &str, path_with_query: &str) -> Endpoint {
        match &self.base_url {
            Some(base) => Endpoint {
                scheme: base.scheme,
                authority: base.authority.clone(),
                path_with_query: format!("{}{path_with_query}", base.path),
            },
            None => Endpoint {
                scheme: Scheme::Https,
                authority: host.to_owned(),
                path_with_query: path_with_query.to_owned(),
            },
        }
    }
}

fn max_retries(given: Option<u8>) -> Result<u8, Reason> {
    let retries = given.unwrap_or(retry::DEFAULT_RETRIES);
    if retries > retry::MAX_RETRIES {
        let max = retry::MAX_RETRIES;
        return Err(format!("is {retries}: at most {max} are allowed").into());
    }
    Ok(retries)
}

/// An origin, and the path in front of Mixpanel's own paths.
#[derive(Clone, Debug, PartialEq, Eq)]
struct BaseUrl {
    scheme: Scheme,
    authority: String,
    /// Empty, or a path that starts with a slash and does not end in one.
    path: String,
}

const NOT_A_URL: &str =
    "is not a URL: start it with http:// or https://, as in https://proxy.example:8443/mixpanel";
const NO_SERVER: &str = "has a host that is no DNS name and no IP address, or a port that is no number from 1 to 65535: \
    write an international name in its xn-- form, IPv4 in dotted decimals, IPv6 in brackets";

impl BaseUrl {
    fn parse(url: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = scheme(url).ok_or(NOT_A_URL)?;
        let uri = Uri::parse(url).map_err(|error| {
            let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            if error.index() <= url.len() - rest.len() + authority {
                NO_SERVER
            } else {
                "has a path with a character that a URL cannot hold: percent-encode it"
            }
        })?;
        let authority = uri.authority().ok_or(NOT_A_URL)?;
        if authority.has_userinfo() {
            return Err("holds user info (the part before @): leave it out");
        }
        if uri.has_query() {
            return Err("holds a query (from ? on): leave it out");
        }
        if uri.has_fragment() {
            return Err("holds a fragment (from # on): leave it out");
        }
        if authority.host().is_empty() {
            return Err("has no host: write it after ://, as in https://proxy.example");
        }
        if !is_host(&authority) || !is_port(&authority) {
            return Err(NO_SERVER);
        }
        // Whoever copied the address of a request means its server.
        let path = uri.path().as_str().trim_end_matches('/');
        let path = path.strip_suffix("/engage").unwrap_or(path);
        Ok(BaseUrl {
            scheme,
            authority: authority.as_str().to_ascii_lowercase(),
            path: path.trim_end_matches('/').to_owned(),
        })
    }
}

/// The scheme of an `http` or `https` URL, and what follows `://`.
fn scheme(url: &str) -> Option<(Scheme, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    if scheme.eq_ignore_ascii_case("https") {
        Some((Scheme::Https, rest))
    } else if scheme.eq_ignore_ascii_case("http") {
        Some((Scheme::Http, rest))
    } else {
        None
    }
}

/// An IPv4 address in dotted decimals, an IPv6 address in brackets, or a DNS name whose last label is
/// no number: a host would read that as an IPv4 address, by the [URL standard].
///
/// [URL standard]: https://url.spec.whatwg.org/#ends-in-a-number-checker
fn is_host(authority: &Authority<'_>) -> bool {
    match authority.host_parsed() {
        Host::RegName(name) => is_dns_name(name.as_str()),
        host => matches!(host, Host::Ipv4(_) | Host::Ipv6(_)),
    }
}

/// 253 characters a name and 63 a label, RFC 1035; a trailing dot marks the root.
fn is_dns_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit())
        || last.get(..2).is_some_and(|start| {
            let digits = last.get(2..).unwrap_or_default();
            start.eq_ignore_ascii_case("0x") && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
    let is_label = |label: &str| {
        let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (1..=63).contains(&label.len()) && label.bytes().all(is_fine)
    };
    !is_number && name.len() <= 253 && name.split('.').all(is_label)
}

fn is_port(authority: &Authority<'_>) -> bool {
    authority.port().is_none_or(|port| {
        let is_canonical = !port.as_str().starts_with('0');
        is_canonical && port.as_str().parse::<u16>().is_ok()
    })
}

/// Checks an avatar's URL: `http` or `https`, a host, and a path that names an image.
///
/// Names and paths may be international, and hold what RFC 3986 would have encoded: it is the browser
/// of whoever looks at the profile that reads this URL, not the card.
///
/// # Errors
///
/// The rule that `url` breaks.
pub fn check_image_url(url: &str) -> Result<(), &'static str> {
    let (_, rest) = scheme(url).ok_or("is not a URL: start it with http:// or https://")?;
    if url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("holds white space or a control character: percent-encode it");
    }
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest[..end].split_once('/').unwrap_or((&rest[..end], ""));
    let (_, host_and_port) = authority.rsplit_once('@').unwrap_or(("", authority));
    if host_and_port.is_empty() || host_and_port.starts_with(':') || is_blank(host_and_port) {
        return Err("has no host: write it after ://");
    }
    let (_, file) = path.rsplit_once('/').unwrap_or(("", path));
    let is_image = file.rsplit_once('.').is_some_and(|(stem, extension)| {
        let images = ["gif", "jpg", "jpeg", "png"];
        !stem.is_empty()
            && images
                .iter()
                .any(|image| extension.eq_ignore_ascii_case(image))
    });
    if is_image {
        Ok(())
    } else {
        Err("has a path that does not end in .gif, .jpg, .jpeg or .png")
    }
}

#[cfg(test)]
mod tests;
