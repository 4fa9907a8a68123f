//! `#[trace]` on every shape of function it promises: the code compiles without a warning and behaves as if the
//! attribute were not there, with and without a tracer.
#![deny(warnings)]
#![allow(clippy::unwrap_used, missing_docs)]

mod deduced;
mod items;
mod later;
mod methods;
mod shadowed;

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use honeyhive_core::{HoneyHiveTracer, trace};

#[trace]
fn add(a: i64, b: i64) -> i64 {
    a + b
}

#[trace(event_type = "model", name = "longest word")]
fn longest<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    text.split(' ').max_by_key(|word| word.len()).unwrap_or(otherwise)
}

#[trace(skip(secret))]
fn parse(text: &str, secret: &str) -> Result<u8, std::num::ParseIntError> {
    let _ = secret;
    let number = text.parse()?;
    Ok(number)
}

#[trace]
fn boxed(fail: bool) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    if fail {
        return Err("boxed".into());
    }
    Ok(())
}

#[trace]
fn destructured((a, b): (u8, u8), [c, ..]: [u8; 2], _: u8, mut d: Vec<u8>) -> usize {
    d.extend([a, b, c]);
    d.len()
}

#[trace]
fn generic<T: Display, U>(value: T, opaque: U, items: impl Iterator<Item = u8>) -> impl Iterator<Item = String>
where
    U: Sized,
{
    let _ = opaque;
    let value = value.to_string();
    items.map(move |item| format!("{value}{item}"))
}

#[trace]
fn push(list: &mut Vec<u8>, value: u8) -> &mut Vec<u8> {
    list.push(value);
    list
}

#[trace]
fn factorial(n: u64) -> u64 {
    if n == 0 { 1 } else { n * factorial(n - 1) }
}

#[trace]
fn unit() {}

/// Keeps its documentation.
#[trace]
#[must_use]
fn documented() -> Option<u8> {
    None
}

#[trace]
fn r#type(r#match: u8) -> u8 {
    r#match
}

#[trace]
fn fallible_iterator(n: u8) -> Result<impl Iterator<Item = u8>, String> {
    let n = u8::try_from(u16::from(n)).map_err(|error| error.to_string())?;
    Ok(0..n)
}

#[trace]
async fn later_iterator(n: u8) -> Result<impl Iterator<Item = u8>, String> {
    tokio::task::yield_now().await;
    if n == 0 {
        Err("none")?;
    }
    Ok(0..n)
}

#[trace]
async fn one_line(n: u8) -> u8 {
    n
}

#[trace]
fn inner_attribute() -> u8 {
    #![allow(unused_variables)]
    let unused = 1;
    2
}

/// Methods of these names on every type must not get in the way.
#[allow(dead_code)]
trait Everything {
    fn capture(&self) {}
    fn report(&self) {}
    fn split(&self) {}
}

impl<T: ?Sized> Everything for T {}

/// Panics when it is shown.
struct Shy;

impl fmt::Debug for Shy {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("do not look")
    }
}

/// Cannot be displayed.
#[derive(Debug)]
struct Mute;

impl Display for Mute {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Err(fmt::Error)
    }
}

impl std::error::Error for Mute {}

#[trace]
fn shy(_shy: Shy) -> Shy {
    Shy
}

#[trace]
fn mute() -> Result<u8, Mute> {
    Err(Mute)
}

#[trace]
fn shy_error() -> Result<u8, Shy> {
    Err(Shy)
}

#[trace]
fn locked(lock: &std::sync::Mutex<u8>) -> bool {
    lock.try_lock().is_err()
}

struct Opaque;

struct Service {
    tracer: Option<HoneyHiveTracer>,
    calls: u32,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Service")
    }
}

impl Service {
    #[trace]
    fn new(_opaque: Opaque) -> Self {
        Self { tracer: None, calls: 0 }
    }

    #[trace(tracer = self.tracer, event_type = "chain")]
    fn call(&mut self, words: BTreeMap<&str, u8>) -> u32 {
        self.calls += u32::try_from(words.len()).unwrap();
        self.calls
    }

    #[trace(tracer = self.tracer)]
    async fn call_later<'a>(&self, text: &'a str) -> Result<&'a str, fmt::Error> {
        tokio::task::yield_now().await;
        if text.is_empty() {
            Err(fmt::Error)?;
        }
        Ok(text)
    }

    #[trace]
    fn consume(self) -> u32 {
        self.calls
    }
}

#[trace]
async fn sleepless(values: Vec<u8>) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    tokio::task::yield_now().await;
    let first = values.first().copied().ok_or("empty")?;
    if first == 0 {
        return Err(Box::new(fmt::Error));
    }
    Ok(values)
}

#[trace]
async fn displayed(value: u8) -> impl Display + Send {
    format!("<{value}>")
}

async fn everything() {
    assert_eq!(add(1, 2), 3);
    assert_eq!(longest("a bee dances", ""), "dances");
    assert_eq!(parse("7", "s"), Ok(7));
    assert!(parse("x", "s").is_err());
    assert_eq!(boxed(true).unwrap_err().to_string(), "boxed");
    assert!(boxed(false).is_ok());
    assert_eq!(destructured((1, 2), [3, 4], 5, vec![6]), 4);
    assert_eq!(
        generic("n", Opaque, [1, 2].into_iter()).collect::<Vec<_>>(),
        ["n1", "n2"]
    );
    let mut list = vec![1];
    push(push(&mut list, 2), 3);
    assert_eq!(list, [1, 2, 3]);
    assert_eq!(factorial(5), 120);
    unit();
    assert_eq!(documented(), None);
    assert_eq!(r#type(3), 3);
    assert_eq!(fallible_iterator(3).unwrap().count(), 3);
    assert_eq!(later_iterator(3).await.unwrap().count(), 3);
    assert_eq!(later_iterator(0).await.err().as_deref(), Some("none"));
    assert_eq!(one_line(4).await, 4);
    assert_eq!(inner_attribute(), 2);
    shy(Shy);
    assert!(mute().is_err());
    assert!(shy_error().is_err());
    let lock = std::sync::Mutex::new(1);
    let held = lock.lock().unwrap();
    assert!(locked(&lock), "the lock was free for nobody");
    drop(held);
    let mut service = Service::new(Opaque);
    assert_eq!(service.call(BTreeMap::from([("a", 1), ("b", 2)])), 2);
    assert_eq!(service.call_later("x").await, Ok("x"));
    assert_eq!(service.call_later("").await, Err(fmt::Error));
    assert_eq!(service.consume(), 2);
    assert_eq!(sleepless(vec![1]).await.unwrap(), [1]);
    assert_eq!(sleepless(vec![]).await.unwrap_err().to_string(), "empty");
    assert!(sleepless(vec![0]).await.is_err());
    assert_eq!(format!("{}", displayed(4).await), "<4>");
}

async fn shapes() {
    later::everything().await;
    deduced::everything().await;
    items::everything().await;
    methods::everything().await;
    shadowed::everything().await;
}

#[tokio::test]
async fn annotated_functions_behave_as_without_the_attribute() {
    everything().await;
    shapes().await;
    let tracer = HoneyHiveTracer::builder()
        .environment([("HH_API_KEY", "hh_test")])
        .server_url("http://127.0.0.1:9")
        .undiscoverable()
        .build()
        .unwrap();
    tracer.scope(everything()).await;
    tracer.scope(shapes()).await;
    assert!(tracer.stats().spans_ended > 20, "{:?}", tracer.stats());
}

#[tokio::test]
async fn a_traced_future_can_be_sent_between_threads() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let sent = tokio::spawn(is_send(displayed(4))).await.unwrap();
    assert_eq!(format!("{sent}"), "<4>");
    later::can_be_sent();
}

#[test]
fn annotated_functions_need_no_runtime() {
    items::without_a_runtime();
}
