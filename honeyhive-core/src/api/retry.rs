//! Repeating a call that failed in a way that may pass.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use reqwest::StatusCode;

use crate::delivery::{Reply, RestCall, SendError, Transport};

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// A server that asks for a longer pause than this gets no further attempt: the caller decides.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Makes the call, and again up to `retries` times.
pub(super) async fn call(transport: &Transport, call: RestCall, retries: u32) -> Result<Reply, SendError> {
    let mut pause = FIRST_PAUSE;
    for _ in 0..retries {
        let error = match transport.call(call.clone()).await {
            Ok(reply) => return Ok(reply),
            Err(error) => error,
        };
        let asked = error.retry_after();
        if !passes(&error) || asked > Some(LONGEST_WAIT) {
            return Err(error);
        }
        // Never earlier than asked, and clients that failed together do not come back together.
        tokio::time::sleep(asked.unwrap_or_default().max(pause.mul_f64(jitter()))).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    transport.call(call).await
}

fn passes(error: &SendError) -> bool {
    match error {
        SendError::NoAnswer { .. } => true,
        SendError::Refused { status, .. } => may_pass(*status),
        SendError::NoRequest { .. } | SendError::TooLarge => false,
    }
}

/// Whether the same request may get another answer later.
pub(super) fn may_pass(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

/// From a half up to one: each hasher of the standard library is seeded anew.
fn jitter() -> f64 {
    let random = RandomState::new().hash_one(0_u8) >> 32;
    let random = u32::try_from(random).unwrap_or_default();
    0.5 + 0.5 * f64::from(random) / f64::from(u32::MAX)
}
