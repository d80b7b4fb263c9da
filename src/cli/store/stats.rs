//! `gosumcheck store stats`: how much is stored, how much of it stays and why, and how full the disk is.

use clap::Args;
use serde_json::json;

use super::Place;
use crate::cli::output::tell;
use crate::cli::words;
use crate::fault::Fault;
use crate::report::printable;
use crate::store::Folder;
use crate::store::eviction::{Reason, Standing};

#[derive(Debug, Args)]
pub(in super::super) struct StatsArgs {
    /// Write JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// Files of one kind.
#[derive(Debug, Default, Clone, Copy)]
struct Sum {
    files: u64,
    bytes: u64,
}

impl Sum {
    fn of<'a>(standings: impl Iterator<Item = &'a Standing>) -> Sum {
        standings.fold(Sum::default(), |sum, standing| Sum {
            files: sum.files + 1,
            bytes: sum.bytes.saturating_add(standing.file.bytes),
        })
    }
}

/// Why files stay, in the order in which it is shown.
const REASONS: [&str; 4] = ["private", "pinned", "vanished", "unproven"];

/// Runs the command; gives the exit code.
pub(super) fn run(args: &StatsArgs) -> Result<u8, Fault> {
    let settings = args.place.settings()?;
    let folder = Folder::look(&settings.data)?;
    let evictor = super::evictor(&folder, &settings);
    let (standings, _) = evictor.standings()?;
    let stored = evictor.stored().unwrap_or(0);
    let all = Sum::of(standings.iter());
    let may_go = Sum::of(standings.iter().filter(|standing| standing.stays.is_none()));
    let staying = REASONS.map(|name| {
        let stays = |standing: &&Standing| standing.stays.as_ref().is_some_and(|reason: &Reason| reason.name() == name);
        (name, Sum::of(standings.iter().filter(stays)))
    });
    let (uses, given) = standings.iter().fold((0, 0_u64), |(uses, given), standing| {
        (uses + standing.used.hits, given.saturating_add(standing.used.bytes))
    });
    let kept = folder.keep().read()?;
    let space = folder.space();
    if args.json {
        let sum = |sum: Sum| json!({ "files": sum.files, "bytes": sum.bytes });
        let stays: serde_json::Map<_, _> = staying.iter().map(|(name, of)| ((*name).to_owned(), sum(*of))).collect();
        let text = json!({
            "disk_bytes": stored,
            "max_size": settings.store_max_size,
            "files": sum(all),
            "may_go": sum(may_go),
            "stays": stays,
            "uses": uses,
            "given_bytes": given,
            "pinned": kept.lines().collect::<Vec<_>>(),
            "disk": space.map(|space| json!({ "free": space.free, "size": space.size })),
        });
        tell(|out| writeln!(out, "{text}"))?;
        return Ok(0);
    }
    tell(|out| {
        let limit = settings.store_max_size.map_or("no limit".to_owned(), |max| format!("limit {}", words::bytes(max)));
        writeln!(out, "stored: {} on the disk, {limit}", words::bytes(stored))?;
        writeln!(
            out,
            "files: {}, {}; given {uses} times, {}",
            all.files,
            words::bytes(all.bytes),
            words::bytes(given)
        )?;
        writeln!(out, "may be removed: {} files, {}", may_go.files, words::bytes(may_go.bytes))?;
        for (name, sum) in staying.iter().filter(|(_, sum)| sum.files > 0) {
            writeln!(out, "stay, {name}: {} files, {}", sum.files, words::bytes(sum.bytes))?;
        }
        kept.lines().try_for_each(|line| writeln!(out, "pinned: {}", printable(line)))?;
        let Some(space) = space else { return Ok(()) };
        let used = space.size.saturating_sub(space.free).saturating_mul(100).checked_div(space.size).unwrap_or(0);
        writeln!(out, "disk: {used}% full, {} free of {}", words::bytes(space.free), words::bytes(space.size))
    })?;
    Ok(0)
}
