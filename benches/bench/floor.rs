//! A component with the card's interface that computes nothing: `create-profile` makes the host calls of
//! the card with a request that stands in it, `create-profiles` returns a success for each input and
//! sends nothing. What they cost is the host's, whatever the card does.

use anyhow::{Context as _, Result, bail, ensure};
use wit_component::{
    ComponentEncoder, DecodedWasm, StringEncoding, decode, embed_component_metadata,
};

use crate::card;

const PATH: &str = "/engage?ip=0&verbose=1&strict=1";
const USER_AGENT: &str = concat!("mixpanel-create-profile/", env!("CARGO_PKG_VERSION"));

/// Where the texts stand in its memory, and what it uses for itself from there on.
const TEXTS: usize = 256;
const HEAP: usize = 4_096;

/// The component that sends this body.
pub fn component(body: &[u8]) -> Result<Vec<u8>> {
    let card = std::fs::read(card::component())?;
    let DecodedWasm::Component(resolve, world) = decode(&card)? else {
        bail!("the card is a package of WIT");
    };
    let version = resolve
        .package_names
        .keys()
        .find(|name| name.namespace == "wasi" && name.name == "http")
        .and_then(|name| name.version.as_ref())
        .context("the card does not import wasi:http")?;

    let length = body.len().to_string();
    let mut texts = Vec::new();
    let mut put = |text: &[u8]| {
        let at = TEXTS + texts.len();
        texts.extend_from_slice(text);
        (at, text.len())
    };
    let mut fields = Vec::new();
    for (name, value) in [
        ("content-type", "application/json"),
        ("content-length", &length),
        ("user-agent", USER_AGENT),
    ] {
        for text in [name, value] {
            let (at, length) = put(text.as_bytes());
            fields.extend_from_slice(&u32::try_from(at)?.to_le_bytes());
            fields.extend_from_slice(&u32::try_from(length)?.to_le_bytes());
        }
    }
    let path = put(PATH.as_bytes());
    let body = put(body);
    ensure!(body.0 + body.1 <= HEAP, "the body is too large");

    // Longer names first: one begins with another.
    let module = include_str!("floor.wat")
        .replace("$version", &version.to_string())
        .replace("$fields", &escaped(&fields))
        .replace("$texts", &escaped(&texts))
        .replace("i32.const $path-length", &format!("i32.const {}", path.1))
        .replace("i32.const $path", &format!("i32.const {}", path.0))
        .replace("i32.const $body-length", &format!("i32.const {}", body.1))
        .replace("i64.const $body-length", &format!("i64.const {}", body.1))
        .replace("i32.const $body", &format!("i32.const {}", body.0));
    let mut module = wat::parse_str(module)?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    ComponentEncoder::default().module(&module)?.encode()
}

/// As the text format has bytes.
fn escaped(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(text, "\\{byte:02x}");
    }
    text
}
