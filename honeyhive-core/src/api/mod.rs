//! The REST client: every operation of the platform, typed, on one set of pooled connections.
//!
//! A [`Client`] comes from a tracer ([`HoneyHiveTracer::api`](crate::HoneyHiveTracer::api)), whose connections it
//! shares, or stands alone ([`Client::builder`]). It has one handle for each resource, and each operation is a [`Call`]:
//! await it on any executor, or [`wait`](Call::wait) for it where nothing is async. Lists that come in pages are
//! [`Pages`], a stream.
//!
//! - **Requests** are plain structs with [`Default`]; what they do not name goes into `other`. Fields that are `None` or
//!   empty are not sent.
//! - **Answers** keep what this version does not name in `other`, and read although fields are missing or `null`. Any
//!   2xx is success.
//! - **Repeated** are the calls that may be: reads, changes that are the same when done twice, and the creation of runs
//!   and sessions, whose ids are chosen here. Connections that fail, time-outs and the statuses 408, 429, 500, 502, 503
//!   and 504 are tried again after a growing pause with jitter, or the one the server asks for with `Retry-After`; a
//!   server that asks for more than a minute gets no further attempt. Other creations are made once.
//! - **Ids** are escaped, lists of ids and batches are split where the server has a limit, and an empty list of ids
//!   answers nothing instead of everything.
//!
//! # Examples
//!
//! ```no_run
//! use honeyhive_core::api::{ApiError, Client, CreateDataset};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let client = Client::builder().build()?; // HH_API_KEY
//!     let id = client.datasets().create(&CreateDataset { name: "questions".into(), ..Default::default() }).wait()?;
//!     match client.datasets().get(&id).wait() {
//!         Ok(dataset) => println!("{} has {} datapoints", dataset.name, dataset.datapoints.len()),
//!         Err(error @ ApiError::Status { .. }) => eprintln!("{error}, again: {}", error.is_retryable()),
//!         Err(error) => return Err(error.into()),
//!     }
//!     Ok(())
//! }
//! ```

mod builder;
mod call;
mod charts;
mod configurations;
mod datapoints;
mod datasets;
mod error;
mod events;
mod filter;
mod lenient;
mod link;
mod metrics;
mod operation;
mod pages;
mod projects;
mod queues;
mod retry;
mod runs;
mod sessions;

use std::sync::Arc;

pub use builder::ClientBuilder;
pub use call::Call;
pub use charts::{Chart, ChartSettings, Charts};
pub use configurations::{Configuration, ConfigurationQuery, Configurations, CreateConfiguration, UpdateConfiguration};
pub use datapoints::{Datapoint, DatapointQuery, Datapoints, NewDatapoint};
pub use datasets::{AddDatapoints, ColumnMapping, CreateDataset, Dataset, DatasetQuery, Datasets, UpdateDataset};
pub use error::ApiError;
pub use events::{
    ChartQuery, CreatedEvent, CreatedEvents, EventBatch, EventQuery, Events, FoundEvent, NewEvent, UpdateEvent,
};
pub use filter::{Aggregate, DateRange, Filter};
pub use metrics::{
    CreateMetric, Measured, Metric, MetricSettings, MetricType, MetricVersion, Metrics, ReturnType, UpdateMetric,
};
pub use pages::Pages;
pub use projects::{CreateDataPlaneKey, CreatedKey, Project, ProjectSettings, Projects};
pub use queues::{CreateQueue, Queue, Queues, UpdateQueue};
pub use runs::{
    ComparedEvents, ComparedMetric, Comparison, CreateRun, DatapointResult, EventPresence, MetricDetail, MetricDetails,
    PassingDatapoints, ResultQuery, Run, RunQuery, RunResult, RunStatus, Runs, UpdateRun,
};
pub use sessions::{Sessions, StartSession, StartedSession};

pub use crate::config::KeyKind;
use crate::delivery::Pipeline;
use link::Link;

/// Calls the REST API; see the [module](self). Cheap to clone: clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    link: Arc<Link>,
}

macro_rules! resources {
    ($($(#[$doc:meta])* $name:ident -> $handle:ident;)*) => {
        $(
            $(#[$doc])*
            #[must_use]
            pub fn $name(&self) -> $handle {
                $handle { link: self.link.clone() }
            }
        )*
    };
}

impl Client {
    /// Starts configuring a client of its own.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    pub(crate) fn of(pipeline: Arc<Pipeline>) -> Self {
        Self {
            link: Arc::new(Link::of(pipeline)),
        }
    }

    /// Address of the backend, without a slash at the end.
    #[must_use]
    pub fn server_url(&self) -> &str {
        self.link.server_url()
    }

    resources! {
        /// Sessions: start one, read it back as a tree.
        sessions -> Sessions;
        /// Runs: the records of experiments, their results and comparisons.
        runs -> Runs;
        /// Datasets: named lists of datapoints.
        datasets -> Datasets;
        /// Datapoints: inputs and the answers expected.
        datapoints -> Datapoints;
        /// Events: write, change, find.
        events -> Events;
        /// Metrics: what is measured, in which version.
        metrics -> Metrics;
        /// Configurations: prompts and model settings.
        configurations -> Configurations;
        /// Annotation queues.
        queues -> Queues;
        /// Projects, and keys for them.
        projects -> Projects;
    }

    /// Charts: those of the key's project, or [of another](Charts::in_project).
    #[must_use]
    pub fn charts(&self) -> Charts {
        Charts {
            link: self.link.clone(),
            project_id: None,
        }
    }
}

/// Ids in one request at most.
const IDS: usize = 100;

/// Ids in groups of which each fits one request.
fn groups(ids: &[String]) -> Vec<Vec<String>> {
    ids.chunks(IDS).map(<[String]>::to_vec).collect()
}

/// Calls one after the other, their answers together; the first failure ends it.
fn in_order<A: Send + 'static, T: Send + 'static>(
    operation: &'static str,
    link: &Arc<Link>,
    calls: Vec<Call<A>>,
    items: impl Fn(A) -> Vec<T> + Send + 'static,
) -> Call<Vec<T>> {
    Call::new(operation, link.clone(), async move {
        let mut all = Vec::new();
        for call in calls {
            let answer = call.await?;
            all.extend(items(answer));
        }
        Ok(all)
    })
}
