//! Finds out whether a server that was down is back: probes it every few seconds while its breaker is open, so that no client's
//! request has to.

use std::time::{Duration, Instant};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use reqwest::header::HeaderMap;

use crate::upstream::base::Site;
use crate::upstream::http::agent::Http;
use crate::upstream::http::breaker::BreakerState;
use crate::upstream::http::counts::Counters;
use crate::upstream::http::endpoint::Endpoint;
use crate::upstream::http::failure::FailureKind;
use crate::upstream::http::lanes::Lane;
use crate::upstream::http::reply;
use crate::upstream::http::retry::Failed;

/// Before the first probe, jitter apart; doubled before each next one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Between two probes, jitter apart. Shorter than the time that a breaker stays open, so that no client's request is the probe.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// For one probe.
const LOOK: Duration = Duration::from_secs(10);

/// Probes a server whenever its breaker is open, for as long as the future is polled.
pub(super) async fn watch(http: &Http, site: &Site, endpoint: &Endpoint, counters: &Counters) {
    let first = http.settings().first_delay.saturating_mul(4).min(FIRST_PAUSE);
    let pauses = ExponentialBuilder::new().with_jitter().with_min_delay(first).with_max_delay(LONGEST_PAUSE);
    loop {
        endpoint.breaker().is_open().await;
        for pause in pauses.without_max_times().build() {
            tokio::time::sleep(pause).await;
            if endpoint.breaker().state() == BreakerState::Closed {
                break;
            }
            counters.requested("");
            match look(http, site).await {
                Ok(()) => endpoint.breaker().answered(),
                Err(failed) => endpoint.breaker().failed(Instant::now(), &failed),
            }
        }
    }
}

/// Requests the base itself: any answer shows that the server is back, except 5xx, which a gateway sends for a dead server.
async fn look(http: &Http, site: &Site) -> Result<(), Failed> {
    let headers = HeaderMap::new();
    let lane = Lane::default();
    let opened = http.open(site, "", &headers, &lane);
    let late = |_| Failed::passing(FailureKind::Timeout, format!("timed out: no answer within {LOOK:?}"));
    let opened = tokio::time::timeout(LOOK, opened).await.map_err(late)?;
    match opened {
        Ok(opened) if opened.response.status().is_server_error() => reply::no(opened.response).await.map(|_| ()),
        Ok(opened) => {
            reply::discard(opened.response).await;
            Ok(())
        }
        Err(failed) if failed.reached() => Ok(()),
        Err(failed) => Err(failed),
    }
}
