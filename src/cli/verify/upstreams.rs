//! `gosumcheck verify --ask-upstreams`: the module proxies of `serve` are asked for what is stored here.

use super::super::{serve, setup};
use super::{Stored, repair};
use crate::config::settings::Layers;
use crate::fault::Fault;
use crate::proxy::PublicSources;
use crate::report::Integrity;
use crate::sumdb::module::ModuleVersion;
use crate::verify::{self, ModuleOptions};

/// Asks the upstreams of `serve` for what is stored here of public modules, as the rules let them be asked.
pub(super) fn ask(
    layers: &Layers,
    stored: &Stored,
    modules: &ModuleOptions,
    report: &mut Integrity,
) -> Result<(), Fault> {
    let settings = repair::settings(layers)?;
    let (public, policy) = serve::public_proxies(&settings, &stored.folder)?;
    let sources = PublicSources::new(public, policy);
    let sources_of = |module: &ModuleVersion| sources.proxies(module);
    let work = verify::upstreams(&stored.folder, &stored.database, modules, &sources_of, report);
    setup::runtime()?.block_on(work);
    Ok(())
}
