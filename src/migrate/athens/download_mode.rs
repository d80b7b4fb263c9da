//! What an Athens does about a module that it does not have: one word, or an HCL file with a word for each pattern
//! (pkg/download/mode/mode.go).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::migrate::TheirSettings;
use crate::migrate::draft::{Draft, text};

/// One block of the file.
#[derive(Debug, Default, PartialEq, Eq)]
struct Block {
    pattern: String,
    mode: String,
    url: String,
}

/// Reads the mode, which what `of` says; `url` is DownloadURL.
pub(super) fn read(draft: &mut Draft, mode: Option<(String, String)>, url: Option<String>, given: &TheirSettings<'_>) {
    let Some((mode, of)) = mode else { return };
    let file = match (mode.strip_prefix("file:"), mode.strip_prefix("custom:")) {
        (Some(path), _) => (given.read)(path),
        (_, Some(encoded)) => {
            let bytes = STANDARD.decode(encoded).map_err(|error| error.to_string());
            bytes.and_then(|bytes| String::from_utf8(bytes).map_err(|error| error.to_string()))
        }
        _ => return default(draft, &mode, url.as_deref(), &of),
    };
    let read = file.and_then(|file| blocks(&file));
    let (first, others) = match read {
        Ok(read) => read,
        Err(why) => return draft.without(format!("{of}: the download mode file cannot be read: {why}")),
    };
    let first_url = if first.url.is_empty() { url } else { Some(first.url) };
    default(draft, &first.mode, first_url.as_deref(), "mode of the download mode file");
    let mut rules = Vec::new();
    for Block { pattern, mode, url } in others {
        let url = if url.is_empty() { first_url.clone().unwrap_or_default() } else { url };
        match mode.as_str() {
            "none" => rules.push(format!("deny {pattern} \"not served here\"")),
            "redirect" | "async_redirect" if !url.is_empty() => {
                rules.push(format!("route public {pattern} = {url}"));
                draft.without(format!("download {pattern:?}, mode {mode}: clients are not sent to {url}; it is asked, and what it sends is proven and stored"));
            }
            "sync" => rules.push(format!("allow {pattern}")),
            mode => {
                rules.push(format!("allow {pattern}"));
                draft.without(format!(
                    "download {pattern:?}, mode {mode}: a client waits for what is fetched, as with sync"
                ));
            }
        }
    }
    if draft.rules().is_none() {
        rules.into_iter().for_each(|rule| draft.rule(rule));
    } else if !rules.is_empty() {
        // The first rule that matches decides, and what the filter refuses must not be served because of these.
        let what = "put these rules of the download mode file among the others: Athens looks at it only for what the filter lets through";
        draft.todo(what, &rules);
    }
}

/// What holds for all modules.
fn default(draft: &mut Draft, mode: &str, url: Option<&str>, of: &str) {
    match mode {
        "sync" => {}
        "none" => draft.set("offline", "true".to_owned(), format!("{of}: only what is stored is served")),
        "redirect" | "async_redirect" => {
            if let Some(url) = url {
                draft.set("proxy", text(url), format!("{of}, with its URL"));
            }
            draft.without(format!("{of}: clients are not sent elsewhere; what is fetched is proven and stored"));
        }
        _ => draft.without(format!("{of}: a client waits for what is fetched, as with sync")),
    }
}

/// The settings for all, and those of each block, in order: `key = "value"` and `download "pattern" { ... }`.
fn blocks(text: &str) -> Result<(Block, Vec<Block>), String> {
    let (mut first, mut others, mut open) = (Block::default(), Vec::new(), None::<Block>);
    for (number, line) in text.lines().enumerate() {
        let line = line.split(" //").next().unwrap_or_default().trim();
        let bad = || format!("line {}: {line:?} is not understood", number + 1);
        if line.is_empty() || line.starts_with('#') || line.starts_with("//") {
            continue;
        }
        if line == "}" {
            others.push(open.take().ok_or_else(bad)?);
        } else if let Some(rest) = line.strip_prefix("download ") {
            let pattern =
                rest.trim().strip_suffix('{').map(|pattern| pattern.trim().trim_matches('"')).ok_or_else(bad)?;
            if open.is_some() {
                return Err(bad());
            }
            open = Some(Block { pattern: pattern.to_owned(), ..Block::default() });
        } else {
            let (key, value) = line.split_once('=').ok_or_else(bad)?;
            let value = value.trim().trim_matches('"').to_owned();
            let block = open.as_mut().unwrap_or(&mut first);
            match key.trim() {
                "mode" => block.mode = value,
                "downloadURL" => block.url = value,
                _ => return Err(bad()),
            }
        }
    }
    match open {
        None => Ok((first, others)),
        Some(block) => Err(format!("the block of {:?} is not closed", block.pattern)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_understood_is_said() {
        for (text, why) in [
            ("download \"a\" {\n", "not closed"),
            ("}\n", "line 1"),
            ("mode: sync\n", "line 1"),
            ("mode = \"sync\"\ndownload \"a\" {\nother = 1\n}\n", "line 3"),
        ] {
            assert!(blocks(text).is_err_and(|said| said.contains(why)), "{text}");
        }
    }
}
