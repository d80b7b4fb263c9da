//! `gosumcheck verify --repair`: hands each finding to what can put it in order, the log to `verify`, modules to the module proxy.

use std::path::Path;

use super::super::{serve, setup};
use super::{Stored, VerifyArgs};
use crate::config::GoEnv;
use crate::config::settings::{Layers, Settings};
use crate::database::Database;
use crate::fault::Fault;
use crate::proxy::Proxy;
use crate::report::integrity::{Finding, Flaw, Repair};
use crate::report::{Integrity, counted};
use crate::store::Folder;
use crate::verify::{self, LogRepair, Repaired, VerifyOptions};

/// Files of modules that are brought at once.
const AT_ONCE: usize = 4;

/// Repairs what `report` names and more of the same kind.
///
/// # Errors
/// `Usage`, `Unavailable`: a setting, or the data folder. `Forked`: the log is caught.
pub(super) fn run(
    args: &VerifyArgs,
    layers: &Layers,
    stored: &Stored,
    report: &Integrity,
    has_log: bool,
) -> Result<Repaired, Fault> {
    let options = &stored.options(args, layers)?;
    let settings = settings(layers)?;
    let folder = Folder::open(stored.folder.root())?;
    let runtime = setup::runtime()?;
    let mut done = Repaired::default();
    let kept = stored.kept()?;
    let beside = [kept.clone(), stored.cosigned()?].concat();
    verify::mend_modes(&folder, &beside, &mut done);
    verify::mend_kept(&folder, &kept, &mut done);
    if !args.no_log {
        mend_cosigned(&folder, stored, layers, &mut done)?;
        let database = serve::database(&settings, &folder)?;
        runtime.block_on(log(&folder, stored, &database, options, has_log, &mut done))?;
    }
    let is_beside = |finding: &&Finding| beside.iter().any(|path| path.as_path() == Path::new(&finding.file));
    let findings = report.findings.iter().filter(|finding| is_of_modules(finding) && !is_beside(finding));
    let wanted: Vec<&Finding> = findings.collect();
    if wanted.is_empty() {
        return Ok(done);
    }
    match serve::proxy(&settings, AT_ONCE) {
        Ok(Some(proxy)) => runtime.block_on(modules(&proxy, &wanted, &mut done)),
        Ok(None) => {
            done.failed.push("modules: there is nobody to fetch them from: the setting proxy is off".to_owned())
        }
        Err(fault @ Fault::Unavailable { .. }) => done.failed.push(format!("modules: {fault}")),
        Err(fault) => return Err(fault),
    }
    let more = report.total() - u64::try_from(report.findings.len()).unwrap_or(0);
    if more > 0 {
        done.failed.push(format!("{} beyond those that are listed: repair again", counted(more, "finding")));
    }
    Ok(done)
}

/// Puts what was cosigned in order, if it can be proven.
fn mend_cosigned(folder: &Folder, stored: &Stored, layers: &Layers, done: &mut Repaired) -> Result<(), Fault> {
    let options = VerifyOptions { cosigned: folder.head(&stored.name)?.cosigners()?, ..stored.remembered(layers)? };
    verify::mend_cosigned(&folder.log(&stored.name)?, &stored.policy, &options, done)
}

/// Repairs the remembered head, the log where one is held, and the cache.
async fn log(
    folder: &Folder,
    stored: &Stored,
    database: &Database,
    options: &VerifyOptions,
    has_log: bool,
    done: &mut Repaired,
) -> Result<(), Fault> {
    if has_log {
        let log = folder.log(&stored.name)?;
        let repair = LogRepair { folder, log: &log, database, policy: &stored.policy, options };
        done.extend(repair.run().await?);
    } else {
        verify::mend_remembered(folder, database, &stored.policy, done).await?;
    }
    verify::mend_cached(folder, database, done).await
}

/// Whether it is about a file of a module, which the report names by its whole path.
fn is_of_modules(finding: &Finding) -> bool {
    use Flaw::{ModuleDamaged, ModuleHash, ModuleInfo, ModuleUnreadable, Permissions, Stray};
    finding.file.contains('/')
        && matches!(finding.flaw, ModuleDamaged | ModuleUnreadable | ModuleHash | ModuleInfo | Permissions | Stray)
}

/// The settings of a server, as the layers have them.
pub(super) fn settings(layers: &Layers) -> Result<Settings, Fault> {
    Settings::of(layers, &GoEnv::of_process(), |name| std::env::var(name).ok())
}

/// Puts the named files of modules in order, one after the other.
async fn modules(proxy: &Proxy, wanted: &[&Finding], done: &mut Repaired) {
    for finding in wanted {
        match proxy.mend_stored(Path::new(&finding.file)).await {
            Ok(None) => {}
            Ok(Some(what)) => done.repairs.push(Repair::of_file(&finding.file, what)),
            Err(why) => done.failed.push(format!("{}: {why}", finding.file)),
        }
    }
}
