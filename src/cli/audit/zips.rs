//! The proven zips of the modules that vendor folders name: out of the data folder, else the go command's module cache, else the
//! module proxies of GOPROXY, as `gosumcheck serve` has them. What is fetched is stored, and there the next time.

use std::fs::File;
use std::path::Path;

use futures_util::StreamExt as _;

use super::super::progress::Bar;
use super::super::serve;
use super::super::setup::{self, Setup};
use super::AuditArgs;
use crate::audit::Claims;
use crate::audit::vendor::Vendor;
use crate::config::settings::{Layers, Settings, rows};
use crate::config::{GoEnv, ProxyList};
use crate::fault::Fault;
use crate::proxy::{Denied, Mode, Proxy, ProxyAnswer};
use crate::report::Verdict;
use crate::sumdb::goproxy::ModuleRequest;
use crate::sumdb::gosum::Kind;
use crate::sumdb::module::ModuleVersion;

/// Zips that are fetched at a time; each takes an open file until it is compared.
pub(super) const AT_ONCE: usize = 16;

/// The claims of vendor folders.
///
/// # Errors
/// What ends the whole work: wrong settings, this machine's disk, a log that misbehaved.
pub(super) fn claims(args: &AuditArgs, setup: &Setup, vendors: Vec<Vendor>, bar: &Bar) -> Result<Vec<Claims>, Fault> {
    if vendors.is_empty() {
        return Ok(Vec::new());
    }
    setup::runtime()?.block_on(async {
        let proxy = proxy(args, setup, setup.mod_cache.as_deref())?;
        let mut claims = Vec::new();
        for mut vendor in vendors {
            let wanted = vendor.wanted(&setup.exempt);
            let total = wanted.len();
            let ask = |module: ModuleVersion| async {
                let zip = zip(proxy.as_ref(), &module).await;
                (module, zip)
            };
            let mut zips = futures_util::stream::iter(wanted.into_iter().map(ask)).buffer_unordered(AT_ONCE);
            let mut done = 0;
            while let Some((module, zip)) = zips.next().await {
                done += 1;
                bar.show("vendored modules compared", done, total);
                vendor.add(&module, zip?, super::threads());
            }
            drop(zips);
            claims.push(vendor.claims(&setup.exempt));
        }
        Ok(claims)
    })
}

/// The module proxy over the data folder, which asks this module cache before all others.
pub(super) fn proxy(args: &AuditArgs, setup: &Setup, cache: Option<&Path>) -> Result<Option<Proxy>, Fault> {
    let database = &args.database;
    let go = GoEnv::of_process();
    let flags = Layers::default()
        .flag(&rows::data, [setup.data().display().to_string()])
        .flag(&rows::sumdb, database.sumdb.clone())
        .flag(&rows::sumdb_url, database.sumdb_url.iter().chain(&database.upstream).cloned())
        .flag(&rows::pin_head, database.pin_head.iter().map(|path| path.display().to_string()))
        .flag(&rows::private, database.private.clone())
        .flag(&rows::offline, database.offline.then(|| "true".to_owned()))
        .flag(&rows::jobs, [database.jobs.to_string()])
        .flag(&rows::proxy, [upstreams(cache, &go.proxies()?)]);
    let settings = Settings::of(&flags, &go, |name| std::env::var(name).ok())?;
    serve::proxy(&settings, AT_ONCE)
}

/// The module cache, and behind it the proxies.
fn upstreams(cache: Option<&Path>, proxies: &ProxyList) -> String {
    let cache = cache.iter().map(|cache| cache.join("cache/download")).filter(|cache| cache.is_dir());
    let mut list: Vec<String> = cache.map(|cache| format!("file://{}|", cache.display())).collect();
    let usable = proxies.entries().filter(|(entry, _)| !["off", "direct", "noproxy"].contains(entry));
    list.extend(usable.map(|(entry, falls_back)| format!("{entry}{}", if falls_back { "|" } else { "," })));
    let list = list.concat();
    let list = list.trim_end_matches(['|', ',']);
    if list.is_empty() { "off".to_owned() } else { list.to_owned() }
}

/// The proven zip of a module, or why there is none.
pub(super) async fn zip(proxy: Option<&Proxy>, module: &ModuleVersion) -> Result<Result<File, Verdict>, Fault> {
    let unavailable = |why: String| Ok(Err(Verdict::Unavailable { why: format!("its zip: {why}") }));
    let Some(proxy) = proxy else { return unavailable("there is nobody to fetch it from (GOPROXY=off)".to_owned()) };
    match proxy.answer(&ModuleRequest::File(module.clone(), Kind::Zip), Mode::default()).await {
        Ok(ProxyAnswer::File(admitted)) => match admitted.file().try_clone() {
            Ok(file) => Ok(Ok(file)),
            Err(error) => unavailable(error.to_string()),
        },
        Ok(ProxyAnswer::Unproven(_) | ProxyAnswer::Text(_)) => {
            unavailable("no upstream has bytes that are what the record says".to_owned())
        }
        Err(Denied::Refused(_, lines)) => {
            let (by, why) = ("the module's sources".to_owned(), lines.join(" "));
            Ok(Err(Verdict::Refused { by, why }))
        }
        Err(Denied::NotFound(why) | Denied::NotCached(why)) => unavailable(why),
        Err(Denied::Fault(fault)) if fault.is_disk() || matches!(fault, Fault::Forked { .. }) => Err(fault),
        Err(Denied::Fault(fault)) => unavailable(fault.to_string()),
    }
}
