//! Numbers as people write and read them.

/// `205.1 MB`.
pub(super) fn bytes(number: u64) -> String {
    let mut unit = 1;
    for name in ["B", "kB", "MB", "GB"] {
        if number / unit < 1000 {
            return if unit == 1 { format!("{number} B") } else { tenths(number, unit, name) };
        }
        unit *= 1000;
    }
    tenths(number, unit, "TB")
}

fn tenths(number: u64, unit: u64, name: &str) -> String {
    format!("{}.{} {name}", number / unit, number % unit / (unit / 10))
}

/// What `500`, `500KB`, `10MiB` or `1.5 MB` mean in bytes.
///
/// # Errors
/// It is none of these, or nothing at all.
pub(super) fn parse_bytes(text: &str) -> Result<u64, String> {
    let bad = || format!("{text:?} is not a number of bytes, such as 500KB or 10MiB");
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit: u64 = match unit.trim().trim_end_matches("/s").to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return Err(bad()),
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let (whole, digits) = (whole.parse::<u64>().map_err(|_| bad())?, u32::try_from(part.len()).unwrap_or(u32::MAX));
    let part = part.parse::<u64>().map_err(|_| bad())?;
    let scale = 10_u64.checked_pow(digits).ok_or_else(bad)?;
    let bytes = whole.checked_mul(unit).zip(part.checked_mul(unit)).and_then(|(w, p)| w.checked_add(p / scale));
    bytes.filter(|bytes| *bytes > 0).ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_are_written() {
        assert_eq!([0, 999, 1000, 205_123_456].map(bytes), ["0 B", "999 B", "1.0 kB", "205.1 MB"]);
        for (text, expected) in
            [("500", 500), ("500KB", 500_000), ("10MiB", 10 << 20), ("1.5 MB", 1_500_000), ("2GiB/s", 2 << 30)]
        {
            assert_eq!(parse_bytes(text), Ok(expected), "{text}");
        }
        for text in ["", "0", "MB", "-1", "1e3", "10XB", "99999999999GiB", "1.2.3", ".5MB"] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
    }
}
