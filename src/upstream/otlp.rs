//! Traces on their way to a collector: OTLP over HTTP, as JSON (opentelemetry.io/docs/specs/otlp). A bounded queue stands before it: a
//! collector that is slow or out loses traces, and keeps no request waiting.
//!
//! Written here and not taken from the opentelemetry crates: those bring some thirty crates and another HTTP client for one POST.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::spans::TraceSpan;
use crate::fault::Fault;

/// Traces that wait to be sent, and traces of one POST.
const MAX_WAITING: usize = 1024;
const MAX_BATCH: usize = 64;
/// The longest that a trace waits for others, and that the collector may take.
const MAX_DELAY: Duration = Duration::from_secs(1);
const MAX_POST: Duration = Duration::from_secs(10);
/// A request of a client of ours, and everything below it (SPAN_KIND_SERVER, SPAN_KIND_CLIENT, SPAN_KIND_INTERNAL).
const SERVER: u8 = 2;
const CLIENT: u8 = 3;
const INTERNAL: u8 = 1;

/// Sends traces to a collector. Clones send to the same.
#[derive(Debug, Clone)]
pub struct TraceExporter {
    traces: mpsc::Sender<(u128, Vec<TraceSpan>)>,
}

impl TraceExporter {
    /// To the collector at `endpoint`, such as `http://127.0.0.1:4318`. Runs on the runtime of the caller.
    ///
    /// # Errors
    /// `Unavailable`: the system does not allow a client.
    pub fn start(endpoint: &str) -> Result<TraceExporter, Fault> {
        let url = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
        let client = reqwest::Client::builder().timeout(MAX_POST).no_proxy().build();
        let client = client.map_err(|error| Fault::machine(endpoint, error.to_string()))?;
        let (traces, waiting) = mpsc::channel(MAX_WAITING);
        tokio::spawn(send(client, url, waiting));
        Ok(TraceExporter { traces })
    }

    /// Sends a trace, unless too many wait.
    pub fn export(&self, trace: u128, spans: Vec<TraceSpan>) {
        let _ = self.traces.try_send((trace, spans)); // a trace is lost: fine
    }
}

/// Sends what comes, until all senders are gone. A collector that fails is logged once, and once when it is back.
async fn send(client: reqwest::Client, url: String, mut waiting: mpsc::Receiver<(u128, Vec<TraceSpan>)>) {
    let mut is_out = false;
    while let Some(first) = waiting.recv().await {
        let mut batch = vec![first];
        let until = tokio::time::Instant::now() + MAX_DELAY;
        while batch.len() < MAX_BATCH {
            match tokio::time::timeout_at(until, waiting.recv()).await {
                Ok(Some(trace)) => batch.push(trace),
                Ok(None) | Err(_) => break,
            }
        }
        let post = client.post(&url).header("content-type", "application/json").body(body(&batch).to_string());
        let failed = match post.send().await {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(answer.status().to_string()),
            Err(error) => Some(error.without_url().to_string()),
        };
        match (&failed, is_out) {
            (Some(why), false) => tracing::warn!("traces are lost: {url}: {why}"),
            (None, true) => tracing::info!("traces are sent again: {url}"),
            _ => {}
        }
        is_out = failed.is_some();
    }
}

/// An `ExportTraceServiceRequest`.
fn body(traces: &[(u128, Vec<TraceSpan>)]) -> Value {
    let spans: Vec<Value> =
        traces.iter().flat_map(|(trace, spans)| spans.iter().map(|one| span(*trace, one))).collect();
    json!({ "resourceSpans": [{
        "resource": { "attributes": [text("service.name", "gosumcheck"), text("service.version", env!("CARGO_PKG_VERSION"))] },
        "scopeSpans": [{ "scope": { "name": "gosumcheck" }, "spans": spans }],
    }] })
}

fn span(trace: u128, span: &TraceSpan) -> Value {
    let kind = match span.name {
        "request" => SERVER,
        "try" => CLIENT,
        _ => INTERNAL,
    };
    let parent = if span.parent == 0 { String::new() } else { format!("{:016x}", span.parent) };
    let attributes: Vec<Value> = span.attributes.iter().map(|(key, value)| text(key, value)).collect();
    json!({
        "traceId": format!("{trace:032x}"),
        "spanId": format!("{:016x}", span.id),
        "parentSpanId": parent,
        "name": span.name,
        "kind": kind,
        "startTimeUnixNano": nanos(span.began),
        "endTimeUnixNano": nanos(span.ended),
        "attributes": attributes,
    })
}

fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

/// 64-bit numbers are texts in OTLP's JSON.
fn nanos(at: SystemTime) -> String {
    at.duration_since(UNIX_EPOCH).map_or(0, |age| age.as_nanos()).to_string()
}
