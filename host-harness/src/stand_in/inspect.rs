//! The part of the stand-in that Mixpanel has not: looking into it and setting its faults over
//! HTTP.

use std::net::IpAddr;

use http::StatusCode;
use http::uri::Authority;
use serde_json::{Value, json};

use super::state::State;
use crate::fault::{Fault, Rule};
use crate::mixpanel::{Answer, Request};

/// The answer to a request of this kind; `None` to any other, which is for Mixpanel.
pub(super) fn answer(state: &mut State, request: &Request<'_>) -> Option<Answer> {
    let path = request.path();
    let is_ours = ["/profiles", "/requests", "/faults"].contains(&path);
    if (is_ours || path.starts_with("/profiles/")) && !is_loopback(request) {
        return Some(Answer::error(
            StatusCode::FORBIDDEN,
            "only a loopback host can look into the stand-in: ask for 127.0.0.1 or localhost",
        ));
    }
    if let Some(id) = path.strip_prefix("/profiles/") {
        return Some(match request.method {
            "GET" => profile(state, &percent_decoded(id), request.query()),
            _ => not_allowed(),
        });
    }
    let answer = match (request.method, path) {
        ("GET", "/profiles") => {
            let ids: Vec<_> = state.mixpanel.profiles().map(|(_, id, _)| id).collect();
            ok(&json!({"count": ids.len(), "ids": ids}))
        }
        ("GET", "/requests") => requests(state),
        ("DELETE", "/requests") => {
            state.clear_requests();
            requests(state)
        }
        ("GET", "/faults") => faults(state),
        ("DELETE", "/faults") => {
            state.rules.set([]);
            faults(state)
        }
        ("PUT", "/faults") => match rules(request.body) {
            Ok(rules) => {
                state.rules.set(rules);
                faults(state)
            }
            Err(error) => Answer::error(StatusCode::BAD_REQUEST, &error),
        },
        (_, "/profiles" | "/requests" | "/faults") => not_allowed(),
        _ => return None,
    };
    Some(answer)
}

/// Whether the request was meant for this machine: the name of a page's own host may be made to lead
/// here, too.
fn is_loopback(request: &Request<'_>) -> bool {
    let mut hosts = request.header("host");
    let host = hosts.next().and_then(|host| str::from_utf8(host).ok());
    let Some(authority) = host.and_then(|host| host.parse::<Authority>().ok()) else {
        return false;
    };
    let host = authority.host();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

fn ok(value: &Value) -> Answer {
    Answer::json(StatusCode::OK, value)
}

fn not_allowed() -> Answer {
    Answer::error(
        StatusCode::METHOD_NOT_ALLOWED,
        "this path does not take this method",
    )
}

fn profile(state: &State, id: &str, query: &str) -> Answer {
    let token = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("token="));
    let found: Vec<_> = match token {
        Some(token) => state
            .mixpanel
            .profile(&percent_decoded(token), id)
            .into_iter()
            .collect(),
        None => state.mixpanel.profiles_of(id).collect(),
    };
    match found[..] {
        [profile] => ok(&profile.to_json(id)),
        [] => Answer::error(StatusCode::NOT_FOUND, "there is no profile of this id"),
        _ => Answer::error(
            StatusCode::CONFLICT,
            "several projects have a profile of this id: add ?token= and the project's token",
        ),
    }
}

/// Bytes that are not UTF-8 are shown by the replacement character.
fn requests(state: &State) -> Answer {
    let requests = state.recorded.iter().map(|request| {
        json!({
            "connection": request.connection,
            "method": request.method(),
            "target": request.target(),
            "headers": request.headers(),
            "body": String::from_utf8_lossy(&request.body),
        })
    });
    ok(&requests.collect())
}

fn faults(state: &State) -> Answer {
    ok(&state.rules.iter().map(|rule| json!(rule)).collect())
}

fn rules(body: &[u8]) -> Result<Vec<Rule>, String> {
    let rules: Vec<Rule> = serde_json::from_slice(body)
        .map_err(|error| format!("the body must be a JSON array of rules: {error}"))?;
    for Rule {
        profile_id,
        times,
        fault,
        ..
    } in &rules
    {
        if *fault == Fault::CloseOnAccept && (profile_id.is_some() || times.is_none()) {
            return Err(
                "close-on-accept needs times, or it could not be ended over HTTP, and \
                        takes no profile-id, since none is known yet"
                    .to_owned(),
            );
        }
    }
    Ok(rules)
}

/// What is not a valid escape stands for itself.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let escape = match (first, after) {
            (b'%', [high, low, after @ ..]) => hex(*high).zip(hex(*low)).map(|pair| (pair, after)),
            _ => None,
        };
        let (byte, after) = match escape {
            Some(((high, low), after)) => (high * 16 + low, after),
            None => (*first, after),
        };
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| value.try_into().ok())
}
