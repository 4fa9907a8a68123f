use std::cell::Cell;
use std::future::{pending, ready};
use std::panic::panic_any;
use std::task::Waker;

use futures_util::stream::{self, Stream};
use opentelemetry::Context as SpanContext;
use opentelemetry::trace::{SpanId, TraceContextExt};

use super::*;
use crate::HoneyHiveTracer;
use crate::capture::Captured;
use crate::span::{ErrorReport, Kind, KindBoxed as _, KindPlain as _, Seen, watch_stream};

#[derive(Debug, PartialEq)]
struct Payload(u8);

fn tracer() -> HoneyHiveTracer {
    let none: [(&str, &str); 0] = [];
    let builder = HoneyHiveTracer::builder()
        .environment(none)
        .api_key("hh_x")
        .project("p");
    builder.test_mode(true).undiscoverable().build().unwrap()
}

fn started(tracer: &HoneyHiveTracer) -> (Span, SpanId) {
    let span = tracer.span("work").start();
    assert!(span.is_recording());
    let id = id_of(&span.context());
    (span, id)
}

fn id_of(cx: &SpanContext) -> SpanId {
    cx.span().span_context().span_id()
}

fn active() -> SpanId {
    id_of(&SpanContext::current())
}

fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn next<S: Stream + ?Sized>(stream: Pin<&mut S>) -> Poll<Option<S::Item>> {
    stream.poll_next(&mut Context::from_waker(Waker::noop()))
}

fn payload_of<T>(run: impl FnOnce() -> T) -> Payload {
    let Err(payload) = panic::catch_unwind(AssertUnwindSafe(run)) else {
        panic!("it did not panic")
    };
    *payload.downcast().unwrap()
}

/// Says in which span it was dropped, and how many had ended by then.
struct Dropped<'c>(&'c Cell<Option<(SpanId, u64)>>, &'c HoneyHiveTracer);

impl Drop for Dropped<'_> {
    fn drop(&mut self) {
        self.0.set(Some((active(), ended(self.1))));
    }
}

fn ended(tracer: &HoneyHiveTracer) -> u64 {
    tracer.stats().spans_ended
}

fn nothing<T>(_: &T, _: bool) -> Seen {
    Seen::Value(Captured::Nothing)
}

#[test]
fn the_body_runs_inside_the_span_and_what_it_panics_with_unwinds_on() {
    let tracer = tracer();
    let (mut span, id) = started(&tracer);
    assert_eq!(run(&mut span, active), id);
    assert_eq!(payload_of(|| run(&mut span, || panic_any(Payload(1)))), Payload(1));
    assert_eq!(active(), SpanId::INVALID);

    let mut future = Box::pin(run_future(&mut span, async { panic_any(Payload(2)) }));
    assert_eq!(payload_of(|| poll_once(future.as_mut())), Payload(2));
    drop(future);
    let mut future = Box::pin(watch_future(span, async { panic_any(Payload(3)) }, |_, ()| ()));
    assert_eq!(payload_of(|| poll_once(future.as_mut())), Payload(3));
    assert_eq!(active(), SpanId::INVALID);
    drop(future);
    assert_eq!(ended(&tracer), 1);
}

#[test]
fn an_unfinished_future_or_stream_is_dropped_inside_its_span_before_that_ends() {
    let tracer = tracer();
    let place = Cell::new(None);
    let held = || Dropped(&place, &tracer);

    let (mut span, id) = started(&tracer);
    let waits = |held| async move {
        let _held = held;
        pending::<()>().await;
    };
    let mut future = Box::pin(run_future(&mut span, waits(held())));
    assert!(poll_once(future.as_mut()).is_pending());
    drop(future);
    assert_eq!(place.take(), Some((id, 0)));

    drop(watch_future(span, waits(held()), |_, ()| ()));
    assert_eq!(place.take(), Some((id, 0)), "never polled");
    assert_eq!(ended(&tracer), 1);

    let (span, id) = started(&tracer);
    let held = held();
    let items = stream::repeat_with(move || {
        let _ = &held;
        active()
    });
    let mut items = Box::pin(watch_stream(span, items, nothing));
    assert_eq!(next(items.as_mut()), Poll::Ready(Some(id)));
    drop(items);
    assert_eq!(place.take(), Some((id, 1)));
    assert_eq!(ended(&tracer), 2);
}

#[test]
fn a_future_that_is_done_is_there_until_it_is_dropped_and_may_be_polled_on() {
    let tracer = tracer();
    for span in [started(&tracer).0, Span::inherited(), Span::disabled()] {
        let mut polls = 0;
        let dropped = Cell::new(None);
        let held = Dropped(&dropped, &tracer);
        let counts = std::future::poll_fn(move |_| {
            let _ = &held;
            polls += 1;
            Poll::Ready(polls)
        });
        let mut future = Box::pin(watch_future(span, counts, |_, output| output));
        assert_eq!(poll_once(future.as_mut()), Poll::Ready(1));
        assert_eq!(poll_once(future.as_mut()), Poll::Ready(2));
        assert_eq!(dropped.take(), None);
        drop(future);
        assert!(dropped.take().is_some());
    }
}

#[test]
fn the_span_of_a_stream_ends_when_it_is_exhausted_or_fails_and_what_follows_passes_through() {
    let tracer = tracer();
    let (span, _) = started(&tracer);
    let mut items = Box::pin(watch_stream(span, stream::iter([1, 2]), nothing));
    assert_eq!(items.size_hint(), (2, Some(2)));
    assert_eq!(next(items.as_mut()), Poll::Ready(Some(1)));
    assert_eq!(next(items.as_mut()), Poll::Ready(Some(2)));
    assert_eq!(ended(&tracer), 0);
    assert_eq!(next(items.as_mut()), Poll::Ready(None));
    assert_eq!(ended(&tracer), 1);

    let (span, id) = started(&tracer);
    let looks = Cell::new(0);
    let inside = stream::repeat_with(active);
    let mut items = Box::pin(watch_stream(span, inside, |_: &SpanId, _| {
        looks.set(looks.get() + 1);
        Seen::Failed(ErrorReport::new("Error", "broken"))
    }));
    assert_eq!(next(items.as_mut()), Poll::Ready(Some(id)));
    assert_eq!(ended(&tracer), 2);
    assert_eq!(next(items.as_mut()), Poll::Ready(Some(id)), "still in its place");
    assert_eq!(looks.get(), 1);
    drop(items);
    assert_eq!(ended(&tracer), 2);
}

#[test]
fn a_stream_whose_poll_panics_can_be_polled_on() {
    let tracer = tracer();
    let (span, id) = started(&tracer);
    let mut polls = 0;
    let items = stream::poll_fn(move |_| {
        polls += 1;
        if polls == 1 {
            panic_any(Payload(1));
        }
        Poll::Ready((polls == 2).then(active))
    });
    let mut items = Box::pin(watch_stream(span, items, nothing));
    assert_eq!(payload_of(|| next(items.as_mut())), Payload(1));
    assert_eq!(next(items.as_mut()), Poll::Ready(Some(id)));
    assert_eq!(next(items.as_mut()), Poll::Ready(None));
    assert_eq!(ended(&tracer), 1);
}

#[test]
fn a_look_at_an_item_that_panics_costs_no_item() {
    let tracer = tracer();
    let (span, _) = started(&tracer);
    let mut items = Box::pin(watch_stream(span, stream::iter([1, 2]), |item: &i32, _| {
        assert!(*item != 1, "not this one");
        Seen::Value(Captured::Nothing)
    }));
    assert_eq!(next(items.as_mut()), Poll::Ready(Some(1)));
    assert_eq!(next(items.as_mut()), Poll::Ready(Some(2)));
    assert_eq!(next(items.as_mut()), Poll::Ready(None));
}

#[test]
fn without_a_span_everything_runs_as_if_it_was_not_there() {
    let mut none = Span::disabled();
    assert_eq!(run(&mut none, || 1), 1);
    assert_eq!(
        poll_once(Pin::new(&mut run_future(&mut none, ready(2)))),
        Poll::Ready(2)
    );
    let mut concluded = false;
    let mut future = watch_future(none, ready(3), |span, output| {
        concluded = span.is_disabled();
        output
    });
    assert_eq!(poll_once(Pin::new(&mut future)), Poll::Ready(3));
    drop(future);
    assert!(concluded);
    let mut items = watch_stream(Span::disabled(), stream::iter([4]), |_: &i32, _| panic!("looked at"));
    assert_eq!(next(Pin::new(&mut items)), Poll::Ready(Some(4)));
}

#[test]
fn a_thread_that_ends_may_run_watched_work() {
    struct AtTheEnd(Option<HoneyHiveTracer>);
    impl Drop for AtTheEnd {
        fn drop(&mut self) {
            let Some(tracer) = self.0.take() else { return };
            let mut span = tracer.span("late").start();
            assert_eq!(run(&mut span, || 1), 1);
            let mut future = watch_future(span, ready(2), |_, output| output);
            assert_eq!(poll_once(Pin::new(&mut future)), Poll::Ready(2));
            let mut items = watch_stream(tracer.span("later").start(), stream::iter([3]), nothing);
            assert_eq!(next(Pin::new(&mut items)), Poll::Ready(Some(3)));
        }
    }
    std::thread_local!(static LAST: std::cell::RefCell<AtTheEnd> = const { std::cell::RefCell::new(AtTheEnd(None)) });
    let tracer = tracer();
    // Made before the context of the thread, and so dropped after it.
    let thread = std::thread::spawn(move || {
        LAST.with_borrow_mut(|last| last.0 = Some(tracer.clone()));
        tracer.span("early").in_scope(active)
    });
    assert_ne!(thread.join().unwrap(), SpanId::INVALID);
}

macro_rules! assert_kinds {
    ($tracer:expr; $(($($auto:ident)*))*) => {$({
        type Later<'a> = Pin<Box<dyn Future<Output = Payload> $(+ $auto)* + 'a>>;
        type Items<'a> = Pin<Box<dyn Stream<Item = Payload> $(+ $auto)* + 'a>>;
        fn is<T: ?Sized $(+ $auto)*>(_: &T) {}

        let later: Later<'_> = Box::pin(ready(Payload(1)));
        let mut later: Later<'_> = (&&Kind(&later)).__honeyhive_kind().__honeyhive_end(
            started($tracer).0,
            later,
            |seen, whole| { assert!(*seen == Payload(1) && whole); nothing(seen, whole) },
        );
        is(later.as_ref().get_ref());
        let before = ended($tracer);
        assert_eq!(poll_once(later.as_mut()), Poll::Ready(Payload(1)));
        assert_eq!(ended($tracer), before + 1);

        let items: Items<'_> = Box::pin(stream::iter([Payload(2)]));
        let mut items: Items<'_> = (&&Kind(&items)).__honeyhive_kind().__honeyhive_end(
            started($tracer).0,
            items,
            |seen, whole| { assert!(*seen == Payload(2) && !whole); nothing(seen, whole) },
        );
        is(items.as_ref().get_ref());
        assert_eq!(next(items.as_mut()), Poll::Ready(Some(Payload(2))));
        assert_eq!(next(items.as_mut()), Poll::Ready(None));
        assert_eq!(ended($tracer), before + 2);

        let later: Later<'_> = Box::pin(ready(Payload(1)));
        let address: *const () = (&raw const *later).cast();
        let later = (&&Kind(&later)).__honeyhive_kind().__honeyhive_end(Span::disabled(), later, nothing);
        assert_eq!((&raw const *later).cast(), address, "as it was without a span");
    })*};
}

#[test]
#[expect(clippy::needless_borrow, reason = "as the macro writes it, whatever the type")]
fn boxed_futures_and_streams_are_known_by_their_type_and_keep_it() {
    let tracer = tracer();
    assert_kinds!(&tracer; () (Send) (Send Sync));

    let value = Payload(3);
    let ended_before = ended(&tracer);
    let value = (&&Kind(&value))
        .__honeyhive_kind()
        .__honeyhive_end(started(&tracer).0, value, nothing);
    assert_eq!(value, Payload(3));
    assert_eq!(ended(&tracer), ended_before + 1);
}

#[test]
fn what_is_watched_can_be_sent_shared_and_moved_if_it_could_before() {
    fn all<T: Send + Sync + Unpin>(_: &T) {}
    fn tag<T: Send + Sync>(_: &T) {}
    let tracer = tracer();
    let (mut span, _) = started(&tracer);
    all(&span);
    all(&run_future(&mut span, ready(1)));
    all(&watch_future(span, ready(1), |_, output| output));
    all(&watch_stream(Span::disabled(), stream::iter([1]), nothing));
    // Also of what cannot be sent itself.
    let here: Pin<Box<dyn Future<Output = std::rc::Rc<u8>>>> = Box::pin(ready(std::rc::Rc::new(1)));
    tag(&(&&Kind(&here)).__honeyhive_kind());
}
