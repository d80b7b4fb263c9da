//! Times as they are shown: RFC 3339, in UTC, to the second.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A time.
pub(super) fn shown(at: SystemTime) -> String {
    let at = jiff::Timestamp::try_from(at).ok().and_then(|at| jiff::Timestamp::from_second(at.as_second()).ok());
    at.map_or_else(String::new, |at| at.to_string())
}

/// A time in microseconds since 1970; none for 0, which stands for never.
pub(super) fn of_micros(micros: u64) -> Option<String> {
    (micros > 0).then(|| shown(UNIX_EPOCH + Duration::from_micros(micros)))
}

/// A time in seconds since 1970; none for 0.
pub(super) fn of_seconds(seconds: u64) -> Option<String> {
    of_micros(seconds.saturating_mul(1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_whole_seconds_and_0_is_never() {
        assert_eq!(of_micros(1_767_225_600_999_999).as_deref(), Some("2026-01-01T00:00:00Z"));
        assert_eq!((of_micros(0), of_seconds(0)), (None, None));
        assert_eq!(of_seconds(u64::MAX).map(|_| ()), Some(()), "beyond the calendar, and no panic");
    }
}
