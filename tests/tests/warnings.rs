//! What is said, and how often. One test, since what was said once stays said in the process.
#![allow(clippy::unwrap_used, missing_docs)]

use std::fmt;
use std::sync::{Arc, Mutex};

use honeyhive_core::opentelemetry::Context;
use honeyhive_core::opentelemetry::trace::{Tracer as _, TracerProvider as _};
use honeyhive_core::routing::RoutingProvider;
use honeyhive_core::{HoneyHiveTracer, trace};
use honeyhive_tests::PATIENCE;
use honeyhive_tests::scripted::{ScriptedServer, ok};
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context as LayerContext, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    fn about(&self, word: &str) -> usize {
        self.0.lock().unwrap().iter().filter(|said| said.contains(word)).count()
    }
}

impl<S: tracing::Subscriber> Layer<S> for Heard {
    fn on_event(&self, event: &tracing::Event<'_>, _: LayerContext<'_, S>) {
        struct Message(String);

        impl Visit for Message {
            fn record_debug(&mut self, _: &Field, value: &dyn fmt::Debug) {
                self.0 += &format!("{value:?} ");
            }
        }

        let mut message = Message(String::new());
        event.record(&mut message);
        self.0.lock().unwrap().push(message.0);
    }
}

#[trace]
fn step() {}

#[test]
fn what_is_wrong_is_said_once_with_the_fix_and_no_secret() {
    let heard = Heard::default();
    tracing_subscriber::registry()
        .with(heard.clone())
        .with(honeyhive_core::routing::layer())
        .init();
    step();
    step();
    assert_eq!(heard.about("without a tracer"), 1);
    let server = ScriptedServer::start(|_, _| ok());
    let old = || {
        HoneyHiveTracer::builder()
            .environment([
                ("HONEYHIVE_API_KEY", "hh_sEcReT"),
                ("HONEYHIVE_SERVER_URL", server.url()),
            ])
            .verbose(true)
            .skip_session_start()
            .build()
            .unwrap()
    };
    let (first, second) = (old(), old());
    assert_eq!(heard.about("HONEYHIVE_API_KEY is deprecated; set HH_API_KEY"), 1);
    assert_eq!(heard.about("HONEYHIVE_SERVER_URL is deprecated; set HH_API_URL"), 1);
    step();
    step();
    // From inside the bridge, which holds a lock meanwhile.
    tracing::info_span!("of a library").in_scope(step);
    let library = RoutingProvider::new().tracer("a library");
    drop(library.build_with_context(library.span_builder("s"), &Context::new()));
    assert_eq!(heard.about("several tracers exist"), 1);
    assert!(heard.about("#[trace(tracer = …)]") > 0 && heard.about("set_default()") > 0);
    let chosen = first.span("s").start();
    chosen.end();
    first.flush_blocking(PATIENCE).unwrap();
    let request = format!("POST {}/opentelemetry/v1/traces: accepted", server.url());
    assert_eq!(heard.about(&request), 1);
    assert_eq!(heard.about("sEcReT"), 0);
    drop((first, second));
}
