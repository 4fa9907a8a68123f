//! Every attribute key the SDK writes on a span or reads from one.
//!
//! Two prefixes, two jobs: `honeyhive.` (dot) routes a span to its session and source; `honeyhive_` (underscore)
//! carries the payload of the event the span becomes.

/// Session the span belongs to (UUID text).
pub const SESSION_ID: &str = "honeyhive.session_id";
/// Mirror of [`SESSION_ID`], read by backends that follow the Traceloop convention.
pub const TRACELOOP_SESSION_ID: &str = "traceloop.association.properties.session_id";
/// Generic session key, the last one a backend looks at.
pub const OTEL_SESSION_ID: &str = "session.id";
/// `true`: the backend makes the session row from the span when the session start has not arrived.
pub const SESSION_AUTO_CREATE: &str = "honeyhive.session_auto_create";
/// Name for a session made from its spans.
pub const SESSION_NAME: &str = "honeyhive.session_name";
/// Project name; sent only when configured, since the key decides the project.
pub const PROJECT: &str = "honeyhive.project";
/// Mirror of [`PROJECT`].
pub const TRACELOOP_PROJECT: &str = "traceloop.association.properties.project";
/// Free environment tag, such as `dev` or `prod`.
pub const SOURCE: &str = "honeyhive.source";
/// Mirror of [`SOURCE`].
pub const TRACELOOP_SOURCE: &str = "traceloop.association.properties.source";

/// Event type: `model`, `tool`, `chain` or `session`.
pub const EVENT_TYPE: &str = "honeyhive_event_type";
/// Event name, when it differs from the span's name.
pub const EVENT_NAME: &str = "honeyhive_event_name";
/// Id of the event the span becomes (UUID text), when it is not to be derived from the span.
pub const EVENT_ID: &str = "honeyhive_event_id";
/// Error message of the event.
pub const ERROR: &str = "honeyhive_error";
/// Simple name of the error's type.
pub const ERROR_TYPE: &str = "honeyhive_error_type";
/// Duration in milliseconds (double).
pub const DURATION_MS: &str = "honeyhive_duration_ms";

/// Prefix of captured arguments: `honeyhive_inputs.<argument>`.
pub const INPUTS: &str = "honeyhive_inputs";
/// Prefix of results: `honeyhive_outputs.result…`.
pub const OUTPUTS: &str = "honeyhive_outputs";
/// Prefix of configuration, such as the model's name and parameters.
pub const CONFIG: &str = "honeyhive_config";
/// Prefix of free metadata.
pub const METADATA: &str = "honeyhive_metadata";
/// Prefix of metrics: scores and measures.
pub const METRICS: &str = "honeyhive_metrics";
/// Prefix of feedback, ground truth included.
pub const FEEDBACK: &str = "honeyhive_feedback";
/// Prefix of the properties of the user on whose behalf the work is done.
pub const USER_PROPERTIES: &str = "honeyhive_user_properties";

/// The result of a traced function.
pub const RESULT: &str = "honeyhive_outputs.result";
/// Number of items a traced stream has given.
pub const STREAM_ITEMS: &str = "honeyhive_metadata.stream.items";
/// How a traced stream ended: `exhausted`, `failed`, `dropped` or `panicked`.
pub const STREAM_END: &str = "honeyhive_metadata.stream.end";
/// Run of an experiment the span belongs to.
pub const RUN_ID: &str = "honeyhive_metadata.run_id";
/// Dataset of that run.
pub const DATASET_ID: &str = "honeyhive_metadata.dataset_id";
/// Datapoint of that run.
pub const DATAPOINT_ID: &str = "honeyhive_metadata.datapoint_id";

/// Experiment run elsewhere that the span belongs to.
pub const EXPERIMENT_ID: &str = "honeyhive.experiment_id";
/// Name of that experiment.
pub const EXPERIMENT_NAME: &str = "honeyhive.experiment_name";
/// Variant under test.
pub const EXPERIMENT_VARIANT: &str = "honeyhive.experiment_variant";
/// Group under test.
pub const EXPERIMENT_GROUP: &str = "honeyhive.experiment_group";
/// Prefix of further facts about that experiment.
pub const EXPERIMENT_METADATA: &str = "honeyhive.experiment_metadata";
