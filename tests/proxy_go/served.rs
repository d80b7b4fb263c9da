//! `gosumcheck serve` as a module proxy, in a process of its own.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running server; it ends when this is dropped.
pub struct Server {
    child: Child,
    pub url: String,
}

impl Server {
    /// Over the data folder `data`, with these settings.
    pub fn start(data: &Path, settings: &[&str]) -> Server {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gosumcheck"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--access-log", "off"]).args(settings);
        if !settings.contains(&"--private") {
            command.args(["--private", "none"]);
        }
        command.arg("--data").arg(data).env("HOME", data).env("GOENV", "off").env_remove("GOSUMCHECK_CONFIG");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let Some(url) = line.trim_end().strip_prefix("listening: ") else {
            let mut told = String::new();
            let _ = child.kill();
            child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
            panic!("{line:?} {told}");
        };
        // Nobody reads what it logs: a full pipe must not stop it.
        let mut log = child.stderr.take().unwrap();
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Server { url: url.to_owned(), child }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
