//! What all pages have in common: the head, the navigation, the search, and the foot.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::text::name;
use super::{STYLE, Site};

/// Which entry of the navigation a page belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Overview,
    Modules,
    Incidents,
    Integrity,
    /// none: nothing is here
    Nowhere,
}

/// The mark: a Merkle tree of four leaves, and the way from one of them to the root.
const MARK: &str = "<svg viewBox=\"0 0 32 32\" aria-hidden=\"true\" focusable=\"false\" fill=\"none\" stroke-linecap=\"round\">\
    <g stroke=\"#8a938d\" stroke-width=\"1.6\"><path d=\"M8 17 4 26M8 17l4 9M16 7 8 17M24 17l4 9\"/></g>\
    <path d=\"M16 7l8 10-4 9\" stroke=\"#1b8a6b\" stroke-width=\"2.6\"/>\
    <g fill=\"#8a938d\"><circle cx=\"4\" cy=\"26\" r=\"2.4\"/><circle cx=\"12\" cy=\"26\" r=\"2.4\"/><circle cx=\"28\" cy=\"26\" r=\"2.4\"/>\
    <circle cx=\"8\" cy=\"17\" r=\"2.4\"/></g><g fill=\"#1b8a6b\"><circle cx=\"16\" cy=\"7\" r=\"3.4\"/><circle cx=\"24\" cy=\"17\" r=\"3\"/>\
    <circle cx=\"20\" cy=\"26\" r=\"3\"/></g></svg>";
/// The same for a browser's tab.
const ICON: &str = "data:image/svg+xml,%3Csvg%20xmlns='http://www.w3.org/2000/svg'%20viewBox='0%200%2032%2032'%3E\
    %3Cpath%20d='M16%207l8%2010-4%209M16%207%208%2017%204%2026'%20fill='none'%20stroke='%231b8a6b'%20stroke-width='3'/%3E\
    %3Ccircle%20cx='16'%20cy='7'%20r='4'%20fill='%231b8a6b'/%3E%3C/svg%3E";

/// A page with this title and content; `asked` is what stands in the field of the search.
pub(super) fn page(site: Site<'_>, place: Place, title: &str, asked: &str, content: &Markup) -> Markup {
    let entries = [
        (Place::Overview, "Overview", site.at("/")),
        (Place::Modules, "Modules", site.at("/modules")),
        (Place::Incidents, "Incidents", site.at("/incidents")),
        (Place::Integrity, "Integrity", site.at("/integrity")),
    ];
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (title) " · gosumcheck" }
                link rel="icon" href=(PreEscaped(ICON));
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#content" { "Skip to content" }
                header.top {
                    div.wrap {
                        a.brand href=(site.at("/")) { (PreEscaped(MARK)) "gosumcheck" }
                        nav aria-label="Main" {
                            ul {
                                @for (entry, word, href) in &entries {
                                    li {
                                        @if *entry == place { a href=(href) aria-current="page" { (word) } }
                                        @else { a href=(href) { (word) } }
                                    }
                                }
                                li { a href=(site.at("/api/v1/openapi.json")) { "API" } }
                            }
                        }
                        form.search role="search" action=(site.at("/modules")) method="get" {
                            input type="search" name="contains" value=(name(asked)) aria-label="Search modules" placeholder="Search modules" maxlength="200";
                            button type="submit" { "Search" }
                        }
                    }
                }
                main.wrap #content { (content) }
                footer {
                    div.wrap {
                        p {
                            "gosumcheck " (env!("CARGO_PKG_VERSION"))
                            ". Nothing is stored or served here before it is proven, from the log’s public key up; \
                             your go command proves it once more."
                        }
                    }
                }
            }
        }
    }
}

/// A table called `label` with these columns, each with whether it holds numbers, and these rows. A narrow window scrolls it.
pub(super) fn table(label: &str, columns: &[(&str, bool)], rows: &Markup) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(label) {
            table {
                thead { tr {
                    @for (column, is_number) in columns { th.n[*is_number] scope="col" { (column) } }
                } }
                tbody { (rows) }
            }
        }
    }
}

/// A link to the next page of a list, if there is one; `before` is the URL up to the cursor's value.
pub(super) fn more(before: &str, next: Option<&String>) -> Markup {
    html! {
        @if let Some(next) = next {
            p.more { a href={ (before) (crate::server::http::query::encode(next)) } rel="next" { "Next page" } }
        }
    }
}
