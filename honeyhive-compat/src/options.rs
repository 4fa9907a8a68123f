//! What `init` takes, under the names of 0.x.

use std::fmt;

use honeyhive_core::{HoneyHiveTracer, TracerBuilder, propagation};
use serde::Serialize;

/// Where 0.x sent everything unless told otherwise. The default is another host now
/// ([`DEFAULT_SERVER_URL`](honeyhive_core::DEFAULT_SERVER_URL)), so the old one is an explicit choice:
/// `InitOptions::new("hh_…").server_url(LEGACY_SERVER_URL)`.
///
/// # Examples
///
/// ```
/// # #![allow(deprecated)]
/// use honeyhive_compat::{InitOptions, LEGACY_SERVER_URL, init};
///
/// let tracer = init(InitOptions::new("hh_example").server_url(LEGACY_SERVER_URL).test_mode(true))?;
/// assert_eq!(tracer.server_url(), "https://api.honeyhive.ai");
/// # Ok::<(), honeyhive_core::ConfigError>(())
/// ```
pub const LEGACY_SERVER_URL: &str = "https://api.honeyhive.ai";

/// Settings of [`init`](crate::init): the parameters of 0.2.57. What is not given comes from the environment, as for
/// every tracer: `HH_API_KEY`, `HH_PROJECT`, `HH_SOURCE`, `HH_SESSION_NAME`, `HH_API_URL` and the older names
/// `HONEYHIVE_API_KEY` and `HONEYHIVE_SERVER_URL`.
///
/// # Examples
///
/// ```
/// use honeyhive_compat::InitOptions;
///
/// let few = InitOptions::new("hh_example").project("support").session_name("chat").inputs([("question", "Why?")]);
///
/// let all = InitOptions::from_env()
///     .project("support")
///     .session_name("chat")
///     .source("prod")
///     .server_url("http://127.0.0.1:4483")
///     .session_id("7f5ae3a6-5d57-4d5c-8b2c-0d3fa4f0f1a1")
///     .inputs([("question", "Why?")])
///     .run_id("run")
///     .dataset_id("dataset")
///     .datapoint_id("datapoint")
///     .link_carrier([("baggage", "session_id=7f5ae3a6-5d57-4d5c-8b2c-0d3fa4f0f1a1")])
///     .is_evaluation(true)
///     .disable_http_tracing(true)
///     .disable_batch(true)
///     .verbose(true)
///     .test_mode(true);
/// # drop((few, all));
/// ```
#[derive(Default)]
#[must_use = "pass it to init"]
pub struct InitOptions {
    builder: TracerBuilder,
}

macro_rules! forwarded {
    ($($(#[$doc:meta])* $name:ident($value:ident: $type:ty);)*) => {$(
        $(#[$doc])*
        pub fn $name(self, $value: $type) -> Self {
            self.with(|builder| builder.$name($value))
        }
    )*};
}

impl InitOptions {
    /// Settings with this API key.
    pub fn new(api_key: impl Into<String>) -> Self {
        HoneyHiveTracer::builder().api_key(api_key).into()
    }

    /// Settings from the environment alone.
    pub fn from_env() -> Self {
        Self::default()
    }

    forwarded! {
        /// Project name. The key decides the project, so this is rarely needed.
        project(project: impl Into<String>);
        /// Name of the session. Default: the program's file name.
        session_name(name: impl Into<String>);
        /// Environment tag on every event. Default: `dev`.
        source(source: impl Into<String>);
        /// Where to send.
        server_url(url: impl Into<String>);
        /// Continues or chooses a session: its UUID.
        session_id(id: impl Into<String>);
        /// Sends each span at once, in the background all the same.
        disable_batch(disable: bool);
        /// Logs requests and their outcome at INFO.
        verbose(verbose: bool);
        /// Records as ever and sends nothing.
        test_mode(test: bool);
        /// Run of an experiment the session belongs to. `is_evaluation` is not asked for.
        run_id(id: impl Into<String>);
        /// Dataset of that run.
        dataset_id(id: impl Into<String>);
        /// Datapoint of that run.
        datapoint_id(id: impl Into<String>);
    }

    /// Inputs of the session, by name.
    pub fn inputs<K: Into<String>, V: Serialize>(self, inputs: impl IntoIterator<Item = (K, V)>) -> Self {
        self.with(|builder| {
            inputs
                .into_iter()
                .fold(builder, |builder, (key, value)| builder.input(key, value))
        })
    }

    /// Goes on in the session that the headers of a request name; without one in them, of no effect. Its spans become
    /// roots of the session; to hang them below the caller's span use [`link`](crate::link). Only for callers you trust.
    pub fn link_carrier<K: AsRef<str>, V: AsRef<[u8]>>(self, carrier: impl IntoIterator<Item = (K, V)>) -> Self {
        match propagation::extract(carrier).session_id() {
            Some(id) => self.with(|builder| builder.session_id(id.to_string()).skip_session_start()),
            None => self,
        }
    }

    /// Of no effect: the run, dataset and datapoint ids count when they are given.
    pub fn is_evaluation(self, _: bool) -> Self {
        self
    }

    /// Of no effect: HTTP calls are not traced by themselves.
    pub fn disable_http_tracing(self, _: bool) -> Self {
        self
    }

    fn with(self, change: impl FnOnce(TracerBuilder) -> TracerBuilder) -> Self {
        change(self.builder).into()
    }

    pub(crate) fn into_builder(self) -> TracerBuilder {
        self.builder
    }
}

/// For settings that 0.x did not have.
impl From<TracerBuilder> for InitOptions {
    fn from(builder: TracerBuilder) -> Self {
        Self { builder }
    }
}

impl fmt::Debug for InitOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("InitOptions").field(&self.builder).finish()
    }
}
