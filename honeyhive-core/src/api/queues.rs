//! Annotation queues: events for people to look at.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Call;
use super::lenient::null_is_default;
use super::link::Link;
use super::operation::Operation;

/// A queue as the server returns it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Queue {
    /// Id of the queue.
    #[serde(alias = "_id", deserialize_with = "null_is_default")]
    pub id: String,
    /// Name of the queue.
    #[serde(deserialize_with = "null_is_default")]
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Whether events go into it by themselves.
    pub enabled: Option<bool>,
    /// Which events those are.
    pub filters: Value,
    /// When it was created, RFC 3339.
    pub created_at: Option<String>,
    /// When it was last changed, RFC 3339.
    pub updated_at: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A new queue.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CreateQueue {
    /// Name of the queue.
    pub name: String,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Which events go into it by themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filters: Option<Value>,
    /// Whether they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Events it has from the start.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub event_ids: Vec<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A change of a queue. What is `None` or empty stays as it is.
#[derive(Clone, Debug, Default, Serialize)]
pub struct UpdateQueue {
    /// Name of the queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Which events go into it by themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filters: Option<Value>,
    /// Whether they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Events to put in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub add_event_ids: Vec<String>,
    /// Events to take out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remove_event_ids: Vec<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The body of a change names the queue once more.
#[derive(Serialize)]
struct Named<'a> {
    id: &'a str,
    #[serde(flatten)]
    update: &'a UpdateQueue,
}

/// Operations on annotation queues; see [`Client::queues`](super::Client::queues).
#[derive(Clone, Debug)]
pub struct Queues {
    pub(super) link: Arc<Link>,
}

impl Queues {
    /// Lists queues, all or those that are enabled or not.
    pub fn list(&self, enabled: Option<bool>) -> Call<Vec<Queue>> {
        let operation = Operation::get(&self.link, "getQueues", &["v1", "queues"]);
        operation.query("enabled", enabled).answer(&["queues"])
    }

    /// Returns a queue.
    pub fn get(&self, queue_id: &str) -> Call<Queue> {
        Operation::get(&self.link, "getQueue", &["v1", "queues", queue_id]).answer(&["queue"])
    }

    /// Creates a queue.
    pub fn create(&self, queue: &CreateQueue) -> Call<Queue> {
        Operation::post(&self.link, "createQueue", &["v1", "queues"], queue).answer(&["queue"])
    }

    /// Changes a queue.
    pub fn update(&self, queue_id: &str, update: &UpdateQueue) -> Call<Queue> {
        let body = Named { id: queue_id, update };
        Operation::put(&self.link, "updateQueue", &["v1", "queues", queue_id], &body).answer(&["queue"])
    }

    /// Deletes a queue.
    pub fn delete(&self, queue_id: &str) -> Call<()> {
        Operation::delete(&self.link, "deleteQueue", &["v1", "queues", queue_id]).done()
    }
}
