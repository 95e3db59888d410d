//! Typed calls of the card, each in a fresh instance.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tokio::sync::Semaphore;
use wasmtime::component::{
    ComponentExportIndex, ComponentNamedList, ComponentType, InstancePre, Lift, Lower,
    ResourceTableError,
};

use crate::clock::Clock;
use crate::connection_check::ConnectionCheck;
use crate::engine::{Engine, Limits, MemoryLimit, State};
use crate::outbound::Outbound;
use crate::records::{Connection, Error, Input, Outcome, Output};

const PROFILES: &str = "mixpanel:cards/profiles@0.1.0";
const CONNECTIONS: &str = "mixpanel:cards/connections@0.1.0";

/// Why a call gave no outcome: the host stopped it. The next call works.
#[derive(Debug)]
pub enum CallError {
    /// It took longer than this.
    Deadline(Duration),
    /// It wanted more memory than this many bytes.
    Memory(usize),
    /// It held more resources of the host at once than this many.
    Handles(usize),
    /// The component is of an older version, which does not export this interface.
    NoInterface(&'static str),
    /// The card trapped, or broke the rules of the interface.
    Trap(anyhow::Error),
}

impl std::fmt::Display for CallError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            CallError::Deadline(limit) => {
                write!(
                    formatter,
                    "the call was stopped at its deadline of {limit:?}"
                )
            }
            CallError::Memory(limit) => MemoryLimit(*limit).fmt(formatter),
            CallError::Handles(limit) => write!(
                formatter,
                "the card needs more than the {limit} requests, streams and other resources that a call may hold"
            ),
            CallError::NoInterface(interface) => write!(
                formatter,
                "the component does not export {interface}: use a newer version of the card"
            ),
            CallError::Trap(cause) => {
                write!(formatter, "the card was stopped by a trap: {cause:#}")
            }
        }
    }
}

impl std::error::Error for CallError {}

/// The card, loaded and linked. Cheap to clone; calls may be made from many tasks at once.
#[derive(Clone)]
pub struct Card {
    engine: Engine,
    instance: InstancePre<State>,
    create_profile: ComponentExportIndex,
    create_profiles: ComponentExportIndex,
    /// Older versions of the card have none.
    check_connection: Option<ComponentExportIndex>,
    outbound: Arc<Outbound>,
    clock: Clock,
    turns: Arc<Semaphore>,
}

impl Card {
    /// Loads the card from a file; `outbound` is all the network that it gets.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is no component, or does not export the card's interface.
    pub fn load(engine: &Engine, file: &Path, outbound: Outbound) -> Result<Self> {
        let component = std::fs::read(file).with_context(|| {
            format!(
                "{} cannot be read: make it with `make component`",
                file.display()
            )
        })?;
        Self::new(engine, &component, outbound).with_context(|| file.display().to_string())
    }

    /// Loads the card from its bytes.
    ///
    /// # Errors
    ///
    /// As [`Card::load`].
    pub fn new(engine: &Engine, component: &[u8], outbound: Outbound) -> Result<Self> {
        let instance = engine.load(component)?;
        let exports = instance.component();
        let export = |interface, function| {
            let interface = exports.get_export_index(None, interface)?;
            exports.get_export_index(Some(&interface), function)
        };
        let profiles = |function| {
            export(PROFILES, function)
                .ok_or_else(|| anyhow!("the component does not export {function} of {PROFILES}"))
        };
        let create_profile = profiles("create-profile")?;
        let create_profiles = profiles("create-profiles")?;
        let check_connection = export(CONNECTIONS, "check-connection");
        Ok(Card {
            engine: engine.clone(),
            instance,
            create_profile,
            create_profiles,
            check_connection,
            outbound: Arc::new(outbound),
            clock: Clock::System,
            turns: Arc::new(Semaphore::new(engine.limits().concurrency as usize)),
        })
    }

    /// The same card, compiled once, with other outbound HTTP.
    #[must_use]
    pub fn with_outbound(mut self, outbound: Outbound) -> Self {
        self.outbound = Arc::new(outbound);
        self
    }

    /// The same card with another clock, for tests.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Creates one profile. Dropping the future cancels the call and frees all it held.
    ///
    /// # Errors
    ///
    /// The host stopped the call; all that the card itself reports is in the [`Outcome`].
    pub async fn create_profile(
        &self,
        connection: &Connection,
        input: &Input,
    ) -> Result<Outcome, CallError> {
        let called = self.call(self.create_profile, (connection, input));
        Ok(self.limited(called).await?.into())
    }

    /// Creates many profiles in one call; an outcome for each input, in their order.
    ///
    /// The call's memory holds all of them: [`crate::list`] cuts long lists into such calls.
    ///
    /// # Errors
    ///
    /// The host stopped the call, and some of the profiles may have been created; or, inside, the
    /// connection breaks rules, and nothing was sent.
    pub async fn create_profiles(
        &self,
        connection: &Connection,
        inputs: &[Input],
    ) -> Result<Result<Vec<Outcome>, Error>, CallError> {
        let called =
            self.call::<_, Vec<Result<Output, Error>>>(self.create_profiles, (connection, inputs));
        let outcomes = self.limited(called).await?;
        Ok(outcomes.map(|outcomes| outcomes.into_iter().map(Outcome::from).collect()))
    }

    /// Asks Mixpanel whether the connection's project token is right. Creates nothing.
    ///
    /// # Errors
    ///
    /// The host stopped the call, or the component has no such function; or, inside, the connection
    /// breaks rules, the host forbids the request, or no response came.
    pub async fn check_connection(
        &self,
        connection: &Connection,
    ) -> Result<Result<ConnectionCheck, Error>, CallError> {
        let function = self
            .check_connection
            .ok_or(CallError::NoInterface(CONNECTIONS))?;
        self.limited(self.call(function, (connection,))).await
    }

    async fn limited<T>(
        &self,
        called: impl Future<Output = wasmtime::Result<T>>,
    ) -> Result<T, CallError> {
        let Limits {
            deadline,
            memory,
            handles,
            ..
        } = self.engine.limits();
        match tokio::time::timeout(deadline, called).await {
            Ok(Ok(outcome)) => Ok(outcome),
            Ok(Err(error)) if error.is::<MemoryLimit>() => Err(CallError::Memory(memory)),
            Ok(Err(error)) if matches!(error.downcast_ref(), Some(ResourceTableError::Full)) => {
                Err(CallError::Handles(handles))
            }
            Ok(Err(error)) => Err(CallError::Trap(error.into())),
            Err(_) => Err(CallError::Deadline(deadline)),
        }
    }

    /// Calls a function of the card in a fresh instance.
    async fn call<P, R>(
        &self,
        function: ComponentExportIndex,
        parameters: P,
    ) -> wasmtime::Result<Result<R, Error>>
    where
        P: ComponentNamedList + Lower + Send + Sync,
        R: ComponentType + Lift + Send + Sync + 'static,
    {
        let _turn = self.turns.acquire().await?;
        let mut store = self.engine.store(&self.outbound, self.clock.clone());
        let instance = self.instance.instantiate_async(&mut store).await?;
        let function = instance.get_typed_func::<P, (Result<R, Error>,)>(&mut store, function)?;
        let (result,) = function.call_async(&mut store, parameters).await?;
        Ok(result)
    }
}
