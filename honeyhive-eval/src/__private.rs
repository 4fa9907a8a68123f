//! What the expansion of `#[evaluator]` may touch, and nothing else. Not covered by any promise of stability.

use std::future::Future;
use std::pin::Pin;

pub use core;
pub use std::boxed::Box;
pub use std::clone::Clone;
pub use std::fmt::Debug;
pub use std::marker::Copy;
pub use std::sync::Arc;

use crate::call::Call;
use crate::evaluator::ConfiguredEvaluator;
use crate::extract::OutcomeContext;
use crate::function::Evaluator as _;
use crate::score::Scores;

/// Marks a function with `#[evaluator]`.
#[derive(Debug)]
pub struct AnnotatedShape;

/// What an async function with `#[evaluator]` returns when it is called as a function.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Prepares a call.
#[must_use]
pub fn call(evaluator: ConfiguredEvaluator, context: OutcomeContext) -> Call<Scores> {
    Arc::new(evaluator).call(context)
}
