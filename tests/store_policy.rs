//! How good is the order in which stored files go? The same traces through it, through LRU and through S3-FIFO, each with all that it
//! wants to know. `cargo test --test store_policy -- --nocapture` prints the hit ratios.
//!
//! The traces are builds: each asks for all zips of one of many projects, which share modules. Projects, and modules among them, are
//! drawn as Zipf has it; a scan over versions that nobody builds runs beside some of them.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::print_stdout,
    reason = "a panic is a failed test"
)]

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::SystemTime;

use gosumcheck::store::eviction::{Standing, coldest_first};
use gosumcheck::store::modules::{InventoryFile, Tree};
use gosumcheck::store::usage::Use;
use gosumcheck::sumdb::gosum::Kind;
use gosumcheck::sumdb::module::ModuleVersion;

/// Numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The rank of one of `count`, as Zipf has it.
    fn zipf(&mut self, count: usize, exponent: f64) -> usize {
        // The inverse of the integral of x^-exponent.
        let (one, count) = (1.0 - exponent, count as f64);
        let rank = (self.next() * (count.powf(one) - 1.0) + 1.0).powf(1.0 / one);
        (rank as usize).clamp(1, count as usize) - 1
    }
}

struct Trace {
    asked: Vec<usize>,
    sizes: Vec<u64>,
}

/// So many builds, with one scan over `scanned` versions in the middle.
fn trace(builds: usize, scanned: usize) -> Trace {
    const MODULES: usize = 3000;
    const PROJECTS: usize = 60;
    let mut random = Random(7);
    let projects: Vec<Vec<usize>> = (0..PROJECTS)
        .map(|_| {
            let uses: HashSet<usize> = (0..150).map(|_| random.zipf(MODULES, 0.8)).collect();
            let mut uses: Vec<usize> = uses.into_iter().collect();
            uses.sort_unstable();
            uses
        })
        .collect();
    // Most are small, and a few are large.
    let size = |random: &mut Random| (20_000.0 / (1.0 - random.next() * 0.998).powf(0.9)) as u64;
    let sizes = (0..MODULES + scanned).map(|_| size(&mut random)).collect();
    let mut asked = Vec::new();
    for build in 0..builds {
        asked.extend(&projects[random.zipf(PROJECTS, 0.7)]);
        if build == builds / 2 {
            asked.extend(MODULES..MODULES + scanned);
        }
    }
    Trace { asked, sizes }
}

/// Which of the files that are held goes next.
trait Policy {
    fn hit(&mut self, file: usize);
    fn admitted(&mut self, file: usize);
    fn next(&mut self) -> usize;
}

/// Hits in hundredths of a percent.
fn hits(trace: &Trace, max: u64, policy: &mut dyn Policy) -> usize {
    let (mut held, mut bytes, mut hits) = (HashSet::new(), 0, 0);
    for file in trace.asked.iter().copied() {
        if held.contains(&file) {
            hits += 1;
            policy.hit(file);
            continue;
        }
        while bytes + trace.sizes[file] > max {
            let gone = policy.next();
            assert!(held.remove(&gone));
            bytes -= trace.sizes[gone];
        }
        held.insert(file);
        bytes += trace.sizes[file];
        policy.admitted(file);
    }
    hits * 10_000 / trace.asked.len()
}

#[derive(Default)]
struct Lru(VecDeque<usize>);

impl Policy for Lru {
    fn hit(&mut self, file: usize) {
        self.0.retain(|other| *other != file);
        self.0.push_back(file);
    }

    fn admitted(&mut self, file: usize) {
        self.0.push_back(file);
    }

    fn next(&mut self) -> usize {
        self.0.pop_front().unwrap()
    }
}

/// As in "FIFO queues are all you need for cache eviction" (SOSP 2023), with bytes for its small queue and as many ghosts as files.
struct S3Fifo<'a> {
    sizes: &'a [u64],
    small: VecDeque<usize>,
    main: VecDeque<usize>,
    ghosts: VecDeque<usize>,
    uses: HashMap<usize, u8>,
    small_bytes: u64,
    small_most: u64,
}

impl<'a> S3Fifo<'a> {
    fn new(sizes: &'a [u64], max: u64) -> S3Fifo<'a> {
        let (small, main, ghosts, uses) = Default::default();
        S3Fifo { sizes, small, main, ghosts, uses, small_bytes: 0, small_most: max / 10 }
    }
}

impl Policy for S3Fifo<'_> {
    fn hit(&mut self, file: usize) {
        let uses = self.uses.entry(file).or_default();
        *uses = (*uses + 1).min(3);
    }

    fn admitted(&mut self, file: usize) {
        self.uses.insert(file, 0);
        if let Some(at) = self.ghosts.iter().position(|ghost| *ghost == file) {
            self.ghosts.remove(at);
            self.main.push_back(file);
        } else {
            self.small.push_back(file);
            self.small_bytes += self.sizes[file];
        }
    }

    fn next(&mut self) -> usize {
        loop {
            if self.small_bytes >= self.small_most || self.main.is_empty() {
                let file = self.small.pop_front().unwrap();
                self.small_bytes -= self.sizes[file];
                if self.uses[&file] > 0 {
                    self.uses.insert(file, 0);
                    self.main.push_back(file);
                    continue;
                }
                self.ghosts.push_back(file);
                if self.ghosts.len() > self.main.len() + self.small.len() {
                    self.ghosts.pop_front();
                }
                return file;
            }
            let file = self.main.pop_front().unwrap();
            match self.uses[&file] {
                0 => return file,
                uses => {
                    self.uses.insert(file, uses - 1);
                    self.main.push_back(file);
                }
            }
        }
    }
}

/// The order of the store: it looks at all files, and takes the first twentieth of them as they are then.
struct Ours<'a> {
    sizes: &'a [u64],
    held: HashSet<usize>,
    uses: HashMap<usize, Use>,
    plan: VecDeque<(usize, u64)>,
    now: u64,
}

impl Ours<'_> {
    fn used(&mut self, file: usize) {
        self.now += 1;
        let used = self.uses.entry(file).or_default();
        *used = Use { hits: used.hits + 1, last: self.now, ..*used };
    }

    fn look(&mut self) {
        let standing = |file: &usize| {
            let (module, name) = (ModuleVersion::new("example.com/m", "v1.0.0").unwrap(), format!("{file}.zip"));
            let (bytes, len, admitted) = (self.sizes[*file], self.sizes[*file], SystemTime::UNIX_EPOCH);
            let (tree, kind, has_proof) = (Tree::Proven, Kind::Zip, true);
            let file_of = InventoryFile { tree, module, kind, name, bytes, len, admitted, has_proof };
            Standing { file: file_of, used: self.uses[file], stays: None }
        };
        let order = coldest_first(self.held.iter().map(standing).collect(), Vec::new());
        let part = (order.len() / 20).max(8);
        let number = |standing: &Standing| standing.file.name.strip_suffix(".zip").unwrap().parse().unwrap();
        self.plan = order.iter().take(part).map(|standing| (number(standing), self.now)).collect();
    }
}

impl Policy for Ours<'_> {
    fn hit(&mut self, file: usize) {
        self.used(file);
    }

    fn admitted(&mut self, file: usize) {
        self.used(file);
        self.held.insert(file);
    }

    fn next(&mut self) -> usize {
        loop {
            match self.plan.pop_front() {
                Some((file, made)) if self.uses[&file].last <= made => {
                    self.held.remove(&file);
                    return file;
                }
                Some(_) => {}
                None => self.look(),
            }
        }
    }
}

#[test]
fn the_order_is_as_good_as_the_known_ones() {
    println!("hits in percent   limit     LRU  S3-FIFO     ours");
    for (what, trace) in [("builds", trace(120, 0)), ("builds and a scan", trace(120, 3000))] {
        let all: u64 = trace.asked.iter().collect::<HashSet<_>>().into_iter().map(|file| trace.sizes[*file]).sum();
        for part in [20, 10, 5] {
            let (max, sizes) = (all / part, trace.sizes.as_slice());
            let lru = hits(&trace, max, &mut Lru::default());
            let s3 = hits(&trace, max, &mut S3Fifo::new(sizes, max));
            let (held, uses, plan) = Default::default();
            let ours = hits(&trace, max, &mut Ours { sizes, held, uses, plan, now: 0 });
            let [shown_lru, shown_s3, shown_ours] =
                [lru, s3, ours].map(|hits| format!("{}.{:02}", hits / 100, hits % 100));
            println!("{what:17} {:>4} MB {shown_lru:>7}  {shown_s3:>7}  {shown_ours:>7}", max / 1_000_000);
            assert!(ours * 100 >= lru.max(s3) * 95, "{what} {part}: {ours} of {lru} and {s3}");
        }
    }
}
