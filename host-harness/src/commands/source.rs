//! What is read: a file or standard input.

use std::fs::{File, Metadata};
use std::io::{self, BufReader, IsTerminal as _, Read as _, Seek as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use host_harness::input::SEVERAL_VALUES;
use host_harness::list::{MAX_LINE_BYTES, foreign_encoding};
use host_harness::records::Input;

use super::terminal::say;

/// An open file, or standard input.
pub struct Source {
    pub name: String,
    file: File,
    metadata: Metadata,
}

impl Source {
    /// Opens the file of this name; `-` is standard input.
    pub fn open(path: &Path) -> Result<Self> {
        let is_stdin = path == Path::new("-");
        let name = if is_stdin {
            "standard input".to_owned()
        } else {
            path.display().to_string()
        };
        let open = || {
            let file = if is_stdin {
                File::from(io::stdin().as_fd().try_clone_to_owned()?)
            } else {
                File::open(path)?
            };
            let metadata = file.metadata()?;
            if metadata.is_dir() {
                return Err(io::Error::from(io::ErrorKind::IsADirectory));
            }
            Ok((file, metadata))
        };
        let (file, metadata) = open().with_context(|| format!("{name} cannot be read"))?;
        if is_stdin && io::stdin().is_terminal() {
            say("Reading from the terminal; end the input with Ctrl-D.");
        }
        Ok(Source {
            name,
            file,
            metadata,
        })
    }

    /// How long it is, where it is a file that can be read more than once.
    pub fn length(&self) -> Option<u64> {
        self.metadata.is_file().then_some(self.metadata.len())
    }

    /// Whether this is the very same file, under whatever name.
    pub fn is_file(&self, other: &Metadata) -> bool {
        self.metadata.is_file()
            && (self.metadata.dev(), self.metadata.ino()) == (other.dev(), other.ino())
    }

    /// Reads it, and leaves it to be read once more from where it was.
    pub fn read_ahead<T>(&self, read: impl FnOnce(BufReader<&File>) -> T) -> io::Result<T> {
        let mut file = &self.file;
        let position = file.stream_position()?;
        let done = read(BufReader::new(file));
        file.seek(io::SeekFrom::Start(position))?;
        Ok(done)
    }

    pub fn into_file(self) -> File {
        self.file
    }

    /// Reads one input of the card.
    pub fn input(self) -> Result<Input> {
        let Source { name, file, .. } = self;
        let mut bytes = Vec::new();
        file.take(MAX_LINE_BYTES as u64 + 1)
            .read_to_end(&mut bytes)
            .with_context(|| format!("{name} cannot be read"))?;
        if bytes.len() > MAX_LINE_BYTES {
            bail!(
                "{name} is longer than one user can be ({MAX_LINE_BYTES} bytes): run a list with --list"
            );
        }
        if let Some(encoding) = foreign_encoding(&bytes) {
            bail!("{name} {encoding}");
        }
        let Ok(text) = str::from_utf8(&bytes) else {
            bail!("{name} is not UTF-8: save it as UTF-8");
        };
        Input::from_json(text).or_else(|invalid| {
            let has_field = invalid
                .fields
                .iter()
                .any(|invalid| !invalid.field.is_empty());
            let colon = if has_field { ":" } else { "" };
            let is_list = invalid.fields.iter().any(|f| f.reason == SEVERAL_VALUES);
            let hint = if is_list {
                ", and run it as a list (--list)"
            } else {
                ""
            };
            bail!("{name}{colon} {invalid}{hint}")
        })
    }
}
