//! The names most experiments need: `use honeyhive_eval::prelude::*;`.

pub use honeyhive_core::{Enrichment, HoneyHiveTracer};

pub use crate::{Datapoint, Dataset, GroundTruth, Inputs, Json, Outputs, Score, evaluate, trace};
