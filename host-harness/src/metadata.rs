//! Registry metadata: what a component says of itself, as registries and `wasm-tools` show it.

use anyhow::Result;
use wasm_metadata::{AddMetadata, AddMetadataField, Description, Licenses, Version};

use crate::compact::{Unfamiliar, compact};

/// The card's name in registries.
pub const NAME: &str = "mixpanel-create-profile";

/// The component, made compact, with its name, version, licence and description in custom sections.
///
/// The harness and the card share them through the workspace. A component of a linker that is newer
/// than this may stay as large as it is, with a warning.
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
    let compact = compact(component).or_else(|error| {
        if error.is::<Unfamiliar>() {
            eprintln!("warning: {error:#}; it works, but is larger than it need be");
            Ok(component.to_vec())
        } else {
            Err(error)
        }
    });
    metadata.to_wasm(&compact?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_of_another_linker_is_stamped_as_it_is() {
        let component = wat::parse_str("(component (core module (memory 1)))").expect("WAT");
        let stamped = stamp(&component).expect("a component");
        assert!(stamped.starts_with(&component));
        assert!(stamped.len() > component.len());
    }

    #[test]
    fn what_is_no_component_is_refused() {
        let module = wat::parse_str("(module)").expect("WAT");
        for bytes in [&module[..], b"no component", b""] {
            let error = stamp(bytes).expect_err("an error").to_string();
            assert!(error.contains("component"), "{error}");
        }
    }
}
