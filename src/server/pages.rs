//! The pages for people: what `api` gives, as HTML. No script, no resource from elsewhere; one stylesheet in the page, which the
//! Content-Security-Policy names by its hash, so that nothing that a stranger wrote into a module can run or restyle anything.

mod chart;
pub(super) mod home;
pub(super) mod incidents;
pub(super) mod integrity;
mod layout;
pub(super) mod module;
pub(super) mod modules;
pub(super) mod refused;
mod text;
pub(super) mod version;

/// The content type of a page.
pub(super) const HTML: &str = "text/html; charset=utf-8";

/// What all pages are sent with. The hash is that of [`STYLE`].
pub(super) const HTML_HEADERS: &[(&str, &str)] = &[
    (
        "content-security-policy",
        "default-src 'none'; style-src 'sha256-NrBbuhOrnP7QIwpzb/O0GdQS9i47T5FP3dp+eL7aEVI='; img-src data:; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("referrer-policy", "no-referrer"),
];

/// The stylesheet of all pages.
const STYLE: &str = include_str!("pages/style.css");

/// Where the pages are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Site<'a> {
    /// what stands before every path; may be empty
    pub(super) prefix: &'a str,
}

impl Site<'_> {
    /// The URL of a path of this server, which begins with a slash.
    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }

    /// The page of a module or of a module version.
    fn module(&self, module: &str) -> String {
        format!("{}/modules/{module}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use sha2::{Digest as _, Sha256};

    use super::*;

    #[test]
    fn the_policy_allows_this_stylesheet_and_no_other() {
        let hash = format!("'sha256-{}'", STANDARD.encode(Sha256::digest(STYLE)));
        let policy = HTML_HEADERS.iter().find(|(name, _)| *name == "content-security-policy");
        let allowed = policy.map(|(_, policy)| policy.split("; ").collect::<Vec<_>>()).unwrap_or_default();
        assert!(allowed.contains(&format!("style-src {hash}").as_str()), "{hash} is not in {allowed:?}");
        assert!(allowed.contains(&"default-src 'none'") && !allowed.iter().any(|part| part.contains("script")));
    }
}
