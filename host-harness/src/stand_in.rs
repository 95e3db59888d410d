//! A stand-in for Mixpanel on a socket of its own: remembers profiles, records requests, and
//! breaks on request.
//!
//! Programs in other languages look into it and set its faults over HTTP, from the same machine alone:
//! what is asked for under another host than a loopback one may come from a web page.
//!
//! | request | answer |
//! | --- | --- |
//! | `GET /profiles` | `count` and `ids` |
//! | `GET /profiles/ID` | the profile; `?token=` where several projects have the id |
//! | `GET /requests`, `DELETE /requests` | what was recorded, or nothing from now on |
//! | `GET /faults`, `PUT /faults`, `DELETE /faults` | the [rules](crate::fault::Rule) in force |

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use self::state::Shared;
use crate::fault::Rule;
use crate::mixpanel::{Mixpanel, Profile};

mod connection;
mod http;
mod inspect;
mod record;
mod state;
mod tls;

pub use self::record::Recorded;
pub use self::tls::{Authority, Tls, Validity};

/// How many connections may wait to be accepted: a load test opens many at once.
const BACKLOG: u32 = 4_096;

/// How a stand-in is started.
#[derive(Clone)]
pub struct Options {
    /// Port 0 takes a free one.
    pub listen: SocketAddr,
    /// HTTPS with this certificate; HTTP where there is none.
    pub tls: Option<Tls>,
    /// Whether requests are recorded; a load test goes without.
    pub record: bool,
    /// The project tokens that are right when it is asked for them. It takes profiles under any
    /// token, as Mixpanel does.
    pub tokens: Vec<String>,
}

/// Without the tokens: they must not reach a log.
impl fmt::Debug for Options {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Options")
            .field("listen", &self.listen)
            .field("tls", &self.tls)
            .field("record", &self.record)
            .finish_non_exhaustive()
    }
}

impl Default for Options {
    /// HTTP on a free port of 127.0.0.1, with a record.
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            tls: None,
            record: true,
            tokens: Vec::new(),
        }
    }
}

/// A running stand-in, which ends when it is dropped.
#[derive(Debug)]
pub struct StandIn {
    address: SocketAddr,
    secure: bool,
    shared: Arc<Shared>,
    /// Dropping the sender is the signal.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl StandIn {
    /// Listens, and serves on a thread of its own.
    ///
    /// An address whose former stand-in has ended can be taken at once.
    ///
    /// # Errors
    ///
    /// Where the address cannot be had, or the system gives no thread.
    pub fn start(options: Options) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let listening = listen(&runtime, options.listen)
            .and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (address, listener) = match listening {
            Ok(listening) => listening,
            Err(error) => {
                // Dropped, it would wait, which another runtime around it does not allow.
                runtime.shutdown_background();
                return Err(error);
            }
        };
        let secure = options.tls.is_some();
        let mixpanel = Mixpanel::new(options.tokens);
        let shared = Arc::new(Shared::new(mixpanel, options.record));
        let (stop, stopped) = oneshot::channel::<()>();
        let accepting = connection::accept(listener, options.tls, Arc::clone(&shared));
        let serve = move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    () = accepting => {}
                }
            });
            // The runtime ends here, and with it every connection.
        };
        let thread = std::thread::Builder::new()
            .name("stand-in".to_owned())
            .spawn(serve)?;
        Ok(Self {
            address,
            secure,
            shared,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`, or the same with `https`.
    pub fn origin(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The profile of `distinct_id` in the project of `token`, as
    /// [`to_json`](crate::mixpanel::Profile::to_json) writes it.
    pub fn profile(&self, token: &str, distinct_id: &str) -> Option<Value> {
        let state = self.shared.lock();
        let profile = state.mixpanel.profile(token, distinct_id);
        profile.map(|profile: &Profile| profile.to_json(distinct_id))
    }

    /// How many profiles there are in all projects.
    pub fn profile_count(&self) -> usize {
        self.shared.lock().mixpanel.count()
    }

    /// The last requests, at most 10,000 of them and 64 MiB; those that only look into the
    /// stand-in or set its faults are not among them. None where nothing is recorded.
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.lock().recorded.iter().cloned().collect()
    }

    /// How many requests came since the start or since [`clear_requests`](Self::clear_requests),
    /// recorded or not.
    pub fn request_count(&self) -> u64 {
        self.shared.lock().requests
    }

    /// Forgets the record and counts from nought again.
    pub fn clear_requests(&self) {
        self.shared.lock().clear_requests();
    }

    /// How many connections were accepted.
    pub fn connections(&self) -> u64 {
        self.shared.lock().connections
    }

    /// How many connections are open.
    pub fn open_connections(&self) -> usize {
        self.shared.lock().open
    }

    /// Puts `rule` behind all others.
    pub fn add_rule(&self, rule: Rule) {
        self.shared.lock().rules.add(rule);
    }

    /// Puts `rules` in the place of all others.
    pub fn set_rules(&self, rules: impl IntoIterator<Item = Rule>) {
        self.shared.lock().rules.set(rules);
    }

    /// Waits until [`request_count`](Self::request_count) is at least `count`; `false` where it
    /// was not within `timeout`. A request counts before anything of its answer is sent.
    #[must_use]
    pub fn wait_for_requests(&self, count: u64, timeout: Duration) -> bool {
        self.shared.wait(timeout, |state| state.requests >= count)
    }

    /// Waits until exactly `count` connections are open; `false` where they were not within
    /// `timeout`.
    #[must_use]
    pub fn wait_for_open_connections(&self, count: usize, timeout: Duration) -> bool {
        self.shared.wait(timeout, |state| state.open == count)
    }

    /// Closes the socket and every connection; what it did can still be asked for.
    pub fn stop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has already been printed.
            let _ = thread.join();
        }
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.stop();
    }
}

fn listen(runtime: &Runtime, address: SocketAddr) -> io::Result<TcpListener> {
    let _context = runtime.enter();
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

#[cfg(test)]
mod tests;
