//! What the `Authorization` header says. Nothing is verified here.

use std::borrow::Cow;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::token_file::PREFIX;

/// The longest password that is verified, in bytes; a token of an issuer may be longer.
const MAX_PASSWORD_BYTES: usize = 1024;
/// The longest name of a user, in bytes.
const MAX_NAME_BYTES: usize = 256;

/// The credentials of a request. `go` sends those of netrc, and of a URL, as Basic: so a token may stand for its password.
#[derive(PartialEq, Eq)]
pub(super) enum Credentials<'a> {
    /// none came
    None,
    /// a token of ours, whole
    Token(Cow<'a, str>),
    /// a token of an issuer (JWT)
    Signed(Cow<'a, str>),
    /// a user and a password
    Password {
        /// as the client writes it
        user: String,
        /// never shown
        password: String,
    },
    /// nothing that can be verified, and why
    Unusable(&'static str),
}

/// The credentials in all `Authorization` headers of a request.
pub(super) fn parse<'a>(mut headers: impl Iterator<Item = &'a [u8]>) -> Credentials<'a> {
    let Some(header) = headers.next() else { return Credentials::None };
    if headers.next().is_some() {
        return Credentials::Unusable("several Authorization headers");
    }
    let Some((scheme, rest)) = std::str::from_utf8(header).ok().and_then(|text| text.trim().split_once(' ')) else {
        return Credentials::Unusable("the Authorization header is malformed");
    };
    let rest = rest.trim_start();
    if scheme.eq_ignore_ascii_case("bearer") {
        return token(Cow::Borrowed(rest)).unwrap_or(Credentials::Unusable("this is not a token of a known form"));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return Credentials::Unusable("only Basic and Bearer are accepted");
    }
    let decoded = BASE64_STANDARD.decode(rest).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let Some((user, password)) = decoded.as_deref().and_then(|text| text.split_once(':')) else {
        return Credentials::Unusable("the Authorization header is malformed");
    };
    if let Some(token) = token(Cow::Owned(password.to_owned())) {
        return token;
    }
    if password.len() > MAX_PASSWORD_BYTES || user.len() > MAX_NAME_BYTES {
        return Credentials::Unusable("the user or the password is too long");
    }
    Credentials::Password { user: user.to_owned(), password: password.to_owned() }
}

/// The token, if it looks like one.
fn token(text: Cow<'_, str>) -> Option<Credentials<'_>> {
    let is_signed = || {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        text.starts_with("eyJ") && text.split('.').count() == 3 && text.split('.').all(|part| part.bytes().all(plain))
    };
    if text.starts_with(PREFIX) {
        Some(Credentials::Token(text))
    } else if is_signed() {
        Some(Credentials::Signed(text))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(headers: &[&str]) -> String {
        match parse(headers.iter().map(|header| header.as_bytes())) {
            Credentials::None => "none".to_owned(),
            Credentials::Token(token) => format!("token {token}"),
            Credentials::Signed(token) => format!("signed {token}"),
            Credentials::Password { user, password } => format!("{user} {password}"),
            Credentials::Unusable(why) => why.to_owned(),
        }
    }

    fn basic(login: &str) -> String {
        format!("Basic {}", BASE64_STANDARD.encode(login))
    }

    #[test]
    fn a_token_may_stand_for_a_password() {
        assert_eq!(parsed(&[]), "none");
        assert_eq!(parsed(&["Bearer gst_x_y"]), "token gst_x_y");
        assert_eq!(parsed(&["bearer  eyJa.b_-.c"]), "signed eyJa.b_-.c");
        assert_eq!(parsed(&[&basic("any:gst_x_y")]), "token gst_x_y");
        assert_eq!(parsed(&[&basic(":gst_x_y")]), "token gst_x_y");
        assert_eq!(parsed(&[&basic("oauth2:eyJa.b.c")]), "signed eyJa.b.c");
        assert_eq!(parsed(&[&basic("alice:p:w d")]), "alice p:w d");
        assert_eq!(parsed(&[&basic("alice:eyJa.b")]), "alice eyJa.b");
    }

    #[test]
    fn all_else_is_unusable() {
        for headers in [
            &["Basic"][..],
            &["Basic !!"],
            &["Digest username=\"alice\""],
            &["Bearer "],
            &["Bearer opensesame"],
            &["Bearer eyJa.b"],
            &["Bearer eyJa.b.c.d"],
            &["Bearer gst_x_y", "Bearer gst_x_y"],
            &[&basic("nocolon")],
            &[&basic(&format!("alice:{}", "x".repeat(2000)))],
            &[&format!("Basic {}", BASE64_STANDARD.encode([b'a', b':', 0xff]))],
        ] {
            assert!(
                matches!(parse(headers.iter().map(|header| header.as_bytes())), Credentials::Unusable(_)),
                "{headers:?}"
            );
        }
    }
}
