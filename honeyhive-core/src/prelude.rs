//! The names most programs need: `use honeyhive_core::prelude::*;`.

pub use crate::{Enrichment, EventType, HoneyHiveTracer, SessionId, trace};
