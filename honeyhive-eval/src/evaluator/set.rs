//! Several evaluators at once, each under its own name.

use super::ConfiguredEvaluator;
use crate::function::Evaluator;

/// Evaluators with names of their own: a tuple of up to eight, an array or a vector. `M` tells their shapes apart and is
/// always inferred.
#[diagnostic::on_unimplemented(
    message = "these are no evaluators with names",
    label = "not evaluators with names",
    note = "give a tuple of functions, built-ins and `evaluator(…)`: `(exact_match(), judge)`",
    note = "name a closure with `.evaluator(\"name\", …)`"
)]
pub trait Evaluators<M> {
    /// Each of them.
    fn into_vec(self) -> Vec<ConfiguredEvaluator>;
}

impl<M, E: Evaluator<M>> Evaluators<(M,)> for Vec<E> {
    fn into_vec(self) -> Vec<ConfiguredEvaluator> {
        self.into_iter().map(ConfiguredEvaluator::named).collect()
    }
}

impl<M, E: Evaluator<M>, const N: usize> Evaluators<(M,)> for [E; N] {
    fn into_vec(self) -> Vec<ConfiguredEvaluator> {
        self.into_iter().map(ConfiguredEvaluator::named).collect()
    }
}

macro_rules! tuples {
    ($(($($name:ident $marker:ident)*))*) => {$(
        impl<$($name: Evaluator<$marker>, $marker,)*> Evaluators<($($marker,)*)> for ($($name,)*) {
            #[allow(non_snake_case)]
            fn into_vec(self) -> Vec<ConfiguredEvaluator> {
                let ($($name,)*) = self;
                vec![$(ConfiguredEvaluator::named($name)),*]
            }
        }
    )*};
}

tuples! {
    (A MA)
    (A MA B MB)
    (A MA B MB C MC)
    (A MA B MB C MC D MD)
    (A MA B MB C MC D MD E ME)
    (A MA B MB C MC D MD E ME F MF)
    (A MA B MB C MC D MD E ME F MF G MG)
    (A MA B MB C MC D MD E ME F MF G MG H MH)
}
