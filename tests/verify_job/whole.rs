//! The matrix over a store of the size that a company has: a log of 100,000 records and 200 modules, real ones where the go command
//! has them. Every stored file is damaged in every way.
//!
//! Files of modules that do not depend on one another are damaged together, each in a way of its own, and judged by one run of the
//! command: in 65 batches every one of them has had every damage. `matrix` and `repair` do one at a time, over small stores, which
//! shows that no finding depends on another one. What belongs to the log is damaged one file at a time here too.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use gosumcheck::sumdb::goproxy::{VersionInfo, list};
use gosumcheck::sumdb::module::ModuleVersion;

use super::command::{Machine, Ran, file_url};
use super::common::{cached_zips, files_below, zips};
use super::damage::{ALL, Damage, Kept};
use super::matrix::{expected, filled, is_normal};
use super::repair;
use super::whole_states;
use super::world::{Module, World};
use super::{cosigned, kept};

/// Records of the log.
pub(super) const RECORDS: usize = 100_000;
/// Modules of the store.
const MODULES: usize = 200;
/// Larger zips take long to be hashed again and again.
const LARGEST: u64 = 512 << 10;
/// The same of those that `tests/proxy_go` has downloaded: as many as there are, and 2 MB in all.
const LARGEST_DOWNLOADED: u64 = 64 << 10;
/// The files of a module that are damaged together: none says anything of another one.
///
/// The last turn is one of rest: a report names no more than 100 findings of a kind.
const TOGETHER: [&[&str]; 5] =
    [&["zip", "modhash"], &["mod", "ziphash"], &["zipproof", "info"], &["modproof", "list"], &[]];
/// After so many batches each of these has had each damage: their number and that of the damages have no common divisor.
const BATCHES: usize = TOGETHER.len() * ALL.len();
/// The files of the log.
const LOG_FILES: [&str; 8] =
    ["records", "offsets", "hashes.0", "hashes.1", "hashes.2", "head", "heads", "index.sqlite"];
/// Fewer cases are not what was asked for.
const FEWEST: usize = 10_000;

/// The modules: the smallest ones of the go command's cache and of those that `tests/proxy_go` has downloaded, one version of each, and made
/// ones where these are too few.
fn modules() -> Vec<Module> {
    let mut seen = BTreeSet::new();
    let mut real = cached_zips(LARGEST).unwrap_or_default();
    let downloaded = Path::new(env!("CARGO_TARGET_TMPDIR")).join("proxy_go/modules");
    // Written last there: without it another test program may be at it now.
    if downloaded.join("whole-for.go.sum").is_file() {
        real.extend(zips(&downloaded, LARGEST_DOWNLOADED));
        real.sort();
    }
    real.retain(|(_, version, _)| seen.insert(version.path().to_string()));
    real.truncate(MODULES);
    if real.len() < MODULES {
        let (test, real) = (std::thread::current().name().unwrap_or("test").to_owned(), real.len());
        let _ = writeln!(
            std::io::stderr(),
            "{test}: the module cache and the downloads of tests/proxy_go hold {real} modules, the other {} are made",
            MODULES - real
        );
    }
    let real = real.into_iter().map(|(_, version, path)| Module {
        version,
        zip: fs::read(&path).unwrap(),
        go_mod: fs::read(path.with_extension("mod")).unwrap(),
    });
    let made = (0..).map(|n| Module::new(&format!("example.com/made/m{n}"), &format!("v1.{n}.0"), 20 + n));
    real.chain(made).take(MODULES).collect()
}

/// The store, a copy of it as an upstream, and a user of it.
pub(super) struct Whole {
    pub(super) world: World,
    upstream: tempfile::TempDir,
    pub(super) machine: Machine,
    _served: super::fake::Served,
}

/// One file that was damaged.
struct Case {
    module: ModuleVersion,
    path: PathBuf,
    ending: &'static str,
    damage: Damage,
    before: Vec<u8>,
    /// what it holds then; nothing where it was removed
    damaged: Vec<u8>,
}

impl Whole {
    pub(super) fn new() -> Whole {
        let (mut world, upstream) = filled(World::among(modules(), RECORDS - MODULES));
        world.private = "";
        repair::index(&world.log);
        let served = world.log.db.serve();
        let mut machine = Machine::new();
        machine.set("GOSUMDB", format!("{} {}", world.log.db.vkey(), served.url()));
        machine.set("GOSUMCHECK_DATA", world.root().to_str().unwrap());
        machine.set("GOSUMCHECK_PROXY", file_url(upstream.path()));
        kept::fill(&world);
        cosigned::cosign(&world.log).unwrap();
        let key = cosigned::key_file(&machine);
        machine.set("GOSUMCHECK_COSIGN", key.to_str().unwrap());
        let latest = world.root().join(kept_files(&world)[0].clone());
        fs::create_dir_all(latest.parent().unwrap()).unwrap();
        fs::write(latest, world.log.db.head(world.log.db.size())).unwrap();
        machine.run(&["verify", "--record"]).says(0, &[]);
        Whole { world, upstream, machine, _served: served }
    }

    pub(super) fn verify(&self, args: &[&str]) -> Ran {
        self.machine.run(&[&["verify", "--format", "json"], args].concat())
    }

    /// Every file below the data folder, but for locks and what SQLite makes for as long as it works.
    pub(super) fn stored(&self) -> BTreeMap<PathBuf, Kept> {
        let is_passing =
            |path: &PathBuf| ["lock", "-shm", "-wal"].iter().any(|end| path.to_string_lossy().ends_with(end));
        let paths = files_below(self.world.root()).into_iter().filter(|path| !is_passing(path));
        paths.map(|path| (path.clone(), Kept::of(&path))).collect()
    }

    /// Damages the files whose turn it is in this batch.
    fn damage(&self, batch: usize) -> Vec<Case> {
        let half = MODULES / 2;
        let mut cases = Vec::new();
        for at in 0..half {
            // Two modules each, so that each has a neighbour with which it can change places.
            let (one, other) = (&self.world.modules[at], &self.world.modules[at + half]);
            for &ending in TOGETHER[(batch + at) % TOGETHER.len()] {
                let damage = ALL[(batch + at) % ALL.len()];
                let both = [one, other].map(|module| (module, place(&self.world, module, ending)));
                let before = both.clone().map(|(_, path)| fs::read(path).unwrap());
                let was_done = [(0, 1), (1, 0)].map(|(from, to)| {
                    let elsewhere = self.upstream.path().join(format!("elsewhere.{ending}.{}", at + from * half));
                    damage == Damage::Swapped && from == 1 || damage.does(&both[from].1, &both[to].1, &elsewhere)
                });
                for (((module, path), before), was_done) in both.into_iter().zip(before).zip(was_done) {
                    let damaged = fs::read(&path).unwrap_or_default();
                    let is_same = damage == Damage::Swapped && damaged == before;
                    if was_done && !is_same {
                        cases.push(Case { module: module.version.clone(), path, ending, damage, before, damaged });
                    }
                }
            }
        }
        cases
    }
}

/// Where the file of this ending is, or the list.
fn place(world: &World, module: &Module, ending: &str) -> PathBuf {
    let path = world.path(module, ending);
    if ending == "list" { path.with_file_name("list") } else { path }
}

/// What a finding is about: a file together with what stands beside it to vouch for it.
fn subject(path: &Path) -> (PathBuf, &'static str) {
    let ending = path.extension().map(|ending| ending.to_string_lossy().into_owned()).unwrap_or_default();
    let subject = match ending.as_str() {
        "zip" | "ziphash" | "zipproof" => "zip",
        "mod" | "modhash" | "modproof" => "mod",
        "info" => "info",
        _ => return (path.to_owned(), "itself"),
    };
    (path.with_extension(""), subject)
}

impl Case {
    /// Whether nothing can show that anybody damaged it; none where that is as it may be.
    fn is_normal(&self) -> Option<bool> {
        let is_in_bytes = !matches!(self.damage, Damage::Mode(_) | Damage::Linked | Damage::Removed);
        match self.ending {
            _ if matches!(self.damage, Damage::Mode(_) | Damage::Linked) => Some(false),
            // A torn proof is what a power cut leaves, and another stamp a restored backup's; another database's is found.
            "zipproof" | "modproof" if is_in_bytes && self.damage != Damage::Swapped => None,
            // Nothing proves a time, and a list may lag behind.
            "info" if is_in_bytes => VersionInfo::of_module(&self.module, &self.damaged).is_err().then_some(false),
            "list" if is_in_bytes => {
                let versions = list::read(self.module.path(), &self.damaged);
                Some(versions.is_ok_and(|versions| list::write(&versions) == self.damaged))
            }
            _ => Some(is_normal(self.ending, self.damage, &self.damaged, &self.before)),
        }
    }
}

/// What a report says, file by file: kind and class.
fn told(ran: &Ran) -> BTreeMap<(PathBuf, &'static str), Vec<(String, String)>> {
    let mut told = BTreeMap::<_, Vec<_>>::new();
    let report = ran.json();
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(report["total_findings"], findings.len(), "not all are listed: {}", report["tally"]);
    for finding in findings {
        let text = |name: &str| finding[name].as_str().unwrap().to_owned();
        told.entry(subject(Path::new(&text("file")))).or_default().push((text("flaw"), text("diagnosis")));
    }
    told
}

#[test]
fn every_file_of_a_store_with_200_modules_in_every_way() {
    let whole = Whole::new();
    whole.verify(&[]).says(0, &["\"total_findings\": 0"]);
    let mut stored = whole.stored();
    is_known(&whole, stored.keys());
    // A repair writes down there what it set aside.
    stored.retain(|path, _| !path.ends_with("proxy.sqlite"));
    let (mut done, mut repaired) = (0, 0);
    for batch in 0..BATCHES {
        let cases = whole.damage(batch);
        let normal = judge(&cases, told(&whole.verify(&[])));
        whole.verify(&["--repair"]).says(0, &["\"total_findings\": 0"]);
        whole.is_as_before(&stored, &cases, &normal);
        stored.iter().filter(|(path, kept)| !kept.is_at(path)).for_each(|(path, kept)| kept.put_back(path));
        let _ = fs::remove_dir_all(whole.world.root().join("refused"));
        (done, repaired) = (done + cases.len(), repaired + cases.len() - normal.len());
    }
    done += whole_states::every_kept_file(&whole);
    // More than a report names are repaired in one run all the same.
    let all = whole.world.modules.iter().map(|module| place(&whole.world, module, "modhash"));
    all.for_each(|path| fs::remove_file(path).unwrap());
    whole.verify(&["--repair"]).says(0, &["\"total_findings\": 0"]);
    whole.is_as_before(&stored, &[], &BTreeSet::new());
    assert!(done >= FEWEST && repaired >= FEWEST / 2, "{done} cases, {repaired} of them repaired");
    whole.verify(&[]).says(0, &["\"total_findings\": 0"]);
    whole_states::none_is_a_finding(&whole);
}

#[test]
fn every_file_of_a_log_of_100_000_records_in_every_way() {
    let size = RECORDS as u64;
    let world = super::log::World::new(size, &[300, size - 1, size]);
    repair::index(&world);
    let cases = repair::matrix(&world, &LOG_FILES, &ALL);
    assert!(cases > 90, "{cases}");
}

/// Each stored file is one that is damaged in some test of this file, so that none is forgotten.
fn is_known<'a>(whole: &Whole, paths: impl Iterator<Item = &'a PathBuf>) {
    let (log, kept) = (whole.world.log.log.dir().to_owned(), kept_files(&whole.world));
    for path in paths {
        let of_log = path.parent() == Some(&*log) && LOG_FILES.iter().any(|name| path.ends_with(name));
        let of_modules = subject(path).1 != "itself" || path.ends_with("@v/list");
        let beside = kept.iter().any(|name| path.ends_with(name));
        assert!(of_log || of_modules || beside, "no test damages {}", path.display());
    }
}

/// What is kept beside log and modules, the remembered head first.
pub(super) fn kept_files(world: &World) -> Vec<String> {
    let heads = |name: &str| format!("heads/{}/{name}", world.log.db.name());
    let cosigned = cosigned::name_in(&world.log);
    vec![heads("latest"), heads("seen.jsonl"), "verify/journal.jsonl".to_owned(), "proxy.sqlite".to_owned(), cosigned]
}

/// Each case is found or normal, and nothing else is found; gives what is normal.
fn judge(cases: &[Case], mut told: BTreeMap<(PathBuf, &'static str), Vec<(String, String)>>) -> BTreeSet<PathBuf> {
    let mut normal = BTreeSet::new();
    for case in cases {
        let context = format!("{} {:?}", case.path.display(), case.damage);
        let found = told.remove(&subject(&case.path)).unwrap_or_default();
        let is_normal = case.is_normal().unwrap_or(found.is_empty());
        assert_eq!(found.is_empty(), is_normal, "{context}: {found:?}");
        normal.extend(is_normal.then(|| case.path.clone()));
        let expected = expected(case.ending, case.damage).filter(|_| !is_normal);
        let is_told_apart = |expected: &str| found.iter().any(|(_, diagnosis)| diagnosis == expected);
        assert!(expected.is_none_or(|expected| is_told_apart(expected.id())), "{context}: {found:?}");
    }
    assert_eq!(told, BTreeMap::new(), "what nobody damaged");
    normal
}

impl Whole {
    /// All files are as they were before `cases`, but those that are normal as they are.
    fn is_as_before(&self, kept: &BTreeMap<PathBuf, Kept>, cases: &[Case], normal: &BTreeSet<PathBuf>) {
        let damaged: BTreeSet<_> = cases.iter().map(|case| subject(&case.path)).collect();
        for (path, kept) in kept.iter().filter(|(path, _)| !normal.contains(*path)) {
            // A file that was fetched again has another stamp in its proof.
            let is_proof = path.extension().is_some_and(|ending| ending.to_string_lossy().ends_with("proof"));
            let has_stamp = is_proof && damaged.contains(&subject(path)) && path.is_file();
            assert!(kept.is_at(path) || has_stamp, "{} is another", path.display());
        }
    }
}
