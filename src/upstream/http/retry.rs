//! Which failures are retried, and after which pause: 429, 5xx and broken connections, after an exponential backoff with jitter,
//! or after the pause that the server asks for (Retry-After, RFC 9110 section 10.2.3) if that is not too long.

use std::io;
use std::time::{Duration, SystemTime};

use backon::ExponentialBuilder;
use reqwest::header::HeaderValue;

use super::failure::FailureKind;
use super::settings::HttpSettings;
use crate::upstream::queue::Busy;

/// A try that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::upstream) struct Failed {
    /// for people; without credentials
    pub(in crate::upstream) why: String,
    pub(in crate::upstream) kind: FailureKind,
    /// whether the same request may succeed later
    pub(in crate::upstream) transient: bool,
    /// the pause that the server asked for
    pub(in crate::upstream) retry_after: Option<Duration>,
    /// whether it answered that it is overloaded (429, 503)
    pub(in crate::upstream) overloaded: bool,
}

impl Failed {
    /// A failure that a retry would meet again.
    pub(in crate::upstream) fn lasting(kind: FailureKind, why: impl Into<String>) -> Failed {
        Failed { why: why.into(), kind, transient: false, retry_after: None, overloaded: false }
    }

    /// A failure that a retry may not meet again.
    pub(in crate::upstream) fn passing(kind: FailureKind, why: impl Into<String>) -> Failed {
        Failed { transient: true, ..Failed::lasting(kind, why) }
    }

    /// The server answered that it cannot serve the request now.
    pub(super) fn busy(why: impl Into<String>, retry_after: Option<Duration>) -> Failed {
        Failed { retry_after, ..Failed::passing(FailureKind::Busy, why) }
    }

    /// No request was made, since too many are waiting for this base.
    pub(in crate::upstream) fn turned_away(_: Busy) -> Failed {
        Failed::lasting(FailureKind::QueueFull, "too many requests are already waiting for it")
    }

    /// The connection failed.
    pub(in crate::upstream) fn broken(why: impl Into<String>) -> Failed {
        Failed::passing(FailureKind::Unreachable, why)
    }

    /// A folder in the place of a server could not be read. One on a network file system can time out.
    pub(in crate::upstream) fn unread(error: &io::Error, why: impl Into<String>) -> Failed {
        let is_late = error.kind() == io::ErrorKind::TimedOut;
        Failed::passing(if is_late { FailureKind::Timeout } else { FailureKind::Unreachable }, why)
    }

    /// Whether the server answered at all.
    pub(in crate::upstream) fn reached(&self) -> bool {
        !self.kind.is_silence()
    }

    /// The pause before the next try, given the planned one; none where there is to be no further try.
    pub(in crate::upstream) fn pause(&self, planned: Option<Duration>, longest_wait: Duration) -> Option<Duration> {
        match self.retry_after {
            Some(requested) if requested > longest_wait => None,
            Some(requested) => planned.map(|planned| planned.max(requested)),
            None => planned,
        }
    }

    /// The same failure, with the number of tries, or the pause that was too long, in its reason.
    pub(in crate::upstream) fn after(mut self, tries: u32, longest_wait: Duration) -> Failed {
        let waits = self.retry_after.filter(|requested| *requested > longest_wait);
        match (waits, tries) {
            (Some(requested), _) => self.why = format!("{}, and asks to wait for {} s", self.why, requested.as_secs()),
            (None, 0 | 1) => {}
            (None, tries) => self.why = format!("{} (tried {tries} times)", self.why),
        }
        self
    }
}

/// The pauses between tries.
pub(in crate::upstream) fn backoff(settings: &HttpSettings) -> ExponentialBuilder {
    ExponentialBuilder::new()
        .with_jitter()
        .with_min_delay(settings.first_delay)
        .with_max_delay(settings.longest_delay)
        .with_max_times(settings.tries.saturating_sub(1))
}

/// The pause that a Retry-After header asks for at the time `now`: seconds, or a date; none for anything else.
pub(in crate::upstream) fn retry_after(header: &HeaderValue, now: SystemTime) -> Option<Duration> {
    let text = header.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a u64 holds mean forever.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        for (text, seconds) in [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("Sunday, 06-Nov-94 08:50:37 GMT", Some(60)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
        ] {
            let pause = retry_after(&HeaderValue::from_str(text).unwrap(), now);
            assert_eq!(pause, seconds.map(Duration::from_secs), "{text:?}");
        }
    }

    #[test]
    fn the_server_may_ask_for_longer_but_not_too_long() {
        let busy = |seconds| Failed::busy("503", Some(SECOND * seconds));
        assert_eq!(busy(5).pause(Some(SECOND), SECOND * 30), Some(SECOND * 5));
        assert_eq!(busy(0).pause(Some(SECOND), SECOND * 30), Some(SECOND));
        assert_eq!(busy(31).pause(Some(SECOND), SECOND * 30), None);
        assert_eq!(busy(5).pause(None, SECOND * 30), None);
        assert_eq!(Failed::broken("reset").pause(Some(SECOND), SECOND), Some(SECOND));
        assert_eq!(busy(31).after(1, SECOND * 30).why, "503, and asks to wait for 31 s");
        assert_eq!(Failed::broken("reset").after(3, SECOND).why, "reset (tried 3 times)");
        assert_eq!(Failed::lasting(FailureKind::Denied(403), "403").after(1, SECOND).why, "403");
    }
}
