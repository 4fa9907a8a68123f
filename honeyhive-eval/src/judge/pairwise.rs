//! A model that compares two answers, in both orders.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use super::answer::{Choices, Verdict};
use super::ask::Model;
use super::template::Template;
use super::{JudgeShape, RETRIES};
use crate::call::Call;
use crate::dataset::Datapoint;
use crate::evaluator::ConfiguredEvaluator;
use crate::evaluators::{Field, found, text, wanted};
use crate::extract::OutcomeContext;
use crate::function::Evaluator;
use crate::output::TaskError;
use crate::score::{Score, Scores};

const PROMPT: &str = "\
You compare two answers of assistants to the same request.

The request:
{{inputs}}

Answer A:
{{a}}

Answer B:
{{b}}

Which answer is better: more correct, more complete, more helpful? Length and order do not matter.";

/// Names of the two answers in the prompt.
const ANSWERS: [&str; 2] = ["a", "b"];

/// Compares outputs with another answer by asking a model which is better: 1 when it is the output, 0 when it is the other,
/// 0.5 for neither.
///
/// Models favour a position. So each pair is judged twice, the second time in the other order, and only what both agree
/// on counts; where they do not, the score is 0.5 and the metric `<name>_consistent` is false. The other answer is the
/// ground truth, unless [`against`](Self::against) finds another.
///
/// # Examples
///
/// ```
/// use honeyhive_eval::evaluators::Pairwise;
/// use honeyhive_eval::prelude::*;
///
/// # async fn ask(_: String) -> Result<String, std::io::Error> { Ok("[[A]]".into()) }
/// let better = Pairwise::new(ask)
///     .against(|datapoint: &Datapoint| Some(datapoint.metadata.get("last week")?.as_str()?.to_owned()));
/// let experiment = evaluate(|_: Datapoint| "42").evaluator("better", better);
/// # let _ = experiment;
/// ```
#[derive(Clone)]
#[must_use = "give it to an experiment with `.evaluator(name, …)`"]
pub struct Pairwise {
    model: Model,
    template: Result<Template, String>,
    output: Field,
    other: Other,
    retries: u32,
}

type Find = Arc<dyn Fn(&Datapoint) -> Option<String> + Send + Sync>;

/// Where the other answer is.
#[derive(Clone)]
enum Other {
    GroundTruth(Field),
    Function(Find),
}

impl Pairwise {
    /// A comparison by this model, with the ground truth.
    pub fn new<F, Fut, E>(model: F) -> Self
    where
        F: Fn(String) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<String, E>> + Send,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        Self {
            model: Model::new(model),
            template: Template::parse_with(PROMPT, &ANSWERS),
            output: Field::default(),
            other: Other::GroundTruth(Field::default()),
            retries: RETRIES,
        }
    }

    /// What the model is asked, as the template of a [`Judge`](super::Judge), with the answers as `{{a}}` and `{{b}}`. One
    /// that has not both is an error before anything runs.
    pub fn prompt(mut self, template: &str) -> Self {
        self.template = Template::parse_with(template, &ANSWERS).and_then(|parsed| {
            let has_both = [0, 1].iter().all(|answer| parsed.has_own(*answer));
            has_both
                .then_some(parsed)
                .ok_or_else(|| "its prompt needs both answers, `{{a}}` and `{{b}}`".to_owned())
        });
        self
    }

    /// Where the answer is in the outputs.
    pub fn output_field(mut self, field: impl Into<Field>) -> Self {
        self.output = field.into();
        self
    }

    /// Where the other answer is in the ground truth.
    pub fn ground_truth_field(mut self, field: impl Into<Field>) -> Self {
        self.other = Other::GroundTruth(field.into());
        self
    }

    /// Finds the other answer; a datapoint for which there is none gets no score.
    pub fn against(mut self, other: impl Fn(&Datapoint) -> Option<String> + Send + Sync + 'static) -> Self {
        self.other = Other::Function(Arc::new(other));
        self
    }

    /// How often the model is asked again when its answer has no choice in it. Default: 2.
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    async fn compare(self: Arc<Self>, context: OutcomeContext) -> Result<Scores, TaskError> {
        let other = match &self.other {
            Other::GroundTruth(field) => wanted(&context, field)?
                .map(|truth| text(&truth, "ground truth"))
                .transpose()?,
            Other::Function(find) => find(&context.task.datapoint),
        };
        let Some(other) = other else {
            return Ok(Scores::new());
        };
        let own = text(&*found(&context, &self.output)?, "outputs")?;
        let (first, second) = futures_util::future::join(
            self.ask(&context, [own.clone(), other.clone()], ["A", "B"]),
            self.ask(&context, [other, own], ["B", "A"]),
        )
        .await;
        let (first, second) = (first?, second?);
        #[allow(clippy::float_cmp, reason = "both are one of three constants")]
        let is_consistent = first.score == second.score;
        let score = if is_consistent { first.score } else { 0.5 };
        let reasons = format!(
            "first: {}; in the other order: {}",
            first.reason.as_deref().unwrap_or(&first.choice),
            second.reason.as_deref().unwrap_or(&second.choice)
        );
        Ok(Score::new(score)
            .with("consistent", is_consistent)
            .because(reasons)
            .into())
    }

    /// Asks about two answers in this order; `names` are what the output and the other one are called.
    async fn ask(
        &self,
        context: &OutcomeContext,
        answers: [String; 2],
        [own, other]: [&str; 2],
    ) -> Result<Verdict, TaskError> {
        let template = self
            .template
            .as_ref()
            .map_err(|error| TaskError::new("Prompt", error))?;
        let mut choices = [(own.to_owned(), 1.0), (other.to_owned(), 0.0)];
        // In one order for both, so that the wording favours neither.
        choices.sort_by(|(left, _), (right, _)| left.cmp(right));
        let choices = Choices::new(choices.into_iter().chain([("tie".to_owned(), 0.5)]));
        let prompt = format!("{}\n\n{}", template.render(context, &answers)?, choices.instructions());
        self.model
            .choose(&context.task.tracer, "compare", prompt, &choices, self.retries)
            .await
    }
}

impl Evaluator<JudgeShape> for Pairwise {
    fn call(self: &Arc<Self>, context: OutcomeContext) -> Call<Scores> {
        Call::Async(Box::pin(self.clone().compare(context)))
    }

    fn configure(self) -> ConfiguredEvaluator {
        let problem = self.template.as_ref().err().cloned();
        let pairwise = Arc::new(self);
        ConfiguredEvaluator::built_in(
            "pairwise",
            Arc::new(move |context| pairwise.call(context)),
            problem,
            true,
        )
    }
}

impl fmt::Debug for Pairwise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pairwise")
            .field("template", &self.template)
            .field("retries", &self.retries)
            .finish_non_exhaustive()
    }
}
