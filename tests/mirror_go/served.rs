//! A mirror made by `sync`, served by `serve`.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};

use super::fake::FakeSumdb;
use super::world::{World, expect};

/// GOSUMDB for a log that is asked at `url`.
pub fn sumdb(log: &FakeSumdb, url: &str) -> String {
    format!("{} {url}", log.vkey())
}

/// Makes the data folder `data` of `world` hold all that `url` shows of `log`.
pub fn sync(world: &World, data: &str, log: &FakeSumdb, url: &str) {
    expect(0, &world.gosumcheck(data, &["sync", "--sumdb", &sumdb(log, url)]));
}

/// A running server; it ends when this is dropped.
pub struct Server {
    child: Child,
    pub url: String,
}

impl Server {
    /// Over the data folder `data` of `world`, with `upstream` to ask for what that lacks.
    pub fn start(world: &World, data: &str, log: &FakeSumdb, upstream: &str) -> Server {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gosumcheck"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--sumdb", &sumdb(log, upstream), "--private", "none"]);
        command.arg("--data").arg(world.path(data)).env("HOME", world.path("home")).env("GOENV", "off");
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
