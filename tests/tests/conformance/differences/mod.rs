//! The list of deliberate differences. Each is one row of `docs/differences.md`, and rewrites what the Python SDK sent
//! into what this one must send. Nothing else may differ.

pub(crate) mod delivery;
pub(crate) mod evaluation;
pub(crate) mod sessions;
pub(crate) mod spans;
pub(crate) mod values;

use crate::normal::Normal;

/// One deliberate difference.
#[derive(Debug)]
pub(crate) struct Difference {
    pub(crate) id: &'static str,
    /// First cell of its row in `docs/differences.md`.
    pub(crate) row: &'static str,
    /// Turns the Python side into what is expected here.
    pub(crate) apply: fn(&mut Normal),
}

/// What differs in every scenario it concerns. Applied in this order, after a scenario's own.
pub(crate) const EVERYWHERE: &[&Difference] = &[
    &spans::GUESSED_TYPE,
    &spans::DOTTED_TYPE,
    &spans::NAME,
    &spans::ERROR,
    &spans::STACKTRACE,
    &spans::ARGUMENT_ECHO,
    &values::NONE_AND_JSON,
    &sessions::FOREIGN_PARENT,
    &delivery::SESSION_ID,
    &delivery::START_TIME,
    &delivery::AUTO_CREATE,
    &delivery::CLIENT_HEADERS,
    &delivery::PROTOBUF,
    &delivery::JSON_SHAPE,
    &delivery::RESOURCE_AND_SCOPE,
    &spans::DURATION,
];
