//! The wrong bytes that upstreams sent, each with its evidence.

use maud::{Markup, html};

use super::Site;
use super::layout::{self, Place};
use super::text::{count, name, time};
use crate::server::api::incidents::{IncidentView, IncidentsView};
use crate::server::http::query::encode;

/// The page of incidents.
pub(crate) fn page(site: Site<'_>, found: &IncidentsView) -> Markup {
    let next = site.at("/incidents?cursor=");
    let content = html! {
        h1 { "Incidents" }
        p.lead {
            "An upstream sent bytes that are not what the log committed to. They were refused, and the next upstream was asked."
        }
        (list(site, found))
        (layout::more(&next, found.next.as_ref()))
    };
    layout::page(site, Place::Incidents, "Incidents", "", &content)
}

/// The incidents, the newest first.
pub(super) fn list(site: Site<'_>, found: &IncidentsView) -> Markup {
    html! {
        @if found.incidents.is_empty() {
            p.empty { "None so far: all that came was what the log says." }
        } @else {
            ol.incidents { @for incident in &found.incidents { li.incident { (one(site, incident)) } } }
        }
    }
}

fn one(site: Site<'_>, incident: &IncidentView) -> Markup {
    let IncidentView { module, version, .. } = incident;
    let at = format!("{module}@{version}");
    html! {
        p.what { a href=(site.module(&encode(&at))) { (name(&at)) } " · " (file(&incident.file)) " refused" }
        dl {
            dt { "When" } dd { (time(&incident.time)) }
            dt { "From" } dd { (name(&incident.upstream)) }
            dt { "Expected" }
            dd.want {
                span.hash { (name(&incident.expected)) }
                @if let Some(record) = incident.record {
                    span.sub {
                        "record " (count(record)) " of the log"
                        @if let Some(tree) = incident.tree { ", proven in the tree of " (count(tree)) }
                        " · " a href=(site.at(&format!("/api/v1/proofs/{}", encode(&at)))) { "proof" }
                    }
                }
            }
            dt { "Got" } dd.got { span.hash { (name(&incident.got)) } }
            @if let Some(report) = &incident.report { dt { "Kept" } dd { span.hash { "refused/" (name(report)) } } }
        }
    }
}

fn file(kind: &str) -> &str {
    if kind == "mod" { "go.mod" } else { "zip" }
}
