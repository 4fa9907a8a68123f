//! Settings of content: which spans are kept, how large they may be, and what every one of them carries.

use std::sync::Arc;

use serde_json::Value;

use super::filter::{self, Filter, NameFilter};
use super::reader::{Reader, names};
use super::{ConfigError, TracerBuilder};
use crate::delivery::{RedactFn, Redaction};
use crate::keys;

#[derive(Clone, Default)]
pub(super) struct Given {
    disable_tracing: Option<bool>,
    test_mode: Option<bool>,
    sample_rate: Option<f64>,
    spans: NameFilter,
    scopes: NameFilter,
    max_attributes: Option<usize>,
    max_events: Option<u32>,
    max_links: Option<u32>,
    max_span_size: Option<usize>,
    max_value_size: Option<usize>,
    redact_secrets: Option<bool>,
    redact: Vec<RedactFn>,
    experiment: [Option<String>; EXPERIMENT.len()],
    experiment_metadata: Vec<(String, String)>,
}

/// What becomes of what is traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It is recorded and sent.
    On,
    /// It is recorded, and nothing is sent.
    Test,
    /// Nothing is recorded.
    Off,
}

/// How large a span may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) attributes: usize,
    pub(crate) events: u32,
    pub(crate) links: u32,
    pub(crate) span_bytes: usize,
    pub(crate) value_bytes: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Content {
    pub(crate) mode: Mode,
    pub(crate) sample_rate: f64,
    pub(crate) filter: Filter,
    pub(crate) limits: Limits,
    pub(crate) redaction: Redaction,
    /// Further attributes of every span.
    pub(crate) attributes: Box<[(String, String)]>,
}

/// What the backend takes per span.
const MOST: usize = 10_000;

/// Facts about an experiment run elsewhere: the key on the span, the variable.
const EXPERIMENT: [(&str, &str); 4] = [
    (keys::EXPERIMENT_ID, "HH_EXPERIMENT_ID"),
    (keys::EXPERIMENT_NAME, "HH_EXPERIMENT_NAME"),
    (keys::EXPERIMENT_VARIANT, "HH_EXPERIMENT_VARIANT"),
    (keys::EXPERIMENT_GROUP, "HH_EXPERIMENT_GROUP"),
];

impl Content {
    pub(super) fn resolve(given: Given, reader: &Reader<'_>) -> Result<Self, ConfigError> {
        let off = reader
            .switch(given.disable_tracing, "HH_DISABLE_TRACING")?
            .unwrap_or(false);
        let test = reader.switch(given.test_mode, "HH_TEST_MODE")?.unwrap_or(false);
        let spans = filter::resolve(given.spans, "HH_SPAN_NAME_FILTERS", reader)?;
        let scopes = filter::resolve(given.scopes, "HH_SCOPE_FILTERS", reader)?;
        Ok(Self {
            mode: match (off, test) {
                (true, _) => Mode::Off,
                (false, true) => Mode::Test,
                (false, false) => Mode::On,
            },
            sample_rate: reader
                .number(given.sample_rate, names("sample_rate", "HH_SAMPLE_RATE"), 0.0..=1.0)?
                .unwrap_or(1.0),
            filter: Filter { spans, scopes },
            limits: Limits {
                attributes: reader
                    .number(
                        given.max_attributes,
                        names("max_attributes", "HH_MAX_ATTRIBUTES"),
                        1..=MOST,
                    )?
                    .unwrap_or(MOST),
                events: reader
                    .number(given.max_events, names("max_events", "HH_MAX_EVENTS"), 0..=MOST as u32)?
                    .unwrap_or(MOST as u32),
                links: reader
                    .number(given.max_links, names("max_links", "HH_MAX_LINKS"), 0..=MOST as u32)?
                    .unwrap_or(MOST as u32),
                span_bytes: reader
                    .number(
                        given.max_span_size,
                        names("max_span_size", "HH_MAX_SPAN_SIZE"),
                        1_024..=100 << 20,
                    )?
                    .unwrap_or(10 << 20),
                value_bytes: reader
                    .number(
                        given.max_value_size,
                        names("max_value_size", "HH_MAX_VALUE_SIZE"),
                        64..=1 << 20,
                    )?
                    .unwrap_or(1 << 20),
            },
            redaction: Redaction {
                defaults: reader
                    .switch(given.redact_secrets, "HH_REDACT_SECRETS")?
                    .unwrap_or(true),
                custom: given.redact,
            },
            attributes: attributes(given.experiment, given.experiment_metadata, reader)?,
        })
    }
}

fn attributes(
    given: [Option<String>; EXPERIMENT.len()],
    metadata: Vec<(String, String)>,
    reader: &Reader<'_>,
) -> Result<Box<[(String, String)]>, ConfigError> {
    let mut all = Vec::new();
    for (given, (key, variable)) in given.into_iter().zip(EXPERIMENT) {
        all.extend(
            reader
                .text(given, names("experiment", variable))
                .map(|value| (key.to_owned(), value.text)),
        );
    }
    let from_variable = reader.object("HH_EXPERIMENT_METADATA")?.unwrap_or_default();
    let from_variable = from_variable.into_iter().map(|(key, value)| match value {
        Value::String(text) => (key, text),
        other => (key, other.to_string()),
    });
    for (key, value) in from_variable.chain(metadata) {
        let key = format!("{}.{key}", keys::EXPERIMENT_METADATA);
        all.retain(|(known, _)| *known != key);
        all.push((key, value));
    }
    Ok(all.into_boxed_slice())
}

/// # Content
impl TracerBuilder {
    /// Records nothing and announces no session (`HH_DISABLE_TRACING`); the program runs as if it were not
    /// instrumented. The REST client works. Default: false.
    pub fn disable_tracing(mut self, disable: bool) -> Self {
        self.given.content.disable_tracing = Some(disable);
        self
    }

    /// Records as ever and sends nothing (`HH_TEST_MODE`): for tests of code that is instrumented. Needs no key.
    /// Default: false.
    pub fn test_mode(mut self, test: bool) -> Self {
        self.given.content.test_mode = Some(test);
        self
    }

    /// Share of the sessions that are recorded (`HH_SAMPLE_RATE`), 0 to 1. Default: 1. A session is recorded whole or
    /// not at all; its id decides, so that all services agree. Sessions of experiments are always recorded.
    pub fn sample_rate(mut self, rate: f64) -> Self {
        self.given.content.sample_rate = Some(rate);
        self
    }

    /// Records only spans whose name begins so, or with the prefix of another such call (`HH_SPAN_NAME_FILTERS`:
    /// `{"include": [{"type": "prefix", "value": "…"}], "exclude": […]}`). What runs inside a span that is left out
    /// attaches to the span around it.
    pub fn include_spans(mut self, prefix: impl Into<String>) -> Self {
        self.given.content.spans.include.push(prefix.into());
        self
    }

    /// Leaves out spans whose name begins so, even if they are [included](Self::include_spans).
    pub fn exclude_spans(mut self, prefix: impl Into<String>) -> Self {
        self.given.content.spans.exclude.push(prefix.into());
        self
    }

    /// Of the spans of other libraries, takes only those whose instrumentation scope begins so
    /// (`HH_SCOPE_FILTERS`, as for spans). The scope of a `tracing` span is its target. Default: all are taken.
    pub fn include_scopes(mut self, prefix: impl Into<String>) -> Self {
        self.given.content.scopes.include.push(prefix.into());
        self
    }

    /// Of the spans of other libraries, leaves out those whose scope begins so.
    pub fn exclude_scopes(mut self, prefix: impl Into<String>) -> Self {
        self.given.content.scopes.exclude.push(prefix.into());
        self
    }

    /// Most attributes of a span (`HH_MAX_ATTRIBUTES`), 1 to 10,000. Default: 10,000, which is what the backend takes.
    /// Attributes that route the span, and those of its outcome, are not counted and never dropped.
    pub fn max_attributes(mut self, attributes: usize) -> Self {
        self.given.content.max_attributes = Some(attributes);
        self
    }

    /// Most events of a span (`HH_MAX_EVENTS`), up to 10,000. Default: 10,000.
    pub fn max_events(mut self, events: u32) -> Self {
        self.given.content.max_events = Some(events);
        self
    }

    /// Most links of a span (`HH_MAX_LINKS`), up to 10,000. Default: 10,000.
    pub fn max_links(mut self, links: u32) -> Self {
        self.given.content.max_links = Some(links);
        self
    }

    /// Most bytes of a span (`HH_MAX_SPAN_SIZE`), 1 KiB to 100 MiB. Default: 10 MiB. In a larger one the longest texts
    /// are cut, with a marker that says by how much.
    pub fn max_span_size(mut self, bytes: usize) -> Self {
        self.given.content.max_span_size = Some(bytes);
        self
    }

    /// Most bytes of one text (`HH_MAX_VALUE_SIZE`), 64 bytes to 1 MiB. Default: 1 MiB. A longer one is cut, with a
    /// marker that says by how much.
    pub fn max_value_size(mut self, bytes: usize) -> Self {
        self.given.content.max_value_size = Some(bytes);
        self
    }

    /// Whether values whose key names a secret, such as `password`, `api_key` or `access_token`, are replaced by
    /// `[redacted]` (`HH_REDACT_SECRETS`); also inside JSON and `Debug` texts, and in what sessions carry. Default: true.
    pub fn redact_secrets(mut self, redact: bool) -> Self {
        self.given.content.redact_secrets = Some(redact);
        self
    }

    /// Adds a function that sees every text before it is sent, with its key (`honeyhive_inputs.query`; `event.name` of
    /// what was logged inside a span), and returns what to send instead, or `None` to keep it. Names of spans and
    /// sessions are no text. It runs on the delivery thread, never on the caller's; should it panic, the text is not
    /// sent. Several are called in the order they were added.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use honeyhive_core::HoneyHiveTracer;
    ///
    /// let tracer = HoneyHiveTracer::builder()
    ///     .redact(|_key, text| text.contains("@example.com").then(|| "[an address]".to_owned()))
    ///     .build()?;
    /// # Ok::<(), honeyhive_core::ConfigError>(())
    /// ```
    pub fn redact(mut self, redact: impl Fn(&str, &str) -> Option<String> + Send + Sync + 'static) -> Self {
        self.given.content.redact.push(Arc::new(redact));
        self
    }

    /// Ties every span to an experiment run elsewhere (`HH_EXPERIMENT_ID`).
    pub fn experiment_id(self, id: impl Into<String>) -> Self {
        self.experiment(0, id.into())
    }

    /// Name of that experiment (`HH_EXPERIMENT_NAME`).
    pub fn experiment_name(self, name: impl Into<String>) -> Self {
        self.experiment(1, name.into())
    }

    /// Variant under test (`HH_EXPERIMENT_VARIANT`).
    pub fn experiment_variant(self, variant: impl Into<String>) -> Self {
        self.experiment(2, variant.into())
    }

    /// Group under test (`HH_EXPERIMENT_GROUP`).
    pub fn experiment_group(self, group: impl Into<String>) -> Self {
        self.experiment(3, group.into())
    }

    /// Adds a fact about the experiment (`HH_EXPERIMENT_METADATA`, a JSON object).
    pub fn experiment_metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.given.content.experiment_metadata.push((key.into(), value.into()));
        self
    }

    fn experiment(mut self, index: usize, value: String) -> Self {
        self.given.content.experiment[index] = Some(value);
        self
    }
}
