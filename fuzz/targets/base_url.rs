//! Any text is either refused, or a URL that every HTTP library takes; dates and image URLs beside it.
#![no_main]

use card::bindings::profiles::{Connection, Region};
use card::date_time::DateTime;
use card::destination::{Destination, check_image_url};
use libfuzzer_sys::fuzz_target;

fn connection(base_url: &str) -> Connection {
    Connection {
        project_token: "T".to_owned(),
        region: Region::Standard,
        base_url: Some(base_url.to_owned()),
        max_retries: None,
    }
}

fuzz_target!(|text: &str| {
    if let Ok(destination) = Destination::new(&connection(text)) {
        let endpoint = destination.engage();
        // What a host does with it.
        let authority: http::uri::Authority = endpoint.authority.parse().expect("an authority");
        assert!(!authority.host().is_empty() && !endpoint.authority.contains('@'));
        if let Some(port) = authority.port() {
            assert!(port.as_str().parse::<u16>().is_ok_and(|port| port > 0));
        }
        let path = &endpoint.path_with_query;
        let path: http::uri::PathAndQuery = path.parse().expect("a path");
        assert_eq!(path.query(), Some("ip=0&verbose=1&strict=1"));
        assert!(path.path().ends_with("/engage") && !path.path().ends_with("//engage"));
        // It is read the same again.
        if authority != "api.mixpanel.com" {
            let scheme = format!("{:?}", endpoint.scheme).to_ascii_lowercase();
            let whole = format!("{scheme}://{authority}{}", path.path());
            let again = connection(&whole);
            let again = Destination::new(&again).expect("a base URL");
            assert_eq!(again.engage(), endpoint);
        }
    }
    let _ = check_image_url(text);
    if let Ok(date) = DateTime::parse(text) {
        assert!((-2_208_988_800..=253_402_300_799).contains(&date.unix_seconds()));
        // Mixpanel's form, in UTC, is the same second.
        let again = DateTime::parse(&format!("{}Z", date.to_property())).expect("RFC 3339");
        assert_eq!(again, date);
    }
});
