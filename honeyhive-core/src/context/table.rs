//! Open spans whose own context does not say which tracer is active.
//!
//! A library that opens a span as an explicit root, as rig does for an agent, gives it an empty context: what runs
//! below sees the span and no tracer. Each such span is kept here with the tracer it was given to, and a while longer
//! than it is open, since a streamed answer may go on below a span that has ended. So is a span that is left out, by a
//! filter or with its whole session: what runs below is in that session all the same.

use std::collections::hash_map::Entry::{Occupied, Vacant};
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, PoisonError, RwLock, RwLockWriteGuard, Weak};

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt};

use crate::tracer::{HoneyHiveTracer, Inner};

/// Spans that are remembered after they have ended.
const REMEMBERED: usize = 4_096;

/// Whether there ever was such a span: most programs have none, and take no lock.
static USED: AtomicBool = AtomicBool::new(false);
static TABLE: LazyLock<RwLock<Table>> = LazyLock::new(RwLock::default);

#[derive(Default)]
struct Table {
    tracers: HashMap<SpanId, Entry>,
    ended: VecDeque<SpanId>,
}

struct Entry {
    tracer: Weak<Inner>,
    /// How many open spans have the id: one that is left out has that of the span around it.
    open: usize,
    known: Known,
}

/// What a span in the table is to its session.
#[derive(Clone, Debug)]
pub(crate) enum Known {
    /// One of its spans.
    Taken,
    /// None of its spans; it is left out, or goes elsewhere. What runs below is below this one.
    Below(SpanContext),
}

/// The tracer the active span of a context was given to, if the span is one of these.
pub(crate) fn find(cx: &Context) -> Option<HoneyHiveTracer> {
    if !USED.load(Ordering::Relaxed) || !cx.has_active_span() {
        return None;
    }
    let id = cx.span().span_context().span_id();
    let table = TABLE.read().unwrap_or_else(PoisonError::into_inner);
    let inner = table.tracers.get(&id)?.tracer.upgrade();
    drop(table);
    inner.map(|inner| HoneyHiveTracer { inner })
}

/// What the active span of a context is to its session, if it is one of these.
pub(crate) fn known_as(cx: &Context) -> Option<Known> {
    if !USED.load(Ordering::Relaxed) || !cx.has_active_span() {
        return None;
    }
    let table = TABLE.read().unwrap_or_else(PoisonError::into_inner);
    let entry = table.tracers.get(&cx.span().span_context().span_id())?;
    (entry.tracer.strong_count() > 0).then(|| entry.known.clone())
}

/// Keeps a span in the table while it lives, and a while longer.
#[derive(Debug)]
pub(crate) struct Kept(SpanId);

impl Kept {
    pub(crate) fn new(id: SpanId, tracer: &HoneyHiveTracer, known: Known) -> Self {
        let tracer = Arc::downgrade(&tracer.inner);
        let mut table = write();
        match table.tracers.entry(id) {
            Occupied(mut entry) => {
                let entry = entry.get_mut();
                entry.tracer = tracer;
                entry.open += 1;
                if matches!(known, Known::Taken) {
                    entry.known = known;
                }
            }
            Vacant(new) => {
                let open = 1;
                new.insert(Entry { tracer, open, known });
            }
        }
        drop(table);
        USED.store(true, Ordering::Relaxed);
        Self(id)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let mut table = write();
        if let Some(entry) = table.tracers.get_mut(&self.0) {
            entry.open -= 1;
        }
        table.ended.push_back(self.0);
        if table.ended.len() > REMEMBERED
            && let Some(oldest) = table.ended.pop_front()
            && table.tracers.get(&oldest).is_some_and(|entry| entry.open == 0)
        {
            table.tracers.remove(&oldest);
        }
    }
}

fn write() -> RwLockWriteGuard<'static, Table> {
    TABLE.write().unwrap_or_else(PoisonError::into_inner)
}
