//! What `serve --cosign` signed last, in every way: found, told apart, put together again where it can be proven, and never a second
//! history under one key.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use gosumcheck::database::Database;
use gosumcheck::fault::Fault;
use gosumcheck::relay::Cosigner;
use gosumcheck::store::Folder;
use gosumcheck::store::failing::{FailingDisk, Moment, Then};
use gosumcheck::sumdb::note::{KeyKind, SignerKey};
use gosumcheck::upstream::{Http, Settings, Upstreams};
use gosumcheck::verify::{self, Repaired, VerifyOptions};

use super::command::{Machine, Ran};
use super::damage::{ALL, Damage, Kept};
use super::fake::FakeSumdb;
use super::log::World;
use super::{kept, repair};

/// The sizes of the heads that are committed, of which the last is cosigned.
const HEADS: [u64; 2] = [300, 600];

pub(super) fn key() -> SignerKey {
    SignerKey::of_kind(KeyKind::Witness, "mirror.example/go", [8; 32]).unwrap()
}

/// Has the committed head of `world` cosigned, as a server does.
pub(super) fn cosign(world: &World) -> Result<(), Fault> {
    let (folder, name) = (Folder::open(world.root.path()).unwrap(), world.db.name());
    let nobody = Upstreams::new(Http::new(Settings::default()), Vec::new());
    let database = Database::open(&folder, name, world.policy.clone(), nobody, 1)?;
    let file = folder.head(name)?.cosigned(key().vkey().id());
    let cosigner = Cosigner::new(key(), world.policy.log_key().unwrap(), file, folder.log(name)?)?;
    database.refresh()?;
    let mirror = database.mirror().ok_or_else(|| Fault::nobody("the log", "not yet"))?;
    cosigner.cosign(&database, &mirror, 100).map(|_| ())
}

/// The name of the file below the data folder.
pub(super) fn name_in(world: &World) -> String {
    format!("heads/{}/cosigned.{:08x}", world.db.name(), key().vkey().id())
}

/// The file of the key, for `--cosign`.
pub(super) fn key_file(machine: &Machine) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    machine.write("cosign.key", format!("{}\n", key().secret_text()));
    fs::set_permissions(machine.at("cosign.key"), fs::Permissions::from_mode(0o600)).unwrap();
    machine.at("cosign.key")
}

/// A log with a cosigned head, and its user, who has the cosigner's key.
struct Site {
    world: World,
    machine: Machine,
    path: PathBuf,
}

impl Site {
    fn new() -> Site {
        let world = World::new(HEADS[1], &HEADS);
        repair::index(&world);
        cosign(&world).unwrap();
        let mut machine = super::machine(&world);
        let key = key_file(&machine);
        machine.set("GOSUMCHECK_COSIGN", key.to_str().unwrap()).set("GOSUMCHECK_PROXY", "off");
        let path = world.root.path().join(name_in(&world));
        Site { world, machine, path }
    }

    fn verify(&self, args: &[&str]) -> Ran {
        self.machine.run(&[&["verify", "--format", "json", "--offline"], args].concat())
    }

    /// What is said of the file.
    #[track_caller]
    fn found(&self, code: i32) -> Vec<String> {
        let ran = self.verify(&[]);
        assert_eq!(ran.code, code, "{}", ran.show());
        let found = kept::found(&ran, &name_in(&self.world));
        assert_eq!(ran.json()["total_findings"], found.len(), "{}", ran.show());
        found
    }

    fn put(&self, bytes: impl AsRef<[u8]>) {
        let _ = fs::remove_file(&self.path);
        fs::write(&self.path, bytes).unwrap();
    }
}

#[test]
fn every_damage_is_found_and_nothing_is_cosigned_until_it_is_in_order() {
    let site = Site::new();
    assert_eq!(site.found(0), [""; 0]);
    let good = Kept::of(&site.path);
    let elsewhere = tempfile::tempdir().unwrap();
    let (neighbour, other) = (elsewhere.path().join("neighbour"), elsewhere.path().join("other"));
    let mut repaired = 0;
    for damage in ALL {
        fs::write(&neighbour, "another file").unwrap();
        assert!(damage.does(&site.path, &neighbour, &other));
        let expected = kept::expected(&name_in(&site.world), damage).unwrap();
        let expected: Vec<&str> = Some(expected).filter(|it| !it.is_empty()).into_iter().collect();
        let damaged = fs::read(&site.path).unwrap_or_default();
        assert_eq!(site.found(i32::from(!expected.is_empty())), expected, "{damage:?}");
        let is_damaged = expected.iter().any(|it| it.starts_with("cosigned-damaged"));
        if is_damaged {
            let said = cosign(&site.world).unwrap_err().to_string();
            assert!(said.contains("cosigned.") && said.contains("backup"), "{damage:?}: {said}");
            assert_eq!(fs::read(&site.path).unwrap(), damaged, "{damage:?}");
        }
        let ran = site.verify(&["--repair"]);
        if good.is_at(&site.path) {
            ran.says(0, &[]);
            repaired += usize::from(!expected.is_empty());
        } else if damage != Damage::Removed {
            // The line with our signature is gone: nobody can make it again.
            ran.says(1, &["could not be repaired", "restore it from a backup"]);
            assert_eq!(fs::read(&site.path).unwrap(), damaged, "{damage:?}");
            assert!(cosign(&site.world).is_err(), "{damage:?}");
        }
        good.put_back(&site.path);
        let _ = (fs::remove_file(&other), fs::remove_dir_all(site.world.root.path().join("refused")));
    }
    assert!(repaired >= 6, "{repaired}");
    assert_eq!(site.found(0), [""; 0]);
    cosign(&site.world).unwrap();
}

#[test]
fn every_flipped_bit_is_found_and_what_is_not_in_our_signature_is_put_back() {
    let site = Site::new();
    let good = fs::read(&site.path).unwrap();
    let line = good.len() - good.split_inclusive(|byte| *byte == b'\n').next_back().unwrap().len();
    let signature = line + "— mirror.example/go ".len();
    for at in (0..good.len()).step_by(31).chain([good.len() - 1]) {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        site.put(&bad);
        assert_eq!(site.found(1).len(), 1, "{at}");
        let ran = site.verify(&["--repair"]);
        let is_put_back = at < line || at + 1 == good.len();
        assert_eq!((ran.code == 0, fs::read(&site.path).unwrap() == good), (is_put_back, is_put_back), "{at}");
        assert!(is_put_back || at >= line && (at < signature || at < good.len() - 1));
    }
}

#[test]
fn a_repair_that_dies_at_any_write_leaves_the_damaged_file_or_the_right_one() {
    let site = Site::new();
    let good = fs::read(&site.path).unwrap();
    let mut damaged = good.clone();
    damaged[30] ^= 1;
    let mend = |disk: FailingDisk| {
        let disk = Arc::new(disk);
        let folder = Folder::open_on(site.world.root.path(), Box::new(Arc::clone(&disk))).unwrap();
        let cosigned = folder.head(site.world.db.name()).unwrap().cosigners().unwrap();
        let options = VerifyOptions { cosigned, cosigners: vec![key().vkey()], ..VerifyOptions::default() };
        let mut done = Repaired::default();
        verify::mend_cosigned(&site.world.log, &site.world.policy, &options, &mut done).unwrap();
        (disk.calls().len(), done.repairs.len())
    };
    site.put(&damaged);
    let (writes, repairs) = mend(FailingDisk::never());
    assert!(writes > 4 && repairs == 1, "{writes} {repairs}");
    for at in 0..writes {
        for moment in [Moment::Before, Moment::Torn, Moment::After] {
            site.put(&damaged);
            let _ = fs::remove_dir_all(site.world.root.path().join("refused"));
            mend(FailingDisk::new(at, moment, Then::Dead));
            let now = fs::read(&site.path).unwrap();
            assert!(now == damaged || now == good, "{at} {moment:?}");
            mend(FailingDisk::never());
            assert!(fs::read(&site.path).unwrap() == good, "{at} {moment:?}");
        }
    }
}

#[test]
fn a_link_to_nothing_is_kept_since_without_the_file_the_key_would_begin_anew() {
    let site = Site::new();
    fs::remove_file(&site.path).unwrap();
    std::os::unix::fs::symlink("nowhere", &site.path).unwrap();
    let found = site.found(1);
    assert!(found.iter().any(|it| it == "not-a-file replaced"), "{found:?}");
    assert!(found.iter().any(|it| it.starts_with("cosigned-damaged")), "{found:?}");
    site.verify(&["--repair"]).says(1, &["could not be repaired"]);
    assert!(site.path.is_symlink());
    assert!(cosign(&site.world).is_err());
}

#[test]
fn what_is_ahead_of_the_log_is_found_until_a_sync_has_brought_the_rest() {
    let site = Site::new();
    let served = site.world.db.serve();
    // The log's folder was put back.
    let older = World::of(site.world.db.clone(), &HEADS[..1]);
    for name in ["records", "offsets", "hashes.0", "hashes.1", "head", "heads"] {
        fs::write(site.world.path(name), older.bytes(name)).unwrap();
    }
    let _ = fs::remove_file(site.world.path("index.sqlite"));
    let _ = fs::remove_file(site.world.root.path().join(format!("heads/{}/latest", site.world.db.name())));
    assert_eq!(site.found(1), ["cosigned-ahead replaced"]);
    site.verify(&[]).says(1, &["600 records were cosigned, and the full log holds 300 records"]);
    assert!(cosign(&site.world).unwrap_err().to_string().contains("was put back"));
    // A repair deletes nothing.
    let before = fs::read(&site.path).unwrap();
    site.verify(&["--repair"]).says(1, &["cosigned-ahead"]);
    assert_eq!(fs::read(&site.path).unwrap(), before);
    let sumdb = format!("{} {}", site.world.db.vkey(), served.url());
    let sync = |site: &Site| {
        let data = site.world.root.path().to_str().unwrap();
        site.machine.run(&["sync", "--sumdb", &sumdb, "--data", data]).says(0, &[]);
    };
    sync(&site);
    assert_eq!(site.found(0), [""; 0]);
    cosign(&site.world).unwrap();
    // No log at all, and then a first sync that was stopped before it had that much.
    fs::remove_dir_all(site.world.log.dir()).unwrap();
    site.verify(&[]).says(1, &["cosigned-ahead", "no full log is here"]);
    let folder = Folder::open(site.world.root.path()).unwrap();
    drop(folder.log(site.world.db.name()).unwrap().writer(gosumcheck::sumdb::checkpoint::Tree::EMPTY).unwrap());
    assert_eq!(site.found(0), [""; 0]);
    assert!(cosign(&site.world).is_err());
    sync(&site);
    assert_eq!(site.found(0), [""; 0]);
}

#[test]
fn another_history_is_a_fork_and_another_log_or_key_is_a_finding() {
    let site = Site::new();
    let policy = |db: &FakeSumdb, seed: u8, text: &str| {
        let key = SignerKey::of_kind(KeyKind::Witness, "mirror.example/go", [seed; 32]).unwrap();
        let signature = key.cosign(text, 100);
        let log = gosumcheck::sumdb::note::Note::open(
            db.sign(text).as_bytes(),
            &[gosumcheck::sumdb::note::VerifierKey::parse(&db.vkey()).unwrap()],
        );
        let lines = [log.unwrap().verified().to_vec(), vec![signature]].concat();
        gosumcheck::sumdb::note::message(text, &lines).unwrap()
    };
    let good = fs::read(&site.path).unwrap();
    let text = String::from_utf8(good.clone()).unwrap().split("\n\n").next().unwrap().to_owned() + "\n";
    assert_eq!(policy(&site.world.db, 8, &text).as_bytes(), good);
    // By another key of this name, and of another log.
    site.put(policy(&site.world.db, 9, &text));
    assert_eq!(site.found(1), ["cosigned-damaged bit-rot"]);
    assert!(cosign(&site.world).is_err());
    let other = FakeSumdb::named("other.example", 600, 3);
    site.put(policy(&other, 8, &text));
    assert_eq!(site.found(1), ["cosigned-damaged bit-rot"]);
    assert!(cosign(&site.world).is_err());
    // Both signed, and neither tree is the log's: of one size, and of a smaller one.
    for size in HEADS {
        let root = FakeSumdb::synthetic(size, 99).root(size);
        let text = gosumcheck::sumdb::checkpoint::Tree { size, root }.note_text();
        site.put(policy(&site.world.db, 8, &text));
        site.verify(&[]).says(3, &["go.sum database tree", "misbehaviour"]);
        let before = fs::read(&site.path).unwrap();
        site.verify(&["--repair"]).says(3, &[]);
        assert_eq!(fs::read(&site.path).unwrap(), before);
    }
}

#[test]
fn without_its_key_the_log_s_signature_and_the_tree_are_verified_and_a_note_says_so() {
    let site = Site::new();
    let machine = super::machine(&site.world);
    machine.run(&["verify"]).says(0, &["the cosignature in", "was not verified", "--cosign"]);
    let key = key_file(&machine);
    let ran = machine.run(&["verify", "--cosign", key.to_str().unwrap()]);
    assert!(ran.code == 0 && !ran.out.contains("was not verified"), "{}", ran.show());
    let good = String::from_utf8(fs::read(&site.path).unwrap()).unwrap();
    site.put(good.replace("\n600\n", "\n599\n"));
    machine.run(&["verify"]).says(1, &["cosigned-damaged"]);
    site.put(good.rsplit_once("— mirror").unwrap().0);
    machine.run(&["verify"]).says(1, &["cosigned-damaged", "has no signature by the key"]);
}
