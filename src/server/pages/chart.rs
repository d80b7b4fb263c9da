//! A small chart of an upstream's last hours as inline SVG: a column for each part of the time, as high as the requests in it were many,
//! failures in red, times in which it was left alone shaded.

use std::fmt::Write as _;

use maud::{Markup, PreEscaped, html};

use super::text::{age, count};
use crate::server::api::upstreams::{ColumnView, UpstreamView};

/// The width of a column with the gap behind it, the height of the chart, and that of a column that is not empty at least.
const STEP: u64 = 4;
const HEIGHT: u64 = 40;
const LEAST: u64 = 3;

/// The chart. What it shows is also said in words.
pub(super) fn chart(upstream: &UpstreamView) -> Markup {
    let columns = &upstream.history;
    let total = |of: fn(&ColumnView) -> u64| columns.iter().map(of).fold(0, u64::saturating_add);
    let most = columns.iter().map(|column| column.requests).max().unwrap_or(0).max(1);
    let number = u64::try_from(columns.len()).unwrap_or(0);
    let span = age(upstream.column_seconds.saturating_mul(number));
    let words = format!(
        "last {span}: {} requests, {} failed",
        count(total(|column| column.requests)),
        count(total(|column| column.failures))
    );
    let mut bars = String::new();
    for (column, at) in columns.iter().zip(0_u64..) {
        let x = at * STEP;
        let mut bar = |class, y: u64, height: u64| {
            // To a String: cannot fail.
            let width = STEP - 1;
            _ = write!(bars, "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>");
        };
        if column.out {
            bar("out", 0, HEIGHT);
        }
        let scale = |part: u64| if part == 0 { 0 } else { (part.saturating_mul(HEIGHT) / most).max(LEAST) };
        let (all, failed) = (scale(column.requests), scale(column.failures.min(column.requests)));
        if all > 0 {
            bar("ok", HEIGHT - all, all);
        }
        if failed > 0 {
            bar("fail", HEIGHT - failed, failed);
        }
    }
    let width = number * STEP;
    html! {
        svg.chart viewBox={ "0 0 " (width) " " (HEIGHT + 1) } preserveAspectRatio="none" role="img" aria-label=(words) {
            title { (words) }
            (PreEscaped(bars))
            rect.base x="0" y=(HEIGHT) width=(width) height="1" {}
        }
        span.sub { (words) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_high_as_requests_are_many() {
        let column = |requests, failures, out| ColumnView { requests, failures, mean_seconds: None, out };
        let upstream = UpstreamView {
            name: String::new(),
            serves: String::new(),
            breaker: "closed",
            requests: 0,
            failures: None,
            bytes: None,
            mean_seconds: None,
            column_seconds: 60,
            history: vec![column(0, 0, true), column(100, 50, false), column(1, 0, false), column(u64::MAX, 0, false)],
        };
        let drawn = chart(&upstream).into_string();
        assert_eq!(
            (drawn.matches("class=\"out\"").count(), drawn.matches("class=\"fail\"").count()),
            (1, 1),
            "{drawn}"
        );
        assert_eq!(drawn.matches("class=\"ok\"").count(), 3, "{drawn}");
        assert!(drawn.contains("last 4 min:") && drawn.contains("50 failed"), "{drawn}");
    }
}
