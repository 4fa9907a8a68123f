use honeyhive_eval::evaluator;
use honeyhive_eval::prelude::{Datapoint, Outputs};

#[evaluator(repeats = 3)]
fn unknown(_: Datapoint) -> f64 {
    1.0
}

#[evaluator(repeat = 3)]
fn no_aggregate(_: Datapoint) -> f64 {
    1.0
}

#[evaluator(repeat = 0)]
fn never(_: Datapoint) -> f64 {
    1.0
}

#[evaluator(repeat = 2, aggregate = "average")]
fn unknown_aggregate(_: Datapoint) -> f64 {
    1.0
}

#[evaluator(check = |score: f64, least: f64| score >= least)]
fn no_target(_: Datapoint) -> f64 {
    1.0
}

#[evaluator(target = 0.5)]
fn no_check(_: Datapoint) -> f64 {
    1.0
}

#[evaluator(name = "a.b")]
fn dotted(_: Datapoint) -> f64 {
    1.0
}

#[evaluator(weight)]
fn no_value(_: Datapoint) -> f64 {
    1.0
}

#[evaluator(asserts = true)]
fn a_flag(_: Datapoint) -> f64 {
    1.0
}

#[evaluator(weight = 1.0, weight = 2.0)]
fn twice(_: Datapoint) -> f64 {
    1.0
}

#[evaluator]
fn generic<T>(Outputs(output): Outputs<T>) -> f64 {
    1.0
}

#[evaluator(wraps = unknown)]
async fn asynchronous(score: f64) -> f64 {
    score
}

#[evaluator(wraps = unknown, transform = |score: f64| score)]
fn transformed_twice(score: f64) -> f64 {
    score
}

struct Judge;

impl Judge {
    #[evaluator]
    fn judge(&self, _: Datapoint) -> f64 {
        1.0
    }
}

#[evaluator]
struct Nothing;

fn main() {}
