//! Whether a server that was out is back: asked every few seconds, and only while its breaker is open, so that no client's request
//! has to find out.

use std::time::{Duration, Instant};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use reqwest::header::HeaderMap;

use crate::upstream::base::Site;
use crate::upstream::http::agent::Http;
use crate::upstream::http::breaker::BreakerState;
use crate::upstream::http::counts::Counters;
use crate::upstream::http::endpoint::Endpoint;
use crate::upstream::http::failure::FailureKind;
use crate::upstream::http::reply;
use crate::upstream::http::retry::Failed;

/// Before the first look, jitter apart; doubled before each next one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Between two looks, jitter apart. Shorter than an open breaker rests, so that no request is the one that has to try.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// For one look.
const LOOK: Duration = Duration::from_secs(10);

/// Looks after a server for as long as it is polled.
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

/// Asks for the base itself: any answer will do, but for one that says that nobody is behind it.
async fn look(http: &Http, site: &Site) -> Result<(), Failed> {
    let headers = HeaderMap::new();
    let opened = http.open(site, "", &headers);
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
