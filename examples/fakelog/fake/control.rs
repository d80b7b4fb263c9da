//! Changing a served database from outside, by POST:
//!
//! | path | what changes |
//! |---|---|
//! | `/grow?to=N` | the newest head is that of the first N records |
//! | `/fork?at=N` | from record N on another history is shown |
//! | `/fork` | the other history made before is shown, or one that begins in the middle |
//! | `/fork?off` | the first history is shown again |
//! | `/fault?add=FAULT` | answers are spoilt, as `fault` says |
//! | `/fault?clear` | answers are true again |
//!
//! The answer is the newest head, or nothing, or with status 400 what was wrong.

use super::answer::Answer;
use super::sumdb::FakeSumdb;

/// Does what the request says.
pub fn answer(database: &FakeSumdb, path: &str, query: &str) -> Answer {
    let (name, value) = query.split_once('=').unwrap_or((query, ""));
    let result = match (path, name) {
        ("/grow", "to") => record(database, value, 0).map(|size| database.grow(size)),
        ("/fork", "at") => record(database, value, 1).map(|at| database.fork(at)),
        ("/fork", "off") => {
            database.show_fork(false);
            Ok(())
        }
        ("/fork", "") => {
            if !database.has_fork() {
                database.prepare_fork(database.size() / 2);
            }
            database.show_fork(true);
            Ok(())
        }
        ("/fault", "clear") => {
            database.clear_faults();
            return Answer::text(200, "");
        }
        ("/fault", "add") => {
            let text = percent_decode(value);
            let added = text.as_deref().unwrap_or(value).parse().and_then(|fault| database.add_fault(fault));
            return added.map_or_else(|why: String| Answer::text(400, why + "\n"), |()| Answer::text(200, ""));
        }
        _ => return Answer::text(404, "POST /grow?to=N, /fork?at=N, /fork, /fork?off, /fault?add=F, /fault?clear\n"),
    };
    match result {
        Ok(()) => Answer::text(200, database.head(database.size())),
        Err(why) => Answer::text(400, why),
    }
}

/// The number, if there are that many records and `beyond` more.
fn record(database: &FakeSumdb, number: &str, beyond: u64) -> Result<u64, &'static str> {
    let number = number.parse().map_err(|_| "not a number\n")?;
    let end = u64::checked_add(number, beyond);
    end.filter(|end| database.can_grow(*end)).map(|_| number).ok_or("not so many records\n")
}

/// The text with `%XX` resolved; `None` where there is nothing to resolve or it would not be UTF-8.
pub fn percent_decode(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut out = parts.next()?.as_bytes().to_vec();
    let mut any = false;
    for part in parts {
        out.push(u8::from_str_radix(part.get(..2)?, 16).ok()?);
        out.extend_from_slice(part.get(2..)?.as_bytes());
        any = true;
    }
    String::from_utf8(out).ok().filter(|_| any)
}
