//! How the go command is run: for which modules, and within which limits.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::network::{Network, SystemNetwork};
use super::outward::Outward;

/// For one run of the go command, which may clone a large repository.
const TOTAL: Duration = Duration::from_secs(10 * 60);
/// Short runs at once, long runs at once, and runs for one host.
const AT_ONCE: usize = 8;
const LONG_AT_ONCE: usize = 8;
const PER_HOST: usize = 4;
/// A run that lasts longer than this is a long run.
const PATIENCE: Duration = Duration::from_secs(10);
/// For a sandbox. A module has at most 500 MiB of zip: a clone, two copies of the zip and the files unpacked make four times that.
const DISK: u64 = 2 << 30;
/// For one process, and to and from the network: what such a module takes, with room.
const MEMORY: u64 = 4 << 30;
const BYTES: u64 = 1 << 30;
/// For a name or a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// For a connection on which nothing moves.
const SILENCE: Duration = Duration::from_secs(30);
/// Which version control systems may be used for which modules: the go command's own default.
const VCS: &str = "public:git|hg,private:all";

/// How the go command is run.
#[derive(Debug, Clone)]
pub struct DirectSettings {
    /// the folder below which each run gets a folder of its own, removed afterwards
    pub folder: PathBuf,
    /// whose modules are fetched, which decides how
    pub access: DirectAccess,
    /// the patterns of modules that are private (`GOPRIVATE`), for `vcs`
    pub private: String,
    /// which version control systems it may use for which modules (`GOVCS`), where `access` is private
    pub vcs: String,
    /// longest time for one run
    pub total: Duration,
    /// runs at once that have not lasted for `patience`, at least 1
    pub at_once: usize,
    /// runs at once that have
    pub long_at_once: usize,
    /// runs at once for one host, at least 1
    pub per_host: usize,
    /// how long a run counts among `at_once`
    pub patience: Duration,
    /// bytes that the files of one run may take
    pub disk: u64,
    /// bytes of memory for one of its processes, where the system can limit that
    pub memory: u64,
}

/// Whose modules are fetched.
#[derive(Debug, Clone)]
pub enum DirectAccess {
    /// clients name them: only https to public addresses, without keys, passwords or configuration of this user
    Public(PublicAccess),
    /// the operator's own: with this user's ssh keys and agent, outbound proxy and git configuration, to any address
    Private {
        /// the home folder whose `.netrc`, `.gitconfig` and keys may be used; none for an empty one
        home: Option<PathBuf>,
    },
}

/// How public modules are reached.
#[derive(Debug, Clone)]
pub struct PublicAccess {
    /// the resolver and the dialer
    pub network: Arc<dyn Network>,
    /// the operator's own outbound proxy
    pub outward: Arc<Outward>,
    /// certificates of a private authority, a PEM file: we trust them in addition to the system's, git in place of them
    pub certificates: Option<PathBuf>,
    /// longest time for a name, and for a connection
    pub connect: Duration,
    /// longest time in which a connection moves no byte, and for a go-import page
    pub silence: Duration,
    /// bytes that one run may send and receive in all
    pub bytes: u64,
}

impl DirectSettings {
    /// The defaults for public modules, with sandboxes below `folder`.
    pub fn below(folder: &Path) -> DirectSettings {
        DirectSettings {
            folder: folder.to_path_buf(),
            access: DirectAccess::Public(PublicAccess::default()),
            private: String::new(),
            vcs: VCS.to_owned(),
            total: TOTAL,
            at_once: AT_ONCE,
            long_at_once: LONG_AT_ONCE,
            per_host: PER_HOST,
            patience: PATIENCE,
            disk: DISK,
            memory: MEMORY,
        }
    }
}

impl Default for PublicAccess {
    fn default() -> PublicAccess {
        PublicAccess {
            network: Arc::new(SystemNetwork),
            outward: Arc::new(Outward::from_env()),
            certificates: None,
            connect: CONNECT,
            silence: SILENCE,
            bytes: BYTES,
        }
    }
}
