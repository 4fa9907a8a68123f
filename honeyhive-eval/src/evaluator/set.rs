//! Several evaluators at once, each under its own name.

use super::ConfiguredEvaluator;

/// Evaluators with names of their own: a tuple of up to eight, an array or a vector.
#[diagnostic::on_unimplemented(
    message = "these are no evaluators with names",
    note = "give a tuple of functions with `#[evaluator]`, built-ins and `evaluator(…)`: `(exact, judge)`",
    note = "name a closure with `.evaluator(\"name\", …)`"
)]
pub trait Evaluators {
    /// Each of them.
    fn into_vec(self) -> Vec<ConfiguredEvaluator>;
}

impl<E: Into<ConfiguredEvaluator>> Evaluators for Vec<E> {
    fn into_vec(self) -> Vec<ConfiguredEvaluator> {
        self.into_iter().map(Into::into).collect()
    }
}

impl<E: Into<ConfiguredEvaluator>, const N: usize> Evaluators for [E; N] {
    fn into_vec(self) -> Vec<ConfiguredEvaluator> {
        self.into_iter().map(Into::into).collect()
    }
}

macro_rules! tuples {
    ($(($($name:ident)*))*) => {$(
        impl<$($name: Into<ConfiguredEvaluator>),*> Evaluators for ($($name,)*) {
            #[allow(non_snake_case)]
            fn into_vec(self) -> Vec<ConfiguredEvaluator> {
                let ($($name,)*) = self;
                vec![$($name.into()),*]
            }
        }
    )*};
}

tuples! { (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) (A B C D E F G H) }
