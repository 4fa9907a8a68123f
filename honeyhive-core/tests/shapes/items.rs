//! Qualifiers, patterns, kinds of arguments, and functions that other macros make or change.

use std::fmt::{Debug, Display};
use std::path::{Path, PathBuf};

use honeyhive_core::trace;

#[trace]
extern "C" fn foreign(number: i32) -> i32 {
    number + 1
}

#[trace]
#[inline]
#[deprecated = "still traced"]
fn old() -> u8 {
    1
}

#[must_use = "or why call it?"]
#[trace]
fn must_be_used() -> u8 {
    1
}

/// Both ways around.
#[trace]
#[allow(clippy::needless_pass_by_value)]
fn lints_stay_allowed(text: String) -> usize {
    text.len()
}

#[derive(Debug)]
struct Pair {
    left: String,
    right: Vec<u8>,
}

#[trace]
#[allow(clippy::too_many_arguments, clippy::toplevel_ref_arg)]
fn patterns(
    Pair { left, right: mut bytes }: Pair,
    ref borrowed: String,
    ref mut changed: u8,
    whole @ (first, _): (u8, u8),
    &number: &u8,
    _: &Unshowable,
    _ignored: u8,
    mut owned: String,
    #[allow(unused)] allowed: u8,
    #[cfg(not(test))] absent: u8,
) -> usize {
    bytes.push(*changed);
    *changed += 1;
    owned.push_str(borrowed);
    left.len() + bytes.len() + owned.len() + usize::from(first + number + whole.1)
}

struct Unshowable;

trait Named {
    fn name(&self) -> String;
}

impl Named for Unshowable {
    fn name(&self) -> String {
        "unshowable".to_owned()
    }
}

#[trace]
fn dynamic(
    named: &dyn Named,
    shown: &dyn Debug,
    boxed: Box<dyn Display + Send>,
    call: &mut dyn FnMut(u8) -> u8,
    many: &[Box<dyn Named>],
) -> String {
    format!("{} {shown:?} {boxed} {} {}", named.name(), call(1), many.len())
}

#[trace]
fn slices<const N: usize>(
    bytes: &[u8],
    texts: &[&str],
    opaque: &[Unshowable],
    array: [u8; N],
    text: &mut [u8],
) -> usize {
    text.fill(1);
    bytes.len() + texts.len() + opaque.len() + array.len()
}

#[trace]
fn options(number: Option<u8>, text: Option<&str>, opaque: Option<Unshowable>, path: Option<&Path>) -> Option<PathBuf> {
    let _ = (number, opaque);
    path.map(|path| path.join(text.unwrap_or_default()))
}

#[trace]
async fn callbacks<F, Later>(make: F, also: impl AsyncFn(&str) -> usize, once: impl FnOnce() -> u8) -> usize
where
    F: Fn(u8) -> Later + Clone,
    Later: Future<Output = u8>,
{
    usize::from(make(1).await + make.clone()(2).await + once()) + also("bees").await
}

#[trace]
async fn recursive(depth: u8) -> u8 {
    if depth == 0 {
        0
    } else {
        Box::pin(recursive(depth - 1)).await + 1
    }
}

#[trace]
fn early(number: u8) -> Result<u8, String> {
    for candidate in 0..number {
        if candidate == 3 {
            return Ok(candidate);
        }
    }
    Err("too small")?
}

macro_rules! traced {
    ($(#[$attribute:meta])* $visibility:vis $name:ident($argument:ident: $kind:ty) -> $output:ty $body:block) => {
        $(#[$attribute])*
        #[trace(name = stringify!($name), metadata(twice = $argument.clone() + $argument.clone()))]
        $visibility fn $name($argument: $kind) -> $output $body
    };
}

traced!(pub(crate) from_macro(number: u8) -> Result<u8, String> { Ok(number) });
traced!(#[must_use] with_attribute(number: u8) -> u8 { number });

macro_rules! service {
    ($type:ident, $($method:ident)*) => {
        struct $type {
            tracer: Option<honeyhive_core::HoneyHiveTracer>,
        }

        #[trace(tracer = self.tracer)]
        impl $type {
            $(
                #[trace(event_type = "model")]
                async fn $method(&self, text: &str) -> String {
                    text.to_owned()
                }
            )*
        }
    };
}

service!(Generated, first second);

#[tokio::main(flavor = "current_thread")]
#[trace]
async fn runtime_outside(number: u8) -> u8 {
    tokio::task::yield_now().await;
    number
}

#[trace]
#[tokio::main(flavor = "current_thread")]
async fn runtime_inside(number: u8) -> u8 {
    tokio::task::yield_now().await;
    number
}

#[trace]
fn r#async(r#fn: &str, r#type: u8) -> usize {
    r#fn.len() + usize::from(r#type)
}

#[trace(skip(r#fn), metadata(r#type), inputs("fn" = r#fn.len()))]
fn r#await(r#fn: &str, r#type: u8) -> usize {
    r#fn.len() + usize::from(r#type)
}

pub(crate) async fn everything() {
    assert_eq!(foreign(1), 2);
    #[expect(deprecated, reason = "the attribute is kept")]
    let number = old();
    assert_eq!(number + must_be_used(), 2);
    assert_eq!(lints_stay_allowed("bees".to_owned()), 4);
    let pair = Pair {
        left: "l".to_owned(),
        right: vec![1],
    };
    let sum = patterns(pair, "r".to_owned(), 1, (1, 2), &3, &Unshowable, 0, "o".to_owned(), 0);
    assert_eq!(sum, 1 + 2 + 2 + 6);
    let mut calls = 0;
    let mut call = |number| {
        calls += 1;
        number
    };
    assert_eq!(
        dynamic(&Unshowable, &"d", Box::new("b"), &mut call, &[]),
        "unshowable \"d\" b 1 0"
    );
    assert_eq!(calls, 1);
    assert_eq!(slices(&[1], &["a"], &[Unshowable], [1, 2], &mut [0]), 5);
    let joined = options(Some(1), Some("b"), None, Some(Path::new("a")));
    assert_eq!(joined, Some(PathBuf::from("a/b")));
    let length = async |text: &str| text.len();
    assert_eq!(callbacks(|number| async move { number }, length, || 3).await, 10);
    assert_eq!(recursive(3).await, 3);
    assert_eq!(early(9), Ok(3));
    assert_eq!(early(1), Err("too small".to_owned()));
    assert_eq!(from_macro(1), Ok(1));
    assert_eq!(with_attribute(1), 1);
    let generated = Generated { tracer: None };
    assert_eq!(generated.first("a").await + &generated.second("b").await, "ab");
    assert_eq!(r#async("ab", 1) + r#await("ab", 1), 6);
}

pub(crate) fn without_a_runtime() {
    assert_eq!(runtime_outside(1) + runtime_inside(2), 3);
    let waker = std::task::Waker::noop();
    let polled = std::pin::pin!(recursive(1)).poll(&mut std::task::Context::from_waker(waker));
    assert_eq!(polled, std::task::Poll::Ready(1));
}
