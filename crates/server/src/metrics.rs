//! What the server counts, in the OpenMetrics text format at `/metrics`.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use axum::http::{Method, StatusCode};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, EncodeMetric, MetricEncoder, NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tillroll_engine::{EngineMetrics, StartReport};
use tillroll_runtime::BookHandle;

use crate::capacity::Capacity;

/// The bounds that OpenTelemetry's conventions give for the duration of a request.
const SECONDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

const KNOWN_METHODS: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::DELETE,
    Method::PATCH,
    Method::OPTIONS,
];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    http_route: String,
    http_request_method: String,
    http_response_status_code: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WebhookLabels {
    outcome: &'static str,
}

/// What became of a delivered webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WebhookOutcome {
    /// It said something new.
    Recorded,
    /// It was on the roll already, or said nothing new.
    Known,
    /// Authentic, kept, not understood.
    Unrecognised,
    /// Its id came with other content; kept beside the first.
    EventIdReused,
    /// Not authentic: nothing was recorded.
    Rejected,
    /// The server could not take it; the sender will send it again.
    Failed,
}

impl WebhookOutcome {
    const ALL: [Self; 6] = [
        Self::Recorded,
        Self::Known,
        Self::Unrecognised,
        Self::EventIdReused,
        Self::Rejected,
        Self::Failed,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Known => "known",
            Self::Unrecognised => "unrecognised",
            Self::EventIdReused => "event_id_reused",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
        }
    }
}

#[derive(Debug)]
pub(crate) struct HttpMetrics {
    registry: Mutex<Registry>,
    requests: Family<RequestLabels, Histogram, fn() -> Histogram>,
    /// The same histograms, found without making labels: by route, then by method and status.
    found: RwLock<HashMap<String, Vec<(Method, StatusCode, Histogram)>>>,
    webhooks: Family<WebhookLabels, Counter>,
}

impl HttpMetrics {
    pub(crate) fn new(book: &BookHandle, start: &StartReport, capacity: &Arc<Capacity>) -> Self {
        let mut registry = Registry::default();
        let requests: Family<RequestLabels, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(SECONDS));
        registry.register_with_unit(
            "http_server_request_duration",
            "Duration of HTTP requests",
            Unit::Seconds,
            requests.clone(),
        );
        let webhooks = Family::<WebhookLabels, Counter>::default();
        for outcome in WebhookOutcome::ALL {
            // Counted from zero, so that a first failure shows as an increase.
            drop(webhooks.get_or_create(&WebhookLabels {
                outcome: outcome.as_str(),
            }));
        }
        registry.register(
            "tillroll_webhooks",
            "Webhooks delivered, by what became of them",
            webhooks.clone(),
        );
        let from = start.snapshot.as_ref();
        registry.register_collector(Box::new(EngineCollector {
            book: book.clone(),
            start_position: from.map_or(0, |snapshot| snapshot.position.get()),
            start_folded: start.folded,
            capacity: Arc::clone(capacity),
        }));
        Self {
            registry: Mutex::new(registry),
            requests,
            found: RwLock::default(),
            webhooks,
        }
    }

    pub(crate) fn observe_request(
        &self,
        route: &str,
        method: &Method,
        status: StatusCode,
        took: Duration,
    ) {
        let seconds = took.as_secs_f64();
        {
            let found = self.found.read().unwrap_or_else(PoisonError::into_inner);
            let own = found.get(route).and_then(|of_route| {
                of_route
                    .iter()
                    .find(|(known, answered, _)| known == method && *answered == status)
            });
            if let Some((_, _, histogram)) = own {
                histogram.observe(seconds);
                return;
            }
        }
        let histogram = self.histogram(route, method, status);
        histogram.observe(seconds);
        // What a client makes up is counted, and not remembered.
        if KNOWN_METHODS.contains(method) {
            let mut found = self.found.write().unwrap_or_else(PoisonError::into_inner);
            let of_route = found.entry(route.to_owned()).or_default();
            of_route.push((method.clone(), status, histogram));
        }
    }

    fn histogram(&self, route: &str, method: &Method, status: StatusCode) -> Histogram {
        // Only known methods: a label must not be what a client makes up.
        let method = match KNOWN_METHODS.contains(method) {
            true => method.as_str(),
            false => "_OTHER",
        };
        let labels = RequestLabels {
            http_route: route.into(),
            http_request_method: method.into(),
            http_response_status_code: status.as_u16(),
        };
        self.requests.get_or_create(&labels).clone()
    }

    pub(crate) fn count_webhook(&self, outcome: WebhookOutcome) {
        let labels = WebhookLabels {
            outcome: outcome.as_str(),
        };
        self.webhooks.get_or_create(&labels).inc();
    }

    pub(crate) fn encode(&self) -> Result<String, fmt::Error> {
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry)?;
        Ok(text)
    }
}

/// What the engine and the projections count, read at every request for metrics.
#[derive(Debug)]
struct EngineCollector {
    book: BookHandle,
    start_position: u64,
    start_folded: u64,
    capacity: Arc<Capacity>,
}

impl Collector for EngineCollector {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let engine = self.book.engine().metrics();
        let head = self.book.engine().head().get();
        let projected = self.book.checkpoint().position();
        let lag = self.book.lag().map_or(0, |lag| lag.time.as_secs());
        let Capacity {
            answers, bodies, ..
        } = &*self.capacity;
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let gauges: [(&str, &str, u64); 15] = [
            (
                "tillroll_committed_position",
                "The last durable position",
                head,
            ),
            (
                "tillroll_projected_position",
                "The last position whose rows are in the read models",
                projected,
            ),
            (
                "tillroll_projection_lag_events",
                "Durable events that the read models do not show yet",
                head.saturating_sub(projected),
            ),
            (
                "tillroll_projection_lag_seconds",
                "For how long the read models have been behind",
                lag,
            ),
            (
                "tillroll_answer_bytes",
                "Bytes of answers that are being made or written",
                count(answers.held()),
            ),
            (
                "tillroll_answer_bytes_most",
                "The most of them since the start",
                count(answers.most()),
            ),
            (
                "tillroll_body_bytes",
                "Bytes of bodies that are arriving or being worked on",
                count(bodies.held()),
            ),
            (
                "tillroll_body_bytes_most",
                "The most of them since the start",
                count(bodies.most()),
            ),
            (
                "tillroll_event_streams",
                "Streams of events that are open",
                count(self.capacity.event_streams.taken()),
            ),
            (
                "tillroll_bulk_streams",
                "Streams of entries that are open",
                count(self.capacity.bulk_streams.taken()),
            ),
            (
                "tillroll_arriving_bodies",
                "Bodies that are on their way",
                count(self.capacity.arriving.taken()),
            ),
            (
                "tillroll_queue_depth",
                "Commands that wait for the writer",
                u64::try_from(engine.queue_depth).unwrap_or(u64::MAX),
            ),
            (
                "tillroll_queue_capacity",
                "The most commands that can wait",
                u64::try_from(engine.queue_capacity).unwrap_or(u64::MAX),
            ),
            (
                "tillroll_start_snapshot_position",
                "Position of the snapshot that this start went on from, 0 without one",
                self.start_position,
            ),
            (
                "tillroll_start_folded_records",
                "Records that this start folded",
                self.start_folded,
            ),
        ];
        for (name, help, value) in gauges {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        for (name, help, value) in counters(&engine) {
            let counter = ConstCounter::new(value);
            counter.encode(encoder.encode_descriptor(
                name,
                help,
                None,
                counter.metric_type(),
            )?)?;
        }
        let latency = encoder.encode_descriptor(
            "tillroll_append_duration",
            "From the start of an append to the end of its sync",
            Some(&Unit::Seconds),
            MetricType::Histogram,
        )?;
        encode_histogram(latency, &engine.append_nanos, |nanos| {
            Duration::from_nanos(nanos).as_secs_f64()
        })?;
        let batches = encoder.encode_descriptor(
            "tillroll_records_per_sync",
            "Records that one sync made durable",
            None,
            MetricType::Histogram,
        )?;
        encode_histogram(batches, &engine.batch_records, exact)
    }
}

/// The engine's counters: name, help and value.
fn counters(engine: &EngineMetrics) -> [(&'static str, &'static str, u64); 8] {
    [
        ("tillroll_commands", "Commands decided", engine.commands),
        (
            "tillroll_commands_refused",
            "Commands refused by the book",
            engine.refused,
        ),
        (
            "tillroll_commands_replayed",
            "Commands applied before",
            engine.replayed,
        ),
        (
            "tillroll_commands_overloaded",
            "Commands turned away because the queue was full",
            engine.overloaded,
        ),
        (
            "tillroll_append_retries",
            "Appends tried again because the log gave no final answer",
            engine.retries,
        ),
        (
            "tillroll_writer_superseded",
            "Times that another writer had appended before this one",
            engine.superseded,
        ),
        ("tillroll_records", "Records made durable", engine.records),
        (
            "tillroll_record_bytes",
            "Bytes of records made durable",
            engine.bytes,
        ),
    ]
}

/// A count as the format has it: exact up to 2^53, which no count of ours reaches.
fn exact(count: u64) -> f64 {
    count as f64
}

fn encode_histogram(
    mut encoder: MetricEncoder<'_>,
    histogram: &tillroll_engine::Histogram,
    scale: impl Fn(u64) -> f64,
) -> fmt::Result {
    let bounds = histogram.bounds.iter().map(|bound| scale(*bound));
    let buckets: Vec<(f64, u64)> = bounds
        .chain([f64::INFINITY])
        .zip(histogram.counts.iter().copied())
        .collect();
    encoder.encode_histogram::<NoLabelSet>(scale(histogram.sum), histogram.count, &buckets, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_counter_of_the_engine_is_shown_under_its_name() {
        let none = tillroll_engine::Histogram {
            bounds: &[],
            counts: Vec::new(),
            count: 0,
            sum: 0,
        };
        let engine = EngineMetrics {
            commands: 1,
            refused: 2,
            replayed: 3,
            overloaded: 4,
            retries: 5,
            superseded: 6,
            records: 7,
            bytes: 8,
            batch_records: none.clone(),
            append_nanos: none,
            queue_depth: 0,
            queue_capacity: 0,
        };
        let shown = counters(&engine).map(|(name, _, value)| (name, value));
        assert_eq!(
            shown,
            [
                ("tillroll_commands", 1),
                ("tillroll_commands_refused", 2),
                ("tillroll_commands_replayed", 3),
                ("tillroll_commands_overloaded", 4),
                ("tillroll_append_retries", 5),
                ("tillroll_writer_superseded", 6),
                ("tillroll_records", 7),
                ("tillroll_record_bytes", 8),
            ]
        );
    }
}
