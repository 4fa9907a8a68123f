//! A pipeline: queue, worker thread and SDK tracer of one destination.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, ThreadId};
use std::time::Duration;

use futures_timer::Delay;
use futures_util::future::{Either, select};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{Context, InstrumentationScope, Key, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider, SpanData, SpanLimits};
use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;
use tokio::time::Instant;

use super::encode::Encoder;
use super::error::FlushError;
use super::processor::{Identities, Processor};
use super::queue::{Amount, Queue};
use super::spool::Spool;
use super::transport::{SharedTransport, base, transport};
use super::worker::{Closing, Worker, wait_settled};
use crate::config::{Config, ConfigError, Limits, Mode, program_name};
use crate::session::Identity;
use crate::span::Ids;

/// What the worker needs to come to its end once its time is over.
const GRACE: Duration = Duration::from_millis(500);

/// The longest limit, a year: no clock can tell the end of one much longer.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 3_600);

/// One destination. Dropped with its last handle, it drains what is queued, for at most its drain timeout.
pub(crate) struct Pipeline {
    config: Config,
    server_url: String,
    queue: Arc<Queue>,
    identities: Arc<Identities>,
    sdk: SdkTracer,
    provider: SdkTracerProvider,
    discoverable: bool,
    runtime: Handle,
    transport: SharedTransport,
    settled: watch::Receiver<u64>,
    deadline: watch::Sender<Option<Closing>>,
    drained_in_vain: AtomicBool,
    worker: ThreadId,
    /// Hung up when the worker has ended.
    ended: Mutex<mpsc::Receiver<()>>,
}

/// Held by the worker's thread: once it ends, however it ends, nothing is taken any more and nobody waits for it.
struct EndOfWorker {
    queue: Arc<Queue>,
    _alive: mpsc::Sender<()>,
}

impl Drop for EndOfWorker {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl Pipeline {
    pub(crate) fn start(config: Config, discoverable: bool) -> Result<Self, ConfigError> {
        let discards = config.content.mode != Mode::On;
        let export = &config.export;
        let bounds = Amount {
            spans: export.max_queue,
            bytes: export.max_queue_bytes,
        };
        let batch = Amount {
            spans: export.batch_size,
            bytes: export.max_batch_bytes,
        };
        let queue = Arc::new(Queue::new(bounds, batch, discards));
        let identities = Arc::new(Identities::default());
        let resource = resource(&config);
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(ConfigError::Worker)?;
        let handle = runtime.handle().clone();
        let spool = match &config.spool {
            Some(settings) => Some(
                Spool::open(settings, &config).map_err(|error| ConfigError::InvalidValue {
                    setting: "spool_dir",
                    value: settings.directory.display().to_string(),
                    rule: format!("is no directory that can be written: {error}"),
                })?,
            ),
            None => None,
        };
        let transport = transport(config.clone());
        let (settled_sender, settled) = watch::channel(0);
        let (deadline, deadline_receiver) = watch::channel(None);
        let (alive, ended) = mpsc::channel::<()>();
        let worker = Worker {
            queue: queue.clone(),
            transport: transport.clone(),
            encoder: Encoder::new(&config, &resource),
            spool,
            flush_interval: config.export.flush_interval,
            max_connections: config.export.max_connections,
            apart: config.export.endpoint.is_some(),
            settled: settled_sender,
            deadline: deadline_receiver,
        };
        let end = EndOfWorker {
            queue: queue.clone(),
            _alive: alive,
        };
        let run = move || {
            let end = end;
            // Spans of an instrumented HTTP client must not feed the pipeline that sends them.
            let _quiet = Context::enter_telemetry_suppressed_scope();
            if catch_unwind(AssertUnwindSafe(|| runtime.block_on(worker.run()))).is_err() {
                end.queue.abandon();
            }
        };
        let worker = thread::Builder::new()
            .name("honeyhive".into())
            .spawn(run)
            .map_err(ConfigError::Worker)?;
        let processor = Processor {
            queue: queue.clone(),
            identities: identities.clone(),
        };
        let provider = sdk_provider(processor, resource, &config.content.limits);
        let scope = InstrumentationScope::builder(env!("CARGO_PKG_NAME"))
            .with_version(env!("CARGO_PKG_VERSION"))
            .build();
        Ok(Self {
            server_url: base(&config.server_url),
            config,
            queue,
            identities,
            sdk: provider.tracer_with_scope(scope),
            provider,
            discoverable,
            runtime: handle,
            transport,
            settled,
            deadline,
            drained_in_vain: AtomicBool::new(false),
            worker: worker.thread().id(),
            ended: Mutex::new(ended),
        })
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn server_url(&self) -> &str {
        &self.server_url
    }

    pub(crate) fn queue(&self) -> &Queue {
        &self.queue
    }

    pub(crate) fn identities(&self) -> &Identities {
        &self.identities
    }

    pub(crate) fn sdk(&self) -> &SdkTracer {
        &self.sdk
    }

    /// Makes tracers of other scopes than ours.
    pub(crate) fn provider(&self) -> &SdkTracerProvider {
        &self.provider
    }

    /// Whether code may find its tracers without having been given one.
    pub(crate) fn is_discoverable(&self) -> bool {
        self.discoverable
    }

    /// Takes a finished span that another SDK's provider made.
    pub(crate) fn push_span(&self, identity: Arc<Identity>, data: SpanData) {
        self.queue.push_span(identity, data);
    }

    pub(crate) async fn flush(&self, limit: Duration) -> Result<(), FlushError> {
        let reported = self.queue.counters.reported();
        let upto = self.queue.request_flush();
        let mut settled = self.settled.clone();
        within(limit, settled.wait_for(|done| *done >= upto)).await;
        self.report(self.is_settled(upto), reported)
    }

    pub(crate) fn flush_blocking(&self, limit: Duration) -> Result<(), FlushError> {
        let reported = self.queue.counters.reported();
        let upto = self.queue.request_flush();
        let (sender, receiver) = mpsc::channel();
        let settled = self.settled.clone();
        self.runtime.spawn(async move {
            wait_settled(settled, upto, limit).await;
            // The caller may have stopped waiting.
            let _ = sender.send(());
        });
        if !self.is_worker() {
            let _ = receiver.recv_timeout(limit);
        }
        self.report(self.is_settled(upto), reported)
    }

    fn is_settled(&self, upto: u64) -> bool {
        *self.settled.borrow() >= upto
    }

    /// Waits for delivery before the handle that asks is dropped. When that was in vain, dropping the last handle
    /// waits no longer.
    pub(crate) fn drain(&self) -> Result<(), FlushError> {
        let drained = self.flush_blocking(self.config.export.drain_timeout);
        if matches!(drained, Err(FlushError::Timeout { .. })) {
            self.drained_in_vain.store(true, Ordering::Relaxed);
        }
        drained
    }

    /// Ends delivery: nothing is taken any more, and what waits is sent within `limit` or given up.
    pub(crate) async fn shutdown(&self, limit: Duration) -> Result<(), FlushError> {
        let reported = self.queue.counters.reported();
        self.close(limit);
        let mut settled = self.settled.clone();
        // Hung up when the worker has ended, also if it died and what it held is yet to be counted.
        let ended = within(limit.max(GRACE), async { while settled.changed().await.is_ok() {} }).await;
        self.report(ended && self.queue.stats().pending() == 0, reported)
    }

    pub(crate) fn shutdown_blocking(&self, limit: Duration) -> Result<(), FlushError> {
        let reported = self.queue.counters.reported();
        self.close(limit);
        let ended = self.has_ended_within(limit.max(GRACE));
        self.report(ended, reported)
    }

    /// Tells the worker to end. It keeps some of the time for what is left then.
    fn close(&self, limit: Duration) {
        let (now, limit) = (Instant::now(), limit.min(FOREVER));
        // Part of the time is for what is left then; more of it if that is to be written to disk.
        let grace = if self.config.spool.is_some() {
            limit / 3
        } else {
            GRACE.min(limit / 4)
        };
        let closing = Closing {
            begun: now,
            eager: now + limit / 2,
            deadline: now + (limit - grace),
            end: now + (limit - limit / 20),
        };
        self.deadline.send_if_modified(|known| {
            // Who closes it again can only shorten its time.
            let sooner = known.is_none_or(|known| closing.deadline < known.deadline);
            if sooner {
                *known = Some(closing);
            }
            sooner
        });
        self.queue.close();
    }

    /// Waits for the end of the worker.
    fn has_ended_within(&self, limit: Duration) -> bool {
        if self.is_worker() {
            return false;
        }
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.recv_timeout(limit) != Err(mpsc::RecvTimeoutError::Timeout)
    }

    /// Runs the worker, and whatever else is to use its connections.
    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    pub(crate) fn transport(&self) -> &SharedTransport {
        &self.transport
    }

    /// The thread the runtime is on: it must never wait for itself.
    pub(crate) fn worker(&self) -> ThreadId {
        self.worker
    }

    /// Whether this is the worker's thread, on which a function of the program runs.
    fn is_worker(&self) -> bool {
        thread::current().id() == self.worker
    }

    /// `reported` are the losses that flushes before this one have reported.
    fn report(&self, settled: bool, reported: u64) -> Result<(), FlushError> {
        let stats = self.queue.stats();
        if !settled && stats.pending() > 0 {
            return Err(FlushError::Timeout {
                pending: stats.pending(),
                last_error: stats.last_error,
            });
        }
        let lost = stats.lost();
        self.queue.counters.set_reported(lost);
        match lost.saturating_sub(reported) {
            0 => Ok(()),
            lost => Err(FlushError::Lost {
                lost,
                last_error: stats.last_error,
            }),
        }
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        let drain = if *self.drained_in_vain.get_mut() && self.config.spool.is_none() {
            Duration::ZERO
        } else {
            self.config.export.drain_timeout
        };
        self.close(drain);
        if self.is_worker() {
            // A function of the user's, called by the worker, held the last handle: it goes on when this has returned.
            return;
        }
        if !self.has_ended_within(drain.max(GRACE)) {
            tracing::warn!("the delivery thread did not end in time; what it still held may be lost");
        }
    }
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// Whether it ends in time. The clock is neither the worker's, which a function of the program can hold up, nor that of
/// a runtime the caller may not have.
async fn within(limit: Duration, ends: impl Future) -> bool {
    let (ends, over) = (pin!(ends), Delay::new(limit.min(FOREVER)));
    matches!(select(ends, over).await, Either::Left(_))
}

/// The SDK's defaults, and the name and version that are configured; the program's name where none is.
fn resource(config: &Config) -> Resource {
    let mut attributes = Vec::new();
    if let Some(name) = &config.service_name {
        attributes.push(KeyValue::new(SERVICE_NAME, name.clone()));
    } else {
        let found = Resource::builder().build().get(&Key::from_static_str(SERVICE_NAME));
        if found.is_none_or(|name| name.as_str().starts_with("unknown_service")) {
            attributes.push(KeyValue::new(SERVICE_NAME, program_name()));
        }
    }
    if let Some(version) = &config.service_version {
        attributes.push(KeyValue::new("service.version", version.clone()));
    }
    Resource::builder().with_attributes(attributes).build()
}

fn sdk_provider(processor: Processor, resource: Resource, limits: &Limits) -> SdkTracerProvider {
    SdkTracerProvider::builder()
        .with_span_processor(processor)
        .with_resource(resource)
        .with_id_generator(Ids::default())
        // Explicit, so that OTEL_TRACES_SAMPLER and OTEL_SPAN_*_LIMIT, meant for other exporters, change nothing here.
        .with_sampler(Sampler::AlwaysOn)
        .with_span_limits(SpanLimits {
            max_attributes_per_span: ATTRIBUTES,
            max_events_per_span: limits.events,
            max_links_per_span: limits.links,
            max_attributes_per_event: 1_024,
            max_attributes_per_link: 1_024,
        })
        .build()
}

const SERVICE_NAME: &str = "service.name";

/// Attributes the SDK keeps of a span. The limit that is configured counts keys, and is applied when the span is
/// encoded: the SDK would count each value a key ever had, and drop the youngest, which are the outcome.
const ATTRIBUTES: u32 = 1 << 16;
