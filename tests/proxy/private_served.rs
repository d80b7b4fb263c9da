//! `gosumcheck serve` and private modules. Here: a public side that has a private module too, and a server before it.
//!
//! | file | question |
//! |---|---|
//! | `settings` | which settings make a module private, and what is said of patterns that match nothing |
//! | `hosts` | who may ask for one, and how answers about it may be cached |
//! | `modes` | who can read what is stored |

mod hosts;
mod modes;
mod settings;

use std::net::SocketAddr;
use std::process::Command;

use tempfile::TempDir;

use crate::client::get;
use crate::common::Serving;
use crate::kit::{FakeMirror, Site, Spec};

/// The private module's files, and everything that the go command asks about it and the paths around it.
const LIST: &str = "/secret.corp.example/!payroll/@v/list";
const ZIP: &str = "/secret.corp.example/!payroll/@v/v1.0.0.zip";
const PRIVATE: [&str; 9] = [
    LIST,
    ZIP,
    "/secret.corp.example/!payroll/@latest",
    "/secret.corp.example/!payroll/@v/v1.0.0.info",
    "/secret.corp.example/!payroll/@v/master.info",
    "/secret.corp.example/!payroll/@v/v1.0.0.mod",
    "/secret.corp.example/!payroll/v2/@v/list",
    "/secret.corp.example/%21payroll/deep/@latest",
    "/cached-only/secret.corp.example/!payroll/@v/list",
];
const PUBLIC_ZIP: &str = "/example.com/a/@v/v1.0.0.zip";

/// The public side: a mirror that has the private module too, and a log that has no record of it.
fn site() -> Site {
    Site::of(&[
        Spec::new("example.com/a", "v1.0.0"),
        Spec::new("secret.corp.example/Payroll", "v1.0.0").noise(5_000).unlogged(),
    ])
}

/// `gosumcheck serve` on a machine of its own.
struct Server {
    serving: Serving,
    home: TempDir,
}

/// The command, not started yet; `data` below the returned folder is its data folder.
fn command(site: &Site, env: &[(&str, &str)], args: &[&str]) -> (Command, TempDir) {
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_gosumcheck"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--data", "data", "--sumdb", &site.sumdb()]);
    command.args(["--proxy", &site.mirror.url()]).args(args).current_dir(home.path());
    command.env_clear().env("HOME", home.path()).env("GOENV", "off").envs(env.iter().copied());
    (command, home)
}

impl Server {
    fn start(site: &Site, env: &[(&str, &str)], args: &[&str]) -> Server {
        let (mut command, home) = command(site, env, args);
        Server { serving: Serving::start(&mut command), home }
    }

    fn at(&self) -> SocketAddr {
        self.serving.address()
    }

    /// Stops it; gives what it logged.
    fn stop(self) -> String {
        let (code, log) = self.serving.end("-TERM");
        assert_eq!(code, 0, "{log}");
        log
    }
}

/// The requests that named the private module's host, at the public mirror and at the log.
fn leaked(site: &Site) -> Vec<String> {
    let mirror = site.mirror.requests().into_iter().map(|request| request.path);
    let log = site.log.requests().into_iter().map(|request| request.path);
    mirror.chain(log).filter(|path| path.contains("secret") || path.contains("corp")).collect()
}

/// Asks everything about the private module; gives the hosts that received its name.
fn ask_all(site: &Site, at: SocketAddr) -> Vec<String> {
    for path in PRIVATE {
        get(at, path);
    }
    get(at, "/lookup/secret.corp.example/!payroll@v1.0.0");
    get(at, &format!("/sumdb/{}/lookup/secret.corp.example/!payroll@v1.0.0", site.log.name()));
    leaked(site)
}

/// A server with a private zip in its store.
fn with_private_zip(args: &[&str]) -> (Site, FakeMirror, Server) {
    let site = site();
    let private = site.mirror();
    let url = private.url();
    let own = ["--private", "secret.corp.example", "--private-proxy", &url];
    let server = Server::start(&site, &[], &[&own, args].concat());
    let zip = get(server.at(), ZIP);
    assert_eq!((zip.status, zip.body.len() > 5_000), (200, true));
    (site, private, server)
}
