//! Functions over extractors: one call accepts sync and async ones of any argument list, decided at compile time.

use std::future::Future;
use std::sync::Arc;

use honeyhive_core::__private::simple_name;
use serde_json::Value;

pub(crate) use crate::call::Call;
use crate::evaluator::ConfiguredEvaluator;
use crate::evaluator::annotated::{Annotated, Settings, Wraps};
use crate::extract::{ExtractError, FromOutcome, FromTask, OutcomeContext, TaskContext};
use crate::output::{IntoOutput, TaskError};
use crate::score::{FromScore, IntoScore, Scores};

/// A function under evaluation: any `Fn` whose arguments are [`FromTask`] and whose result is [`IntoOutput`], or a
/// future of it. `M` only tells the shapes apart and is always inferred.
pub trait Task<M>: Send + Sync + 'static {
    /// Prepares a call.
    fn call(self: &Arc<Self>, context: TaskContext) -> Call<Value>;
}

/// The one implementation, so that the compiler says which part of a function does not fit.
impl<F, A, S> Task<(A, S)> for F
where
    F: Function<A>,
    A: Arguments,
    F::Output: Returned<S>,
{
    fn call(self: &Arc<Self>, context: TaskContext) -> Call<Value> {
        let function = self.clone();
        F::Output::of(move || Ok(function.apply(A::extract(&context)?)))
    }
}

/// Something that can be called with arguments `A`, a tuple.
#[diagnostic::on_unimplemented(
    message = "this is no function that can be evaluated",
    label = "not a function that can be evaluated",
    note = "write the types of a closure's arguments: `|datapoint: Datapoint| …`",
    note = "arguments: `Datapoint`, `HoneyHiveTracer`, `Inputs<T>`, `GroundTruth<T>`, `Option<GroundTruth<T>>`, `Metadata<T>`, `Trial`, one to five, in any order"
)]
pub trait Function<A>: Send + Sync + 'static {
    /// What it returns.
    type Output;

    /// Calls it.
    fn apply(&self, arguments: A) -> Self::Output;
}

/// Arguments that can be made from a datapoint.
pub trait Arguments: Sized + 'static {
    /// Makes them.
    ///
    /// # Errors
    ///
    /// [`ExtractError`] of the first that cannot be made.
    fn extract(context: &TaskContext) -> Result<Self, ExtractError>;
}

/// What a function under evaluation may return: an output, or a future of one. `S` tells the two apart.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the output of a function under evaluation",
    note = "return scalars, text, JSON, vectors and maps of them, or `Result` of these with an error that implements `Error` or is a text; sync or async",
    note = "wrap a type of your own in `Json(…)`"
)]
pub trait Returned<S>: Sized + 'static {
    /// A call that starts by this.
    fn of(start: impl FnOnce() -> Result<Self, TaskError> + Send + 'static) -> Call<Value>;
}

impl<T: IntoOutput + 'static> Returned<SyncShape> for T {
    fn of(start: impl FnOnce() -> Result<Self, TaskError> + Send + 'static) -> Call<Value> {
        Call::Sync(Box::new(move || start()?.into_output()))
    }
}

impl<T: Future + Send + 'static> Returned<AsyncShape> for T
where
    T::Output: IntoOutput,
{
    fn of(start: impl FnOnce() -> Result<Self, TaskError> + Send + 'static) -> Call<Value> {
        Call::Async(Box::pin(async move {
            let running = start()?;
            running.await.into_output()
        }))
    }
}

/// An evaluator: any `Fn` whose arguments are [`FromOutcome`] and whose result is [`IntoScore`], or a future of it; one
/// with settings from [`evaluator`](crate::evaluator()) or `#[evaluator]`; or a built-in of [`evaluators`](crate::evaluators).
/// `M` only tells the shapes apart and is always inferred.
#[diagnostic::on_unimplemented(
    message = "this is no evaluator",
    label = "not an evaluator",
    note = "write the types of a closure's arguments: `|Outputs(answer): Outputs<String>| …`",
    note = "arguments: `Outputs<T>`, `Inputs<T>`, `GroundTruth<T>`, `Option<GroundTruth<T>>`, `Metadata<T>`, `Datapoint`, `HoneyHiveTracer`, `Trial`, at most five, in any order",
    note = "result: a bool, a number, a text, `Score`, `(score, \"why\")`, a map with `score`, `Scores`, `Json(…)`, or `Option` or `Result` of these; sync or async"
)]
pub trait Evaluator<M>: Send + Sync + 'static {
    /// Prepares a call.
    fn call(self: &Arc<Self>, context: OutcomeContext) -> Call<Scores>;

    /// The evaluator with its settings; one that has none is called as it is.
    fn configure(self) -> ConfiguredEvaluator
    where
        Self: Sized,
    {
        ConfiguredEvaluator::plain(self)
    }
}

/// Marks the sync shape of a function.
#[derive(Debug)]
pub struct SyncShape;
/// Marks the async shape of a function.
#[derive(Debug)]
pub struct AsyncShape;

macro_rules! tasks {
    ($($argument:ident)*) => {
        impl<F, R, $($argument,)*> Function<($($argument,)*)> for F
        where
            F: Fn($($argument),*) -> R + Send + Sync + 'static,
        {
            type Output = R;

            #[allow(non_snake_case)]
            fn apply(&self, ($($argument,)*): ($($argument,)*)) -> R {
                self($($argument),*)
            }
        }

        impl<$($argument: FromTask,)*> Arguments for ($($argument,)*) {
            fn extract(context: &TaskContext) -> Result<Self, ExtractError> {
                Ok(($($argument::from_task(context)?,)*))
            }
        }
    };
}

macro_rules! evaluators {
    ($($argument:ident)*) => {
        impl<F, R, $($argument,)*> Evaluator<(SyncShape, $($argument,)*)> for F
        where
            F: Fn($($argument),*) -> R + Send + Sync + 'static,
            R: IntoScore,
            $($argument: FromOutcome,)*
        {
            #[allow(non_snake_case)]
            fn call(self: &Arc<Self>, context: OutcomeContext) -> Call<Scores> {
                let function = self.clone();
                Call::Sync(Box::new(move || {
                    $(let $argument = $argument::from_outcome(&context)?;)*
                    function($($argument),*).into_score()
                }))
            }
        }

        impl<F, R, $($argument,)*> Evaluator<(AsyncShape, $($argument,)*)> for F
        where
            F: Fn($($argument),*) -> R + Send + Sync + 'static,
            R: Future + Send,
            R::Output: IntoScore,
            $($argument: FromOutcome,)*
        {
            #[allow(non_snake_case)]
            fn call(self: &Arc<Self>, context: OutcomeContext) -> Call<Scores> {
                let function = self.clone();
                Call::Async(Box::pin(async move {
                    $(let $argument = $argument::from_outcome(&context)?;)*
                    function($($argument),*).await.into_score()
                }))
            }
        }
    };
}

/// As above, of functions with `#[evaluator]`.
macro_rules! annotated {
    ($($argument:ident)*) => {
        impl<F, S, R, $($argument,)*> Evaluator<(AnnotatedShape, SyncShape, S, R, $($argument,)*)> for F
        where
            F: Fn($($argument),*) -> Annotated<S, R> + Send + Sync + 'static,
            S: Settings,
            R: IntoScore,
            $($argument: FromOutcome,)*
        {
            #[allow(non_snake_case)]
            fn call(self: &Arc<Self>, context: OutcomeContext) -> Call<Scores> {
                let function = self.clone();
                Call::Sync(Box::new(move || {
                    $(let $argument = $argument::from_outcome(&context)?;)*
                    function($($argument),*).into_inner().into_score()
                }))
            }

            fn configure(self) -> ConfiguredEvaluator {
                S::apply(ConfiguredEvaluator::annotated(self))
            }
        }

        impl<F, S, R, Fut, $($argument,)*> Evaluator<(AnnotatedShape, AsyncShape, S, R, Fut, $($argument,)*)> for F
        where
            F: Fn($($argument),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = Annotated<S, R>> + Send,
            S: Settings,
            R: IntoScore,
            $($argument: FromOutcome,)*
        {
            #[allow(non_snake_case)]
            fn call(self: &Arc<Self>, context: OutcomeContext) -> Call<Scores> {
                let function = self.clone();
                Call::Async(Box::pin(async move {
                    $(let $argument = $argument::from_outcome(&context)?;)*
                    function($($argument),*).await.into_inner().into_score()
                }))
            }

            fn configure(self) -> ConfiguredEvaluator {
                S::apply(ConfiguredEvaluator::annotated(self))
            }
        }
    };
}

/// Marks a function with `#[evaluator]`.
#[derive(Debug)]
pub struct AnnotatedShape;
/// Marks a function with `#[evaluator(wraps = …)]`.
#[derive(Debug)]
pub struct WrappingShape;

impl<F, S, R, T> Evaluator<(WrappingShape, S, R, T)> for F
where
    F: Fn(T) -> Annotated<S, R> + Send + Sync + 'static,
    S: Wraps,
    R: IntoScore,
    T: FromScore,
{
    fn call(self: &Arc<Self>, context: OutcomeContext) -> Call<Scores> {
        let function = self.clone();
        Arc::new(wrapping(move |score| function(score))).call(context)
    }

    fn configure(self) -> ConfiguredEvaluator {
        wrapping(self)
    }
}

fn wrapping<S: Wraps, R: IntoScore, T: FromScore>(
    function: impl Fn(T) -> Annotated<S, R> + Send + Sync + 'static,
) -> ConfiguredEvaluator {
    S::apply(S::wrapped().transform(move |score| function(score).into_inner()))
}

macro_rules! arities {
    ($(($($argument:ident)*))*) => {$(
        tasks!($($argument)*);
        evaluators!($($argument)*);
        annotated!($($argument)*);
    )*};
}

arities! { (A) (A B) (A B C) (A B C D) (A B C D E) }

/// A function whose shape has been forgotten.
pub(crate) type AnyTask = Arc<dyn Fn(TaskContext) -> Call<Value> + Send + Sync>;

/// An evaluator whose shape has been forgotten.
pub(crate) type AnyEvaluator = Arc<dyn Fn(OutcomeContext) -> Call<Scores> + Send + Sync>;

pub(crate) fn any_task<M>(task: impl Task<M>) -> AnyTask {
    let task = Arc::new(task);
    Arc::new(move |context| task.call(context))
}

pub(crate) fn any_evaluator<M>(evaluator: impl Evaluator<M>) -> AnyEvaluator {
    let evaluator = Arc::new(evaluator);
    Arc::new(move |context| evaluator.call(context))
}

/// Name of a closure.
pub(crate) const CLOSURE: &str = "function";

/// Name of a function, for the event that stands for its call; closures have none of their own.
pub(crate) fn name_of<F>() -> &'static str {
    let is_closure = std::any::type_name::<F>().contains("{{closure}}");
    if is_closure { CLOSURE } else { simple_name::<F>() }
}
