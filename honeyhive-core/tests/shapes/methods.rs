//! Methods with every receiver, of types, traits and `impl` blocks.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use honeyhive_core::{HoneyHiveTracer, trace};

#[derive(Debug, Clone, Default)]
struct Counter {
    count: u32,
    words: Vec<String>,
}

impl Counter {
    #[trace]
    fn by_reference(&self) -> u32 {
        self.count
    }

    #[trace]
    fn by_mutable_reference(&mut self, step: u32) -> &mut u32 {
        self.count += step;
        &mut self.count
    }

    #[trace]
    fn by_value(self) -> Vec<String> {
        self.words
    }

    #[trace]
    fn by_mutable_value(mut self) -> Self {
        self.count += 1;
        self
    }

    #[trace]
    fn boxed(self: Box<Self>) -> Self {
        *self
    }

    #[trace]
    fn shared(self: Arc<Self>) -> u32 {
        self.count
    }

    #[trace]
    fn shared_here(self: &Rc<Self>) -> u32 {
        self.count
    }

    #[trace]
    fn pinned(mut self: Pin<&mut Self>) -> u32 {
        self.count += 1;
        self.as_mut().count
    }

    #[trace]
    fn word(&self, index: usize) -> Option<&str> {
        self.words.get(index).map(String::as_str)
    }

    #[trace]
    async fn later(&mut self, word: &str) -> &str {
        tokio::task::yield_now().await;
        self.words.push(word.to_owned());
        &self.words[0]
    }

    #[trace]
    async fn consume_later(self) -> u32 {
        self.count
    }

    #[trace]
    fn opaque_later(&self) -> impl Future<Output = u32> + '_ {
        async { self.count }
    }

    #[trace]
    fn words(&self) -> impl Iterator<Item = &str> + '_ {
        self.words.iter().map(String::as_str)
    }

    /// Moves a part of itself and drops the rest.
    #[trace]
    fn parts(self) -> (u32, usize) {
        let Self { count, words } = self;
        drop(words);
        (count, 0)
    }
}

trait Shape {
    const SIDES: u32;

    fn of(side: f64) -> Self
    where
        Self: Sized;

    fn area(&self) -> f64;

    #[trace]
    fn describe(&self) -> String
    where
        Self: Debug,
    {
        format!("{self:?} of {} sides and {}", Self::SIDES, self.area())
    }
}

#[derive(Debug)]
struct Square(f64);

#[trace(metadata(sides = Self::SIDES))]
impl Shape for Square {
    const SIDES: u32 = 4;

    fn of(side: f64) -> Self {
        Self(side)
    }

    fn area(&self) -> f64 {
        self.0 * self.0
    }
}

struct Holder<'a, T, const N: usize> {
    items: [T; N],
    tracer: Option<&'a HoneyHiveTracer>,
    kind: PhantomData<T>,
}

#[trace(tracer = self.tracer, config(size = N))]
impl<'a, T, const N: usize> Holder<'a, T, N>
where
    T: Clone + 'a,
{
    #[trace(tracer = tracer)]
    fn new(items: [T; N], tracer: Option<&'a HoneyHiveTracer>) -> Self {
        Self {
            items,
            tracer,
            kind: PhantomData,
        }
    }

    fn first(&self) -> Option<&T> {
        self.items.first()
    }

    fn map<U>(&self, change: impl Fn(&T) -> U) -> Vec<U> {
        self.items.iter().map(change).collect()
    }

    async fn last(&'a self) -> Option<&'a T> {
        tokio::task::yield_now().await;
        self.items.last()
    }

    #[trace(skip)]
    const fn kind(&self) -> PhantomData<T> {
        self.kind
    }
}

/// On the block outside of `#[async_trait]`, inside of it, and on a method; also for futures that stay on a thread.
#[async_trait::async_trait(?Send)]
trait Local {
    async fn shared(&self, number: Rc<u8>) -> Result<Rc<u8>, String>;

    #[trace]
    async fn twice(&self, number: Rc<u8>) -> Result<u8, String> {
        let first = self.shared(number).await?;
        Ok(*self.shared(first).await?)
    }
}

#[async_trait::async_trait(?Send)]
#[trace]
impl Local for Counter {
    async fn shared(&self, number: Rc<u8>) -> Result<Rc<u8>, String> {
        tokio::task::yield_now().await;
        let odd = *number % 2 == 1;
        odd.then_some(number).ok_or_else(|| "even".to_owned())
    }
}

#[trace]
#[async_trait::async_trait(?Send)]
impl Local for Square {
    async fn shared(&self, number: Rc<u8>) -> Result<Rc<u8>, String> {
        tokio::task::yield_now().await;
        Err(number.to_string())
    }
}

pub(crate) async fn everything() {
    let mut counter = Counter {
        count: 1,
        words: vec!["bees".to_owned()],
    };
    *counter.by_mutable_reference(2) += 1;
    assert_eq!(counter.by_reference(), 4);
    assert_eq!(counter.word(0), Some("bees"));
    assert_eq!(counter.later("dance").await, "bees");
    assert_eq!(counter.opaque_later().await, 4);
    assert_eq!(counter.words().collect::<Vec<_>>(), ["bees", "dance"]);
    assert_eq!(Pin::new(&mut counter).pinned(), 5);
    assert_eq!(counter.clone().by_mutable_value().count, 6);
    assert_eq!(Box::new(counter.clone()).boxed().count, 5);
    assert_eq!(Arc::new(counter.clone()).shared(), 5);
    assert_eq!(Rc::new(counter.clone()).shared_here(), 5);
    assert_eq!(counter.clone().consume_later().await, 5);
    assert_eq!(counter.clone().parts(), (5, 0));
    assert_eq!(counter.twice(Rc::new(3)).await, Ok(3));
    assert_eq!(counter.twice(Rc::new(2)).await, Err("even".to_owned()));
    assert_eq!(counter.by_value(), ["bees", "dance"]);
    let square = Square::of(2.0);
    assert_eq!(square.describe(), "Square(2.0) of 4 sides and 4");
    assert_eq!(square.twice(Rc::new(3)).await, Err("3".to_owned()));
    let holder = Holder::new(["a", "bc"], None);
    assert_eq!(holder.first(), Some(&"a"));
    assert_eq!(holder.map(|text| text.len()), [1, 2]);
    assert_eq!(holder.last().await, Some(&"bc"));
    assert_eq!(holder.kind(), PhantomData);
}
