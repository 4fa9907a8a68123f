//! An evaluator with settings: repeated, aggregated, transformed, checked, weighted.

pub mod aggregate;
pub(crate) mod annotated;
mod check;
mod outcome;
mod pipeline;
mod set;

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::call::Call;
use crate::extract::OutcomeContext;
use crate::function::{AnyEvaluator, CLOSURE, Evaluator, any_evaluator, name_of};
use crate::output::TaskError;
use crate::score::{FromScore, IntoScore, Score, Scores};

pub use check::Check;
pub(crate) use outcome::{metrics, outcomes, score_names};
pub use set::Evaluators;

/// Gives an evaluator settings: any function that [`Evaluation::evaluator`](crate::Evaluation::evaluator) takes, or one
/// with settings of its own, which this one then wraps.
///
/// Each call of it is a `chain` event of its own below the datapoint's, with everything it calls inside. `#[evaluator]`
/// does the same on a function.
///
/// # Examples
///
/// ```
/// use honeyhive_eval::aggregate::mean;
/// use honeyhive_eval::prelude::*;
///
/// async fn judge(Outputs(answer): Outputs<String>) -> f64 {
///     # let _ = answer;
///     0.75 // ask a model
/// }
///
/// // Asks three times, and passes at 0.7 on average.
/// let judge = evaluator(judge).repeat(3).aggregate(mean).check(|score: f64| score >= 0.7);
/// # let _ = judge;
/// ```
pub fn evaluator<M, E: Evaluator<M>>(evaluator: E) -> ConfiguredEvaluator {
    let inner = ConfiguredEvaluator::named(evaluator);
    ConfiguredEvaluator {
        problem: inner.problem(),
        name: inner.name.clone(),
        call: {
            let name = inner.name.clone();
            inner.into_any(name.as_deref().unwrap_or(UNNAMED))
        },
        settings: Some(Box::default()),
    }
}

/// What an evaluator's event is called that has no name.
const UNNAMED: &str = "evaluator";

/// An evaluator with settings. Made by [`evaluator`](crate::evaluator()).
///
/// What happens in a call, in this order: the function, [`transform`](Self::transform), and without an aggregate
/// [`check`](Self::check), all that [`repeat`](Self::repeat) times; then [`aggregate`](Self::aggregate), and with one the
/// check. Explanations and extra measures stay with a score whose value is changed.
#[derive(Clone)]
#[must_use = "give it to an experiment with `.evaluator(name, …)`"]
pub struct ConfiguredEvaluator {
    pub(crate) name: Option<String>,
    call: AnyEvaluator,
    /// `None` for a function that is called as it is.
    settings: Option<Box<Settings>>,
    /// What was wrong when it was made.
    problem: Option<String>,
}

type Transform = Arc<dyn Fn(&Score) -> Result<Scores, TaskError> + Send + Sync>;
type Aggregate = Arc<dyn Fn(&[Score]) -> Result<Scores, TaskError> + Send + Sync>;
type AnyCheck = Arc<dyn Fn(&Score, Option<&Value>) -> Result<Scores, TaskError> + Send + Sync>;

#[derive(Clone)]
struct Settings {
    weight: f64,
    repeat: u32,
    transform: Option<Transform>,
    aggregate: Option<Aggregate>,
    check: Option<AnyCheck>,
    needs_target: bool,
    target: Option<Result<Value, String>>,
    asserts: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            weight: 1.0,
            repeat: 1,
            transform: None,
            aggregate: None,
            check: None,
            needs_target: false,
            target: None,
            asserts: false,
        }
    }
}

impl ConfiguredEvaluator {
    /// A function that is called as it is, without an event of its own.
    pub(crate) fn plain<M>(evaluator: impl Evaluator<M>) -> Self {
        Self {
            name: None,
            settings: None,
            call: any_evaluator(evaluator),
            problem: None,
        }
    }

    /// With the name of the function it is, unless it has another.
    fn named<M, E: Evaluator<M>>(evaluator: E) -> Self {
        let mut configured = evaluator.configure();
        let own = name_of::<E>();
        if configured.name.is_none() && own != CLOSURE {
            configured.name = Some(own.to_owned());
        }
        configured
    }

    /// A function with `#[evaluator]`, before its settings.
    pub(crate) fn annotated<M>(evaluator: impl Evaluator<M>) -> Self {
        Self {
            settings: Some(Box::default()),
            ..Self::plain(evaluator)
        }
    }

    /// One that comes with the crate.
    pub(crate) fn built_in(name: &str, call: AnyEvaluator, problem: Option<String>, is_traced: bool) -> Self {
        Self {
            name: Some(name.to_owned()),
            settings: is_traced.then(Box::default),
            call,
            problem,
        }
    }

    fn set(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(self.settings.get_or_insert_default());
        self
    }

    /// Name under which [`evaluators`](crate::Evaluation::evaluators) registers it. Default: the function's own; a closure
    /// has none.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// How much it counts. Recorded in the run's configuration as `evaluator_weights` and in the result, and computed with
    /// by nobody but you. Default: 1.
    pub fn weight(self, weight: f64) -> Self {
        self.set(|settings| settings.weight = weight)
    }

    /// Calls the function this many times at once; several times need an [`aggregate`](Self::aggregate) to make one
    /// score of them. If one of the calls fails, the evaluator has failed. Default: 1.
    pub fn repeat(self, times: u32) -> Self {
        self.set(|settings| settings.repeat = times)
    }

    /// Makes one score of those of all repetitions: a function of [`aggregate`](crate::aggregate) or of your own, over
    /// `&[f64]`, `&[ScoreValue]` or any other [`FromScore`] type.
    ///
    /// Each of several named scores is aggregated for itself, and so is each number beside a score. The explanations
    /// follow one another, a line each.
    pub fn aggregate<T, R>(self, aggregate: impl Fn(&[T]) -> R + Send + Sync + 'static) -> Self
    where
        T: FromScore,
        R: IntoScore,
    {
        self.set(|settings| {
            settings.aggregate = Some(Arc::new(move |scores| {
                let values: Result<Vec<T>, _> = scores.iter().map(T::from_score).collect();
                aggregate(&values?).into_score()
            }));
        })
    }

    /// Changes every score of the function.
    pub fn transform<T, R>(self, transform: impl Fn(T) -> R + Send + Sync + 'static) -> Self
    where
        T: FromScore,
        R: IntoScore,
    {
        self.set(|settings| {
            settings.transform = Some(Arc::new(move |score| transform(T::from_score(score)?).into_score()));
        })
    }

    /// Replaces the score by what this says of it: `|score: f64| score >= 0.7`, or with a [`target`](Self::target)
    /// `|score: f64, target: f64| score >= target`.
    pub fn check<M, C: Check<M>>(self, check: C) -> Self {
        self.set(|settings| {
            settings.needs_target = C::NEEDS_TARGET;
            settings.check = Some(Arc::new(move |score, target| check.check(score, target)));
        })
    }

    /// What [`check`](Self::check) compares with. Any value that serialises; the check reads it as the type of its
    /// second argument.
    pub fn target(self, target: impl Serialize) -> Self {
        self.set(|settings| settings.target = Some(serde_json::to_value(target).map_err(|error| error.to_string())))
    }

    /// Makes the evaluator fail on a row, as an error instead of a score, where the score is false, zero or empty.
    pub fn asserts(self) -> Self {
        self.set(|settings| settings.asserts = true)
    }

    pub(crate) fn weight_set(&self) -> Option<f64> {
        let weight = self.settings.as_ref()?.weight;
        #[allow(clippy::float_cmp, reason = "exactly the default")]
        (weight != 1.0).then_some(weight)
    }

    /// What is wrong with the settings, found before anything runs.
    pub(crate) fn problem(&self) -> Option<String> {
        if self.problem.is_some() {
            return self.problem.clone();
        }
        let settings = self.settings.as_deref()?;
        match settings {
            Settings { repeat: 0, .. } => Some("it is repeated 0 times: it would never run".to_owned()),
            Settings {
                repeat: 2..,
                aggregate: None,
                ..
            } => Some(format!(
                "it is repeated {} times, and nothing makes one score of them: add an aggregate, such as the mean",
                settings.repeat
            )),
            Settings {
                needs_target: true,
                target: None,
                ..
            } => Some("its check takes a target, and there is none: add `target`".to_owned()),
            Settings {
                target: Some(Err(error)),
                ..
            } => Some(format!("its target cannot be serialised: {error}")),
            Settings { weight, .. } if !weight.is_finite() || *weight < 0.0 => {
                Some(format!("its weight is {weight}: use a finite number from 0 up"))
            }
            _ => None,
        }
    }

    /// As a plain function of the outcome, under the name it is registered by.
    pub(crate) fn into_any(self, name: &str) -> AnyEvaluator {
        let Some(settings) = self.settings else {
            return self.call;
        };
        let pipeline = Arc::new(pipeline::Pipeline {
            name: name.to_owned(),
            call: self.call,
            settings,
        });
        Arc::new(move |context| Call::Async(Box::pin(pipeline.clone().run(context))))
    }
}

/// Marks an evaluator that has settings.
#[derive(Debug)]
pub struct ConfiguredShape;

impl Evaluator<ConfiguredShape> for ConfiguredEvaluator {
    fn call(self: &Arc<Self>, context: OutcomeContext) -> Call<Scores> {
        if let Some(problem) = self.problem() {
            return Call::Sync(Box::new(move || Err(TaskError::new("Evaluator", problem))));
        }
        let name = self.name.as_deref().unwrap_or(UNNAMED);
        self.as_ref().clone().into_any(name)(context)
    }

    fn configure(self) -> ConfiguredEvaluator {
        self
    }
}

impl fmt::Debug for ConfiguredEvaluator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("ConfiguredEvaluator");
        debug.field("name", &self.name);
        if let Some(settings) = &self.settings {
            debug
                .field("weight", &settings.weight)
                .field("repeat", &settings.repeat)
                .field("target", &settings.target)
                .field("asserts", &settings.asserts);
        }
        debug.finish_non_exhaustive()
    }
}
