//! Runs one parser on many inputs: those that are kept, then mutations of them. No clock and no randomness but the seed's.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::mutate::{MAX_BYTES, Random, mutate};

/// Multiplies the executions of every parser.
const MULTIPLIER: &str = "GOSUMCHECK_FUZZ_EXECUTIONS";
/// Another seed gives other inputs.
const SEED: &str = "GOSUMCHECK_FUZZ_SEED";
/// How many accepted mutations are kept to be mutated further, the newest ones.
const POOL: usize = 64;
/// A check that takes longer for one input hangs. It decides nothing else, so that it does not matter how fast a machine is.
const HANGS: Duration = Duration::from_secs(120);

/// A parser under test.
pub struct Parser {
    /// also the folder of its found cases, `testdata/fuzz/NAME`, and the name of its cargo-fuzz target
    pub name: &'static str,
    /// runs it and asserts what must be true of the outcome; whether it took the input
    pub check: fn(&[u8]) -> bool,
    /// inputs to start from
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// the tokens of the format
    pub words: &'static [&'static str],
    /// how many inputs, before [`MULTIPLIER`]
    pub executions: u64,
    /// At one time, it may take this many bytes for each byte of input, and this many besides.
    pub peak: (usize, usize),
    /// The same for all that it takes in the course of one execution: its steps.
    pub total: (usize, usize),
}

/// What a run came to.
#[derive(Debug, Default)]
pub struct Summary {
    /// inputs tried
    pub executions: u64,
    /// inputs that the parser took
    pub accepted: u64,
    /// the peak of short inputs in bytes, and that of each further byte of long ones
    pub peak: (usize, f64),
    /// the same of the total
    pub total: (usize, f64),
}

impl Parser {
    /// Runs it as often as it should be.
    ///
    /// # Panics
    /// If it panics, breaks an invariant or takes too much memory; the input is kept beside the build and said.
    pub fn fuzz(&self) {
        let multiplier = number(MULTIPLIER).unwrap_or(1);
        let mix = |seed: u64, byte: u8| Random(seed ^ u64::from(byte)).next();
        let mut random = Random(self.name.bytes().fold(number(SEED).unwrap_or(0), mix));
        let mut pool: Vec<Vec<u8>> = self.seeds_and_cases();
        let kept = pool.len();
        let mut summary = Summary::default();
        for input in &pool {
            _ = (self.check)(input); // what is made once, is made here
        }
        for input in &pool {
            self.execute(input, &mut summary);
        }
        let progress = AtomicU64::new(0);
        thread::scope(|scope| {
            let (running, ended) = mpsc::channel::<()>();
            scope.spawn(|| watch(self.name, &progress, ended));
            let mut input = Vec::new();
            while summary.executions < self.executions * multiplier {
                progress.fetch_add(1, Ordering::Relaxed);
                input.clear();
                input.extend_from_slice(&pool[random.below(pool.len())]);
                let other = random.below(pool.len());
                mutate(&mut random, &mut input, &pool[other], self.words);
                if self.execute(&input, &mut summary) && input.len() < 1 << 12 {
                    if pool.len() < kept + POOL {
                        pool.push(input.clone());
                    } else {
                        pool[kept + random.below(POOL)].clone_from(&input);
                    }
                }
            }
            drop(running);
        });
        println!("{}: {summary:?}", self.name);
    }

    /// The seeds, and the cases that were found before.
    pub fn seeds_and_cases(&self) -> Vec<Vec<u8>> {
        let mut inputs = (self.seeds)();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/fuzz").join(self.name);
        let mut files: Vec<_> = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        inputs.extend(files.iter().map(|file| fs::read(file).unwrap()));
        inputs.iter_mut().for_each(|input| input.truncate(MAX_BYTES));
        inputs
    }

    fn execute(&self, input: &[u8], summary: &mut Summary) -> bool {
        let kept = KeptOnPanic { name: self.name, input };
        let mut accepted = false;
        let taken = allocation_counter::measure(|| accepted = (self.check)(input));
        let [peak, total] = [taken.bytes_max, taken.bytes_total].map(|bytes| bytes as usize);
        let allowed = |(slope, base): (usize, usize)| slope * input.len() + base;
        assert!(peak <= allowed(self.peak), "{} bytes of input took {peak} bytes at one time", input.len());
        assert!(total <= allowed(self.total), "{} bytes of input took {total} bytes in all", input.len());
        drop(kept);
        summary.executions += 1;
        summary.accepted += u64::from(accepted);
        for (taken, seen) in [(peak, &mut summary.peak), (total, &mut summary.total)] {
            if input.len() < 256 {
                seen.0 = seen.0.max(taken);
            } else if input.len() >= 4096 {
                seen.1 = seen.1.max(taken.saturating_sub(seen.0) as f64 / input.len() as f64);
            }
        }
        accepted
    }
}

/// Writes the input down when the execution panics.
struct KeptOnPanic<'a> {
    name: &'a str,
    input: &'a [u8],
}

impl Drop for KeptOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{}", self.name));
            let kept = fs::write(&file, self.input).is_ok();
            eprintln!(
                "\n{}: {} bytes, {} {}; when it is mended keep it in testdata/fuzz/{}/\n{}\n",
                self.name,
                self.input.len(),
                if kept { "kept in" } else { "could not be kept in" },
                file.display(),
                self.name,
                self.input[..self.input.len().min(2000)].escape_ascii()
            );
        }
    }
}

/// Ends the process when one execution takes for ever: a test that hangs tells nobody anything.
fn watch(name: &str, progress: &AtomicU64, ended: Receiver<()>) {
    let mut seen = 0;
    while ended.recv_timeout(HANGS) == Err(RecvTimeoutError::Timeout) {
        let now = progress.load(Ordering::Relaxed);
        if now == seen {
            let _ = writeln!(std::io::stderr(), "{name} hangs at mutation {now} of this seed");
            std::process::abort();
        }
        seen = now;
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{variable} is not a number: {text}")))
}
