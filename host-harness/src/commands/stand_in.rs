//! `stand-in`: a stand-in for Mixpanel, until it is stopped.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Args;
use host_harness::outbound;
use host_harness::stand_in::{self, Authority, StandIn, Validity};

use super::terminal::{block_on, print};

/// Serve a stand-in for Mixpanel, and print its origin
///
/// It serves until Ctrl-C or SIGTERM. Profiles, requests and failures are looked at and set under
/// /profiles, /requests and /faults, from the same machine alone.
#[derive(Args)]
pub struct Serve {
    /// The address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", value_parser = address)]
    listen: SocketAddr,
    /// Serve HTTPS for Mixpanel's servers, with a certificate of an authority made for this run,
    /// whose own certificate is printed after the origin
    #[arg(long)]
    tls: bool,
    /// Keep no record of requests
    #[arg(long)]
    no_record: bool,
    /// A project token that is right when it is asked for; may be given several times
    #[arg(long, value_name = "TOKEN")]
    token: Vec<String>,
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse()
        .map_err(|_| "write an IP address and a port, such as 127.0.0.1:8080 or [::1]:0")
}

pub fn run(options: Serve) -> Result<ExitCode> {
    block_on(async |interrupt| {
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
            tokens: options.token,
        })
        .with_context(|| format!("cannot listen on {}", options.listen))?;

        let mut said = format!("{}\n", stand_in.origin());
        if let Some(authority) = authority {
            write!(said, "{}", authority.pem())?;
        }
        print(said)?;
        interrupt.received().await;
        Ok(ExitCode::SUCCESS)
    })
}
