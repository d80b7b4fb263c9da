//! `gosumcheck export`: modules and their proofs in one file, for where no network is.

use std::io;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;

use super::super::output::{say, tell, warn, worst};
use super::super::prefetch::{Fetching, MAX_AT_ONCE, proxy, tell_outcome};
use super::super::progress::Bar;
use super::super::settings::SettingArgs;
use super::super::{setup, spelling, words};
use crate::config::Sumdb;
use crate::config::settings::Settings;
use crate::fault::Fault;
use crate::files;
use crate::prefetch::{self, Outcome, Source, Wanted};
use crate::report::{counted, grouped};
use crate::sumdb::checkpoint::{Checkpoint, Policy};
use crate::sumdb::module::Patterns;
use crate::sumdb::number::wide;
use crate::transfer::export::{Exported, export};

pub(in super::super) const EXIT_CODES: &str = "\
What is not in the data folder is fetched and proven first, as by `gosumcheck prefetch`. The file is written whole or not at all. \
`gosumcheck import FILE` takes it over elsewhere, without any request. Private modules are left out.

Exit codes:
  0  the file is written
  1  findings: a file is not what the log says, a go.sum line differs from the log, a module does not exist, or a line names none
  2  could not tell: wrong usage, a network or disk failure, or a file that could not be read
  3  the log itself misbehaved: it signed two histories that contradict each other
If several apply: 3, then 1, then 2. The file is written with exit code 0 alone.";

/// Bytes of a signed head.
const MAX_HEAD: u64 = 1 << 20;

#[derive(Debug, Args)]
pub(in super::super) struct ExportArgs {
    /// The file to write
    #[arg(value_name = "FILE")]
    to: PathBuf,
    /// What goes in: go.sum, go.mod or go.work files, folders to search for go.sum files, lists of module versions, or module
    /// versions such as golang.org/x/text@v0.3.0. Repeatable
    #[arg(long = "for", value_name = "WHAT", required = true)]
    wanted: Vec<String>,
    /// A file with the signed head that the importing folder has already, so that the bundle can show that the log only grew since.
    /// Repeatable
    #[arg(long, value_name = "FILE")]
    since: Vec<PathBuf>,
    /// Read settings from this file [env: GOSUMCHECK_CONFIG] [default: gosumcheck/gosumcheck.toml in the user's configuration
    /// folder, if it exists]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: SettingArgs<Fetching>,
}

/// Runs the command; gives the exit code.
pub(in super::super) fn run(args: &ExportArgs) -> Result<u8, Fault> {
    let settings = args.settings.read(args.config.as_deref())?;
    let policy = match settings.sumdb.first() {
        Some(Sumdb::On { key, .. }) => Policy::log(key.as_ref().clone()),
        _ => return Err(Fault::Usage(Sumdb::OFF_MEANS.to_owned())),
    };
    let since = args.since.iter().map(|path| head(path, &policy)).collect::<Result<Vec<_>, Fault>>()?;
    let named = crate::transfer::with_neighbours(&args.wanted)?;
    let mut wanted = Wanted::read(&named, &mut io::stdin().lock(), &spelling::advice)?;
    let left_out = wanted.leave_out(&Patterns::parse(&settings.private));
    warn(&wanted.notices);
    if left_out > 0 {
        say(&format!("note: private modules were left out, {left_out} in number"));
    }
    if wanted.files.is_empty() && wanted.malformed.is_empty() && wanted.unread.is_empty() {
        return Err(Fault::Usage("there is nothing to export: --for names no public module version".to_owned()));
    }
    let (started, bar) = (Instant::now(), Bar::new());
    let done = setup::runtime_of(settings.jobs)?.block_on(async {
        let work = bring_and_export(args, &settings, &wanted, &policy, &since, &bar);
        tokio::select! {
            done = work => done,
            _ = tokio::signal::ctrl_c() => Err(Fault::machine("export", "stopped by a signal")),
        }
    });
    bar.clear();
    let (outcome, exported) = done?;
    let codes = tell_outcome(&wanted, &outcome);
    let to = args.to.display();
    match exported {
        None => say(&format!("{to} was not written")),
        Some(Exported { modules, files, bytes, tree_size }) => {
            let (modules, files) = (counted(wide(modules), "module version"), counted(wide(files), "file"));
            let (bytes, tree, seconds) = (words::bytes(bytes), grouped(tree_size), started.elapsed().as_secs_f64());
            tell(|out| {
                writeln!(
                    out,
                    "exported {modules} to {to}: {files}, {bytes}, proven under tree {tree}, in {seconds:.1} s"
                )
            })?;
        }
    }
    Ok(worst(&codes))
}

async fn bring_and_export(
    args: &ExportArgs,
    settings: &Settings,
    wanted: &Wanted,
    policy: &Policy,
    since: &[Checkpoint],
    bar: &Bar,
) -> Result<(Outcome, Option<Exported>), Fault> {
    let at_once = settings.jobs.min(MAX_AT_ONCE);
    let proxy = proxy(settings, at_once)?;
    let progress = |done: usize, total: usize| bar.show("export", done, total);
    let outcome = prefetch::bring(&Source::Folder(proxy.clone()), wanted, at_once, &progress).await?;
    let is_all = outcome.exit_code() == 0 && wanted.malformed.is_empty() && wanted.unread.is_empty();
    if !is_all {
        return Ok((outcome, None));
    }
    let exported = export(&proxy, wanted, policy, since, &args.to).await?;
    Ok((outcome, Some(exported)))
}

/// The signed head in a file.
fn head(path: &std::path::Path, policy: &Policy) -> Result<Checkpoint, Fault> {
    let usage = |why: String| Fault::Usage(format!("--since {}: {why}", path.display()));
    let read = files::open_named(path).and_then(|file| files::read_bounded(file, MAX_HEAD));
    let bytes = read.map_err(|error| usage(files::explain(&error)))?;
    Checkpoint::open(&bytes, policy).map_err(|error| usage(error.to_string()))
}
