//! What functions under evaluation can take and return.

use std::collections::BTreeMap;
use std::future::Future;

use honeyhive_eval::Task;
use honeyhive_eval::prelude::*;
use honeyhive_tests::{server, settings};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Question {
    question: String,
}

#[derive(Deserialize)]
struct Source {
    page: u32,
}

#[derive(Serialize)]
struct Answer {
    text: &'static str,
}

/// The output of a function over one datapoint.
async fn output<M>(function: impl Task<M>) -> Result<Value, String> {
    let server = server();
    let dataset = Dataset::new([json!({
        "inputs": {"question": "2 + 2"},
        "ground_truth": 4,
        "metadata": {"page": 12},
    })]);
    let result = evaluate(function)
        .dataset(dataset.unwrap())
        .connection(settings(&server))
        .await
        .unwrap();
    result.rows[0].output.clone().map_err(|error| error.to_string())
}

async fn five(
    trial: Trial,
    Metadata(source): Metadata<Source>,
    truth: Option<GroundTruth<i64>>,
    tracer: HoneyHiveTracer,
    Inputs(input): Inputs<Question>,
) -> String {
    let session = tracer.session_name().to_owned();
    let truth = truth.map_or(-1, |truth| truth.0);
    format!(
        "{} {} {truth} {} {}",
        trial.0,
        source.page,
        input.question,
        session.len() > 5
    )
}

fn boxed(Inputs(input): Inputs<Question>) -> std::pin::Pin<Box<dyn Future<Output = String> + Send>> {
    Box::pin(async move { input.question })
}

#[tokio::test]
async fn five_arguments_in_any_order() {
    assert_eq!(output(five).await, Ok(json!("0 12 4 2 + 2 true")));
}

#[tokio::test]
async fn sync_async_and_async_closures_are_told_apart_by_their_types() {
    assert_eq!(
        output(|Inputs(q): Inputs<Question>| q.question).await,
        Ok(json!("2 + 2"))
    );
    assert_eq!(
        output(|Inputs(q): Inputs<Question>| async move { q.question }).await,
        Ok(json!("2 + 2"))
    );
    assert_eq!(
        output(async |Inputs(q): Inputs<Question>, Trial(trial): Trial| {
            tokio::task::yield_now().await;
            format!("{} {trial}", q.question)
        })
        .await,
        Ok(json!("2 + 2 0"))
    );
    assert_eq!(output(boxed).await, Ok(json!("2 + 2")));
}

#[tokio::test]
async fn outputs_are_scalars_lists_maps_and_own_types_as_json() {
    assert_eq!(output(|_: Datapoint| 1.5_f32).await, Ok(json!(1.5)));
    assert_eq!(output(|_: Datapoint| vec![Some(1), None]).await, Ok(json!([1, null])));
    assert_eq!(
        output(|_: Datapoint| BTreeMap::from([("a".to_owned(), true)])).await,
        Ok(json!({"a": true}))
    );
    assert_eq!(
        output(|_: Datapoint| Json(Answer { text: "four" })).await,
        Ok(json!({"text": "four"}))
    );
    assert_eq!(output(|_: Datapoint| ()).await, Ok(Value::Null));
    assert_eq!(output(|_: Datapoint| Ok::<_, String>("fine")).await, Ok(json!("fine")));
    assert_eq!(
        output(async |_: Datapoint| Err::<u8, _>(std::io::Error::other("no model"))).await,
        Err("Error: no model".to_owned())
    );
}

#[tokio::test]
async fn what_a_datapoint_does_not_hold_is_the_error_of_its_row() {
    let error = output(|Metadata(_): Metadata<Question>| 1).await.unwrap_err();
    assert_eq!(error, "ExtractError: argument `Metadata`: missing field `question`");
    let error = output(|GroundTruth(_): GroundTruth<Vec<String>>| 1).await.unwrap_err();
    assert!(
        error.starts_with("ExtractError: argument `GroundTruth`: invalid type"),
        "{error}"
    );
}
