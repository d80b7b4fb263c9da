//! One module version: its hashes and its proof, its go.mod, and the files in its zip, to be read as they were proven.

use maud::{Markup, html};

use super::Site;
use super::layout::{self, Place};
use super::module::hash;
use super::text::{self, count, name, size, time};
use crate::server::api::files::FilesView;
use crate::server::api::versions::VersionView;
use crate::server::http::query::encode;
use crate::sumdb::module::ModuleVersion;

/// What there is to show.
pub(crate) struct Shown<'a> {
    pub(crate) module: &'a ModuleVersion,
    /// none where nothing of it is here
    pub(crate) held: Option<&'a VersionView>,
    pub(crate) go_mod: Option<&'a [u8]>,
    pub(crate) files: Option<&'a FilesView>,
    pub(crate) is_private: bool,
}

/// The page of a module version.
pub(crate) fn page(site: Site<'_>, shown: &Shown<'_>) -> Markup {
    let at = shown.module.to_string();
    let content = html! {
        (crumbs(site, shown.module, None))
        h1 { (name(&at)) }
        @match shown.held {
            Some(held) => (facts(site, shown.module, held, shown.is_private)),
            None => { p.empty { "Nothing of this version is here. It is fetched, and proven, when go asks for it." } }
        }
        p.more { a href=(site.at(&format!("/explain/{at}"))) { "What this server does about it, and why" } }
        @if let Some(go_mod) = shown.go_mod {
            h2 { "go.mod" }
            (contents(go_mod, &site.at(&format!("/api/v1/modules/{at}/go.mod"))))
        }
        @if let Some(files) = shown.files {
            h2 #files { (count(files.total)) " files" }
            (list(site, &at, files))
        }
    };
    layout::page(site, Place::Modules, &name(&at), "", &content)
}

/// The page of one file in the zip.
pub(crate) fn file(site: Site<'_>, module: &ModuleVersion, path: &str, bytes: &[u8]) -> Markup {
    let at = module.to_string();
    let raw = site.at(&format!("/api/v1/modules/{at}/file?path={}", encode(path)));
    let content = html! {
        (crumbs(site, module, Some(path)))
        h1 { (name(path)) }
        p.lead { (size(u64::try_from(bytes.len()).unwrap_or(u64::MAX))) " · as it is in the proven zip · " a href=(raw) { "as plain text" } }
        (contents(bytes, &raw))
    };
    layout::page(site, Place::Modules, &format!("{} in {}", name(path), name(&at)), "", &content)
}

fn crumbs(site: Site<'_>, module: &ModuleVersion, path: Option<&str>) -> Markup {
    let at = module.to_string();
    html! {
        p.crumbs {
            a href=(site.at("/modules")) { "Modules" } " / "
            a href=(site.module(module.path().as_str())) { (name(module.path().as_str())) }
            @if path.is_some() { " / " a href=(site.module(&at)) { (name(module.version().as_str())) } }
        }
    }
}

fn facts(site: Site<'_>, module: &ModuleVersion, held: &VersionView, is_private: bool) -> Markup {
    let at = module.to_string();
    let zip_at = format!("/{}/@v/{}.zip", module.path().escaped(), module.version().escaped());
    html! {
        p {
            @if is_private { span.pill.wait { "private: held to what was fetched first" } }
            @else { span.pill { "proven" } }
        }
        dl.facts {
            @if let Some(record) = held.record.filter(|_| !is_private) {
                dt { "Record" }
                dd {
                    (count(record)) " · proof: "
                    a href=(site.at(&format!("/api/v1/proofs/{at}"))) { "JSON" } ", "
                    a href=(site.at(&format!("/api/v1/proofs/{at}?format=tlog-proof"))) { "file for verify-proof" }
                }
            }
            dt { "Hashes" } dd { (hash("zip", held.zip.as_ref())) (hash("go.mod", held.go_mod.as_ref())) }
            dt { "First proven here" } dd { (time(&held.first_proven)) }
            @if let Some(zip) = &held.zip { dt { "Zip" } dd { (size(zip.bytes)) " · " a href=(site.at(&zip_at)) { "download" } } }
            dt { "Given" }
            dd { (count(held.hits)) "×" @if let Some(last) = &held.last_used { ", last " (time(last)) } }
        }
    }
}

fn list(site: Site<'_>, at: &str, files: &FilesView) -> Markup {
    let next = format!("{}?cursor=", site.module(at));
    html! {
        (layout::table("Files", &[("File", false), ("Size", true)], &html! {
            @for file in &files.files {
                tr {
                    td.path { a href={ (site.module(at)) "?file=" (encode(&file.path)) } { (name(&file.path)) } }
                    td.n data-label="Size" { (size(file.bytes)) }
                }
            }
        }))
        (layout::more(&next, files.next.as_ref()))
    }
}

/// The text of a file; where it is too long, a part of it and a link to all of it.
fn contents(bytes: &[u8], raw: &str) -> Markup {
    html! {
        @match text::file(bytes) {
            Some((markup, is_all)) => {
                pre.file tabindex="0" { code { (markup) } }
                @if !is_all { p.more { "Only the beginning is shown. " a href=(raw) { "All of it as plain text" } } }
            }
            None => { p.empty { "This file is not text." } }
        }
    }
}
