//! Searching events, page by page, and counting them over time.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Events, FoundEvent};
use crate::api::lenient::null_is_default;
use crate::api::link::Link;
use crate::api::operation::Operation;
use crate::api::pages::Page;
use crate::api::{Aggregate, Call, DateRange, Filter, Pages};

/// Events in a page unless the query says otherwise, and at most.
const PAGE: u32 = 1_000;
const MAX_PAGE: u32 = 7_500;

/// Which events to find. Default: all, by start.
#[derive(Clone, Debug, Default)]
pub struct EventQuery {
    /// Events that meet all of these.
    pub filters: Vec<Filter>,
    /// Events of this time.
    pub range: Option<DateRange>,
    /// Only these fields of each event.
    pub projections: Vec<String>,
    /// Events of this run; [`Events::search`] and [`Events::list`] only.
    pub evaluation_id: Option<String>,
    /// Any order will do, which is faster; [`Events::search`] and [`Events::list`] only.
    pub ignore_order: bool,
    /// Project name, which older backends want; [`Events::export`] only.
    pub project: Option<String>,
    /// Events fetched at once, 1 to 7,500. Default: 1,000.
    pub page_size: Option<u32>,
}

/// What to count or measure over time.
#[derive(Clone, Debug, Default)]
pub struct ChartQuery {
    /// Events that meet all of these.
    pub filters: Vec<Filter>,
    /// Events of this time.
    pub range: Option<DateRange>,
    /// What is measured, such as `duration`.
    pub metric: Option<String>,
    /// The field that makes the groups.
    pub group_by: Option<String>,
    /// Length of a step: `minute`, `hour`, `day`, `week` or `month`.
    pub bucket: Option<String>,
    /// How the values of a step become one.
    pub aggregation: Option<Aggregate>,
    /// Events of this run.
    pub evaluation_id: Option<String>,
    /// Events of experiments only.
    pub only_experiments: Option<bool>,
}

#[derive(Serialize)]
struct Export<'a> {
    filters: &'a [Filter],
    limit: u32,
    page: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<&'a str>,
    #[serde(rename = "dateRange", skip_serializing_if = "Option::is_none")]
    range: Option<&'a DateRange>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    projections: &'a [String],
}

#[derive(Serialize)]
struct Search<'a> {
    filters: &'a [Filter],
    limit: u32,
    page: u32,
    #[serde(rename = "dateRange", skip_serializing_if = "Option::is_none")]
    range: Option<Value>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    projections: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    evaluation_id: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    ignore_order: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Found {
    #[serde(deserialize_with = "null_is_default")]
    events: Vec<FoundEvent>,
    // Three names for how many there are, of which a server may use several.
    #[serde(rename = "totalEvents")]
    total: Option<u64>,
    total_events: Option<u64>,
    count: Option<u64>,
}

/// Where a list of events goes on.
struct Next {
    page: u32,
    /// Events that came before.
    before: u64,
}

impl EventQuery {
    /// The events of a session.
    #[must_use]
    pub fn session(session_id: impl ToString) -> Self {
        Self {
            filters: vec![Filter::is("session_id", session_id.to_string())],
            ..Self::default()
        }
    }

    fn limit(&self) -> u32 {
        self.page_size.unwrap_or(PAGE).clamp(1, MAX_PAGE)
    }
}

impl Events {
    /// Finds events, page by page. For tracing in the background to arrive first, flush the tracer.
    pub fn export(&self, query: &EventQuery) -> Pages<FoundEvent> {
        self.pages("exportEvents", query, |link, query, page| {
            let body = Export {
                filters: &query.filters,
                limit: query.limit(),
                page,
                project: query.project.as_deref(),
                range: query.range.as_ref(),
                projections: &query.projections,
            };
            Operation::post(link, "exportEvents", &["v1", "events", "export"], &body).repeatable()
        })
    }

    /// Finds events as [`export`](Self::export) does, on the newer route, which knows runs.
    pub fn search(&self, query: &EventQuery) -> Pages<FoundEvent> {
        self.pages("searchEvents", query, |link, query, page| {
            let range = query.range.as_ref();
            let body = Search {
                filters: &query.filters,
                limit: query.limit(),
                page,
                range: range.map(|range| {
                    let ends = [("start_time", &range.from), ("end_time", &range.to)];
                    let ends = ends
                        .into_iter()
                        .filter_map(|(name, end)| Some((name.to_owned(), end.clone()?)));
                    json!(ends.collect::<Map<_, _>>())
                }),
                projections: &query.projections,
                evaluation_id: query.evaluation_id.as_deref(),
                ignore_order: query.ignore_order,
            };
            Operation::post(link, "searchEvents", &["v1", "events", "search"], &body).repeatable()
        })
    }

    /// Finds events as [`export`](Self::export) does, with the query in the address, on backends that have no search.
    pub fn list(&self, query: &EventQuery) -> Pages<FoundEvent> {
        self.pages("getEvents", query, |link, query, page| {
            let some = |list: bool| list.then_some(());
            Operation::get(link, "getEvents", &["events"])
                .json("filters", some(!query.filters.is_empty()).map(|()| &query.filters))
                .json("dateRange", query.range.as_ref())
                .json(
                    "projections",
                    some(!query.projections.is_empty()).map(|()| &query.projections),
                )
                .query("evaluation_id", query.evaluation_id.as_ref())
                .query("ignore_order", query.ignore_order.then_some(true))
                .query("limit", Some(query.limit()))
                .query("page", Some(page))
        })
    }

    /// Counts or measures events over time; the answer as it comes.
    pub fn chart(&self, query: &ChartQuery) -> Call<Map<String, Value>> {
        let filters = (!query.filters.is_empty()).then_some(&query.filters);
        Operation::get(&self.link, "getEventsChart", &["v1", "events", "chart"])
            .json("dateRange", query.range.as_ref())
            .json("filters", filters)
            .query("metric", query.metric.as_ref())
            .query("groupBy", query.group_by.as_ref())
            .query("bucket", query.bucket.as_ref())
            .json("aggregation", query.aggregation)
            .query("evaluation_id", query.evaluation_id.as_ref())
            .query("only_experiments", query.only_experiments)
            .patient()
            .answer(&[])
    }

    fn pages(
        &self,
        name: &'static str,
        query: &EventQuery,
        request: impl Fn(&Arc<Link>, &EventQuery, u32) -> Operation + Send + 'static,
    ) -> Pages<FoundEvent> {
        let (link, query) = (self.link.clone(), query.clone());
        let first = Next { page: 1, before: 0 };
        Pages::new(name, self.link.clone(), Some(first), move |at: Next| {
            let call: Call<Found> = request(&link, &query, at.page).patient().answer(&[]);
            let full = u64::from(query.limit());
            async move {
                let found = call.await?;
                let items = found.events;
                let here = u64::try_from(items.len()).unwrap_or(u64::MAX);
                let so_far = at.before.saturating_add(here);
                let total = found.total.or(found.total_events).or(found.count);
                // A server may give less at once than it was asked for, or not say how many there are.
                let more = here > 0 && (here == full || total > Some(so_far));
                let next = more.then_some(Next {
                    page: at.page.saturating_add(1),
                    before: so_far,
                });
                Ok(Page { items, next })
            }
        })
    }
}
