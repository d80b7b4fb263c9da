//! `gosumcheck serve` in a process of its own.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

/// A running server; it ends when this is dropped.
pub struct Serving {
    child: Child,
    /// where it is: `http://HOST:PORT`
    pub url: String,
    /// reads what it logs, so that a full pipe does not stop it
    log: Option<JoinHandle<String>>,
}

impl Serving {
    /// Starts `command`, a `gosumcheck serve --listen 127.0.0.1:0` with whatever else, and waits until it says where it is.
    #[track_caller]
    pub fn start(command: &mut Command) -> Serving {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            log.read_to_end(&mut bytes).unwrap();
            String::from_utf8(bytes).unwrap()
        });
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let mut serving = Serving { child, url: String::new(), log: Some(log) };
        match line.trim_end().strip_prefix("listening: ") {
            Some(url) => serving.url = url.to_owned(),
            None => panic!("{line:?} {}", serving.kill()),
        }
        serving
    }

    /// The id of the process that was started.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The same as a socket's address.
    pub fn address(&self) -> SocketAddr {
        self.url.strip_prefix("http://").unwrap().parse().unwrap()
    }

    /// Sends a signal such as `-TERM`; gives the exit code and what was logged.
    #[track_caller]
    pub fn end(mut self, signal: &str) -> (i32, String) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let logged = self.log.take().unwrap().join().unwrap();
        let code = self.child.wait().unwrap().code();
        (code.unwrap_or_else(|| panic!("killed: {logged}")), logged)
    }

    fn kill(&mut self) -> String {
        let _ = self.child.kill(); // it may have ended
        let _ = self.child.wait();
        self.log.take().map(|log| log.join().unwrap()).unwrap_or_default()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended
        let _ = self.child.wait();
    }
}
