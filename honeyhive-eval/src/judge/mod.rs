//! A model as a judge: a prompt over inputs, outputs and ground truth, an answer with a choice, a score.

mod answer;
mod ask;
mod pairwise;
mod template;

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use answer::{Choices, Verdict};
use ask::Model;
use template::Template;

pub use pairwise::Pairwise;

use crate::call::Call;
use crate::evaluator::ConfiguredEvaluator;
use crate::extract::OutcomeContext;
use crate::function::Evaluator;
use crate::output::TaskError;
use crate::score::{Score, Scores};

const PROMPT: &str = "\
You judge the answer of an assistant.

The assistant was given:
{{inputs}}

Its answer:
{{outputs}}

The answer that was expected:
{{ground_truth}}

Does the answer say what the expected one says? Different words do not matter, missing or wrong facts do.";

/// How often an answer that cannot be read is asked for again.
const RETRIES: u32 = 2;

/// Scores outputs by asking a model: any async function of yours from a prompt to an answer.
///
/// The prompt is a template. `{{inputs}}`, `{{outputs}}`, `{{ground_truth}}` and `{{metadata}}` stand for the values,
/// `{{inputs.question}}` for a part of them; `{{feedback.ground_truth}}` is the same, so that prompts of evaluators on the
/// server work here. How to answer is added: reasons first, then a last line with the choice in double brackets, `[[yes]]`.
///
/// The score is that of the choice, the explanation what the model gave as reasons. Where the answer has no choice to be
/// found, the model is asked again with a word on what was wrong; after that it is an error on that row. The judge is a
/// `chain` event, each question to the model a `model` event inside, and so is what your function traces itself.
///
/// # Examples
///
/// ```
/// use honeyhive_eval::evaluators::Judge;
/// use honeyhive_eval::prelude::*;
///
/// # #[derive(Clone)] struct Client;
/// # impl Client { async fn complete(&self, _: &str, _: String) -> Result<String, std::io::Error> { Ok("[[yes]]".into()) } }
/// # let client = Client;
/// let helpful = Judge::new(move |prompt: String| {
///     let client = client.clone();
///     async move { client.complete("a-model", prompt).await }
/// })
/// .prompt("Question: {{inputs.question}}\nAnswer: {{outputs}}\nIs the answer helpful?")
/// .choices([("yes", 1.0), ("partly", 0.5), ("no", 0.0)]);
///
/// let experiment = evaluate(|_: Datapoint| "42").evaluator("helpful", helpful);
/// # let _ = experiment;
/// ```
#[derive(Clone)]
#[must_use = "give it to an experiment with `.evaluator(name, …)`"]
pub struct Judge {
    model: Model,
    template: Result<Template, String>,
    choices: Choices,
    retries: u32,
}

impl Judge {
    /// A judge that asks this model. Default: whether the answer says what the ground truth says, yes or no.
    pub fn new<F, Fut, E>(model: F) -> Self
    where
        F: Fn(String) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<String, E>> + Send,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        Self {
            model: Model::new(model),
            template: Template::parse(PROMPT),
            choices: Choices::new([("yes".to_owned(), 1.0), ("no".to_owned(), 0.0)]),
            retries: RETRIES,
        }
    }

    /// What the model is asked, as a template. One that cannot be read is an error before anything runs.
    pub fn prompt(mut self, template: &str) -> Self {
        self.template = Template::parse(template);
        self
    }

    /// What the model can choose from, and the score of each. Case makes no difference.
    pub fn choices<N: Into<String>>(mut self, choices: impl IntoIterator<Item = (N, f64)>) -> Self {
        self.choices = Choices::new(choices.into_iter().map(|(name, score)| (name.into(), score)));
        self
    }

    /// Lets the model choose a number, which is the score: `1..=5`.
    pub fn rating(self, range: std::ops::RangeInclusive<i32>) -> Self {
        self.choices(range.map(|number| (number.to_string(), f64::from(number))))
    }

    /// How often the model is asked again when its answer has no choice in it. Default: 2.
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    async fn judge(self: Arc<Self>, context: OutcomeContext) -> Result<Scores, TaskError> {
        let template = self
            .template
            .as_ref()
            .map_err(|error| TaskError::new("Prompt", error))?;
        let prompt = format!("{}\n\n{}", template.render(&context, &[])?, self.choices.instructions());
        let tracer = &context.task.tracer;
        let Verdict { choice, score, reason } = self
            .model
            .choose(tracer, "judge", prompt, &self.choices, self.retries)
            .await?;
        let mut given = Score::new(score);
        if choice.parse::<f64>().is_err() {
            given = given.with("choice", choice);
        }
        Ok(match reason {
            Some(reason) => given.because(reason),
            None => given,
        }
        .into())
    }
}

/// Marks a model that judges.
#[derive(Debug)]
pub struct JudgeShape;

impl Evaluator<JudgeShape> for Judge {
    fn call(self: &Arc<Self>, context: OutcomeContext) -> Call<Scores> {
        Call::Async(Box::pin(self.clone().judge(context)))
    }

    fn configure(self) -> ConfiguredEvaluator {
        let problem = self.template.as_ref().err().cloned().or_else(|| self.choices.problem());
        let judge = Arc::new(self);
        ConfiguredEvaluator::built_in("judge", Arc::new(move |context| judge.call(context)), problem, true)
    }
}

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judge")
            .field("template", &self.template)
            .field("choices", &self.choices)
            .field("retries", &self.retries)
            .finish_non_exhaustive()
    }
}
