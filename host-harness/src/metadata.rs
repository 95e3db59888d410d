//! Registry metadata: what a component says of itself, as registries and `wasm-tools` show it.

use anyhow::Result;
use wasm_metadata::{AddMetadata, AddMetadataField, Description, Licenses, Version};

/// The card's name in registries.
pub const NAME: &str = "mixpanel-create-profile";

/// The component with its name, version, license and description in custom sections.
///
/// The harness and the card share them through the workspace.
///
/// # Errors
///
/// The bytes are no component.
pub fn stamp(component: &[u8]) -> Result<Vec<u8>> {
    let mut metadata = AddMetadata::default();
    metadata.name = AddMetadataField::Set(NAME.to_owned());
    metadata.version = AddMetadataField::Set(Version::new(env!("CARGO_PKG_VERSION")));
    metadata.licenses = AddMetadataField::Set(Licenses::new(env!("CARGO_PKG_LICENSE"))?);
    metadata.description = AddMetadataField::Set(Description::new(env!("CARGO_PKG_DESCRIPTION")));
    metadata.to_wasm(component)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_of_the_component_stays_as_it_is() {
        let component = wat::parse_str("(component (core module (memory 1)))").expect("WAT");
        let stamped = stamp(&component).expect("a component");
        assert!(stamped.starts_with(&component));
        for text in [NAME, env!("CARGO_PKG_VERSION"), env!("CARGO_PKG_LICENSE")] {
            let text = text.as_bytes();
            assert!(
                stamped[component.len()..]
                    .windows(text.len())
                    .any(|w| w == text)
            );
        }
    }

    #[test]
    fn what_is_no_component_is_refused() {
        for bytes in [&b"no component"[..], b""] {
            stamp(bytes).expect_err("an error");
        }
    }
}
