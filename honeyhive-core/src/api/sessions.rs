//! Sessions: reading one back.

use super::{ApiError, Client, segment};
use crate::delivery::Method;
use crate::event::EventTree;
use crate::session::SessionId;

impl Client {
    /// Returns a session with all its events as a tree. Events arrive in the background, so flush first.
    ///
    /// # Errors
    ///
    /// [`ApiError`].
    pub async fn get_session(&self, id: SessionId) -> Result<EventTree, ApiError> {
        let path = format!("/v1/sessions/{}", segment(&id.to_string()));
        self.call("getSession", Method::GET, path, None::<&()>).await
    }
}
