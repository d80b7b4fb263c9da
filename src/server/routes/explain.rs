//! `/explain/MODULE@VERSION`: what this server does about a module version, and why. Nobody is asked for it.

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{ACCEPT, HeaderMap, HeaderValue, VARY};

use super::modules::JSON;
use crate::proxy::Explanation;
use crate::server::app::App;
use crate::server::http::answer::{Answer, CachePolicy, PLAIN_TEXT};
use crate::server::http::refusal::{from_fault, no_modules, refusal};
use crate::sumdb::module::ModuleVersion;

/// The page, as text, or as JSON for clients that accept it. Its status says nothing about the module.
pub(crate) async fn page(app: &App, module: &str, headers: &HeaderMap) -> Answer {
    let explanation = match explained(app, module).await {
        Ok(explanation) => explanation,
        Err(refused) => return refused,
    };
    let (content_type, text) =
        if accepts_json(headers) { (JSON, explanation.to_json()) } else { (PLAIN_TEXT, explanation.to_string()) };
    let varies = Some((VARY, HeaderValue::from_static("accept")));
    Answer { extra_header: varies, ..Answer::new(content_type, CachePolicy::NoStore, Bytes::from(text)) }
}

/// The explanation of `MODULE@VERSION`.
///
/// # Errors
/// The answer to the client: that is not a module version, this server serves no modules, or the disk fails.
pub(crate) async fn explained(app: &App, module: &str) -> Result<Explanation, Answer> {
    let proxy = app.proxy.as_ref().ok_or_else(no_modules)?;
    let module = ModuleVersion::parse_at(module)
        .map_err(|error| refusal(StatusCode::BAD_REQUEST, &format!("{error}; ask for /explain/MODULE@VERSION")))?;
    proxy.explain(&module).await.map_err(|fault| from_fault(&fault))
}

/// Whether the client asks for JSON by name.
fn accepts_json(headers: &HeaderMap) -> bool {
    headers.get_all(ACCEPT).iter().any(|value| value.to_str().is_ok_and(|value| value.contains(JSON)))
}
