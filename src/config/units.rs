//! Sizes and durations as people write them: one grammar for each, in every place that takes one.
//!
//! A size is a number, perhaps with a decimal fraction, and a unit: `500MB`, `1.5 GiB`, `4096`. `kB`, `MB`, `GB` and `TB` are powers
//! of 1000, `KiB`, `MiB`, `GiB` and `TiB` powers of 1024; a letter alone is decimal (`10m` is `10MB`), and a number alone counts
//! bytes. Case does not matter: there are no sizes in bits. A fraction of a byte is dropped. A rate is a size per second and may end
//! in `/s`.
//!
//! A duration is one number or more, each with its unit: `500ms`, `30s`, `1h30m`, `1h 30m`, `2d`, `1.5h`, or as in ISO 8601,
//! `PT10S`. A day has 24 hours. A number alone is refused, as nobody can tell whether it counts seconds or minutes.

use std::time::Duration;

use jiff::{Span, SpanRelativeTo};

/// What a size could have been.
const SIZES: &str = "write it as in 500MB, 64MiB or 1.5GiB";
/// What a duration could have been.
const DURATIONS: &str = "write it as in 500ms, 30s, 5m, 1h30m or 2d";

/// Bytes of a size.
///
/// # Errors
/// What is wrong with it and what to write instead: it is not a size, negative, or more than 2^64 - 1 bytes.
pub fn size(text: &str) -> Result<u64, String> {
    let not_a_size = || format!("not a size; {SIZES}");
    if text.starts_with('-') {
        return Err(format!("a size cannot be negative; {SIZES}"));
    }
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = unit_bytes(unit.trim_start_matches(' ')).ok_or_else(not_a_size)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let are_digits = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !are_digits(whole) || !are_digits(fraction) {
        return Err(not_a_size());
    }
    let bytes = whole.parse::<u64>().ok().and_then(|whole| whole.checked_mul(unit));
    let bytes = bytes.and_then(|bytes| bytes.checked_add(part(fraction, unit)));
    bytes.ok_or_else(|| format!("too large: the maximum is 16777215TiB; {SIZES}"))
}

/// Bytes per second of a rate, at least 1.
///
/// # Errors
/// What is wrong with it and what to write instead.
pub fn rate(text: &str) -> Result<u64, String> {
    match size(text.strip_suffix("/s").unwrap_or(text).trim_end_matches(' '))? {
        0 => Err("a rate of 0 would never finish; leave it out for no limit".to_owned()),
        bytes => Ok(bytes),
    }
}

fn unit_bytes(unit: &str) -> Option<u64> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1_000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "t" | "tb" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return None,
    })
}

/// `unit` times the decimal fraction with these digits, rounded down.
fn part(digits: &str, unit: u64) -> u64 {
    // Long division, one digit at a time from the right: no fraction is too long.
    let tenths = |below: u128, digit: u8| (u128::from(digit - b'0') * u128::from(unit) * SCALE + below) / 10;
    let scaled = digits.bytes().rev().fold(0, tenths);
    u64::try_from(scaled / SCALE).unwrap_or(u64::MAX)
}

/// Parts of a byte that `part` reckons with.
const SCALE: u128 = 1 << 60;

/// A duration of 0 or more.
///
/// # Errors
/// What is wrong with it and what to write instead: it is not a duration, negative, or longer than centuries.
pub fn duration(text: &str) -> Result<Duration, String> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("a duration needs a unit; {DURATIONS}"));
    }
    let too_long = || format!("too long; {DURATIONS}");
    let span = text.parse::<Span>();
    let span =
        span.map_err(|error| if error.is_range() { too_long() } else { format!("not a duration; {DURATIONS}") })?;
    if span.is_negative() {
        return Err(format!("a duration cannot be negative; {DURATIONS}"));
    }
    // Years and months have no length of their own.
    let exact = span.to_duration(SpanRelativeTo::days_are_24_hours());
    exact.ok().and_then(|exact| Duration::try_from(exact).ok()).ok_or_else(|| format!("not a duration; {DURATIONS}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_mean_what_they_say() {
        for (text, expected) in [
            ("0", 0),
            ("77", 77),
            ("77b", 77),
            ("500", 500),
            ("500KB", 500_000),
            ("500kB", 500_000),
            ("500k", 500_000),
            ("10mb", 10_000_000),
            ("10MB", 10_000_000),
            ("10Mb", 10_000_000),
            ("10m", 10_000_000),
            ("10 MiB", 10 << 20),
            ("10MiB", 10 << 20),
            ("10mib", 10 << 20),
            ("2 GB", 2_000_000_000),
            ("1.5 MB", 1_500_000),
            ("1.5GiB", 3 << 29),
            ("0.3KiB", 307),
            ("0.1MB", 100_000),
            ("0.001kB", 1),
            ("1.00000000000000000000000000000000000000000001TiB", 1 << 40),
            ("1TB", 1_000_000_000_000),
            ("16777215TiB", 16_777_215 << 40),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(size(text), Ok(expected), "{text}");
        }
        for (text, words) in [
            ("", "not a size"),
            ("MB", "not a size"),
            (".5MB", "not a size"),
            ("1.MB", "not a size"),
            ("1.2.3", "not a size"),
            ("1e3", "not a size"),
            ("1,5GiB", "not a size"),
            ("10XB", "not a size"),
            ("1 EiB", "not a size"),
            ("5%", "not a size"),
            ("+1", "not a size"),
            (" 1MB", "not a size"),
            ("1MB ", "not a size"),
            ("10MB/s", "not a size"),
            ("much", "not a size"),
            ("-1", "negative"),
            ("-1.5GiB", "negative"),
            ("16777216TiB", "too large"),
            ("18446744073709551616", "too large"),
            ("99999999999999999999GiB", "too large"),
            ("99999999999GiB", "too large"),
        ] {
            assert!(size(text).is_err_and(|why| why.contains(words) && why.contains("64MiB")), "{text}");
        }
    }

    #[test]
    fn a_rate_is_a_size_a_second() {
        for (text, expected) in
            [("500KB", 500_000), ("2GiB/s", 2 << 30), ("1.5 MB/s", 1_500_000), ("10 m /s", 10_000_000)]
        {
            assert_eq!(rate(text), Ok(expected), "{text}");
        }
        for text in ["", "0", "0B/s", "/s", "1MB/m", "1MB/s/s", "-1MB/s", "0.1"] {
            assert!(rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_mean_what_they_say() {
        for (text, millis) in [
            ("250ms", 250),
            ("30s", 30_000),
            ("5m", 300_000),
            ("1m 30s", 90_000),
            ("1h30m", 5_400_000),
            ("1h 30m", 5_400_000),
            ("1.5h", 5_400_000),
            ("2d", 172_800_000),
            ("1d 12h", 129_600_000),
            ("1w", 604_800_000),
            ("PT10S", 10_000),
            ("0s", 0),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for (text, words) in [
            ("", "not a duration"),
            ("30", "needs a unit"),
            ("soon", "not a duration"),
            ("5 fortnights", "not a duration"),
            ("1month", "not a duration"),
            ("5M", "not a duration"),
            ("-5s", "negative"),
            ("99999999999999999999h", ""),
        ] {
            assert!(duration(text).is_err_and(|why| why.contains(words) && why.contains("1h30m")), "{text}");
        }
    }
}
