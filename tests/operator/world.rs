//! `gosumcheck serve` in a process of its own, with a file of rules.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use tempfile::TempDir;

use crate::client::{Reply, get};
use crate::common::Serving;
use crate::kit::Site;

/// A running server, and the folder that it was started in; `rules` and `data` are in it.
pub struct Server {
    serving: Serving,
    pub home: TempDir,
}

/// A folder with a file of rules.
pub fn home(rules: &str) -> TempDir {
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    fs::write(home.path().join("rules"), rules).unwrap();
    home
}

/// The program in that folder, with nothing of the environment but what a test sets.
pub fn program(home: &TempDir, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gosumcheck"));
    command.args(args).current_dir(home.path()).env_clear().env("HOME", home.path()).env("GOENV", "off");
    command
}

/// The settings for a site, without a file of rules.
pub fn settings(site: &Site) -> Vec<String> {
    let sumdb = site.sumdb();
    let proxy = site.mirror.url();
    let settings = ["--listen", "127.0.0.1:0", "--data", "data", "--sumdb", &sumdb, "--proxy", &proxy];
    settings.map(str::to_owned).into()
}

impl Server {
    /// Over the mirror and the log of a site, under these rules.
    pub fn start(site: &Site, rules: &str, args: &[&str]) -> Server {
        Server::start_in(home(rules), site, args)
    }

    /// The same in a folder that is there.
    pub fn start_in(home: TempDir, site: &Site, args: &[&str]) -> Server {
        let settings = settings(site);
        let settings: Vec<&str> =
            ["serve", "--rules", "rules"].into_iter().chain(settings.iter().map(String::as_str)).collect();
        let mut command = program(&home, &settings);
        Server { serving: Serving::start(command.args(args)), home }
    }

    pub fn at(&self) -> SocketAddr {
        self.serving.address()
    }

    pub fn url(&self) -> String {
        self.serving.url.clone()
    }

    pub fn get(&self, path: &str) -> Reply {
        get(self.at(), path)
    }

    /// Stops it; gives what it logged, and the folder.
    pub fn stop(self) -> (String, TempDir) {
        let (code, log) = self.serving.end("-TERM");
        assert_eq!(code, 0, "{log}");
        (log, self.home)
    }
}
