//! The go command on a machine of a test's own: nothing kept, no settings but these.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::common::go_command;

/// A home, a module cache, and the settings with which `go` runs there.
pub struct Machine {
    go: &'static Go,
    root: TempDir,
    settings: Vec<(String, String)>,
}

struct Go {
    command: PathBuf,
    /// compiled packages: the machine's own, so that the standard library is not compiled for every test
    compiled: String,
}

impl Machine {
    /// None (and a line that says so) where there is no go command. `proxy` is GOPROXY, `sumdb` is GOSUMDB.
    pub fn new(proxy: &str, sumdb: &str) -> Option<Machine> {
        static GO: OnceLock<Option<Go>> = OnceLock::new();
        let go = GO.get_or_init(|| {
            let command = go_command()?;
            let told = Command::new(&command).args(["env", "GOCACHE"]).output().unwrap();
            let compiled = String::from_utf8(told.stdout).unwrap().trim().to_owned();
            Some(Go { command, compiled })
        });
        let root = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let machine = Machine { go: go.as_ref()?, root, settings: Vec::new() };
        Some(machine.with("GOPROXY", proxy).with("GOSUMDB", sumdb))
    }

    /// Another setting, or another value for one.
    pub fn with(mut self, name: &str, value: &str) -> Machine {
        self.set(name, value);
        self
    }

    /// The same, later.
    pub fn set(&mut self, name: &str, value: &str) {
        self.settings.retain(|(other, _)| other != name);
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// A path of this machine. GOMODCACHE is `modcache`, GOPATH `gopath`, HOME `home`.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Forgets all modules, and what was learnt of checksum databases.
    pub fn forget(&self) {
        for name in ["modcache", "gopath"] {
            let path = self.path(name);
            if path.exists() {
                std::fs::remove_dir_all(path).unwrap();
            }
        }
    }

    /// A folder with a go.mod that requires these, and a main.go that imports their packages.
    pub fn project(&self, name: &str, requires: &[(&str, &str)]) -> PathBuf {
        let folder = self.path(name);
        std::fs::create_dir_all(&folder).unwrap();
        let mut go_mod = "module project.example/main\n\ngo 1.21\n".to_owned();
        let mut code = "package main\n\n".to_owned();
        for (module, version) in requires {
            go_mod.push_str(&format!("\nrequire {module} {version}\n"));
            code.push_str(&format!("import _ {module:?}\n"));
        }
        std::fs::write(folder.join("go.mod"), go_mod).unwrap();
        std::fs::write(folder.join("main.go"), code + "\nfunc main() {}\n").unwrap();
        folder
    }

    /// Runs `go` in `folder`.
    pub fn go(&self, folder: &Path, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        command.current_dir(folder).output().unwrap()
    }

    /// `go` with these arguments, to be run in another way.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.go.command);
        command.args(arguments).current_dir(self.root.path());
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy().to_ascii_uppercase();
            if (text.starts_with("GO") && text != "GOROOT") || text.ends_with("_PROXY") {
                command.env_remove(name);
            }
        }
        let own = [("GOPATH", "gopath"), ("GOMODCACHE", "modcache"), ("HOME", "home")];
        command.envs(own.map(|(name, folder)| (name, self.path(folder))));
        command.env("GOCACHE", &self.go.compiled).env("GOENV", "off").env("GOTOOLCHAIN", "local").env("GOWORK", "off");
        // What is compiled is then the same wherever the module cache is, and compiled once.
        command.env("GOFLAGS", "-modcacherw -buildvcs=false -trimpath");
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// Exit status, standard output and standard error.
pub fn told(ran: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (ran.status.code().unwrap_or(-1), text(&ran.stdout), text(&ran.stderr))
}

/// Fails unless the program ended with `code`; gives its standard output and standard error.
#[track_caller]
pub fn expect(code: i32, ran: &Output) -> (String, String) {
    let (found, out, err) = told(ran);
    assert_eq!(found, code, "stdout:\n{out}\nstderr:\n{err}");
    (out, err)
}
