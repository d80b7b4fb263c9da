//! `gosumcheck explain`: what a server with these settings does about a module version, and why.

use std::path::PathBuf;

use clap::Args;

use super::output::{complain, tell, worst};
use super::settings::{SettingArgs, Takes};
use super::{serve, setup, spelling};
use crate::config::settings::{Setting, rows};
use crate::fault::Fault;
use crate::proxy::{Explanation, Proxy};
use crate::sumdb::module::ModuleVersion;

pub(super) const EXIT_CODES: &str = "\
Nobody is asked, and the data folder is only read: a server may use it at the same time. The settings are those of serve, and come \
from its file and its variables too. A running server answers the same below /explain/.

Exit codes:
  0  no module version is refused
  1  a module version is refused
  2  could not tell: wrong usage, or a failure of the disk
If several apply: 1, then 2.";

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// Module versions, such as golang.org/x/text@v0.3.0
    #[arg(value_name = "MODULE@VERSION", required = true)]
    modules: Vec<String>,
    /// Output format: text or json
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = ["text", "json"])]
    format: String,
    /// Read settings from this file [env: GOSUMCHECK_CONFIG] [default: gosumcheck/gosumcheck.toml in the user's configuration
    /// folder, if it exists]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: SettingArgs<Explaining>,
}

/// The settings that decide about modules.
#[derive(Debug)]
struct Explaining;

impl Takes for Explaining {
    fn takes(setting: &Setting) -> bool {
        let taken = [
            rows::data.name,
            rows::sumdb.name,
            rows::proxy.name,
            rows::private.name,
            rows::private_proxy.name,
            rows::rules.name,
            rows::dry_run.name,
        ];
        taken.contains(&setting.name)
    }
}

/// Runs the command; gives the exit code.
pub(super) fn run(args: &ExplainArgs) -> Result<u8, Fault> {
    let settings = args.settings.read(args.config.as_deref())?;
    let parse = |text: &String| {
        ModuleVersion::parse_at(text).map_err(|error| Fault::Usage(format!("{error}; {}", spelling::advice(text))))
    };
    let asked = args.modules.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
    let explained = setup::runtime()?.block_on(async {
        let proxy = serve::looking(&settings)?;
        let off = || Fault::Usage("this server serves no modules: the setting proxy is off".to_owned());
        explain(&proxy.ok_or_else(off)?, &asked).await
    })?;
    let is_json = args.format == "json";
    let printed = tell(|out| {
        explained.iter().enumerate().try_for_each(|(number, explanation)| match is_json {
            true => write!(out, "{}", explanation.to_json()),
            false => write!(out, "{}{explanation}", if number > 0 { "\n" } else { "" }),
        })
    });
    let refused = u8::from(explained.iter().any(Explanation::is_refused));
    Ok(worst(&[refused, printed.inspect_err(complain).map_or_else(|fault| fault.exit_code(), |()| 0)]))
}

async fn explain(proxy: &Proxy, asked: &[ModuleVersion]) -> Result<Vec<Explanation>, Fault> {
    let mut explained = Vec::new();
    for module in asked {
        explained.push(proxy.explain(module).await?);
    }
    Ok(explained)
}
