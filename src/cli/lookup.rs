//! `gosumcheck lookup`: module versions in, their proven go.sum lines out.

use super::output::{code_of, complain, say, tell, warn, warn_of_unstored, worst};
use super::progress::Bar;
use super::{LookupArgs, setup, spelling};
use crate::database::{Answer, Unavailable};
use crate::fault::{Cause, Fault};
use crate::sumdb::module::ModuleVersion;

/// Runs the command; gives the exit code.
pub(super) fn run(args: &LookupArgs) -> Result<u8, Fault> {
    let parse = |text: &String| {
        ModuleVersion::parse_at(text).map_err(|error| Fault::Usage(format!("{error}; {}", spelling::advice(text))))
    };
    let asked = args.modules.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
    let setup = setup::prepare(&args.database)?;
    warn(&setup.notices);
    if let Some((module, pattern)) = asked.iter().find_map(|m| Some((m, setup.exempt.exemption(m.path())?))) {
        let why =
            format!("{module} matches {pattern}, which exempts it from the database; --private none asks all the same");
        return Err(Fault::Usage(why));
    }
    let bar = Bar::new();
    let looked_up = setup::runtime()?.block_on(async {
        let progress = |stage: &str, done: usize, total: usize| bar.show(stage, done, total);
        let database = setup.database()?;
        Ok((database.records(&asked, &progress).await?, database))
    });
    bar.clear();
    let (batch, database) = match looked_up {
        Ok(found) => found,
        Err(fault) => return Ok(setup.complain(&fault)),
    };
    warn_of_unstored(&database);
    let proven = batch.answers.iter().filter_map(|answer| match answer {
        Answer::Found(record) => Some(record.text()),
        _ => None,
    });
    let mut codes = vec![code_of(tell(|out| proven.into_iter().try_for_each(|text| out.write_all(text.as_ref()))))];
    codes.extend(asked.iter().zip(&batch.answers).map(|(module, answer)| tell_miss(module, answer, &setup.name)));
    let is_outage = |answer: &Answer| {
        let Answer::Unknown(Unavailable::Fault(fault)) = answer else { return false };
        matches!(fault.cause(), Some(Cause::Upstream | Cause::TimedOut))
    };
    if batch.answers.iter().any(is_outage) {
        say(&format!("note: {}", setup.other_source()));
    }
    Ok(worst(&codes))
}

/// Prints why there is no proven answer; gives the exit code.
fn tell_miss(module: &ModuleVersion, answer: &Answer, database: &str) -> u8 {
    match answer {
        Answer::Found(_) => 0,
        Answer::NotInLog { by } => {
            say(&format!("{module}: not in the log of {database}; asked: {}", by.join("; ")));
            1
        }
        Answer::Unknown(Unavailable::NotHeld(why)) => {
            say(&format!("{module}: not held, which says nothing about the log: {why}"));
            2
        }
        Answer::Unknown(Unavailable::Denied(denial)) => {
            let fault = denial.as_fault();
            complain(&fault);
            fault.exit_code()
        }
        Answer::Unknown(Unavailable::Fault(fault)) => {
            complain(fault);
            fault.exit_code()
        }
    }
}
