//! Many clients at once.

use serde_json::json;

use crate::life::TempFile;
use crate::support::Api;

/// Sessions started, changed and counted by clients that run at the same time, bad requests among them.
fn hammer(api: &Api) {
    const CLIENTS: usize = 8;
    const EACH: usize = 50;
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            scope.spawn(move || {
                for number in 0..EACH {
                    let started = api.ok(
                        "/session/start",
                        &json!({"session": {"session_name": format!("{client}-{number}"), "inputs": {"n": number}}}),
                    );
                    // A neighbour that fails in the same transaction must not take others with it.
                    assert_eq!(
                        api.put("/events", &json!({"event_id": uuid::Uuid::new_v4().to_string()}))
                            .0,
                        404
                    );
                    let (status, _) = api.put(
                        "/events",
                        &json!({"event_id": started["session_id"], "outputs": {"n": number}}),
                    );
                    assert_eq!(status, 200);
                }
            });
        }
    });
    let stored = api.export(&json!([]));
    assert_eq!(stored.len(), CLIENTS * EACH);
    for session in stored {
        assert_eq!(session["inputs"], session["outputs"]);
    }
}

#[test]
fn nothing_is_lost_in_memory() {
    hammer(&Api::start());
}

#[test]
fn nothing_is_lost_in_a_file() {
    let file = TempFile::new();
    hammer(&Api::of(
        honeyhive_local::Server::builder().database(&file.0).start().unwrap(),
    ));
}
