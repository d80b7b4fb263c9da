//! What a request did, as spans: collected where it is done, for the trace of the request that it is done for. Where nobody collects
//! spans, nothing is noted and no clock is read.

use std::collections::hash_map::RandomState;
use std::future::Future;
use std::hash::{BuildHasher as _, Hasher as _};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::SystemTime;

use futures_util::future::Either;
use parking_lot::Mutex;
use pin_project_lite::pin_project;

/// Spans of one trace at most: a request that asks more often is cut short.
const MAX_SPANS: usize = 512;

tokio::task_local! {
    static CURRENT: SpanPosition;
}

/// One span that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceSpan {
    /// its ID
    pub id: u64,
    /// the span that it is within; 0: none that is known
    pub parent: u64,
    /// what was done
    pub name: &'static str,
    /// when it began
    pub began: SystemTime,
    /// when it was over
    pub ended: SystemTime,
    /// what it was about
    pub attributes: Vec<(&'static str, String)>,
}

/// The spans of one request. Clones collect into the same.
#[derive(Debug, Clone)]
pub struct Trace(Arc<TraceState>);

#[derive(Debug)]
struct TraceState {
    id: u128,
    /// the span of the request itself
    root: u64,
    /// the span of the client, which has sent its ID
    parent: u64,
    spans: Mutex<Vec<TraceSpan>>,
}

/// Where in a trace the running work is.
#[derive(Debug, Clone)]
pub struct SpanPosition {
    trace: Trace,
    span: u64,
}

impl Trace {
    /// The trace of a request that begins; with the header `traceparent` (W3C Trace Context) it goes on with the client's. None where
    /// the client says that its trace is not recorded.
    pub fn begin(traceparent: Option<&str>) -> Option<Trace> {
        let (id, parent) = match traceparent.and_then(parse) {
            Some((_, _, false)) => return None,
            Some((id, parent, true)) => (id, parent),
            None => (u128::from(random()) << 64 | u128::from(random()), 0),
        };
        Some(Trace(Arc::new(TraceState { id, root: random(), parent, spans: Mutex::default() })))
    }

    /// Its ID.
    pub fn id(&self) -> u128 {
        self.0.id
    }

    /// Runs the work of the request.
    pub fn scope<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        CURRENT.scope(SpanPosition { trace: self.clone(), span: self.0.root }, work)
    }

    /// Ends it with the span of the request itself; gives all spans, that one last.
    pub fn end(
        &self,
        name: &'static str,
        began: SystemTime,
        attributes: Vec<(&'static str, String)>,
    ) -> Vec<TraceSpan> {
        let mut spans = std::mem::take(&mut *self.0.spans.lock());
        let TraceState { root, parent, .. } = *self.0;
        spans.push(TraceSpan { id: root, parent, name, began, ended: SystemTime::now(), attributes });
        spans
    }
}

impl SpanPosition {
    /// Where the running work is; none where nobody collects spans.
    pub fn current() -> Option<SpanPosition> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// Runs `work`, which another task may do, at this position.
    pub fn continued<F: Future>(at: Option<SpanPosition>, work: F) -> impl Future<Output = F::Output> + use<F> {
        match at {
            Some(at) => Either::Left(CURRENT.scope(at, work)),
            None => Either::Right(work),
        }
    }

    /// The value of `traceparent` for a request that the running work makes.
    pub(super) fn header() -> Option<String> {
        let format = |at: &SpanPosition| format!("00-{:032x}-{:016x}-01", at.trace.0.id, at.span);
        CURRENT.try_with(format).ok()
    }
}

/// Runs `work` as a span of this name.
pub fn within<F: Future, A: FnOnce() -> Vec<(&'static str, String)>>(
    name: &'static str,
    attributes: A,
    work: F,
) -> Within<F, A> {
    Within { work, name, attributes: Some(attributes), span: SpanState::New }
}

pin_project! {
    /// Work as a span; made by [`within`]. It holds the work once, where an async function would hold it twice: as its argument, and
    /// as what it waits for.
    #[must_use = "futures do nothing unless polled"]
    pub struct Within<F, A> {
        #[pin]
        work: F,
        name: &'static str,
        attributes: Option<A>,
        span: SpanState,
    }
}

/// What is known of a span.
enum SpanState {
    /// its work has not begun
    New,
    /// nobody collects it
    Uncollected,
    /// its work runs, at this position
    Open { at: SpanPosition, parent: u64, began: SystemTime },
}

impl<F: Future, A: FnOnce() -> Vec<(&'static str, String)>> Future for Within<F, A> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if let SpanState::New = this.span {
            *this.span = match SpanPosition::current() {
                None => SpanState::Uncollected,
                Some(SpanPosition { trace, span: parent }) => {
                    SpanState::Open { at: SpanPosition { trace, span: random() }, parent, began: SystemTime::now() }
                }
            };
        }
        let SpanState::Open { at, parent, began } = this.span else { return this.work.poll(context) };
        let output = ready!(CURRENT.sync_scope(at.clone(), || this.work.poll(context)));
        let attributes = this.attributes.take().map(|attributes| attributes()).unwrap_or_default();
        let span = TraceSpan {
            id: at.span,
            parent: *parent,
            name: this.name,
            began: *began,
            ended: SystemTime::now(),
            attributes,
        };
        let mut spans = at.trace.0.spans.lock();
        if spans.len() < MAX_SPANS {
            spans.push(span);
        }
        Poll::Ready(output)
    }
}

/// Trace, span and whether it is recorded, of `00-TRACE-SPAN-FLAGS`.
fn parse(header: &str) -> Option<(u128, u64, bool)> {
    let mut parts = header.trim().split('-');
    let [version, trace, span, flags] = [parts.next()?, parts.next()?, parts.next()?, parts.next()?];
    let is_hex = |text: &str, len: usize| {
        text.len() == len && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_known = is_hex(version, 2) && version != "ff" && (version != "00" || parts.next().is_none());
    if !is_known || !is_hex(trace, 32) || !is_hex(span, 16) || !is_hex(flags, 2) {
        return None;
    }
    let (trace, span) = (u128::from_str_radix(trace, 16).ok()?, u64::from_str_radix(span, 16).ok()?);
    let flags = u8::from_str_radix(flags, 16).ok()?;
    (trace != 0 && span != 0).then_some((trace, span, flags & 1 == 1))
}

/// A number that nobody guesses and that is not 0.
fn random() -> u64 {
    RandomState::new().build_hasher().finish().max(1)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn traceparent_is_read_as_w3c_has_it() {
        let trace = "0af7651916cd43dd8448eb211c80319c";
        let good = format!("00-{trace}-b7ad6b7169203331-01");
        let parsed = parse(&good).unwrap();
        assert_eq!((format!("{:032x}", parsed.0), parsed.1, parsed.2), (trace.to_owned(), 0xb7ad_6b71_6920_3331, true));
        assert!(Trace::begin(Some(&format!("00-{trace}-b7ad6b7169203331-00"))).is_none());
        for wrong in [
            "",
            "00",
            "00-0-1-01",
            &good.to_uppercase(),
            &format!("{good}-more"),
            &good.replace("00-", "ff-"),
            &good.replace(trace, &"0".repeat(32)),
            &good.replace("b7ad6b7169203331", &"0".repeat(16)),
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
            assert!(Trace::begin(Some(wrong)).is_some_and(|trace| trace.0.parent == 0), "{wrong}");
        }
        assert!(parse(&format!("01-{trace}-b7ad6b7169203331-01-more")).is_some());
    }

    #[tokio::test]
    async fn spans_stand_below_the_one_that_they_are_within() {
        assert_eq!(within("alone", Vec::new, async { SpanPosition::header() }).await, None);
        let trace = Trace::begin(None).unwrap();
        let began = SystemTime::now();
        let out = trace.scope(async {
            within("outer", Vec::new, within("inner", || vec![("a", "b".to_owned())], async { SpanPosition::header() }))
                .await
        });
        let header = out.await.unwrap();
        let spans = trace.end("request", began, Vec::new());
        let names: Vec<&str> = spans.iter().map(|span| span.name).collect();
        assert_eq!(names, ["inner", "outer", "request"]);
        let [inner, outer, request] = [0, 1, 2].map(|at| spans.get(at).unwrap());
        assert_eq!((inner.parent, outer.parent, request.parent), (outer.id, request.id, 0));
        assert_eq!(header, format!("00-{:032x}-{:016x}-01", trace.id(), inner.id));
    }
}
