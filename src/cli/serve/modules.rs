//! The module proxy, as the settings want it.

use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;

use super::reload::{Change, Part};
use crate::config::settings::{ReadAhead, RulesFile, Settings, Upstream, rows};
use crate::config::{self, ProxyList};
use crate::fault::Fault;
use crate::proxy::{ModulePolicy, Proxy, ProxyLimits, ProxyOptions, ReadAheadLimits, StoreLimits, Upstreams};
use crate::relay::Relay;
use crate::rules::RuleAction;
use crate::store::Folder;
use crate::sumdb::module::Patterns;
use crate::sumdb::number::wide;
use crate::upstream::{self, Base, Bounds, Direct, DirectAccess, DirectSettings, Proxies, ProxyEntry, ProxyPlace};

/// The proxy; none where `proxy` is off. `relay` tells the hashes.
pub(super) fn open(
    settings: &Settings,
    folder: &Folder,
    relay: Relay,
    private: &Patterns,
    limits: ProxyLimits,
) -> Result<Option<Proxy>, Fault> {
    if settings.proxy.is_off() {
        return Ok(None);
    }
    let upstreams = upstreams(settings, folder)?;
    let policy = policy(settings, folder)?;
    let proxy = Proxy::within(folder, relay, upstreams, options(settings, private), limits)?;
    proxy.set_policy(policy);
    Ok(Some(proxy))
}

/// How a proxy behaves with these settings.
pub(super) fn options(settings: &Settings, private: &Patterns) -> ProxyOptions {
    ProxyOptions {
        private: private.clone(),
        on_mismatch: settings.on_mismatch,
        freshness: settings.freshness,
        stale: settings.stale,
        negative: settings.negative,
        threads: std::thread::available_parallelism().map_or(1, NonZero::get),
    }
}

/// The limits of a proxy for one command, which knows what it needs, with `at_once` downloads: nothing is read ahead.
pub(super) fn limits_of_command(settings: &Settings, at_once: usize) -> ProxyLimits {
    let limits = ProxyLimits::default();
    let downloads = Bounds { running: at_once, longest_wait: limits.deadline, ..limits.downloads };
    let read_ahead = ReadAheadLimits { mode: ReadAhead::Off, ..limits.read_ahead };
    ProxyLimits { downloads, read_ahead, store: store_limits(settings), ..limits }
}

/// The upstreams, without those of routes.
pub(super) fn upstreams(settings: &Settings, folder: &Folder) -> Result<Upstreams, Fault> {
    let no_private = settings.private_proxy.entries().len() == 0;
    let private = || proxies(settings, folder, &settings.private_proxy, Whose::Private);
    let private = if no_private { None } else { Some(private()?) };
    Ok(Upstreams { public: proxies(settings, folder, &settings.proxy, Whose::Public)?, private })
}

/// The rules and the upstreams of their routes, as the settings have them: all of it, or an error. A proxy that runs takes the
/// result by [`Proxy::set_policy`].
///
/// # Errors
/// `Usage`, `Unavailable`: an upstream of a route cannot be used as the settings say.
pub(super) fn policy(settings: &Settings, folder: &Folder) -> Result<Arc<ModulePolicy>, Fault> {
    let RulesFile { name, rules, .. } = &settings.rules_file;
    let mut routes = Vec::new();
    for (number, list) in settings.rules_file.routes() {
        let is_public = rules
            .iter()
            .nth(number)
            .is_some_and(|rule| matches!(rule.action, RuleAction::Route { is_public: true, .. }));
        let whose = if is_public { Whose::Public } else { Whose::Private };
        routes.push((number, proxies(settings, folder, list, whose)?));
    }
    Ok(Arc::new(ModulePolicy { name: name.clone(), rules: rules.clone(), routes, is_dry_run: settings.dry_run }))
}

/// The rules as a part of a reload. The file is read each time, so that a wrong line is said.
pub(super) fn policy_part(proxy: Option<Proxy>, folder: Folder) -> Part {
    let prepare = move |old: &Settings, new: &Settings| {
        let is_same = (&old.rules_file, old.dry_run) == (&new.rules_file, new.dry_run);
        let Some(proxy) = proxy.clone().filter(|_| !is_same) else { return Ok(None) };
        let policy = policy(new, &folder)?;
        let what = format!("{} module rules", new.rules_file.rules.iter().count());
        Ok(Some(Change { what, apply: Box::new(move || proxy.set_policy(policy)) }))
    };
    Part { settings: vec![rows::rules.name, rows::dry_run.name], prepare: Box::new(prepare) }
}

/// The proxies of public modules alone.
pub(super) fn public(settings: &Settings, folder: &Folder) -> Result<Proxies, Fault> {
    proxies(settings, folder, &settings.proxy, Whose::Public)
}

/// How much a server with these settings stores.
pub(in crate::cli) fn store_limits(settings: &Settings) -> StoreLimits {
    let Settings { store_max_size: max_size, store_max_disk: max_disk, .. } = *settings;
    let checks_per_hour = wide(settings.store_checks);
    let scrub = settings.store_scrub.map(|period| (period, settings.store_scrub_rate));
    StoreLimits { max_size, max_disk, checks_per_hour, scrub }
}

/// Which modules a list is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Public,
    Private,
}

/// How `direct` runs the go command. Private modules are fetched with this user's keys; strangers name the public ones, which
/// are fetched without, from public addresses alone.
fn direct(go: PathBuf, settings: &Settings, folder: &Folder, whose: Whose) -> Direct {
    let defaults = DirectSettings::below(&folder.root().join("tmp"));
    let access = match whose {
        Whose::Public => {
            tracing::info!("direct: clients choose which public hosts are asked; https to public addresses alone");
            defaults.access
        }
        Whose::Private => {
            tracing::info!(
                "direct: private modules are fetched with this user's ssh keys, agent and git configuration"
            );
            DirectAccess::Private { home: std::env::var_os("HOME").map(PathBuf::from) }
        }
    };
    let direct = Direct::new(go, DirectSettings { access, private: settings.private.clone(), ..defaults });
    if !folder.reads_only() {
        direct.sweep();
    }
    direct
}

/// The entries of a list; offline, only folders.
fn proxies(settings: &Settings, folder: &Folder, list: &ProxyList, whose: Whose) -> Result<Proxies, Fault> {
    let mut entries = Vec::new();
    for (url, falls_back) in list.entries() {
        let place = match url {
            "off" => ProxyPlace::Off,
            "direct" if settings.offline => continue,
            "direct" => match Direct::find() {
                Some(go) => ProxyPlace::Direct(direct(go, settings, folder, whose)),
                None => {
                    tracing::info!("direct: there is no go command here, so repositories are not asked");
                    continue;
                }
            },
            url => {
                let base = Base::parse(url)?;
                if settings.offline && !base.is_tree() {
                    continue;
                }
                let (base, asked) = asked(settings, base, settings.upstream(url))?;
                ProxyPlace::Base(base, asked)
            }
        };
        entries.push(ProxyEntry { place, falls_back });
    }
    Ok(Proxies::new(entries))
}

/// A base, and the manners with which it is asked.
pub(super) fn asked(
    settings: &Settings,
    base: Base,
    upstream: Option<&Upstream>,
) -> Result<(Base, upstream::Settings), Fault> {
    let netrc = config::netrc_file(|name| std::env::var(name).ok());
    let request_rate = settings.request_rate.and_then(|rate| NonZero::new(u32::try_from(rate).ok()?));
    let (concurrency, defaults) = (settings.jobs, upstream::Settings::default());
    let mut asked = upstream::Settings { concurrency, request_rate, netrc, ..defaults };
    let Some(upstream) = upstream else { return Ok((base, asked)) };
    asked.connect = upstream.connect_timeout.unwrap_or(asked.connect);
    asked.silence = upstream.first_byte_timeout.unwrap_or(asked.silence);
    asked.file_total = upstream.file_timeout.unwrap_or(asked.file_total);
    asked.concurrency = upstream.concurrency.unwrap_or(asked.concurrency);
    asked.tries = upstream.tries.unwrap_or(asked.tries);
    if let Some(token) = &upstream.bearer {
        asked.access = asked.access.bearer(&base, token.reveal())?;
    }
    if let Some((name, password)) = upstream.login() {
        asked.access = asked.access.basic(&base, name, password.reveal())?;
    }
    if let Some(file) = &upstream.ca {
        asked.access = asked.access.certificates(file)?;
    }
    if let Some(url) = &upstream.via {
        asked.access = asked.access.proxy(url)?;
    }
    Ok((base, asked))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::config::settings::{UPSTREAM_SETTINGS, rows};
    use crate::config::units;

    #[test]
    fn the_table_of_upstream_settings_tells_their_defaults() {
        let default = |name: &str| UPSTREAM_SETTINGS.iter().find(|setting| setting.name == name).unwrap().default;
        let duration = |name: &str| units::duration(default(name)).unwrap();
        let used = crate::upstream::Settings::default();
        assert_eq!(duration("connect_timeout"), used.connect);
        assert_eq!(duration("first_byte_timeout"), used.silence);
        assert_eq!(duration("file_timeout"), used.file_total);
        assert_eq!(default("tries"), used.tries.to_string());
        assert_eq!(default("concurrency"), rows::jobs.name);
    }
}
