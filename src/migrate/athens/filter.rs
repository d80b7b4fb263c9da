//! The filter file of an Athens (pkg/module/filter.go): lines `+`, `-` or `D` with a path and versions. The rule of the longest path
//! decides, which is the first one here.

use crate::migrate::draft::Draft;

/// One line.
struct Filter<'a> {
    sign: &'a str,
    path: &'a str,
    versions: Option<String>,
    line: usize,
}

pub(super) fn read(draft: &mut Draft, text: &str, file: &str) {
    let (mut filters, mut is_closed) = (Vec::new(), false);
    for (number, line) in text.lines().enumerate() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let line = number + 1;
        let (sign, path, versions) = match words.as_slice() {
            [] => continue,
            [first, ..] if first.starts_with('#') => continue,
            [sign] => (*sign, "", None),
            [sign, path] => (*sign, *path, None),
            [sign, path, versions] => (*sign, *path, Some(*versions)),
            _ => {
                draft.without(format!("{file}:{line}: more than three words; Athens refuses such a file"));
                continue;
            }
        };
        match (sign, path, versions.map(ranges)) {
            ("-", "", _) => is_closed = true,
            ("+", "", _) => is_closed = false,
            ("D", "", _) => {
                draft.without(format!("{file}:{line}: D: clients are not sent elsewhere; all is proven and stored"))
            }
            ("+" | "-" | "D", _, Some(None)) => {
                draft.without(format!("{file}:{line}: {} is not a version that Athens understands", words.join(" ")));
            }
            ("+" | "-" | "D", path, versions) => {
                filters.push(Filter { sign, path: path.trim_matches('/'), versions: versions.flatten(), line });
            }
            _ => draft.without(format!("{file}:{line}: begins with none of +, - and D; Athens refuses such a file")),
        }
    }
    // Of two lines about one path the later one counts.
    filters.reverse();
    filters.sort_by_key(|filter| std::cmp::Reverse(filter.path.split('/').count()));
    let before = filters.len();
    filters.dedup_by(|later, first| later.path == first.path);
    if filters.len() < before {
        draft.without(format!("{file}: where several lines are about one path, the last one counts, as in Athens"));
    }
    for Filter { sign, path, versions, line } in filters {
        let versions = versions.map_or_else(String::new, |versions| format!(" {versions}"));
        match sign {
            "-" => draft.rule(format!("deny {path}{versions} \"not served here\"")),
            "+" => draft.rule(format!("allow {path}{versions}")),
            _ => {
                draft.rule(format!("allow {path}{versions}"));
                draft.without(format!(
                    "{file}:{line}: D {path}: clients are not sent elsewhere; all is proven and stored"
                ));
            }
        }
    }
    if is_closed {
        draft.rule("deny * \"not on our list\"".to_owned());
    }
}

/// Versions of Athens as bounds; none where one is not understood.
fn ranges(versions: &str) -> Option<String> {
    let each: Option<Vec<String>> = versions.split(',').map(range).collect();
    each.map(|ranges| ranges.join(" || "))
}

/// `v1`, `v1.2`, `v1.2.3`, with `~`, `^` or `<` before it; Athens's `<` includes the version itself.
fn range(version: &str) -> Option<String> {
    let version = version.trim_end_matches('*').trim_end_matches('.');
    let (sign, rest) = match version.strip_prefix(['~', '^', '<']) {
        Some(rest) => (version.get(..1)?, rest),
        None => ("", version),
    };
    let numbers: Vec<u64> = rest.strip_prefix('v')?.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    Some(match (sign, numbers.as_slice()) {
        ("", [major]) => format!(">=v{major}.0.0-0 <v{}.0.0-0", major + 1),
        ("", [major, minor]) => format!(">=v{major}.{minor}.0-0 <v{major}.{}.0-0", minor + 1),
        ("", [_, _, _]) => format!("={rest}"),
        ("~", [major, minor, _]) => format!(">={rest} <v{major}.{}.0-0", minor + 1),
        ("^", [major, _, _]) => format!(">={rest} <v{}.0.0-0", major + 1),
        ("<", [_, _, _]) => format!("<={rest}"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_bounds() {
        for (versions, expected) in [
            ("v1", Some(">=v1.0.0-0 <v2.0.0-0")),
            ("v1.2.*", Some(">=v1.2.0-0 <v1.3.0-0")),
            ("v1.2.3", Some("=v1.2.3")),
            ("~v1.2.3,^v2.0.0", Some(">=v1.2.3 <v1.3.0-0 || >=v2.0.0 <v3.0.0-0")),
            ("<v1.2.3", Some("<=v1.2.3")),
            ("1.2.3", None),
            ("~v1.2", None),
            ("v1.x", None),
        ] {
            assert_eq!(ranges(versions).as_deref(), expected, "{versions}");
        }
    }
}
