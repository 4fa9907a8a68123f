//! Updates of events that wait: those of one event become one, and none overtakes another.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use prost::bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::lane::Lane;
use super::queue::Request;
use crate::span::EventUpdate;

/// How long an update that waits takes later ones in. An event that is updated all the time is updated now and then.
const OPEN: Duration = Duration::from_secs(1);

/// What several updates of one event come to.
#[derive(Debug)]
pub(super) struct Update {
    pub(super) event_id: String,
    pub(super) fields: Map<String, Value>,
    /// How many requests of the queue this stands for, and what they occupy there.
    pub(super) requests: usize,
    pub(super) bytes: usize,
    /// Numbers of the first and the last of them.
    pub(super) first: u64,
    pub(super) last: u64,
    taken: Instant,
}

impl Update {
    pub(super) fn new(request: Request<EventUpdate>, now: Instant) -> Self {
        Self {
            event_id: request.request.event_id,
            fields: request.request.fields,
            requests: 1,
            bytes: request.bytes,
            first: request.number,
            last: request.number,
            taken: now,
        }
    }

    /// The request's body.
    pub(super) fn body(&self) -> Bytes {
        #[derive(Serialize)]
        struct Body<'u> {
            event_id: &'u str,
            #[serde(flatten)]
            fields: &'u Map<String, Value>,
        }

        let body = Body {
            event_id: &self.event_id,
            fields: &self.fields,
        };
        // Writing JSON values to memory cannot fail.
        serde_json::to_vec(&body).unwrap_or_default().into()
    }

    /// Takes a later one in: objects merge member by member, of anything else the later value counts.
    pub(super) fn merge(&mut self, later: Self) {
        for (key, value) in later.fields {
            match self.fields.get_mut(&key) {
                Some(known) => merge(known, value),
                None => {
                    self.fields.insert(key, value);
                }
            }
        }
        self.requests += later.requests;
        self.bytes += later.bytes;
        self.last = later.last;
    }
}

fn merge(earlier: &mut Value, later: Value) {
    match (earlier, later) {
        (Value::Object(earlier), Value::Object(later)) => {
            for (key, value) in later {
                match earlier.get_mut(&key) {
                    Some(known) => merge(known, value),
                    None => {
                        earlier.insert(key, value);
                    }
                }
            }
        }
        (earlier, later) => *earlier = later,
    }
}

/// The lane of updates.
#[derive(Debug)]
pub(super) struct Updates {
    pub(super) lane: Lane<Update>,
    /// Numbers of the updates of an event, in order.
    of_event: HashMap<String, VecDeque<u64>>,
}

impl Updates {
    pub(super) fn new(width: usize) -> Self {
        Self {
            lane: Lane::new(width),
            of_event: HashMap::new(),
        }
    }

    pub(super) fn push(&mut self, update: Update, now: Instant) {
        let numbers = self.of_event.entry(update.event_id.clone()).or_default();
        if let Some(youngest) = numbers.back()
            && let Some(waiting) = self.lane.waiting_mut(*youngest)
            && now.saturating_duration_since(waiting.taken) < OPEN
        {
            waiting.merge(update);
            return;
        }
        numbers.push_back(update.first);
        self.lane.push(update.first, update);
    }

    /// The number of the next that may set out, if everything before `upto` is settled.
    pub(super) fn next(&self, upto: u64) -> Option<u64> {
        self.lane.next(upto, |number, update| {
            let first = || self.of_event.get(&update.event_id).and_then(VecDeque::front);
            update.last < upto && first().is_none_or(|first| *first == number)
        })
    }

    pub(super) fn settle(&mut self, number: u64) -> Option<Update> {
        let update = self.lane.settle(number)?;
        self.forget(&update);
        Some(update)
    }

    /// Takes all that wait.
    pub(super) fn take_waiting(&mut self) -> Vec<Update> {
        let taken: Vec<Update> = self.lane.take_waiting().collect();
        for update in &taken {
            self.forget(update);
        }
        taken
    }

    fn forget(&mut self, update: &Update) {
        if let Some(numbers) = self.of_event.get_mut(&update.event_id) {
            numbers.retain(|other| *other != update.first);
            if numbers.is_empty() {
                self.of_event.remove(&update.event_id);
            }
        }
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = Update> + use<> {
        self.of_event.clear();
        self.lane.drain()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn update(number: u64, event_id: &str, fields: Value) -> Update {
        let Value::Object(fields) = fields else {
            panic!("no object")
        };
        let request = EventUpdate {
            event_id: event_id.to_owned(),
            fields,
        };
        Update::new(
            Request {
                request,
                number,
                bytes: 10,
            },
            Instant::now(),
        )
    }

    #[test]
    fn updates_of_one_event_become_one_in_which_the_last_value_counts() {
        let (mut updates, now) = (Updates::new(8), Instant::now());
        updates.push(update(1, "a", json!({"metadata": {"x": 1, "y": {"z": 1}}})), now);
        updates.push(update(2, "b", json!({"metadata": 1})), now);
        let later = json!({"metadata": {"x": 2, "y": {"w": 2}}, "feedback": {"rating": 5}});
        updates.push(update(3, "a", later), now);
        assert_eq!(
            updates.next(3),
            Some(2),
            "the first now waits for what came before the third"
        );
        assert_eq!(updates.next(4), Some(1));
        let merged = updates.lane.set_out(1, now).unwrap();
        assert_eq!((merged.requests, merged.bytes), (2, 20));
        let body: Value = serde_json::from_slice(&merged.body()).unwrap();
        let metadata = json!({"x": 2, "y": {"z": 1, "w": 2}});
        assert_eq!(
            body,
            json!({"event_id": "a", "metadata": metadata, "feedback": {"rating": 5}})
        );
    }

    #[test]
    fn no_update_overtakes_another_of_its_event() {
        let (mut updates, now) = (Updates::new(8), Instant::now());
        updates.push(update(1, "a", json!({"x": 1})), now);
        updates.lane.set_out(1, now);
        updates.push(update(2, "a", json!({"x": 2})), now);
        updates.push(update(3, "b", json!({"x": 3})), now);
        assert_eq!(updates.next(9), Some(3), "the first of a is under way");
        updates.lane.fail(1, false, None, now);
        assert_ne!(updates.next(9), Some(2));
        updates.lane.set_out(1, now);
        assert_eq!(updates.settle(1).unwrap().first, 1);
        updates.lane.set_out(3, now);
        assert_eq!(updates.next(9), Some(2));
    }

    #[test]
    fn an_event_that_is_updated_all_the_time_is_updated_now_and_then() {
        let (mut updates, now) = (Updates::new(8), Instant::now());
        updates.push(update(1, "a", json!({})), now);
        updates.push(update(2, "a", json!({})), now + 2 * OPEN);
        assert_eq!(updates.next(2), Some(1), "it has not become a part of the first");
    }
}
