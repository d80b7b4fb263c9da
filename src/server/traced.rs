//! The work on a request as a trace (OpenTelemetry), if traces are sent.

use std::future::Future;
use std::time::SystemTime;

use hyper::http::request::Parts;

use super::app::App;
use super::http::answer::Answer;
use super::http::route::RouteName;
use crate::report::printable;
use crate::upstream::spans::Trace;

/// W3C Trace Context: the client's span.
const TRACEPARENT: &str = "traceparent";

/// Does the work; where traces are sent, as the trace that the client began, if it began one.
pub(super) async fn traced(
    app: &App,
    head: &Parts,
    work: impl Future<Output = (RouteName, Answer)>,
) -> (RouteName, Answer) {
    let Some(exporter) = &app.traces else { return work.await };
    let header = head.headers.get(TRACEPARENT).and_then(|value| value.to_str().ok());
    let Some(trace) = Trace::begin(header) else { return work.await };
    let began = SystemTime::now();
    let (route, answer) = Box::pin(trace.scope(work)).await;
    let attributes = vec![
        ("http.request.method", head.method.to_string()),
        ("url.path", printable(head.uri.path())),
        ("http.route", route.as_str().to_owned()),
        ("http.response.status_code", answer.status.as_str().to_owned()),
        ("gosumcheck.verdict", answer.verdict.to_owned()),
    ];
    exporter.export(trace.id(), trace.end("request", began, attributes));
    (route, answer)
}
