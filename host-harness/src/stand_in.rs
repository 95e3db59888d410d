//! A stand-in for Mixpanel on a socket of its own: remembers profiles, records requests, and
//! breaks on request.
//!
//! Programs in other languages look into it and set its faults over HTTP:
//!
//! | request | answer |
//! | --- | --- |
//! | `GET /profiles` | `count` and `ids` |
//! | `GET /profiles/ID` | the profile; `?token=` where several projects have the id |
//! | `GET /requests`, `DELETE /requests` | what was recorded, or nothing from now on |
//! | `GET /faults`, `PUT /faults`, `DELETE /faults` | the [rules](crate::fault::Rule) in force |

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tokio::net::TcpSocket;
use tokio::sync::oneshot;

use self::http::Whole;
use crate::fault::{Rule, Rules, Step};
use crate::mixpanel::{Mixpanel, Profile};

mod connection;
mod http;
mod inspect;
mod tls;

pub use self::tls::{Authority, Tls, Validity};

/// The oldest records make room for new ones beyond these.
const MAX_RECORDED: usize = 10_000;
const MAX_RECORDED_BYTES: usize = 64 * 1024 * 1024;

/// How many connections may wait to be accepted: a load test opens many at once.
const BACKLOG: u32 = 4_096;

/// How a stand-in is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// Port 0 takes a free one.
    pub listen: SocketAddr,
    /// HTTPS with this certificate; HTTP where there is none.
    pub tls: Option<Tls>,
    /// Whether requests are recorded; a load test goes without.
    pub record: bool,
}

impl Default for Options {
    /// HTTP on a free port of 127.0.0.1, with a record.
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            tls: None,
            record: true,
        }
    }
}

/// A request as it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The connection it came over; the first one accepted is 1.
    pub connection: u64,
    /// Request line and headers, byte for byte, with the empty line that ends them.
    pub head: Bytes,
    /// Without any transfer coding.
    pub body: Bytes,
}

impl Recorded {
    /// The first word of the request line.
    pub fn method(&self) -> String {
        self.request_line(0)
    }

    /// The second word of the request line: path, and query where there is one.
    pub fn target(&self) -> String {
        self.request_line(1)
    }

    /// Names and values in their order, without the white space around a value.
    pub fn headers(&self) -> Vec<(String, String)> {
        let head = String::from_utf8_lossy(&self.head);
        let lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect()
    }

    /// The value of the first header of that name, whose case is of no account.
    pub fn header(&self, name: &str) -> Option<String> {
        let mut headers = self.headers().into_iter();
        headers
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    fn request_line(&self, word: usize) -> String {
        let head = String::from_utf8_lossy(&self.head);
        let mut words = head.lines().next().unwrap_or_default().split(' ');
        words.nth(word).unwrap_or_default().to_owned()
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
        let listener = {
            let _context = runtime.enter();
            let socket = match options.listen {
                SocketAddr::V4(_) => TcpSocket::new_v4()?,
                SocketAddr::V6(_) => TcpSocket::new_v6()?,
            };
            socket.set_reuseaddr(true)?;
            socket.bind(options.listen)?;
            socket.listen(BACKLOG)?
        };
        let address = listener.local_addr()?;
        let secure = options.tls.is_some();
        let state = State {
            record: options.record,
            ..State::default()
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            changed: Condvar::new(),
        });
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

#[derive(Debug, Default)]
struct State {
    mixpanel: Mixpanel,
    rules: Rules,
    record: bool,
    recorded: VecDeque<Recorded>,
    recorded_bytes: usize,
    requests: u64,
    connections: u64,
    open: usize,
    /// Waking costs a system call, which is spared where nobody waits.
    waiters: usize,
}

impl State {
    fn clear_requests(&mut self) {
        self.recorded.clear();
        self.recorded_bytes = 0;
        self.requests = 0;
    }

    fn record(&mut self, request: Recorded) {
        let bytes = |request: &Recorded| request.head.len() + request.body.len();
        self.recorded_bytes += bytes(&request);
        self.recorded.push_back(request);
        while self.recorded.len() > MAX_RECORDED || self.recorded_bytes > MAX_RECORDED_BYTES {
            let Some(oldest) = self.recorded.pop_front() else {
                break;
            };
            self.recorded_bytes -= bytes(&oldest);
        }
    }
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // State is whole between any two statements, so a panic elsewhere has spoilt nothing.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self, timeout: Duration, done: impl Fn(&State) -> bool) -> bool {
        let mut state = self.lock();
        state.waiters += 1;
        let (mut state, timed_out) = self
            .changed
            .wait_timeout_while(state, timeout, |state| !done(state))
            .unwrap_or_else(PoisonError::into_inner);
        state.waiters -= 1;
        !timed_out.timed_out()
    }

    fn notify(&self, state: &State) {
        if state.waiters > 0 {
            self.changed.notify_all();
        }
    }

    /// Answers `whole`, which came over the connection of that number in these `bytes`.
    fn answer(&self, connection: u64, whole: &Whole<'_, '_>, bytes: &[u8]) -> Vec<Step> {
        let request = whole.request();
        let mut state = self.lock();
        let state = &mut *state;
        if let Some(answer) = inspect::answer(state, &request) {
            return vec![Step::Write(answer.to_http())];
        }
        state.requests += 1;
        if state.record {
            state.record(Recorded {
                connection,
                head: Bytes::copy_from_slice(&bytes[..whole.head]),
                body: Bytes::copy_from_slice(&whole.body),
            });
        }
        let mixpanel = &mut state.mixpanel;
        let steps = match state.rules.for_request(&whole.body) {
            None => vec![Step::Write(mixpanel.engage(&request).to_http())],
            Some(rule) if rule.store => {
                let own = mixpanel.engage(&request);
                rule.fault.steps(|| own)
            }
            Some(rule) => rule.fault.steps(|| mixpanel.engage(&request)),
        };
        self.notify(state);
        steps
    }
}

#[cfg(test)]
mod tests;
