//! Evaluators that come with the crate: comparisons of texts, numbers and JSON, and models as judges.
//!
//! Each finds what it compares in outputs and ground truth by a [`Field`], compares with the ground truth unless it is given
//! something else, and gives no score where there is no ground truth to compare with. Each has a name of its own, under which
//! [`Evaluation::evaluators`](crate::Evaluation::evaluators) registers it, and can be given settings by
//! [`evaluator`](crate::evaluator()).
//!
//! # Examples
//!
//! ```
//! use honeyhive_eval::evaluators::{exact_match, levenshtein};
//! use honeyhive_eval::prelude::*;
//!
//! let experiment = evaluate(|_: Datapoint| "Paris ")
//!     .evaluators((exact_match().trim().ignore_case(), levenshtein().at_least(0.8)))
//!     .evaluator("city", evaluator(exact_match().field("answer.city")).weight(2.0));
//! # let _ = experiment;
//! ```

mod built_in;
mod field;
mod json;
mod number;
#[cfg(feature = "regex")]
mod pattern;
#[cfg(feature = "json-schema")]
mod schema;
mod text;

pub use crate::judge::{Judge, Pairwise};
pub use built_in::BuiltInShape;
pub use field::Field;
pub use json::{JsonEquality, json_equal};
pub use number::{Closeness, numeric};
#[cfg(feature = "regex")]
pub use pattern::{Pattern, regex};
#[cfg(feature = "json-schema")]
pub use schema::{JsonSchema, json_schema};
pub use text::{
    TextComparison, contains, damerau_levenshtein, exact_match, f1, jaro_winkler, levenshtein, sorensen_dice,
};

pub(crate) use built_in::{BuiltIn, found, wanted};
pub(crate) use field::text;
