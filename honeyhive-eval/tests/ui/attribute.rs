use honeyhive_eval::evaluator;
use honeyhive_eval::prelude::{Datapoint, Outputs};

struct Verdict;

#[evaluator]
fn wrong_argument(output: String) -> bool {
    output.is_empty()
}

#[evaluator]
async fn wrong_result(_: Datapoint) -> Verdict {
    Verdict
}

#[evaluator]
fn no_result(_: Datapoint) {}

#[evaluator]
fn no_argument() -> bool {
    true
}

#[evaluator(wraps = wrong_argument)]
fn wrong_score(score: u8) -> u8 {
    score
}

fn main() {}
