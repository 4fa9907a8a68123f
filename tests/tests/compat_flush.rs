//! `flush` of 0.x says what did not arrive, where 0.2.57 said nothing.
#![allow(
    deprecated,
    clippy::unwrap_used,
    reason = "the 0.x style is what is tested, and a test may stop"
)]

use honeyhive_compat as honeyhive;
use honeyhive_compat::{CompatError, InitOptions};
use honeyhive_tests::KEY;
use honeyhive_tests::scripted::{ScriptedServer, ok, status};

#[test]
fn what_the_backend_refuses_is_an_error_of_flush_that_never_shows_the_key() {
    #[honeyhive::trace]
    fn work() {}

    let server = ScriptedServer::start(|_, request| match request.line.as_str() {
        "POST /opentelemetry/v1/traces" => status(401),
        _ => ok(),
    });
    honeyhive::init(InitOptions::new(KEY).server_url(server.url())).unwrap();
    work();
    let error = honeyhive::flush().unwrap_err();
    assert!(matches!(error, CompatError::Flush(_)), "{error}");
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("401"), "{shown}");
    assert!(!shown.contains(KEY), "{shown}");
    honeyhive::reset();
}
