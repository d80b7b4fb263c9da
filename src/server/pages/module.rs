//! One module: its versions that are here, with what proves them.

use maud::{Markup, html};

use super::Site;
use super::layout::{self, Place};
use super::text::{count, name, size, time};
use crate::server::api::versions::{FileView, VersionView, VersionsView};

/// A page of the versions of a module.
pub(crate) fn page(site: Site<'_>, found: &VersionsView) -> Markup {
    let shown = name(&found.module);
    let next = format!("{}?cursor=", site.module(&found.module));
    let content = html! {
        p.crumbs { a href=(site.at("/modules")) { "Modules" } }
        h1 { (shown) }
        p.lead {
            (count(found.total)) " " (if found.total == 1 { "version is" } else { "versions are" }) " here"
            @match &found.database {
                Some(database) => { ", proven by " (name(database)) "." }
                None => { ". The module is private: each version is held to what was fetched first." }
            }
        }
        @if found.versions.is_empty() {
            p.empty { "Nothing of this module is here. It is fetched, and proven, when go asks for it." }
        } @else {
            (layout::table(
                "Versions",
                &[("Version", false), ("Hashes", false), ("Size", true), ("First proven here", false), ("Given", true)],
                &html! { @for version in &found.versions { (row(site, &found.module, version)) } },
            ))
        }
        (layout::more(&next, found.next.as_ref()))
    };
    layout::page(site, Place::Modules, &shown, "", &content)
}

fn row(site: Site<'_>, module: &str, version: &VersionView) -> Markup {
    let at = format!("{module}@{}", version.version);
    html! {
        tr {
            td {
                a href=(site.module(&at)) { (name(&version.version)) }
                @match version.record {
                    Some(record) => { span.sub { "record " (count(record)) } }
                    None => { span.sub { "private" } }
                }
            }
            td.sums { (hash("zip", version.zip.as_ref())) (hash("go.mod", version.go_mod.as_ref())) }
            td.n data-label="Size" { (version.zip.as_ref().map_or_else(|| "–".to_owned(), |zip| size(zip.bytes))) }
            td.when data-label="First proven here" { (time(&version.first_proven)) }
            td.n data-label="Given" {
                (count(version.hits)) "×"
                @if let Some(last) = &version.last_used { span.sub { "last" br; (time(last)) } }
            }
        }
    }
}

/// The hash of a stored file, with what it is of.
pub(super) fn hash(what: &str, file: Option<&FileView>) -> Markup {
    html! {
        @match file {
            Some(file) => { span.sum { span.kind { (what) } " " span.hash { (name(&file.hash)) } } }
            None => { span.sum { span.kind { (what) } " " span.none { "not here" } } }
        }
    }
}
