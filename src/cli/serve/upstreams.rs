//! Other upstreams, credentials and private patterns while the server runs.

use super::reload::{Change, Part};
use super::{databases, modules};
use crate::config::settings::{Settings, UPSTREAM_SETTINGS, rows};
use crate::fault::Fault;
use crate::proxy::Proxy;
use crate::store::Folder;
use crate::sumdb::module::Patterns;

/// The upstreams of modules, their credentials, and what is private, as a part of a reload. The checksum database keeps its sources:
/// where these would be others, that needs a restart, and so does a module proxy that is switched on or off.
pub(super) fn part(proxy: Option<Proxy>, folder: Folder) -> Part {
    let prepare = move |old: &Settings, new: &Settings| {
        let names: Vec<&str> = changed(old, new).collect();
        if names.is_empty() {
            return Ok(None);
        }
        let Some(proxy) = proxy.clone().filter(|_| !new.proxy.is_off()) else {
            return Err(Fault::Usage("needs a restart: proxy is off, or was".to_owned()));
        };
        if let Some(source) = databases::other_source(old, new)? {
            let why = format!(
                "needs a restart: {source} is, or was, asked for the checksum database too, and these sources are not changed by a reload"
            );
            return Err(Fault::Usage(why));
        }
        let (upstreams, policy) = (modules::upstreams(new, &folder)?, modules::policy(new, &folder)?);
        let private = Patterns::parse(&new.private);
        // The routes of rules have credentials too.
        let apply = move || proxy.set_upstreams(upstreams, &private, policy);
        Ok(Some(Change { what: names.join(", "), apply: Box::new(apply) }))
    };
    let own = [rows::proxy.name, rows::private_proxy.name, rows::private.name, "upstreams"];
    let settings = own.into_iter().chain(UPSTREAM_SETTINGS.iter().map(|setting| setting.name)).collect();
    Part { settings, prepare: Box::new(prepare) }
}

/// The names of what differs.
fn changed<'a>(old: &Settings, new: &Settings) -> impl Iterator<Item = &'a str> {
    let each = [
        (rows::proxy.name, old.proxy != new.proxy),
        (rows::private_proxy.name, old.private_proxy != new.private_proxy),
        ("upstreams", old.upstreams != new.upstreams),
        (rows::private.name, old.private != new.private),
    ];
    each.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name)
}
