//! The one span processor: it finds the session of a finished span and queues it.

use std::collections::HashMap;
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
    by_number: RwLock<HashMap<u64, Weak<Identity>>>,
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
            Value::I64(number) => self.identities.find(number.cast_unsigned()),
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
