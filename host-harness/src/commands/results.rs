//! The results of a list: on standard output, or in a file that is only ever appended to.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, BufRead as _, BufReader, ErrorKind, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use host_harness::list::{Kind, Line, LineResult, Lines};

use super::source::Source;

/// How each result begins: what else stands at the end of a file is none that was cut off.
const START: &[u8] = b"{\"line\":";

/// Others than their owner have no business with the data of users.
const MODE: u32 = 0o600;

/// Where results go.
pub struct Results {
    pub name: String,
    target: Target,
}

enum Target {
    Stdout,
    /// A file that is made when there is a result.
    New(PathBuf),
    /// A file, locked; whether its last line has no end.
    File(File, bool),
}

/// The last result of each line, from runs before.
#[derive(Clone, Default)]
pub struct Known(Arc<HashMap<u64, KnownResult>>);

struct KnownResult {
    /// Of the profile id. A list may be longer than memory is large.
    hash: u64,
    kind: Kind,
}

impl Results {
    /// Standard output.
    pub fn stdout(input: &Source) -> Result<Self> {
        let stdout = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        if input.is_file(&stdout.metadata()?) {
            bail!("standard output is the list itself: write the results to another file");
        }
        Ok(Results {
            name: "standard output".to_owned(),
            target: Target::Stdout,
        })
    }

    /// A file, with the results that it holds already.
    ///
    /// # Errors
    ///
    /// It is no file of results, or another run writes to it.
    pub fn file(path: &Path, input: &Source) -> Result<(Self, Known)> {
        let name = path.display().to_string();
        // Opening a pipe would wait, and a device has no end.
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => bail!("{name} is a directory"),
            Ok(metadata) if !metadata.is_file() => bail!("{name} is not a regular file"),
            Ok(metadata) if input.is_file(&metadata) => {
                bail!("{name} is the list itself: give --resume another file")
            }
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {
                // Better now than after the first request.
                let folder = path.parent().filter(|folder| *folder != Path::new(""));
                if folder.is_some_and(|folder| !folder.is_dir()) {
                    bail!("{name} cannot be made: there is no such folder");
                }
                let target = Target::New(path.to_owned());
                return Ok((Results { name, target }, Known::default()));
            }
            Err(error) => return Err(error).with_context(|| format!("{name} cannot be read")),
        }
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .open(path)
            .with_context(|| format!("{name} cannot be opened"))?;
        lock(&file, &name)?;
        let (known, is_cut_off) = read(&file, &name)?;
        let target = Target::File(file, is_cut_off);
        Ok((Results { name, target }, known))
    }

    /// Appends whole lines.
    pub fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        if let Target::New(path) = &self.target {
            let file = OpenOptions::new()
                .append(true)
                .create_new(true)
                .mode(MODE)
                .open(path)
                .map_err(|error| match error.kind() {
                    ErrorKind::AlreadyExists => io::Error::other(
                        "it was made by another run meanwhile: the same command goes on with it",
                    ),
                    _ => error,
                })?;
            lock(&file, &self.name).map_err(io::Error::other)?;
            self.target = Target::File(file, false);
        }
        match &mut self.target {
            Target::File(file, is_cut_off) => {
                if std::mem::take(is_cut_off) {
                    file.write_all(b"\n")?;
                }
                file.write_all(lines)
            }
            _ => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(lines)?;
                stdout.flush()
            }
        }
    }
}

/// For as long as the file is open.
fn lock(file: &File, name: &str) -> Result<()> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => bail!("another run writes to {name}"),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("{name} cannot be locked"))
        }
    }
}

/// The results of a file, and whether its last line has no end.
fn read(file: &File, name: &str) -> Result<(Known, bool)> {
    let mut known = HashMap::new();
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    let mut is_cut_off = false;
    for number in 1.. {
        line.clear();
        let read = reader
            .read_until(b'\n', &mut line)
            .with_context(|| format!("{name} cannot be read"))?;
        if read == 0 {
            break;
        }
        is_cut_off = !line.ends_with(b"\n");
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line);
        let line = line.trim_ascii_end();
        match serde_json::from_slice::<LineResult>(line) {
            Ok(result) if result.line > 0 => {
                let last = KnownResult {
                    hash: hash(result.profile_id.as_deref()),
                    kind: Kind::of(&result.outcome),
                };
                known.insert(result.line, last);
            }
            // One that was being written when a run was killed: its line is sent again.
            Err(error) if error.is_eof() && is_start(line) => {}
            _ => bail!(
                "{name} holds something else than results: its line {number} is none. Give --resume \
                 a file of its own"
            ),
        }
    }
    Ok((Known(Arc::new(known)), is_cut_off))
}

/// Whether a result may begin so.
fn is_start(line: &[u8]) -> bool {
    !line.is_empty() && (line.starts_with(START) || START.starts_with(line))
}

fn hash(profile_id: Option<&str>) -> u64 {
    let mut hasher = DefaultHasher::new();
    profile_id.hash(&mut hasher);
    hasher.finish()
}

impl Known {
    /// What the last result of each line was.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.0.values().map(|known| known.kind)
    }

    /// What the last result of this line was.
    pub fn kind(&self, line: u64) -> Option<Kind> {
        Some(self.0.get(&line)?.kind)
    }

    /// Reads a list as far as there are results, so that those of another list are refused before
    /// anything is written.
    pub fn check(&self, input: &Source) -> io::Result<()> {
        let Some(&last) = self.0.keys().max() else {
            return Ok(());
        };
        input.read_ahead(|reader| {
            let mut lines = self.clone().open_lines(Lines::new(reader));
            while lines.left > 0 {
                match lines.next().transpose()? {
                    Some(line) if line.number < last => {}
                    _ => break,
                }
            }
            match lines.left {
                0 => Ok(()),
                _ => Err(another("it has fewer lines")),
            }
        })?
    }

    /// The lines that have no result that settles them.
    pub fn open_lines<I>(self, lines: I) -> OpenLines<I> {
        OpenLines {
            lines,
            left: self.0.len(),
            known: self,
        }
    }
}

/// See [`Known::open_lines`].
pub struct OpenLines<I> {
    lines: I,
    known: Known,
    /// Results whose lines were not seen yet.
    left: usize,
}

impl<I: Iterator<Item = io::Result<Line>>> Iterator for OpenLines<I> {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let line = match self.lines.next() {
                Some(Ok(line)) => line,
                None if std::mem::take(&mut self.left) > 0 => {
                    return Some(Err(another("it has fewer lines")));
                }
                other => return other,
            };
            let Some(known) = self.known.0.get(&line.number) else {
                return Some(Ok(line));
            };
            self.left -= 1;
            if known.hash != hash(line.profile_id.as_deref()) {
                let reason = format!("its line {} has another profile id", line.number);
                return Some(Err(another(&reason)));
            }
            if !known.kind.is_settled() {
                return Some(Ok(line));
            }
        }
    }
}

fn another(reason: &str) -> io::Error {
    let reason = format!(
        "is not the list of these results: {reason}. Give --resume another file, or the list as it was"
    );
    io::Error::new(ErrorKind::InvalidData, reason)
}
