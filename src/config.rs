//! The go command's settings about its checksum database, read as it reads them: which database (`GOSUMDB`), by which
//! way (`GOPROXY`), for which modules not (`GONOSUMDB`, `GONOPROXY`, `GOPRIVATE`), and where its caches are. Also where our own data
//! folder is. Nothing here asks the network.
//!
//! `GOINSECURE` and `GOFLAGS` have no say in it: neither switches the database off.

use std::path::PathBuf;

use crate::fault::Fault;

pub mod goenv;
pub mod host;
pub mod key_file;
pub mod private;
pub mod proxies;
pub mod settings;
pub mod sumdb;
pub mod units;

pub use goenv::{GoEnv, GoEnvOrigin, Private};
pub use host::HostName;
pub use proxies::ProxyList;
pub use sumdb::{SUM_GOLANG_ORG, Sumdb};

/// The variable that names our data folder.
pub const DATA_VARIABLE: &str = "GOSUMCHECK_DATA";

/// The data folder when no flag names one: `GOSUMCHECK_DATA`, else `gosumcheck` in the user's data folder
/// (`XDG_DATA_HOME`, else `~/.local/share`).
///
/// # Errors
/// `Usage` where there is neither, as for a user without a home.
pub fn data_folder(env: impl Fn(&str) -> Option<String>) -> Result<PathBuf, Fault> {
    use etcetera::BaseStrategy as _;
    if let Some(named) = env(DATA_VARIABLE).filter(|named| !named.is_empty()) {
        return Ok(PathBuf::from(named));
    }
    match etcetera::choose_base_strategy() {
        Ok(folders) => Ok(folders.data_dir().join("gosumcheck")),
        Err(error) => Err(Fault::Usage(format!("no data folder: {error}; name one with --data or {DATA_VARIABLE}"))),
    }
}

/// The file with the user's passwords for hosts: `NETRC`, else `~/.netrc`, as for the go command.
pub fn netrc_file(env: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let set = |name: &str| env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("NETRC").or_else(|| set("HOME").map(|home| home.join(".netrc")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_data_folder_is_the_named_one_or_the_users() {
        assert_eq!(data_folder(|name| (name == DATA_VARIABLE).then(|| "/srv".to_owned())).unwrap(), Path::new("/srv"));
        if let Ok(folder) = data_folder(|name| (name == DATA_VARIABLE).then(String::new)) {
            assert!(folder.ends_with("gosumcheck") && folder.is_absolute());
        }
    }

    #[test]
    fn netrc_is_the_named_one_or_the_users() {
        let home = |name: &str| (name == "HOME").then(|| "/home/me".to_owned());
        assert_eq!(netrc_file(home).unwrap(), Path::new("/home/me/.netrc"));
        let both = |name: &str| (name == "NETRC").then(|| "/etc/netrc".to_owned()).or_else(|| home(name));
        assert_eq!(netrc_file(both).unwrap(), Path::new("/etc/netrc"));
        assert_eq!(netrc_file(|_| None), None);
    }
}
