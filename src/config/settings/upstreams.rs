//! `[upstreams."https://host/path"]` of gosumcheck.toml: how one entry of `proxy` or `private_proxy`, or one source of a checksum
//! database, is asked, and with which keys. Where a table says nothing, upstream's own defaults count.

use super::document::{SettingsFile, UpstreamTable};
use super::layers::Layers;
use super::table::Settings;
use super::upstream::Upstream;
use crate::config::sumdb::{ALIAS_URL, DEFAULT, redact};
use crate::config::{ProxyList, Sumdb};
use crate::fault::Fault;

/// Reads all tables into `settings`, and what `--check-config` shows of them.
///
/// # Errors
/// `Usage`: a value makes no sense, or no entry has the URL of a table; with its place.
pub(super) fn read(layers: &Layers, settings: &mut Settings) -> Result<(), Fault> {
    let Some(document) = layers.document() else { return Ok(()) };
    for table in document.tables() {
        let upstream = of_table(document, table)?;
        if settings.upstream(upstream.url()).is_some() {
            return Err(document.fault(&table.place, "this upstream has a table already"));
        }
        let entries = settings.proxy.entries().chain(settings.private_proxy.entries());
        let routes = settings.rules_file.routes().flat_map(|(_, list)| list.entries());
        // A flag or a variable that names others for one run does not make the file wrong.
        let is_list = |name: &str| matches!(name, "proxy" | "private_proxy" | "sumdb" | "sumdb_url");
        let overruled = settings.shown.iter().any(|(name, _, source)| is_list(name) && source.overrides_file());
        let relays = settings.go_proxies.entries();
        let is_asked =
            entries.chain(relays).chain(routes).any(|(url, _)| upstream.is(url)) || is_database(settings, &upstream);
        if !is_asked && !overruled {
            let why = "no entry of proxy or private_proxy is this URL, no route names it, and no database is asked there: this table would never be used";
            return Err(document.fault(&table.place, why));
        }
        for (setting, text, place) in &table.rows {
            settings.shown.push((setting.name, format!("{text} ({})", upstream.url()), document.source(place)));
        }
        settings.upstreams.push(upstream);
    }
    Ok(())
}

/// Whether a database is asked at this URL.
fn is_database(settings: &Settings, upstream: &Upstream) -> bool {
    let own = settings.sumdb.iter().filter_map(|sumdb| match sumdb {
        Sumdb::On { name, url, .. } => Some((format!("https://{name}"), url.as_deref(), name == DEFAULT)),
        Sumdb::Off => None,
    });
    let is_own = |(own, url, is_default): (String, Option<&str>, bool)| {
        upstream.is(&own) || url.is_some_and(|url| upstream.is(url)) || (is_default && upstream.is(ALIAS_URL))
    };
    own.into_iter().any(is_own) || settings.sumdb_url.iter().any(|url| upstream.is(url))
}

fn of_table(document: &SettingsFile, table: &UpstreamTable) -> Result<Upstream, Fault> {
    let mut upstream = Upstream::new(url(&table.url).map_err(|why| document.fault(&table.place, &why))?);
    for (setting, text, place) in &table.rows {
        let set = (setting.set)(&mut upstream, text);
        set.map_err(|why| document.fault(place, &format!("{}: {why}", setting.name)))?;
    }
    upstream.agree().map_err(|why| document.fault(&table.place, &why))?;
    Ok(upstream)
}

/// The URL as `ProxyList` writes its entries, without a slash at its end.
fn url(text: &str) -> Result<String, String> {
    let list = ProxyList::parse(text).map_err(|fault| fault.to_string())?;
    let mut entries = list.entries();
    match (entries.next(), entries.next()) {
        (Some(("direct" | "off", _)), _) | (None, _) | (_, Some(_)) => Err("not the URL of a module proxy".to_owned()),
        (Some((url, _)), None) if redact(url) != url => {
            Err("no password here: set username and password_file, or use netrc".to_owned())
        }
        (Some((url, _)), None) => Ok(url.trim_end_matches('/').to_owned()),
    }
}
