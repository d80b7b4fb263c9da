//! The crash matrix of the store: a disk that fails at change number k, before, in the middle of or after it, for every
//! k; then a new process opens what is left. Also two processes that move one head at once.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use gosumcheck::store::cache::GROUP;
use gosumcheck::store::disk::RealDisk;
use gosumcheck::store::failing::{FailingDisk, Moment, Then};
use gosumcheck::store::{Folder, HeadFile, Swap};

const NAME: &str = "sum.golang.org";
const MOMENTS: [Moment; 3] = [Moment::Before, Moment::Torn, Moment::After];
const OLD: &[u8] = b"the old head, signed\n";
const NEW: &[u8] = b"the new head, signed, and longer\n";

fn entries() -> Vec<(String, Vec<u8>)> {
    let mut entries: Vec<(String, Vec<u8>)> =
        (0u8..4).map(|n| (format!("lookup/example.com/m{}@v1.0.{n}", n % 2), vec![b'a' + n; 100])).collect();
    entries.push(("tile/8/0/x001/234.p/5".to_owned(), vec![7; 160]));
    entries.push(("tile/8/0/x001/234".to_owned(), vec![8; 8192]));
    entries
}

fn write_all(root: &Path, disk: Arc<FailingDisk>) -> usize {
    let cache = Folder::open_on(root, Box::new(disk)).unwrap().cache(NAME).unwrap();
    entries().iter().filter(|(path, bytes)| cache.write(path, bytes).is_ok()).count()
}

#[test]
fn a_cache_write_that_fails_anywhere_leaves_nothing_half_written() {
    let root = tempfile::tempdir().unwrap();
    let counting = Arc::new(FailingDisk::never());
    assert_eq!(write_all(root.path(), counting.clone()), entries().len());
    let changes = counting.calls().len();
    assert!(changes > 2 * entries().len(), "{changes}");

    for k in 0..changes {
        for moment in MOMENTS {
            for then in [Then::Dead, Then::Recovers] {
                let root = tempfile::tempdir().unwrap();
                let told_done = write_all(root.path(), Arc::new(FailingDisk::new(k, moment, then)));
                let cache = Folder::open(root.path()).unwrap().cache(NAME).unwrap();
                let mut whole = 0;
                for (path, bytes) in entries() {
                    match cache.read(&path).unwrap() {
                        None => {}
                        Some(read) => {
                            assert_eq!(read, bytes, "k={k} {moment:?} {then:?} {path}");
                            whole += 1;
                        }
                    }
                }
                assert!(whole >= told_done, "k={k} {moment:?} {then:?}: told done {told_done}, found {whole}");
                if then == Then::Recovers {
                    assert!(told_done + 1 >= entries().len(), "k={k} {moment:?}: one failure cost more than one entry");
                }
                // The next process finishes the work over whatever is left.
                assert_eq!(write_all(root.path(), Arc::new(FailingDisk::never())), entries().len());
                assert!(entries().iter().all(|(path, bytes)| cache.read(path).unwrap().as_ref() == Some(bytes)));
            }
        }
    }
}

fn many() -> Vec<(String, Vec<u8>)> {
    (0..3 * GROUP + 5)
        .map(|n| (format!("lookup/example.com/m@v1.0.{n}"), format!("answer {n}\n").repeat(9).into_bytes()))
        .collect()
}

/// Groups that were written one after another, as a run writes them; none after one that failed.
fn write_groups(root: &Path, disk: Arc<FailingDisk>) -> usize {
    let cache = Folder::open_on(root, Box::new(disk)).unwrap().cache(NAME).unwrap();
    let written = many().chunks(GROUP).take_while(|group| cache.write_all(group).is_ok()).count();
    (written * GROUP).min(many().len())
}

#[test]
fn a_pack_that_fails_anywhere_keeps_whole_groups_and_goes_on() {
    let root = tempfile::tempdir().unwrap();
    let counting = Arc::new(FailingDisk::never());
    assert_eq!(write_groups(root.path(), counting.clone()), many().len());
    for k in 0..counting.calls().len() {
        for moment in MOMENTS {
            for then in [Then::Dead, Then::Recovers] {
                let root = tempfile::tempdir().unwrap();
                let told_done = write_groups(root.path(), Arc::new(FailingDisk::new(k, moment, then)));
                let read = || {
                    let cache = Folder::open(root.path()).unwrap().cache(NAME).unwrap();
                    let read = |(path, bytes): (String, Vec<u8>)| {
                        let read = cache.read(&path).unwrap();
                        assert!(read.as_ref().is_none_or(|read| *read == bytes), "k={k} {moment:?} {then:?} {path}");
                        read.is_some()
                    };
                    many().into_iter().take_while(|entry| read(entry.clone())).count()
                };
                assert!(read() >= told_done, "k={k} {moment:?} {then:?}: told done {told_done}, found {}", read());
                assert_eq!(write_groups(root.path(), Arc::new(FailingDisk::never())), many().len());
                assert_eq!(read(), many().len(), "k={k} {moment:?} {then:?}");
            }
        }
    }
}

fn head_on(root: &Path, disk: Arc<FailingDisk>) -> HeadFile {
    Folder::open_on(root, Box::new(disk)).unwrap().head(NAME).unwrap()
}

fn real_head(root: &Path) -> HeadFile {
    Folder::open_on(root, Box::new(RealDisk)).unwrap().head(NAME).unwrap()
}

#[test]
fn a_head_swap_that_fails_anywhere_leaves_the_old_head_or_the_new() {
    for first_contact in [true, false] {
        let old = (!first_contact).then_some(OLD);
        let begin = || {
            let root = tempfile::tempdir().unwrap();
            if let Some(old) = old {
                assert_eq!(real_head(root.path()).swap(None, old).unwrap(), Swap::Done);
            }
            root
        };
        let counting = Arc::new(FailingDisk::never());
        assert_eq!(head_on(begin().path(), counting.clone()).swap(old, NEW).unwrap(), Swap::Done);
        for k in 0..counting.calls().len() {
            for moment in MOMENTS {
                for then in [Then::Dead, Then::Recovers] {
                    let root = begin();
                    let told = head_on(root.path(), Arc::new(FailingDisk::new(k, moment, then))).swap(old, NEW);
                    let found = real_head(root.path()).load().unwrap();
                    let found = found.as_deref();
                    assert!(found == old || found == Some(NEW), "k={k} {moment:?} {then:?}: {found:?}");
                    assert!(
                        told.is_err() || found == Some(NEW),
                        "k={k} {moment:?} {then:?}: told done, found {found:?}"
                    );
                    // The lock went with its holder, and the next process goes on from what it finds.
                    assert_eq!(real_head(root.path()).swap(found, b"newer\n").unwrap(), Swap::Done);
                    assert_eq!(real_head(root.path()).load().unwrap().as_deref(), Some(b"newer\n".as_slice()));
                }
            }
        }
    }
}

#[test]
fn a_head_is_synced_before_it_gets_its_name_and_the_name_is_synced_after() {
    let root = tempfile::tempdir().unwrap();
    assert_eq!(real_head(root.path()).swap(None, OLD).unwrap(), Swap::Done);
    let disk = Arc::new(FailingDisk::never());
    assert_eq!(head_on(root.path(), disk.clone()).swap(Some(OLD), NEW).unwrap(), Swap::Done);
    let calls = disk.calls();
    assert_eq!(calls[calls.len() - 3..], ["write_new durable", "rename", "sync_folder"]);
}

const COUNTER_FOLDER: &str = "GOSUMCHECK_TEST_COUNTER_FOLDER";
const ROUNDS: u32 = 20;

/// What each process of the test below does.
fn count(root: &Path) {
    let head = real_head(root);
    let mut old = head.load().unwrap();
    let mut done = 0;
    while done < ROUNDS {
        let number: u32 = old.as_deref().map_or(0, |text| str::from_utf8(text).unwrap().parse().unwrap());
        let new = (number + 1).to_string().into_bytes();
        old = match head.swap(old.as_deref(), &new).unwrap() {
            Swap::Done => {
                done += 1;
                Some(new)
            }
            Swap::Conflict(current) => Some(current),
        };
    }
}

#[test]
fn two_processes_that_move_one_head_lose_no_update() {
    if let Some(root) = std::env::var_os(COUNTER_FOLDER) {
        return count(Path::new(&root)); // this is one of the two
    }
    let root = tempfile::tempdir().unwrap();
    let spawn = || {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "two_processes_that_move_one_head_lose_no_update"])
            .env(COUNTER_FOLDER, root.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap()
    };
    let (mut one, mut two) = (spawn(), spawn());
    assert!(one.wait().unwrap().success() && two.wait().unwrap().success());
    let total = real_head(root.path()).load().unwrap().unwrap();
    assert_eq!(str::from_utf8(&total).unwrap(), (2 * ROUNDS).to_string());
}
