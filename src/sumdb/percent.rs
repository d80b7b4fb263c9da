//! Percent-encoding (RFC 3986 section 2.1), read leniently: a percent sign that two hexadecimal digits do not follow stays as it is.

/// The bytes that a text stands for.
pub fn decoded(text: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((&first, after)) = rest.split_first() {
        let byte = after.get(..2).filter(|_| first == b'%').and_then(byte);
        bytes.push(byte.unwrap_or(first));
        rest = if byte.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    bytes
}

/// The byte that two hexadecimal digits name; `from_str_radix` alone would take a sign, too.
fn byte(digits: &[u8]) -> Option<u8> {
    let digits = str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
    u8::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_digits_are_a_byte_and_all_else_stays() {
        for (text, expected) in [
            ("", &b""[..]),
            ("a%2Fb%2fc", b"a/b/c"),
            ("%C3%a9", "é".as_bytes()),
            ("100%", b"100%"),
            ("%4", b"%4"),
            ("%zz%41", b"%zzA"),
            ("%+f%-1", b"%+f%-1"),
            ("%é", "%é".as_bytes()),
            ("%%41", b"%A"),
        ] {
            assert_eq!(decoded(text), expected, "{text}");
        }
    }
}
