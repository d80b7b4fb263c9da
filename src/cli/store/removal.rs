//! `gosumcheck store rm` and `gc`: what is named goes, or what was used least.

use std::time::Duration;

use clap::Args;

use super::{Place, list};
use crate::cli::output::{say, tell};
use crate::cli::{serve, setup, words};
use crate::fault::Fault;
use crate::proxy::PublicSources;
use crate::report::printable;
use crate::store::Folder;
use crate::store::eviction::coldest_first;
use crate::store::modules::Tree;
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::{ModuleVersion, Patterns};

/// How long another process that removes files is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, Args)]
pub(in super::super) struct RemoveArgs {
    /// Module versions, such as golang.org/x/text@v0.3.0
    #[arg(value_name = "MODULE@VERSION", required = true)]
    modules: Vec<String>,
    /// Say what would be removed, and remove nothing
    #[arg(long)]
    dry_run: bool,
    /// Also remove private modules, of which this may be the only copy, and pinned ones
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub(in super::super) struct GcArgs {
    /// List what would be asked for upstream and removed, and do neither
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    place: Place,
}

/// Runs `rm`; gives the exit code.
pub(super) fn remove(args: &RemoveArgs) -> Result<u8, Fault> {
    let parse = |text: &String| ModuleVersion::parse_at(text).map_err(|error| Fault::Usage(format!("{text}: {error}")));
    let modules: Vec<ModuleVersion> = args.modules.iter().map(parse).collect::<Result<_, _>>()?;
    let settings = args.place.settings()?;
    let folder = if args.dry_run { Folder::look(&settings.data)? } else { Folder::open(&settings.data)? };
    let (store, kept, private) = (folder.modules(), folder.keep().read()?, Patterns::parse(&settings.private));
    let _lock = if args.dry_run { None } else { Some(folder.lock_store(PATIENCE)?) };
    let (mut code, mut lines) = (0, Vec::new());
    for module in &modules {
        let is_private = private.exemption(module.path()).is_some();
        let tree = if is_private { Tree::FirstUse } else { Tree::Proven };
        let stays = match kept.covers(module) {
            Some(line) => Some(format!("is pinned ({line})")),
            None => is_private.then(|| "is private, and this may be its only copy".to_owned()),
        };
        if let Some(why) = stays.filter(|_| !args.force) {
            say(&format!("{module} {why}; --force removes it all the same"));
            code = 1;
            continue;
        }
        let mut freed = 0;
        for kind in [Kind::Zip, Kind::GoMod] {
            freed += if args.dry_run {
                store.room_of(tree, module, kind)?
            } else {
                store.remove_file(tree, module, kind)?
            };
        }
        if freed == 0 {
            say(&format!("{module} is not stored here"));
            code = 1;
            continue;
        }
        let would = if args.dry_run { "would remove" } else { "removed" };
        lines.push(format!("{would} {module}: {}", words::bytes(freed)));
    }
    tell(|out| lines.iter().try_for_each(|line| writeln!(out, "{}", printable(line))))?;
    Ok(code)
}

/// Runs `gc`; gives the exit code.
pub(super) fn collect(args: &GcArgs) -> Result<u8, Fault> {
    let settings = args.place.settings()?;
    let Some(max) = settings.store_max_size else {
        let why = "how much may stay? Say so with --store-max-size, or the setting store.max_size";
        return Err(Fault::Usage(why.to_owned()));
    };
    let folder = if args.dry_run { Folder::look(&settings.data)? } else { Folder::open(&settings.data)? };
    let evictor = super::evictor(&folder, &settings);
    if args.dry_run {
        let (standings, _) = evictor.standings()?;
        let stored = evictor.stored().unwrap_or(0);
        let (mut left, mut files, mut bytes) = (stored.saturating_sub(max), 0_u64, 0_u64);
        let order = coldest_first(standings, Vec::new());
        let going: Vec<_> = order
            .iter()
            .take_while(|standing| {
                let goes = left > 0;
                left = left.saturating_sub(standing.file.bytes);
                goes
            })
            .collect();
        tell(|out| {
            going.iter().try_for_each(|standing| list::line(out, standing))?;
            for standing in &going {
                (files, bytes) = (files + 1, bytes.saturating_add(standing.file.bytes));
            }
            let (bytes, stored) = (words::bytes(bytes), words::bytes(stored));
            writeln!(out, "would remove {files} files, {bytes} of {stored}, where an upstream still has them")
        })?;
        return Ok(u8::from(left > 0));
    }
    let (public, policy) = serve::public_proxies(&settings, &folder)?;
    let sources = PublicSources::new(public, policy);
    let evicted = setup::runtime()?.block_on(evictor.shrink(&sources, max))?;
    let stored = evictor.stored().unwrap_or(0);
    tell(|out| {
        let (bytes, left) = (words::bytes(evicted.bytes), words::bytes(stored));
        writeln!(out, "removed {} files, {bytes}; {left} are left", evicted.files)?;
        if evicted.vanished > 0 {
            writeln!(out, "{} files stay because no upstream has them any more", evicted.vanished)?;
        }
        if evicted.unanswered > 0 {
            writeln!(out, "{} files stay because no upstream could be asked", evicted.unanswered)?;
        }
        Ok(())
    })?;
    Ok(u8::from(stored > max))
}
