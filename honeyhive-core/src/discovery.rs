//! Finding the tracer for code that was not given one: the active one of the context, else the one whose session the
//! baggage names, else the default, else the only one built. Two candidates and no hint is no answer: a span in the
//! wrong session is worse than none.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, PoisonError, RwLock, Weak};

use opentelemetry::Context;
use opentelemetry::baggage::BaggageExt;

use crate::context::{self, Active, table};
use crate::propagation;
use crate::session::SessionId;
use crate::tracer::{HoneyHiveTracer, Inner};

/// Whether a tracer was ever registered or made default: where none was, looking for one takes no lock.
static USED: AtomicBool = AtomicBool::new(false);
static REGISTRY: RwLock<Registry> = RwLock::new(Registry {
    built: Vec::new(),
    defaults: Vec::new(),
});

/// Whether the warning was given that there is no tracer.
static NONE: AtomicBool = AtomicBool::new(false);
/// Whether the warning was given that there are several.
static SEVERAL: AtomicBool = AtomicBool::new(false);

/// How many [`NoGuess`] are alive.
static NO_GUESS: AtomicUsize = AtomicUsize::new(0);

/// Open sessions by their id: more than one when a session was resumed while it was open.
static KNOWN: LazyLock<RwLock<HashMap<SessionId, Vec<Weak<Inner>>>>> = LazyLock::new(RwLock::default);

struct Registry {
    built: Vec<Weak<Inner>>,
    defaults: Vec<HoneyHiveTracer>,
}

/// What looking for a tracer gave.
pub(crate) enum Found {
    /// One the context names.
    Named(HoneyHiveTracer),
    /// One the context says nothing of.
    Fallback(HoneyHiveTracer),
    None,
    Several,
}

impl Found {
    fn tracer(self) -> Option<HoneyHiveTracer> {
        match self {
            Self::Named(tracer) | Self::Fallback(tracer) => Some(tracer),
            Self::None | Self::Several => None,
        }
    }

    /// The tracer; says once per process why there is none.
    pub(crate) fn or_warn(self) -> Option<HoneyHiveTracer> {
        match self {
            Self::None if first(&NONE) => tracing::warn!(
                "a traced function ran without a tracer and was not recorded: build one first and keep it"
            ),
            Self::Several if first(&SEVERAL) => warn_of_several(),
            _ => {}
        }
        self.tracer()
    }
}

pub(crate) fn current() -> Option<HoneyHiveTracer> {
    find(&context::current()).tracer()
}

/// Whether there is no tracer to find for code in a context where none is active, as in a program that builds none, nor
/// a warning to give of it.
pub(crate) fn is_idle(cx: &Context) -> bool {
    !USED.load(Ordering::Relaxed) && NONE.load(Ordering::Relaxed) && table::known_as(cx).is_none()
}

/// As [`find`], of a context that is borrowed: it drops no handle of a tracer, which may be the last one and run code of
/// the program. `None` where that takes more, since the baggage names a session.
pub(crate) fn find_in_borrowed(cx: &Context) -> Option<Found> {
    match owner(cx) {
        Some(tracer) => Some(Found::Named(tracer)),
        None => session_in_baggage(cx).is_none().then(fallback),
    }
}

/// The tracer for code in a context.
pub(crate) fn find(cx: &Context) -> Found {
    named(cx).map_or_else(fallback, Found::Named)
}

/// The tracer for a span of a library that says nothing of it; `None` when there is none, or several. Never logs on the
/// calling thread, which may be inside a logging library.
pub(crate) fn fallback_unless_ambiguous() -> Option<HoneyHiveTracer> {
    let found = fallback();
    if matches!(found, Found::Several) && first(&SEVERAL) {
        // Without a thread there is no warning, and nothing else is lost.
        let _ = std::thread::Builder::new().spawn(warn_of_several);
    }
    found.tracer()
}

fn warn_of_several() {
    tracing::warn!(
        "a span was not recorded, since several tracers exist and none is active: pass one with \
         #[trace(tracer = …)], run the code in tracer.scope(…), or call tracer.set_default()"
    );
}

/// The tracer a context names.
fn named(cx: &Context) -> Option<HoneyHiveTracer> {
    owner(cx).or_else(|| by_baggage(cx))
}

/// The tracer that is active in a context, or that its active span was given to.
pub(crate) fn owner(cx: &Context) -> Option<HoneyHiveTracer> {
    Active::of(cx).cloned().or_else(|| table::find(cx))
}

/// The tracer whose session the baggage names. Only of sessions this process has open; of two pipelines with the same
/// session neither.
pub(crate) fn by_baggage(cx: &Context) -> Option<HoneyHiveTracer> {
    let id = session_in_baggage(cx)?;
    let candidates: Vec<HoneyHiveTracer> = {
        let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
        let live = known.get(&id)?.iter().filter_map(Weak::upgrade);
        live.map(|inner| HoneyHiveTracer { inner }).collect()
    };
    let newest = candidates.last()?;
    let same = |other: &HoneyHiveTracer| Arc::ptr_eq(&other.inner.pipeline, &newest.inner.pipeline);
    candidates.iter().all(same).then(|| newest.clone())
}

/// The session the baggage names.
pub(crate) fn session_in_baggage(cx: &Context) -> Option<SessionId> {
    let baggage = cx.baggage();
    if baggage.is_empty() {
        return None;
    }
    propagation::SESSION_ID
        .iter()
        .find_map(|key| baggage.get(*key)?.as_str().parse().ok())
}

/// Lets a session be found by its id.
pub(crate) fn know(inner: &Arc<Inner>) {
    if inner.pipeline.is_discoverable() {
        let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
        known
            .entry(inner.identity.session_id)
            .or_default()
            .push(Arc::downgrade(inner));
    }
}

/// Forgets a session whose last handle is being dropped.
pub(crate) fn forget(inner: &Inner) {
    if inner.pipeline.is_discoverable() {
        let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut sessions) = known.entry(inner.identity.session_id) {
            sessions.get_mut().retain(|session| session.strong_count() > 0);
            if sessions.get().is_empty() {
                sessions.remove();
            }
        }
    }
}

/// Whether this is the first time; reading first keeps the flag shared between cores.
fn first(said: &AtomicBool) -> bool {
    !said.load(Ordering::Relaxed) && !said.swap(true, Ordering::Relaxed)
}

fn fallback() -> Found {
    if !USED.load(Ordering::Relaxed) {
        return Found::None;
    }
    let registry = REGISTRY.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(default) = registry.defaults.last() {
        return Found::Fallback(default.clone());
    }
    let mut live = registry.built.iter().filter(|built| built.strong_count() > 0);
    match (live.next(), live.next()) {
        (Some(only), None) if NO_GUESS.load(Ordering::Relaxed) == 0 => only
            .upgrade()
            .map_or(Found::None, |inner| Found::Fallback(HoneyHiveTracer { inner })),
        (None, _) => Found::None,
        (Some(_), _) => Found::Several,
    }
}

/// While it lives, no tracer is taken because it is the only one built: there are others, which only the context names.
#[derive(Debug)]
pub struct NoGuess(());

impl NoGuess {
    /// From now on.
    #[must_use = "it holds while it lives"]
    pub fn begin() -> Self {
        NO_GUESS.fetch_add(1, Ordering::Relaxed);
        Self(())
    }
}

impl Drop for NoGuess {
    fn drop(&mut self) {
        NO_GUESS.fetch_sub(1, Ordering::Relaxed);
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
