//! The parts of a server for the length of one command: those that `serve` has, over the same data folder, without listeners,
//! access control or background work of its own.

use std::time::Duration;

use tempfile::TempDir;

use super::memory::Memory;
use super::{client_limits, data_folder, databases, modules, store_limits};
use crate::config::ProxyList;
use crate::config::settings::{OnMismatch, Settings};
use crate::fault::Fault;
use crate::proxy::{Proxy, ProxyLimits, ReadAheadLimits};
use crate::server::{Config, ServedDatabase};
use crate::store::Folder;
use crate::sumdb::module::Patterns;
use crate::upstream::Bounds;

/// How long a connection may still take once the command has ended: nobody is left to ask.
const STOP: Duration = Duration::from_secs(1);
/// Connections at once. The go command opens a few dozen.
const CONNECTIONS: usize = 512;

/// The parts.
pub(in crate::cli) struct CommandServer {
    pub(in crate::cli) config: Config,
    pub(in crate::cli) served: ServedDatabase,
    pub(in crate::cli) proxy: Proxy,
    /// where new modules are stored while another process has the module store; it goes away with this
    pub(in crate::cli) aside: Option<TempDir>,
}

impl CommandServer {
    /// As the settings have it, with `at_once` downloads. What is wrong is refused, whatever the settings say.
    ///
    /// # Errors
    /// `Usage`, `Unavailable`: why there can be none.
    pub(in crate::cli) fn open(settings: &Settings, at_once: usize) -> Result<CommandServer, Fault> {
        let mut settings = Settings { on_mismatch: OnMismatch::Refuse, mirror: false, ..settings.clone() };
        let private = Patterns::parse(&settings.private);
        let folder = data_folder(&settings)?;
        let memory = Memory::divide(settings.memory, settings.sumdb.len());
        let nobody = || Fault::Usage("no database to prove modules by".to_owned());
        let sumdb = settings.sumdb.first().ok_or_else(nobody)?;
        let served = databases::open(&settings, &folder, sumdb, &private, memory)?;
        let aside = aside(&folder)?;
        let modules_in = match &aside {
            Some(aside) => {
                settings.proxy = with_held(&folder, &settings.proxy);
                Folder::open(aside.path())?
            }
            None => folder,
        };
        let limits = ProxyLimits::default();
        let downloads = Bounds { running: at_once, ..limits.downloads };
        let read_ahead = ReadAheadLimits { mode: settings.read_ahead, ..limits.read_ahead };
        let limits = ProxyLimits { downloads, read_ahead, store: store_limits(&settings), ..limits };
        let proxy = modules::open(&settings, &modules_in, served.relay().clone(), &private, limits)?;
        let proxy =
            proxy.ok_or_else(|| Fault::Usage("there is nobody to fetch modules from: proxy is off".to_owned()))?;
        let limits = crate::server::Limits { stop: STOP, ..client_limits(&settings, CONNECTIONS, &memory) };
        let config = Config { limits, ..Config::default() };
        Ok(CommandServer { config, served, proxy, aside })
    }
}

/// A folder for new modules, where another process has the module store of `folder`.
fn aside(folder: &Folder) -> Result<Option<TempDir>, Fault> {
    match folder.modules().claim() {
        Ok(_) => Ok(None),
        Err(fault) if fault.is_disk() => Ok(None),
        Err(_) => tempfile::tempdir().map(Some).map_err(|error| {
            let place = std::env::temp_dir().display().to_string();
            Fault::disk(place, format!("cannot make a folder there: {error}; set TMPDIR"))
        }),
    }
}

/// The list, and after it what the module store of `folder` holds: a tree that can be read as a proxy. It is asked where the others
/// fail, and not before them: its lists have the versions that it holds, and no more.
fn with_held(folder: &Folder, list: &ProxyList) -> ProxyList {
    let own = format!("{list}|file://{}", folder.modules().dir().display());
    ProxyList::parse(&own).unwrap_or_else(|_| list.clone())
}
