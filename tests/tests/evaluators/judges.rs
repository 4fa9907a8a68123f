//! Models as judges.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use honeyhive_eval::evaluators::{Judge, Pairwise};
use honeyhive_eval::prelude::*;
use honeyhive_eval::{EvalError, Evaluator};
use honeyhive_tests::{server, session, settings, tracer};
use serde_json::json;

use super::{cases, echo, line, outcomes};

/// A model that gives these answers in turn, the last one again and again, and remembers what it was asked.
#[derive(Clone, Default)]
struct Model {
    asked: Arc<Mutex<Vec<String>>>,
}

impl Model {
    fn answering<const N: usize>(
        &self,
        answers: [&'static str; N],
    ) -> impl Fn(String) -> std::pin::Pin<Box<dyn Future<Output = Result<String, String>> + Send>> + use<N> {
        let (asked, turn) = (self.asked.clone(), AtomicUsize::new(0));
        move |prompt| {
            asked.lock().unwrap().push(prompt);
            let answer = answers[turn.fetch_add(1, Ordering::Relaxed).min(N - 1)];
            Box::pin(async move {
                tokio::task::yield_now().await;
                match answer.strip_prefix("fail: ") {
                    Some(error) => Err(error.to_owned()),
                    None => Ok(answer.to_owned()),
                }
            })
        }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn scored<M>(judge: impl Evaluator<M>) -> String {
    line(&outcomes(judge, [(json!("It is 42."), json!("42"))]).await[0])
}

#[tokio::test]
async fn the_prompt_has_the_values_and_the_answer_becomes_a_score() {
    let model = Model::default();
    let judge = Judge::new(model.answering(["Both say 42.\n\n[[Yes]]"]));
    assert_eq!(scored(judge).await, "1.0 choice=\"yes\" (Both say 42.)");
    let [prompt] = &model.asked()[..] else {
        panic!("asked once")
    };
    for part in [
        "{\"found\":\"It is 42.\"}",
        "Its answer:\nIt is 42.\n",
        "expected:\n42\n",
        "Choose one of: yes, no.",
    ] {
        assert!(prompt.contains(part), "{part} is missing:\n{prompt}");
    }
}

#[tokio::test]
async fn templates_choices_and_ratings_are_the_users() {
    let model = Model::default();
    let judge = Judge::new(model.answering(["[[partly]]"]))
        .prompt("{{ inputs.found }}|{{outputs}}|{{feedback.ground_truth}}|{{metadata}}")
        .choices([("good", 1.0), ("partly", 0.25)]);
    assert_eq!(scored(judge).await, "0.25 choice=\"partly\"");
    assert!(
        model.asked()[0].starts_with("It is 42.|It is 42.|42|{}\n\n"),
        "{}",
        model.asked()[0]
    );
    let rated = Judge::new(model.answering(["Fine.\n[[4]]"])).rating(1..=5);
    assert_eq!(scored(rated).await, "4.0 (Fine.)");
}

/// A value that looks like a place stays text.
#[tokio::test]
async fn what_an_output_contains_is_never_a_template() {
    let model = Model::default();
    let judge = Judge::new(model.answering(["[[no]]"])).prompt("<{{outputs}}>");
    outcomes(judge, [(json!("{{ground_truth}}"), json!("secret"))]).await;
    assert!(
        model.asked()[0].starts_with("<{{ground_truth}}>"),
        "{}",
        model.asked()[0]
    );
}

#[tokio::test]
async fn an_unreadable_answer_is_asked_for_again_and_then_an_error() {
    let model = Model::default();
    let judge = Judge::new(model.answering(["Hard to say.", "[[perhaps]]", "Well, [[no]]"]));
    assert_eq!(scored(judge).await, "0.0 choice=\"no\" (Well,)");
    let asked = model.asked();
    assert_eq!(asked.len(), 3);
    assert!(asked[1].starts_with(&asked[0]), "the question comes first again");
    assert!(asked[1].contains("it has no choice in double brackets, one of yes, no. It ended:\nHard to say."));
    assert!(asked[2].contains("[[perhaps]] is none of the choices yes, no"));

    let model = Model::default();
    let never = Judge::new(model.answering(["Hmm."])).retries(1);
    assert_eq!(
        scored(never).await,
        "error UnreadableAnswer: it has no choice in double brackets, one of yes, no, asked 2 times; the last answer: Hmm."
    );
    assert_eq!(model.asked().len(), 2);
}

#[tokio::test]
async fn an_error_of_the_model_is_not_asked_again() {
    let model = Model::default();
    let judge = Judge::new(model.answering(["fail: out of tokens", "[[yes]]"]));
    assert_eq!(scored(judge).await, "error Error: out of tokens");
    assert_eq!(model.asked().len(), 1);
}

#[tokio::test]
async fn prompts_that_cannot_be_used_stop_the_run_or_fail_the_row() {
    let server = server();
    let model = Model::default();
    let problem = async |judge: Judge| {
        let run = echo(&server, cases([(json!(1), json!(1))]))
            .evaluator("it", judge)
            .await;
        let Err(EvalError::Evaluator { problem, .. }) = run else {
            panic!("no error")
        };
        problem
    };
    let judge = || Judge::new(model.answering(["[[yes]]"]));
    assert_eq!(
        problem(judge().prompt("{{question}}")).await,
        "its prompt has `{{question}}`, which is none of inputs, outputs, ground_truth, metadata"
    );
    assert_eq!(
        problem(judge().prompt("{{outputs")).await,
        "its prompt has `{{` without `}}`"
    );
    assert_eq!(
        problem(judge().choices([("yes", 1.0)])).await,
        "there are fewer than two choices"
    );
    assert_eq!(
        scored(judge().prompt("{{inputs.question}}")).await,
        "error Field: the inputs have no `question`: an object with `found`"
    );
    let unlabelled = Dataset::new([json!({"inputs": {"found": 1}})]).unwrap();
    let result = echo(&server, unlabelled).evaluator("it", judge()).await.unwrap();
    assert_eq!(
        line(&result.rows[0].scores[0].1),
        "error Prompt: the prompt asks for `{{ground_truth}}`, and the datapoint has no `ground_truth`"
    );
    assert!(model.asked().is_empty());
}

#[trace(event_type = "tool")]
async fn complete(prompt: String) -> Result<String, std::fmt::Error> {
    Ok(if prompt.contains("It ended") {
        "[[yes]]".into()
    } else {
        "Hmm.".into()
    })
}

#[tokio::test]
async fn each_question_is_a_model_event_inside_the_judges() {
    let server = server();
    let judge = Judge::new(complete).prompt("{{outputs}}?");
    let result = evaluate(|_: Datapoint| "42")
        .name("judged")
        .dataset(Dataset::new([json!({"inputs": {"q": 1}})]).unwrap())
        .connection(settings(&server))
        .evaluator("helpful", judge)
        .await
        .unwrap();
    let tree = session(&tracer(&server), result.rows[0].session_id).await.to_string();
    let shape: Vec<&str> = tree.lines().filter(|line| line.contains('─')).collect();
    assert_eq!(
        shape,
        [
            "└─ chain function",
            "   └─ chain helpful",
            "      ├─ model judge",
            "      │  └─ tool complete",
            "      └─ model judge",
            "         └─ tool complete",
        ],
        "{tree}"
    );
    assert!(tree.contains("metadata: attempt=2"), "{tree}");
    assert!(tree.contains("metrics: helpful=1.0 helpful_choice=\"yes\""), "{tree}");
}

/// A model that always prefers what comes first.
async fn partial_to_the_first(prompt: String) -> Result<String, String> {
    assert!(prompt.contains("Choose one of: A, B, tie."), "{prompt}");
    Ok("[[A]]".into())
}

/// A model that prefers what has this text, wherever it stands.
fn preferring(text: &'static str) -> impl Fn(String) -> std::future::Ready<Result<String, String>> {
    move |prompt| {
        let (_, answers) = prompt.split_once("Answer A:").unwrap();
        let (a, _) = answers.split_once("Answer B:").unwrap();
        let choice = if a.contains(text) { "A" } else { "B" };
        std::future::ready(Ok(format!("{choice} has it.\n[[{choice}]]")))
    }
}

#[tokio::test]
async fn pairs_are_judged_in_both_orders_so_that_position_does_not_count() {
    assert_eq!(
        scored(Pairwise::new(preferring("It is"))).await,
        "1.0 consistent=true (first: A has it.; in the other order: B has it.)"
    );
    assert_eq!(
        scored(Pairwise::new(preferring("\n42\n"))).await,
        "0.0 consistent=true (first: B has it.; in the other order: A has it.)"
    );
    assert_eq!(
        scored(Pairwise::new(partial_to_the_first)).await,
        "0.5 consistent=false (first: A; in the other order: A)"
    );
    let model = Model::default();
    assert_eq!(
        scored(Pairwise::new(model.answering(["[[tie]]"]))).await,
        "0.5 consistent=true (first: tie; in the other order: tie)"
    );
    assert_eq!(model.asked().len(), 2);
}

#[tokio::test]
async fn the_other_answer_can_come_from_anywhere() {
    let other = |datapoint: &Datapoint| datapoint.inputs["found"].as_str().map(|found| format!("not {found}"));
    let pairwise = Pairwise::new(preferring("not It is")).against(other);
    assert!(scored(pairwise).await.starts_with("0.0 consistent=true"));
    assert_eq!(scored(Pairwise::new(preferring("x")).against(|_| None)).await, "none");
    let server = server();
    let run = echo(&server, cases([(json!(1), json!(1))]))
        .evaluator("it", Pairwise::new(preferring("x")).prompt("{{a}}"))
        .await;
    let Err(EvalError::Evaluator { problem, .. }) = run else {
        panic!("no error")
    };
    assert_eq!(problem, "its prompt needs both answers, `{{a}}` and `{{b}}`");
}
