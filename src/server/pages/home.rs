//! The first page: is it well, what does it hold, whom does it ask, what did it refuse, and how is it used.

use maud::{Markup, PreEscaped, html};

use super::chart::chart;
use super::layout::{self, Place};
use super::text::{age, count, millis, name, percent, size, time};
use super::{Site, incidents};
use crate::server::api::incidents::IncidentsView;
use crate::server::api::status::{DatabaseView, ServerView, StoreView};
use crate::server::api::upstreams::{UpstreamView, UpstreamsView};

/// A Merkle tree of eight leaves: the way from one leaf to the root, and the hashes beside it that prove the leaf.
const TREE: &str = include_str!("tree.svg");

/// What is on the page.
pub(crate) struct HomePage<'a> {
    pub(crate) server: &'a ServerView,
    pub(crate) upstreams: &'a UpstreamsView,
    /// the newest; none where this server serves no modules
    pub(crate) incidents: Option<&'a IncidentsView>,
    /// commands that point `go` at this server
    pub(crate) settings: &'a [String],
}

/// The page.
pub(crate) fn home(site: Site<'_>, page: &HomePage<'_>) -> Markup {
    let HomePage { server, upstreams, incidents, settings } = page;
    let content = html! {
        div.hero {
            div {
                (state(server))
                h1 { "Go modules, proven before they are served" }
                p.lead {
                    "Every module here was held against the checksum database, record by record, from the log’s public key up. \
                     What does not match is refused, whichever mirror sent it."
                }
            }
            (PreEscaped(TREE))
        }
        @for problem in server.problems.iter().chain(&server.warnings) { p.problem role="status" { (name(problem)) } }
        (figures(server))
        h2 { "Use it" }
        pre role="region" tabindex="0" aria-label="Settings for go" { code { @for line in *settings { (line) "\n" } } }
        h2 { "Upstreams" }
        (upstream_table(upstreams))
        @if let Some(found) = incidents {
            h2 { "Last refusals" }
            (incidents::list(site, found))
            @if found.next.is_some() { p.more { a href=(site.at("/incidents")) { "All incidents" } } }
        }
    };
    layout::page(site, Place::Overview, "Overview", "", &content)
}

fn state(server: &ServerView) -> Markup {
    html! {
        p.state {
            @if !server.ready { span.pill.bad { "not ready" } }
            @else if !server.warnings.is_empty() { span.pill.wait { "ready, with warnings" } }
            @else { span.pill { "ready" } }
            span.sub { "up for " (age(server.uptime_seconds)) }
        }
    }
}

fn figures(server: &ServerView) -> Markup {
    html! {
        dl.grid {
            @for database in &server.databases { (database_cards(database)) }
            @if let Some(store) = &server.modules { (store_cards(store)) }
        }
    }
}

fn card(title: &str, figure: &str, note: &Markup) -> Markup {
    html! { div.card { dt { (title) } dd { span.figure { (figure) } span.note { (note) } } } }
}

fn database_cards(database: &DatabaseView) -> Markup {
    let shown = name(&database.name);
    html! {
        @match &database.head {
            Some(head) => (card("Head", &count(head.size), &html! {
                "records of " (shown) br; "newest for " (age(head.age_seconds)) br; span.hash { (head.root) }
            })),
            None => (card("Head", "none yet", &html! { "no signed head of " (shown) " was proven" })),
        }
        @if database.forks > 0 {
            (card("Forks", &database.forks.to_string(), &html! { "the log signed two histories: a person must look" }))
        }
        @if let Some(mirror) = &database.mirror {
            @let figure = if mirror.lag == 0 { "complete".to_owned() } else { format!("{} behind", count(mirror.lag)) };
            (card("Full copy", &figure, &html! {
                (count(mirror.size)) " records in " (size(mirror.bytes))
                @if let Some(at) = &mirror.last_sync { br; "synced " (time(at)) }
            }))
        }
    }
}

fn store_cards(store: &StoreView) -> Markup {
    let refused = store.refusals.iter().fold(0_u64, |sum, refusal| sum.saturating_add(refusal.count));
    html! {
        (card("Module store", &store.bytes.map_or_else(|| "–".to_owned(), size), &html! {
            @if store.bytes.is_none() { "not measured yet" br; }
            @match (store.limit, store.disk_free) {
                (Some(limit), _) => { "of at most " (size(limit)) }
                (None, Some(free)) => { (size(free)) " free on its disk" }
                (None, None) => { "" }
            }
            @if let Some(at) = &store.scrub.last_pass { br; "all hashed again since " (time(at)) }
        }))
        (card("Served from here", &store.hit_ratio.map_or_else(|| "–".to_owned(), percent), &html! {
            (count(store.hits)) " hits, " (count(store.fetched)) " fetched and proven"
        }))
        (card("Wrong bytes refused", &count(store.mismatches), &html! { (count(refused)) (if refused == 1 { " request" } else { " requests" }) " answered with 403" }))
    }
}

fn upstream_table(found: &UpstreamsView) -> Markup {
    html! {
        @if found.upstreams.is_empty() {
            p.empty { "Nobody is asked: all that is served is held here." }
        } @else {
            (layout::table(
                "Upstreams",
                &[("Upstream", false), ("State", false), ("Mean time", true), ("Requests", false)],
                &html! { @for upstream in &found.upstreams { (upstream_row(upstream)) } },
            ))
        }
    }
}

fn upstream_row(upstream: &UpstreamView) -> Markup {
    let serves =
        if upstream.serves == "modules" { "modules".to_owned() } else { format!("source of {}", upstream.serves) };
    html! {
        tr {
            td.path { (name(&upstream.name)) span.sub { (name(&serves)) } }
            td data-label="State" {
                @match upstream.breaker {
                    "closed" => { span.pill { "asked" } }
                    "half_open" => { span.pill.wait { "tried again" } }
                    _ => { span.pill.bad { "left alone" } }
                }
            }
            td.n data-label="Mean time" { (upstream.mean_seconds.map_or_else(|| "–".to_owned(), millis)) }
            td { (chart(upstream)) }
        }
    }
}
