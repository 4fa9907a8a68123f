use honeyhive_eval::prelude::*;

fn respond(question: String) -> String {
    question
}

fn main() {
    let _ = evaluate(respond);
    let _ = evaluate(|Outputs(output): Outputs<String>| output);
    let _ = evaluate(|| "nothing");
    let _ = evaluate(|_: Datapoint| "yes").evaluator("it", |output: String| output.len());
}
