//! Data folders that were filled before provenance was stored: a hash beside each file, and nothing says who proved it. They are
//! taken over without loss, and nothing of them is given as proven before the present database has proven it.

use std::fs;
use std::path::{Path, PathBuf};

use gosumcheck::store::Folder;
use tempfile::TempDir;

use crate::client::{Reply, get};
use crate::kit::Corpus;
use crate::matrix::folder;
use crate::world::{MODULE, Policy, Server, Stage, VERSION};

const ENDINGS: [&str; 2] = ["zip", "mod"];

/// A folder with both files of the module as `corpus` has them, each with its hash beside it and nothing else.
fn old_folder(corpus: &Corpus) -> TempDir {
    let data = folder();
    for ending in ENDINGS {
        let (file, hash) = match ending {
            "zip" => (corpus.zip(MODULE, VERSION), corpus.h1_zip(MODULE, VERSION)),
            _ => (corpus.go_mod(MODULE, VERSION), corpus.h1_go_mod(MODULE, VERSION)),
        };
        let path = file_of(data.path(), ending);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &file).unwrap();
        fs::write(path.with_extension(format!("{ending}hash")), hash).unwrap();
    }
    data
}

fn file_of(data: &Path, ending: &str) -> PathBuf {
    data.join(format!("modules/{MODULE}/@v/{VERSION}.{ending}"))
}

fn path(ending: &str) -> String {
    format!("/{MODULE}/@v/{VERSION}.{ending}")
}

fn ask(policy: &Policy<'_>, data: &TempDir, ending: &str) -> Reply {
    get(Server::open(policy, data.path()).unwrap().at, &path(ending))
}

#[track_caller]
fn gives(policy: &Policy<'_>, data: &TempDir, corpus: &Corpus) {
    for ending in ENDINGS {
        let reply = ask(policy, data, ending);
        let truth = if ending == "zip" { corpus.zip(MODULE, VERSION) } else { corpus.go_mod(MODULE, VERSION) };
        assert!(reply.status == 200 && reply.body == truth, "{ending}: {reply:?}");
    }
}

#[test]
fn what_equals_the_record_is_proven_without_a_download() {
    let stage = Stage::new();
    let data = old_folder(&stage.corpus);
    gives(&stage.policy(), &data, &stage.corpus);
    assert_eq!(stage.mirror.count("*"), 0, "{:#?}", stage.mirror.requests());
    // From now on the folder itself says who proved it: no record is needed, not even a cached one.
    fs::remove_dir_all(data.path().join("cache")).unwrap();
    gives(&Policy { offline: true, ..stage.policy() }, &data, &stage.corpus);
    gives(&Policy { offline: true, full_log: true, ..stage.policy() }, &data, &stage.corpus);
}

#[test]
fn what_differs_from_the_record_is_put_aside_with_a_report_and_fetched_again() {
    let stage = Stage::new();
    let data = old_folder(&stage.other);
    gives(&stage.policy(), &data, &stage.corpus);
    assert_eq!(stage.mirror.count("*.zip") + stage.mirror.count("*.mod"), 2);
    let incidents = Folder::open(data.path()).unwrap().journal().unwrap().incidents(10).unwrap();
    assert_eq!(incidents.len(), 2, "{incidents:#?}");
    for incident in incidents {
        assert!(incident.expected != incident.got && incident.record.is_some(), "{incident:#?}");
        assert!(incident.upstream.contains("stored"), "{}", incident.upstream);
        let report = incident.report.unwrap();
        let kept = fs::read(report.with_extension("")).unwrap();
        assert!([stage.other.zip(MODULE, VERSION), stage.other.go_mod(MODULE, VERSION)].contains(&kept.into()));
        let report: serde_json::Value = serde_json::from_slice(&fs::read(report).unwrap()).unwrap();
        assert_eq!(report["refused"]["expected"], incident.expected);
    }
}

#[test]
fn what_cannot_be_proven_now_is_not_given_and_not_deleted() {
    let stage = Stage::new();
    let policy = Policy { offline: true, ..stage.policy() };
    for corpus in [&stage.corpus, &stage.other] {
        let data = old_folder(corpus);
        for ending in ENDINGS {
            let before = fs::read(file_of(data.path(), ending)).unwrap();
            let reply = ask(&policy, &data, ending);
            let told = reply.text();
            assert_eq!(reply.status, 503, "{told}");
            assert!(told.contains("stored here") && told.contains("sync"), "{told}");
            let server = Server::open(&policy, data.path()).unwrap();
            let cached = get(server.at, &format!("/cached-only{}", path(ending)));
            assert!(cached.status == 404 && cached.text().contains("not cached here"), "{cached:?}");
            assert_eq!(fs::read(file_of(data.path(), ending)).unwrap(), before, "{ending}");
            assert!(!data.path().join("refused").exists());
        }
        gives(&stage.policy(), &data, &stage.corpus);
    }
}

#[test]
fn below_cached_only_a_record_that_is_held_proves_it() {
    let stage = Stage::new();
    let data = old_folder(&stage.corpus);
    for full_log in [true, false] {
        {
            let server = Server::open(&Policy { full_log, ..stage.policy() }, data.path()).unwrap();
            get(server.at, &format!("/lookup/{MODULE}@{VERSION}"));
        }
        let lookups = stage.a.db.requests_for("lookup/").len();
        let server = Server::open(&stage.policy(), data.path()).unwrap();
        for ending in ENDINGS {
            let reply = get(server.at, &format!("/cached-only{}", path(ending)));
            assert_eq!(reply.status, 200, "{full_log} {reply:?}");
        }
        assert_eq!(stage.a.db.requests_for("lookup/").len(), lookups, "nobody is asked");
    }
}

#[test]
fn what_is_in_no_log_is_absent() {
    let stage = Stage::new();
    let data = old_folder(&stage.other);
    let unlogged = Corpus::of(&[crate::kit::Spec::new("example.com/other", VERSION)]);
    let empty = crate::world::log(&unlogged, "a.example", 1);
    let policy = Policy { databases: vec![&empty], ..stage.policy() };
    for ending in ENDINGS {
        let reply = ask(&policy, &data, ending);
        assert!(reply.status == 404 && reply.text().contains("not in a.example"), "{reply:?}");
    }
}

#[test]
fn what_is_private_stays_what_it_was() {
    let stage = Stage::new();
    // Any client of the old server could have it, so it is the first use, whatever the private upstream has now.
    let policy = Policy { patterns: "example.com", private: Some(&stage.mirror), ..stage.policy() };
    let data = old_folder(&stage.other);
    gives(&policy, &data, &stage.other);
    gives(&Policy { offline: true, ..policy.clone() }, &data, &stage.other);
    assert_eq!(stage.mirror.count("*"), 0);
    // It is pinned: where the file is lost, other bytes of the same version are refused.
    let lost: Vec<PathBuf> = crate::common::files_below(data.path());
    for path in lost.iter().filter(|path| path.extension().is_some_and(|end| end == "zip" || end == "mod")) {
        fs::remove_file(path).unwrap();
    }
    for ending in ENDINGS {
        let reply = ask(&policy, &data, ending);
        assert!(reply.status == 403 && reply.text().contains("a private module"), "{reply:?}");
    }
    // And it does not answer a public request.
    gives(&stage.policy(), &data, &stage.corpus);
}

#[test]
fn a_hash_whose_file_is_lost_is_still_a_pin() {
    let stage = Stage::new();
    let data = old_folder(&stage.other);
    for ending in ENDINGS {
        fs::remove_file(file_of(data.path(), ending)).unwrap();
    }
    let wrong = Policy { patterns: "example.com", private: Some(&stage.mirror), ..stage.policy() };
    for ending in ENDINGS {
        assert_eq!(ask(&wrong, &data, ending).status, 403);
    }
    gives(&Policy { private: Some(&stage.other_mirror), ..wrong }, &data, &stage.other);
}
