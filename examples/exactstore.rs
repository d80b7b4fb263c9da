//! `exactstore`: which requests for zips the exact order of removal would have answered from a store with a limit; for bench/store.sh.
//!
//! The trace is a server's access log in JSON, read from standard input, in the order in which the server saw the requests. The exact
//! order looks at the whole store before each single removal, makes room only when a download needs it, and fills the limit to the
//! last byte; the server looks at the store once for a twentieth of it, and makes room ahead.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::{self, BufRead as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use clap::Parser;
use gosumcheck::store::eviction::{Standing, coldest_first};
use gosumcheck::store::modules::{InventoryFile, Tree};
use gosumcheck::store::usage::Use;
use gosumcheck::sumdb::goproxy::ModuleRequest;
use gosumcheck::sumdb::gosum::Kind;
use gosumcheck::sumdb::module::ModuleVersion;
use serde_json::Value;

/// Prints how many requests there were, and how many of them the server and the exact order answered from the store.
#[derive(Parser)]
struct Arguments {
    /// A tree of all modules, laid out as a module proxy: how large each zip is
    tree: PathBuf,
    /// What the modules of the trace may take of the disk, in bytes
    #[arg(long)]
    limit: u64,
    /// What stands beside a zip, in bytes: its hash, its proof, its `.info`; it stays when the zip goes
    #[arg(long, default_value_t = 3 << 12)]
    beside: u64,
    /// What the list and the folders of a module take, in bytes
    #[arg(long, default_value_t = 3 << 12)]
    folders: u64,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            let _ = writeln!(io::stderr(), "exactstore: {why}");
            ExitCode::from(2)
        }
    }
}

/// A request for a zip.
struct Asked {
    /// as the server counted it
    number: u64,
    path: String,
    is_hit: bool,
}

impl Asked {
    /// None for a line about anything else.
    fn parse(line: &str) -> Option<Asked> {
        let line: Value = serde_json::from_str(line).ok()?;
        let line = line.get("fields").unwrap_or(&line);
        let text = |key: &str| line.get(key).and_then(Value::as_str);
        let path = text("path")?.strip_prefix('/').filter(|path| path.ends_with(".zip"))?.to_owned();
        let number = u64::from_str_radix(text("id")?.rsplit_once('-')?.1, 16).ok()?;
        (line.get("status")? == 200).then_some(Asked { number, path, is_hit: text("cache")? != "miss" })
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let lines: Vec<String> = io::stdin().lock().lines().collect::<Result<_, _>>()?;
    let mut trace: Vec<Asked> = lines.iter().filter_map(|line| Asked::parse(line)).collect();
    trace.sort_by_key(|asked| asked.number);
    let mut store = Store { arguments, files: HashMap::new(), taken: 0 };
    let mut exact = 0;
    for (now, asked) in (1..).zip(&trace) {
        exact += u64::from(store.ask(&asked.path, now)?);
    }
    let hits = trace.iter().filter(|asked| asked.is_hit).count();
    writeln!(io::stdout(), "{} {hits} {exact}", trace.len())?;
    Ok(())
}

/// One zip that was asked for.
struct File {
    module: ModuleVersion,
    len: u64,
    used: Use,
    state: State,
}

#[derive(PartialEq, Eq)]
enum State {
    Stored,
    /// its hash and proof are there
    Remains,
    Gone,
}

/// The store as the exact order would have it.
struct Store<'a> {
    arguments: &'a Arguments,
    files: HashMap<String, File>,
    taken: u64,
}

impl Store<'_> {
    /// Whether a file is there at a moment; from then on it is.
    fn ask(&mut self, path: &str, now: u64) -> Result<bool, Box<dyn std::error::Error>> {
        let file = match self.files.entry(path.to_owned()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let ModuleRequest::File(module, _) = ModuleRequest::parse(path)? else { return Err(path.into()) };
                let len = self.arguments.tree.join(path).metadata()?.len().next_multiple_of(4096);
                new.insert(File { module, len, used: Use::default(), state: State::Gone })
            }
        };
        file.used = Use { hits: file.used.hits + 1, last: now, ..file.used };
        let beside = self.arguments.beside + self.arguments.folders;
        let needed = match file.state {
            State::Stored => return Ok(true),
            State::Remains => file.len,
            State::Gone => file.len + beside,
        };
        while self.taken + needed > self.arguments.limit && self.remove_coldest(path) {}
        self.taken += needed;
        if let Some(file) = self.files.get_mut(path) {
            file.state = State::Stored;
        }
        Ok(false)
    }

    /// Removes the one file, or what is left of one, that goes first; false where nothing is there.
    fn remove_coldest(&mut self, wanted: &str) -> bool {
        let in_state = |state: State| self.files.iter().filter(move |(_, file)| file.state == state);
        let inventory = |(path, file): (&String, &File), bytes| InventoryFile {
            tree: Tree::Proven,
            module: file.module.clone(),
            kind: Kind::Zip,
            name: path.clone(),
            bytes,
            len: bytes,
            admitted: SystemTime::UNIX_EPOCH + Duration::from_micros(file.used.last),
            has_proof: true,
        };
        let stored = in_state(State::Stored);
        let stored =
            stored.map(|entry| Standing { file: inventory(entry, entry.1.len), used: entry.1.used, stays: None });
        let remains = in_state(State::Remains).filter(|(path, _)| *path != wanted);
        let remains = remains.map(|entry| inventory(entry, self.arguments.beside));
        let remains = remains.map(|file| InventoryFile { name: format!("{}proof", file.name), ..file });
        let order = coldest_first(stored.collect(), remains.collect());
        let Some(first) = order.into_iter().next() else { return false };
        let name = first.file.name.strip_suffix("proof").unwrap_or(&first.file.name);
        let Some(file) = self.files.get_mut(name) else { return false };
        (self.taken, file.state) = match file.state {
            State::Stored => (self.taken - file.len, State::Remains),
            _ => (self.taken - self.arguments.beside - self.arguments.folders, State::Gone),
        };
        true
    }
}
