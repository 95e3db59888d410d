//! Compiled code, kept in a folder from process to process.
//!
//! Code from the cache is run as it is, so it must be what the engine made of these very bytes. Its
//! file's name says which component and which engine it belongs to, and a checksum over that name
//! and the code stands behind the code; both are looked at before the engine sees the file, and
//! what does not fit is compiled anew. A checksum finds accidents, not enemies: against those, a
//! folder that others may write to is refused, and so is such a file.
//!
//! Files appear whole, under a name of their own first, and are never written again: any number of
//! processes may share a folder, and run the code where the system has the file in memory.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use blake3::{Hash, Hasher, OUT_LEN};
use wasmtime::Engine;
use wasmtime::component::Component;

const EXTENSION: &str = "cwasm";
const TEMPORARY: &str = "tmp";

/// Files older than this are removed when another is written: versions that nobody runs any more,
/// and what a process left that was killed while it wrote. One still in use is made again.
const MAX_AGE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A folder of compiled components.
pub(crate) struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// Uses this folder, and makes it where there is none.
    ///
    /// # Errors
    ///
    /// It cannot be made, or others may write to it.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
        let metadata = fs::metadata(folder)?;
        if !metadata.is_dir() {
            bail!("it is no folder");
        }
        if !is_ours(&metadata) {
            bail!(
                "others may write to it: make it yours alone (chown, chmod go-w), or name another"
            );
        }
        Ok(Cache {
            folder: folder.to_owned(),
        })
    }

    /// The compiled component, and whether it came from the cache.
    ///
    /// # Errors
    ///
    /// The bytes are no component. A cache that cannot be read or written is no error: the component
    /// is compiled.
    pub(crate) fn load(&self, engine: &Engine, component: &[u8]) -> Result<(Component, bool)> {
        let name = name(engine, component);
        if let Some(component) = self.read(engine, &name) {
            return Ok((component, true));
        }
        let component = Component::from_binary(engine, component).map_err(anyhow::Error::from)?;
        // Without it, the next process compiles too; the call at hand is none the worse.
        let _ = component
            .serialize()
            .map_err(anyhow::Error::from)
            .and_then(|code| self.write(&name, &code));
        Ok((component, false))
    }

    fn read(&self, engine: &Engine, name: &str) -> Option<Component> {
        let path = self.path(name);
        let mut file = File::open(&path).ok()?;
        let metadata = file.metadata().ok()?;
        if !metadata.is_file() || !is_ours(&metadata) {
            return None;
        }
        let length = metadata.len().checked_sub(OUT_LEN as u64)?;
        let expected = checksum(name, (&file).take(length)).ok()?;
        let mut sum = [0; OUT_LEN];
        file.read_exact(&mut sum).ok()?;
        if expected != sum {
            return None;
        }
        #[expect(
            unsafe_code,
            reason = "the only way to use code that was compiled before"
        )]
        // SAFETY: the code must be what an engine made by `serialize`. The checksum says that it is
        // what `write` was given under this name, and the file is one that only this user may have
        // written. It must not change while it is used: `write` never writes to a file that has its
        // name already, and another of that name, put in its place meanwhile, holds the same. For
        // another version or configuration than its name says, the engine itself refuses it. It
        // passes over the checksum, which stands behind all that the code's own head speaks of.
        let component = unsafe {
            // Where nothing may be run from the file system (noexec), from a copy.
            Component::deserialize_file(engine, &path)
                .or_else(|_| Component::deserialize(engine, fs::read(&path)?))
        };
        component.ok()
    }

    fn write(&self, name: &str, code: &[u8]) -> Result<()> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        self.remove_old();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let temporary = self
            .folder
            .join(format!("{name}.{}.{count}.{TEMPORARY}", std::process::id()));
        let written = (|| {
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.open(&temporary)?;
            file.write_all(code)?;
            file.write_all(checksum(name, code)?.as_bytes())?;
            fs::rename(&temporary, self.path(name))
        })();
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written.context("the cache cannot be written")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.{EXTENSION}"))
    }

    fn remove_old(&self) {
        let remove = |file: io::Result<fs::DirEntry>| -> io::Result<()> {
            let path = file?.path();
            let ours = path
                .extension()
                .is_some_and(|e| e == EXTENSION || e == TEMPORARY);
            let age = fs::metadata(&path)?.modified()?.elapsed();
            if ours && age.is_ok_and(|age| age > MAX_AGE) {
                fs::remove_file(path)?;
            }
            Ok(())
        };
        for file in fs::read_dir(&self.folder).into_iter().flatten() {
            // Another process may have been faster.
            let _ = remove(file);
        }
    }
}

/// What a component and an engine are called together: the component's BLAKE3, and the engine's own
/// word for its version and all settings that its code depends on.
fn name(engine: &Engine, component: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    let content = blake3::hash(component);
    format!("{content}-{:016x}", hasher.finish())
}

fn checksum(name: &str, code: impl Read) -> io::Result<Hash> {
    let mut hasher = Hasher::new();
    hasher.update(name.as_bytes());
    Ok(hasher.update_reader(code)?.finalize())
}

/// Whether nobody but this user and the system's administrator can have written it.
#[cfg(unix)]
fn is_ours(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let user = rustix::process::geteuid().as_raw();
    [0, user].contains(&metadata.uid()) && metadata.mode() & 0o022 == 0
}

#[cfg(not(unix))]
fn is_ours(_: &Metadata) -> bool {
    true
}

#[cfg(test)]
mod tests;
