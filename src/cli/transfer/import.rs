//! `gosumcheck import`: what another program kept, or a bundle, becomes ours once it is proven.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::super::output::{code_of, say, tell, worst};
use super::super::prefetch::list;
use super::super::progress::Bar;
use super::super::settings::{SettingArgs, Takes};
use super::super::{serve, setup, words};
use crate::config::Sumdb;
use crate::config::settings::{Setting, Settings, rows};
use crate::fault::Fault;
use crate::proxy::Proxy;
use crate::report::{counted, grouped, printable};
use crate::sumdb::checkpoint::{Checkpoint, Policy};
use crate::sumdb::number::wide;
use crate::transfer::bundle::Bundle;
use crate::transfer::{
    ImportOptions, Imported, ModuleVerdict, Recognised, TransferInventory, TransferKind, import, inventory, recognise,
};

pub(in super::super) const EXIT_CODES: &str = "\
Every file is proven before it is stored, as a download is; what is stored already stays. The folder is only read. It works \
beside a running server with the same data folder. Interrupted, it goes on where it was the next time. A bundle is proven without \
any request: under its own signed head, or one that is known here.

Exit codes:
  0  all of it is here now, or would be with --dry-run
  1  findings: a file is not what the log says, or the log has no record of it
  2  could not tell: wrong usage, a network or disk failure, or a file that could not be read
  3  the log itself misbehaved: it signed two histories that contradict each other
If several apply: 3, then 1, then 2.";

/// Module versions at a time: the disk makes so many files durable in the time of a few, and most of them wait for that. Twice as many
/// would take 50 MB more.
const AT_ONCE: usize = 32;

#[derive(Debug, Args)]
pub(in super::super) struct ImportArgs {
    /// A module cache (GOMODCACHE), the cache folder of goproxy or goproxyio, the disk store of Athens, or a file that
    /// `gosumcheck export` wrote
    #[arg(value_name = "DIR|FILE")]
    from: PathBuf,
    /// What it is, whatever it looks like
    #[arg(long = "as", value_name = "KIND", value_parser = kinds())]
    said: Option<String>,
    /// Prove all of it, say what would be stored, and store nothing
    #[arg(long)]
    dry_run: bool,
    /// Take over private modules too, which nothing proves: what is in the folder is what they are from now on
    #[arg(long)]
    with_private: bool,
    /// Read settings from this file [env: GOSUMCHECK_CONFIG] [default: gosumcheck/gosumcheck.toml in the user's configuration
    /// folder, if it exists]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: SettingArgs<Importing>,
}

fn kinds() -> PossibleValuesParser {
    PossibleValuesParser::new(TransferKind::ALL.map(TransferKind::name))
}

/// The settings that say where files go, and who proves them.
#[derive(Debug)]
struct Importing;

impl Takes for Importing {
    fn takes(setting: &Setting) -> bool {
        let taken = [
            rows::data.name,
            rows::disk_floor.name,
            rows::store_max_size.name,
            rows::sumdb.name,
            rows::sumdb_url.name,
            rows::pin_head.name,
            rows::proxy.name,
            rows::private.name,
            rows::rules.name,
            rows::offline.name,
            rows::jobs.name,
        ];
        taken.contains(&setting.name)
    }
}

/// Runs the command; gives the exit code.
pub(in super::super) fn run(args: &ImportArgs) -> Result<u8, Fault> {
    let settings = args.settings.read(args.config.as_deref())?;
    let said = TransferKind::ALL.into_iter().find(|kind| Some(kind.name()) == args.said.as_deref());
    let from = std::path::absolute(&args.from).unwrap_or_else(|_| args.from.clone());
    let recognised = recognise(&from, said)?;
    say(&format!("{} is taken for {}", args.from.display(), recognised.kind.words()));
    let sumdb = recognised.bundle.as_ref().map(|bundle| sumdb_of(bundle, &settings)).transpose()?;
    let found = inventory(&recognised.holding);
    let (started, bar) = (Instant::now(), Bar::new());
    let at_once = settings.jobs.min(AT_ONCE);
    // Each may wait for the disk: together, that is.
    let (imported, notes) = setup::runtime_of(at_once)?.block_on(async {
        let sumdb = sumdb.as_ref().map(tempfile::TempDir::path);
        let take_over = take_over(args, &settings, &recognised, sumdb, &found, &bar, at_once);
        tokio::select! {
            imported = take_over => imported,
            // What is stored by then stays; the next import goes on from there.
            _ = tokio::signal::ctrl_c() => Err(Fault::machine("import", "stopped by a signal")),
        }
    })?;
    bar.clear();
    notes.iter().for_each(|note| say(note));
    let mut codes = vec![imported.exit_code(), code_of(tell(|out| report(out, &imported)))];
    for why in list(failures(&imported, &found)) {
        say(&why);
    }
    codes.extend((!found.passed.is_empty()).then_some(2));
    tell(|out| writeln!(out, "{}", summary(args, &recognised, &found, &imported, started.elapsed())))?;
    Ok(worst(&codes))
}

/// The database's part of a bundle, as a folder that is there as long as the value.
fn sumdb_of(bundle: &Bundle, settings: &Settings) -> Result<tempfile::TempDir, Fault> {
    let has = bundle.manifest.database.as_str();
    let Some(Sumdb::On { name: own, key, .. }) = settings.sumdb.first() else {
        return Err(Fault::Usage(Sumdb::OFF_MEANS.to_owned()));
    };
    if has != own {
        return Err(Fault::Usage(format!(
            "the bundle is of the database {has}, and the settings name {own}; see --sumdb"
        )));
    }
    let failed = |error: io::Error| Fault::machine("the folder for temporary files", error.to_string());
    let folder = tempfile::Builder::new().prefix("gosumcheck-import-").tempdir().map_err(failed)?;
    bundle.unpack_sumdb(folder.path())?;
    let head = std::fs::read(folder.path().join("latest"))
        .map_err(|_| Fault::Usage("the bundle has no signed head".to_owned()))?;
    Checkpoint::open(&head, &Policy::log(key.as_ref().clone()))
        .map_err(|error| Fault::refused("the head of the bundle", error))?;
    Ok(folder)
}

/// Does it; gives what came of it and what is to be said about it.
async fn take_over(
    args: &ImportArgs,
    settings: &Settings,
    recognised: &Recognised,
    sumdb: Option<&Path>,
    found: &TransferInventory,
    bar: &Bar,
    at_once: usize,
) -> Result<(Imported, Vec<String>), Fault> {
    let proxy = serve::importing(settings, &recognised.holding, sumdb, args.with_private, at_once)?;
    let mut notes = Vec::new();
    if proxy.is_beside() {
        let why = "note: another gosumcheck serves this data folder; it finds what is imported now";
        notes.push(if args.with_private {
            format!("{why}, but private modules only it may store")
        } else {
            why.to_owned()
        });
    }
    let head = proxy.relay().status().head.map_or(0, |tree| tree.size);
    let options = ImportOptions { at_once, is_dry_run: args.dry_run, with_private: args.with_private };
    let progress = |done: usize, total: usize| bar.show("import", done, total);
    let imported = import(&proxy, &recognised.holding, found, options, &progress).await?;
    notes.extend(recognised.bundle.as_ref().and_then(|bundle| unproven_bundle(bundle, &imported, &proxy, head)));
    Ok((imported, notes))
}

/// What to do where a bundle has too little for the head that this folder had before, of a tree of so many records.
fn unproven_bundle(bundle: &Bundle, imported: &Imported, proxy: &Proxy, head: u64) -> Option<String> {
    let is_failed = imported.others.iter().any(|judged| matches!(judged.verdict, ModuleVerdict::Failed(_)));
    if !is_failed || head == 0 {
        return None;
    }
    let (name, size) = (proxy.relay().name(), bundle.manifest.tree_size);
    let is = if size < head { "older" } else { "newer" };
    Some(format!(
        "this folder has a signed head of {name} of {} records, and that of the bundle, of {}, is {is}: it has to be shown that one \
         history contains the other. Write the bundle anew with `gosumcheck export --since FILE`, where FILE is the head of this \
         folder, heads/{name}/latest or log/{name}/head, and the database is not behind it",
        grouped(head),
        grouped(size),
    ))
}

/// The findings.
fn report(out: &mut dyn Write, imported: &Imported) -> io::Result<()> {
    let lines = imported.others.iter().filter_map(|judged| match &judged.verdict {
        ModuleVerdict::Refused(why) => Some(format!("REFUSED   {}: {why}", judged.request)),
        ModuleVerdict::Unproven(why) => Some(format!("UNPROVEN  {}: {why}", judged.request)),
        _ => None,
    });
    list(lines).map(|line| printable(&line)).try_for_each(|line| writeln!(out, "{line}"))
}

/// What could not be judged.
fn failures(imported: &Imported, found: &TransferInventory) -> impl Iterator<Item = String> {
    let failed = imported.others.iter().filter_map(|judged| match &judged.verdict {
        ModuleVerdict::Failed(fault) => Some(format!("{}: {fault}", judged.request)),
        _ => None,
    });
    let more = (found.passed_more > 0).then(|| format!("and {} more that could not be read", found.passed_more));
    failed.chain(found.passed.iter().map(|passed| format!("{}: {}", passed.path, passed.why))).chain(more)
}

/// What was done, in one line.
fn summary(
    args: &ImportArgs,
    recognised: &Recognised,
    found: &TransferInventory,
    imported: &Imported,
    took: Duration,
) -> String {
    let count = |number: usize| grouped(wide(number));
    let of = |is: fn(&ModuleVerdict) -> bool| imported.others.iter().filter(|judged| is(&judged.verdict)).count();
    let parts = [
        (of(|verdict| matches!(verdict, ModuleVerdict::Refused(_))), "refused"),
        (of(|verdict| matches!(verdict, ModuleVerdict::Unproven(_))), "not in the log"),
        (of(|verdict| matches!(verdict, ModuleVerdict::Failed(_))), "not judged"),
        (found.passed.len() + found.passed_more, "passed over"),
        (imported.private, "private left out"),
        (imported.alone, ".info alone left out"),
    ];
    let others: String = parts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!(", {} {what}", count(*number)))
        .collect();
    let (did, stored) = if args.dry_run { ("would import", "right") } else { ("imported", "proven and stored") };
    let (modules, seconds) = (counted(wide(found.modules.len()), "module version"), took.as_secs_f64());
    let (files, bytes, held) =
        (counted(wide(imported.stored), "file"), words::bytes(imported.bytes), count(imported.held));
    let kind = recognised.kind.name();
    format!("{did} {modules} ({kind}): {files} {stored} ({bytes}), {held} held before{others}, in {seconds:.1} s")
}
