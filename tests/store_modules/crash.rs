//! The crash matrix: a disk that fails at change number k, before, in the middle of or after it, for every k of an arrival and what
//! becomes of it. A new process then finds no file whose bytes have another hash than the one beside it, and does the work.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use gosumcheck::store::Folder;
use gosumcheck::store::failing::{FailingDisk, Moment, Then};
use gosumcheck::store::modules::{Admitted, Modules, Provenance, Stored, Tree};
use gosumcheck::sumdb::gosum::Kind;
use gosumcheck::sumdb::module::ModuleVersion;

use crate::world::{BYTES, DATABASE, arrived, hash, judge, mixed, module, modules, names, open, recorded};

pub(crate) const MOMENTS: [Moment; 3] = [Moment::Before, Moment::Torn, Moment::After];
pub(crate) const THEN: [Then; 2] = [Then::Dead, Then::Recovers];
pub(crate) const REPORT: &[u8] = b"{\"expected\": \"h1:...\", \"got\": \"h1:...\"}\n";

pub(crate) fn on(root: &Path, disk: Arc<FailingDisk>) -> Modules {
    Folder::open_on(root, Box::new(disk)).unwrap().modules()
}

/// Brings the file in parts, after what is there already.
fn bring(modules: &Modules, module: &ModuleVersion) -> Result<gosumcheck::store::modules::Arrival, String> {
    let mut arrival = modules.arrival(module, Kind::Zip).map_err(|fault| fault.to_string())?;
    let mut rest = BYTES[arrival.len() as usize..].chunks(30);
    rest.try_for_each(|part| arrival.append(part).map_err(|error| error.to_string()))?;
    Ok(arrival)
}

pub(crate) fn bring_and_admit(modules: &Modules, by: &Provenance) -> Result<Admitted, String> {
    let arrival = bring(modules, &mixed())?;
    // As the proxy does: what arrived is proven before it is admitted.
    assert_eq!(arrival.read().unwrap(), BYTES);
    modules.admit(arrival, &hash(BYTES), by).map_err(|fault| fault.to_string())
}

/// What may stand in the place of the file before.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Before {
    /// what a proof by another database, of other bytes, left of a file
    OtherProof,
    Nothing,
    /// a file that nobody proved
    Junk,
    /// the same, beside a hash that is none
    JunkAndDamagedPin,
    PinOnly,
}

fn begin(before: Before, tree: &str) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join(tree).join("example.com/!mixed/m/@v");
    let pin = folder.join("v1.0.0-!r!c1.ziphash");
    if before != Before::Nothing {
        fs::create_dir_all(&folder).unwrap();
    }
    if matches!(before, Before::Junk | Before::JunkAndDamagedPin) {
        fs::write(folder.join("v1.0.0-!r!c1.zip"), "junk").unwrap();
    }
    match before {
        Before::JunkAndDamagedPin => fs::write(pin, "h1:").unwrap(),
        Before::PinOnly => fs::write(pin, hash(BYTES).to_string()).unwrap(),
        Before::OtherProof => {
            let proof = format!("{}\nrecord 3 of other.example+00000000+AcKey\n", hash(b"other"));
            fs::write(pin.with_extension("zipproof"), proof).unwrap();
            fs::write(pin, hash(b"other").to_string()).unwrap();
        }
        Before::Nothing | Before::Junk => {}
    }
    root
}

/// What is claimed of a file is true at every moment: what a database is said to have proven has the hash of its record, and
/// what came as a public file is not a first use.
fn claims_are_true(modules: &Modules, by: &Provenance, whence: &str) {
    match by {
        Provenance::Recorded(_) => {
            if let Some(admitted) = open(modules, &mixed(), Kind::Zip) {
                assert_eq!(admitted.read().unwrap(), BYTES, "{whence}");
            }
            let first_use = modules.open_first_use(&mixed(), Kind::Zip);
            assert!(!matches!(first_use, Ok(Stored::Proven(_) | Stored::Changed(_))), "{whence}");
        }
        Provenance::FirstUse => {
            let stored = modules.open(&mixed(), Kind::Zip, DATABASE).unwrap();
            assert!(matches!(stored, Stored::Missing), "{whence}: {stored:?}");
        }
    }
}

#[test]
fn an_admission_that_fails_anywhere_leaves_no_file_with_another_hash() {
    let all = [Before::Nothing, Before::Junk, Before::JunkAndDamagedPin, Before::PinOnly, Before::OtherProof];
    for before in all {
        fails_anywhere(before, "modules", &recorded());
    }
    // A pin that is damaged or another one is a person's to decide about.
    for before in [Before::Nothing, Before::Junk, Before::PinOnly] {
        fails_anywhere(before, "private", &Provenance::FirstUse);
    }
}

fn fails_anywhere(before: Before, tree: &str, by: &Provenance) {
    let root = begin(before, tree);
    let counting = Arc::new(FailingDisk::never());
    bring_and_admit(&on(root.path(), counting.clone()), by).unwrap();
    assert_eq!(judge(root.path(), ""), 1);
    let changes = counting.calls().len();
    assert!(changes > 6, "{changes}");
    for k in 0..changes {
        for (moment, then) in MOMENTS.into_iter().flat_map(|moment| THEN.map(|then| (moment, then))) {
            let whence = format!("{tree} {before:?} k={k} {moment:?} {then:?}");
            let root = begin(before, tree);
            let told = bring_and_admit(&on(root.path(), Arc::new(FailingDisk::new(k, moment, then))), by);
            let found = judge(root.path(), &whence);
            assert!(told.is_err() || found == 1, "{whence}: told done, found {found}");
            if let Err(text) = told {
                assert!(text.starts_with(root.path().to_str().unwrap()), "{whence}: {text}");
                assert!(text.contains("no storage space; free some space"), "{whence}: {text}");
            }
            // A hash that was there before may be an old first use; what this process wrote is none.
            if !(before == Before::PinOnly && matches!(by, Provenance::Recorded(_))) {
                claims_are_true(&modules(root.path()), by, &whence);
            }
            // The next process does it over whatever is left, from where this one was.
            assert_eq!(bring_and_admit(&modules(root.path()), by).unwrap().read().unwrap(), BYTES, "{whence}");
            claims_are_true(&modules(root.path()), by, &whence);
            assert_eq!(judge(root.path(), &whence), 1);
            let litter = names(&root.path().join("tmp"));
            assert!(litter.iter().all(|name| !name.starts_with("arrival-")), "{whence}: {litter:?}");
        }
    }
}

#[test]
fn a_refusal_that_fails_anywhere_keeps_the_whole_bytes_or_none_and_never_goes_on_with_them() {
    let refuse = |modules: &Modules| -> Result<PathBuf, String> {
        let arrival = bring(modules, &mixed())?;
        assert_eq!(arrival.read().unwrap(), BYTES);
        modules.refuse(arrival, "https://liar.example", REPORT).map(Option::unwrap).map_err(|fault| fault.to_string())
    };
    let root = tempfile::tempdir().unwrap();
    let counting = Arc::new(FailingDisk::never());
    refuse(&on(root.path(), counting.clone())).unwrap();
    for k in 0..counting.calls().len() {
        for (moment, then) in MOMENTS.into_iter().flat_map(|moment| THEN.map(|then| (moment, then))) {
            let whence = format!("k={k} {moment:?} {then:?}");
            let root = tempfile::tempdir().unwrap();
            let told = refuse(&on(root.path(), Arc::new(FailingDisk::new(k, moment, then))));
            let refused = root.path().join("refused");
            let kept = names(&refused);
            for name in &kept {
                let expected = if name.ends_with(".json") { REPORT } else { BYTES };
                assert_eq!(fs::read(refused.join(name)).unwrap(), expected, "{whence} {name}");
                // A file that was refused never lacks its report.
                assert!(name.ends_with(".json") || kept.contains(&format!("{name}.json")), "{whence} {kept:?}");
            }
            assert!(told.is_err() || kept.len() == 2, "{whence}: told done, found {kept:?}");
            assert_eq!(judge(root.path(), &whence), 0);
            let failed_in_refusing = counting.calls()[k] == "rename" || counting.calls()[k].contains("durable");
            if then == Then::Recovers && failed_in_refusing {
                assert!(names(&root.path().join("tmp")).is_empty(), "{whence}");
            }
            let report = refuse(&modules(root.path())).unwrap();
            assert_eq!(fs::read(report).unwrap(), REPORT);
            assert_eq!(names(&refused).len(), 2, "{whence}");
        }
    }
}

#[test]
fn an_info_that_fails_anywhere_is_the_old_one_or_the_new() {
    let (old, new) = (b"{\"Version\":\"old\"}".as_slice(), b"{\"Version\":\"new, and longer\"}".as_slice());
    let begin = || {
        let root = tempfile::tempdir().unwrap();
        modules(root.path()).write_info(Tree::Proven, &mixed(), old).unwrap();
        root
    };
    let counting = Arc::new(FailingDisk::never());
    on(begin().path(), counting.clone()).write_info(Tree::Proven, &mixed(), new).unwrap();
    for k in 0..counting.calls().len() {
        for (moment, then) in MOMENTS.into_iter().flat_map(|moment| THEN.map(|then| (moment, then))) {
            let root = begin();
            let told =
                on(root.path(), Arc::new(FailingDisk::new(k, moment, then))).write_info(Tree::Proven, &mixed(), new);
            let found = modules(root.path()).read_info(Tree::Proven, &mixed()).unwrap().unwrap();
            assert!(found == new || (found == old && told.is_err()), "k={k} {moment:?} {then:?}");
        }
    }
}

#[test]
fn bytes_and_hash_are_synced_before_the_file_gets_its_name_and_the_name_after() {
    let root = tempfile::tempdir().unwrap();
    let disk = Arc::new(FailingDisk::never());
    let modules = on(root.path(), disk.clone());
    bring_and_admit(&modules, &recorded()).unwrap();
    let calls = disk.calls();
    let admission = calls.iter().rposition(|call| call == "write_at").unwrap() + 1;
    let calls: Vec<&str> = calls[admission..].iter().map(String::as_str).collect();
    assert_eq!(
        calls[calls.len() - 8..],
        ["write_new durable", "sync", "rename", "rename", "rename", "sync_folder", "write_new", "rename"]
    );
    // The five folders that were made on the way are synced too: modules, example.com, !mixed, m, @v.
    assert_eq!(calls.iter().filter(|call| **call == "sync_folder").count(), 5 + 1, "{calls:?}");
    let before = disk.calls().len();
    modules.refuse(bring(&modules, &module("example.com/m@v1.0.0")).unwrap(), "https://liar.example", REPORT).unwrap();
    let calls = disk.calls().split_off(before);
    assert_eq!(
        calls[calls.len() - 6..],
        ["write_new durable", "rename", "sync_folder", "sync", "rename", "sync_folder"]
    );
}

#[test]
fn a_full_disk_is_named_and_takes_nothing_that_was_there() {
    let root = tempfile::tempdir().unwrap();
    let modules = on(root.path(), Arc::new(FailingDisk::new(1, Moment::Torn, Then::Recovers)));
    let text = modules.arrival(&mixed(), Kind::Zip).unwrap_err().to_string();
    assert!(text.contains("tmp/arrival-") && text.contains("no storage space"), "{text}");

    // In the middle of a file: what had arrived goes at once, so that its room is free, and all of it comes when there is room.
    let modules = on(root.path(), Arc::new(FailingDisk::new(3, Moment::Torn, Then::Recovers)));
    let mut arrival = modules.arrival(&mixed(), Kind::Zip).unwrap();
    arrival.append(&BYTES[..30]).unwrap();
    let error = arrival.append(&BYTES[30..]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    assert!(error.to_string().contains("tmp/arrival-") && error.to_string().contains("free some space"), "{error}");
    let tmp = root.path().join("tmp");
    assert_eq!((arrival.len(), fs::metadata(tmp.join(&names(&tmp)[0])).unwrap().len()), (0, 0));
    drop(arrival);
    assert_eq!(names(&tmp), [""; 0]);
    assert_eq!(bring_and_admit(&modules, &recorded()).unwrap().read().unwrap(), BYTES);
}

#[test]
fn a_torn_end_that_stays_is_not_part_of_the_file() {
    let root = tempfile::tempdir().unwrap();
    // Made, written, torn; and the disk is too broken to cut the torn end off.
    let broken = FailingDisk::new(3, Moment::Torn, Then::Dead).failing_with(std::io::ErrorKind::Other);
    let modules = on(root.path(), Arc::new(broken));
    let mut arrival = modules.arrival(&mixed(), Kind::Zip).unwrap();
    arrival.append(&BYTES[..30]).unwrap();
    arrival.append(&[b'x'; 40]).unwrap_err();
    assert_eq!(arrival.read().unwrap(), &BYTES[..30]);
    let tmp = root.path().join("tmp");
    assert_eq!(fs::read(tmp.join(&names(&tmp)[0])).unwrap().len(), 50);
    drop(arrival);
    // The same in a process that lives on and gets room before it is admitted: only what was counted has a name.
    let root = tempfile::tempdir().unwrap();
    let modules = crate::world::modules(root.path());
    let arrival = arrived(&modules, &mixed(), Kind::Zip, BYTES);
    let tmp = root.path().join("tmp");
    let file = fs::File::options().append(true).open(tmp.join(&names(&tmp)[0])).unwrap();
    std::io::Write::write_all(&mut &file, b"a torn end").unwrap();
    assert_eq!(modules.admit(arrival, &hash(BYTES), &recorded()).unwrap().read().unwrap(), BYTES);
    assert_eq!(judge(root.path(), ""), 1);
}

const ROOT: &str = "GOSUMCHECK_TEST_MODULES_ROOT";
const PROCESSES: usize = 4;
const FILES: u32 = 12;

/// What each process of the test below does.
fn admit_all(root: &Path) {
    let modules = modules(root);
    for n in 0..FILES {
        let module = module(&format!("example.com/m@v1.0.{n}"));
        let arrival = arrived(&modules, &module, Kind::Zip, BYTES);
        match modules.admit(arrival, &hash(BYTES), &recorded()) {
            Ok(admitted) => assert_eq!(admitted.read().unwrap(), BYTES),
            Err(fault) => panic!("{fault}"),
        }
    }
}

#[test]
fn processes_that_admit_the_same_files_leave_each_of_them_whole() {
    if let Some(root) = std::env::var_os(ROOT) {
        return admit_all(Path::new(&root)); // this is one of them
    }
    let root = tempfile::tempdir().unwrap();
    let spawn = || {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", "crash::processes_that_admit_the_same_files_leave_each_of_them_whole"])
            .env(ROOT, root.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    let processes: Vec<_> = (0..PROCESSES).map(|_| spawn()).collect();
    assert!(processes.into_iter().all(|mut process| process.wait().unwrap().success()));
    assert_eq!(judge(root.path(), ""), FILES as usize);
    assert_eq!(names(&root.path().join("tmp")), [""; 0]);
}
