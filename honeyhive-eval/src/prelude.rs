//! The names most experiments need: `use honeyhive_eval::prelude::*;`.

pub use honeyhive_core::{Enrichment, HoneyHiveTracer};

pub use crate::{
    Datapoint, Dataset, Gate, GroundTruth, Inputs, Json, Metadata, Outputs, Score, Scores, Trial, evaluate, evaluator,
    trace,
};
