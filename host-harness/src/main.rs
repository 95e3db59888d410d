//! The command line of the host harness.

mod run_list;

use std::io::{IsTerminal as _, Read as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Parser, Subcommand};
use host_harness::cache::{self, Cache};
use host_harness::card::{CallError, Card};
use host_harness::engine::{Engine, Limits};
use host_harness::list::KEPT_MEMORY;
use host_harness::outbound::{self, Outbound, Resolve};
use host_harness::records::{Connection, Error, Input, Outcome, Region};
use host_harness::stand_in::{self, Authority, StandIn, Validity};
use host_harness::{metadata, schema};

/// The project token where the stand-in is all that sees it.
const STAND_IN_TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Runs the Create Profile card, and what stands around it.
#[derive(Parser)]
#[command(version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(Run),
    StandIn(Serve),
    Schema,
    Stamp(Stamp),
}

/// Run the card, and print one JSON object for each input
///
/// The exit status is 0 where every profile was created or was there already, 1 for any other
/// outcome, and 2 where nothing could be run.
#[derive(Args)]
struct Run {
    /// The component
    #[arg(
        long,
        value_name = "FILE",
        default_value = "dist/mixpanel-create-profile.wasm"
    )]
    component: PathBuf,
    /// Mixpanel's project token
    #[arg(long, env = "MIXPANEL_PROJECT_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Where the project's data lives
    #[arg(long, value_enum, default_value_t)]
    region: Region,
    /// Origin, perhaps with a path, to use instead of the region's own server
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// How often to try again when Mixpanel is busy or out of reach [default: 3]
    #[arg(long, value_name = "NUMBER")]
    max_retries: Option<u8>,
    /// A file with {"profile":{…},"properties":{…}}, or - for standard input; several are run in
    /// their order. A file named *.jsonl has one such object a line, and is sent in as few requests
    /// as Mixpanel takes
    #[arg(long, value_name = "FILE", default_value = "-")]
    input: Vec<PathBuf>,
    /// How many requests of a *.jsonl file are in flight at once; with more than one, two lines with
    /// the same profile id may overtake each other
    #[arg(long, value_name = "NUMBER", default_value = "1", value_parser = clap::value_parser!(u16).range(1..=256))]
    concurrency: u16,
    /// Write the results of a *.jsonl file to this file instead of standard output; where it holds
    /// results already, go on behind them
    #[arg(long, value_name = "RESULTS")]
    resume: Option<PathBuf>,
    /// Start a stand-in for Mixpanel and send to it; what was sent, and the profile afterwards, are
    /// shown on standard error
    #[arg(long, conflicts_with = "base_url")]
    stand_in: bool,
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

/// Serve a stand-in for Mixpanel, and print its origin
///
/// It serves until Ctrl-C. Profiles, requests and faults are looked at and
/// set under /profiles, /requests and /faults.
#[derive(Args)]
struct Serve {
    /// The address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Serve HTTPS for Mixpanel's three servers, with a certificate of an authority made for this
    /// run, whose own certificate is printed after the origin
    #[arg(long)]
    tls: bool,
    /// Keep no record of requests
    #[arg(long)]
    no_record: bool,
}

/// Write registry metadata into a component: name, version, licence, description
#[derive(Args)]
#[command(hide = true)]
struct Stamp {
    component: PathBuf,
    output: PathBuf,
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Run(options) => run(&options),
        Command::StandIn(options) => serve(&options),
        Command::Schema => print_schema(),
        Command::Stamp(files) => stamp(&files),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(2)
    })
}

fn run(options: &Run) -> Result<ExitCode> {
    let list = list(options)?;
    let inputs = match list {
        Some(_) => vec![],
        None => options
            .input
            .iter()
            .map(|file| read_input(file))
            .collect::<Result<Vec<Input>>>()?,
    };
    let mut stand_in = None;
    if options.stand_in {
        stand_in = Some(StandIn::start(stand_in::Options::default())?);
    }
    let connection = Connection {
        project_token: token(options)?,
        region: options.region,
        base_url: stand_in
            .as_ref()
            .map(StandIn::origin)
            .or_else(|| options.base_url.clone()),
        max_retries: options.max_retries,
    };
    let mut limits = Limits {
        concurrency: options.concurrency.into(),
        ..Limits::default()
    };
    if list.is_some() {
        limits.kept_memory = KEPT_MEMORY;
    }
    let engine = Engine::new(limits, open_cache(options)?)?;
    let card = Card::load(&engine, &options.component, outbound(options, &connection)?)?;

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    if let Some(file) = list {
        let resume = options.resume.as_deref();
        let concurrency = options.concurrency.into();
        let called = run_list::run(&card, &connection, file, resume, concurrency);
        let all_succeeded = runtime.block_on(called)?;
        return Ok(ExitCode::from(u8::from(!all_succeeded)));
    }
    let mut all_succeeded = true;
    for input in &inputs {
        let called = runtime.block_on(async {
            tokio::select! {
                called = card.create_profile(&connection, input) => Some(called),
                _ = tokio::signal::ctrl_c() => None,
            }
        });
        let Some(called) = called else {
            bail!("interrupted");
        };
        let outcome = outcome(called);
        if let Some(stand_in) = &mut stand_in {
            show(stand_in, &connection, input)?;
        }
        let mut stdout = std::io::stdout().lock();
        serde_json::to_writer(&mut stdout, &outcome)?;
        writeln!(stdout)?;
        all_succeeded &= outcome.is_success();
    }
    Ok(ExitCode::from(u8::from(!all_succeeded)))
}

/// An engine that stops the card reports it as the interface says; why is for whoever watches.
fn outcome(called: Result<Outcome, CallError>) -> Outcome {
    called.unwrap_or_else(|stopped| {
        eprintln!("error: {stopped}");
        Outcome::Err(Error::ExecutionFailed)
    })
}

/// The file of JSON Lines among the inputs.
fn list(options: &Run) -> Result<Option<&Path>> {
    let is_list = |file: &&PathBuf| file.extension().is_some_and(|e| e == "jsonl");
    match options.input.iter().find(is_list) {
        Some(_) if options.input.len() > 1 => bail!("a *.jsonl file must be the only --input"),
        None if options.resume.is_some() => bail!("--resume is for an --input named *.jsonl"),
        file => Ok(file.map(PathBuf::as_path)),
    }
}

fn token(options: &Run) -> Result<String> {
    match &options.token {
        Some(token) => Ok(token.clone()),
        None if options.stand_in => Ok(STAND_IN_TOKEN.to_owned()),
        None => bail!(
            "no project token: give --token or set MIXPANEL_PROJECT_TOKEN, or try --stand-in first"
        ),
    }
}

fn read_input(file: &Path) -> Result<Input> {
    let mut json = String::new();
    let name = if file == Path::new("-") {
        if std::io::stdin().is_terminal() {
            eprintln!("Reading the input from the terminal; end it with Ctrl-D.");
        }
        std::io::stdin()
            .read_to_string(&mut json)
            .context("standard input cannot be read")?;
        "standard input".to_owned()
    } else {
        json = std::fs::read_to_string(file)
            .with_context(|| format!("{} cannot be read", file.display()))?;
        file.display().to_string()
    };
    serde_json::from_str(&json).with_context(|| format!("{name} is not an input of the card"))
}

/// Mixpanel's three servers, and the base URL's where one is given.
fn outbound(options: &Run, connection: &Connection) -> Result<Outbound> {
    let mut settings = outbound::Options {
        resolve: options.resolve.clone(),
        ..Default::default()
    };
    if let Some(file) = &options.ca_cert {
        settings.trust(file)?;
    }
    // One that cannot be read is refused by the card, in better words.
    if let Some(Ok(origin)) = connection.base_url.as_deref().map(str::parse) {
        settings.allow.insert(origin);
    }
    Outbound::new(settings)
}

/// The cache that was asked for, or the user's own where it can be used: a run does without.
fn open_cache(options: &Run) -> Result<Option<Cache>> {
    if let Some(folder) = &options.cache {
        return Cache::open(folder).map(Some);
    }
    let Some(folder) = cache::default_folder() else {
        return Ok(None);
    };
    let cache = Cache::open(&folder);
    if let Err(error) = &cache {
        eprintln!("warning: {error:#}; the component is compiled for this run alone");
    }
    Ok(cache.ok())
}

/// What went over the wire, and what has come of it.
fn show(stand_in: &StandIn, connection: &Connection, input: &Input) -> Result<()> {
    for request in stand_in.requests() {
        let head = String::from_utf8_lossy(&request.head);
        let body = String::from_utf8_lossy(&request.body);
        let sent = format!("{}\n\n{}", head.trim_end().replace("\r\n", "\n"), body);
        eprintln!(
            "--- request\n{}",
            sent.replace(&connection.project_token, "<project token>")
        );
    }
    stand_in.clear_requests();
    match stand_in.profile(&connection.project_token, &input.profile.profile_id) {
        Some(profile) => {
            eprintln!(
                "--- profile in the stand-in\n{}",
                serde_json::to_string_pretty(&profile)?
            );
        }
        None => eprintln!("--- no such profile in the stand-in"),
    }
    eprintln!("--- output");
    Ok(())
}

fn serve(options: &Serve) -> Result<ExitCode> {
    let mut authority = None;
    let tls = if options.tls {
        let authority = authority.insert(Authority::new()?);
        let mut names: Vec<_> = outbound::MIXPANEL
            .iter()
            .map(|url| url.trim_start_matches("https://"))
            .collect();
        names.extend(["localhost", "127.0.0.1"]);
        Some(authority.server(&names, Validity::Valid)?)
    } else {
        None
    };
    let stand_in = StandIn::start(stand_in::Options {
        listen: options.listen,
        tls,
        record: !options.no_record,
    })
    .with_context(|| format!("cannot listen on {}", options.listen))?;

    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{}", stand_in.origin())?;
    if let Some(authority) = authority {
        write!(stdout, "{}", authority.pem())?;
    }
    stdout.flush()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(tokio::signal::ctrl_c())?;
    Ok(ExitCode::SUCCESS)
}

fn print_schema() -> Result<ExitCode> {
    let mut stdout = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut stdout, &schema::schema(schema::WIT, "create-profile")?)?;
    writeln!(stdout)?;
    Ok(ExitCode::SUCCESS)
}

fn stamp(files: &Stamp) -> Result<ExitCode> {
    let component = std::fs::read(&files.component)
        .with_context(|| format!("{} cannot be read", files.component.display()))?;
    std::fs::write(&files.output, metadata::stamp(&component)?)
        .with_context(|| format!("{} cannot be written", files.output.display()))?;
    Ok(ExitCode::SUCCESS)
}
