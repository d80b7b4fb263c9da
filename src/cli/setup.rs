//! Makes the database of a command from its arguments and the go command's own settings.

mod runtime;

use std::num::NonZero;
use std::path::{Path, PathBuf};

pub(super) use runtime::{runtime, runtime_of};

use super::DatabaseArgs;
use super::known_heads::{self, KnownHeads};
use super::output::{complain, note, say};
use super::pins;
use super::witnesses;
use crate::config::private::{self, NONE};
use crate::config::settings::{RENAMED, Renamed, rows};
use crate::config::{self, GoEnv, Sumdb};
use crate::database::Database;
use crate::fault::{Cause, Fault};
use crate::report::{Level, Notice};
use crate::store::head::Sighting;
use crate::store::{Folder, Log};
use crate::sumdb::checkpoint::{Checkpoint, Policy};
use crate::sumdb::module::Patterns;
use crate::sumdb::note::VerifierKey;
use crate::upstream::{Base, Candidate, Http, Settings, Upstreams, candidates};

/// Everything that a command needs to know about its database before the first request.
pub(super) struct Setup {
    /// the database's name, that of its key
    pub(super) name: String,
    /// the modules that it is not asked about
    pub(super) exempt: Patterns,
    /// settings that do not do what they seem to
    pub(super) notices: Vec<Notice>,
    /// the go command's module cache
    pub(super) mod_cache: Option<PathBuf>,
    go: GoEnv,
    policy: Policy,
    /// the URL of the database in GOSUMDB, which is used in place of any proxy
    url: Option<String>,
    sumdb_url: Vec<String>,
    /// heads that first contact is held to; none for the one that the program carries
    pins: Vec<Checkpoint>,
    data: PathBuf,
    /// where cosigned heads are fetched
    distributors: Vec<String>,
    /// whether there may be no requests
    offline: bool,
    jobs: usize,
    request_rate: Option<NonZero<u32>>,
    tries: usize,
}

/// Tries of one request of a command that works for hours: a source may be gone for a while.
const PATIENT_TRIES: usize = 6;

/// Reads settings; makes no request and writes nothing.
pub(super) fn prepare(args: &DatabaseArgs) -> Result<Setup, Fault> {
    let go = GoEnv::of_process();
    let (name, policy, url) = known(&go, args.sumdb.as_deref(), args.policy.as_deref())?;
    let data = match &args.data {
        Some(data) => data.clone(),
        None => config::data_folder(environment)?,
    };
    let (exempt, warnings) = exempt(&go, args.private.as_deref())?;
    let mut notices = warned(go.warnings().into_iter().chain(warnings));
    if !args.upstream.is_empty() {
        notices.extend(noted(RENAMED.iter().map(Renamed::flag_note)));
    }
    let pins = pinned(&args.pin_head, rows::pin_head.flag, &policy, &[])?;
    Ok(Setup {
        name,
        pins,
        exempt,
        notices,
        mod_cache: go.modcache(),
        go,
        policy,
        url,
        sumdb_url: args.sumdb_url.iter().chain(&args.upstream).cloned().collect(),
        data,
        distributors: args.distributor.clone(),
        offline: args.offline,
        jobs: usize::from(args.jobs),
        request_rate: args.request_rate.and_then(NonZero::new),
        tries: Settings::default().tries,
    })
}

/// What checks of files need without requests: the name of the database, the policy for signatures, the exempt modules, and
/// what is wrong with the settings that say so.
pub(super) fn offline(
    sumdb: Option<&str>,
    policy: Option<&Path>,
    private: Option<&str>,
) -> Result<(String, Policy, Patterns, Vec<Notice>), Fault> {
    let go = GoEnv::of_process();
    let (name, policy, _) = known(&go, sumdb, policy)?;
    let (exempt, warnings) = exempt(&go, private)?;
    Ok((name, policy, exempt, warned(warnings)))
}

/// Warnings as notices.
pub(super) fn warned(texts: impl IntoIterator<Item = String>) -> Vec<Notice> {
    texts.into_iter().map(|text| Notice { level: Level::Warning, text }).collect()
}

/// Remarks as notices.
pub(super) fn noted(texts: impl IntoIterator<Item = String>) -> Vec<Notice> {
    texts.into_iter().map(|text| Notice { level: Level::Note, text }).collect()
}

/// Where a database is stored: its name, whose signature counts, and the data folder. There are no requests.
pub(super) fn kept_at(sumdb: Option<&str>, data: Option<&PathBuf>) -> Result<(String, Policy, Folder), Fault> {
    let (name, policy, _) = known(&GoEnv::of_process(), sumdb, None)?;
    let data = data.map_or_else(|| config::data_folder(environment), |data| Ok(data.clone()))?;
    Ok((name, policy, Folder::open(&data)?))
}

/// A database from what the data folder holds of it. The folder is only read, and there are no requests.
pub(super) fn looked_at(
    sumdb: Option<&str>,
    policy: Option<&Path>,
    data: Option<&PathBuf>,
) -> Result<(String, Policy, Folder, Database), Fault> {
    let (name, policy, _) = known(&GoEnv::of_process(), sumdb, policy)?;
    let data = data.map_or_else(|| config::data_folder(environment), |data| Ok(data.clone()))?;
    let folder = Folder::look(&data)?;
    let nobody = Upstreams::new(Http::new(Settings::default()), Vec::new());
    let database = Database::open(&folder, &name, policy.clone(), nobody, 1)?;
    Ok((name, policy, folder, database))
}

impl Setup {
    /// The database with its sources. Makes no request: only what is not stored here is asked for, and only then is a proxy asked
    /// whether it relays the database.
    pub(super) fn database(&self) -> Result<Database, Fault> {
        self.database_by(&[])
    }

    /// The same, where these proxies, which say that they relay the database, are asked before those in GOPROXY.
    pub(super) fn database_by(&self, relays: &[String]) -> Result<Database, Fault> {
        let named = self.named();
        if self.offline {
            let named = named.iter().map(|url| Base::parse(url)).collect::<Result<Vec<_>, _>>()?;
            let trees = named.into_iter().filter(Base::is_tree).chain(self.own_tree()?);
            return self.open(Upstreams::new(self.http(), trees.collect()));
        }
        let list = self.go.proxies()?;
        let list = list.entries().map(|(entry, _)| entry).collect();
        let http = self.http();
        let relays = relays.iter().map(String::as_str).collect();
        let found = candidates(&self.name, &named, &[relays, list])?;
        let found: Vec<(Candidate, Http)> = found.into_iter().map(|candidate| (candidate, http.clone())).collect();
        self.open(Upstreams::found(found, !named.is_empty()))
    }

    /// The URLs that were named as the database's.
    fn named(&self) -> Vec<String> {
        if self.sumdb_url.is_empty() { self.url.iter().cloned().collect() } else { self.sumdb_url.clone() }
    }

    /// For a command that works for hours.
    pub(super) fn patient(self) -> Setup {
        Setup { tries: PATIENT_TRIES, ..self }
    }

    /// The full log of the database, complete or not.
    pub(super) fn log(&self) -> Result<Log, Fault> {
        Folder::open(&self.data)?.log(&self.name)
    }

    /// When the accepted heads were first seen.
    pub(super) fn sightings(&self) -> Result<Vec<Sighting>, Fault> {
        Folder::look(&self.data)?.head(&self.name)?.sightings()
    }

    /// Requests to one source at once, at most.
    pub(super) fn jobs(&self) -> usize {
        self.jobs
    }

    /// The data folder.
    pub(super) fn data(&self) -> &Path {
        &self.data
    }

    fn http(&self) -> Http {
        let netrc = config::netrc_file(environment);
        let (concurrency, request_rate, tries) = (self.jobs, self.request_rate, self.tries);
        Http::new(Settings { concurrency, request_rate, netrc, tries, ..Settings::default() })
    }

    fn open(&self, upstreams: Upstreams) -> Result<Database, Fault> {
        let folder = Folder::open(&self.data)?;
        let database = Database::open(&folder, &self.name, self.policy.clone(), upstreams, self.jobs)?;
        let distributors = witnesses::distributors(&self.distributors, rows::distributors.flag, |_| Ok(self.http()))?;
        let database = pins::hold(database.witnessed_by(distributors), self.pins.clone());
        Ok(if self.offline { database.offline() } else { database })
    }

    /// Our own store as a source, so that messages name it for what is missing. It has to exist for that;
    /// where it cannot be made there is no source.
    fn own_tree(&self) -> Result<Option<Base>, Fault> {
        let cache = Folder::open(&self.data)?.cache(&self.name)?;
        let _ = cache.create();
        Ok(cache.dir().is_dir().then(|| Base::tree(cache.dir())))
    }

    /// Who cosigned the remembered head, and when, where the policy needs witnesses.
    pub(super) fn cosigned(&self, database: &Database) -> Option<String> {
        let newest = || database.remembered().ok().flatten();
        if self.policy.least_cosignatures() == 0 { None } else { newest().as_ref().and_then(witnesses::told) }
    }

    /// The head that the go command remembers, and the file it is in.
    pub(super) fn go_head(&self) -> Option<(PathBuf, Vec<u8>)> {
        known_heads::go_head(&self.go, &self.name)
    }

    /// Says why something could not be done, and of a fork where its heads are; gives the exit code.
    pub(super) fn complain(&self, fault: &Fault) -> u8 {
        match fault.cause() {
            Some(Cause::Upstream | Cause::TimedOut) => say(&format!("{fault}; {}", self.other_source())),
            _ => complain(fault),
        }
        note(self.known_heads().origin_of(fault));
        fault.exit_code()
    }

    /// What to do where no source answers.
    pub(super) fn other_source(&self) -> &'static str {
        if self.named().is_empty() {
            "name another source with --sumdb-url, or a proxy that relays the database in GOPROXY"
        } else {
            "name another source with --sumdb-url"
        }
    }

    /// The signed heads on this machine, and where they are.
    pub(super) fn known_heads(&self) -> KnownHeads<'_> {
        KnownHeads::read(&self.data, &self.go, &self.name, &self.policy)
    }
}

/// The heads in `files` of the log whose key `policy` has; others may be of the databases that these texts name, as settings have them.
pub(super) fn pinned(
    files: &[PathBuf],
    place: &str,
    policy: &Policy,
    databases: &[String],
) -> Result<Vec<Checkpoint>, Fault> {
    let key = |text: &String| match Sumdb::parse(text) {
        Ok(Sumdb::On { key, .. }) => Some(*key),
        _ => None,
    };
    let others: Vec<VerifierKey> = databases.iter().filter_map(key).collect();
    policy.log_key().map_or(Ok(Vec::new()), |key| pins::read(files, place, key, &others))
}

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The database's name, the policy for its heads, and the URL that came with its name.
fn known(go: &GoEnv, argument: Option<&str>, policy: Option<&Path>) -> Result<(String, Policy, Option<String>), Fault> {
    match argument.map_or_else(|| go.sumdb(), Sumdb::parse)? {
        Sumdb::Off => Err(Fault::Usage(Sumdb::OFF_MEANS.to_owned())),
        Sumdb::On { name, key, url } => Ok((name, witnesses::policy(policy, rows::policy.flag, &key)?, url)),
    }
}

/// The modules that are not asked about: those of `--private`, else those that go does not ask about. With what is wrong with go's
/// settings.
fn exempt(go: &GoEnv, argument: Option<&str>) -> Result<(Patterns, Vec<String>), Fault> {
    match argument {
        Some(NONE) => Ok((Patterns::default(), Vec::new())),
        Some(list) => {
            private::check(list).map_err(|why| Fault::Usage(format!("--private is {list:?}: {why}")))?;
            Ok((Patterns::parse(list), Vec::new()))
        }
        None => {
            let checked = private::of_go(&[go.private()]);
            Ok((Patterns::parse(&checked.patterns), checked.warnings))
        }
    }
}
