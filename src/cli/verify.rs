//! `gosumcheck verify`: what the data folder holds against its own bytes and the heads that the log signed: a full mirror, and the
//! modules that were stored.

mod args;
mod notify;
mod plan;
mod record;
mod repair;
mod routes;
mod stored;
mod upstreams;

use std::io::IsTerminal as _;

use jiff::Timestamp;

pub(super) use args::VerifyArgs;
use plan::Plan;
use record::Outcome;
use stored::Stored;

use super::known_heads::KnownHeads;
use super::output::{code_of, complain, tell, worst};
use super::progress::Bar;
use super::settings::Takes;
use super::{setup, witnesses};
use crate::config::GoEnv;
use crate::config::settings::{Layers, SETTINGS, Setting, VerifySettings, private_patterns, rows};
use crate::database::Database;
use crate::fault::Fault;
use crate::report::integrity::{Finding, Flaw};
use crate::report::{Head, Integrity, Level, Notice, plain};
use crate::store::modules::Tree;
use crate::sumdb::module::Patterns;
use crate::sumdb::number::wide;
use crate::verify::{self, ModuleOptions, VerifyOptions};

/// The settings that say from where damaged parts are fetched again.
#[derive(Debug)]
pub(super) struct Sources;

impl Takes for Sources {
    fn takes(setting: &Setting) -> bool {
        let taken = [
            rows::sumdb_url.name,
            rows::pin_head.name,
            rows::head_routes.name,
            rows::head_stale.name,
            rows::proxy.name,
            rows::private_proxy.name,
            rows::offline.name,
            rows::rules.name,
        ];
        taken.contains(&setting.name)
    }
}

/// Runs the command; gives the exit code.
pub(super) fn run(args: &VerifyArgs) -> Result<u8, Fault> {
    let layers = args.over(Layers::read(SETTINGS, args.config.as_deref(), |name| std::env::var(name).ok())?);
    let settings = VerifySettings::of(&layers)?;
    verify(args, &layers, &settings).inspect_err(|fault| notify::send_fault(&settings, fault))
}

fn verify(args: &VerifyArgs, layers: &Layers, settings: &VerifySettings) -> Result<u8, Fault> {
    let stored = Stored::open(args)?;
    let (modules, warnings) = if args.no_modules { (None, Vec::new()) } else { module_options(args, layers)? };
    let store = stored.folder.modules();
    let holds = |tree| verify::may_be_there(store.dir_of(tree));
    let modules = modules.filter(|_| holds(Tree::Proven) || holds(Tree::FirstUse));
    let has_log = !args.no_log && stored.has_log()?;
    if modules.is_none() && args.no_log {
        let why = "holds no modules: `gosumcheck serve` stores what it proves there; name another folder with --data";
        return Err(Fault::machine(stored.folder.root().display().to_string(), why));
    }
    let has_answers = !args.no_log && !args.no_modules && stored.has_answers()?;
    // Before the first start of a server or a sync there is nothing to check, and nothing wrong.
    let is_empty = modules.is_none() && !has_log && !has_answers;
    // Where there is no data folder, the answer is that there is none, and nothing is made.
    let plan = if stored.folder.root().is_dir() { plan::plan(args, settings, &stored)? } else { Plan::default() };
    let mut run = Run { settings, plan: &plan, unrepaired: 0, failed: None };
    if is_empty && !args.no_modules && stored.folder.root().is_dir() {
        return finish(args, &stored, &mut nothing_stored(&stored), run);
    }
    // Where the options leave nothing else, or there is no data folder, the missing log is the answer.
    let modules = modules.map(|options| plan.over(options));
    let parts = Parts { plan: &plan, log: has_log || is_empty, modules, warnings };
    let (mut report, mut failed) = look(args, layers, &stored, &parts)?;
    let is_wrong = report.total() > 0 || failed.is_some();
    if args.repair && is_wrong && report.misbehaviour.is_none() {
        (report, failed) = mend(args, layers, &stored, parts, report, &mut run)?;
    }
    run.failed = failed;
    finish(args, &stored, &mut report, run)
}

/// Repairs what `report` names; gives the report of a pass over the repaired parts, and over the rest: over everything, whatever the
/// first one covered. Only so many findings of a kind are named: where there were more, those that are named then are repaired too, as
/// long as there are fewer each time.
fn mend(
    args: &VerifyArgs,
    layers: &Layers,
    stored: &Stored,
    parts: Parts<'_>,
    mut report: Integrity,
    run: &mut Run<'_>,
) -> Result<(Integrity, Option<Fault>), Fault> {
    let complete = parts.plan.complete();
    let modules = parts.modules.clone().map(|options| complete.over(options));
    let parts = Parts { plan: &complete, modules, ..parts };
    let mut repairs = Vec::new();
    loop {
        let (before, named) = (report.total(), report.findings.len());
        let repaired = repair::run(args, layers, stored, &report, parts.log)?;
        let (after, failed) = look(args, layers, &Stored::open(args)?, &parts)?;
        report = after;
        repairs.extend(repaired.repairs);
        if before > wide(named) && (1..before).contains(&report.total()) && report.misbehaviour.is_none() {
            continue;
        }
        report.repairs = repairs;
        run.unrepaired = repaired.failed.len();
        let warned = |why: String| Notice { level: Level::Warning, text: format!("could not be repaired: {why}") };
        report.notices.extend(repaired.failed.into_iter().map(warned));
        return Ok((report, failed));
    }
}

/// One run of the command.
struct Run<'a> {
    settings: &'a VerifySettings,
    plan: &'a Plan,
    /// what could not be repaired
    unrepaired: usize,
    /// why the log could not be judged
    failed: Option<Fault>,
}

/// Prints the report and leaves its record; gives the exit code.
fn finish(args: &VerifyArgs, stored: &Stored, report: &mut Integrity, run: Run<'_>) -> Result<u8, Fault> {
    let code = print(args, report)?;
    let exit_code = worst(&[code, run.failed.inspect(complain).map_or(0, |fault| fault.exit_code())]);
    let outcome = Outcome { plan: run.plan, report, unrepaired: run.unrepaired, exit_code };
    let left = code_of(record::leave(args, stored.folder.root(), &outcome));
    let finished = run.plan.resume.as_ref().map_or(Ok(()), |resume| resume.finish());
    let told = code_of(notify::send(run.settings, &outcome));
    Ok(worst(&[exit_code, left, code_of(finished), told]))
}

/// What is to be looked at.
struct Parts<'a> {
    plan: &'a Plan,
    log: bool,
    modules: Option<ModuleOptions>,
    warnings: Vec<Notice>,
}

/// Looks at all of it once; gives the report, and why the log could not be judged.
///
/// # Errors
/// `Unavailable`: there is nothing that could be looked at.
fn look(
    args: &VerifyArgs,
    layers: &Layers,
    stored: &Stored,
    parts: &Parts<'_>,
) -> Result<(Integrity, Option<Fault>), Fault> {
    let bar = Bar::new();
    let log = if parts.log { log(args, layers, stored, parts.plan, &bar).map(Some) } else { Ok(None) };
    // The rest is checked even where the log cannot be.
    let (mut report, failed) = match log {
        // What is not there cannot be repaired.
        Err(fault) if parts.modules.is_none() && !(args.repair && stored.has_log()?) => {
            bar.clear();
            return Err(fault);
        }
        Ok(report) => (report.unwrap_or_else(|| without_log(args, stored)), None),
        Err(fault) => (Integrity::new(&stored.name), Some(fault)),
    };
    if !args.no_log {
        kept(layers, stored, parts.log, &mut report)?;
        routes::compare(layers, stored, &mut report)?;
        routes::clock(stored, Timestamp::now(), &mut report)?;
        verify::places(&[stored.kept()?, stored.cosigned()?].concat(), &mut report);
    }
    if let Some(modules) = &parts.modules {
        let show = |stage: &str, done: usize, total: usize| bar.show(stage, done, total);
        let work = verify::modules(&stored.folder, &stored.database, modules, &show, &mut report);
        setup::runtime()?.block_on(work);
        if parts.plan.asked.upstreams {
            upstreams::ask(layers, stored, modules, &mut report)?;
        }
    }
    bar.clear();
    witnessed(&stored.database, &mut report);
    verify::diagnose(stored.folder.log(&stored.name)?.dir(), &mut report);
    report.coverage = parts.plan.coverage;
    report.notices.extend(parts.warnings.iter().chain(&parts.plan.notices).cloned());
    Ok((report, failed))
}

/// Whether the policy's quorum cosigned the newest head. Older ones were accepted before, or under another policy.
fn witnessed(database: &Database, report: &mut Integrity) {
    // A head that cannot be read is a finding already.
    let Ok(Some(newest)) = database.remembered() else { return };
    report.notices.extend(setup::noted(witnesses::told(&newest)));
    if !newest.has_quorum() {
        report.add(Finding::of_file(Flaw::HeadUncosigned, "latest", database.uncosigned_head(&newest)));
    }
}

/// Judges what is kept beside a log: the remembered head first, where `log` has not done so, since the others are held to it.
fn kept(layers: &Layers, stored: &Stored, has_log: bool, report: &mut Integrity) -> Result<(), Fault> {
    if !has_log {
        let options = stored.remembered(layers)?;
        verify::remembered(&stored.policy, &options, report);
        verify::cosigned_without_log(&stored.policy, &options, report);
    }
    verify::evidence(&stored.folder.log(&stored.name)?, &stored.policy, report)?;
    let cache = stored.folder.cache(&stored.name)?;
    match stored.database.remembered() {
        Ok(Some(head)) if verify::has_cache(cache.dir()) => {
            // A log has a head of its own, or none yet.
            if !has_log {
                report.head = Some(Head::of(&head));
            }
            verify::cached(&cache, &head, report)
        }
        // What is wrong with the head is a finding by now.
        _ => Ok(()),
    }
}

/// How modules are checked, and what is wrong with the settings that say which are private.
fn module_options(args: &VerifyArgs, layers: &Layers) -> Result<(Option<ModuleOptions>, Vec<Notice>), Fault> {
    let checked = private_patterns(layers, &GoEnv::of_process())?;
    let private = Patterns::parse(&checked.patterns);
    Ok((
        Some(ModuleOptions { threads: args.threads, private, ..ModuleOptions::default() }),
        setup::warned(checked.warnings),
    ))
}

fn log(args: &VerifyArgs, layers: &Layers, stored: &Stored, plan: &Plan, bar: &Bar) -> Result<Integrity, Fault> {
    let (coverage, pace, resume) = (plan.coverage, plan.pace.clone(), plan.resume.clone());
    let options = VerifyOptions { coverage, pace, resume, ..stored.options(args, layers)? };
    let show = |done: u64, total: u64| {
        let [done, total] = [done, total].map(|count| usize::try_from(count).unwrap_or(usize::MAX));
        bar.show("records", done, total);
    };
    let mut report = verify::log(&stored.folder.log(&stored.name)?, &stored.name, &stored.policy, &options, &show)?;
    if let Some(caught) = &report.misbehaviour {
        let known = KnownHeads::read(stored.folder.root(), &GoEnv::of_process(), &stored.name, &stored.policy);
        report.notices.extend(known.origin(&caught.evidence));
    }
    Ok(report)
}

/// The report on a data folder without a log and without modules.
fn nothing_stored(stored: &Stored) -> Integrity {
    let mut report = Integrity::new(&stored.name);
    let text = format!(
        "{} holds no full log of {} and no modules yet: `gosumcheck sync` and `gosumcheck serve` store them there",
        stored.folder.root().display(),
        stored.name
    );
    report.notices.push(Notice { level: Level::Note, text });
    report
}

/// A report that says why there is no log in it.
fn without_log(args: &VerifyArgs, stored: &Stored) -> Integrity {
    let mut report = Integrity::new(&stored.name);
    if !args.no_log {
        let text = "no full log is held here: the modules are compared with the stored answers; `gosumcheck sync` brings the log";
        report.notices.push(Notice { level: Level::Note, text: text.to_owned() });
    }
    report
}

fn print(args: &VerifyArgs, report: &mut Integrity) -> Result<u8, Fault> {
    let texts = report.findings.iter_mut().map(|finding| &mut finding.what);
    texts.chain(report.notices.iter_mut().map(|notice| &mut notice.text)).for_each(|text| *text = plain(text));
    let printed = tell(|out| match args.format.as_str() {
        "json" => report.write_json(out),
        "junit" => report.write_junit(out),
        _ => report.write_text(std::io::stdout().is_terminal(), out),
    });
    Ok(worst(&[report.exit_code(), code_of(printed)]))
}
