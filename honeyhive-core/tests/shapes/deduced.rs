//! Types the compiler deduces from the signature of a function, which the attribute must not hide from the body.

use std::collections::HashMap;
use std::convert::Infallible;
use std::error::Error;
use std::fmt::Display;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use futures_util::stream::{self, Stream, StreamExt as _};
use honeyhive_core::trace;

type Failure = Box<dyn Error + Send + Sync>;

#[trace]
fn asynchronous_block(text: &str) -> impl Future<Output = Result<u8, Failure>> + use<> {
    let text = text.to_owned();
    async move {
        let number = text.parse::<u8>()?;
        if number == 0 {
            Err("zero")?;
        }
        Ok(number)
    }
}

#[trace]
fn boxed_block(text: &str) -> Pin<Box<dyn Future<Output = Result<u8, Failure>> + Send + '_>> {
    Box::pin(async move { Ok(text.parse()?) })
}

#[trace]
fn maybe_higher_ranked() -> Option<impl Fn(&str) -> &str> {
    Some(str::trim)
}

#[trace]
fn boxed_higher_ranked() -> Box<dyn Fn(&str) -> &str> {
    Box::new(|text| text.trim())
}

#[trace]
fn counter() -> impl FnMut() -> u8 {
    let mut count = 0;
    move || {
        count += 1;
        count
    }
}

#[trace]
fn stream_of_results(parts: Vec<String>) -> impl Stream<Item = Result<u8, Failure>> {
    stream::iter(parts).map(|part| Ok(part.parse()?))
}

#[trace]
fn literal() -> impl Display {
    5
}

#[trace]
fn empty() -> impl Iterator<Item = u64> {
    [1, 2].into_iter()
}

#[trace]
fn collected(text: &str) -> HashMap<char, usize> {
    text.chars().map(|letter| (letter, 1)).collect()
}

#[trace]
async fn collected_later(text: &str) -> Result<Vec<u8>, Failure> {
    text.split(' ').map(|word| Ok(word.parse()?)).collect()
}

#[trace]
async fn trait_object_later(number: u8) -> Box<dyn Display> {
    if number == 0 {
        return Box::new("none");
    }
    Box::new(number)
}

#[trace]
async fn slice_later<'a>(first: &'a [u8; 2], second: &'a [u8; 3]) -> &'a [u8] {
    if first.len() > second.len() { first } else { second }
}

#[trace]
fn function_pointer(negate: bool) -> fn(i8) -> i8 {
    if negate { |number| -number } else { |number| number }
}

#[trace]
fn borrowed<'a, T: 'a + Clone>(items: &'a [T]) -> impl Future<Output = usize> + use<T> {
    let count = items.len();
    async move { count }
}

#[trace]
fn here(number: u8) -> impl Future<Output = Rc<u8>> {
    async move { Rc::new(number) }
}

#[trace]
async fn never_ready() -> Result<Infallible, String> {
    Err("stopped".to_owned())
}

#[trace]
fn always_panics(really: bool) -> u8 {
    if really {
        panic!("as it must")
    }
    todo()
}

fn todo() -> u8 {
    1
}

pub(crate) async fn everything() {
    assert_eq!(asynchronous_block("7").await.unwrap(), 7);
    assert_eq!(asynchronous_block("0").await.unwrap_err().to_string(), "zero");
    assert_eq!(boxed_block("7").await.unwrap(), 7);
    assert_eq!(maybe_higher_ranked().unwrap()(" bees "), "bees");
    assert_eq!(boxed_higher_ranked()(" bees "), "bees");
    let mut count = counter();
    assert_eq!((count(), count()), (1, 2));
    let parts = stream_of_results(vec!["1".to_owned(), "x".to_owned()]);
    assert_eq!(parts.filter(|part| std::future::ready(part.is_ok())).count().await, 1);
    assert_eq!(literal().to_string(), "5");
    assert_eq!(empty().sum::<u64>(), 3);
    assert_eq!(collected("bee").len(), 2);
    assert_eq!(collected_later("1 2").await.unwrap(), [1, 2]);
    assert!(collected_later("1 x").await.is_err());
    assert_eq!(trait_object_later(0).await.to_string(), "none");
    assert_eq!(trait_object_later(1).await.to_string(), "1");
    assert_eq!(slice_later(&[1, 2], &[1, 2, 3]).await.len(), 3);
    assert_eq!(function_pointer(true)(1), -1);
    assert_eq!(borrowed(&["a"]).await, 1);
    assert_eq!(*here(4).await, 4);
    assert_eq!(never_ready().await.unwrap_err(), "stopped");
    assert_eq!(always_panics(false), 1);
}
