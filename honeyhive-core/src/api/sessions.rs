//! Sessions: starting one, reading it back.

use std::sync::Arc;

use super::Call;
use super::link::Link;
use super::operation::Operation;
use crate::event::EventTree;

/// Operations on sessions; see [`Client::sessions`](super::Client::sessions).
#[derive(Clone, Debug)]
pub struct Sessions {
    pub(super) link: Arc<Link>,
}

impl Sessions {
    /// Returns a session with all its events as a tree. Events arrive in the background, so flush the tracer first.
    pub fn get(&self, session_id: impl ToString) -> Call<EventTree> {
        Operation::get(&self.link, "getSession", &["v1", "sessions", &session_id.to_string()]).answer(&[])
    }
}
