//! The modules that are here, and the search among them.

use maud::{Markup, html};

use super::Site;
use super::layout::{self, Place};
use super::text::{count, name};
use crate::server::api::modules::{ModuleView, ModulesView};
use crate::server::http::query::encode;

/// A page of modules; `asked` is what was searched for.
pub(crate) fn page(site: Site<'_>, asked: &str, found: &ModulesView) -> Markup {
    let next = site.at(&format!("/modules?contains={}&cursor=", encode(asked)));
    let content = html! {
        h1 { @if asked.is_empty() { "Modules" } @else { "Modules with “" (name(asked)) "”" } }
        @if found.modules.is_empty() {
            p.empty { @if asked.is_empty() { "No module is here yet." } @else { "No module that is here has that in its path." } }
        } @else {
            (layout::table(
                "Modules",
                &[("Module", false), ("Versions", true), ("Highest", false)],
                &html! { @for module in &found.modules { (row(site, module)) } },
            ))
        }
        (layout::more(&next, found.next.as_ref()))
    };
    layout::page(site, Place::Modules, "Modules", asked, &content)
}

fn row(site: Site<'_>, module: &ModuleView) -> Markup {
    html! {
        tr {
            td.path {
                a href=(site.module(&module.module)) { (name(&module.module)) }
                @if module.private { span.sub { "private" } }
            }
            td.n data-label="Versions" { (count(module.versions)) }
            td data-label="Highest" { (name(&module.highest)) }
        }
    }
}
