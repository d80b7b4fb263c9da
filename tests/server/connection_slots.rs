//! More connections than slots: which are closed, which are served, and what is answered meanwhile.

use std::io::{Cursor, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gosumcheck::server::Limits;
use gosumcheck::sumdb::dirhash::{h1_go_mod, h1_zip};

use crate::client::{Reply, connect, drain, get, head};
use crate::common::Serving;
use crate::fake::{FakeSumdb, Given};
use crate::raw_http2::{Event, RawHttp2, connect_from};
use crate::stock::Stock;
use crate::world::{Plan, World, until};

const SLOTS: usize = 20;
const SLOW: &str = "example.com/slow/@v/list";

/// Few slots, and timeouts too long for any test to reach.
fn few_slots() -> Limits {
    let long = Duration::from_secs(600);
    let stop = Duration::from_millis(500);
    Limits { connections: SLOTS, header: long, idle: long, write: long, stop, ..Limits::default() }
}

/// A world in which a request for `SLOW` is never answered: it waits for a silent upstream.
fn world() -> World {
    let stock = Stock::new().silent(Duration::from_secs(600));
    World::of(Plan { limits: few_slots(), full: true, ..stock.plan() })
}

/// Connections that each wait for an answer that never comes.
fn busy(world: &World, count: usize) -> Vec<TcpStream> {
    let ask = |_| {
        let mut stream = connect(world.at);
        stream.write_all(head("GET", &format!("/{SLOW}"), &[]).as_bytes()).unwrap();
        stream
    };
    (0..count).map(ask).collect()
}

/// The answer to a client at another address.
fn get_from(from: &str, world: &World, path: &str) -> Reply {
    let mut stream = connect_from(from, world.at);
    stream.write_all(head("GET", path, &[]).as_bytes()).unwrap();
    Reply::parse(&drain(&mut stream))
}

#[test]
fn idle_http2_connections_make_room() {
    let world = world();
    let mut quiet: Vec<RawHttp2> = (0..SLOTS).map(|_| RawHttp2::open(world.at, 65_535)).collect();
    for raw in &mut quiet {
        raw.get(1, "/healthz");
        while !matches!(raw.event(Duration::from_secs(30)), Some(Event::Data { last: true, .. })) {}
    }
    // The connection that has been idle for longest gets GOAWAY, and is cut off if it stays open.
    for _ in 0..3 {
        assert_eq!(get(world.at, "/latest").status, 200);
    }
    let events = quiet.iter_mut().filter_map(|raw| raw.event(Duration::from_millis(100)));
    assert!(events.filter(|event| matches!(event, Event::GoAway | Event::Closed)).count() >= 1);
}

#[test]
fn byte_by_byte_senders_make_room() {
    let world = world();
    let stop = Arc::new(AtomicBool::new(false));
    let (at, stopped) = (world.at, Arc::clone(&stop));
    let senders = std::thread::spawn(move || {
        let mut senders: Vec<TcpStream> = Vec::new();
        while !stopped.load(Ordering::Relaxed) {
            // Keeps sixty open: those that were cut off are replaced.
            senders.retain_mut(|stream| stream.write_all(b"G").is_ok());
            senders.extend((senders.len()..60).filter_map(|_| TcpStream::connect(at).ok()));
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    until("the senders have taken the slots", || get(world.at, "/healthz").status == 200);
    for _ in 0..20 {
        assert_eq!(get(world.at, "/latest").status, 200);
    }
    stop.store(true, Ordering::Relaxed);
    senders.join().unwrap();
}

#[test]
fn health_and_metrics_are_answered_while_all_slots_are_busy() {
    let world = world();
    let clients = busy(&world, 2 * SLOTS);
    for path in ["/healthz", "/readyz", "/metrics"] {
        for _ in 0..5 {
            let reply = get(world.at, path);
            assert_eq!((reply.status, reply.header("connection")), (200, Some("close")), "{path}");
        }
    }
    drop(clients);
    until("the slots of closed connections are free", || get(world.at, "/latest").status == 200);
}

#[test]
fn one_client_does_not_keep_another_from_the_slots() {
    let world = world();
    let _clients = busy(&world, 2 * SLOTS);
    until("the slots are taken", || world.metric("gosumcheck_connections") > SLOTS as f64);
    for _ in 0..3 {
        assert_eq!(get_from("127.0.0.2", &world, "/latest").status, 200);
    }
}

#[test]
fn a_request_that_gets_no_slot_is_answered_503() {
    let mut limits = few_slots();
    limits.slot = Duration::from_millis(300);
    let stock = Stock::new().silent(Duration::from_secs(600));
    let world = World::of(Plan { limits, full: true, ..stock.plan() });
    let _clients = busy(&world, SLOTS);
    until("the slots are taken", || world.metric("gosumcheck_connections") > SLOTS as f64);
    let reply = get(world.at, "/latest");
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("10")));
}

/// A folder that is a module proxy with one zip, and the log that has its record.
fn proxy_folder() -> (tempfile::TempDir, FakeSumdb) {
    let go_mod = b"module example.com/m\n";
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let body: String = (0..40_000).map(|n| format!("{:x}", (n * 7919) % 9973)).collect();
    for (name, bytes) in [("go.mod", go_mod.as_slice()), ("a.go", body.as_bytes())] {
        zip.start_file(format!("example.com/m@v1.0.0/{name}"), zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    let zip = zip.finish().unwrap().into_inner();
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("example.com/m/@v");
    std::fs::create_dir_all(&dir).unwrap();
    let hash = |hash: gosumcheck::sumdb::gosum::SumHash| hash.to_string();
    let [zipped, single] =
        [h1_zip(zip.as_slice(), 1).unwrap(), h1_go_mod(go_mod)].map(gosumcheck::sumdb::gosum::SumHash::H1).map(hash);
    for (name, bytes) in [
        ("list", b"v1.0.0\n".as_slice()),
        ("v1.0.0.info", b"{\"Version\":\"v1.0.0\",\"Time\":\"2026-01-02T03:04:05Z\"}"),
        ("v1.0.0.mod", go_mod),
        ("v1.0.0.zip", &zip),
    ] {
        std::fs::write(dir.join(name), bytes).unwrap();
    }
    (folder, FakeSumdb::of_records(&[Given::new("example.com/m", "v1.0.0", &zipped, &single)]))
}

/// `gosumcheck serve` with these limits of open files.
fn limited(soft: u32, hard: u32, home: &tempfile::TempDir) -> Command {
    let mut command = Command::new("sh");
    let script = format!("ulimit -Sn {soft}; ulimit -Hn {hard}; exec \"$@\"");
    command.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_gosumcheck"), "serve", "--listen", "127.0.0.1:0"]);
    command.env_clear().env("HOME", home.path()).env("GOENV", "off").current_dir(home.path());
    command
}

#[test]
fn streams_do_not_use_up_the_descriptors() {
    let (folder, db) = proxy_folder();
    let (upstream, home) = (db.serve(), tempfile::tempdir().unwrap());
    let sumdb = format!("{} {}", db.vkey(), upstream.url());
    let mut command = Command::new("sh");
    command.args([
        "-c",
        "ulimit -Sn 256; ulimit -Hn 512; exec \"$@\"",
        "sh",
        env!("CARGO_BIN_EXE_gosumcheck"),
        "serve",
    ]);
    command.args(["--listen", "127.0.0.1:0", "--data", "data", "--sumdb", &sumdb]);
    command.args(["--proxy", &format!("file://{}", folder.path().display())]);
    command.env_clear().env("HOME", home.path()).env("GOENV", "off").current_dir(home.path());
    let serving = Serving::start(&mut command);
    let at = serving.address();
    let path = "/example.com/m/@v/v1.0.0.zip";
    let whole = get(at, path).body;
    let mut raws: Vec<RawHttp2> = (0..9).map(|_| RawHttp2::open(at, 0)).collect();
    for raw in &mut raws {
        for stream in 0..128 {
            raw.get(2 * stream + 1, path);
        }
    }
    for raw in &mut raws {
        assert!(matches!(raw.event(Duration::from_secs(30)), Some(Event::Head { .. })));
    }
    for _ in 0..3 {
        assert_eq!(get(at, "/healthz").status, 200);
        assert!(get(at, path).body == whole, "another client's file");
    }
    drop(raws);
    let (code, logged) = serving.end("-TERM");
    assert_eq!(code, 0, "{logged}");
    // The soft limit was raised.
    assert!(logged.contains("open_files=512") && logged.contains("connections=98"), "{logged}");
}

#[test]
fn more_connections_than_the_descriptors_allow_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let output = limited(256, 512, &home).args(["--connections", "4096", "--data", "data"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("4096 connections need") && said.contains("ulimit -n"), "{said}");
}

#[test]
fn an_admin_listener_answers_health_and_metrics_and_nothing_else() {
    let db = FakeSumdb::synthetic(100, 3);
    db.grow(50);
    let (upstream, home) = (db.serve(), tempfile::tempdir().unwrap());
    let sumdb = format!("{} {}", db.vkey(), upstream.url());
    let admin = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_gosumcheck"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", &admin.to_string()]);
    command.args(["--data", "data", "--sumdb", &sumdb, "--connections", "1"]);
    command.env_clear().env("HOME", home.path()).env("GOENV", "off").current_dir(home.path());
    let serving = Serving::start(&mut command);
    until("it has a head", || get(admin, "/readyz").status == 200);
    for (path, status) in [("/healthz", 200), ("/metrics", 200), ("/latest", 404), ("/", 404), ("/supported", 404)] {
        assert_eq!(get(admin, path).status, status, "{path}");
    }
    assert_eq!(get(serving.address(), "/healthz").status, 200);
    let mut idle: Vec<TcpStream> = (0..100).map(|_| connect(admin)).collect();
    assert_eq!(get(admin, "/healthz").status, 200, "idle connections do not use up its slots");
    assert_eq!(idle[0].read(&mut [0]).unwrap_or(0), 0);
}
