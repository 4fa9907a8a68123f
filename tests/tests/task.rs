//! Work on other tasks and threads: below the span and in the session of the code that handed it over, nowhere else.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use honeyhive_core::opentelemetry::Context;
use honeyhive_core::opentelemetry::trace::TraceContextExt;
use honeyhive_core::{HoneyHiveTracer, task, trace};
use honeyhive_tests::{server, session, tracer};
use rayon::prelude::*;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

#[trace]
fn step(on: &str) -> usize {
    assert!(on != "shaky ground", "it gave way");
    on.len()
}

#[trace]
async fn async_step(on: &str) -> usize {
    // Polled more than once, so perhaps on several threads.
    tokio::task::yield_now().await;
    step("a later poll") + on.len()
}

#[trace(event_type = "chain")]
async fn request() {
    task::spawn(async_step("a task")).await.unwrap();
    task::spawn_blocking(|| step("a blocking thread")).await.unwrap();
    task::spawn_thread(|| step("a thread")).join().unwrap();
    std::thread::scope(|scope| scope.spawn(task::carry(|| step("a scoped thread"))).join()).unwrap();
    let mut set = JoinSet::new();
    set.spawn(task::carry_future(async_step("a join set")));
    set.join_all().await;
    tokio::select! {
        _ = async_step("select") => {}
        () = pending() => {}
    }
}

fn runtimes() -> [Runtime; 2] {
    let current_thread = Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .build();
    let multi_thread = Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(1)
        .enable_all()
        .build();
    [current_thread.unwrap(), multi_thread.unwrap()]
}

fn one_thread() -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap()
}

/// Whether this thread is in nobody's session and in no span.
fn clean() -> bool {
    HoneyHiveTracer::current().is_none() && Context::map_current(|cx| !cx.has_active_span())
}

#[test]
fn work_handed_over_lands_below_its_caller_on_both_runtimes() {
    for runtime in runtimes() {
        let server = server();
        let tracer = tracer(&server);
        let session_of_the_request = tracer.new_session("a request").start();
        runtime.block_on(async {
            session_of_the_request.scope(request()).await;
            let tree = session(&tracer, session_of_the_request.session_id()).await;
            insta::allow_duplicates! {
                insta::assert_snapshot!(tree.to_string(), @r#"
                session a request
                └─ chain request
                   ├─ tool async_step
                   │  │ inputs: on="a task"
                   │  │ outputs: result=18
                   │  └─ tool step
                   │       inputs: on="a later poll"
                   │       outputs: result=12
                   ├─ tool step
                   │    inputs: on="a blocking thread"
                   │    outputs: result=17
                   ├─ tool step
                   │    inputs: on="a thread"
                   │    outputs: result=8
                   ├─ tool step
                   │    inputs: on="a scoped thread"
                   │    outputs: result=15
                   ├─ tool async_step
                   │  │ inputs: on="a join set"
                   │  │ outputs: result=22
                   │  └─ tool step
                   │       inputs: on="a later poll"
                   │       outputs: result=12
                   └─ tool async_step
                      │ inputs: on="select"
                      │ outputs: result=18
                      └─ tool step
                           inputs: on="a later poll"
                           outputs: result=12
                "#);
            }
            assert_eq!(session(&tracer, tracer.session_id()).await.len(), 1, "nothing leaked");
        });
    }
}

#[tokio::test]
async fn a_carried_future_belongs_where_it_was_made_not_where_it_is_polled() {
    let server = server();
    let tracer = tracer(&server);
    let (ours, other) = (tracer.new_session("ours").start(), tracer.new_session("other").start());
    let future = ours.in_scope(|| task::carry_future(async_step("select")));
    let select = async {
        tokio::select! {
            _ = future => {}
            () = pending() => {}
        }
        step("the other session");
    };
    other.scope(select).await;
    let trees = [
        session(&tracer, ours.session_id()).await.to_string(),
        session(&tracer, other.session_id()).await.to_string(),
    ];
    insta::assert_snapshot!(trees.concat(), @r#"
    session ours
    └─ tool async_step
       │ inputs: on="select"
       │ outputs: result=18
       └─ tool step
            inputs: on="a later poll"
            outputs: result=12
    session other
    └─ tool step
         inputs: on="the other session"
         outputs: result=17
    "#);
}

#[trace(event_type = "chain")]
fn on_rayon() {
    task::rayon::join(|| step("the left side"), || step("the right side"));
    let steps = ["one", "two"].into_par_iter().map(task::carry_each(step));
    steps.sum::<usize>();
    let (done, wait) = std::sync::mpsc::channel();
    task::rayon::spawn(move || done.send(step("a spawned job")).unwrap());
    wait.recv().unwrap();
    one_thread().install(task::carry(|| step("another pool")));
}

/// One thread for the pool that `rayon::join` and `rayon::spawn` use, so that events have an order.
fn global_pool_of_one_thread() {
    static BUILT: Once = Once::new();
    BUILT.call_once(|| rayon::ThreadPoolBuilder::new().num_threads(1).build_global().unwrap());
}

#[tokio::test]
async fn work_on_a_rayon_pool_lands_below_its_caller() {
    let server = server();
    let tracer = tracer(&server);
    global_pool_of_one_thread();
    tracer.in_scope(on_rayon);
    let tree = session(&tracer, tracer.session_id()).await;
    insta::assert_snapshot!(tree.to_string(), @r#"
    session a session
    └─ chain on_rayon
       ├─ tool step
       │    inputs: on="the left side"
       │    outputs: result=13
       ├─ tool step
       │    inputs: on="the right side"
       │    outputs: result=14
       ├─ tool step
       │    inputs: on="one"
       │    outputs: result=3
       ├─ tool step
       │    inputs: on="two"
       │    outputs: result=3
       ├─ tool step
       │    inputs: on="a spawned job"
       │    outputs: result=13
       └─ tool step
            inputs: on="another pool"
            outputs: result=12
    "#);
}

#[trace(event_type = "chain", skip(pool))]
fn many_steps(pool: &rayon::ThreadPool, name: &str) {
    let step = task::carry_each(|_| step(name));
    pool.install(|| {
        (0..20).into_par_iter().for_each(|number| {
            step(number);
            rayon::yield_now();
        });
    });
}

#[tokio::test]
async fn sessions_that_share_a_rayon_pool_stay_apart() {
    let server = server();
    let tracer = tracer(&server);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let sessions: Vec<_> = (0..4)
        .map(|n| tracer.new_session(format!("session {n}")).start())
        .collect();
    std::thread::scope(|scope| {
        for session in &sessions {
            let pool = &pool;
            scope.spawn(move || session.in_scope(|| many_steps(pool, session.session_name())));
        }
    });
    for own in &sessions {
        let tree = session(&tracer, own.session_id()).await;
        let parent = tree.find("many_steps").unwrap();
        let ours = |name: &str| name == own.session_name();
        let steps = parent
            .children()
            .filter(|node| node.event().inputs["on"].as_str().is_some_and(ours));
        assert_eq!((steps.count(), tree.len()), (20, 22), "{tree}");
    }
}

#[test]
fn nothing_stays_attached_to_a_thread_that_is_used_again() {
    let server = server();
    let tracer = tracer(&server);
    for runtime in runtimes() {
        runtime.block_on(async {
            tracer.scope(request()).await;
            assert!(
                tokio::task::spawn_blocking(clean).await.unwrap(),
                "the only blocking thread"
            );
            for _ in 0..8 {
                assert!(tokio::spawn(async { clean() }).await.unwrap(), "the runtime's threads");
            }
        });
    }
    global_pool_of_one_thread();
    tracer.in_scope(on_rayon);
    assert_eq!(rayon::join(clean, clean), (true, true), "the pool's only thread");
    assert!(clean(), "this thread");
}

#[test]
fn a_panic_is_recorded_and_leaves_the_thread_clean() {
    let server = server();
    let tracer = tracer(&server);
    let pool = one_thread();
    let fall = || step("shaky ground");
    tracer.in_scope(|| {
        let carried = task::carry(fall);
        pool.install(|| catch_unwind(AssertUnwindSafe(carried)).unwrap_err());
        let each = task::carry_each(|()| fall());
        pool.install(|| catch_unwind(AssertUnwindSafe(|| each(()))).unwrap_err());
    });
    assert!(pool.install(clean), "the pool's only thread");
    for runtime in runtimes() {
        runtime.block_on(async {
            let (blocking, spawned) =
                tracer.in_scope(|| (task::spawn_blocking(fall), task::spawn(async move { fall() })));
            assert!(blocking.await.unwrap_err().is_panic());
            assert!(spawned.await.unwrap_err().is_panic());
            assert!(
                tokio::task::spawn_blocking(clean).await.unwrap(),
                "the only blocking thread"
            );
            assert!(tokio::spawn(async { clean() }).await.unwrap(), "the runtime's threads");
        });
    }
    let [runtime, _] = runtimes();
    let tree = runtime.block_on(session(&tracer, tracer.session_id()));
    let panics = tree.find("a session").unwrap();
    let panics = panics
        .children()
        .filter(|node| node.event().error.as_deref() == Some("it gave way"));
    assert_eq!((panics.count(), tree.len()), (6, 7), "{tree}");
}

#[test]
fn outside_a_runtime_spawning_panics_as_tokio_does() {
    fn message<T>(run: impl FnOnce() -> T) -> String {
        let panic = catch_unwind(AssertUnwindSafe(|| drop(run()))).unwrap_err();
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap()
    }
    assert_eq!(message(|| task::spawn(async {})), message(|| tokio::spawn(async {})));
    assert_eq!(
        message(|| task::spawn_blocking(|| ())),
        message(|| tokio::task::spawn_blocking(|| ()))
    );
}
