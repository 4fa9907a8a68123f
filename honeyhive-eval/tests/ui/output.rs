use honeyhive_eval::prelude::*;

struct Answer {
    text: String,
}

async fn respond(datapoint: Datapoint) -> Answer {
    Answer {
        text: datapoint.id,
    }
}

fn main() {
    let _ = evaluate(respond);
    let _ = evaluate(|datapoint: Datapoint| Answer { text: datapoint.id });
    let _ = evaluate(|_: Datapoint| Ok::<_, String>(vec![Some(std::time::Instant::now())]));
}
