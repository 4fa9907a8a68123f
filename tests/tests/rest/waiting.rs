//! Waiting for a call from every kind of thread, and awaiting it on every kind of executor.

use std::sync::Arc;

use honeyhive_core::api::{Client, RunQuery};
use honeyhive_tests::{server, settings};

use super::client;

fn lists(client: &Client) -> usize {
    client.runs().list(&RunQuery::default()).all().wait().unwrap().len()
}

#[test]
fn a_call_is_waited_for_in_synchronous_code_and_in_every_runtime() {
    let server = server();
    let (own, tracer) = (client(server.url()), honeyhive_tests::tracer(&server));
    for client in [own, tracer.api()] {
        assert_eq!(lists(&client), 0);
        let runtimes = [
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
            tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .unwrap(),
        ];
        for runtime in runtimes {
            // More often than a task may make progress before tokio wants it to pause.
            runtime.block_on(async { (0..300).for_each(|_| assert_eq!(lists(&client), 0)) });
            let spawned = client.clone();
            runtime.block_on(async {
                assert_eq!(
                    tokio::spawn({
                        let client = client.clone();
                        async move { lists(&client) }
                    })
                    .await
                    .unwrap(),
                    0
                );
                assert_eq!(tokio::task::spawn_blocking(move || lists(&spawned)).await.unwrap(), 0);
            });
        }
    }
}

#[test]
fn a_call_is_awaited_without_tokio() {
    let server = server();
    let client = client(server.url());
    let runs = block_on(client.runs().list(&RunQuery::default()).all());
    assert!(runs.unwrap().is_empty());
}

/// An executor that knows nothing of timers or sockets.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(std::thread::current())).into();
    let mut cx = std::task::Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut cx) {
            std::task::Poll::Ready(value) => return value,
            std::task::Poll::Pending => std::thread::park(),
        }
    }
}

#[test]
fn waiting_where_the_delivery_thread_itself_runs_is_an_error_not_a_deadlock() {
    use std::sync::{Mutex, OnceLock};

    let server = server();
    let asked: Arc<OnceLock<Client>> = Arc::default();
    let said: Arc<Mutex<Vec<String>>> = Arc::default();
    let (of_redact, heard) = (asked.clone(), said.clone());
    let tracer = settings(&server)
        .redact(move |_, _| {
            if let Some(client) = of_redact.get() {
                heard
                    .lock()
                    .unwrap()
                    .push(client.runs().get("r").wait().unwrap_err().to_string());
            }
            None
        })
        .build()
        .unwrap();
    asked.set(tracer.api()).unwrap();
    tracer.span("s").input("question", "why").start().end();
    tracer.flush_blocking(honeyhive_tests::PATIENCE).unwrap();
    let said = said.lock().unwrap();
    assert!(said.iter().any(|text| text.contains("delivery thread")), "{said:?}");
}
