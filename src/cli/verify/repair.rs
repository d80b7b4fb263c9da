//! `gosumcheck verify --repair`: hands each finding to what can put it in order, the log to `verify`, modules to the module proxy.

use std::path::Path;

use super::super::{serve, setup};
use super::Stored;
use crate::config::GoEnv;
use crate::config::settings::{Layers, Settings};
use crate::fault::Fault;
use crate::proxy::Proxy;
use crate::report::integrity::{Finding, Flaw, Repair};
use crate::report::{Integrity, counted};
use crate::store::Folder;
use crate::verify::{LogRepair, Repaired, VerifyOptions};

/// Files of modules that are brought at once.
const AT_ONCE: usize = 4;

/// Repairs what `report` names and more of the same kind.
///
/// # Errors
/// `Usage`, `Unavailable`: a setting, or the data folder. `Forked`: the log is caught.
pub(super) fn run(
    layers: &Layers,
    stored: &Stored,
    options: &VerifyOptions,
    report: &Integrity,
    has_log: bool,
) -> Result<Repaired, Fault> {
    let settings = settings(layers)?;
    let folder = Folder::open(stored.folder.root())?;
    let runtime = setup::runtime()?;
    let mut done = Repaired::default();
    if has_log {
        let database = serve::database(&settings, &folder)?;
        let log = folder.log(&stored.name)?;
        let repair = LogRepair { folder: &folder, log: &log, database: &database, policy: &stored.policy, options };
        done = runtime.block_on(repair.run())?;
    }
    let wanted: Vec<&Finding> = report.findings.iter().filter(|finding| is_of_modules(finding)).collect();
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
