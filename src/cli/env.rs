//! `gosumcheck env`: the settings that point the go command of a shell at a server, for that shell to evaluate.

use clap::{Args, ValueEnum};

use super::output::tell;
use crate::config::{GoEnv, Sumdb};
use crate::fault::Fault;
use crate::sumdb::printable::is_invisible;
use crate::upstream::Base;

pub(super) const EXIT_CODES: &str = "\
Use it from a shell:
  eval \"$(gosumcheck env http://127.0.0.1:3000)\"                        sh, bash, zsh
  gosumcheck env --shell fish http://127.0.0.1:3000 | source             fish
  gosumcheck env --shell powershell URL | Out-String | Invoke-Expression PowerShell

Exit codes:
  0  the settings are printed; the server was not asked
  2  wrong usage";

/// The server where nothing else is said, as `serve` listens.
const DEFAULT_URL: &str = "http://127.0.0.1:3000";

#[derive(Debug, Args)]
pub(super) struct EnvArgs {
    /// URL of the server
    #[arg(value_name = "URL", default_value = DEFAULT_URL)]
    url: String,
    /// Shell that is to read it
    #[arg(long, value_name = "SHELL", default_value = "sh")]
    shell: Shell,
    /// Checksum database that the server has, as in GOSUMDB: NAME or a verifier key NAME+HASH+KEY [default: GOSUMDB, else
    /// sum.golang.org]
    #[arg(long, value_name = "GOSUMDB")]
    sumdb: Option<String>,
    /// Print what takes these settings back instead
    #[arg(long)]
    unset: bool,
}

/// How a shell sets variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shell {
    /// sh, bash, zsh and other POSIX shells
    Sh,
    /// fish
    Fish,
    /// PowerShell
    Powershell,
}

/// Runs the command; gives the exit code.
pub(super) fn run(args: &EnvArgs) -> Result<u8, Fault> {
    let url = args.url.trim_end_matches('/');
    let breaks = |character: char| matches!(character, ',' | '|' | ' ') || is_invisible(character);
    if Base::parse(url)?.is_tree() || url.contains(breaks) {
        return Err(Fault::Usage(format!("{url}: should be the http or https URL of a server")));
    }
    let sumdb = args.sumdb.as_deref().map_or_else(|| GoEnv::of_process().sumdb(), Sumdb::parse)?;
    let Sumdb::On { name, key, .. } = sumdb else { return Err(Fault::Usage(Sumdb::OFF_MEANS.to_owned())) };
    // A name that go knows stands for its key.
    let known = matches!(Sumdb::parse(&name), Ok(Sumdb::On { key: other, .. }) if other == key);
    let database = if known { name } else { key.to_string() };
    let variables = [("GOPROXY", url.to_owned()), ("GOSUMDB", format!("{database} {url}"))];
    tell(|out| {
        variables.iter().try_for_each(|(variable, value)| {
            let value = (!args.unset).then_some(value.as_str());
            writeln!(out, "{}", args.shell.line(variable, value))
        })
    })?;
    Ok(0)
}

impl Shell {
    /// The line that sets a variable, or takes it back.
    fn line(self, variable: &str, value: Option<&str>) -> String {
        match (self, value) {
            (Shell::Sh, Some(value)) => format!("export {variable}='{}'", value.replace('\'', r"'\''")),
            (Shell::Sh, None) => format!("unset {variable}"),
            (Shell::Fish, Some(value)) => {
                format!("set -gx {variable} '{}'", value.replace('\\', r"\\").replace('\'', r"\'"))
            }
            (Shell::Fish, None) => format!("set -e {variable}"),
            (Shell::Powershell, Some(value)) => format!("$env:{variable} = '{}'", value.replace('\'', "''")),
            (Shell::Powershell, None) => format!("Remove-Item Env:{variable} -ErrorAction SilentlyContinue"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_does_not_end_a_value() {
        for (shell, line) in [
            (Shell::Sh, r"export A='it'\''s \x'"),
            (Shell::Fish, r"set -gx A 'it\'s \\x'"),
            (Shell::Powershell, r"$env:A = 'it''s \x'"),
        ] {
            assert_eq!(shell.line("A", Some(r"it's \x")), line);
        }
    }
}
