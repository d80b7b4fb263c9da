//! A company with two teams, their private modules, and a server before it.

use std::fs;
use std::net::SocketAddr;
use std::process::{Command, Output};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tempfile::TempDir;

use crate::client::{Reply, ask};
use crate::common::Serving;
use crate::kit::{FakeMirror, Site, Spec};

/// Two teams, one mirror, one scraper; all others see the public modules.
pub const RULES: &str = r#"
[access.groups]
team-a = ["user:alice", "token:ci-a"]
team-b = ["user:bob"]

[[access.rule]]
who = "user:mirror"

[[access.rule]]
who = "group:team-a"
modules = "corp.example/team-a"

[[access.rule]]
who = "group:team-b"
modules = "corp.example/team-b"

[[access.rule]]
who = "anyone"
modules = "corp.example"
refuse = "ask the team that owns it"

[[access.rule]]
who = "signed-in"
may = ["read", "page"]

[[access.rule]]
who = "user:prom"
may = "metrics"
"#;

/// The password of every user.
pub const PASSWORD: &str = "correct horse:battery";

pub struct World {
    pub site: Site,
    private: FakeMirror,
    pub home: TempDir,
}

impl World {
    pub fn new() -> World {
        let site = Site::of(&[
            Spec::new("example.com/a", "v1.0.0"),
            Spec::new("corp.example/team-a/Lib", "v1.0.0").noise(8_000_000).unlogged(),
            Spec::new("corp.example/team-b/lib", "v1.0.0").unlogged(),
        ]);
        let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let world = World { private: site.mirror(), site, home };
        world.users(&["alice", "bob", "carol", "mirror", "prom"]);
        world
    }

    /// Writes the password file, in place of what was there.
    pub fn users(&self, names: &[&str]) {
        let hash = |name: &str| bcrypt::hash_with_salt(PASSWORD, 4, [name.len() as u8; 16]).unwrap();
        let lines =
            names.iter().map(|name| format!("{name}:{}\n", hash(name).format_for_version(bcrypt::Version::TwoY)));
        self.write("users.new", &lines.collect::<String>());
        fs::rename(self.home.path().join("users.new"), self.home.path().join("users")).unwrap();
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.home.path().join(name), text).unwrap();
    }

    fn program(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gosumcheck"));
        command.current_dir(self.home.path()).env_clear().env("HOME", self.home.path()).env("GOENV", "off");
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, args: &[&str]) -> Output {
        self.program().args(args).output().unwrap()
    }

    /// The command line of a server with this text in its settings.
    pub fn command(&self, settings: &str, args: &[&str]) -> Command {
        self.write("gosumcheck.toml", settings);
        let mut command = self.program();
        command.args(["serve", "--listen", "127.0.0.1:0", "--data", "data", "--config", "gosumcheck.toml"]);
        command.args(["--sumdb", &self.site.sumdb(), "--proxy", &self.site.mirror.url()]);
        command.args(["--private", "corp.example", "--private-proxy", &self.private.url()]).args(args);
        command
    }

    pub fn serve(&self, settings: &str, args: &[&str]) -> Server {
        let serving = Serving::start(&mut self.command(settings, args));
        Server { at: serving.address(), serving }
    }

    /// Makes a token; gives its text.
    pub fn token(&self, args: &[&str]) -> String {
        let made = self.run(&[&["token", "create", "--data", "data"], args].concat());
        assert!(made.status.success(), "{made:?}");
        String::from_utf8(made.stdout).unwrap().trim_end().to_owned()
    }
}

pub struct Server {
    pub serving: Serving,
    pub at: SocketAddr,
}

impl Server {
    /// The answer to a GET with this `Authorization` header, if it is not empty.
    pub fn get(&self, path: &str, authorization: &str) -> Reply {
        self.ask("GET", path, authorization)
    }

    pub fn ask(&self, method: &str, path: &str, authorization: &str) -> Reply {
        let headers = [("Authorization", authorization)];
        ask(self.at, method, path, if authorization.is_empty() { &[] } else { &headers })
    }
}

/// The text of a refusal, without its last line: the request's ID, which is in its header too.
#[track_caller]
pub fn words(refusal: &Reply) -> String {
    let last = format!("request ID: {}\n", refusal.header("x-request-id").unwrap());
    let text = refusal.text();
    text.strip_suffix(&last).unwrap_or_else(|| panic!("{text:?} does not end with {last:?}")).to_owned()
}

pub fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
}

pub fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// Asks again until it is so: another process must notice something.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..3000 {
        if is_so() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("never: {what}");
}
