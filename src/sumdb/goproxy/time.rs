//! The time in an `.info`: RFC 3339 as Go's `time.Time.UnmarshalJSON` reads it, written in one form.
//!
//! Go also takes an hour of one digit, a comma before the fraction (go.dev/issue/54580) and an offset of 60 minutes; all are read
//! here and written as RFC 3339 has them. An offset of 24 hours Go reads too, and cannot write again ([`Time::is_writable`]).

use std::fmt;

/// A date, a time of day and the offset from UTC, to the nanosecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time {
    /// year, month, day, hour, minute, second
    civil: [u32; 6],
    nanoseconds: u32,
    /// minutes east of UTC
    offset: i32,
}

impl Time {
    /// Whether RFC 3339 has a text for it: offsets end before 24 hours.
    pub fn is_writable(&self) -> bool {
        self.offset.abs() < 24 * 60
    }

    /// The time that a text names; none where Go would refuse it.
    pub fn parse(text: &[u8]) -> Option<Time> {
        let mut rest = text;
        let year = digits(&mut rest, 4)?;
        let month = after(&mut rest, b"-").and_then(|()| digits(&mut rest, 2))?;
        let day = after(&mut rest, b"-").and_then(|()| digits(&mut rest, 2))?;
        after(&mut rest, b"T")?;
        let hour = digits(&mut rest, 2).or_else(|| digits(&mut rest, 1))?;
        let minute = after(&mut rest, b":").and_then(|()| digits(&mut rest, 2))?;
        let second = after(&mut rest, b":").and_then(|()| digits(&mut rest, 2))?;
        let is_date = (1..=12).contains(&month) && (1..=days(year, month)).contains(&day);
        if !is_date || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let nanoseconds = fraction(&mut rest);
        let offset = offset(rest)?;
        Some(Time { civil: [year, month, day, hour, minute, second], nanoseconds, offset })
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [year, month, day, hour, minute, second] = self.civil;
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if self.nanoseconds > 0 {
            let nanoseconds = format!("{:09}", self.nanoseconds);
            write!(f, ".{}", nanoseconds.trim_end_matches('0'))?;
        }
        let (sign, offset) = (if self.offset < 0 { '-' } else { '+' }, self.offset.unsigned_abs());
        if offset == 0 { f.write_str("Z") } else { write!(f, "{sign}{:02}:{:02}", offset / 60, offset % 60) }
    }
}

/// Takes exactly so many digits.
fn digits(rest: &mut &[u8], count: usize) -> Option<u32> {
    let (taken, left) = rest.split_at_checked(count)?;
    let number = taken.iter().try_fold(0, |number, byte| Some(number * 10 + char::from(*byte).to_digit(10)?))?;
    *rest = left;
    Some(number)
}

fn after(rest: &mut &[u8], prefix: &[u8]) -> Option<()> {
    *rest = rest.strip_prefix(prefix)?;
    Some(())
}

/// Takes a fraction of a second, if there is one; what is below a nanosecond is cut off, as Go does.
fn fraction(rest: &mut &[u8]) -> u32 {
    let Some((b'.' | b',', fraction)) = rest.split_first() else { return 0 };
    let len = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if len == 0 {
        return 0;
    }
    let padded = fraction.iter().take(len).copied().chain(std::iter::repeat(b'0')).take(9);
    *rest = fraction.get(len..).unwrap_or_default();
    padded.fold(0, |number, byte| number * 10 + u32::from(byte - b'0'))
}

/// Minutes east of UTC, of `Z` or `+07:00`.
fn offset(text: &[u8]) -> Option<i32> {
    let (sign, mut rest) = match text.split_first()? {
        (b'Z', []) => return Some(0),
        (b'+', rest) => (1, rest),
        (b'-', rest) => (-1, rest),
        _ => return None,
    };
    let hours = digits(&mut rest, 2).filter(|hours| *hours <= 24)?;
    let minutes = after(&mut rest, b":").and_then(|()| digits(&mut rest, 2)).filter(|minutes| *minutes <= 60)?;
    let minutes = i32::try_from(hours * 60 + minutes).ok()?;
    rest.is_empty().then_some(sign * minutes)
}

fn days(year: u32, month: u32) -> u32 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_one_form() {
        for (text, written) in [
            ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
            ("2026-01-02T03:04:05.120Z", "2026-01-02T03:04:05.12Z"),
            ("2026-01-02T03:04:05.1234567899Z", "2026-01-02T03:04:05.123456789Z"),
            ("2026-01-02T03:04:05.0000000009-07:30", "2026-01-02T03:04:05-07:30"),
            ("2026-01-02T03:04:05+00:00", "2026-01-02T03:04:05Z"),
            ("2026-01-02T03:04:05-00:00", "2026-01-02T03:04:05Z"),
            ("2026-01-02T3:04:05,5+23:59", "2026-01-02T03:04:05.5+23:59"),
            ("2026-01-02T03:04:05-07:60", "2026-01-02T03:04:05-08:00"),
            ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z"),
        ] {
            assert_eq!(Time::parse(text.as_bytes()).map(|time| time.to_string()).as_deref(), Some(written), "{text}");
        }
        for text in [
            "",
            "yesterday",
            "2026-01-02",
            "2026-01-02T03:04:05",
            "2026-01-02 03:04:05Z",
            "2026-01-02t03:04:05Z",
            "2026-01-02T03:04:05z",
            "2026-01-02T03:04:05.Z",
            "2026-01-02T03:04Z",
            "2026-13-02T03:04:05Z",
            "2026-00-02T03:04:05Z",
            "2026-02-29T03:04:05Z",
            "2100-02-29T03:04:05Z",
            "2026-04-31T03:04:05Z",
            "2026-01-00T03:04:05Z",
            "2026-01-02T24:04:05Z",
            "2026-01-02T03:60:05Z",
            "2026-01-02T03:04:60Z",
            "2026-01-02T03:04:05+25:00",
            "2026-01-02T03:04:05+07:61",
            "2026-01-02T03:04:05+0700",
            "2026-01-02T03:04:05+7:00",
            "2026-01-02T03:04:05ZZ",
            "2026-01-02T03:04:05Z ",
            " 2026-01-02T03:04:05Z",
            "+026-01-02T03:04:05Z",
            "10000-01-02T03:04:05Z",
            "2026-1-02T03:04:05Z",
            "2026-01-02T:04:05Z",
            "2026-01-02T03:04:05\u{6f0}Z",
        ] {
            assert_eq!(Time::parse(text.as_bytes()), None, "{text}");
        }
        for (offset, is_writable) in
            [("+23:59", true), ("-23:59", true), ("+23:60", false), ("+24:00", false), ("-24:60", false)]
        {
            let time = Time::parse(format!("2026-01-02T03:04:05{offset}").as_bytes());
            assert_eq!(time.map(|time| time.is_writable()), Some(is_writable), "{offset}");
        }
    }
}
