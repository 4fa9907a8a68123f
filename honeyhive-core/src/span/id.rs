//! Ids of spans, and how ours are told from those of other SDKs.
//!
//! A context says which span is active, not who made it. Writing prompts onto a span that another vendor's SDK opened
//! inside our context would send them to that vendor. So the lower 16 bits of our span ids are computed from the upper
//! 48: enough randomness within a trace, and of foreign ids one in 65,536 is taken for ours.

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

/// Makes ids that are known as ours.
#[derive(Debug, Default)]
pub(crate) struct Ids(RandomIdGenerator);

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        self.0.new_trace_id()
    }

    fn new_span_id(&self) -> SpanId {
        SpanId::from(marked(u64::from_be_bytes(self.0.new_span_id().to_bytes())))
    }
}

/// Whether this SDK made the id.
pub(crate) fn is_ours(id: SpanId) -> bool {
    let id = u64::from_be_bytes(id.to_bytes());
    marked(id) == id
}

const fn marked(random: u64) -> u64 {
    let upper = random & !0xffff;
    upper | (upper.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_ids_are_known_and_those_of_others_are_not() {
        let ids = Ids::default();
        assert!((0..1_000).all(|_| is_ours(ids.new_span_id())));
        let others = RandomIdGenerator::default();
        let mistaken = (0..1_000).filter(|_| is_ours(others.new_span_id())).count();
        assert!(mistaken < 5, "{mistaken} of 1,000");
    }
}
