//! Spans: their keys.

pub mod keys;
