//! The command line: arguments, help texts, and one function a command. What a command finds is told on standard output, all
//! else on standard error; its outcome becomes the exit code.

mod audit;
mod check;
mod index;
mod lookup;
mod output;
mod progress;
mod serve;
mod settings;
mod setup;
mod sync;
mod verify;
mod words;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::report::Format;
use output::complain;

/// Requests in flight unless told otherwise: enough to hide the latency of a far server, few enough to be polite.
const JOBS: u16 = 32;

const EXIT_CODES: &str = "\
Exit codes:
  0  all proven
  1  findings: something is not what the log says
  2  could not tell: wrong usage, a dead network, a full disk, a source that sent nonsense
  3  the log itself misbehaved: it signed two histories
Where several apply: 3, then 1, then 2.";

const EVIDENCE_EXIT_CODES: &str = "\
Exit codes:
  2  it is no evidence, or it could not be read
  3  the evidence holds: the log misbehaved";

const INDEX_EXIT_CODES: &str = "\
The index tells which record is about a module version. It is derived from the mirror and decides nothing.

Exit codes:
  0  the index is up to date
  1  so it is, and the log has new records that it should not have: a module version twice, or no module version at all
  2  the index or the mirror could not be read or written";

const SERVE_EXIT_CODES: &str = "\
Point go at it:
  go env -w GOPROXY=http://127.0.0.1:3000 GOSUMDB=\"sum.golang.org http://127.0.0.1:3000\"

Exit codes:
  0  stopped because it was told to; --check-config: the settings are sound
  2  a wrong setting, an address that is taken, a data folder that cannot be read";

const EXAMPLES: &str = "\
Examples:
  gosumcheck audit                           is every line of ./go.sum what the world was given?
  gosumcheck audit ~/src                     every go.sum and go.work.sum below a folder
  gosumcheck audit --format sarif > a.sarif  for code scanning; also json and junit
  gosumcheck lookup rsc.io/quote@v1.5.2      the proven go.sum lines of a module version
  gosumcheck sync --follow 5m                hold a proven copy of the whole database, and keep it new";

/// Proves what the Go checksum database says, from its public key up. No mirror is trusted, so any mirror will do.
#[derive(Debug, Parser)]
#[command(name = "gosumcheck", version, after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"), max_term_width = 100)]
#[command(propagate_version = true, subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prove every line of go.sum files against the checksum database
    #[command(after_help = EXIT_CODES)]
    Audit(AuditArgs),
    /// Print the proven go.sum lines of module versions
    #[command(after_help = EXIT_CODES)]
    Lookup(LookupArgs),
    /// Hold a complete, proven copy of the checksum database
    #[command(after_help = sync::EXIT_CODES)]
    Sync(sync::SyncArgs),
    /// Serve modules and the checksum database to go commands: nothing that is not proven
    #[command(after_help = SERVE_EXIT_CODES)]
    Serve(Box<serve::ServeArgs>),
    /// Judge all that is stored again from its bytes, the full mirror and the modules, and find out what is damaged
    #[command(after_help = EXIT_CODES)]
    Verify(VerifyArgs),
    /// Check a proof file that `audit --proof` wrote, without any network
    #[command(after_help = EXIT_CODES)]
    VerifyProof(VerifyProofArgs),
    /// Show how far the index of a full mirror goes, and bring it up to date
    #[command(after_help = INDEX_EXIT_CODES)]
    Index(IndexArgs),
    /// Check a report that a log signed two histories (ours or the go command's SECURITY ERROR), without any network
    #[command(after_help = EVIDENCE_EXIT_CODES)]
    VerifyEvidence(VerifyEvidenceArgs),
}

/// Which checksum database, and where to ask it. Unset options follow the go command: the environment, then the file that
/// `go env -w` writes, then the defaults of the installed Go.
#[derive(Debug, Args)]
struct DatabaseArgs {
    /// The database, as in GOSUMDB: NAME, a verifier key NAME+HASH+KEY, or "NAME-or-KEY URL"
    #[arg(long, value_name = "GOSUMDB")]
    sumdb: Option<String>,
    /// Ask here, and nowhere else: an http, https or file URL that has /lookup and /tile. Repeatable; asked in order
    #[arg(long, value_name = "URL")]
    upstream: Vec<String>,
    /// Never ask about modules that match these patterns, as in GONOSUMDB; "none" exempts nothing
    #[arg(long, value_name = "PATTERNS")]
    private: Option<String>,
    /// Keep the proven answers and the remembered tree head here [default: GOSUMCHECK_DATA, else the user's data folder]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Ask nobody: use what the data folder and file:// upstreams hold
    #[arg(long)]
    offline: bool,
    /// Requests in flight at most
    #[arg(long, value_name = "N", default_value_t = JOBS, value_parser = clap::value_parser!(u16).range(1..=512))]
    jobs: u16,
}

#[derive(Debug, Args)]
struct AuditArgs {
    /// go.sum or go.work.sum files, folders to search for them (not inside vendor or .git), or - for standard input
    /// [default: ./go.sum]
    #[arg(value_name = "PATH")]
    paths: Vec<String>,
    /// Hash every zip and .mod of the go command's module cache again, and prove those [default DIR: GOMODCACHE]
    #[arg(long, value_name = "DIR", num_args = 0..=1, conflicts_with = "paths")]
    modcache: Option<Option<PathBuf>>,
    /// How to tell what was found: text, json, sarif or junit
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
    /// Tell of every line, not only of those that need attention
    #[arg(long, short)]
    verbose: bool,
    /// Also write an inclusion proof for every module version, that others can check with `gosumcheck verify-proof`
    #[arg(long, value_name = "FILE")]
    proof: Option<PathBuf>,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, Args)]
struct LookupArgs {
    /// Module versions, as in `golang.org/x/text@v0.3.0`
    #[arg(value_name = "MODULE@VERSION", required = true)]
    modules: Vec<String>,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, Args)]
struct VerifyArgs {
    /// The database, as in GOSUMDB: NAME or a verifier key
    #[arg(long, value_name = "GOSUMDB")]
    sumdb: Option<String>,
    /// The data folder; nothing in it is changed, and a server may use it meanwhile [default: GOSUMCHECK_DATA, else the
    /// user's data folder]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// How to tell what was found: text or json
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = ["text", "json"])]
    format: String,
    /// Leave out the full mirror
    #[arg(long)]
    no_log: bool,
    /// Leave out the modules that `serve` has stored, what it refused, and its journal
    #[arg(long, conflicts_with = "no_log")]
    no_modules: bool,
    /// Judge modules that match these patterns, as in GONOSUMDB, by what they were when they were first fetched; "none" for
    /// no modules [default: as for serve]
    #[arg(long, value_name = "PATTERNS", conflicts_with = "no_modules")]
    private: Option<String>,
    /// Read the private patterns of `serve` from this file [default: gosumcheck/gosumcheck.toml in the user's configuration
    /// folder, if it is there]
    #[arg(long, value_name = "FILE", conflicts_with = "no_modules")]
    config: Option<PathBuf>,
    /// Do not compare the index, which decides nothing and takes about as long again
    #[arg(long)]
    no_index: bool,
    /// Threads that hash [default: as many as there are processors]
    #[arg(long, value_name = "N")]
    threads: Option<std::num::NonZero<usize>>,
}

#[derive(Debug, Args)]
struct VerifyProofArgs {
    /// The proof file, as `audit --proof` wrote it
    file: PathBuf,
    /// go.sum files whose lines must all be proven by it; folders and - as for audit
    #[arg(value_name = "PATH")]
    gosum: Vec<String>,
    /// The database, as in GOSUMDB: NAME or a verifier key
    #[arg(long, value_name = "GOSUMDB")]
    sumdb: Option<String>,
    /// Leave out modules that match these patterns, as in GONOSUMDB
    #[arg(long, value_name = "PATTERNS")]
    private: Option<String>,
    /// How to tell what was found: text, json, sarif or junit
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
    /// Tell of every line, not only of those that need attention
    #[arg(long, short)]
    verbose: bool,
}

#[derive(Debug, Args)]
struct VerifyEvidenceArgs {
    /// The report: the file that an audit saved, or any text that holds go's SECURITY ERROR
    file: PathBuf,
    /// The database, as in GOSUMDB: NAME or a verifier key
    #[arg(long, value_name = "GOSUMDB")]
    sumdb: Option<String>,
}

#[derive(Debug, Args)]
struct IndexArgs {
    /// Make it anew, whatever there is
    #[arg(long)]
    rebuild: bool,
    /// The database, as in GOSUMDB: NAME or a verifier key
    #[arg(long, value_name = "GOSUMDB")]
    sumdb: Option<String>,
    /// The data folder that the mirror is in [default: GOSUMCHECK_DATA, else the user's data folder]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Runs one command; its outcome is the exit code.
pub fn run(cli: Cli) -> ExitCode {
    let outcome = match cli.command {
        Command::Audit(args) => audit::run(&args),
        Command::Lookup(args) => lookup::run(&args),
        Command::Sync(args) => sync::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::VerifyProof(args) => check::proof(&args),
        Command::Index(args) => index::run(&args),
        Command::VerifyEvidence(args) => check::evidence(&args),
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(fault) => {
            complain(&fault);
            ExitCode::from(fault.exit_code())
        }
    }
}
