//! A refusal or a failure, for people: what it is in a few words, and the lines that the go command would show.

use hyper::StatusCode;
use maud::{Markup, html};

use super::Site;
use super::layout::{self, Place};

/// The page of a refusal with this status and text.
pub(crate) fn page(site: Site<'_>, status: StatusCode, text: &str) -> Markup {
    let words = words(status);
    let content = html! {
        p.state { span.pill.bad { (status) } }
        h1 { (words) }
        pre.file tabindex="0" role="region" aria-label="Why" { code { (text) } }
    };
    layout::page(site, Place::Nowhere, words, "", &content)
}

fn words(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "Sign in to see this",
        StatusCode::FORBIDDEN => "Refused",
        StatusCode::NOT_FOUND | StatusCode::GONE => "Nothing is here",
        StatusCode::TOO_MANY_REQUESTS => "Too many requests",
        _ if status.is_server_error() => "Not available now",
        _ => "This cannot be asked for",
    }
}
