//! The log of a server: to standard error, as text or JSON. What a stranger says is in it, so no character of a line can move, reorder or
//! hide what a terminal shows of it.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write};
use std::sync::Arc;

use tracing_subscriber::EnvFilter;

use super::reload::{Change, Part};
use crate::config::settings::{LogFormat, Settings, rows};
use crate::sumdb::printable::is_invisible;

/// What is logged besides ourselves: only what its authors found alarming.
const OTHERS: &str = "warn";
/// Characters of a record at most; the longest that we write ourselves, the evidence of a fork, has some thousand.
const MAX_RECORD: usize = 64 << 10;

/// Sets the level of what is logged.
pub(super) type SetLevel = Arc<dyn Fn(&str) + Send + Sync>;

/// Logs go to standard error. Returns what sets another level.
pub(super) fn start(settings: &Settings) -> SetLevel {
    let filter = |level: &str| EnvFilter::new(format!("{OTHERS},gosumcheck={level},access=info"));
    let logs = tracing_subscriber::fmt().with_env_filter(filter(settings.log_level));
    // A second subscriber is refused, and the first goes on: there is none in this process. A filter can be replaced while there
    // is a subscriber.
    match settings.log_format {
        LogFormat::Text => {
            let has_colours = io::stderr().is_terminal();
            let alphabet = if has_colours { Alphabet::Colours } else { Alphabet::Text };
            let logs = logs.with_writer(move || LogWriter(alphabet)).with_ansi(has_colours).with_filter_reloading();
            let handle = logs.reload_handle();
            let _ = logs.try_init();
            Arc::new(move |level| drop(handle.reload(filter(level))))
        }
        LogFormat::Json => {
            let logs =
                logs.with_writer(|| LogWriter(Alphabet::Json)).json().flatten_event(true).with_current_span(false);
            let logs = logs.with_filter_reloading();
            let handle = logs.reload_handle();
            let _ = logs.try_init();
            Arc::new(move |level| drop(handle.reload(filter(level))))
        }
    }
}

/// The level of what is logged as a part of a reload.
pub(super) fn level_part(set_level: SetLevel) -> Part {
    let prepare = move |old: &Settings, new: &Settings| {
        let (level, set_level) = (new.log_level, Arc::clone(&set_level));
        let change = || Change { what: format!("log.level {level}"), apply: Box::new(move || set_level(level)) };
        Ok((old.log_level != level).then(change))
    };
    Part { settings: vec![rows::log_level.name], prepare: Box::new(prepare) }
}

/// How a character is written that is not to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Alphabet {
    /// `\u{202e}`
    Text,
    /// the same, apart from colours, which the subscriber sets
    Colours,
    /// `\u202e`, as in a string of JSON
    Json,
}

/// Standard error, to which each record is written at once.
struct LogWriter(Alphabet);

impl Write for LogWriter {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        io::stderr().lock().write_all(self.0.shown(record).as_bytes())?;
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl Alphabet {
    /// A record as it is written. Line ends and tabs stay: evidence has them, and can be checked from a log.
    fn shown(self, record: &[u8]) -> Cow<'_, str> {
        let text = String::from_utf8_lossy(record);
        let is_plain = |byte: u8| matches!(byte, b' '..=b'~' | b'\n' | b'\t');
        if text.len() <= MAX_RECORD && text.bytes().all(is_plain) {
            return text;
        }
        let mut shown = String::with_capacity(text.len().min(MAX_RECORD));
        let mut rest = text.chars();
        for character in rest.by_ref().take(MAX_RECORD) {
            match character {
                '\n' | '\t' => shown.push(character),
                '\u{1b}' if self == Alphabet::Colours => shown.push(character),
                hidden if is_invisible(hidden) => self.escape(hidden, &mut shown),
                visible => shown.push(visible),
            }
        }
        if rest.next().is_some() {
            shown.push_str(" ...\n");
        }
        shown.into()
    }

    fn escape(self, hidden: char, shown: &mut String) {
        // Writing to a String cannot fail.
        match self {
            Alphabet::Text | Alphabet::Colours => _ = write!(shown, "\\u{{{:x}}}", u32::from(hidden)),
            Alphabet::Json => {
                hidden.encode_utf16(&mut [0; 2]).iter().for_each(|unit| _ = write!(shown, "\\u{unit:04x}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_record_reorders_or_hides_anything() {
        let record = "WARN a\u{202e}b\u{9b}31m\u{200b}\u{e0041}\u{1b}[2J\té日\n";
        let text = "WARN a\\u{202e}b\\u{9b}31m\\u{200b}\\u{e0041}\\u{1b}[2J\té日\n";
        assert_eq!(Alphabet::Text.shown(record.as_bytes()), text);
        assert_eq!(Alphabet::Colours.shown(record.as_bytes()), text.replace("\\u{1b}", "\u{1b}"));
        assert_eq!(Alphabet::Json.shown("\"a\u{202e}\u{e0041}\"\n".as_bytes()), "\"a\\u202e\\udb40\\udc41\"\n");
        assert_eq!(Alphabet::Text.shown(b"plain \\ \"text\"\n"), "plain \\ \"text\"\n");
        assert_eq!(Alphabet::Text.shown(b"\xff\n"), "\u{fffd}\n");
    }

    #[test]
    fn a_record_is_bounded() {
        let long = "x".repeat(2 * MAX_RECORD);
        let shown = Alphabet::Text.shown(long.as_bytes());
        assert!(shown.ends_with("x ...\n") && shown.len() < MAX_RECORD + 10);
    }
}
