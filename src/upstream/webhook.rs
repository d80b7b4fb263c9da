//! A message to somebody else's server: one POST of JSON, tried again while that may help, and authenticated where there is a key.
//!
//! The receiver computes HMAC-SHA256 over the time in `X-Gosumcheck-Timestamp`, a dot, and the body as it came, under the key that both
//! have, and compares it with `X-Gosumcheck-Signature`: `sha256=` and the hex digits.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use backon::{ExponentialBuilder, Retryable as _};
use reqwest::StatusCode;

use crate::fault::{Cause, Fault};

/// How long one try may take.
const MAX_POST: Duration = Duration::from_secs(10);
/// Tries after the first one.
const AGAIN: usize = 4;
/// The pause before the first of them; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Why a try failed, and whether another one may help.
struct FailedPost {
    why: String,
    cause: Cause,
    is_final: bool,
}

/// Sends a message to `url`, under the key `key` where there is one. `shown` is what an error names in the URL's place. Up to five
/// tries, within a minute.
///
/// # Errors
/// `Unavailable`: the last try's failure.
pub async fn post(url: &str, shown: &str, body: &str, key: Option<&[u8]>) -> Result<(), Fault> {
    let client = reqwest::Client::builder().timeout(MAX_POST).redirect(reqwest::redirect::Policy::none()).build();
    let client = client.map_err(|error| Fault::machine(shown, error.without_url().to_string()))?;
    let pauses = ExponentialBuilder::default().with_min_delay(FIRST_PAUSE).with_max_times(AGAIN).with_jitter();
    let sent = (|| once(&client, url, body, key)).retry(pauses).when(|failed: &FailedPost| !failed.is_final).await;
    sent.map_err(|failed| Fault::Unavailable { source_name: shown.to_owned(), why: failed.why, cause: failed.cause })
}

async fn once(client: &reqwest::Client, url: &str, body: &str, key: Option<&[u8]>) -> Result<(), FailedPost> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    let mut post = client.post(url).header("content-type", "application/json").body(body.to_owned());
    if let Some(key) = key {
        post = post.header("x-gosumcheck-timestamp", now).header("x-gosumcheck-signature", signature(key, now, body));
    }
    let answer = post.send().await.map_err(|error| {
        let cause = if error.is_timeout() { Cause::TimedOut } else { Cause::Upstream };
        FailedPost { is_final: error.is_builder(), why: error.without_url().to_string(), cause }
    })?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let may_help =
        status.is_server_error() || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
    Err(FailedPost { why: format!("answered {status}"), cause: Cause::Upstream, is_final: !may_help })
}

/// `sha256=` and the hex digits of the HMAC of a message that is sent at `time`, in seconds since 1970.
fn signature(key: &[u8], time: u64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    format!("sha256={}", hex::encode(hmac::sign(&key, format!("{time}.{body}").as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_hmac_of_time_and_body() {
        // printf '1.{}' | openssl dgst -sha256 -hmac key
        let expected = "sha256=1ba6b8171186efc613e8bcc0cbdab2748f24984d7c5a84faa2637afa0e40d224";
        assert_eq!(signature(b"key", 1, "{}"), expected);
    }
}
