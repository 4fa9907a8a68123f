//! The one span processor: it finds the session of a finished span and queues it.

use std::cell::Cell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

use opentelemetry::{Context, Value};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

use super::queue::Queue;
use crate::session::Identity;
use crate::span::IDENTITY_MARK;

/// The live identities of a pipeline, by number.
#[derive(Debug, Default)]
pub(crate) struct Identities {
    by_number: RwLock<HashMap<u64, Weak<Identity>, BuildHasherDefault<NumberHasher>>>,
}

impl Identities {
    pub(crate) fn insert(&self, identity: &Arc<Identity>) {
        let mut map = self.by_number.write().unwrap_or_else(PoisonError::into_inner);
        map.insert(identity.number, Arc::downgrade(identity));
    }

    pub(crate) fn remove(&self, number: u64) {
        self.by_number
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&number);
    }

    fn find(&self, number: u64) -> Option<Arc<Identity>> {
        self.by_number
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&number)?
            .upgrade()
    }
}

/// The numbers are counted here: they need no hash that resists an attack, which would cost every span.
#[derive(Default)]
struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

thread_local! {
    /// The identity of the span that is being ended on this thread, when the one who ends it knows.
    static ENDING: Cell<Option<Arc<Identity>>> = const { Cell::new(None) };
}

/// Ends a span of this identity, which then need not be looked up.
pub(crate) fn end_as(identity: &Arc<Identity>, end: impl FnOnce()) {
    let known = ENDING.try_with(|ending| ending.set(Some(identity.clone()))).is_ok();
    end();
    if known {
        let _ = ENDING.try_with(Cell::take);
    }
}

fn ending(number: u64) -> Option<Arc<Identity>> {
    let ending = ENDING.try_with(Cell::take).ok().flatten();
    ending.filter(|identity| identity.number == number)
}

#[derive(Debug)]
pub(super) struct Processor {
    pub(super) queue: Arc<Queue>,
    pub(super) identities: Arc<Identities>,
}

impl SpanProcessor for Processor {
    fn on_start(&self, _span: &mut Span, _cx: &Context) {}

    fn on_end(&self, data: SpanData) {
        let mark = data.attributes.iter().find(|kv| kv.key.as_str() == IDENTITY_MARK);
        let identity = mark.and_then(|mark| match mark.value {
            Value::I64(number) => {
                let number = number.cast_unsigned();
                ending(number).or_else(|| self.identities.find(number))
            }
            _ => None,
        });
        match identity {
            Some(identity) => self.queue.push_span(identity, data),
            None => self.queue.refuse_span(),
        }
    }

    /// Delivery is flushed by the pipeline, which knows a deadline and says what was lost.
    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}
