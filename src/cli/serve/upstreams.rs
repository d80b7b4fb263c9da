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
        let said =
            |of: &Settings| (of.proxy.clone(), of.private_proxy.clone(), of.upstreams.clone(), of.private.clone());
        let (before, after) = (said(old), said(new));
        if before == after {
            return Ok(None);
        }
        let is_off = |of: &Settings| of.proxy.entries().next().is_none_or(|(first, _)| first == "off");
        let Some(proxy) = proxy.clone().filter(|_| !is_off(new)) else {
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
        let names = [
            (rows::proxy.name, before.0 != after.0),
            (rows::private_proxy.name, before.1 != after.1),
            ("upstreams", before.2 != after.2),
            (rows::private.name, before.3 != after.3),
        ];
        let names: Vec<&str> = names.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect();
        let apply = move || {
            proxy.set_upstreams(upstreams, &private);
            // The routes of rules have credentials too.
            proxy.set_policy(policy);
        };
        Ok(Some(Change { what: names.join(", "), apply: Box::new(apply) }))
    };
    let own = [rows::proxy.name, rows::private_proxy.name, rows::private.name, "upstreams"];
    let settings = own.into_iter().chain(UPSTREAM_SETTINGS.iter().map(|setting| setting.name)).collect();
    Part { settings, prepare: Box::new(prepare) }
}
