//! The engine: what a call may use, and how the card is loaded.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use wasmtime::component::{Component, HasData, InstancePre, Linker, ResourceTable};
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};
use wasmtime::{ResourceLimiter, Store};
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock;
use wasmtime_wasi_http::p2::bindings::http::types;
use wasmtime_wasi_http::{WasiHttp, WasiHttpCtx, WasiHttpCtxView, WasiHttpView};
use wasmtime_wasi_io::bindings::wasi::io;

use crate::cache::Cache;
use crate::clock::{CallClock, Clock, ClockView, HasClock};
use crate::exchange;
use crate::outbound::{Hooks, Outbound};

/// How often a guest that computes without end is interrupted, so that its deadline can strike.
const EPOCH: Duration = Duration::from_millis(10);

/// Of entries in a table of the guest's: the functions that it calls by pointer. The card has 200.
const MAX_TABLE: usize = 1_024;

/// What one call may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of the guest's memory, in bytes.
    pub memory: usize,
    /// Of the memory of a call that is over, in bytes: what stays in place for the next one, which
    /// then need not get it from the system. All of that is wiped after each call, whether the
    /// call touched it or not: more than calls use makes each of them slower.
    pub kept_memory: usize,
    /// From the call to its result, retries and their waits included.
    pub deadline: Duration,
    /// Calls at the same time; more of them wait for their turn.
    pub concurrency: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            // The largest input that the card accepts needs 6 MiB.
            memory: 32 << 20,
            // More than a call for one profile touches. For lists see [`crate::list::KEPT_MEMORY`].
            kept_memory: 256 << 10,
            // Ten retries with the longest waits and time-outs take 23 minutes.
            deadline: Duration::from_secs(30 * 60),
            concurrency: 1_000,
        }
    }
}

/// Compiles components and makes instances of them.
#[derive(Clone)]
pub struct Engine {
    inner: wasmtime::Engine,
    limits: Limits,
    cache: Option<Arc<Cache>>,
    _ticker: Arc<Ticker>,
}

impl Engine {
    /// An engine with these limits. Compiled code is kept in `cache`, a folder that is made where
    /// there is none; without one, each [`Engine::load`] compiles anew.
    ///
    /// # Errors
    ///
    /// The folder cannot be used, or the machine lacks the address space.
    pub fn new(limits: Limits, cache: Option<&Path>) -> Result<Self> {
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(limits.concurrency)
            .total_core_instances(limits.concurrency.saturating_mul(8))
            .total_memories(limits.concurrency)
            .total_tables(limits.concurrency.saturating_mul(2))
            .total_stacks(limits.concurrency)
            .max_memory_size(limits.memory)
            // What a usual call touches stays mapped from call to call, and is wiped by hand: the
            // kernel tells which pages those are.
            .linear_memory_keep_resident(limits.kept_memory)
            .table_elements(MAX_TABLE)
            .table_keep_resident(MAX_TABLE * size_of::<usize>())
            .pagemap_scan(Enabled::Auto);
        let mut config = Config::new();
        config
            .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
            .epoch_interruption(true)
            .concurrency_support(false)
            // Bounds are checked in the code, not by unmapped pages: a memory that grows and is wiped
            // keeps its mapping, where the kernel would have to change it twice a call, and to tell
            // all processors.
            .signals_based_traps(false)
            .memory_reservation(limits.memory as u64)
            .memory_guard_size(0)
            // The card's data are two pages: they are copied sooner than a file of them is made and
            // mapped, which a start would wait for.
            .memory_init_cow(false)
            // They would make the compiled code a seventh larger, and its loading that much slower.
            .generate_address_map(false)
            .native_unwind_info(false);
        let cache = cache
            .map(|folder| {
                let folder = std::path::absolute(folder)?;
                Cache::open(&folder).with_context(|| {
                    format!("the cache folder {} cannot be used", folder.display())
                })
            })
            .transpose()?;
        let inner = wasmtime::Engine::new(&config).map_err(anyhow::Error::from)?;
        let ticker = Arc::new(Ticker::start(inner.clone())?);
        Ok(Engine {
            inner,
            limits,
            cache: cache.map(Arc::new),
            _ticker: ticker,
        })
    }

    /// Loads a component, and links it to nothing but HTTP, polling and a clock.
    ///
    /// # Errors
    ///
    /// The bytes are no component, or it wants more than that.
    pub(crate) fn load(&self, component: &[u8]) -> Result<InstancePre<State>> {
        let component = match &self.cache {
            Some(cache) => cache.load(&self.inner, component).map(|(loaded, _)| loaded),
            None => Component::from_binary(&self.inner, component).map_err(anyhow::Error::from),
        }
        .context("this is not a WebAssembly component")?;
        let mut linker = Linker::new(&self.inner);
        link(&mut linker)
            .and_then(|()| linker.instantiate_pre(&component))
            .map_err(anyhow::Error::from)
            .context("the component wants an import that this host does not grant")
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// A fresh store for one call.
    pub(crate) fn store(&self, outbound: &Arc<Outbound>, clock: Clock) -> Store<State> {
        let state = State {
            // As many as a usual call holds.
            table: ResourceTable::with_capacity(16),
            http: WasiHttpCtx::new(),
            hooks: Hooks::new(outbound),
            clock: CallClock::start(clock),
            memory: MemoryLimit(self.limits.memory),
        };
        let mut store = Store::new(&self.inner, state);
        store.limiter(|state| &mut state.memory);
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        store
    }
}

/// Everything that a guest can reach.
fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    io::error::add_to_linker::<_, HasTable>(linker, |state| &mut state.table)?;
    io::poll::add_to_linker::<_, HasTable>(linker, |state| &mut state.table)?;
    io::streams::add_to_linker::<_, HasTable>(linker, |state| &mut state.table)?;
    monotonic_clock::add_to_linker::<_, HasClock>(linker, |state| ClockView {
        clock: &mut state.clock,
        table: &mut state.table,
    })?;
    types::add_to_linker::<_, WasiHttp>(linker, &types::LinkOptions::default(), State::http)?;
    exchange::link(linker)
}

/// One call's state on the host's side.
pub(crate) struct State {
    pub(crate) table: ResourceTable,
    http: WasiHttpCtx,
    pub(crate) hooks: Hooks,
    clock: CallClock,
    memory: MemoryLimit,
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.hooks,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

struct HasTable;

impl HasData for HasTable {
    type Data<'a> = &'a mut ResourceTable;
}

/// Stops a guest that wants more memory than it may have, by this name.
#[derive(Debug)]
pub(crate) struct MemoryLimit(pub(crate) usize);

impl fmt::Display for MemoryLimit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "the card needs more than its {} bytes of memory",
            self.0
        )
    }
}

impl std::error::Error for MemoryLimit {}

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // A refusal would only make the guest abort, and nobody could tell why.
        if desired > self.0 {
            Err(MemoryLimit(self.0).into())
        } else {
            Ok(true)
        }
    }

    fn table_growing(
        &mut self,
        _current: usize,
        _desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(true)
    }
}

/// Counts up the engine's epoch for as long as the engine lives.
struct Ticker {
    stop: Option<mpsc::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Ticker {
    fn start(engine: wasmtime::Engine) -> Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let thread = thread::Builder::new().name("epoch".into()).spawn(move || {
            while stopped.recv_timeout(EPOCH) == Err(mpsc::RecvTimeoutError::Timeout) {
                engine.increment_epoch();
            }
        })?;
        Ok(Ticker {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It cannot have panicked: it does nothing but count.
            let _ = thread.join();
        }
    }
}
