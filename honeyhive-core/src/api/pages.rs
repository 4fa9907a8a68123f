//! Lists that come page by page, as a stream.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::stream::{self, Stream, StreamExt as _, TryStreamExt as _};

use super::link::Link;
use super::{ApiError, Call};

/// A list of the server's, fetched page by page as it is read: a [`Stream`]. The first failure ends it.
///
/// # Examples
///
/// ```no_run
/// use futures_util::TryStreamExt as _;
/// use honeyhive_core::api::{Client, RunQuery};
///
/// # async fn example(client: Client) -> Result<(), honeyhive_core::api::ApiError> {
/// let mut runs = client.runs().list(&RunQuery::default());
/// while let Some(run) = runs.try_next().await? {
///     println!("{} {:?}", run.run_id, run.name);
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a list is fetched while it is read: as a stream, with .blocking(), or with .all()"]
pub struct Pages<T> {
    operation: &'static str,
    link: Arc<Link>,
    items: Pin<Box<dyn Stream<Item = Result<T, ApiError>> + Send>>,
}

/// One page, and what comes after it.
pub(super) struct Page<T, Next> {
    pub(super) items: Vec<T>,
    pub(super) next: Option<Next>,
}

impl<T: Clone + PartialEq + Send + 'static> Pages<T> {
    /// `fetch` gets a page; `None` to begin with means there is none. A page that comes once more is an error: it would
    /// come for ever.
    pub(super) fn new<Next, Fetched>(
        operation: &'static str,
        link: Arc<Link>,
        first: Option<Next>,
        fetch: impl Fn(Next) -> Fetched + Send + 'static,
    ) -> Self
    where
        Next: Send + 'static,
        Fetched: Future<Output = Result<Page<T, Next>, ApiError>> + Send + 'static,
    {
        let state = (VecDeque::new(), None, first, fetch);
        let items = stream::try_unfold(state, move |(mut ready, mut seen, mut next, fetch)| async move {
            loop {
                if let Some(item) = ready.pop_front() {
                    return Ok(Some((item, (ready, seen, next, fetch))));
                }
                let Some(page) = next else { return Ok(None) };
                let page = fetch(page).await?;
                let ends = ends(&page.items);
                if ends.is_some() && ends == seen {
                    return Err(ApiError::Answer {
                        operation,
                        route: "the page after the last one".to_owned(),
                        problem: "it is the last one once more; the server seems to ignore which page it is asked for"
                            .to_owned(),
                    });
                }
                seen = ends;
                ready = page.items.into();
                next = page.next;
            }
        });
        Self {
            operation,
            link,
            items: Box::pin(items),
        }
    }
}

/// By what a page is known: its first and its last item. A list that grows meanwhile moves items to the next page, and a
/// page of one item can be the one before.
fn ends<T: Clone>(items: &[T]) -> Option<(T, T)> {
    match items {
        [first, .., last] => Some((first.clone(), last.clone())),
        _ => None,
    }
}

impl<T: Send + 'static> Pages<T> {
    /// The whole list.
    ///
    /// # Errors
    ///
    /// The first failure, [`ApiError`].
    pub fn all(self) -> Call<Vec<T>> {
        Call::new(self.operation, self.link, self.items.try_collect())
    }

    /// The list as an iterator that blocks this thread while it fetches a page, for synchronous code; see
    /// [`Call::wait`].
    pub fn blocking(self) -> impl Iterator<Item = Result<T, ApiError>> {
        let Self { operation, link, items } = self;
        let mut rest = Some(items);
        std::iter::from_fn(move || {
            let mut items = rest.take()?;
            let fetched = Call::new(operation, link.clone(), async move { Ok((items.next().await, items)) });
            match fetched.wait() {
                Ok((item, items)) => {
                    rest = item.as_ref().is_some_and(Result::is_ok).then_some(items);
                    item
                }
                Err(error) => Some(Err(error)),
            }
        })
    }
}

impl<T> Stream for Pages<T> {
    type Item = Result<T, ApiError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().items.as_mut().poll_next(cx)
    }
}

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages")
            .field("operation", &self.operation)
            .finish_non_exhaustive()
    }
}
