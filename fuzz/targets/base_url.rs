//! Any text is either refused, or a URL that every HTTP library takes; dates and image URLs beside it.
#![no_main]

use card::date_time::DateTime;
use card::url;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(base) = url::base_url(text) {
        assert!(!base.path.ends_with('/'));
        let scheme = match base.scheme {
            url::Scheme::Http => "http",
            url::Scheme::Https => "https",
        };
        // What a host does with it.
        let authority: http::uri::Authority = base.authority.parse().expect("an authority");
        assert!(!authority.host().is_empty() && !base.authority.contains('@'));
        if let Some(port) = authority.port() {
            assert!(port.as_str().parse::<u16>().is_ok_and(|port| port > 0));
        }
        let path = format!("{}/engage?ip=0", base.path);
        let path: http::uri::PathAndQuery = path.parse().expect("a path");
        assert_eq!(path.query(), Some("ip=0"));
        // It is read the same again.
        let whole = format!("{scheme}://{}{}", base.authority, base.path);
        assert_eq!(url::base_url(&whole), Ok(base));
    }
    let _ = url::check_image_url(text);
    if let Ok(date) = DateTime::parse(text) {
        assert!((0..=253_402_300_799).contains(&date.unix_seconds()));
        let property = date.property_value();
        let property = std::str::from_utf8(&property).expect("ASCII");
        // Mixpanel's form, in UTC, is the same second.
        let again = DateTime::parse(&format!("{property}Z")).expect("RFC 3339");
        assert_eq!(again, date);
    }
});
