//! The clock that the guest sees as `wasi:clocks/monotonic-clock`.
//!
//! `wasmtime-wasi` has one too, but its waits are always real: a test of retries would last minutes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use wasmtime::component::{HasData, Resource, ResourceTable};
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock;
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};

/// How the time passes for the guest.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// As it does for the host.
    #[default]
    System,
    /// A wait for a *duration* (between two attempts) is over at once: the guest's clock jumps by it.
    /// A wait for an *instant* (the limit of one attempt) lasts as long as on the system's clock, so
    /// that no response is given up for a clock that jumped.
    Skipping(Skipped),
    /// A wait for an instant is over at once too: every limit of an attempt has passed before a
    /// response can come, as on a host whose own limits never take effect.
    Racing,
}

/// The waits that were skipped, in their order.
#[derive(Clone, Debug, Default)]
pub struct Skipped(Arc<Mutex<Vec<Duration>>>);

impl Skipped {
    /// All waits so far.
    pub fn waits(&self) -> Vec<Duration> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn push(&self, wait: Duration) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(wait);
    }
}

/// One call's clock.
#[derive(Debug)]
pub(crate) struct CallClock {
    clock: Clock,
    start: tokio::time::Instant,
    skipped: Duration,
}

impl CallClock {
    pub(crate) fn start(clock: Clock) -> Self {
        CallClock {
            clock,
            start: tokio::time::Instant::now(),
            skipped: Duration::ZERO,
        }
    }

    fn now(&self) -> u64 {
        nanoseconds(self.start.elapsed() + self.skipped)
    }
}

/// What the generated code works on: the clock, and the table for its pollables.
pub(crate) struct ClockView<'a> {
    pub(crate) clock: &'a mut CallClock,
    pub(crate) table: &'a mut ResourceTable,
}

/// Names [`ClockView`] to the linker.
pub(crate) struct HasClock;

impl HasData for HasClock {
    type Data<'a> = ClockView<'a>;
}

impl monotonic_clock::Host for ClockView<'_> {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.clock.now())
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(1)
    }

    fn subscribe_instant(&mut self, when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        let wait = match self.clock.clock {
            Clock::Racing => Duration::ZERO,
            _ => Duration::from_nanos(when.saturating_sub(self.clock.now())),
        };
        self.wait(wait)
    }

    fn subscribe_duration(&mut self, duration: u64) -> wasmtime::Result<Resource<DynPollable>> {
        let mut wait = Duration::from_nanos(duration);
        if let Clock::Skipping(skipped) = &self.clock.clock {
            skipped.push(wait);
            self.clock.skipped = self.clock.skipped.saturating_add(wait);
            wait = Duration::ZERO;
        }
        self.wait(wait)
    }
}

impl ClockView<'_> {
    fn wait(&mut self, wait: Duration) -> wasmtime::Result<Resource<DynPollable>> {
        let until = tokio::time::Instant::now().checked_add(wait);
        let timer = self.table.push(Timer { until })?;
        subscribe(self.table, timer)
    }
}

/// `None` is further off than the clock can count.
struct Timer {
    until: Option<tokio::time::Instant>,
}

#[async_trait::async_trait]
impl Pollable for Timer {
    async fn ready(&mut self) {
        match self.until {
            Some(until) => tokio::time::sleep_until(until).await,
            None => std::future::pending().await,
        }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
