//! Three modules, a mirror of them, their log, and a machine on which `prefetch` runs.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

pub use crate::command::Ran;
use crate::kit::{Site, Spec};

/// The modules.
pub const MODULES: [(&str, &str); 3] =
    [("a.example/one", "v1.0.0"), ("a.example/two", "v1.2.0"), ("b.example/three/v3", "v3.0.1")];

pub struct World {
    pub site: Site,
    pub home: TempDir,
}

/// The program, with signals as a terminal leaves them: a shell starts what it puts in the background, these tests perhaps, so that it
/// ignores Ctrl-C, and `run` keeps what is ignored.
fn program() -> Command {
    const INT_QUIT: u64 = 0b110;
    let path = env!("CARGO_BIN_EXE_gosumcheck");
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    if ignored.unwrap_or(0) & INT_QUIT == 0 {
        return Command::new(path);
    }
    let mut command = Command::new("env");
    command.args(["--default-signal=INT,QUIT", path]);
    command
}

impl World {
    pub fn new() -> World {
        let specs = MODULES.map(|(module, version)| Spec::new(module, version));
        World { site: Site::of(&specs), home: tempfile::tempdir().unwrap() }
    }

    /// Where modules are stored.
    pub fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// Writes a file; gives its path.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.home.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// A go.sum of all modules.
    pub fn go_sum(&self) -> String {
        self.file("go.sum", &self.site.corpus.go_sum())
    }

    /// The program, with nothing of this machine's settings.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program();
        let environment = std::env::vars_os().filter(|(name, _)| name == "PATH" || name == "TMPDIR");
        command.env_clear().envs(environment).env("HOME", self.home.path()).env("GOENV", "off");
        command.args(arguments).current_dir(self.home.path()).stdin(Stdio::null());
        command
    }

    /// Runs `prefetch` into the data folder.
    pub fn prefetch(&self, arguments: &[&str]) -> Ran {
        ran(&self.with_data(arguments).output().unwrap())
    }

    /// The same with this on standard input.
    pub fn prefetch_with(&self, arguments: &[&str], stdin: &str) -> Ran {
        let mut command = self.with_data(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
        ran(&child.wait_with_output().unwrap())
    }

    fn with_data(&self, arguments: &[&str]) -> Command {
        let mut command =
            self.command(&["prefetch", "--proxy", &self.site.mirror.url(), "--sumdb", &self.site.sumdb()]);
        command.arg("--data").arg(self.data()).args(arguments);
        command
    }

    /// Which of the modules' files are stored, as paths of the GOPROXY protocol.
    pub fn stored(&self) -> Vec<String> {
        let root = self.data().join("modules");
        if !root.is_dir() {
            return Vec::new();
        }
        let files = crate::common::files_below(&root).into_iter();
        let names = files.map(|file| file.strip_prefix(&root).unwrap().display().to_string());
        names.filter(|name| name.ends_with(".mod") || name.ends_with(".zip")).collect()
    }
}

pub fn ran(output: &Output) -> Ran {
    Ran::of(output.clone())
}

/// The paths of both files of these modules.
pub fn paths(modules: &[(&str, &str)]) -> Vec<String> {
    modules
        .iter()
        .flat_map(|(module, version)| ["mod", "zip"].map(|kind| format!("{module}/@v/{version}.{kind}")))
        .collect()
}
