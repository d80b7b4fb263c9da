//! The command line: arguments, help texts, and one function a command. Findings go to standard output, everything
//! else to standard error; its outcome becomes the exit code.

mod audit;
mod check;
mod doctor;
mod env;
mod explain;
mod generate;
mod heads;
mod help;
mod index;
mod journal;
mod key;
mod known_heads;
mod lookup;
mod output;
mod pins;
mod prefetch;
mod progress;
mod run;
mod serve;
mod settings;
mod setup;
mod spelling;
mod store;
mod sync;
mod token;
mod transfer;
mod verify;
mod witnesses;
mod words;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::audit::look::Look;
use crate::config::settings::{MAX_JOBS, MAX_RATE, rows};
use crate::report::Format;
use help::{
    AUDIT_EXIT_CODES, EVIDENCE_EXIT_CODES, EXCLUDE, EXIT_CODES, INDEX_EXIT_CODES, LOOKUP_EXIT_CODES, SERVE_EXIT_CODES,
    VERIFY_EXIT_CODES,
};
use output::complain;
use settings::{default_text, help, plain_help, value_name};
use verify::VerifyArgs;

const EXAMPLES: &str = "\
Examples:
  gosumcheck audit                           check every line of ./go.sum
  gosumcheck audit ~/src                     check every go.sum, Go program and vendor folder below a folder
  gosumcheck audit --format sarif > a.sarif  write a report for code scanning; also json and junit
  gosumcheck run -- go build ./...           build with modules that are proven as they arrive
  gosumcheck lookup rsc.io/quote@v1.5.2      print the proven go.sum lines of a module version
  gosumcheck sync --follow 5m                keep a full, proven copy of the database up to date
  gosumcheck prefetch go.sum                 bring what a build needs before it starts
  gosumcheck serve                           serve proven modules and checksums to go commands";

/// Verifies Go modules against the checksum database, from the log's public key up. It trusts no mirror, so any mirror will do.
#[derive(Debug, Parser)]
#[command(name = "gosumcheck", version, after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"), max_term_width = 100)]
#[command(propagate_version = true, subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

// `defer`: the arguments of a command are made when it is the one that runs; those of all take a millisecond.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
enum Command {
    /// Prove go.sum files, Go programs, vendor folders and SBOMs against the checksum database
    #[command(after_help = AUDIT_EXIT_CODES)]
    Audit(AuditArgs),
    /// Run a command, such as go build, with a proving module proxy of its own
    #[command(after_help = run::EXIT_CODES)]
    Run(Box<run::RunArgs>),
    /// Say what protects the modules on this machine and what does not, and how to mend it
    #[command(after_help = doctor::EXIT_CODES)]
    Doctor(doctor::DoctorArgs),
    /// Print the settings that point the go command of this shell at a server
    #[command(after_help = env::EXIT_CODES)]
    Env(env::EnvArgs),
    /// Print the proven go.sum lines of module versions
    #[command(after_help = LOOKUP_EXIT_CODES)]
    Lookup(LookupArgs),
    /// Download a complete, proven copy of the checksum database, and keep it up to date
    #[command(after_help = sync::EXIT_CODES)]
    Sync(sync::SyncArgs),
    /// Serve modules and the checksum database to go commands, and nothing that is not proven
    #[command(after_help = SERVE_EXIT_CODES)]
    Serve(Box<serve::ServeArgs>),
    #[command(flatten)]
    Transfer(transfer::TransferCommand),
    /// Make, list and revoke tokens that a server accepts
    #[command(subcommand, after_help = token::EXIT_CODES)]
    Token(token::Token),
    /// Say what a server does about module versions, and why: rules, upstreams, records, what is held
    #[command(after_help = explain::EXIT_CODES)]
    Explain(Box<explain::ExplainArgs>),
    /// Re-verify everything stored, the full log and the modules, and locate any damage
    #[command(after_help = VERIFY_EXIT_CODES)]
    Verify(VerifyArgs),
    /// List the accepted signed heads with when they were first seen, and compare those of others with them
    #[command(subcommand, after_help = heads::EXIT_CODES)]
    Heads(heads::Heads),
    /// Check or list the record of verifications
    #[command(subcommand, after_help = journal::EXIT_CODES)]
    Journal(journal::Journal),
    /// Make keys that sign, and show their verifier keys
    #[command(subcommand, after_help = key::EXIT_CODES)]
    Key(key::Key),
    /// Show what the module store holds and why, pin modules in it, and remove others
    #[command(subcommand, after_help = store::EXIT_CODES)]
    Store(store::StoreCommand),
    /// Check a proof file that `audit --proof` wrote, without network access
    #[command(after_help = AUDIT_EXIT_CODES)]
    VerifyProof(check::VerifyProofArgs),
    /// Bring the index of the full log up to date, and show how many records it covers
    #[command(after_help = INDEX_EXIT_CODES)]
    Index(index::IndexArgs),
    /// Check evidence that a log signed two histories (a saved report, or go's SECURITY ERROR), without network access
    #[command(after_help = EVIDENCE_EXIT_CODES)]
    VerifyEvidence(check::VerifyEvidenceArgs),
    /// Write man pages, shell completions or the reference page of the settings
    #[command(subcommand, hide = true)]
    Generate(generate::Generate),
}

/// Which checksum database, and where to ask it. Options that are not given follow the go command: the environment, then the file
/// that `go env -w` writes, then the defaults of the installed Go.
#[derive(Debug, Args)]
struct DatabaseArgs {
    /// Checksum database, as in GOSUMDB: NAME, a verifier key NAME+HASH+KEY, or "NAME-or-KEY URL"
    #[arg(long, value_name = "GOSUMDB")]
    sumdb: Option<String>,
    #[arg(long, value_name = value_name(&rows::sumdb_url), help = plain_help(&rows::sumdb_url))]
    sumdb_url: Vec<String>,
    /// What --sumdb-url was called
    #[arg(long, value_name = "URL", hide = true, conflicts_with = "sumdb_url")]
    upstream: Vec<String>,
    /// Do not ask about modules that match these patterns, as in GONOSUMDB; "none" exempts no module [default: GONOSUMDB,
    /// else GOPRIVATE]
    #[arg(long, value_name = "PATTERNS")]
    private: Option<String>,
    #[arg(long, value_name = value_name(&rows::data), help = help(&rows::data))]
    data: Option<PathBuf>,
    #[arg(long, value_name = value_name(&rows::policy), help = plain_help(&rows::policy))]
    policy: Option<PathBuf>,
    #[arg(long, value_name = value_name(&rows::distributors), help = plain_help(&rows::distributors))]
    distributor: Vec<String>,
    #[arg(long, value_name = value_name(&rows::pin_head), help = plain_help(&rows::pin_head))]
    pin_head: Vec<PathBuf>,
    #[arg(long, help = plain_help(&rows::offline))]
    offline: bool,
    #[arg(long, value_name = value_name(&rows::jobs), help = plain_help(&rows::jobs))]
    #[arg(default_value = default_text(&rows::jobs), value_parser = clap::value_parser!(u16).range(1..=MAX_JOBS.into()))]
    jobs: u16,
    #[arg(long, value_name = value_name(&rows::request_rate), help = plain_help(&rows::request_rate))]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=MAX_RATE.into()))]
    request_rate: Option<u32>,
}

#[derive(Debug, Args)]
struct AuditArgs {
    /// go.sum or go.work.sum files, programs that Go built, vendor folders, SBOMs, folders to search for all of these, or -
    /// for standard input [default: ./go.sum]
    #[arg(value_name = "PATH")]
    paths: Vec<String>,
    /// Hash every zip, .mod file and unpacked module of the go command's module cache, and prove those instead [default DIR:
    /// GOMODCACHE]
    #[arg(long, value_name = "DIR", num_args = 0..=1, conflicts_with = "paths")]
    modcache: Option<Option<PathBuf>>,
    /// Take every PATH for this, whatever it looks like, and search folders for nothing else: go-sum, go-program, build-info, vendor,
    /// cyclonedx or spdx
    #[arg(long = "as", value_name = "KIND", conflicts_with = "modcache")]
    look: Option<Look>,
    /// Prove each line that a go.sum had in any commit of the git repository PATH [default: .], and say who carried a wrong one
    #[arg(long, value_name = "REV-RANGE", num_args = 0..=1, conflicts_with_all = ["modcache", "look"])]
    history: Option<Option<String>>,
    #[arg(long, value_name = "PATTERN", help = EXCLUDE, conflicts_with = "modcache")]
    exclude: Vec<String>,
    /// Output format: text, json, sarif or junit
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
    /// Show every line, not only those that need attention
    #[arg(long, short)]
    verbose: bool,
    /// Also write an inclusion proof of every module version to FILE, to be checked with `gosumcheck verify-proof`
    #[arg(long, value_name = "FILE")]
    proof: Option<PathBuf>,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, Args)]
struct LookupArgs {
    /// Module versions, such as golang.org/x/text@v0.3.0
    #[arg(value_name = "MODULE@VERSION", required = true)]
    modules: Vec<String>,
    /// Also print, as comments, between which two accepted heads each record appeared, and when these were first seen here
    #[arg(long)]
    first_seen: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// Runs one command; its outcome is the exit code.
pub fn run(cli: Cli) -> ExitCode {
    let outcome = match cli.command {
        Command::Audit(args) => audit::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Env(args) => env::run(&args),
        Command::Lookup(args) => lookup::run(&args),
        Command::Sync(args) => sync::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Transfer(command) => transfer::run(&command),
        Command::Token(what) => token::run(&what),
        Command::Explain(args) => explain::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Heads(command) => heads::run(&command),
        Command::Journal(command) => journal::run(&command),
        Command::Key(command) => key::run(&command),
        Command::Store(command) => store::run(&command),
        Command::VerifyProof(args) => check::proof(&args),
        Command::Index(args) => index::run(&args),
        Command::VerifyEvidence(args) => check::evidence(&args),
        Command::Generate(what) => generate::run(&what),
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(fault) => {
            complain(&fault);
            ExitCode::from(fault.exit_code())
        }
    }
}
