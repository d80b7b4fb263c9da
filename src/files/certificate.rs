//! From when to when a certificate is valid (RFC 5280 section 4.1.2.5): of those that this program serves, and of those that it is shown.

use std::time::{Duration, SystemTime};

use x509_cert::certificate::{CertificateInner, Raw};
use x509_cert::der::Decode as _;

/// Seconds of a day.
const DAY: u64 = 24 * 60 * 60;

/// The time for which a certificate is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CertificatePeriod {
    /// its first second
    pub not_before: SystemTime,
    /// its last second
    pub not_after: SystemTime,
}

impl CertificatePeriod {
    /// An end that is nearer is said: programs that renew certificates do so earlier.
    pub const ENDS_SOON: Duration = Duration::from_secs(14 * DAY);

    /// Of a certificate that was taken apart.
    pub fn of(certificate: &CertificateInner<Raw>) -> CertificatePeriod {
        let validity = certificate.tbs_certificate().validity();
        CertificatePeriod {
            not_before: validity.not_before.to_system_time(),
            not_after: validity.not_after.to_system_time(),
        }
    }

    /// Of a certificate in DER form; none where it is not one.
    pub fn read(der: &[u8]) -> Option<CertificatePeriod> {
        CertificateInner::<Raw>::from_der(der).ok().as_ref().map(CertificatePeriod::of)
    }

    /// The whole days in a time.
    pub fn days(time: Duration) -> u64 {
        time.as_secs() / DAY
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_are_read_from_either_form_of_a_date() {
        // UTCTime up to 2049, GeneralizedTime after that.
        for (begins, ends, seconds) in [(2020, 2049, 2_493_072_000), (2020, 2975, 31_714_761_600)] {
            let mut params = rcgen::CertificateParams::new(vec!["a.example".to_owned()]).unwrap();
            params.not_before = rcgen::date_time_ymd(begins, 1, 1);
            params.not_after = rcgen::date_time_ymd(ends, 1, 1);
            let certificate = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
            let period = CertificatePeriod::read(certificate.der()).unwrap();
            let since = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
            assert_eq!((since(period.not_before), since(period.not_after)), (1_577_836_800, seconds));
        }
        assert_eq!(CertificatePeriod::read(b"no certificate"), None);
        assert_eq!(CertificatePeriod::days(Duration::from_secs(2 * DAY - 1)), 1);
    }
}
