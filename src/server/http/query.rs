//! The query of a request's URL: names and values, percent-encoded, as forms send them (URL Standard, application/x-www-form-urlencoded).

/// Bytes of a query: the longest name of a file in a module zip, percent-encoded, is below this.
const MAX_QUERY_BYTES: usize = 8_192;

/// A query.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Query<'a>(&'a str);

impl<'a> Query<'a> {
    /// The query of a URL, which may have none. One that is too long counts as none.
    pub(crate) fn of(query: Option<&'a str>) -> Query<'a> {
        Query(query.filter(|query| query.len() <= MAX_QUERY_BYTES).unwrap_or_default())
    }

    /// The first value with this name, decoded; none where there is none, or where it is not UTF-8.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        let mut pairs = self.0.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs.find(|(key, _)| *key == name).and_then(|(_, value)| decode(value))
    }

    /// The same, none where it is empty: a form sends fields that nobody filled in.
    pub(crate) fn filled(&self, name: &str) -> Option<String> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// A number between 1 and `most`; `default` where there is none.
    pub(crate) fn count(&self, name: &str, default: usize, most: usize) -> usize {
        self.get(name).and_then(|value| value.parse().ok()).map_or(default, |count: usize| count.clamp(1, most))
    }
}

fn decode(value: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                let is_hex = digits.iter().all(u8::is_ascii_hexdigit);
                let digits = str::from_utf8(&digits).ok().filter(|_| is_hex)?;
                u8::from_str_radix(digits, 16).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// A text as a value of a query.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b'@' | b':' => {
                encoded.push(char::from(byte));
            }
            byte => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_once() {
        let query = Query::of(Some("q=a%2Fb+c&empty=&n=7&bad=%zz&cut=%2&bytes=%ff&q=second&%71=x"));
        for (name, value) in
            [("q", Some("a/b c")), ("empty", Some("")), ("none", None), ("bad", None), ("cut", None), ("bytes", None)]
        {
            assert_eq!(query.get(name).as_deref(), value, "{name}");
        }
        assert_eq!((query.filled("empty"), query.filled("n").as_deref()), (None, Some("7")));
        assert_eq!((query.count("n", 5, 10), query.count("n", 5, 6), query.count("q", 5, 6)), (7, 6, 5));
        assert_eq!(Query::of(None).get("q"), None);
        assert_eq!(Query::of(Some(&"x".repeat(MAX_QUERY_BYTES + 1))).get("x"), None);
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        for text in ["a b&c=d%é+#?/\u{202e}\"<script>", "", "plain/path.go"] {
            assert_eq!(Query::of(Some(&format!("v={}", encode(text)))).get("v").as_deref(), Some(text));
            assert!(encode(text).is_ascii());
        }
    }
}
