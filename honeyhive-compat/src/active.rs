//! Which tracer a free function uses. There is no singleton: finding one is left to the core, which never guesses.

use std::sync::{Mutex, MutexGuard, PoisonError};

use honeyhive_core::{DefaultGuard, HoneyHiveTracer};

use crate::error::CompatError;

/// What keeps tracers alive for a program that does not hold them itself.
struct Kept {
    /// The tracer of the last `init`: found as long as it is the only one, as any tracer is.
    made: Option<HoneyHiveTracer>,
    /// The tracer that was chosen with `set_default_tracer`.
    chosen: Option<DefaultGuard>,
}

static KEPT: Mutex<Kept> = Mutex::new(Kept {
    made: None,
    chosen: None,
});

fn kept() -> MutexGuard<'static, Kept> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The active tracer of the context, else the default, else the only one alive.
pub(crate) fn current(function: &'static str) -> Result<HoneyHiveTracer, CompatError> {
    HoneyHiveTracer::current().ok_or_else(|| match made() {
        // It would have been found, were it the only one.
        Some(_) => CompatError::SeveralTracers { function },
        None => CompatError::NoTracer { function },
    })
}

/// The tracer of the last `init`.
pub(crate) fn made() -> Option<HoneyHiveTracer> {
    kept().made.clone()
}

/// Keeps a tracer in place of the one before, which is dropped with the lock released: that may wait for delivery.
pub(crate) fn keep(tracer: HoneyHiveTracer) {
    let before = kept().made.replace(tracer);
    drop(before);
}

pub(crate) fn choose(tracer: &HoneyHiveTracer) {
    let before = kept().chosen.replace(tracer.set_default());
    drop(before);
}

pub(crate) fn release() {
    let (made, chosen) = {
        let mut kept = kept();
        (kept.made.take(), kept.chosen.take())
    };
    drop(chosen);
    drop(made);
}
