//! The databases that are served, as the settings want them: where they are asked, and how a full copy is kept up to date.

use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use super::memory::Memory;
use super::modules;
use crate::cli::{pins, witnesses};
use crate::config::settings::{Settings, rows};
use crate::config::{Sumdb, key_file};
use crate::database::Database;
use crate::fault::Fault;
use crate::relay::{Cosigner, HeadRoute, Relay, RelayOptions};
use crate::server::{ServedDatabase, SyncTask};
use crate::store::{Folder, Log};
use crate::sumdb::checkpoint::{Checkpoint, Policy};
use crate::sumdb::module::Patterns;
use crate::sumdb::note::{SignerKey, VerifierKey};
use crate::sumdb::redact::redact;
use crate::sync::{self, SyncOptions};
use crate::upstream::{Base, Candidate, Http, Settings as HttpSettings, Upstreams, candidates};

/// One database, ready to be served.
pub(super) fn open(
    settings: &Settings,
    folder: &Folder,
    sumdb: &Sumdb,
    private: &Patterns,
    memory: Memory,
) -> Result<ServedDatabase, Fault> {
    let Sumdb::On { name, .. } = sumdb else { return Err(Fault::Usage(Sumdb::OFF_MEANS.to_owned())) };
    let log = folder.log(name)?;
    let options = RelayOptions { offline: settings.offline, private: private.clone() };
    let relay = Relay::within(database(settings, folder, sumdb)?, log.clone(), options, memory.database)?;
    let is_first = settings.sumdb.first() == Some(sumdb);
    let routes = if is_first { routes(settings)? } else { Vec::new() };
    let scrub = settings.store_scrub.map(|period| (period, settings.store_scrub_rate));
    let served = ServedDatabase::new(relay, log.clone()).routed(routes, settings.head_interval).scrubbed(scrub);
    if !settings.mirror {
        return Ok(served);
    }
    let database = Arc::new(database(settings, folder, sumdb)?);
    let asking = Arc::clone(&database);
    let asked = Arc::new(move || (asking.upstreams().counts(), asking.upstreams().complaints()));
    Ok(served.synced(syncing(database, log, settings.jobs), settings.sync_interval, asked))
}

/// Has the heads of the first database cosigned, where the settings say so.
///
/// Of no other, and with one key only ever of one: a cosignature is over the text of a head, which names its log by the first line alone
/// (C2SP tlog-cosignature, tlog-checkpoint), and all checksum databases have the same, `go.sum database tree`. Heads of two databases
/// that one key cosigned would be two histories of one log, the very thing that a cosigner promises never to sign.
pub(super) fn cosign(settings: &Settings, folder: &Folder, served: &[ServedDatabase]) -> Result<(), Fault> {
    let (Some((signer, key)), Some(first)) = (cosigner(settings)?, served.first()) else { return Ok(()) };
    let (relay, vkey) = (first.relay(), signer.vkey());
    let head = folder.head(relay.name())?;
    if let Some(other) = head.cosigned_elsewhere(vkey.id())? {
        let why = format!(
            "the key of {} has cosigned heads of another database ({}), and heads of all checksum databases have the same first line: the two \
             would contradict each other. Make a key for {} with `gosumcheck key generate --kind cosignature`",
            vkey.name(),
            other.display(),
            relay.name()
        );
        return Err(Fault::Usage(why).set_at(&settings.place_of(&rows::cosign)));
    }
    let file = head.cosigned(vkey.id());
    relay.set_cosigner(Cosigner::new(signer, &key, file, folder.log(relay.name())?)?);
    tracing::info!("cosigning as {vkey}");
    Ok(())
}

/// The key that cosigns, and that of the log.
fn cosigner(settings: &Settings) -> Result<Option<(SignerKey, VerifierKey)>, Fault> {
    let (Some(path), Some(Sumdb::On { key, .. })) = (&settings.cosign, settings.sumdb.first()) else { return Ok(None) };
    let signer = key_file::read(path).map_err(|fault| fault.set_at(&settings.place_of(&rows::cosign)))?;
    Ok(Some((signer, key.as_ref().clone())))
}

/// Whether the policy, the pinned heads and the key that the settings name can be used.
pub(super) fn check(settings: &Settings) -> Result<(), Fault> {
    for sumdb in &settings.sumdb {
        if let Sumdb::On { key, .. } = sumdb {
            policy(settings, key)?;
            pinned(settings, key)?;
        }
    }
    witnesses::distributors(&settings.distributors, &settings.place_of(&rows::distributors), |_| {
        Ok(Http::new(HttpSettings::default()))
    })?;
    match cosigner(settings)? {
        Some((signer, _)) => Cosigner::check(&signer).map_err(|fault| fault.set_at(&settings.place_of(&rows::cosign))),
        None => Ok(()),
    }
}

/// The first database of the settings.
pub(super) fn first(settings: &Settings, folder: &Folder) -> Result<Database, Fault> {
    let sumdb = settings.sumdb.first().ok_or_else(|| Fault::Usage(Sumdb::OFF_MEANS.to_owned()))?;
    database(settings, folder, sumdb)
}

/// The name of the first database of the settings and the database, of which `tree`, where it is one, is the only source.
pub(super) fn of_folder(
    settings: &Settings,
    folder: &Folder,
    tree: Option<&Path>,
) -> Result<(String, Database), Fault> {
    let off = || Fault::Usage(Sumdb::OFF_MEANS.to_owned());
    let sumdb = settings.sumdb.first().ok_or_else(off)?;
    let Sumdb::On { name, key, .. } = sumdb else { return Err(off()) };
    let Some(tree) = tree else { return Ok((name.clone(), database(settings, folder, sumdb)?)) };
    let source = Upstreams::new(Http::new(HttpSettings::default()), vec![Base::tree(tree)]);
    let database = Database::open(folder, name, policy(settings, key)?, source, settings.jobs)?;
    Ok((name.clone(), held(settings, key, database)?))
}

/// A source that one of the databases has under the one settings and not under the others, or is asked otherwise under these.
pub(super) fn other_source(old: &Settings, new: &Settings) -> Result<Option<String>, Fault> {
    for sumdb in &old.sumdb {
        let (before, after) = (sources(old, sumdb)?, sources(new, sumdb)?);
        let urls = |of: &[Candidate]| of.iter().map(|candidate| candidate.url.clone()).collect::<Vec<_>>();
        let (before, after) = (urls(&before), urls(&after));
        let is_other = |place: usize| match (before.get(place), after.get(place)) {
            (Some(one), Some(other)) => one != other || old.upstream(one) != new.upstream(one),
            _ => true,
        };
        if let Some(place) = (0..before.len().max(after.len())).find(|place| is_other(*place)) {
            return Ok(after.get(place).or(before.get(place)).map(|url| redact(url)));
        }
    }
    Ok(None)
}

/// The places where a database is asked, in order: those that were named for it, else relays, which `--proxy` names first, then the
/// database itself.
fn sources(settings: &Settings, sumdb: &Sumdb) -> Result<Vec<Candidate>, Fault> {
    let Sumdb::On { name, url, .. } = sumdb else { return Err(Fault::Usage(Sumdb::OFF_MEANS.to_owned())) };
    let (named, place) = match settings.sumdb_url.as_slice() {
        [] => (url.as_slice(), &rows::sumdb),
        named => (named, &rows::sumdb_url),
    };
    named
        .iter()
        .try_for_each(|url| Base::parse(url).map(drop))
        .map_err(|fault| fault.set_at(&settings.place_of(place)))?;
    let lists = [&settings.proxy, &settings.go_proxies].map(|list| list.entries().map(|(entry, _)| entry).collect());
    let mut found = candidates(name, named, &lists)?;
    if settings.offline {
        found.retain(|candidate| candidate.base.is_tree());
    }
    Ok(found)
}

/// The database with its sources.
fn database(settings: &Settings, folder: &Folder, sumdb: &Sumdb) -> Result<Database, Fault> {
    let Sumdb::On { name, key, url } = sumdb else { return Err(Fault::Usage(Sumdb::OFF_MEANS.to_owned())) };
    let named = if settings.sumdb_url.is_empty() { url.as_slice() } else { settings.sumdb_url.as_slice() };
    let with_http = |candidate: Candidate| {
        let upstream = settings.upstream(&candidate.url);
        let (_, asked) = modules::asked(settings, candidate.base.clone(), upstream)?;
        Ok((candidate, Http::new(asked)))
    };
    let found = sources(settings, sumdb)?.into_iter().map(with_http).collect::<Result<Vec<_>, Fault>>()?;
    let upstreams = Upstreams::found(found, !named.is_empty());
    let distributors =
        witnesses::distributors(&settings.distributors, &settings.place_of(&rows::distributors), |base| {
            let (_, asked) = modules::asked(settings, base.clone(), None)?;
            Ok(Http::new(asked))
        })?;
    let database = Database::open(folder, name, policy(settings, key)?, upstreams, settings.jobs)?;
    let database = database.witnessed_by(distributors);
    let database = held(settings, key, database)?;
    Ok(if settings.offline { database.offline() } else { database })
}

/// The same database, which has this key, held to the heads that the settings pin.
fn held(settings: &Settings, key: &VerifierKey, database: Database) -> Result<Database, Fault> {
    Ok(pins::hold(database, pinned(settings, key)?))
}

/// The heads of the log with this key that the settings pin.
fn pinned(settings: &Settings, key: &VerifierKey) -> Result<Vec<Checkpoint>, Fault> {
    pins::read(&settings.pin_head, &settings.place_of(&rows::pin_head), key, &keys(settings))
}

/// What heads of the log with this key must carry.
fn policy(settings: &Settings, key: &VerifierKey) -> Result<Policy, Fault> {
    witnesses::policy(settings.policy.as_deref(), &settings.place_of(&rows::policy), key)
}

/// The keys of all databases of the settings.
fn keys(settings: &Settings) -> Vec<VerifierKey> {
    let key = |sumdb: &Sumdb| match sumdb {
        Sumdb::On { key, .. } => Some(key.as_ref().clone()),
        Sumdb::Off => None,
    };
    settings.sumdb.iter().filter_map(key).collect()
}

/// The other places that show heads of the first database.
pub(super) fn routes(settings: &Settings) -> Result<Vec<HeadRoute>, Fault> {
    let route = |url: &String| {
        let (_, asked) = modules::asked(settings, Base::parse(url)?, settings.upstream(url))?;
        Ok(HeadRoute { url: url.clone(), http: Http::new(asked) })
    };
    if settings.offline { Ok(Vec::new()) } else { settings.head_routes.iter().map(route).collect() }
}

/// What `--mirror` does in the background.
fn syncing(database: Arc<Database>, log: Log, jobs: usize) -> SyncTask {
    let said: Arc<Mutex<Vec<String>>> = Arc::default();
    Arc::new(move || {
        let (database, log, said) = (Arc::clone(&database), log.clone(), Arc::clone(&said));
        Box::pin(async move {
            let options = SyncOptions { to: None, jobs, limit_rate: None };
            let synced = sync::sync(&database, &log, &options, &|_| {}).await;
            let lacking = database.upstreams().without_data_tiles().into_iter();
            let lacking =
                lacking.map(|source| format!("{source} relays no data tiles; the next source is asked for them"));
            let synced = synced.inspect_err(|_| say_new(&said, lacking.clone()))?;
            say_new(&said, synced.complaints.iter().map(ToString::to_string).chain(lacking));
            let (new, all) = (synced.records, synced.tree.size);
            Ok((new > 0).then(|| format!("synced: {new} new records, {all} in all")))
        })
    })
}

/// Logs what was not logged before.
fn say_new(said: &Mutex<Vec<String>>, lines: impl Iterator<Item = String>) {
    let lines: Vec<String> = lines.collect();
    let mut said = said.lock();
    lines.iter().filter(|line| !said.contains(line)).for_each(|line| tracing::warn!("{line}"));
    *said = lines;
}
