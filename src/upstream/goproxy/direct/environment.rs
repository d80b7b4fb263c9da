//! The environment of a run of the go command. For public modules it has only the search path and the guard, so that a run that a
//! client caused uses neither this user's keys nor this machine's configuration. For private modules it has what this user has:
//! outbound proxy, keys, agent and ssh.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::guard::{Guard, GuardClient};
use super::{DirectAccess, DirectSettings};

/// For all runs.
const INHERITED: [&str; 4] = ["PATH", "SystemRoot", "SSL_CERT_FILE", "SSL_CERT_DIR"];
/// For private modules. Passwords are in files in the home folder.
const INHERITED_BY_PRIVATE: [&str; 11] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "SSH_AUTH_SOCK",
];
/// How each run behaves: it contacts only the modules' own repositories, checks nothing (we do), never prompts, and writes only
/// files that can be removed.
const FIXED: [(&str, &str); 14] = [
    ("GOPROXY", "direct"),
    ("GONOSUMDB", "*"),
    ("GOSUMDB", "off"),
    ("GOFLAGS", "-modcacherw"),
    ("GOTOOLCHAIN", "local"),
    ("GO111MODULE", "on"),
    ("GOWORK", "off"),
    ("GOENV", "off"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_ASKPASS", "true"),
    ("SSH_ASKPASS", "true"),
    ("GCM_INTERACTIVE", "never"),
    ("HGPLAIN", "1"),
    ("LC_ALL", "C"),
];
/// For public modules: only https, no ssh, and neither configuration nor passwords of this machine. `GOINSECURE` makes the go
/// command request go-import pages from the guard (see `guard`). It does not weaken what bounds git and hg: `GIT_ALLOW_PROTOCOL`,
/// the configuration below, and the guard.
const FIXED_FOR_PUBLIC: [(&str, &str); 8] = [
    ("GOINSECURE", "*"),
    ("GOVCS", "*:git|hg"),
    ("GOPRIVATE", ""),
    ("GOAUTH", "off"),
    ("GIT_ALLOW_PROTOCOL", "https"),
    ("GIT_SSH_COMMAND", "false"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_ATTR_NOSYSTEM", "1"),
];
/// Git's configuration for all runs: no maintenance in the background, and a transfer ends when the host sends nothing for a
/// minute.
const GIT: [(&str, &str); 4] =
    [("gc.auto", "0"), ("maintenance.auto", "false"), ("http.lowSpeedLimit", "1"), ("http.lowSpeedTime", "60")];
/// And for public modules.
const GIT_FOR_PUBLIC: [(&str, &str); 4] = [
    ("credential.helper", ""),
    ("http.proxyAuthMethod", "basic"),
    ("core.hooksPath", "/dev/null"),
    ("transfer.bundleURI", "false"),
];

/// A sandbox's folders, as the environment names them.
pub(super) struct Folders {
    pub(super) home: PathBuf,
    pub(super) root: PathBuf,
}

/// The whole environment of a run.
pub(super) fn environment(
    folders: &Folders,
    settings: &DirectSettings,
    guard: Option<&Guard>,
) -> Vec<(String, OsString)> {
    let root = |name: &str| folders.root.join(name);
    let home = match &settings.access {
        DirectAccess::Private { home: Some(home) } => home.clone(),
        _ => folders.home.clone(),
    };
    let own = [
        ("HOME", home.clone()),
        ("USERPROFILE", home),
        ("GOPATH", root("gopath")),
        ("GOMODCACHE", root("modcache")),
        ("GOCACHE", root("cache")),
        ("TMPDIR", root("tmp")),
        ("TMP", root("tmp")),
    ];
    let mut all = inherited(&INHERITED);
    all.extend(own.map(|(name, path)| (name.to_owned(), path.into_os_string())));
    all.extend(texts(FIXED));
    let mut git: Vec<(String, OsString)> = texts(GIT).collect();
    match (&settings.access, guard) {
        (DirectAccess::Public(access), Some(guard)) => {
            all.extend(texts(FIXED_FOR_PUBLIC));
            let go = guard.url(GuardClient::Go);
            for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
                all.push((name.to_owned(), OsString::from(&go)));
            }
            all.push(("HGRCPATH".to_owned(), hgrc(&folders.root).into_os_string()));
            git.extend(texts(GIT_FOR_PUBLIC));
            git.push(("http.proxy".to_owned(), OsString::from(guard.url(GuardClient::Vcs))));
            if let Some(certificates) = &access.certificates {
                git.push(("http.sslCAInfo".to_owned(), certificates.clone().into_os_string()));
            }
        }
        _ => {
            all.extend(inherited(&INHERITED_BY_PRIVATE));
            let private = [("GOPRIVATE", settings.private.as_str()), ("GOVCS", settings.vcs.as_str())];
            all.extend(texts(private));
        }
    }
    all.push(("GIT_CONFIG_COUNT".to_owned(), git.len().to_string().into()));
    for (at, (key, value)) in git.into_iter().enumerate() {
        all.push((format!("GIT_CONFIG_KEY_{at}"), OsString::from(key)));
        all.push((format!("GIT_CONFIG_VALUE_{at}"), value));
    }
    all
}

/// Where hg finds its configuration.
pub(super) fn hgrc(root: &Path) -> PathBuf {
    root.join("hgrc")
}

/// Mercurial's configuration for public modules: through the guard even to this machine (`always`), no ssh, no extension.
pub(super) fn hg_configuration(guard: &Guard) -> String {
    let (name, password) = guard.login(GuardClient::Vcs);
    format!(
        "[http_proxy]\nhost = {}\nuser = {name}\npasswd = {password}\nalways = true\n[ui]\nssh = false\ninteractive = false\n\
         [http]\ntimeout = 60\n[subrepos]\nallowed = false\n",
        guard.address()
    )
}

fn inherited(names: &[&str]) -> Vec<(String, OsString)> {
    names.iter().filter_map(|name| Some(((*name).to_owned(), env::var_os(name)?))).collect()
}

fn texts<const N: usize>(pairs: [(&str, &str); N]) -> impl Iterator<Item = (String, OsString)> {
    pairs.map(|(name, value)| (name.to_owned(), OsString::from(value))).into_iter()
}
