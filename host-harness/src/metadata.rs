//! Registry metadata: what a component says of itself, as registries and `wasm-tools` show it.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use wasm_metadata::{
    AddMetadata, AddMetadataField, Authors, Description, Homepage, Licenses, Revision, Source,
    Version,
};

/// The card's name in registries.
pub const NAME: &str = "mixpanel-create-profile";

/// Where something was built from, as far as git knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// Address of the repository, without any user or password; also its home page.
    pub repository: Option<String>,
    /// Commit whose files are the ones that were built.
    pub revision: Option<String>,
    /// Names of all who have committed, those with the most commits first.
    pub authors: Option<String>,
}

impl Provenance {
    /// What git says of the repository whose root is `folder`.
    ///
    /// What git does not know is left out: everything where there is no git or no repository, the
    /// revision where a file differs from it, the authors where older commits were not fetched, the
    /// repository where it was not cloned from a web address.
    pub fn of(folder: &Path) -> Self {
        let git = |arguments: &[&str]| {
            let output = Command::new("git")
                .args(arguments)
                .current_dir(folder)
                .output()
                .ok()?;
            let said = String::from_utf8(output.stdout).ok()?;
            output.status.success().then(|| said.trim().to_owned())
        };
        // A folder inside a repository is not what that repository is about.
        if git(&["rev-parse", "--show-prefix"]).is_none_or(|prefix| !prefix.is_empty()) {
            return Self::default();
        }
        let changed = git(&["status", "--porcelain", "--untracked-files=no"]);
        let shallow = git(&["rev-parse", "--is-shallow-repository"]);
        Self {
            // Not `git remote get-url`, which shows what the user's settings make of it.
            repository: git(&["config", "--get", "remote.origin.url"])
                .and_then(|address| web_address(&address)),
            revision: git(&["rev-parse", "HEAD"]).filter(|_| changed.as_deref() == Some("")),
            authors: git(&["shortlog", "--summary", "--numbered", "HEAD"])
                .filter(|_| shallow.as_deref() == Some("false"))
                .map(|list| names(&list))
                .filter(|names| !names.is_empty()),
        }
    }
}

/// The public part of a repository's address; none where it is no address of the web.
fn web_address(remote: &str) -> Option<String> {
    let rest = remote.strip_prefix("https://")?;
    let (authority, path) = rest.split_once('/')?;
    let host = authority.rsplit('@').next()?;
    let path = path.trim_end_matches('/').trim_end_matches(".git");
    // A query may hold a token as a user may.
    if !host.contains('.') || path.is_empty() || path.contains(['?', '#']) {
        return None;
    }
    Some(format!("https://{host}/{path}"))
}

/// The names of `git shortlog --summary`, whose lines are a number, a tab and a name.
fn names(list: &str) -> String {
    let names: Vec<_> = list
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(_, name)| name.trim())
        .collect();
    names.join(", ")
}

/// The component, or WIT package, with metadata in custom sections: its name, the version, licence
/// and description of the workspace, and where it was built from.
///
/// # Errors
///
/// The bytes are no component.
pub fn stamp(component: &[u8], name: &str, provenance: &Provenance) -> Result<Vec<u8>> {
    ensure!(
        wasmparser::Parser::is_component(component),
        "this is no WebAssembly component: it was not linked by wasm-component-ld"
    );
    let mut metadata = AddMetadata::default();
    metadata.name = AddMetadataField::Set(name.to_owned());
    metadata.version = AddMetadataField::Set(Version::new(env!("CARGO_PKG_VERSION")));
    metadata.licenses = AddMetadataField::Set(Licenses::new(env!("CARGO_PKG_LICENSE"))?);
    metadata.description = AddMetadataField::Set(Description::new(env!("CARGO_PKG_DESCRIPTION")));
    if let Some(repository) = &provenance.repository {
        metadata.source = AddMetadataField::Set(Source::new(repository)?);
        metadata.homepage = AddMetadataField::Set(Homepage::new(repository)?);
    }
    if let Some(revision) = &provenance.revision {
        metadata.revision = AddMetadataField::Set(Revision::new(revision.clone()));
    }
    if let Some(authors) = &provenance.authors {
        metadata.authors = AddMetadataField::Set(Authors::new(authors.clone()));
    }
    metadata.to_wasm(component)
}

#[cfg(test)]
mod tests;
