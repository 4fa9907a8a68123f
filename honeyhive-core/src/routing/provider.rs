//! A tracer provider for code that knows nothing of this SDK: it decides for each span, when the span is built, whose
//! it is.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::time::SystemTime;

use opentelemetry::global::{BoxedSpan, BoxedTracer, GlobalTracerProvider};
use opentelemetry::trace::{
    Span, SpanBuilder, SpanContext, SpanId, Status, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer,
    TracerProvider,
};
use opentelemetry::{Context, InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{IdGenerator as _, RandomIdGenerator, Span as SdkSpan};

use crate::context::table::{Kept, Known};
use crate::context::{self, Active};
use crate::discovery;
use crate::span::identity_mark;
use crate::tracer::HoneyHiveTracer;

/// Gives each span to the tracer it belongs to. See [the module](super) for how that is decided.
///
/// [`install_global`](super::install_global) puts one behind `opentelemetry::global`; hand another to libraries that
/// take a provider as an argument.
#[derive(Clone, Default)]
pub struct RoutingProvider {
    /// Takes the spans that belong to no tracer of ours.
    previous: Option<GlobalTracerProvider>,
}

impl RoutingProvider {
    /// A provider that knows no other.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A provider that gives what is not ours to this one.
    pub(super) fn before(previous: GlobalTracerProvider) -> Self {
        Self {
            previous: Some(previous),
        }
    }
}

thread_local! {
    /// Whether a tracer was asked for under the name of the probe.
    static PROBED: Cell<bool> = const { Cell::new(false) };
}

/// Name of a tracer that nobody uses.
const PROBE: &str = "honeyhive.routing.probe";

/// Whether the provider behind a function that asks it for a tracer is one of ours: a global provider says nothing else
/// of itself.
pub(super) fn is_ours(ask: impl FnOnce(&'static str)) -> bool {
    PROBED.set(false);
    ask(PROBE);
    PROBED.get()
}

impl TracerProvider for RoutingProvider {
    type Tracer = RoutingTracer;

    fn tracer_with_scope(&self, scope: InstrumentationScope) -> RoutingTracer {
        if scope.name() == PROBE {
            PROBED.set(true);
        }
        RoutingTracer {
            previous: self
                .previous
                .as_ref()
                .map(|previous| previous.tracer_with_scope(scope.clone())),
            scope: Scope::Given(scope),
        }
    }
}

impl fmt::Debug for RoutingProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoutingProvider").finish_non_exhaustive()
    }
}

/// A tracer of a [`RoutingProvider`]. It may be kept: each span is routed anew.
pub struct RoutingTracer {
    scope: Scope,
    previous: Option<BoxedTracer>,
}

enum Scope {
    /// The library's.
    Given(InstrumentationScope),
    /// The target of the `tracing` span, which stands among its attributes.
    #[cfg(feature = "tracing")]
    Target,
}

impl RoutingTracer {
    /// A tracer for spans of the `tracing` crate.
    #[cfg(feature = "tracing")]
    pub(super) fn for_tracing() -> Self {
        Self {
            scope: Scope::Target,
            previous: None,
        }
    }

    #[cfg_attr(
        not(feature = "tracing"),
        expect(unused_variables, reason = "only the scope of `tracing` spans is in the span")
    )]
    fn scope_of(&self, builder: &mut SpanBuilder) -> InstrumentationScope {
        match &self.scope {
            Scope::Given(scope) => scope.clone(),
            #[cfg(feature = "tracing")]
            Scope::Target => {
                let attributes = builder.attributes.get_or_insert_default();
                let target = attributes.iter().position(|kv| kv.key.as_str() == "target");
                let target = target.map(|position| attributes.swap_remove(position).value.as_str().into_owned());
                InstrumentationScope::builder(target.unwrap_or_default()).build()
            }
        }
    }

    /// A span of the provider before ours. One that does nothing makes spans without an id, or with their parent's:
    /// then nobody else wants the span.
    fn elsewhere(&self, builder: SpanBuilder, cx: &Context) -> Option<BoxedSpan> {
        let span = self.previous.as_ref()?.build_with_context(builder, cx);
        let id = span.span_context().span_id();
        (id != SpanId::INVALID && id != cx.span().span_context().span_id()).then_some(span)
    }
}

impl Tracer for RoutingTracer {
    type Span = RoutedSpan;

    // Called by tracing-opentelemetry while it holds a lock: nothing here may log.
    fn build_with_context(&self, mut builder: SpanBuilder, cx: &Context) -> RoutedSpan {
        let here = context::current();
        if cx.is_telemetry_suppressed() || here.is_telemetry_suppressed() {
            return RoutedSpan(Kind::none(SpanContext::empty_context()));
        }
        // The span's parent, else the code that builds it: there it is adopted, since its parent is none, or none of ours.
        let found = discovery::owner(cx)
            .map(|owner| (owner, cx))
            .or_else(|| discovery::owner(&here).map(|owner| (owner, &here)));
        let found = found.or_else(|| discovery::by_baggage(cx).map(|owner| (owner, cx)));
        let (tracer, parent) = match found {
            Some(found) => found,
            None => {
                if let Some(span) = self.elsewhere(builder.clone(), cx) {
                    return RoutedSpan(Kind::Theirs { span, _kept: None });
                }
                match discovery::fallback_unless_ambiguous() {
                    Some(tracer) => (tracer, cx),
                    None => return RoutedSpan(Kind::none(cx.span().span_context().clone())),
                }
            }
        };
        let scope = self.scope_of(&mut builder);
        let instead = context::parent_instead(&tracer, parent);
        let parent = match instead {
            None => Cow::Borrowed(parent),
            Some(instead) => Cow::Owned(parent.with_remote_span_context(instead)),
        };
        if !tracer.records(&builder.name) || !tracer.takes(scope.name()) {
            let around = parent.span().span_context().clone();
            let kept = |id| Kept::new(id, &tracer, Known::Below(around.clone()));
            return RoutedSpan(match self.elsewhere(builder, cx) {
                Some(span) => Kind::Theirs {
                    _kept: Some(kept(span.span_context().span_id())),
                    span,
                },
                None => {
                    // The context of what runs below is made from `cx`; where that does not name the tracer, the span does.
                    let unnamed = Active::of(cx).is_none();
                    let context = left_out(&parent);
                    Kind::None {
                        _kept: unnamed.then(|| kept(context.span_id())),
                        context,
                    }
                }
            });
        }
        builder
            .attributes
            .get_or_insert_default()
            .insert(0, identity_mark(&tracer));
        let span = tracer
            .inner
            .pipeline
            .provider()
            .tracer_with_scope(scope)
            .build_with_context(builder, &parent);
        // The context of what runs below is made from `cx`; where that names the tracer, nothing need be remembered.
        let kept = Active::of(cx).is_none();
        RoutedSpan(Kind::Ours {
            _kept: kept.then(|| Kept::new(span.span_context().span_id(), &tracer, Known::Taken)),
            span,
            _tracer: tracer,
        })
    }
}

impl fmt::Debug for RoutingTracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoutingTracer").finish_non_exhaustive()
    }
}

/// A span made by a [`RoutingTracer`].
pub struct RoutedSpan(Kind);

#[expect(clippy::large_enum_variant, reason = "almost every span is ours")]
enum Kind {
    Ours {
        span: SdkSpan,
        _kept: Option<Kept>,
        /// Keeps the identity alive until the span has ended.
        _tracer: HoneyHiveTracer,
    },
    Theirs {
        span: BoxedSpan,
        _kept: Option<Kept>,
    },
    None {
        context: SpanContext,
        _kept: Option<Kept>,
    },
}

impl Kind {
    fn none(context: SpanContext) -> Self {
        Self::None { context, _kept: None }
    }
}

/// What a span that is left out says of itself: what the span around it says. Where there is none, an id it can be
/// found by, in a context that is not valid: it is nobody's parent, and is not propagated.
fn left_out(parent: &Context) -> SpanContext {
    let around = parent.span().span_context().clone();
    if around.is_valid() {
        return around;
    }
    let id = RandomIdGenerator::default().new_span_id();
    SpanContext::new(
        TraceId::INVALID,
        id,
        TraceFlags::default(),
        false,
        TraceState::default(),
    )
}

macro_rules! delegate {
    ($self:ident, $span:ident => $call:expr) => {
        match &mut $self.0 {
            Kind::Ours { span: $span, .. } => $call,
            Kind::Theirs { span: $span, .. } => $call,
            Kind::None { .. } => {}
        }
    };
}

impl Span for RoutedSpan {
    fn add_event_with_timestamp<T: Into<Cow<'static, str>>>(
        &mut self,
        name: T,
        timestamp: SystemTime,
        attributes: Vec<KeyValue>,
    ) {
        delegate!(self, span => span.add_event_with_timestamp(name, timestamp, attributes));
    }

    fn span_context(&self) -> &SpanContext {
        match &self.0 {
            Kind::Ours { span, .. } => span.span_context(),
            Kind::Theirs { span, .. } => span.span_context(),
            Kind::None { context, .. } => context,
        }
    }

    fn is_recording(&self) -> bool {
        match &self.0 {
            Kind::Ours { span, .. } => span.is_recording(),
            Kind::Theirs { span, .. } => span.is_recording(),
            Kind::None { .. } => false,
        }
    }

    fn set_attribute(&mut self, attribute: KeyValue) {
        delegate!(self, span => span.set_attribute(attribute));
    }

    fn set_status(&mut self, status: Status) {
        delegate!(self, span => span.set_status(status));
    }

    fn update_name<T: Into<Cow<'static, str>>>(&mut self, name: T) {
        delegate!(self, span => span.update_name(name));
    }

    fn add_link(&mut self, to: SpanContext, attributes: Vec<KeyValue>) {
        delegate!(self, span => span.add_link(to, attributes));
    }

    fn end_with_timestamp(&mut self, timestamp: SystemTime) {
        delegate!(self, span => span.end_with_timestamp(timestamp));
    }
}

impl fmt::Debug for RoutedSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RoutedSpan").field(self.span_context()).finish()
    }
}
