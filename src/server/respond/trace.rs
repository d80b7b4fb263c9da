//! The trace of a request, if traces are sent.

use std::future::Future;
use std::time::SystemTime;

use hyper::http::request::Parts;

use crate::report::printable;
use crate::server::app::App;
use crate::server::http::answer::Answer;
use crate::server::http::route::RouteName;
use crate::upstream::spans::Trace;

/// W3C Trace Context: the client's span.
const TRACEPARENT: &str = "traceparent";

/// The answer that `work` gives, as a trace, if traces are sent.
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
