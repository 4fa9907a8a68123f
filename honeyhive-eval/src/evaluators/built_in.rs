//! What the built-in evaluators have in common.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;

use super::Field;
use crate::call::Call;
use crate::evaluator::ConfiguredEvaluator;
use crate::extract::OutcomeContext;
use crate::function::Evaluator;
use crate::output::TaskError;
use crate::score::{Score, Scores};

/// An evaluator that comes with the crate and looks at outputs and ground truth alone.
pub trait BuiltIn: Send + Sync + 'static {
    /// Its name, unless it is registered by another.
    fn name(&self) -> &'static str;

    /// What is wrong with how it was made.
    fn problem(&self) -> Option<String> {
        None
    }

    /// Scores an output; `None` when there is nothing to compare with.
    ///
    /// # Errors
    ///
    /// [`TaskError`] when what should be compared is not there or of another kind.
    fn score(&self, context: &OutcomeContext) -> Result<Option<Score>, TaskError>;
}

/// Marks an evaluator that comes with the crate.
#[derive(Debug)]
pub struct BuiltInShape;

impl<B: BuiltIn> Evaluator<BuiltInShape> for B {
    fn call(self: &Arc<Self>, context: OutcomeContext) -> Call<Scores> {
        let evaluator = self.clone();
        Call::Sync(Box::new(move || evaluator.score(&context).map(Scores::from)))
    }

    fn configure(self) -> ConfiguredEvaluator {
        let (name, problem) = (self.name(), self.problem());
        let evaluator = Arc::new(self);
        let call = Arc::new(move |context| evaluator.call(context));
        ConfiguredEvaluator::built_in(name, call, problem, false)
    }
}

/// What is compared of the outputs.
pub(crate) fn found<'a>(context: &'a OutcomeContext, field: &Field) -> Result<Cow<'a, Value>, TaskError> {
    field.of(&context.output, "outputs")
}

/// What is compared of the ground truth, if there is one.
pub(crate) fn wanted<'a>(context: &'a OutcomeContext, field: &Field) -> Result<Option<Cow<'a, Value>>, TaskError> {
    let truth = context.task.datapoint.ground_truth.as_ref();
    truth.map(|truth| field.of(truth, "ground truth")).transpose()
}

/// Where an evaluator looks: methods of a type with the fields `output` and `truth`, or `output` alone.
macro_rules! fields {
    (output, truth) => {
        /// Where to look, in outputs and ground truth alike.
        pub fn field(self, field: impl Into<Field>) -> Self {
            let field = field.into();
            self.output_field(field.clone()).ground_truth_field(field)
        }

        /// Where to look in the ground truth.
        pub fn ground_truth_field(mut self, field: impl Into<Field>) -> Self {
            self.truth = field.into();
            self
        }

        fields!(output);
    };
    (output) => {
        /// Where to look in the outputs.
        pub fn output_field(mut self, field: impl Into<Field>) -> Self {
            self.output = field.into();
            self
        }
    };
}

pub(super) use fields;
