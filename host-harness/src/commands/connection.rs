//! What the commands that reach Mixpanel share: the project, the server, and how it is reached.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use host_harness::cache::{self, Cache};
use host_harness::card::Card;
use host_harness::engine::{Engine, Limits, Workload};
use host_harness::list::foreign_encoding;
use host_harness::outbound::{self, Outbound, Resolve};
use host_harness::records::{Connection, Region};

use super::terminal::say;

/// Of a file that holds a token, in bytes: many times the longest.
const MAX_TOKEN_FILE: u64 = 4_096;

/// One project of Mixpanel's.
#[derive(Args)]
pub struct Project {
    /// A file that holds Mixpanel's project token
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Mixpanel's project token; given as an argument, other users of the machine can see it
    #[arg(long, env = "MIXPANEL_PROJECT_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Where the project's data lives
    #[arg(long, value_enum, default_value_t)]
    region: Region,
    /// Origin, perhaps with a path, to use instead of the region's own server
    #[arg(long, value_name = "URL", value_parser = not_blank)]
    pub base_url: Option<String>,
}

/// How the card is run.
#[derive(Args)]
pub struct Host {
    /// The component
    #[arg(
        long,
        value_name = "FILE",
        default_value = "dist/mixpanel-create-profile.wasm"
    )]
    component: PathBuf,
    /// Trust the certificates of this PEM file instead of the web's usual authorities
    #[arg(long, value_name = "FILE")]
    ca_cert: Option<PathBuf>,
    /// Connect to ADDRESS, which may have a port of its own, instead of looking up HOST
    #[arg(long, value_name = "HOST:PORT:ADDRESS")]
    resolve: Vec<Resolve>,
    /// Where compiled code is kept between runs
    #[arg(long, value_name = "FOLDER")]
    cache: Option<PathBuf>,
}

impl Project {
    /// With the token of the file, of `--token` or of the environment, else with `default`.
    pub fn connection(&self, default: Option<&str>) -> Result<Connection> {
        let project_token = match (&self.token_file, &self.token, default) {
            (Some(file), ..) => read_token(file)?,
            (None, Some(token), _) => token.clone(),
            (None, None, Some(token)) => token.to_owned(),
            (None, None, None) => bail!(
                "no project token: give --token-file or set MIXPANEL_PROJECT_TOKEN; `run --stand-in` \
                 needs none"
            ),
        };
        Ok(Connection {
            project_token,
            region: self.region,
            base_url: self.base_url.clone(),
            max_retries: None,
        })
    }
}

impl Host {
    /// The card, for so many calls at once, with HTTP to Mixpanel's servers and to the base URL's where
    /// one is given. All commands compile it alike, so that each finds what another has kept.
    pub fn card(&self, concurrency: u32, connection: &Connection) -> Result<Card> {
        let limits = Limits {
            concurrency,
            workload: Workload::Lists,
            ..Limits::default()
        };
        let engine = Engine::new(limits, self.cache()?)?;
        Card::load(&engine, &self.component, self.outbound(connection)?)
    }

    fn outbound(&self, connection: &Connection) -> Result<Outbound> {
        let mut settings = outbound::Options {
            resolve: self.resolve.clone(),
            ..Default::default()
        };
        if let Some(file) = &self.ca_cert {
            settings.trust(file)?;
        }
        // One that cannot be read is refused by the card, in better words.
        if let Some(Ok(origin)) = connection.base_url.as_deref().map(str::parse) {
            settings.allow.insert(origin);
        }
        Outbound::new(settings)
    }

    /// The cache that was asked for, or the user's own where it can be used: a run does without.
    fn cache(&self) -> Result<Option<Cache>> {
        if let Some(folder) = &self.cache {
            return Cache::open(folder).map(Some);
        }
        let Some(folder) = cache::default_folder() else {
            return Ok(None);
        };
        let cache = Cache::open(&folder);
        if let Err(error) = &cache {
            say(format_args!(
                "warning: {error:#}; the component is compiled for this run alone"
            ));
        }
        Ok(cache.ok())
    }
}

/// A file that was made by `echo` or an editor ends with a line end, and may start with a byte order
/// mark: neither is part of the token.
fn read_token(file: &Path) -> Result<String> {
    let name = file.display();
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|file| file.take(MAX_TOKEN_FILE + 1).read_to_end(&mut bytes))
        .with_context(|| format!("the token file {name} cannot be read"))?;
    if bytes.len() as u64 > MAX_TOKEN_FILE {
        bail!("the token file {name} holds more than a token");
    }
    if let Some(encoding) = foreign_encoding(&bytes) {
        bail!("the token file {name} {encoding}");
    }
    let Ok(token) = str::from_utf8(&bytes) else {
        bail!("the token file {name} is not UTF-8: save it as UTF-8");
    };
    let token = token.strip_prefix('\u{feff}').unwrap_or(token);
    Ok(token.trim_end_matches(['\r', '\n']).to_owned())
}

fn not_blank(text: &str) -> Result<String, &'static str> {
    match text.trim() {
        "" => Err("it is empty: leave the option out, or give an origin"),
        _ => Ok(text.to_owned()),
    }
}

fn set(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Says that a proxy's variable has no effect, where one is set.
pub fn warn_of_proxy() {
    let names = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    if let Some(name) = names.into_iter().find(|name| set(name).is_some()) {
        say(format_args!(
            "warning: {name} is set, but not used: requests go to the server itself. For a proxy that \
             forwards to Mixpanel, give its URL as --base-url"
        ));
    }
}
