//! The evaluators that come with the crate.

use honeyhive_eval::evaluators::{
    Field, contains, damerau_levenshtein, exact_match, f1, jaro_winkler, json_equal, json_schema, levenshtein, numeric,
    regex, sorensen_dice,
};
use honeyhive_eval::prelude::*;
use honeyhive_eval::{EvalError, Evaluator};
use honeyhive_tests::server;
use serde_json::{Value, json};

use super::{cases, echo, line, lines, outcomes};

/// What an evaluator makes of each pair, as lines.
async fn scored<M, const N: usize>(evaluator: impl Evaluator<M>, pairs: [(Value, Value); N]) -> Vec<String> {
    outcomes(evaluator, pairs).await.iter().map(line).collect()
}

/// The number an evaluator makes of two texts.
async fn measured<M>(evaluator: impl Evaluator<M>, found: &str, wanted: &str) -> f64 {
    let outcome = outcomes(evaluator, [(json!(found), json!(wanted))]).await.remove(0);
    outcome.unwrap().unwrap().value().as_number().unwrap()
}

#[track_caller]
fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
}

#[tokio::test]
async fn exact_match_is_exact_unless_told_otherwise() {
    let pairs = || {
        [
            (json!("Paris"), json!("Paris")),
            (json!(" PARIS\n"), json!("Paris")),
            (json!(4), json!("4")),
        ]
    };
    assert_eq!(scored(exact_match(), pairs()).await, ["true", "false", "true"]);
    assert_eq!(scored(exact_match().trim(), pairs()).await[1], "false");
    assert_eq!(scored(exact_match().trim().ignore_case(), pairs()).await[1], "true");
    assert_eq!(
        scored(exact_match().against(" PARIS\n"), pairs()).await,
        ["false", "true", "false"]
    );
    // Case is more than ASCII.
    assert_eq!(
        scored(exact_match().ignore_case(), [(json!("ÄPFEL"), json!("äpfel"))]).await,
        ["true"]
    );
}

#[tokio::test]
async fn texts_are_found_by_field_pointer_function_or_as_the_only_member() {
    let outputs = json!({"answer": {"cities": ["Rome", "Paris"], "a/b": "Oslo"}, "tokens": 3});
    let pairs = |wanted: &str| [(outputs.clone(), json!({"city": wanted}))];
    let by_path = exact_match().output_field("answer.cities.1");
    assert_eq!(scored(by_path, pairs("Paris")).await, ["true"]);
    let by_pointer = exact_match().output_field("/answer/a~1b").ground_truth_field("city");
    assert_eq!(scored(by_pointer, pairs("Oslo")).await, ["true"]);
    let last = Field::with(|outputs| outputs["answer"]["cities"].as_array()?.last().cloned());
    assert_eq!(scored(exact_match().output_field(last), pairs("Paris")).await, ["true"]);
    let both = exact_match().field("a");
    assert_eq!(
        scored(both, [(json!({"a": 1, "b": 2}), json!({"a": 1, "b": 3}))]).await,
        ["true"]
    );

    assert_eq!(
        scored(exact_match(), pairs("Paris")).await,
        [
            "error Field: the outputs are no text: an object with `answer`, `tokens`; say where the text is by `field(\"…\")`"
        ]
    );
    assert_eq!(
        scored(exact_match().output_field("reply"), pairs("Paris")).await,
        ["error Field: the outputs have no `reply`: an object with `answer`, `tokens`"]
    );
}

#[tokio::test]
async fn without_a_ground_truth_there_is_no_score() {
    let server = server();
    let dataset = Dataset::new([json!({"inputs": {"found": "1"}})]).unwrap();
    let result = echo(&server, dataset)
        .evaluators((
            exact_match(),
            f1(),
            numeric(),
            json_equal(),
            contains().against("1"),
            regex("[0-9]"),
        ))
        .await
        .unwrap();
    assert_eq!(
        lines(&result, 0),
        [
            "exact_match: none",
            "f1: none",
            "numeric: none",
            "json_equal: none",
            "contains: true",
            "regex: true (1)"
        ]
    );
}

#[tokio::test]
async fn contains_looks_for_the_truth_in_the_outputs() {
    let pairs = || {
        [
            (json!("The answer is Paris."), json!("paris")),
            (json!("paris"), json!("paris, of course")),
        ]
    };
    assert_eq!(scored(contains(), pairs()).await, ["false", "false"]);
    assert_eq!(scored(contains().ignore_case(), pairs()).await, ["true", "false"]);
}

#[tokio::test]
async fn f1_counts_words_as_often_as_they_are_there() {
    // 3 of 4 found words are wanted, 3 of 6 wanted are found: 2 · 0.75 · 0.5 / 1.25.
    let outcome = outcomes(f1(), [(json!("The cat sat down"), json!("the cat, the CAT: it sat"))])
        .await
        .remove(0);
    let score = outcome.unwrap().unwrap();
    close(score.value().as_number().unwrap(), 0.6);
    assert_eq!(score.extras()["precision"], json!(0.75));
    assert_eq!(score.extras()["recall"], json!(0.5));
    close(measured(f1(), "bees", "wasps").await, 0.0);
    close(measured(f1(), "", "").await, 1.0);
    close(measured(f1(), "", "bees").await, 0.0);
    assert_eq!(
        scored(
            f1().at_least(0.6),
            [(json!("The cat sat down"), json!("the cat, the CAT: it sat"))]
        )
        .await,
        ["true precision=0.75 recall=0.5 (f1 is 0.6000)"]
    );
}

/// The pairs every textbook uses.
#[tokio::test]
async fn distances_are_the_published_ones() {
    close(measured(levenshtein(), "kitten", "sitting").await, 1.0 - 3.0 / 7.0);
    close(measured(levenshtein(), "", "").await, 1.0);
    close(measured(damerau_levenshtein(), "ca", "ac").await, 0.5);
    close(measured(levenshtein(), "ca", "ac").await, 0.0);
    assert!((measured(jaro_winkler(), "MARTHA", "MARHTA").await - 0.9611).abs() < 1e-4);
    close(measured(sorensen_dice(), "night", "nacht").await, 0.25);
    assert_eq!(
        scored(levenshtein().at_least(0.6), [(json!("kitten"), json!("sitting"))]).await,
        ["false (levenshtein is 0.5714)"]
    );
}

#[tokio::test]
async fn numbers_are_close_within_either_tolerance() {
    let pairs = || {
        [
            (json!("2.51"), json!(2.5116)),
            (json!(100), json!(101)),
            (json!(0.1 + 0.2), json!(0.3)),
        ]
    };
    let passed = async |evaluator| -> Vec<bool> {
        scored(evaluator, pairs())
            .await
            .iter()
            .map(|line| line.starts_with("true"))
            .collect()
    };
    assert_eq!(passed(numeric()).await, [false, false, true]);
    assert_eq!(passed(numeric().tolerance(0.01)).await, [true, false, true]);
    assert_eq!(passed(numeric().relative(0.01)).await, [true, true, true]);
    assert_eq!(
        scored(numeric(), [(json!(1), json!(3))]).await,
        ["false error=2.0 (1 is 2 away from 3)"]
    );
    assert_eq!(
        scored(numeric(), [(json!("three"), json!(3))]).await,
        ["error Field: the outputs hold no number, but \"three\""]
    );
}

#[tokio::test]
async fn json_is_equal_whatever_the_order_and_the_first_difference_is_named() {
    let wanted = json!({"id": 7, "items": [{"name": "bee", "at": 1}, {"name": "wasp", "at": 2}]});
    let scored_against = async |found: Value, evaluator| scored(evaluator, [(found, wanted.clone())]).await.remove(0);
    let shuffled = json!(
        "```json\n{\"items\": [{\"at\": 1.0, \"name\": \"bee\"}, {\"at\": 2, \"name\": \"wasp\"}], \"id\": 7}\n```"
    );
    assert_eq!(scored_against(shuffled, json_equal()).await, "true");
    let other = json!({"id": 8, "items": [{"name": "bee", "at": 5}, {"name": "hornet", "at": 2}], "extra": null});
    assert_eq!(
        scored_against(other.clone(), json_equal()).await,
        "false (`id`: 8, not 7)"
    );
    let ignoring = || json_equal().ignoring("id").ignoring("items.at");
    assert_eq!(
        scored_against(other.clone(), ignoring()).await,
        "false (`items[1].name`: \"hornet\", not \"wasp\")"
    );
    let without_names = ignoring().ignoring("items.name");
    assert_eq!(
        scored_against(other.clone(), without_names.clone()).await,
        "false (`extra` is not wanted)"
    );
    assert_eq!(scored_against(other, without_names.partial()).await, "true");
    assert_eq!(
        scored_against(json!({"id": 7, "items": []}), json_equal()).await,
        "false (`items`: a list of 0, not of 2)"
    );
    assert_eq!(
        scored_against(json!({"id": 7}), json_equal()).await,
        "false (`items` is missing)"
    );
}

#[tokio::test]
async fn schemas_validate_and_name_what_is_wrong() {
    let schema = json!({
        "type": "object",
        "required": ["id"],
        "properties": {"id": {"type": "integer"}, "tags": {"items": {"type": "string"}}},
    });
    let pairs = [
        (json!({"id": 1, "tags": ["a"]}), json!(null)),
        (json!("```json\n{\"id\": 1}\n```"), json!(null)),
        (json!({"id": "1", "tags": [2]}), json!(null)),
        (json!("no JSON"), json!(null)),
    ];
    let lines = scored(json_schema(&schema), pairs).await;
    assert_eq!(lines[..2], ["true", "true"]);
    assert_eq!(
        lines[2],
        "false (/id: \"1\" is not of type \"integer\"; /tags/0: 2 is not of type \"string\")"
    );
    assert_eq!(lines[3], "false (\"no JSON\" is not of type \"object\")");
}

#[tokio::test]
async fn patterns_and_schemas_that_are_none_stop_the_run_before_it_starts() {
    let server = server();
    let run = echo(&server, cases([(json!(1), json!(1))]))
        .evaluator("it", regex("("))
        .await;
    let Err(EvalError::Evaluator { problem, .. }) = run else {
        panic!("no error")
    };
    assert!(problem.contains("unclosed group"), "{problem}");
    let run = echo(&server, cases([(json!(1), json!(1))]))
        .evaluator("it", evaluator(json_schema(&json!({"type": "nothing"}))))
        .await;
    let Err(EvalError::Evaluator { problem, .. }) = run else {
        panic!("no error")
    };
    assert!(problem.starts_with("its schema is none: "), "{problem}");
    let run = echo(&server, cases([(json!(1), json!(1))]))
        .evaluator("it", numeric().tolerance(-1.0))
        .await;
    assert!(matches!(run, Err(EvalError::Evaluator { .. })));
}

#[tokio::test]
async fn patterns_match_anywhere_and_say_what() {
    let pairs = || [(json!("See [12]."), json!(null)), (json!("See Ärzte"), json!(null))];
    assert_eq!(scored(regex(r"\[\d+\]"), pairs()).await, ["true ([12])", "false"]);
    assert_eq!(scored(regex(r"(?i)\bäRZTE$"), pairs()).await, ["false", "true (Ärzte)"]);
}

#[tokio::test]
async fn built_ins_take_settings_like_any_evaluator() {
    let inverted = evaluator(exact_match()).transform(|same: bool| !same);
    assert_eq!(scored(inverted, [(json!("a"), json!("b"))]).await, ["true"]);
}
