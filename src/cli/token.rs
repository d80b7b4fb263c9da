//! `gosumcheck token`: tokens that a server accepts, made, listed and revoked. A running server notices each change.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};

use super::output::{say, tell};
use super::settings::{SettingArgs, Takes};
use crate::access::{NewToken, StoredToken, TokenFile};
use crate::config::settings::{self, Action, Layers, SETTINGS, Setting, rows, token_file};
use crate::config::units;
use crate::fault::Fault;
use crate::report::printable;

pub(super) const EXIT_CODES: &str = "\
The file holds names, scopes and SHA-256 hashes, and no token. A running server reads it again within two seconds of a change.

Exit codes:
  0  done
  2  wrong usage, or a file that could not be read or written";

/// For which time a token is valid, if nothing is said.
const DEFAULT_LIFE: &str = "90d";
/// For ever.
const NEVER: &str = "never";

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub(super) enum Token {
    /// Make a token and print it, once: it is kept nowhere
    #[command(after_help = EXIT_CODES)]
    Create(CreateArgs),
    /// List the tokens: name, id, when it ends, and what it is for
    #[command(after_help = EXIT_CODES)]
    List(FileArgs),
    /// Revoke a token, by its name or id
    #[command(after_help = EXIT_CODES)]
    Revoke(RevokeArgs),
}

/// A new token.
#[derive(Debug, Args)]
pub(super) struct CreateArgs {
    /// Its name, which rules, groups and refusals use
    name: String,
    /// Let it do this: read, page, metrics or admin. Repeatable
    #[arg(long = "may", value_name = "ACTION", default_value = "read", value_parser = ["read", "page", "metrics", "admin"])]
    may: Vec<String>,
    /// Let it read only modules that match these patterns, as in GOPRIVATE. Repeatable [default: all modules]
    #[arg(long = "module", value_name = "PATTERNS")]
    modules: Vec<String>,
    /// Refuse it after this time, such as 12h, 30d or 52w; "never" for no end
    #[arg(long, value_name = "DURATION", default_value = DEFAULT_LIFE)]
    expires: String,
    #[command(flatten)]
    file: FileArgs,
}

/// A token to revoke.
#[derive(Debug, Args)]
pub(super) struct RevokeArgs {
    /// Its name or id
    #[arg(value_name = "NAME|ID")]
    token: String,
    #[command(flatten)]
    file: FileArgs,
}

/// Which file.
#[derive(Debug, Args)]
pub(super) struct FileArgs {
    /// Read settings from this file [env: GOSUMCHECK_CONFIG] [default: gosumcheck/gosumcheck.toml in the user's configuration
    /// folder, if it exists]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: SettingArgs<TokenPlace>,
}

/// The settings that say where the file is.
#[derive(Debug)]
struct TokenPlace;

impl Takes for TokenPlace {
    fn takes(setting: &Setting) -> bool {
        [rows::data.name, rows::access_tokens.name].contains(&setting.name)
    }
}

/// Runs the command; gives the exit code.
pub(super) fn run(what: &Token) -> Result<u8, Fault> {
    match what {
        Token::Create(args) => create(args)?,
        Token::List(args) => list(&args.file()?)?,
        Token::Revoke(args) => {
            let revoked = args.file.file()?.revoke(&args.token)?;
            say(&format!("revoked: {} ({}); a running server refuses it within two seconds", revoked.name, revoked.id));
        }
    }
    Ok(0)
}

impl FileArgs {
    fn file(&self) -> Result<TokenFile, Fault> {
        let environment = |name: &str| std::env::var(name).ok();
        let layers = self.settings.over(Layers::read(SETTINGS, self.config.as_deref(), environment)?);
        Ok(TokenFile::at(&token_file(&layers, environment)?))
    }
}

fn create(args: &CreateArgs) -> Result<(), Fault> {
    let now = Timestamp::now();
    let expires = if args.expires == NEVER { None } else { Some(end(&args.expires, now)?) };
    let mut may = args.may.clone();
    may.dedup();
    let modules = args.modules.iter().flat_map(|list| list.split(',')).filter(|pattern| !pattern.is_empty());
    let modules: Vec<String> = modules.map(str::to_owned).collect();
    if !modules.is_empty() {
        settings::patterns(&modules.join(",")).map_err(|why| Fault::Usage(format!("--module: {why}")))?;
        if !may.iter().any(|word| word == Action::Read.as_str()) {
            return Err(Fault::Usage("--module is for --may read: the other actions are about no module".to_owned()));
        }
    }
    let secret = args.file.file()?.create(NewToken { name: args.name.clone(), may, modules, expires }, now)?;
    tell(|out| writeln!(out, "{secret}"))?;
    say("this token is not shown again; go sends it as the password of netrc, of a URL, or by GOAUTH (docs/access.md)");
    Ok(())
}

fn end(text: &str, now: Timestamp) -> Result<Timestamp, Fault> {
    let wrong = |why: String| Fault::Usage(format!("--expires: {why}; or {NEVER}"));
    let life = units::duration(text).map_err(wrong)?;
    let seconds = i64::try_from(life.as_secs()).unwrap_or(i64::MAX);
    let end = now.checked_add(SignedDuration::from_secs(seconds)).map_err(|_| wrong("too long".to_owned()))?;
    // Whole seconds are what people read.
    Ok(Timestamp::from_second(end.as_second()).unwrap_or(end))
}

fn list(file: &TokenFile) -> Result<(), Fault> {
    let (tokens, now) = (file.read()?, Timestamp::now());
    tell(|out| {
        tokens.iter().try_for_each(|token| {
            let StoredToken { name, id, may, modules, expires, .. } = token;
            let end = expires.map_or_else(|| NEVER.to_owned(), |end| end.to_string());
            let expired = if expires.is_some_and(|end| end <= now) { " EXPIRED" } else { "" };
            let modules = if modules.is_empty() { "all modules".to_owned() } else { modules.join(",") };
            let what = format!("{name:24} {id:10} {end:20}{expired} {}: {modules}", may.join(","));
            writeln!(out, "{}", printable(&what))
        })
    })
}
