//! The module proxy of an import: over the data folder of the settings, with what is imported as its only upstream, also beside a
//! running server.

use std::path::Path;
use std::sync::Arc;

use super::{data_folder, databases, modules};
use crate::config::settings::{OnMismatch, RulesFile, Settings};
use crate::fault::Fault;
use crate::proxy::{ModulePolicy, Proxy, ProxyOptions, Upstreams};
use crate::relay::{Relay, RelayOptions};
use crate::sumdb::module::Patterns;
use crate::upstream::{Holding, Proxies, ProxyEntry, ProxyPlace};

/// The proxy. Where `sumdb` names a folder, that alone is asked about the database; else the sources that the settings name.
///
/// # Errors
/// `Usage`, `Unavailable`: the settings, or the disk.
pub(in crate::cli) fn importing(
    settings: &Settings,
    holding: &Holding,
    sumdb: Option<&Path>,
    with_private: bool,
    at_once: usize,
) -> Result<Proxy, Fault> {
    let private = Patterns::parse(&settings.private);
    let folder = data_folder(settings)?;
    let (name, database) = databases::of_folder(settings, &folder, sumdb)?;
    let options = RelayOptions { offline: settings.offline && sumdb.is_none(), private: private.clone() };
    let relay = Relay::new(database, folder.log(&name)?, options)?;
    let source = || Proxies::new(vec![ProxyEntry { place: ProxyPlace::Held(holding.clone()), falls_back: false }]);
    let upstreams = Upstreams { public: source(), private: with_private.then(source) };
    let options = ProxyOptions { on_mismatch: OnMismatch::Refuse, ..modules::options(settings, &private) };
    let limits = modules::limits_of_command(settings, at_once);
    let proxy = Proxy::beside(&folder, relay, upstreams, options, limits)?;
    // What a rule refuses is not taken over either. Wherever one routes a module to, here it comes from what is imported.
    let RulesFile { name, rules, .. } = &settings.rules_file;
    let routes = settings.rules_file.routes().map(|(number, _)| (number, source())).collect();
    let (name, rules, is_dry_run) = (name.clone(), rules.clone(), settings.dry_run);
    proxy.set_policy(Arc::new(ModulePolicy { name, rules, routes, is_dry_run }));
    Ok(proxy)
}
