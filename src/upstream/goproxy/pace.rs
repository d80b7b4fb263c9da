//! Whether the bytes of a file arrive fast enough.

use std::time::Duration;

use crate::upstream::http::failure::FailureKind;
use crate::upstream::http::retry::Failed;
use crate::upstream::http::settings::HttpSettings;

/// How fast bytes arrive. Only the time spent waiting for them counts, not the time that it takes to store them.
#[derive(Default)]
pub(super) struct Pace {
    waited: Duration,
    bytes: u64,
}

impl Pace {
    /// Counts bytes that were waited for.
    ///
    /// # Errors
    /// Too few came in a window of the settings.
    pub(super) fn check(&mut self, bytes: u64, waited: Duration, settings: &HttpSettings) -> Result<(), Failed> {
        self.waited += waited;
        self.bytes = self.bytes.saturating_add(bytes);
        if self.waited < settings.window {
            return Ok(());
        }
        if self.bytes < settings.slowest {
            let why = format!("timed out: only {} bytes in {:?}", self.bytes, settings.window);
            return Err(Failed::passing(FailureKind::Timeout, why));
        }
        *self = Pace::default();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_drip_is_too_slow_and_a_pause_is_not() {
        let second = Duration::from_secs(1);
        let settings = HttpSettings { window: second * 3, slowest: 3000, ..HttpSettings::default() };
        let mut pace = Pace::default();
        for _ in 0..9 {
            assert_eq!(pace.check(1000, second, &settings), Ok(()));
        }
        assert_eq!(pace.check(1, second, &settings), Ok(()));
        assert_eq!(pace.check(1, second, &settings), Ok(()));
        let failed = pace.check(1, second, &settings).map_err(|failed| (failed.kind, failed.transient));
        assert_eq!(failed, Err((FailureKind::Timeout, true)));
    }
}
