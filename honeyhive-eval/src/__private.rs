//! What the expansion of `#[evaluator]` may touch, and nothing else. Not covered by any promise of stability.

pub use crate::evaluator::annotated::{Annotated, Settings, Wraps};

use crate::extract::FromOutcome;
use crate::score::{FromScore, IntoScore};

/// Has the compiler look at the type of an argument alone.
pub const fn argument<T: FromOutcome>() {}

/// Has the compiler look at the type of a score that is taken.
pub const fn taken<T: FromScore>() {}

/// Has the compiler look at the type of the result alone.
pub const fn result<T: IntoScore>() {}
