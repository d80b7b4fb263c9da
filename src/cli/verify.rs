//! `gosumcheck verify`: a full mirror against its own bytes and the heads that the log signed.

use std::io::IsTerminal as _;

use super::output::{complain, tell, worst};
use super::progress::Bar;
use super::{VerifyArgs, setup};
use crate::fault::Fault;
use crate::verify::{self, Options};

/// Runs the command; gives the exit code.
pub(super) fn run(args: &VerifyArgs) -> Result<u8, Fault> {
    let (name, policy, folder) = setup::kept_at(args.sumdb.as_deref(), args.data.as_ref())?;
    let log = folder.log(&name)?;
    let options = Options { threads: args.threads, remembered: folder.head(&name)?.load()?, skip_index: args.no_index };
    let bar = Bar::new();
    let show = |done: u64, total: u64| {
        let [done, total] = [done, total].map(|count| usize::try_from(count).unwrap_or(usize::MAX));
        bar.show("records", done, total);
    };
    let report = verify::log(&log, &name, &policy, &options, &show);
    bar.clear();
    let report = report?;
    let told = tell(|out| match args.format.as_str() {
        "json" => report.write_json(out),
        _ => report.write_text(std::io::stdout().is_terminal(), out),
    });
    Ok(worst(&[report.exit_code(), told.inspect_err(complain).map_or_else(|fault| fault.exit_code(), |()| 0)]))
}
