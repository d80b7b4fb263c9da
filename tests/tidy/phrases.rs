//! Phrases that a reader stumbles over, in comments, messages and documents: passive telling, `who` as a free relative, `is no`. And
//! code that reads prose: why something failed is a type.

use super::Fault;

/// Each phrase with what to write in its place. A phrase is cut by `|`, so that this file has none of them.
const PHRASES: &[(&str, &str)] = &[
    ("told| of", "name what is reported: `X is reported`"),
    ("for want| of", "because X is missing"),
    ("who|ever", "name the person or the program: `the caller`, `a reader`"),
    ("who| only", "name the person or the program"),
    ("lets| go of", "drops"),
    ("let| go of", "drop"),
    ("out|do", "override"),
    ("out|does", "overrides"),
    ("out|did", "overrode"),
    ("as far| as", "say which part, or `if`"),
    ("so many| bytes", "this many bytes, at most N bytes"),
    ("how often| what happened", "event counters"),
    ("come| upon", "found"),
    ("none| of ours", "unknown"),
    ("none| of its business", "exempt"),
    ("strangers| may take", "client timeouts"),
    ("strangers| are granted", "limits for clients"),
    ("not| for strangers", "private"),
    ("no such version| can be", "invalid version"),
    ("page| for browsers", "HTML page"),
    ("has left| the store", "is missing"),
    ("that have| left", "that are gone"),
    ("how to tell| what", "output format"),
    ("tell| of", "show, report"),
    ("tells| of", "shows, reports"),
    ("nobody would be| asked so", "this entry would never be used"),
];

/// Code of `src/` that looks for words in a text, with what to do instead; cut by `|` too.
const READS_PROSE: &[(&str, &str)] = &[
    ("contains(\"timed| out", "a cause is a type: match it"),
    ("contains(\":|//", "split the URL where it is read, and keep what it is"),
];

/// Verbs before ` no` and a noun, which read better as `is not a`.
const VERBS: [&str; 4] = ["is", "are", "was", "were"];

/// Words after `is no` that make it plain English.
const PLAIN: [&str; 7] = ["longer", "more", "less", "better", "worse", "fewer", "later"];

/// Every phrase in the text, also where a line break is in it.
pub(crate) fn check(path: &str, text: &str) -> Vec<Fault> {
    let (joined, starts) = join(text);
    let line_of = |at: usize| starts.partition_point(|start| *start <= at);
    let mut faults = Vec::new();
    for (phrase, instead) in PHRASES {
        let phrase = phrase.replace('|', "");
        for at in words_at(&joined, &phrase) {
            let why = format!("\"{phrase}\" makes a reader stumble: {instead}");
            faults.push(Fault { path: path.to_owned(), line: line_of(at), why });
        }
    }
    for verb in VERBS {
        let phrase = format!("{verb} no");
        for at in words_at(&joined, &phrase).filter(|at| !is_plain(&joined, *at, phrase.len())) {
            let why = format!("\"{phrase} X\" makes a reader stumble: \"{verb} not a X\"");
            faults.push(Fault { path: path.to_owned(), line: line_of(at), why });
        }
    }
    let code = READS_PROSE.iter().filter(|_| path.starts_with("src/")).map(|(code, why)| (code.replace('|', ""), why));
    for (code, why) in code {
        let lines = text.lines().enumerate().filter(|(_, line)| line.contains(&code));
        faults.extend(lines.map(|(n, _)| Fault { path: path.to_owned(), line: n + 1, why: (*why).to_owned() }));
    }
    faults
}

/// Whether `is no` follows `there`, or no noun follows it.
fn is_plain(text: &str, at: usize, len: usize) -> bool {
    let before = text[..at].trim_end().rsplit(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    let after = text[at + len..].strip_prefix(' ').unwrap_or_default();
    let noun: String = after.chars().take_while(char::is_ascii_alphabetic).collect();
    before == "there" || noun.is_empty() || PLAIN.contains(&noun.as_str())
}

/// Where whole words of the text are that phrase.
fn words_at<'a>(text: &'a str, phrase: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_inside = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(phrase)
        .map(|(at, _)| at)
        .filter(move |at| !text[..*at].ends_with(is_inside) && !text[at + phrase.len()..].starts_with(is_inside))
}

/// The text in lower case as one line, without what marks comments, quotes and strings that go on; and where each line begins.
fn join(text: &str) -> (String, Vec<usize>) {
    let mut joined = String::with_capacity(text.len());
    let mut starts = Vec::new();
    for line in text.lines() {
        starts.push(joined.len());
        let line = line.trim().trim_start_matches(['/', '!', '#', '>', '*']).trim_start();
        joined.push_str(&line.trim_end_matches('\\').trim_end().to_ascii_lowercase());
        joined.push(' ');
    }
    (joined, starts)
}

#[test]
fn phrases_are_caught_where_they_stand() {
    let lines = |text: &str| check("x", text).iter().map(|f| f.line).collect::<Vec<_>>();
    for (phrase, _) in PHRASES {
        let phrase = phrase.replace('|', "");
        assert_eq!(lines(&format!("//! First.\n/// Here {phrase}.\n")), [2], "{phrase}");
        assert_eq!(lines(&format!("x_{phrase}\n{phrase}s {phrase}_x\n")), [0; 0], "{phrase}");
        if let Some((start, end)) = phrase.split_once(' ') {
            assert_eq!(lines(&format!("    // Here {start}\n    // {end}.\n")), [1], "{phrase}");
            assert_eq!(lines(&format!("\"{start} \\\n    {end}\"")), [1], "{phrase}");
        }
    }
    for text in ["\"it is| no file\"", "they are| no hashes", "that was|\n/// no hash", "These Were| no More files"] {
        let plain = text.contains("More");
        assert_eq!(lines(&text.replace('|', "")), vec![1; usize::from(!plain)], "{text}");
    }
    for text in [
        "there is no file",
        "so that there\n// {are} no files",
        "is no longer",
        "is no `x`",
        "is not a file",
        "this no",
    ] {
        assert_eq!(lines(&text.replace("{are}", "are")), [0; 0], "{text}");
    }
}

#[test]
fn code_that_reads_prose_is_caught() {
    for (code, _) in READS_PROSE {
        let text = format!("//! First.\nif error.{} {{\n", code.replace('|', ""));
        let lines = |path| check(path, &text).iter().map(|fault| fault.line).collect::<Vec<_>>();
        assert_eq!((lines("src/x.rs"), lines("tests/x.rs")), (vec![2], vec![]), "{code}");
    }
}
