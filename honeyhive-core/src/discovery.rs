//! Finding the tracer for code that was not given one: the active one of the context, else the default, else the only
//! one built. Two candidates and no hint is no answer: a span in the wrong session is worse than none.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};

use opentelemetry::Context;

use crate::context::Active;
use crate::tracer::{HoneyHiveTracer, Inner};

/// Whether a tracer was ever registered or made default: where none was, looking for one takes no lock.
static USED: AtomicBool = AtomicBool::new(false);
static REGISTRY: RwLock<Registry> = RwLock::new(Registry {
    built: Vec::new(),
    defaults: Vec::new(),
});

struct Registry {
    built: Vec<Weak<Inner>>,
    defaults: Vec<HoneyHiveTracer>,
}

/// What looking for a tracer outside the context gave.
enum Fallback {
    One(HoneyHiveTracer),
    None,
    Several,
}

pub(crate) fn current() -> Option<HoneyHiveTracer> {
    Context::map_current(|cx| Active::of(cx).cloned()).or_else(|| match fallback() {
        Fallback::One(tracer) => Some(tracer),
        Fallback::None | Fallback::Several => None,
    })
}

/// As [`current`], and says once per process why there is none.
pub(crate) fn current_or_warn() -> Option<HoneyHiveTracer> {
    if let Some(active) = Context::map_current(|cx| Active::of(cx).cloned()) {
        return Some(active);
    }
    static NONE: AtomicBool = AtomicBool::new(false);
    static SEVERAL: AtomicBool = AtomicBool::new(false);
    match fallback() {
        Fallback::One(tracer) => Some(tracer),
        Fallback::None => {
            if first(&NONE) {
                tracing::warn!(
                    "a traced function ran without a tracer and was not recorded: build one first and keep it"
                );
            }
            None
        }
        Fallback::Several => {
            if first(&SEVERAL) {
                tracing::warn!(
                    "a traced function ran while several tracers exist and none is active, and was not recorded: \
                     pass one with #[trace(tracer = …)], run the code in tracer.scope(…), or call tracer.set_default()"
                );
            }
            None
        }
    }
}

/// Whether this is the first time; reading first keeps the flag shared between cores.
fn first(said: &AtomicBool) -> bool {
    !said.load(Ordering::Relaxed) && !said.swap(true, Ordering::Relaxed)
}

fn fallback() -> Fallback {
    if !USED.load(Ordering::Relaxed) {
        return Fallback::None;
    }
    let registry = REGISTRY.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(default) = registry.defaults.last() {
        return Fallback::One(default.clone());
    }
    let mut live = registry.built.iter().filter(|built| built.strong_count() > 0);
    match (live.next(), live.next()) {
        (Some(only), None) => only
            .upgrade()
            .map_or(Fallback::None, |inner| Fallback::One(HoneyHiveTracer { inner })),
        (None, _) => Fallback::None,
        (Some(_), Some(_)) => Fallback::Several,
    }
}

/// Lets the tracer be found as the only one built.
pub(crate) fn register(tracer: &HoneyHiveTracer) {
    let mut registry = REGISTRY.write().unwrap_or_else(PoisonError::into_inner);
    registry.built.retain(|built| built.strong_count() > 0);
    registry.built.push(Arc::downgrade(&tracer.inner));
    USED.store(true, Ordering::Relaxed);
}

pub(crate) fn set_default(tracer: HoneyHiveTracer) -> DefaultGuard {
    let mut registry = REGISTRY.write().unwrap_or_else(PoisonError::into_inner);
    registry.defaults.push(tracer.clone());
    USED.store(true, Ordering::Relaxed);
    DefaultGuard { tracer }
}

/// Keeps a tracer the default one. Made by [`HoneyHiveTracer::set_default`].
///
/// Guards may be dropped in any order: the default is the tracer of the youngest guard alive.
#[must_use = "the tracer is the default only while the guard lives"]
pub struct DefaultGuard {
    tracer: HoneyHiveTracer,
}

impl Drop for DefaultGuard {
    fn drop(&mut self) {
        let removed = {
            let mut registry = REGISTRY.write().unwrap_or_else(PoisonError::into_inner);
            let defaults = &mut registry.defaults;
            let position = defaults
                .iter()
                .rposition(|tracer| Arc::ptr_eq(&tracer.inner, &self.tracer.inner));
            position.map(|position| defaults.remove(position))
        };
        drop(removed);
        if let Err(error) = self.tracer.inner.pipeline.drain() {
            tracing::warn!(%error, "not everything was delivered before the default tracer was released");
        }
    }
}

impl fmt::Debug for DefaultGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DefaultGuard").field("tracer", &self.tracer).finish()
    }
}
