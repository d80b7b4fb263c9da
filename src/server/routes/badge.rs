//! `/badge/MODULE@VERSION.svg`: a small picture that says whether this server has proven a module version, by which record, and since
//! when. It says so of what is here: nobody is asked.

use std::fmt::Write as _;

use bytes::Bytes;
use hyper::StatusCode;

use crate::server::api::versions::{self, VersionView};
use crate::server::app::{App, request::RequestContext};
use crate::server::http::answer::{Answer, CachePolicy, CacheScope};
use crate::server::http::refusal::refusal;
use crate::sumdb::module::ModuleVersion;

const SVG: &str = "image/svg+xml";
/// A picture, whatever is in it; shown by pages of other sites, which is what it is for.
const BADGE_HEADERS: &[(&str, &str)] = &[
    ("content-security-policy", "default-src 'none'; style-src 'none'; sandbox"),
    ("cross-origin-resource-policy", "cross-origin"),
];

/// The badge of a module version. One that is not here has a badge too, which says that.
pub(crate) async fn badge(app: &App, module: &str, context: &RequestContext<'_>) -> Answer {
    let module = match ModuleVersion::parse_at(module) {
        Ok(module) => module,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let held = match versions::one(app, module.clone()).await {
        Ok(held) => held,
        Err(refused) => return refused,
    };
    let is_private = context.cache_scope == CacheScope::Private;
    let (words, colour) = words(held.as_ref(), is_private);
    let picture = draw(&module.to_string(), &words, colour);
    let answer = Answer::new(SVG, CachePolicy::OneMinute, Bytes::from(picture)).with_hash_etag();
    Answer { cache_scope: context.cache_scope, fixed_headers: BADGE_HEADERS, ..answer }
}

fn words(held: Option<&VersionView>, is_private: bool) -> (String, &'static str) {
    let Some(held) = held else { return ("not held here".to_owned(), "#6b7280") };
    let since = held.first_proven.split('T').next().unwrap_or_default();
    match held.record {
        Some(record) if !is_private => (format!("proven · record {record} · since {since}"), "#0b6b4f"),
        _ => (format!("private · since {since}"), "#5b4b8a"),
    }
}

/// Two labelled boxes; the right one has the colour.
fn draw(left: &str, right: &str, colour: &str) -> String {
    let width = |text: &str| text.chars().fold(16, |sum, c| sum + if c.is_ascii() { 7 } else { 10 });
    let (one, two) = (width(left), width(right));
    let (all, left_middle, right_middle) = (one + two, one / 2, one + two / 2);
    let (left, right) = (escaped(left), escaped(right));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{all}\" height=\"20\" role=\"img\" aria-label=\"{left}: {right}\">\
         <title>{left}: {right}</title><rect width=\"{all}\" height=\"20\" rx=\"3\" fill=\"#24292f\"/>\
         <path d=\"M{one} 0h{inner}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3H{one}z\" fill=\"{colour}\"/>\
         <g fill=\"#fff\" text-anchor=\"middle\" font-family=\"Verdana,DejaVu Sans,sans-serif\" font-size=\"11\">\
         <text x=\"{left_middle}\" y=\"14\" textLength=\"{left_length}\">{left}</text>\
         <text x=\"{right_middle}\" y=\"14\" textLength=\"{right_length}\">{right}</text></g></svg>\n",
        inner = two - 3,
        left_length = one - 12,
        right_length = two - 12,
    )
}

/// A text in XML. A module path has nothing to escape; this does not rest on that.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' | '>' | '&' | '"' | '\'' => _ = write!(escaped, "&#{};", u32::from(character)), // to a String: cannot fail
            plain => escaped.push(plain),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_name_has_in_it_stays_text() {
        let picture = draw("\"><script>alert(1)</script>&", "it's", "#000");
        assert!(!picture.contains("<script") && picture.contains("&#60;script&#62;") && picture.contains("it&#39;s"));
        assert_eq!(picture.matches("<svg").count(), 1);
    }
}
