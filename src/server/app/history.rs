//! How the upstreams fared in the last hours: samples of their counters in a ring, taken by a background task, and columns of a chart
//! made of them when somebody looks.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::database::ServedDatabase;
use crate::proxy::Proxy;
use crate::upstream::{BreakerState, Latency};

/// How often a sample is taken.
pub(crate) const STEP: Duration = Duration::from_secs(10);
/// Samples that are kept: three hours.
const MAX_SAMPLES: usize = 3 * 360 + 1;
/// Upstreams in a sample.
const MAX_UPSTREAMS: usize = 32;
/// The shortest time that a chart shows.
const MIN_SPAN: Duration = Duration::from_secs(10 * 60);
/// Columns of a chart.
pub(crate) const COLUMNS: u32 = 60;

/// The samples, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct History(Mutex<VecDeque<Sample>>);

/// How an upstream fares.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    /// its URL without credentials, or `direct`
    pub(crate) name: String,
    /// the database that it is a source of; none where it has modules
    pub(crate) database: Option<String>,
    pub(crate) breaker: BreakerState,
    pub(crate) latency: Latency,
    /// requests that failed after all tries; not known of sources of databases
    pub(crate) failures: Option<u64>,
    /// bytes that arrived; not known of sources of databases
    pub(crate) bytes: Option<u64>,
}

/// The counters at one moment.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    at: Instant,
    upstreams: Vec<UpstreamSample>,
}

#[derive(Debug, Clone)]
struct UpstreamSample {
    name: Arc<str>,
    requests: u64,
    failures: u64,
    /// of all requests together
    seconds: f64,
    is_out: bool,
}

/// What came of an upstream's requests in a part of the time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Column {
    /// requests that ended
    pub(crate) requests: u64,
    /// of these, requests that failed
    pub(crate) failures: u64,
    /// how long they took on average; none without any
    pub(crate) mean_seconds: Option<f64>,
    /// whether it was left alone because it had failed too often
    pub(crate) is_out: bool,
}

/// The columns of one upstream, the oldest first.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Columns {
    /// how much time a column stands for
    pub(crate) width: Duration,
    pub(crate) columns: Vec<Column>,
}

impl Standing {
    /// All upstreams now: those of modules, and the sources of the databases.
    pub(crate) fn all(databases: &[ServedDatabase], proxy: Option<&Proxy>) -> Vec<Standing> {
        let modules = proxy.map(Proxy::upstreams).unwrap_or_default().into_iter().map(|state| Standing {
            name: state.name,
            database: None,
            breaker: state.breaker,
            latency: state.latency,
            failures: Some(state.failures),
            bytes: Some(state.bytes),
        });
        let sources = databases.iter().flat_map(|served| {
            let database = served.relay.name();
            served.relay.standings().into_iter().map(move |source| Standing {
                name: source.name,
                database: Some(database.to_owned()),
                breaker: source.breaker,
                latency: source.latency,
                failures: None,
                bytes: None,
            })
        });
        modules.chain(sources).collect()
    }

    /// The name under which it is counted: a proxy may be a source of a database beside its modules.
    fn key(&self) -> Cow<'_, str> {
        match &self.database {
            None => Cow::Borrowed(&self.name),
            Some(database) => Cow::Owned(format!("{database} {}", self.name)),
        }
    }
}

impl Sample {
    /// The counters of these upstreams, now.
    pub(crate) fn of(standings: &[Standing]) -> Sample {
        let sample = |standing: &Standing| UpstreamSample {
            name: standing.key().into(),
            requests: standing.latency.count(),
            failures: standing.failures.unwrap_or(0),
            seconds: standing.latency.sum(),
            is_out: standing.breaker == BreakerState::Open,
        };
        Sample { at: Instant::now(), upstreams: standings.iter().take(MAX_UPSTREAMS).map(sample).collect() }
    }

    fn find(&self, name: &str) -> Option<&UpstreamSample> {
        self.upstreams.iter().find(|upstream| &*upstream.name == name)
    }
}

impl History {
    /// Adds a sample; the oldest leaves for it.
    pub(crate) fn add(&self, mut sample: Sample) {
        let mut samples = self.0.lock();
        // The names stay the same: they are kept once.
        if let Some(last) = samples.back() {
            for upstream in &mut sample.upstreams {
                if let Some(known) = last.find(&upstream.name) {
                    upstream.name = Arc::clone(&known.name);
                }
            }
        }
        if samples.len() >= MAX_SAMPLES {
            samples.pop_front();
        }
        samples.push_back(sample);
    }

    /// The columns of an upstream up to the sample `now`: of the last hours, or for a short time of the last minutes.
    pub(crate) fn columns_of(&self, upstream: &Standing, now: &Sample) -> Columns {
        self.columns(&upstream.key(), now)
    }

    fn columns(&self, name: &str, now: &Sample) -> Columns {
        let samples = self.0.lock();
        let oldest = samples.front().map_or(now.at, |first| first.at);
        let span = now.at.saturating_duration_since(oldest).max(MIN_SPAN);
        let width = span / COLUMNS;
        let mut columns = vec![Column::default(); usize::try_from(COLUMNS).unwrap_or(0)];
        let mut seconds = vec![0.0; columns.len()];
        let mut before: Option<&UpstreamSample> = None;
        for sample in samples.iter().chain(Some(now)) {
            let Some(upstream) = sample.find(name) else { continue };
            let ago = now.at.saturating_duration_since(sample.at).as_millis() / width.as_millis().max(1);
            let place = usize::try_from(ago).ok().and_then(|ago| columns.len().checked_sub(ago + 1));
            let change = before.replace(upstream);
            let Some(column) = place.and_then(|place| columns.get_mut(place)) else { continue };
            column.is_out |= upstream.is_out;
            // What was counted before the first sample is of no known time.
            if let Some(before) = change {
                column.requests += upstream.requests.saturating_sub(before.requests);
                column.failures += upstream.failures.saturating_sub(before.failures);
                if let Some(sum) = place.and_then(|place| seconds.get_mut(place)) {
                    *sum += (upstream.seconds - before.seconds).max(0.0);
                }
            }
        }
        for (column, seconds) in columns.iter_mut().zip(seconds) {
            let requests = u32::try_from(column.requests).ok().filter(|requests| *requests > 0);
            column.mean_seconds = requests.map(|requests| seconds / f64::from(requests));
        }
        Columns { width, columns }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn sample(at: Instant, requests: u64, failures: u64) -> Sample {
        let seconds = f64::from(u32::try_from(requests).unwrap()) / 10.0;
        let upstream = UpstreamSample { name: "a".into(), requests, failures, seconds, is_out: failures > 1 };
        Sample { at, upstreams: vec![upstream] }
    }

    #[test]
    fn a_request_is_counted_once_in_the_column_of_its_time() {
        let (history, start) = (History::default(), Instant::now());
        let minute = Duration::from_secs(60);
        for (minutes, requests, failures) in [(0, 100, 0), (1, 110, 1), (9, 120, 2)] {
            history.add(sample(start + minute * minutes, requests, failures));
        }
        let chart = history.columns("a", &sample(start + minute * 10, 125, 2));
        assert_eq!((chart.width, chart.columns.len()), (Duration::from_secs(10), 60));
        let total = |of: fn(&Column) -> u64| chart.columns.iter().map(of).sum::<u64>();
        assert_eq!((total(|column| column.requests), total(|column| column.failures)), (25, 2));
        let last = chart.columns.last().unwrap();
        assert_eq!((last.requests, last.failures, last.is_out), (5, 0, true));
        assert!((last.mean_seconds.unwrap() - 0.1).abs() < 1e-9, "{last:?}");
        assert_eq!(chart.columns.first().unwrap().mean_seconds, None);
        let unknown = history.columns("b", &sample(start, 1, 1));
        assert!(unknown.columns.iter().all(|column| *column == Column::default()));
    }

    #[test]
    fn the_ring_is_bounded_and_holds_each_name_once() {
        let (history, start) = (History::default(), Instant::now());
        for number in 0..u32::try_from(MAX_SAMPLES).unwrap() + 10 {
            history.add(sample(start + STEP * number, u64::from(number), 0));
        }
        let samples = history.0.lock();
        assert_eq!(samples.len(), MAX_SAMPLES);
        let name = |sample: &Sample| Arc::as_ptr(&sample.upstreams.first().unwrap().name);
        assert_eq!(name(samples.front().unwrap()), name(samples.back().unwrap()));
    }
}
