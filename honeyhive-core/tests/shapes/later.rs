//! Functions whose work is done later: boxed and opaque futures, streams, methods of `#[async_trait]`.

use std::future::Future;
use std::pin::Pin;

use futures_util::stream::{self, Stream, StreamExt as _};
use honeyhive_core::trace;

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
type Chunks = Pin<Box<dyn Stream<Item = Result<String, String>> + Send>>;
type Answer = String;

#[derive(Debug, Clone, PartialEq)]
struct Reply(String);

#[trace]
fn opaque(question: &str) -> impl Future<Output = usize> + Send + use<> {
    let length = question.len();
    async move {
        tokio::task::yield_now().await;
        length
    }
}

#[trace]
fn opaque_fallible(fail: bool) -> impl Future<Output = Result<Reply, String>> {
    std::future::ready(if fail {
        Err("no".to_owned())
    } else {
        Ok(Reply("yes".to_owned()))
    })
}

#[trace]
fn boxed<'a>(question: &'a str) -> Pin<Box<dyn Future<Output = &'a str> + Send + 'a>> {
    Box::pin(async move { question })
}

#[trace]
fn boxed_here(number: u8) -> Pin<Box<dyn Future<Output = u8>>> {
    let shared = std::rc::Rc::new(number);
    Box::pin(async move { *shared })
}

#[trace]
fn boxed_shared(number: u8) -> Pin<Box<dyn Future<Output = u8> + Send + Sync>> {
    Box::pin(std::future::ready(number))
}

#[trace]
fn alias(reply: &Reply) -> Boxed<'_, Reply> {
    Box::pin(async move { reply.clone() })
}

#[trace]
fn own_type(reply: &Reply) -> Reply {
    reply.clone()
}

#[trace]
fn alias_of_text() -> Answer {
    "text".to_owned()
}

#[trace]
fn numbers(end: u8) -> impl Stream<Item = u8> {
    stream::iter(0..end)
}

#[trace]
async fn chat(fail: bool) -> Result<impl Stream<Item = Result<String, String>> + Unpin, String> {
    tokio::task::yield_now().await;
    if fail {
        return Err("refused".to_owned());
    }
    let chunks = stream::iter(["a", "b"]).map(|part| Ok(part.to_owned()));
    Ok(Box::pin(chunks))
}

#[trace(output = |part| part)]
async fn chat_boxed(fail: bool) -> Result<Chunks, String> {
    if fail {
        Err("refused")?;
    }
    Ok(Box::pin(stream::iter([Ok("a".to_owned()), Err("broken".to_owned())])))
}

#[trace(output = |part| part.len())]
fn chunks() -> Chunks {
    Box::pin(stream::empty())
}

#[trace]
fn chunks_later() -> Boxed<'static, Result<Chunks, String>> {
    Box::pin(async { Ok(chunks()) })
}

#[async_trait::async_trait]
trait Model {
    async fn complete(&self, prompt: &str, (low, high): (u8, u8), _: u8) -> Result<Reply, String>;

    #[trace]
    async fn describe(&mut self, mut text: String) -> String {
        text.push('!');
        text
    }

    async fn stream(&self, parts: Vec<String>) -> Result<Chunks, String>;
}

struct Mock;

#[async_trait::async_trait]
impl Model for Mock {
    #[trace(event_type = "model")]
    async fn complete(&self, prompt: &str, (low, high): (u8, u8), _: u8) -> Result<Reply, String> {
        tokio::task::yield_now().await;
        if low > high {
            return Err("empty range".to_owned());
        }
        Ok(Reply(prompt.to_owned()))
    }

    #[trace]
    async fn stream(&self, parts: Vec<String>) -> Result<Chunks, String> {
        let parts: Vec<_> = parts.into_iter().map(Ok).collect();
        Ok(Box::pin(stream::iter(parts)))
    }
}

struct Other;

#[trace]
#[async_trait::async_trait]
impl Model for Other {
    async fn complete(&self, prompt: &str, _range: (u8, u8), _: u8) -> Result<Reply, String> {
        Ok(Reply(prompt.to_owned()))
    }

    async fn stream(&self, _parts: Vec<String>) -> Result<Chunks, String> {
        Err("none".to_owned())
    }
}

trait Native {
    async fn answer(&self, question: &str) -> String;

    #[trace]
    async fn twice(&self, question: &str) -> String {
        self.answer(question).await + &self.answer(question).await
    }
}

#[trace]
impl Native for Mock {
    async fn answer(&self, question: &str) -> String {
        question.to_owned()
    }
}

pub(crate) async fn everything() {
    assert_eq!(opaque("bees").await, 4);
    assert_eq!(opaque_fallible(false).await, Ok(Reply("yes".to_owned())));
    assert_eq!(opaque_fallible(true).await, Err("no".to_owned()));
    assert_eq!(boxed("bees").await, "bees");
    assert_eq!(boxed_here(7).await, 7);
    assert_eq!(boxed_shared(7).await, 7);
    let reply = Reply("r".to_owned());
    assert_eq!(alias(&reply).await, reply);
    assert_eq!(own_type(&reply), reply);
    assert_eq!(alias_of_text(), "text");
    assert_eq!(numbers(3).collect::<Vec<_>>().await, [0, 1, 2]);
    assert_eq!(chat(false).await.unwrap().count().await, 2);
    assert_eq!(chat(true).await.err().unwrap(), "refused");
    let parts: Vec<_> = chat_boxed(false).await.unwrap().collect().await;
    assert_eq!(parts, [Ok("a".to_owned()), Err("broken".to_owned())]);
    assert_eq!(chat_boxed(true).await.err().unwrap(), "refused");
    assert_eq!(chunks_later().await.unwrap().count().await, 0);
    assert_eq!(Mock.complete("p", (1, 2), 3).await, Ok(Reply("p".to_owned())));
    assert_eq!(Mock.complete("p", (2, 1), 3).await, Err("empty range".to_owned()));
    assert_eq!(Mock.describe("d".to_owned()).await, "d!");
    assert_eq!(Mock.stream(vec!["x".to_owned()]).await.unwrap().count().await, 1);
    assert_eq!(Other.complete("p", (1, 2), 3).await, Ok(Reply("p".to_owned())));
    assert!(Other.stream(vec![]).await.is_err());
    assert_eq!(Mock.twice("q").await, "qq");
}

pub(crate) fn can_be_sent() {
    fn is_send<T: Send>(_: &T) {}
    fn is_sync<T: Sync>(_: &T) {}
    is_send(&opaque("x"));
    is_send(&opaque_fallible(true));
    is_sync(&boxed_shared(1));
    is_send(&chat_boxed(true));
    is_send(&numbers(1));
}
