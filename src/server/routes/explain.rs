//! `/explain/MODULE@VERSION`: what this server does about a module version, and why. Nobody is asked for it.

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{ACCEPT, HeaderMap, HeaderValue, VARY};

use super::modules::{JSON, SWITCHED_OFF};
use crate::server::app::App;
use crate::server::http::answer::{Answer, CachePolicy, PLAIN_TEXT};
use crate::server::http::refusal::{from_fault, refusal};
use crate::sumdb::module::ModuleVersion;

/// The page, as text, or as JSON for clients that accept it. Its status says nothing about the module.
pub(crate) async fn page(app: &App, module: &str, headers: &HeaderMap) -> Answer {
    let Some(proxy) = &app.proxy else { return refusal(StatusCode::FORBIDDEN, SWITCHED_OFF) };
    let module = match ModuleVersion::parse_at(module) {
        Ok(module) => module,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, &format!("{error}; ask for /explain/MODULE@VERSION")),
    };
    let explanation = match proxy.explain(&module).await {
        Ok(explanation) => explanation,
        Err(fault) => return from_fault(&fault),
    };
    let (content_type, text) =
        if accepts_json(headers) { (JSON, explanation.to_json()) } else { (PLAIN_TEXT, explanation.to_string()) };
    let varies = Some((VARY, HeaderValue::from_static("accept")));
    Answer { extra_header: varies, ..Answer::new(content_type, CachePolicy::NoStore, Bytes::from(text)) }
}

/// Whether the client asks for JSON by name.
fn accepts_json(headers: &HeaderMap) -> bool {
    headers.get_all(ACCEPT).iter().any(|value| value.to_str().is_ok_and(|value| value.contains(JSON)))
}
