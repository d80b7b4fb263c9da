//! `gosumcheck serve` in a process of its own.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// A running server; it ends when this is dropped.
pub struct Serving {
    child: Child,
    /// where it is: `http://HOST:PORT`
    pub url: String,
    /// reads what it logs, so that a full pipe does not stop it
    reader: Option<JoinHandle<()>>,
    /// guards what it logged so far
    log: Arc<Mutex<String>>,
}

impl Serving {
    /// Starts `command`, a `gosumcheck serve --listen 127.0.0.1:0` with whatever else, and waits until it says where it is.
    #[track_caller]
    pub fn start(command: &mut Command) -> Serving {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::<Mutex<String>>::default();
        let logged = Arc::clone(&log);
        let reader = std::thread::spawn(move || {
            for line in lines {
                *logged.lock().unwrap() += &(line.unwrap() + "\n");
            }
        });
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let mut serving = Serving { child, url: String::new(), reader: Some(reader), log };
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

    /// What it logged so far.
    pub fn logged(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Sends a signal such as `-TERM`; gives the exit code and what was logged.
    #[track_caller]
    pub fn end(mut self, signal: &str) -> (i32, String) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        self.reader.take().unwrap().join().unwrap();
        let logged = self.logged();
        let code = self.child.wait().unwrap().code();
        (code.unwrap_or_else(|| panic!("killed: {logged}")), logged)
    }

    fn kill(&mut self) -> String {
        let _ = self.child.kill(); // it may have ended
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.logged()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended
        let _ = self.child.wait();
    }
}
