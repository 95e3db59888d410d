//! Creates a profile for each `POST /PROFILE-ID`, and answers with the card's status code and
//! reason. Token and base URL are in the environment.

use std::collections::HashMap;

use wasi::cli::environment::get_environment;
use wasi::exports::http::incoming_handler::Guest;
use wasi::http::types::{
    Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

use crate::mixpanel::cards::profiles::{
    Connection, Input, Profile, Properties, Region, create_profile,
};

wit_bindgen::generate!({
    path: "../../../wit",
    inline: "package mixpanel:handlers; world handler { import mixpanel:cards/profiles@0.1.0; }",
    world: "mixpanel:handlers/handler",
    generate_all,
});

struct Handler;

wasi::http::proxy::export!(Handler);

impl Guest for Handler {
    fn handle(request: IncomingRequest, answer: ResponseOutparam) {
        if !matches!(request.method(), Method::Post) {
            return send(answer, 405, None);
        }
        let mut environment: HashMap<_, _> = get_environment().into_iter().collect();
        let connection = Connection {
            project_token: environment
                .remove("MIXPANEL_PROJECT_TOKEN")
                .unwrap_or_default(),
            region: Region::Eu,
            base_url: environment.remove("MIXPANEL_BASE_URL"),
            max_retries: None,
        };
        let path = request.path_with_query().unwrap_or_default();
        let input = Input {
            profile: Profile {
                profile_id: path.trim_start_matches('/').to_owned(),
                ip_address: None,
                time: None,
            },
            properties: Properties {
                avatar: None,
                name: Some("Ada Lovelace".to_owned()),
                first_name: None,
                last_name: None,
                created: None,
                email: Some("ada@example.com".to_owned()),
                phone: None,
                custom_properties: None,
                dynamic_fields: vec![],
            },
        };
        match create_profile(&connection, &input) {
            Ok(output) => send(answer, output.status_code, output.reason.as_deref()),
            Err(error) => send(answer, 500, Some(&error.to_string())),
        }
    }
}

/// An answer that the caller does not wait for is nobody's loss, so failures are left alone.
fn send(to: ResponseOutparam, status_code: u16, text: Option<&str>) {
    let answer = OutgoingResponse::new(Fields::new());
    let _ = answer.set_status_code(status_code);
    let body = answer.body();
    ResponseOutparam::set(to, Ok(answer));
    if let Ok(body) = body {
        if let (Some(text), Ok(stream)) = (text, body.write()) {
            let _ = stream.blocking_write_and_flush(text.as_bytes());
        }
        let _ = OutgoingBody::finish(body, None);
    }
}
