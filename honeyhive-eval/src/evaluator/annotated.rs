//! Functions with `#[evaluator]`: what they return says which settings they have.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use super::ConfiguredEvaluator;

/// What a function with `#[evaluator]` returns when it is called as a function: its result, marked with its settings `S`.
/// It compares, prints and dereferences as the result.
#[must_use]
pub struct Annotated<S, R> {
    result: R,
    settings: PhantomData<fn() -> S>,
}

impl<S, R> Annotated<S, R> {
    /// Marks a result.
    #[doc(hidden)]
    pub fn new(result: R) -> Self {
        Self {
            result,
            settings: PhantomData,
        }
    }

    /// The result.
    pub fn into_inner(self) -> R {
        self.result
    }
}

impl<S, R> Deref for Annotated<S, R> {
    type Target = R;

    fn deref(&self) -> &R {
        &self.result
    }
}

impl<S, R: PartialEq> PartialEq<R> for Annotated<S, R> {
    fn eq(&self, other: &R) -> bool {
        self.result == *other
    }
}

impl<S, R: fmt::Debug> fmt::Debug for Annotated<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.result.fmt(f)
    }
}

/// The settings in the attribute of a function.
pub trait Settings: 'static {
    /// Applies them.
    fn apply(evaluator: ConfiguredEvaluator) -> ConfiguredEvaluator;
}

/// The settings of a function that takes the score of another evaluator.
pub trait Wraps: Settings {
    /// The other evaluator.
    fn wrapped() -> ConfiguredEvaluator;
}
