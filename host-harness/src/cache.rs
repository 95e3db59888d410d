//! Compiled code, kept in a folder from process to process by wasmtime's own cache.
//!
//! wasmtime runs what it finds in the folder, and removes what it does not know. So the folder is one
//! that nobody else can write to or replace, and that holds nothing else.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use rustix::fs::Access;
use wasmtime::CacheConfig;

/// A folder of compiled code that is safe to use.
pub struct Cache(wasmtime::Cache);

impl Cache {
    /// Uses this folder, and makes it where there is none.
    ///
    /// # Errors
    ///
    /// It cannot be made or written to; it is not the user's own; others may write to it or replace
    /// it; or it holds files of something else.
    pub fn open(folder: &Path) -> Result<Self> {
        open(folder)
            .with_context(|| format!("the cache folder {} cannot be used", folder.display()))
            .map(Cache)
    }

    pub(crate) fn into_inner(self) -> wasmtime::Cache {
        self.0
    }
}

fn open(folder: &Path) -> Result<wasmtime::Cache> {
    let mut config = CacheConfig::new();
    config.with_directory(checked(folder)?);
    // Files are not compressed anew for being used often: it would cost more than it saves.
    let level = config.baseline_compression_level();
    config.with_optimized_compression_level(level);
    wasmtime::Cache::new(config).map_err(anyhow::Error::from)
}

/// Where the user's compiled code is kept if nothing else is said: in the system's folder for caches.
/// `None` where the environment names none.
pub fn default_folder() -> Option<PathBuf> {
    let folder = |name| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let caches = folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")))?;
    Some(caches.join("mixpanel-create-profile/compiled"))
}

/// The folder's path without links, once it is known to be safe.
fn checked(folder: &Path) -> Result<PathBuf> {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700).create(folder)?;
    // What is checked is what is used: no link can lead elsewhere later.
    let folder = fs::canonicalize(folder)?;
    let user = rustix::process::geteuid().as_raw();

    let metadata = fs::metadata(&folder)?;
    if metadata.uid() != user || metadata.mode() & 0o022 != 0 {
        bail!("others may write to it, or could before: name a folder that does not exist yet");
    }
    for parent in folder.ancestors().skip(1) {
        let metadata = fs::metadata(parent)?;
        let is_ours = [0, user].contains(&metadata.uid());
        // In a folder with the sticky bit, such as /tmp, others cannot replace what is not theirs.
        let only_we_replace = metadata.mode() & 0o022 == 0 || metadata.mode() & 0o1000 != 0;
        if !is_ours || !only_we_replace {
            bail!(
                "others may replace it: {} is not yours alone",
                parent.display()
            );
        }
    }
    for entry in fs::read_dir(&folder)? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        if name != "modules" && !name.starts_with(".cleanup.") {
            bail!("it holds {name}, which the cache would remove: name a folder of its own");
        }
    }
    rustix::fs::access(
        &folder,
        Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK,
    )?;
    Ok(folder)
}

#[cfg(test)]
mod tests;
