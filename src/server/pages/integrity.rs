//! The verifications of what is stored: whether all is well, when each part was last proven, what is open, and the runs over time.

use std::fmt::Write as _;

use maud::{Markup, PreEscaped, html};

use super::Site;
use super::layout::{self, Place};
use super::text::{age, count, name, time};
use crate::server::api::integrity::{IntegrityView, OpenFindingView, PartView, RunView};

/// Runs that the chart and the table show.
const CHARTED: usize = 60;
const LISTED: usize = 20;
/// The width of a column with the gap behind it, and the height of the chart.
const STEP: u64 = 8;
const HEIGHT: u64 = 40;

/// The page.
pub(crate) fn page(site: Site<'_>, found: &IntegrityView) -> Markup {
    let content = html! {
        p.state { (state(found)) }
        h1 { "Integrity" }
        p.lead {
            "All that is stored is verified again from its bytes: the log up to its signed root, the index, and every module file."
            @if let Some(at) = &found.at { " This server does so every day at " (at) " UTC." }
        }
        @if let Some(broken) = &found.record.broken {
            p.problem role="status" { "The record of verifications cannot be trusted: " (name(broken)) }
        }
        @if found.runs.is_empty() {
            p.empty { "No run is recorded yet. " code { "gosumcheck verify --record" } " records one." }
        } @else {
            h2 { "Runs" }
            (chart(&found.runs))
            h2 { "Last proven" }
            (parts(&found.parts))
            h2 { "Open findings" }
            (open(site, found))
            h2 { "Last runs" }
            (runs(&found.runs))
            h2 { "The record" }
            (record(found))
        }
    };
    layout::page(site, Place::Integrity, "Integrity", "", &content)
}

fn state(found: &IntegrityView) -> Markup {
    let (class, words) = match found.state {
        "in-order" => ("pill", "in order"),
        "findings" => ("pill bad", "findings"),
        "misbehaved" => ("pill bad", "the log misbehaved"),
        "never" => ("pill wait", "never verified"),
        _ => ("pill wait", "could not tell"),
    };
    let last = found.runs.first().and_then(|run| run.began.as_ref());
    html! {
        span class=(class) { (words) }
        @if let Some(began) = last { span.sub { "last run " (time(began)) } }
    }
}

/// A column for each run, the newest on the right: full height where everything was covered, half where a part was; red where something
/// was found. What it shows is also said in words.
fn chart(runs: &[RunView]) -> Markup {
    let shown: Vec<&RunView> = runs.iter().take(CHARTED).rev().collect();
    let count_of = |is: fn(&RunView) -> bool| shown.iter().filter(|run| is(run)).count();
    let (full, clean) = (count_of(|run| run.full), count_of(|run| run.exit_code == 0));
    let words = format!("last {} runs: {clean} in order, {full} covered everything", shown.len());
    let mut bars = String::new();
    let free = u64::try_from(CHARTED.saturating_sub(shown.len())).unwrap_or(0);
    for (run, at) in shown.iter().zip(free..) {
        let height = if run.full { HEIGHT } else { HEIGHT / 2 };
        let class = if run.exit_code == 0 { "ok" } else { "fail" };
        let (x, y, width) = (at * STEP, HEIGHT - height, STEP - 2);
        // To a String: cannot fail.
        _ = write!(bars, "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>");
    }
    let width = u64::try_from(CHARTED).unwrap_or(0) * STEP;
    html! {
        svg.chart viewBox={ "0 0 " (width) " " (HEIGHT + 1) } preserveAspectRatio="none" role="img" aria-label=(words) {
            title { (words) }
            (PreEscaped(bars))
            rect.base x="0" y=(HEIGHT) width=(width) height="1" {}
        }
        span.sub { (words) }
    }
}

fn parts(parts: &[PartView]) -> Markup {
    let when = |at: &Option<String>| html! { @match at { Some(at) => (time(at)), None => "never" } };
    let rows = html! {
        @for part in parts {
            tr { td { (name(&part.database)) } td data-label="Part" { (part.part) } td data-label="All of it" { (when(&part.all)) } td data-label="What was new" { (when(&part.new)) } }
        }
    };
    let columns = [("Database", false), ("Part", false), ("All of it", false), ("What was new", false)];
    layout::table("When each part was last found to be in order", &columns, &rows)
}

fn open(site: Site<'_>, found: &IntegrityView) -> Markup {
    html! {
        @if found.open.is_empty() && found.more == 0 {
            p.empty { "None." }
        } @else {
            ol.incidents { @for finding in &found.open { li.incident { (one(site, finding)) } } }
            @if found.more > 0 { p { "... and " (count(found.more)) " more: " code { "gosumcheck verify" } " lists them." } }
        }
    }
}

fn one(site: Site<'_>, finding: &OpenFindingView) -> Markup {
    let OpenFindingView { database, kind, diagnosis, of, what } = finding;
    html! {
        p.what {
            (name(kind))
            @match of {
                Some(module) if module.contains('@') => {
                    " · " a href=(site.module(&crate::server::http::query::encode(module))) { (name(module)) }
                }
                Some(file) => { " · " (name(file)) },
                None => {}
            }
        }
        dl {
            dt { "Database" } dd { (name(database)) }
            dt { "Behind it" } dd { (name(diagnosis)) }
            @if let Some(what) = what { dt { "Found" } dd.got { (name(what)) } }
        }
    }
}

fn runs(runs: &[RunView]) -> Markup {
    let rows = html! {
        @for run in runs.iter().take(LISTED) {
            tr {
                td.at { @if let Some(began) = &run.began { (time(began)) } }
                td { (name(&run.database)) }
                td data-label="Covered" { @if run.full { "everything" } @else { "what was new" } }
                td.n data-label="Records" { (count(run.records)) }
                td.n data-label="Module files" { (count(run.module_files)) }
                td.n data-label="Took" { (age(run.seconds)) }
                td.n data-label="Findings" { (count(run.findings)) }
                td.n data-label="Repairs" { (count(run.repairs)) }
                td data-label="Outcome" { @match run.exit_code { 0 => "in order", 1 => "findings", 3 => "the log misbehaved", _ => "could not tell" } }
            }
        }
    };
    let columns = [
        ("Began", false),
        ("Database", false),
        ("Covered", false),
        ("Records", true),
        ("Module files", true),
        ("Took", true),
        ("Findings", true),
        ("Repairs", true),
        ("Outcome", false),
    ];
    layout::table("The last verifications", &columns, &rows)
}

fn record(found: &IntegrityView) -> Markup {
    html! {
        p {
            (count(found.record.entries)) " entries, each with the hash of the one before it."
            @if let Some(hash) = &found.record.last_hash {
                " Keep the hash of the last one elsewhere, and none of them can be changed unnoticed:" br;
                span.hash { (hash) }
            }
        }
    }
}
