//! The engine: what a call may use, and how the card is loaded.

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use wasmtime::component::{Component, HasData, InstancePre, Linker, Resource, ResourceTable};
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};
use wasmtime::{ResourceLimiter, Store};
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock;
use wasmtime_wasi::p2::bindings::io;
use wasmtime_wasi_http::p2::bindings::http::outgoing_handler;
use wasmtime_wasi_http::p2::bindings::http::types::{self, HostOutgoingRequest as _};
use wasmtime_wasi_http::p2::types::HostOutgoingRequest;
use wasmtime_wasi_http::{WasiHttp, WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::cache::Cache;
use crate::clock::{CallClock, Clock, ClockView, HasClock};
use crate::outbound::{Hooks, Outbound};

/// How often a guest that computes without end is interrupted, so that its deadline can take effect.
const EPOCH: Duration = Duration::from_millis(10);

/// Of entries in a table of the guest's: the functions that it calls by pointer. The card has 200.
const MAX_TABLE: usize = 1_024;

/// Core modules of a component: the linker makes three of the card, one of them with its memory, and
/// two with a table.
const MAX_MODULES: u32 = 8;
const MAX_TABLES: u32 = 2;

/// Of a request's headers, in bytes.
const MAX_HEADERS: usize = 16 << 10;

/// Of a request's method and of its authority, in bytes: a name has at most 253.
const MAX_NAME: usize = 1 << 10;

/// What one call may use, of the machine and of the host's own memory.
///
/// What the host holds for a call is bounded by the number of its handles and of its open requests: at
/// most some 200 KiB for a handle, a request's URL, headers and two pieces of its body; and some
/// 2.5 MiB for an open request, its whole body and a piece of its response's. With the default limits
/// that is 30 MiB beside the guest's memory.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of the guest's memory, in bytes, and of what it passes to the host at once.
    pub memory: usize,
    /// From the call to its result, retries and their waits included.
    pub deadline: Duration,
    /// Requests that are open at once, and so sockets: from the request to the end of its response.
    /// The guest gets `connection-limit-reached` for more.
    pub requests: usize,
    /// Resources that the guest holds at once: requests, bodies, streams, pollables and so on.
    pub handles: usize,
    /// Calls at the same time; more of them wait for their turn.
    pub concurrency: u32,
    /// What the engine is to be quick at.
    pub workload: Workload,
}

/// What an engine is set up for. It runs everything else as well, only slower.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Workload {
    /// Calls for one profile, many of them.
    #[default]
    Calls,
    /// Calls for lists. A process that makes a few calls and ends is quicker so, too: there is less code to
    /// compile and to load.
    Lists,
}

impl Workload {
    /// Of the memory of a call that is over, in bytes: what stays in place for the next one, which
    /// then need not get it from the system.
    fn kept_memory(self) -> usize {
        match self {
            Workload::Calls => 256 << 10,
            Workload::Lists => 4 << 20,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            // The largest input that the card accepts needs 6 MiB.
            memory: 32 << 20,
            // Ten retries with the longest waits and timeouts take 23 minutes.
            deadline: Duration::from_secs(30 * 60),
            // The card has one, and for a moment the one before it.
            requests: 4,
            // The card has a dozen.
            handles: 100,
            concurrency: 1_000,
            workload: Workload::Calls,
        }
    }
}

/// Compiles components and makes instances of them.
#[derive(Clone)]
pub struct Engine {
    inner: wasmtime::Engine,
    limits: Limits,
    _ticker: Arc<Ticker>,
}

impl Engine {
    /// An engine with these limits. Without a cache, each component is compiled when it is loaded.
    ///
    /// # Errors
    ///
    /// The machine lacks the address space.
    pub fn new(limits: Limits, cache: Option<Cache>) -> Result<Self> {
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(limits.concurrency)
            .total_core_instances(limits.concurrency.saturating_mul(MAX_MODULES))
            .total_memories(limits.concurrency)
            .total_tables(limits.concurrency.saturating_mul(MAX_TABLES))
            .total_stacks(limits.concurrency)
            .max_core_instances_per_component(MAX_MODULES)
            .max_memories_per_component(1)
            .max_tables_per_component(MAX_TABLES)
            .max_memory_size(limits.memory)
            // What a usual call touches stays mapped from call to call, and is wiped by hand: the
            // kernel tells which pages those are.
            .linear_memory_keep_resident(limits.workload.kept_memory())
            .table_elements(MAX_TABLE)
            .table_keep_resident(MAX_TABLE * size_of::<usize>())
            .pagemap_scan(Enabled::Auto);
        let mut config = Config::new();
        config
            .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
            .cache(cache.map(Cache::into_inner))
            .epoch_interruption(true)
            .concurrency_support(false)
            // The card's data are a few pages, and soon copied; mapping them needs a file in memory, which
            // a limit on the size of files forbids.
            .memory_init_cow(false)
            // They would make the compiled code a seventh larger, and its loading that much slower.
            .generate_address_map(false)
            .native_unwind_info(false);
        if limits.workload == Workload::Calls {
            // Bounds are checked in the code, not by unmapped pages, for which the kernel would have to
            // change the mapping of a memory that grows twice a call, and to tell all processors. What
            // a list computes takes longer than that.
            config
                .signals_based_traps(false)
                .memory_reservation(limits.memory as u64)
                .memory_guard_size(0);
        }
        let inner = wasmtime::Engine::new(&config).map_err(anyhow::Error::from)?;
        let ticker = Arc::new(Ticker::start(inner.clone())?);
        Ok(Engine {
            inner,
            limits,
            _ticker: ticker,
        })
    }

    /// Loads a component, and links it to nothing but HTTP, polling and a clock.
    ///
    /// # Errors
    ///
    /// The bytes are no component, or it wants more than that.
    pub(crate) fn load(&self, component: &[u8]) -> Result<InstancePre<State>> {
        ensure!(
            wasmparser::Parser::is_component(component),
            "this is not a WebAssembly component"
        );
        let component = Component::from_binary(&self.inner, component)
            .map_err(anyhow::Error::from)
            .context("this is not a WebAssembly component that this host can run")?;
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
        let Limits {
            memory,
            requests,
            handles,
            ..
        } = self.limits;
        // As many as a usual call holds.
        let mut table = ResourceTable::with_capacity(16);
        table.set_max_capacity(handles);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(MAX_HEADERS);
        let state = State {
            table,
            http,
            hooks: Hooks::new(outbound, requests),
            clock: CallClock::start(clock),
            memory: MemoryLimit(memory),
        };
        let mut store = Store::new(&self.inner, state);
        store.limiter(|state| &mut state.memory);
        // These are not in the table: resources of the guest's own, and borrowed ones.
        store.set_max_component_handles(2 * handles);
        store.set_hostcall_fuel(memory);
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
    outgoing_handler::add_to_linker::<_, WasiHttp>(linker, State::http)?;
    limit_names(linker)
}

/// Refuses long methods and authorities: the library would keep them for the guest at any length.
fn limit_names(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut types = linker.instance("wasi:http/types@0.2.12")?;
    types.func_wrap(
        "[method]outgoing-request.set-method",
        |mut store, (request, method): (Resource<HostOutgoingRequest>, types::Method)| {
            Ok((match method {
                types::Method::Other(name) if name.len() > MAX_NAME => Err(()),
                method => store.data_mut().http().set_method(request, method)?,
            },))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-authority",
        |mut store, (request, authority): (Resource<HostOutgoingRequest>, Option<String>)| {
            Ok((match authority {
                Some(name) if name.len() > MAX_NAME => Err(()),
                authority => store.data_mut().http().set_authority(request, authority)?,
            },))
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

/// One call's state on the host's side.
pub(crate) struct State {
    table: ResourceTable,
    http: WasiHttpCtx,
    hooks: Hooks,
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
