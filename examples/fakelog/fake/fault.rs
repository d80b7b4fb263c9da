//! Which answers are spoilt, and how. A fault is written as one word of the command line:
//!
//! ```text
//! KIND[:ARGUMENT...][:PATH][,times=N][,after=N]
//! ```
//!
//! PATH names the requests that it strikes (`lookup/...`, `tile/8/0/005`), without first slash; a final `*` makes it a
//! prefix; none means all that the kind can strike. `times` heals it after N strikes, `after` lets N requests pass first.
//!
//! | fault | what comes |
//! |---|---|
//! | `flip:PATH[:BYTE[:BIT]]` | the true answer with one bit flipped (default: bit 0 of the middle byte) |
//! | `wrong-record[:PATH]` | a lookup answered with another module's record, itself genuine |
//! | `wrong-id[:PATH]` | the right record under another record's number |
//! | `forged[:PATH]` | a record with other hashes than the log's |
//! | `extra-lines[:PATH]` | the record with forged lines added |
//! | `note-lines[:PATH]` | another module's genuine record; the asked module's lines, forged, in the signed note (CVE-2026-56864) |
//! | `absent-line[:PATH]` | the record without the line of the zip (CVE-2026-42501) |
//! | `slow:MS[:PATH]` | the true answer after MS milliseconds |
//! | `status:CODE[:PATH]` | an HTTP status; with `,retry-after=SECONDS` that header |
//! | `truncated[:PATH]` | half of the body, under a Content-Length of all of it |
//! | `too-long[:PATH]` | the body and 32 bytes more |
//! | `too-wide[:PATH]` | a tile with one hash or record more than was asked for; a lookup or head twice |
//! | `other[:PATH]` | the true answer to another question of its kind: the tile beside it, another record; for a head, a tile |
//! | `rewritten[:PATH]` | the answer as the second history has it, which `fork` made; other answers are not changed |
//! | `stalled[:PATH]` | half of the body, and then nothing more |
//! | `redirect[:PATH]` | a redirect to a plain http server that is not there |
//! | `endless[:PATH]` | a body that does not end |
//! | `reset[:PATH]` | the connection is reset |
//! | `stale:SIZE` | every head is that of the tree of SIZE records |
//! | `unsigned`, `wrong-key`, `unknown-key` | heads without signature, with one that fails, with a stranger's only |
//! | `fork:AT` | from record AT on another history, signed by the same key; shown at once, or with `,after=N` |

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How an answer is spoilt; the table is at the top of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the table at the top says what each is")]
pub enum Kind {
    Flip { byte: Option<usize>, bit: u8 },
    WrongRecord,
    WrongId,
    Forged,
    ExtraLines,
    NoteLines,
    AbsentLine,
    Slow { milliseconds: u64 },
    Status { code: u16, retry_after: Option<u32> },
    Truncated,
    TooLong,
    TooWide,
    Other,
    Rewritten,
    Stalled,
    Redirect,
    Endless,
    Reset,
    Stale { size: u64 },
    Unsigned,
    WrongKey,
    UnknownKey,
    Fork { at: u64 },
}

/// A kind, the requests that it strikes, and how often it has.
#[derive(Clone, Debug)]
pub struct Fault {
    /// what happens
    pub kind: Kind,
    path: String,
    prefix: bool,
    times: u64,
    after: u64,
    seen: Arc<AtomicU64>,
}

impl Fault {
    /// Whether this fault strikes a request; counts the requests that it could strike.
    pub fn strikes(&self, path: &str) -> bool {
        let about = if self.prefix { path.starts_with(&self.path) } else { path == self.path };
        if !about {
            return false;
        }
        let seen = self.seen.fetch_add(1, Ordering::Relaxed);
        seen >= self.after && seen - self.after < self.times
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Fault, String> {
        let (spec, options) = text.split_once(',').map_or((text, ""), |(spec, options)| (spec, options));
        let mut fault = Fault {
            kind: Kind::Reset,
            path: String::new(),
            prefix: true,
            times: u64::MAX,
            after: 0,
            seen: Arc::default(),
        };
        let mut retry_after = None;
        for option in options.split(',').filter(|o| !o.is_empty()) {
            let (name, value) = option.split_once('=').ok_or_else(|| format!("{text}: {option} is not NAME=VALUE"))?;
            let value = number(text, Some(value))?;
            match name {
                "times" => fault.times = value,
                "after" => fault.after = value,
                "retry-after" => retry_after = u32::try_from(value).ok(),
                _ => return Err(format!("{text}: no option {name}; there are times, after and retry-after")),
            }
        }
        let mut words = spec.split(':');
        let name = words.next().unwrap_or_default();
        fault.kind = kind(text, name, &mut words, retry_after)?;
        if let Some(path) = words.next() {
            let path = path.trim_start_matches('/');
            fault.prefix = path.ends_with('*');
            fault.path = path.trim_end_matches('*').to_owned();
        }
        if let Kind::Flip { byte, bit } = &mut fault.kind {
            *byte = words.next().map(|b| number(text, Some(b)).map(|b| b as usize)).transpose()?;
            *bit = words.next().map(|b| number(text, Some(b)).map(|b| b as u8 % 8)).transpose()?.unwrap_or(0);
        }
        match words.next() {
            Some(word) => Err(format!("{text}: `{word}` is one word too many")),
            None => Ok(fault),
        }
    }
}

/// The kind of that name, with the arguments that it takes from `words`.
fn kind<'a>(
    text: &str,
    name: &str,
    words: &mut impl Iterator<Item = &'a str>,
    retry_after: Option<u32>,
) -> Result<Kind, String> {
    Ok(match name {
        "flip" => Kind::Flip { byte: None, bit: 0 },
        "wrong-record" => Kind::WrongRecord,
        "wrong-id" => Kind::WrongId,
        "forged" => Kind::Forged,
        "extra-lines" => Kind::ExtraLines,
        "note-lines" => Kind::NoteLines,
        "absent-line" => Kind::AbsentLine,
        "slow" => Kind::Slow { milliseconds: number(text, words.next())? },
        "status" => {
            let code = number(text, words.next())?;
            let code = u16::try_from(code).ok().filter(|c| (200..600).contains(c));
            Kind::Status { code: code.ok_or_else(|| format!("{text}: a status is 200 to 599"))?, retry_after }
        }
        "truncated" => Kind::Truncated,
        "too-long" => Kind::TooLong,
        "too-wide" => Kind::TooWide,
        "other" => Kind::Other,
        "rewritten" => Kind::Rewritten,
        "stalled" => Kind::Stalled,
        "redirect" => Kind::Redirect,
        "endless" => Kind::Endless,
        "reset" => Kind::Reset,
        "stale" => Kind::Stale { size: number(text, words.next())? },
        "unsigned" => Kind::Unsigned,
        "wrong-key" => Kind::WrongKey,
        "unknown-key" => Kind::UnknownKey,
        "fork" => Kind::Fork { at: number(text, words.next())? },
        _ => return Err(format!("no fault `{name}`")),
    })
}

fn number(text: &str, word: Option<&str>) -> Result<u64, String> {
    let word = word.ok_or_else(|| format!("{text}: a number is missing"))?;
    word.parse().map_err(|_| format!("{text}: `{word}` is not a number"))
}
