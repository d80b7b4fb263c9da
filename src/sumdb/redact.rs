//! URLs as they may be shown: without the names and passwords in them.

/// The text without the names and passwords in its URLs, of which there may be several, parsable or not.
pub fn redact(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('@') {
        let (ahead, login) = before.split_at(before.rfind(['/', ' ']).map_or(0, |at| at + 1));
        let is_address = ahead.is_empty() && login.starts_with("mailto:");
        if !is_address && (ahead.is_empty() || ahead.ends_with("//") || ahead.ends_with(' ')) {
            shown.push_str(ahead);
        } else {
            shown.push_str(before);
            shown.push('@');
        }
        rest = after;
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_taken_out_wherever_they_stand() {
        for (text, shown) in [
            ("sum.golang.org", "sum.golang.org"),
            ("https://me:s3cret@host/x", "https://host/x"),
            ("https://a/x,https://me:s3cret@b|http://me:s3,cret@c/y,direct", "https://a/x,https://b|http://c/y,direct"),
            ("https://a,me:s3cret@b/x", "https://b/x"),
            ("me:s3cret@host", "host"),
            ("mailto:ops@example.com", "mailto:ops@example.com"),
            ("https://mailto:s3cret@host", "https://host"),
            ("key https://me:s3@cret@host", "key https://host"),
            ("https://host/a@v1", "https://host/a@v1"),
        ] {
            assert_eq!(redact(text), shown);
        }
    }
}
