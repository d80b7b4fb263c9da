//! A disk that takes nothing more: what is stored is given, what is not gets 503 that names our folder, and no mirror is blamed.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use gosumcheck::fault::Fault as ServerFault;
use gosumcheck::proxy::{Denied, Proxy, ProxyAnswer};
use gosumcheck::store::Folder;
use gosumcheck::store::failing::{FailingDisk, Moment, Then};
use gosumcheck::store::space::{Floor, Space};
use gosumcheck::upstream::BreakerState;

use crate::client::get;
use crate::common::Serving;
use crate::kit::{Corpus, Fault, Site, Spec, until};
use crate::world::{World, outage, text};

const ZIP: &str = "example.com/a/@v/v1.0.0.zip";
const GO_MOD: &str = "example.com/a/@v/v1.0.0.mod";
const LIST: &str = "example.com/a/@v/list";

fn corpus() -> Corpus {
    Corpus::of(&[Spec::new("example.com/a", "v1.0.0").noise(200_000)])
}

/// An outage of our own disk: its words name the data folder and no mirror.
#[track_caller]
fn our_disk(world: &World, answer: Result<ProxyAnswer, Denied>) -> String {
    let Err(Denied::Fault(fault @ ServerFault::Unavailable { .. })) = &answer else { panic!("{answer:?}") };
    let words = fault.to_string();
    assert!(fault.is_disk() && words.contains(&world.data.path().display().to_string()), "{words}");
    assert!(world.mirrors.iter().all(|mirror| !words.contains(&mirror.url())), "{words}");
    words
}

/// Nobody else is asked, and nobody is to blame.
#[track_caller]
fn nobody_is_blamed(world: &World, proxy: &Proxy) {
    assert!(proxy.upstreams().iter().all(|state| state.failures == 0 && state.breaker == BreakerState::Closed));
    assert_eq!(world.mirrors[1].count("*"), 0, "the second mirror was asked in vain");
}

#[test]
fn a_server_starts_on_a_disk_that_takes_nothing_and_gives_what_is_stored() {
    for error in
        [ErrorKind::StorageFull, ErrorKind::QuotaExceeded, ErrorKind::ReadOnlyFilesystem, ErrorKind::PermissionDenied]
    {
        for offline in [false, true] {
            let mut world = World::new(corpus(), 2);
            {
                let proxy = world.proxy();
                world.expect_true(&proxy, ZIP);
                text(world.ask(&proxy, LIST));
            }
            world.mirrors.iter().for_each(|mirror| mirror.clear_requests());
            world.offline = offline;
            let proxy = world.open(Box::new(Arc::new(FailingDisk::refusing(error)))).unwrap();
            world.expect_true(&proxy, ZIP);
            assert!(!text(world.ask(&proxy, LIST)).bytes.is_empty(), "a hint that is kept");
            let words = our_disk(&world, world.ask(&proxy, GO_MOD));
            assert!(
                words.contains("lock: cannot open the lock")
                    || words.contains("modules: cannot create")
                    || words.contains("tmp"),
                "{words}"
            );
            assert_eq!(world.mirrors[0].count("*"), 0, "{error}");
            nobody_is_blamed(&world, &proxy);
        }
    }
}

/// The disk lets the lock be taken later: then modules are stored, and no second server may.
#[test]
fn the_lock_is_taken_when_the_disk_lets_it() {
    let world = World::new(corpus(), 1);
    let disk = FailingDisk::new(0, Moment::Before, Then::Recovers).failing_with(ErrorKind::ReadOnlyFilesystem);
    let first = world.open(Box::new(Arc::new(disk))).unwrap();
    world.expect_true(&first, ZIP);
    let why = world.open(Box::new(gosumcheck::store::disk::RealDisk)).err().unwrap().to_string();
    assert!(why.contains("another gosumcheck"), "{why}");
}

/// The disk is full in the middle of a file, at every change to the disk: what arrived goes at once.
#[test]
fn a_disk_that_fills_up_during_a_download() {
    let changes = {
        let world = World::new(corpus(), 1);
        let disk = Arc::new(FailingDisk::never());
        let proxy = world.open(Box::new(Arc::clone(&disk))).unwrap();
        world.expect_true(&proxy, ZIP);
        disk.calls()
    };
    let writes = changes.iter().enumerate().filter(|(_, call)| *call == "write_at").map(|(at, _)| at);
    let admits = changes.iter().enumerate().filter(|(_, call)| *call == "write_new durable").map(|(at, _)| at);
    let writes: Vec<usize> = writes.collect();
    assert!(!writes.is_empty());
    for (at, error) in writes
        .into_iter()
        .take(3)
        .chain(admits)
        .zip([ErrorKind::StorageFull, ErrorKind::QuotaExceeded].into_iter().cycle())
    {
        let world = World::new(corpus(), 2);
        let disk = Arc::new(FailingDisk::new(at, Moment::Torn, Then::Recovers).failing_with(error));
        let proxy = world.open(Box::new(Arc::clone(&disk))).unwrap();
        our_disk(&world, world.ask(&proxy, ZIP));
        assert!(world.arrivals().is_empty(), "{at}: what arrived still takes room");
        nobody_is_blamed(&world, &proxy);
        world.expect_true(&proxy, ZIP);
    }
}

/// Down to the floor nothing is downloaded, and what nobody goes on with goes.
#[test]
fn below_the_floor_nobody_is_asked_for_what_could_not_be_stored() {
    let mut world = World::new(corpus(), 2);
    world.settings.tries = 1;
    let disk = Arc::new(FailingDisk::never());
    let room = |free| Space { free, size: 1 << 40, free_files: 1 << 20, files: 1 << 21 };
    disk.set_space(room(1 << 30));
    let folder = Folder::open_on(world.data.path(), Box::new(Arc::clone(&disk))).unwrap();
    folder.set_floor(Floor::Bytes(1 << 20));
    let proxy = world.open_in(&folder).unwrap();
    world.expect_true(&proxy, GO_MOD);
    world.mirrors.iter().for_each(|mirror| mirror.fault_times(ZIP, 1, Fault::Truncated));
    outage(world.ask(&proxy, ZIP));
    assert_eq!(world.arrivals().len(), 1);
    let failures = |proxy: &Proxy| proxy.upstreams().iter().map(|state| state.failures).collect::<Vec<_>>();
    let (asked, failed) = (world.mirrors[0].count("*"), failures(&proxy));
    // Setting the floor anew takes a new reading at once.
    disk.set_space(room(1 << 20));
    folder.set_floor(Floor::Bytes(1 << 20));
    let words = our_disk(&world, world.ask(&proxy, ZIP));
    assert!(words.contains("--disk-floor") && words.contains("free some space"), "{words}");
    assert_eq!((world.mirrors[0].count("*"), failures(&proxy)), (asked, failed));
    assert!(world.arrivals().is_empty(), "a beginning that nobody goes on with");
    world.expect_true(&proxy, GO_MOD);
    disk.set_space(room(1 << 30));
    folder.set_floor(Floor::Bytes(1 << 20));
    world.expect_true(&proxy, ZIP);
}

/// A file system of 20 MB that this server alone sees, and that ends with it; none where this user may not mount one.
struct Small {
    serving: Serving,
    /// the data folder, as this process reaches it
    data: PathBuf,
    _here: tempfile::TempDir,
}

impl Small {
    #[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
    fn start(site: &Site) -> Option<Small> {
        let here = tempfile::tempdir().unwrap();
        let mount = format!("mount -t tmpfs -o size=20m tmpfs '{}'", here.path().display());
        let may = Command::new("unshare").args(["-m", "sh", "-c", &mount]).output();
        if !may.is_ok_and(|output| output.status.success()) {
            eprintln!("skipped: this user may not mount a file system");
            return None;
        }
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", &format!("{mount} && exec \"$@\""), "sh", env!("CARGO_BIN_EXE_gosumcheck")]);
        command.args(["serve", "--listen", "127.0.0.1:0", "--sumdb", &site.sumdb(), "--proxy", &site.mirror.url()]);
        // Nothing takes room but what is asked for here.
        command.args(["--read-ahead", "off", "--access-log", "off", "--data"]).arg(here.path().join("data"));
        command.env_clear().env("HOME", here.path()).env("GOENV", "off").env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        let serving = Serving::start(&mut command);
        // The shells have become the server: its process id is that of what was started.
        let root = PathBuf::from(format!("/proc/{}/root", serving.id()));
        let data = root.join(here.path().strip_prefix("/").unwrap()).join("data");
        Some(Small { serving, data, _here: here })
    }

    /// Writes until the disk is full; gives the file that fills it.
    fn fill(&self) -> PathBuf {
        let path = self.data.join("../fill");
        let mut file = fs::File::create(&path).unwrap();
        for piece in [1 << 16, 1] {
            while file.write_all(&vec![7; piece]).is_ok() {}
        }
        path
    }

    fn arrivals(&self) -> usize {
        fs::read_dir(self.data.join("tmp")).map_or(0, |names| {
            names.flatten().filter(|name| name.file_name().to_string_lossy().starts_with("arrival-")).count()
        })
    }
}

fn shown(path: &Path) -> String {
    // As the server names it: without the way that this process takes to it.
    let text = path.display().to_string();
    text.split("/root/").nth(1).map(|path| format!("/{path}")).unwrap()
}

/// The real thing.
#[test]
fn a_small_disk_that_is_full() {
    let big = Spec::new("example.com/big", "v1.0.0").noise(30 << 20);
    let site = Site::of(&[Spec::new("example.com/a", "v1.0.0").noise(200_000), big]);
    let Some(small) = Small::start(&site) else { return };
    let at = small.serving.address();
    let corpus = site.mirror.corpus();
    assert!(get(at, &format!("/{ZIP}")).body == corpus.file(ZIP).unwrap());
    // Larger than the disk: ours is named, no mirror, and its room is free at once.
    let big = get(at, "/example.com/big/@v/v1.0.0.zip");
    assert_eq!(big.status, 503, "{}", big.text());
    let words = big.text().replace('\n', "");
    assert!(words.contains(&shown(&small.data)) && !words.contains(&site.mirror.url()), "{words}");
    assert_eq!(small.arrivals(), 0);
    let fill = small.fill();
    // A reading of the disk is good for a second.
    until("the floor is seen", || get(at, "/readyz").text().contains("--disk-floor"));
    assert_eq!(get(at, "/lookup/example.com/big@v1.0.0").status, 200);
    assert!(get(at, &format!("/{ZIP}")).body == corpus.file(ZIP).unwrap());
    let cold = get(at, &format!("/{GO_MOD}"));
    assert!(cold.status == 503 && cold.text().contains("--disk-floor"), "{}", cold.text());
    assert_eq!(get(at, "/readyz").status, 200);
    let metrics = get(at, "/metrics").text();
    assert!(
        metrics.lines().any(|line| line.starts_with("gosumcheck_store_errors_total{kind=\"module\"} ")),
        "{metrics}"
    );
    assert!(!metrics.contains("gosumcheck_store_errors_total{kind=\"module\"} 0"), "{metrics}");
    fs::remove_file(fill).unwrap();
    until("there is room again", || get(at, &format!("/{GO_MOD}")).status == 200);
    until("and it is said", || get(at, "/readyz").text() == "ready\n");
    let (code, logged) = small.serving.end("-TERM");
    assert_eq!(code, 0, "{logged}");
}
