//! Runs the built binary as a stranger would: nothing of this machine's settings reaches it, and what it says is checked
//! for what no command may ever say.

#![allow(dead_code, unreachable_pub, reason = "each test program uses another part of it")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// Lines of standard error of one failure: a sentence, or a few words of the argument parser.
const MAX_COMPLAINT_LINES: usize = 12;
/// A run that takes longer waits for something that never comes.
const LONGEST_RUN: std::time::Duration = std::time::Duration::from_secs(60);

/// A new user's machine: an empty home, an empty working folder, no settings.
pub struct Machine {
    root: TempDir,
    env: Vec<(String, String)>,
}

/// What one run said, and its exit code.
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Machine {
    pub fn new() -> Machine {
        let root = tempfile::tempdir().unwrap();
        for folder in ["home", "work"] {
            std::fs::create_dir(root.path().join(folder)).unwrap();
        }
        Machine { root, env: Vec::new() }
    }

    /// With a variable in the environment from now on.
    pub fn set(&mut self, name: &str, value: impl Into<String>) -> &mut Machine {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    pub fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    /// The working folder, with `path` in it.
    pub fn at(&self, path: &str) -> PathBuf {
        self.root.path().join("work").join(path)
    }

    /// Writes a file below the working folder.
    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) -> &Machine {
        let path = self.at(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.at(path)).unwrap()
    }

    /// `program`, in a clean environment. No PATH: an installed Go has settings too.
    pub fn program(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("HOME", self.home()).env("GOENV", "off").stdin(Stdio::null());
        command.envs(self.env.iter().map(|(name, value)| (name, value))).current_dir(self.at(""));
        command
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.program(binary());
        command.args(args);
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        Ran::of(self.command(args).output().unwrap())
    }

    /// A run that must end by itself: one that waits for ever, as for the other end of a pipe, is killed and fails.
    pub fn run_to_the_end(&self, args: &[&str]) -> Ran {
        let child = self.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (id, (ended, wait)) = (child.id(), std::sync::mpsc::channel());
        let reader = std::thread::spawn(move || {
            let output = child.wait_with_output();
            let _ = ended.send(());
            output
        });
        let hangs = wait.recv_timeout(LONGEST_RUN).is_err();
        if hangs {
            Command::new("/bin/kill").args(["-9", &id.to_string()]).status().unwrap();
        }
        let output = reader.join().unwrap().unwrap();
        assert!(!hangs, "{args:?} did not end within {LONGEST_RUN:?}");
        Ran::of(output)
    }

    /// In a shell that finds the binary as `$G`.
    pub fn shell(&self, script: &str) -> Ran {
        let mut shell = self.program("/bin/sh");
        shell.args(["-c", script]).env("G", binary()).env("PATH", "/usr/bin:/bin");
        Ran::of(shell.output().unwrap())
    }
}

/// The binary under test.
pub fn binary() -> &'static str {
    env!("CARGO_BIN_EXE_gosumcheck")
}

impl Ran {
    pub fn of(output: Output) -> Ran {
        let code = output.status.code().unwrap_or_else(|| panic!("killed: {output:?}"));
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let ran = Ran { code, out: text(output.stdout), err: text(output.stderr) };
        for text in [&ran.out, &ran.err] {
            assert!(!text.contains("panicked") && !text.contains("RUST_BACKTRACE"), "{}", ran.show());
            assert!(!text.contains("os error"), "a number that helps nobody: {}", ran.show());
        }
        ran
    }

    pub fn show(&self) -> String {
        format!("exit code {}\n--- out\n{}--- err\n{}", self.code, self.out, self.err)
    }

    /// The exit code is `code`, and all `words` are said somewhere.
    #[track_caller]
    pub fn says(&self, code: i32, words: &[&str]) -> &Ran {
        assert_eq!(self.code, code, "{}", self.show());
        for word in words {
            assert!(self.out.contains(word) || self.err.contains(word), "{word:?} is not said:\n{}", self.show());
        }
        self
    }

    /// It failed before any report: a short complaint on standard error that says all `words`, and nothing else.
    #[track_caller]
    pub fn complains(&self, code: i32, words: &[&str]) -> &Ran {
        self.says(code, words);
        assert!(self.out.is_empty(), "{}", self.show());
        let lines = self.err.lines().count();
        assert!((1..=MAX_COMPLAINT_LINES).contains(&lines), "{}", self.show());
        self
    }

    /// Standard error says all `words`, in a few lines.
    #[track_caller]
    pub fn warns(&self, words: &[&str]) -> &Ran {
        assert!(words.iter().all(|word| self.err.contains(word)), "{}", self.show());
        assert!(self.err.lines().count() <= MAX_COMPLAINT_LINES, "{}", self.show());
        self
    }

    /// Nothing is said on standard error.
    #[track_caller]
    pub fn quiet(&self) -> &Ran {
        assert!(self.err.is_empty(), "{}", self.show());
        self
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.show()))
    }
}

/// A file URL.
pub fn file_url(path: &Path) -> String {
    format!("file://{}", path.display())
}
