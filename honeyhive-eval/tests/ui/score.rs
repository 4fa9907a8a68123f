use honeyhive_eval::prelude::*;

struct Verdict {
    passed: bool,
}

fn main() {
    let _ = evaluate(|_: Datapoint| "yes").evaluator("it", |_: Datapoint| Verdict { passed: true });
    let _ = evaluate(|_: Datapoint| "yes").evaluator("it", async |_: Datapoint| ());
    let _ = evaluate(|_: Datapoint| "yes").run_evaluator("it", |_: Datapoint| 1);
    let _ = evaluator(|_: Datapoint| 1).transform(|score: u8| score);
    let _ = evaluator(|_: Datapoint| 1).check(|score: f64, least: f64, most: f64| score > least && score < most);
}
