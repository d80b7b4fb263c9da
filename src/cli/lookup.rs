//! `gosumcheck lookup`: module versions in, their proven go.sum lines out.

use super::output::{code_of, complain, say, tell, warn, warn_of_unstored, worst};
use super::progress::Bar;
use super::{LookupArgs, heads, setup, spelling};
use crate::database::{Answer, Unavailable};
use crate::fault::{Cause, Fault};
use crate::report::printable;
use crate::store::head::Sighting;
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
    warn(&setup::noted(setup.cosigned(&database)));
    let proven = batch.answers.iter().filter_map(|answer| match answer {
        Answer::Found(record) => Some(record.text()),
        _ => None,
    });
    let mut codes = vec![code_of(tell(|out| proven.into_iter().try_for_each(|text| out.write_all(text.as_ref()))))];
    if args.first_seen {
        codes.push(code_of(tell_first_seen(&setup.sightings()?, &batch.answers)));
    }
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

/// Prints between which heads the records appeared.
fn tell_first_seen(sightings: &[Sighting], answers: &[Answer]) -> Result<(), Fault> {
    let found = answers.iter().filter_map(|answer| match answer {
        Answer::Found(record) => Some(record),
        _ => None,
    });
    tell(|out| {
        for record in found {
            writeln!(out, "# {} is record {}, first seen", record.module(), record.id())?;
            let [after, by] = heads::first_seen(sightings, record.id());
            writeln!(out, "#   {}\n#   {}", printable(&after), printable(&by))?;
        }
        Ok(())
    })
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
