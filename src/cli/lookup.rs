//! `gosumcheck lookup`: module versions in, their proven go.sum lines out.

use std::io::{self, Write as _};

use super::progress::Bar;
use super::{LookupArgs, complain, setup};
use crate::database::{Answer, Miss};
use crate::fault::Fault;
use crate::sumdb::module::ModuleVersion;

/// Runs the command; gives the exit code.
pub(super) fn run(args: &LookupArgs) -> Result<u8, Fault> {
    let asked = args.modules.iter().map(|text| ModuleVersion::parse_at(text)).collect::<Result<Vec<_>, _>>();
    let asked = asked.map_err(|error| Fault::Usage(error.to_string()))?;
    let setup = setup::prepare(&args.database)?;
    if let Some((module, pattern)) = asked.iter().find_map(|m| Some((m, setup.exempt.matching(m.path().as_str())?))) {
        let why =
            format!("{module} matches {pattern}, which exempts it from the database; --private none asks all the same");
        return Err(Fault::Usage(why));
    }
    let bar = Bar::new();
    let batch = setup::runtime()?.block_on(async {
        let database = setup.database().await?;
        database.records(&asked, &|stage, done, total| bar.show(stage, done, total)).await
    })?;
    bar.clear();
    let mut out = io::stdout().lock();
    let mut codes = Vec::new();
    for (module, answer) in asked.iter().zip(&batch.answers) {
        codes.push(match answer {
            Answer::Proven(record) => {
                let written = out.write_all(record.text().as_bytes());
                written.map_err(|error| Fault::unavailable("standard output", error.to_string()))?;
                0
            }
            Answer::NotInLog { by } => {
                complain(&Fault::unavailable(module.to_string(), format!("not in the log: {}", by.join("; "))));
                1
            }
            Answer::Unknown(Miss::NotHeld(why)) => {
                complain(&Fault::unavailable(module.to_string(), format!("not held: {why}")));
                2
            }
            Answer::Unknown(Miss::Fault(fault)) => {
                complain(fault);
                fault.exit_code()
            }
        });
    }
    // The worst, in the order 3, 1, 2, 0.
    Ok([3, 1, 2].into_iter().find(|code| codes.contains(code)).unwrap_or(0))
}
