//! The arguments of `gosumcheck verify`.

use std::num::NonZero;
use std::path::PathBuf;

use clap::Args;

use super::super::help::POLICY;
use super::super::settings::{SettingArgs, help, value_name};
use super::Sources;
use crate::config::Sumdb;
use crate::config::settings::{Layers, Setting, rows};

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Checksum database, as in GOSUMDB: NAME or a verifier key NAME+HASH+KEY
    #[arg(long, value_name = "GOSUMDB")]
    pub(super) sumdb: Option<String>,
    #[arg(long, value_name = value_name(&rows::data), help = help(&rows::data))]
    pub(super) data: Option<PathBuf>,
    /// Output format: text, json or junit
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = ["text", "json", "junit"])]
    pub(super) format: String,
    /// Skip the full log
    #[arg(long)]
    pub(super) no_log: bool,
    /// Skip the modules that `serve` stored, the files that it refused, and its journal
    #[arg(long, conflicts_with = "no_log")]
    pub(super) no_modules: bool,
    /// Check modules that match these patterns, as in GONOSUMDB, against their first download; "none" for no module
    /// [env: GOSUMCHECK_PRIVATE] [default: as for serve]
    #[arg(long, value_name = value_name(&rows::private), conflicts_with = "no_modules")]
    pub(super) private: Option<String>,
    /// Read the settings that `serve` has too from this file: private modules, upstreams, [verify] [env: GOSUMCHECK_CONFIG]
    /// [default: gosumcheck/gosumcheck.toml in the user's configuration folder, if it exists]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    #[arg(long, value_name = value_name(&rows::policy), help = POLICY)]
    pub(super) policy: Option<PathBuf>,
    /// Verify what was cosigned last with the key in this file too, as for `serve` [env: GOSUMCHECK_COSIGN]
    #[arg(long, value_name = value_name(&rows::cosign), conflicts_with = "no_log")]
    pub(super) cosign: Option<PathBuf>,
    /// Append what this run did and found to DATA/verify/journal.jsonl, see `gosumcheck journal`
    #[arg(long)]
    pub(super) record: bool,
    /// Note in DATA/verify how far the run has come, and go on from where one that was killed had come to
    #[arg(long)]
    pub(super) resume: bool,
    /// Cover only what is new since the last recorded run: new records, and module files that changed. A run after one with findings is
    /// complete
    #[arg(long, value_name = "RUN", value_parser = ["last"], requires = "record")]
    pub(super) since: Option<String>,
    /// Cover what is new since the last recorded run and this share of the rest, in turn, such as 5%; without --record, the first such
    /// share [setting: verify.sample]
    #[arg(long, value_name = "PERCENT", conflicts_with = "since")]
    pub(super) sample: Option<String>,
    /// With --since or --sample, cover everything at least once in this time; 0 for never [default: 30d] [setting: verify.full_every]
    #[arg(long, value_name = "DURATION")]
    pub(super) full_every: Option<String>,
    /// Cover everything, whatever the settings say
    #[arg(long, conflicts_with_all = ["since", "sample"])]
    pub(super) full: bool,
    /// Read at most this much per second, such as 20MiB, and let all other work go first [setting: verify.max_rate]
    #[arg(long, value_name = "RATE")]
    pub(super) max_rate: Option<String>,
    /// Sign the entry of --record with the key in this file, PRIVATE+KEY+..., as `journal verify --key` checks it
    /// [setting: verify.sign_key]
    #[arg(long, value_name = "FILE")]
    pub(super) sign_key: Option<PathBuf>,
    /// Also write the outcome to FILE as metrics, for the textfile collector of Prometheus' node exporter
    #[arg(long, value_name = "FILE")]
    pub(super) metrics: Option<PathBuf>,
    /// Send a message about a run that found something, or could not tell, to this URL: a POST of JSON [setting: verify.notify]
    #[arg(long, value_name = "URL")]
    pub(super) notify_webhook: Vec<String>,
    /// The same by e-mail, through sendmail
    #[arg(long, value_name = "ADDRESS")]
    pub(super) notify_mail: Vec<String>,
    /// The same to the standard input of this command, which sh runs
    #[arg(long, value_name = "COMMAND")]
    pub(super) notify_command: Vec<String>,
    /// File with the key of the HMAC-SHA256 that authenticates messages to webhooks [setting: verify.notify_key]
    #[arg(long, value_name = "FILE")]
    pub(super) notify_key: Option<PathBuf>,
    /// Send a message where all is well, too: one line [setting: verify.notify_always]
    #[arg(long)]
    pub(super) notify_always: bool,
    /// Repair what can be repaired: damaged parts are derived or fetched again, proven, and put in place; the damaged bytes are kept
    /// in DATA/refused
    #[arg(long)]
    pub(super) repair: bool,
    #[command(flatten)]
    pub(super) sources: SettingArgs<Sources>,
    /// Skip the index: no proof depends on it, and it takes about as long as the log
    #[arg(long)]
    pub(super) no_index: bool,
    /// Ask every upstream of `proxy`, also behind a comma, for the public modules that this run covers, and report those that have other
    /// bytes than the log recorded, and versions that were moved or are gone [setting: verify.ask_upstreams]
    #[arg(long, conflicts_with = "no_modules")]
    pub(super) ask_upstreams: bool,
    /// Number of hashing threads [default: one per processor]
    #[arg(long, value_name = "N")]
    pub(super) threads: Option<NonZero<usize>>,
}

impl VerifyArgs {
    /// What the arguments say of settings, over what was said before.
    pub(super) fn over(&self, layers: Layers) -> Layers {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let named = |scheme: &str, targets: &[String]| {
            targets.iter().map(|target| format!("{scheme}{target}")).collect::<Vec<_>>()
        };
        let targets = [
            named("", &self.notify_webhook),
            named("mailto:", &self.notify_mail),
            named("command:", &self.notify_command),
        ];
        let layers = self.sources.over(layers);
        let sumdb = self.databases(&layers);
        layers
            .flag(&rows::data, path(&self.data))
            .flag(&rows::sumdb, sumdb)
            .flag(&rows::private, self.private.clone())
            .flag(&rows::cosign, path(&self.cosign))
            .flag_named("--max-rate", &rows::verify_max_rate, self.max_rate.clone())
            .flag_named("--sample", &rows::verify_sample, self.sample.clone())
            .flag_named("--full-every", &rows::verify_full_every, self.full_every.clone())
            .flag_named("--ask-upstreams", &rows::verify_ask_upstreams, self.ask_upstreams.then(|| "true".to_owned()))
            .flag_named("--notify-webhook, --notify-mail or --notify-command", &rows::verify_notify, targets.concat())
            .flag_named("--notify-key", &rows::verify_notify_key, path(&self.notify_key))
            .flag_named("--sign-key", &rows::verify_sign_key, path(&self.sign_key))
            .flag_named("--notify-always", &rows::verify_notify_always, self.notify_always.then(|| "true".to_owned()))
    }
    /// The database that `--sumdb` names, and where heads are pinned those of the settings, whose they may be. None where it names none.
    fn databases(&self, layers: &Layers) -> Vec<String> {
        let Some(given) = &self.sumdb else { return Vec::new() };
        let has = |setting: &Setting| !layers.texts(setting).is_empty();
        if !has(&rows::pin_head) || has(&rows::sumdb_url) {
            return vec![given.clone()];
        }
        let named = |text: &str| match Sumdb::parse(text) {
            Ok(Sumdb::On { name, .. }) => Some(name),
            _ => None,
        };
        let own = named(given);
        let is_other = |text: &String| named(text).is_some_and(|name| Some(name) != own);
        std::iter::once(given.clone()).chain(layers.texts(&rows::sumdb).into_iter().filter(is_other)).collect()
    }
}
