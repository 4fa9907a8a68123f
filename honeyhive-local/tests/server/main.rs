//! The backend over real HTTP: every route, what it refuses, and what it promises to keep.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod captures;
mod command;
mod datasets;
mod documents;
mod events;
mod export;
mod life;
mod load;
mod runs;
mod sessions;
mod support;
mod traces;
