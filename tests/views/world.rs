//! `gosumcheck serve` in a process of its own over a few modules, one of which a mirror lies about.

use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::client::{Reply, ask, get};
use crate::common::Serving;
use crate::kit::{Fault, Site, Spec, Tamper};

/// What a module may have in it that is not what it seems.
pub const HOSTILE: &str = "# Read me\n<script>alert(1)</script><img src=x onerror=alert(2)>\n</pre></code></main>\u{202e}gnp.sj\u{2066}\u{1b}[31m\u{7}\0 & \"'\n";

pub struct World {
    pub site: Site,
    serving: Serving,
    pub home: TempDir,
}

impl World {
    /// A server that holds `example.com/a` at two versions, and was lied to about `example.com/lied`.
    pub fn new() -> World {
        let site = Site::of(&[
            Spec::new("example.com/a", "v1.0.0"),
            Spec::new("example.com/a", "v1.2.0").file("README.md", HOSTILE.as_bytes()).file("sub/tést é.txt", b"plain"),
            Spec::new("example.com/lied", "v1.0.0"),
            Spec::new("example.com/never", "v1.0.0"),
        ]);
        site.mirror.fault("example.com/lied/@v/v1.0.0.zip", Fault::Zip(Tamper::FlipBit));
        World::over(site, &[], &["example.com/a@v1.0.0", "example.com/a@v1.2.0", "example.com/lied@v1.0.0"])
    }

    /// A server over that site, which was asked for these module versions.
    pub fn over(site: Site, args: &[&str], asked: &[&str]) -> World {
        World::in_folder(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap(), site, args, asked)
    }

    /// The same, in a folder that may have a data folder already.
    pub fn in_folder(home: TempDir, site: Site, args: &[&str], asked: &[&str]) -> World {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gosumcheck"));
        command.current_dir(home.path()).env_clear().env("HOME", home.path()).env("GOENV", "off");
        command.args(["serve", "--listen", "127.0.0.1:0", "--data", "data"]);
        command.args(["--sumdb", &site.sumdb()]).args(args);
        if !args.contains(&"--proxy") {
            command.args(["--proxy", &site.mirror.url()]);
        }
        let world = World { serving: Serving::start(&mut command), site, home };
        for module in asked {
            let (path, version) = module.split_once('@').unwrap();
            world.get(&format!("/{path}/@v/{version}.mod"));
            world.get(&format!("/{path}/@v/{version}.zip"));
        }
        world
    }

    pub fn url(&self) -> &str {
        &self.serving.url
    }

    pub fn get(&self, path: &str) -> Reply {
        get(self.serving.address(), path)
    }

    pub fn ask(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        ask(self.serving.address(), "GET", path, headers)
    }

    /// The page that a browser gets.
    #[track_caller]
    pub fn page(&self, path: &str) -> String {
        let reply = self.ask(path, &[("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")]);
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/html; charset=utf-8")), "{reply:?}");
        reply.text()
    }

    /// The JSON answer of the API.
    #[track_caller]
    pub fn json(&self, path: &str) -> Value {
        let reply = self.get(&format!("/api/v1/{path}"));
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")), "{path}: {reply:?}");
        serde_json::from_slice(&reply.body).unwrap()
    }
}
