//! `gosumcheck store ls`: each stored file with its size, its uses, and why it stays.

use std::io::{self, Write};
use std::time::{Duration, UNIX_EPOCH};

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Place;
use crate::cli::output::tell;
use crate::cli::words;
use crate::fault::Fault;
use crate::report::printable;
use crate::store::Folder;
use crate::store::eviction::{Reason, Standing, coldest_first};
use crate::sumdb::module::Patterns;

#[derive(Debug, Args)]
pub(in super::super) struct ListArgs {
    /// Only modules that match these patterns, as in GOPRIVATE
    #[arg(value_name = "PATTERN")]
    patterns: Vec<String>,
    /// Write JSON, one object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// Runs the command; gives the exit code.
pub(super) fn run(args: &ListArgs) -> Result<u8, Fault> {
    let settings = args.place.settings()?;
    let folder = Folder::look(&settings.data)?;
    let wanted = Patterns::parse(&args.patterns.join(","));
    let (mut standings, _) = super::evictor(&folder, &settings).standings()?;
    standings.retain(|standing| wanted.is_empty() || wanted.exemption(standing.file.module.path()).is_some());
    let staying: Vec<Standing> = standings.iter().filter(|standing| standing.stays.is_some()).cloned().collect();
    let listed: Vec<Standing> = coldest_first(standings, Vec::new()).into_iter().chain(staying).collect();
    tell(|out| {
        if args.json {
            return listed.iter().try_for_each(|standing| writeln!(out, "{}", as_json(standing)));
        }
        writeln!(out, "{:>9} {:>7}  {:20}  {:9}  FILE", "SIZE", "USES", "LAST USED", "STAYS")?;
        listed.iter().try_for_each(|standing| line(out, standing))
    })?;
    Ok(0)
}

/// One line for people.
pub(super) fn line(out: &mut dyn Write, standing: &Standing) -> io::Result<()> {
    let Standing { file, used, stays } = standing;
    let last = if used.last == 0 { "never".to_owned() } else { time(used.last) };
    let why = stays.as_ref().map_or("", Reason::name);
    let name = format!("{}.{}", file.module, file.kind.extension());
    writeln!(out, "{:>9} {:>7}  {last:20}  {why:9}  {}", words::bytes(file.bytes), used.hits, printable(&name))
}

/// The same for programs.
fn as_json(standing: &Standing) -> Value {
    let Standing { file, used, stays } = standing;
    let detail = match stays {
        Some(Reason::Pinned(line)) => json!(line),
        Some(Reason::Vanished(at)) => json!(time(*at)),
        _ => Value::Null,
    };
    json!({
        "module": file.module.path().as_str(),
        "version": file.module.version().as_str(),
        "file": file.kind.extension(),
        "bytes": file.len,
        "disk_bytes": file.bytes,
        "uses": used.hits,
        "given_bytes": used.bytes,
        "last_used": (used.last > 0).then(|| time(used.last)),
        "stays": stays.as_ref().map(Reason::name),
        "detail": detail,
    })
}

/// Microseconds since 1970 as RFC 3339 has them, to the second.
fn time(micros: u64) -> String {
    let at = UNIX_EPOCH + Duration::from_secs(micros / 1_000_000);
    Timestamp::try_from(at).map_or_else(|_| "?".to_owned(), |at| at.to_string())
}
