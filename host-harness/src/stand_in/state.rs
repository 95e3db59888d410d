//! What a stand-in knows, shared by its connections and its owner.

use std::collections::VecDeque;
use std::sync::atomic::AtomicUsize;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use super::http::Whole;
use super::inspect;
use super::record::Recorded;
use crate::fault::{Rules, Step};
use crate::mixpanel::Mixpanel;

/// The oldest records make room for new ones beyond these.
const MAX_RECORDED: usize = 10_000;
const MAX_RECORDED_BYTES: usize = 64 * 1024 * 1024;

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) mixpanel: Mixpanel,
    pub(super) rules: Rules,
    pub(super) record: bool,
    pub(super) recorded: VecDeque<Recorded>,
    recorded_bytes: usize,
    pub(super) requests: u64,
    pub(super) connections: u64,
    pub(super) open: usize,
    /// Waking costs a system call, which is spared where nobody waits.
    waiters: usize,
}

impl State {
    pub(super) fn clear_requests(&mut self) {
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
pub(super) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// Of the requests that have not come whole, over all connections.
    pub(super) unfinished_bytes: AtomicUsize,
}

impl Shared {
    pub(super) fn new(mixpanel: Mixpanel, record: bool) -> Self {
        let state = State {
            mixpanel,
            record,
            ..State::default()
        };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
            unfinished_bytes: AtomicUsize::new(0),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // State is whole between any two statements, so a panic elsewhere has spoilt nothing.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn wait(&self, timeout: Duration, done: impl Fn(&State) -> bool) -> bool {
        let mut state = self.lock();
        state.waiters += 1;
        let (mut state, timed_out) = self
            .changed
            .wait_timeout_while(state, timeout, |state| !done(state))
            .unwrap_or_else(PoisonError::into_inner);
        state.waiters -= 1;
        !timed_out.timed_out()
    }

    pub(super) fn notify(&self, state: &State) {
        if state.waiters > 0 {
            self.changed.notify_all();
        }
    }

    /// Answers `whole`, which came over the connection of that number in these `bytes`.
    pub(super) fn answer(&self, connection: u64, whole: &Whole<'_, '_>, bytes: &[u8]) -> Vec<Step> {
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
            None => vec![Step::Write(mixpanel.answer(&request).to_http())],
            Some(rule) if rule.store => {
                let own = mixpanel.answer(&request);
                rule.fault.steps(|| own)
            }
            Some(rule) => rule.fault.steps(|| mixpanel.answer(&request)),
        };
        self.notify(state);
        steps
    }
}

#[cfg(test)]
mod tests {
    use super::{Recorded, State};

    #[test]
    fn the_record_keeps_the_newest() {
        let mut state = State::default();
        let request = |connection, bytes: usize| Recorded {
            connection,
            head: vec![b'h'; 1].into(),
            body: vec![b'b'; bytes].into(),
        };
        for number in 0..10_001 {
            state.record(request(number, 1));
        }
        assert_eq!(
            (state.recorded.len(), state.recorded_bytes),
            (10_000, 20_000)
        );
        assert_eq!(state.recorded[0].connection, 1);
        state.record(request(0, 64 * 1024 * 1024 - 1));
        assert_eq!(
            (state.recorded.len(), state.recorded_bytes),
            (1, 64 * 1024 * 1024)
        );
    }
}
