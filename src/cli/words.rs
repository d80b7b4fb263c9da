//! Numbers as people read them.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!([0, 999, 1000, 205_123_456].map(bytes), ["0 B", "999 B", "1.0 kB", "205.1 MB"]);
    }
}
