//! The matrix: each kind of answer, spoilt in each way, by one of two upstreams and by the only one. The liar's bytes are
//! refused under the right name, the other upstream is asked, and the copy is that of the honest log, byte for byte; from
//! the liar alone nothing is committed, and what was kept is true.

use std::collections::BTreeMap;
use std::time::Duration;

use gosumcheck::database::{Answer, Unavailable};
use gosumcheck::fault::Fault;
use gosumcheck::sumdb::module::ModuleVersion;
use gosumcheck::sync::SyncOptions;

use super::fake::FakeSumdb;
use super::matrix::Class::{self, Failed, Forked, Harmless, Lacked, Refused, Stale};
use super::matrix::{FAULTS, KINDS, Kind};
use super::world::{PLAIN, World, assert_same, expected, runtime};

/// The last data tile is one that the first of two upstreams is asked for first.
const SIZE: u64 = 4 * 256 + 112;
const STALE: u64 = 900;
/// A tile of tiles and some more, for what only larger logs have.
const LARGE_SIZE: u64 = 274 * 256 + 112;
const LARGE_STALE: u64 = 66_000;
const SEED: u64 = 31;
/// The record that is looked up.
const ID: u64 = 1000;

/// A log that is honest, one that is not, and what an honest sync leaves.
struct Pair {
    bad: FakeSumdb,
    good: FakeSumdb,
    size: u64,
    stale: u64,
    honest: BTreeMap<String, Vec<u8>>,
}

impl Pair {
    fn new(size: u64, stale: u64) -> Pair {
        let (bad, good) = (FakeSumdb::synthetic(size, SEED), FakeSumdb::synthetic(size, SEED));
        bad.prepare_fork(stale / 2);
        Pair { honest: expected(&good, size), bad, good, size, stale }
    }

    /// Makes the bad one answer at `path` as `fault` says.
    fn spoil(&self, fault: &str, path: &str) {
        let Pair { bad, size, stale, .. } = self;
        bad.clear_faults();
        bad.grow(*size);
        let heads = if path.starts_with("lookup") { path } else { "latest" };
        match fault {
            "stale" if path.starts_with("lookup") => bad.fault(&format!("stale:{stale}:{path}")),
            "stale" => bad.grow(*stale),
            "forked" => bad.fault(&format!("rewritten:{path}")),
            "unsigned" | "wrong-key" => bad.fault(&format!("{fault}:{heads}")),
            code if code.parse::<u16>().is_ok() => bad.fault(&format!("status:{code}:{path}")),
            fault => bad.fault(&format!("{fault}:{path}")),
        }
    }
}

/// A world whose requests do not wait long for a body that does not come.
fn world(log: &FakeSumdb, fault: &str) -> World {
    let mut world = World::new(log);
    if fault == "stalled" {
        world.settings.silence = Duration::from_millis(400);
        world.settings.tries = 1;
    }
    world
}

/// One row of the matrix.
fn check(kind: &Kind) {
    let large = kind.path == "tile/8/1/000";
    let pair = if large { Pair::new(LARGE_SIZE, LARGE_STALE) } else { Pair::new(SIZE, STALE) };
    let (bad_served, good_served) = (pair.bad.serve(), pair.good.serve());
    let urls = [bad_served.url(), good_served.url()];
    for (fault, class) in FAULTS.into_iter().zip(kind.classes) {
        let what = format!("{} {fault}", kind.name);
        pair.spoil(fault, kind.path);
        with_another(&world(&pair.good, fault), kind, class, &what, &urls, &pair);
        pair.spoil(fault, kind.path);
        alone(&world(&pair.good, fault), class, &what, &urls, &pair);
    }
}

fn with_another(
    world: &World,
    kind: &Kind,
    class: Class,
    what: &str,
    [bad_url, good_url]: &[String; 2],
    Pair { good, honest, .. }: &Pair,
) {
    let head_fault = ["stale", "unsigned", "wrong-key"].iter().any(|fault| what.ends_with(fault));
    let spoilt = if head_fault { "latest" } else { kind.path };
    good.clear_requests();
    let synced = world.sync(&[bad_url, good_url]);
    if class == Forked {
        assert!(matches!(synced, Err(Fault::Forked { .. })), "{what}: {synced:?}");
        assert!(world.held().head().unwrap().is_none() && world.evidence() == 1, "{what}");
        return;
    }
    let synced = synced.unwrap_or_else(|fault| panic!("{what}: {fault}"));
    assert_same(&world.files(), honest, what);
    assert!(!good.requests_for(spoilt).is_empty() || class == Harmless, "{what}: the other upstream was not asked");
    let complaint = synced.complaints.iter().find(|complaint| complaint.source == *bad_url);
    let counted = complaint.map_or([0; 3], |complaint| [complaint.refused, complaint.failed, complaint.lacked]);
    let is = match class {
        Refused => counted[0] > 0 && counted[2] == 0,
        Failed => counted[0] == 0 && counted[1] > 0,
        Lacked => counted[0] == 0 && counted[2] > 0,
        Stale | Forked => counted[0] == 0,
        Harmless => counted == [0; 3],
    };
    assert!(is, "{what}: {complaint:?}");
    assert!(
        !synced.complaints.iter().any(|complaint| complaint.source == *good_url),
        "{what}: {:?}",
        synced.complaints
    );
}

fn alone(world: &World, class: Class, what: &str, [bad_url, good_url]: &[String; 2], pair: &Pair) {
    let Pair { bad, honest, .. } = pair;
    let synced = world.sync(&[bad_url.as_str()]);
    let what = format!("{what}, alone");
    match class {
        Harmless => assert!(synced.unwrap().committed, "{what}"),
        Stale => assert_eq!(synced.unwrap().tree.size, pair.stale, "{what}"),
        _ => {
            let Err(fault) = synced else { panic!("{what}: {synced:?}") };
            let is = match class {
                // Without another's head there is nothing to compare it with: its tree does not prove.
                Refused | Forked => matches!(fault, Fault::Refused { .. }),
                _ => matches!(fault, Fault::Unavailable { .. }),
            };
            assert!(is && fault.to_string().contains(bad_url.as_str()), "{what}: {fault:?}");
            assert!(world.held().head().unwrap().is_none(), "{what}: something was committed");
        }
    }
    for (name, bytes) in world.files() {
        let is_true = !matches!(name.as_str(), "head" | "heads");
        assert!(!is_true || honest[&name].starts_with(&bytes), "{what}: {name} is not the log's");
    }
    // Whatever it left behind, an honest source finishes it.
    bad.clear_faults();
    world.sync(&[good_url]).unwrap_or_else(|fault| panic!("{what}: {fault}"));
    let mut files = world.files();
    if class == Stale {
        files.insert("heads".to_owned(), honest["heads"].clone());
    }
    assert_same(&files, honest, &what);
}

#[test]
fn heads() {
    check(&KINDS[0]);
}

#[test]
fn tiles_at_the_edge() {
    check(&KINDS[1]);
}

#[test]
fn hash_tiles() {
    check(&KINDS[2]);
}

#[test]
fn data_tiles() {
    check(&KINDS[3]);
}

#[test]
fn partial_data_tiles() {
    check(&KINDS[4]);
}

/// Lookups of what a copy does not have yet: the copy is not touched, and the answer is the log's or none.
#[test]
fn lookups() {
    let pair = Pair::new(SIZE, STALE);
    let Pair { bad, good, .. } = &pair;
    let (bad_served, good_served) = (bad.serve(), good.serve());
    let (bad_url, good_url) = (bad_served.url(), good_served.url());
    let path = good.lookup_path(ID);
    let (module, version) = good.module(ID);
    let asked = [ModuleVersion::new(&module, &version).unwrap()];
    // A 404 or 410 proves nothing: the record is found among those that the full copy lacks.
    let classes = [
        Refused, Failed, Refused, Refused, Refused, Harmless, Forked, Refused, Refused, Harmless, Harmless, Failed,
        Failed, Failed, Failed, Failed, Failed,
    ];
    for (fault, class) in FAULTS.into_iter().zip(classes) {
        let world = world(good, fault);
        good.grow(STALE);
        world.sync(&[&good_url]).unwrap();
        good.grow(SIZE);
        world.sync_as(&[&good_url], &SyncOptions { to: Some(0), ..PLAIN }).unwrap();
        let held = world.files();
        pair.spoil(fault, &path);
        let ask = |bases: &[&str]| {
            let database = world.database(bases);
            runtime().block_on(database.records(&asked, &|_, _, _| {})).map(|batch| batch.answers[0].clone())
        };
        let answer = ask(&[&bad_url]);
        let is = match (&answer, class) {
            (Err(Fault::Forked { .. }), Forked) => true,
            (Ok(Answer::Unknown(Unavailable::Fault(Fault::Refused { source_name, .. }))), Refused) => {
                source_name.starts_with(&bad_url)
            }
            (Ok(Answer::Unknown(Unavailable::Fault(fault @ Fault::Unavailable { .. }))), Failed) => {
                fault.to_string().contains(&bad_url)
            }
            (Ok(Answer::Found(record)), Harmless) => record.text() == good.record_text(ID),
            _ => false,
        };
        assert!(is, "lookup {fault}, alone: {answer:?}");
        if class != Forked {
            let answer = ask(&[&bad_url, &good_url]);
            let Ok(Answer::Found(record)) = answer else { panic!("lookup {fault}: {answer:?}") };
            assert_eq!((record.id(), record.text()), (ID, good.record_text(ID).as_str()), "lookup {fault}");
        }
        assert_same(&world.files(), &held, fault);
    }
}
