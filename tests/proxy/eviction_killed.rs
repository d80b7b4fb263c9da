//! A server of a process of its own that is killed while it makes room: what is left is whole, what has to stay is there, and the next
//! one goes on.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::common::Serving;
use crate::kit::{Site, Spec};

const LIMIT: &str = "3MB";
const MODULES: usize = 60;
/// In which tree each of those that have to stay is: pinned, gone upstream, private.
const STAYING: [(&str, &str); 3] =
    [("modules", "example.com/pinned"), ("modules", "example.com/vanished"), ("private", "corp.example/private")];

fn path(number: usize) -> String {
    format!("/example.com/m{number:02}/@v/v1.0.0.zip")
}

/// What comes of a request until the connection ends.
fn ask(at: SocketAddr, path: &str) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(at)?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply)?;
    Ok(reply)
}

/// `gosumcheck verify` of the data folder: its exit code and what it says.
fn verify(site: &Site, home: &std::path::Path) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gosumcheck"));
    command.args(["verify", "--data", "data", "--sumdb", &site.log.vkey(), "--no-log", "--private", "corp.example"]);
    command.current_dir(home);
    let output = command.env_clear().env("HOME", home).env("GOENV", "off").output().unwrap();
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
    (output.status.code(), said)
}

#[test]
fn verify_finds_nothing_after_a_server_is_killed_while_it_makes_room() {
    let names = (0..MODULES).map(|number| format!("example.com/m{number:02}"));
    let names = names.chain(STAYING.map(|(_, name)| name.to_owned()));
    let site = Site::of(&names.map(|name| Spec::new(&name, "v1.0.0").noise(200_000)).collect::<Vec<_>>());
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let start = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gosumcheck"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--data", "data", "--sumdb", &site.sumdb()]);
        command.args(["--proxy", &site.mirror.url(), "--store-max-size", LIMIT]).current_dir(home.path());
        command.args(["--private", "corp.example", "--private-proxy", &site.mirror.url()]);
        Serving::start(command.env_clear().env("HOME", home.path()).env("GOENV", "off"))
    };
    let staying = STAYING.map(|(tree, name)| {
        let path = format!("/{name}/@v/v1.0.0.zip");
        let bytes = site.corpus.file(&path[1..]).unwrap();
        (home.path().join("data").join(tree).join(&path[1..]), path, bytes)
    });
    let server = start();
    for (_, path, bytes) in &staying {
        assert!(ask(server.address(), path).unwrap().ends_with(bytes), "{path}");
    }
    drop(server);
    let folder = gosumcheck::store::Folder::open(&home.path().join("data")).unwrap();
    folder.keep().add(&["example.com/pinned".to_owned()]).unwrap();
    site.corpus.remove(&staying[1].1[1..]);
    for round in 0..6 {
        let server = start();
        let (at, next, done) = (server.address(), AtomicUsize::new(0), AtomicUsize::new(0));
        // More than fits: it makes room all the while, and is killed in the middle of other requests, at another moment each time.
        let ends = 20 + 5 * round;
        std::thread::scope(|scope| {
            let client = || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed) % MODULES;
                    let Ok(reply) = ask(at, &path(number)) else { return };
                    if !reply.ends_with(&site.corpus.file(&path(number)[1..]).unwrap()) {
                        // Cut off, and not another answer.
                        assert!(reply.is_empty() || reply.starts_with(b"HTTP/1.1 200 "), "{number}");
                        return;
                    }
                    if done.fetch_add(1, Ordering::Relaxed) + 1 == ends {
                        let killed = Command::new("kill").args(["-9", &server.id().to_string()]).status();
                        assert!(killed.unwrap().success());
                    }
                }
            };
            (0..4).for_each(|_| drop(scope.spawn(client)));
        });
        assert!(done.into_inner() >= ends);
        drop(server);
        let (code, said) = verify(&site, home.path());
        assert_eq!(code, Some(0), "round {round}: {said}");
        for (file, path, bytes) in &staying {
            assert!(std::fs::read(file).is_ok_and(|found| found == *bytes), "round {round}: {path}");
        }
    }
    let modules = gosumcheck::store::Folder::look(&home.path().join("data")).unwrap().modules();
    let held = modules.inventory().unwrap();
    assert!(held.files.len() < MODULES && held.bytes <= 3_000_000, "{} files, {} bytes", held.files.len(), held.bytes);
}
