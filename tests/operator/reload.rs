//! A reload of rules, upstreams, credentials and private patterns: all of it or nothing, and no request is lost.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tempfile::TempDir;

use crate::client::{Reply, get};
use crate::common::Serving;
use crate::kit::{FakeMirror, Site, Spec};
use crate::world::{home, program};

/// Each client sends so many requests at least.
const REQUESTS: u64 = 100;

struct Reloaded<'a> {
    site: &'a Site,
    home: TempDir,
    serving: Serving,
}

impl<'a> Reloaded<'a> {
    /// A server whose settings are in a file, with these at the end.
    fn start(site: &'a Site, settings: &str) -> Reloaded<'a> {
        let home = home("");
        write(&home, site, settings);
        let serving = Serving::start(&mut program(&home, &["serve", "--config", "g.toml"]));
        Reloaded { site, home, serving }
    }

    fn at(&self) -> SocketAddr {
        self.serving.address()
    }

    fn get(&self, path: &str) -> Reply {
        get(self.at(), path)
    }

    /// What `serve --reload` says of these settings.
    fn reload(&self, settings: &str) -> (i32, String) {
        write(&self.home, self.site, settings);
        reload(program(&self.home, &["serve", "--config", "g.toml", "--reload"]))
    }

    /// The same settings, with these rules.
    fn rules(&self, rules: &str) -> (i32, String) {
        fs::write(self.home.path().join("rules"), rules).unwrap();
        reload(program(&self.home, &["serve", "--config", "g.toml", "--reload"]))
    }
}

fn reload(mut command: Command) -> (i32, String) {
    let ran = command.output().unwrap();
    let text = [ran.stdout, ran.stderr].concat();
    (ran.status.code().unwrap(), String::from_utf8(text).unwrap())
}

/// The database is named with its place: it is asked there alone.
fn write(home: &TempDir, site: &Site, settings: &str) {
    let first = format!("listen = \"127.0.0.1:0\"\ndata = \"data\"\nrules = \"rules\"\nsumdb = \"{}\"\n", site.sumdb());
    fs::write(home.path().join("g.toml"), first + settings).unwrap();
}

fn proxy(mirror: &FakeMirror) -> String {
    format!("proxy = \"{}\"\n", mirror.url())
}

fn heard(mirror: &FakeMirror, name: &str) -> usize {
    mirror.requests().iter().filter(|request| request.path.contains(name)).count()
}

fn site() -> Site {
    let names = ["example.com/a", "example.com/b", "example.com/c", "corp.example/x"];
    Site::of(&names.map(|name| Spec::new(name, "v1.0.0")))
}

#[test]
fn rules_hold_from_the_reload_on_for_what_is_in_memory_too() {
    let site = site();
    let server = Reloaded::start(&site, &proxy(&site.mirror));
    let path = "/example.com/a/@v/v1.0.0.mod";
    assert_eq!((server.get(path).status, server.get(path).status), (200, 200));
    let (code, told) = server.rules("deny example.com/a \"use b\"\ndeny example.com/c\n");
    assert_eq!((code, told.as_str()), (0, "reloaded: changed: 2 module rules\n"));
    assert!(server.get(path).status == 403 && server.get(path).text().contains("use b"));
    assert_eq!(server.get("/example.com/c/@v/list").status, 403);
    assert_eq!(heard(&site.mirror, "example.com/c"), 0, "its name did not leave");
    // One wrong line, and nothing of the others holds.
    let (code, told) = server.rules("deny example.com/b\nforbid example.com/c\n");
    assert!(code == 2 && told.contains("rules:2:1: a rule begins with"), "{told}");
    assert_eq!((server.get(path).status, server.get("/example.com/b/@v/list").status), (403, 200));
    assert_eq!(server.rules("").0, 0);
    assert_eq!((server.get(path).status, server.get("/example.com/c/@v/list").status), (200, 200));
}

#[test]
fn upstreams_and_credentials_are_taken_over_and_denials_of_the_old_ones_are_forgotten() {
    let site = site();
    let (second, other) = (site.mirror(), "[upstreams.\"URL\"]\nbearer_file = \"token\"\n");
    let server = Reloaded::start(&site, &proxy(&site.mirror));
    let path = "/example.com/b/@v/v1.0.0.zip";
    assert_eq!(server.get("/example.com/none/@v/v1.0.0.info").status, 404);
    site.corpus.add(&Spec::new("example.com/none", "v1.0.0"));
    assert_eq!(server.get("/example.com/none/@v/v1.0.0.info").status, 404, "it is repeated");
    let with = |word: &str| {
        fs::write(server.home.path().join("token"), word).unwrap();
        proxy(&second) + &other.replace("URL", &second.url())
    };
    assert_eq!(server.reload(&with("first-secret")), (0, "reloaded: changed: proxy, upstreams\n".to_owned()));
    assert_eq!(server.get("/example.com/none/@v/v1.0.0.info").status, 200, "the new one was asked");
    assert_eq!(server.get(path).status, 200);
    assert_eq!((heard(&site.mirror, "example.com/b"), second.requests().is_empty()), (0, false));
    let sent = |word: &str| {
        let is = |value: &str| value == format!("Bearer {word}");
        second.requests().iter().filter(|request| request.header("authorization").is_some_and(is)).count()
    };
    assert_eq!((sent("first-secret"), sent("next-secret")), (second.requests().len(), 0));
    assert_eq!(server.reload(&with("next-secret")), (0, "reloaded: changed: upstreams\n".to_owned()));
    assert_eq!(server.get("/example.com/c/@v/v1.0.0.zip").status, 200);
    assert!(sent("next-secret") > 0);
    // What cannot be used changes nothing.
    let (code, told) = server.reload(&(with("third-secret") + "ca = \"none.pem\"\n"));
    assert!(code == 2 && told.contains("none.pem"), "{told}");
    assert_eq!(server.get("/example.com/a/@v/v1.0.0.zip").status, 200);
    assert_eq!(sent("third-secret"), 0);
    let (_, logged) = server.serving.end("-TERM");
    assert!(!logged.contains("-secret"), "{logged}");
}

#[test]
fn what_becomes_private_is_asked_of_private_upstreams_alone_and_never_of_the_database() {
    let site = site();
    let private = site.mirror();
    let public = proxy(&site.mirror);
    let server = Reloaded::start(&site, &public);
    let settings = format!("{public}private = \"corp.example\"\nprivate_proxy = \"{}\"\n", private.url());
    assert_eq!(server.reload(&settings), (0, "reloaded: changed: private_proxy, private\n".to_owned()));
    let asked = site.log.requests().len();
    assert_eq!(server.get("/corp.example/x/@v/v1.0.0.zip").status, 200);
    assert_eq!(server.get("/lookup/corp.example/x@v1.0.0").status, 403);
    assert_eq!(
        server.get("/corp.example/x/@v/v1.0.0.mod").header("cache-control").map(|told| told.contains("private")),
        Some(true)
    );
    assert_eq!((heard(&site.mirror, "corp.example"), site.log.requests().len()), (0, asked));
    assert!(heard(&private, "corp.example") > 0);
}

#[test]
fn where_the_database_is_asked_too_a_restart_is_needed() {
    let site = site();
    let home = home("");
    let write = |proxy: &str| {
        let settings = [
            "listen = \"127.0.0.1:0\"\ndata = \"data\"\nsumdb = \"",
            &site.log.vkey(),
            "\"\nproxy = \"",
            proxy,
            "\"\n",
        ];
        fs::write(home.path().join("g.toml"), settings.concat()).unwrap();
    };
    write("https://a.example");
    let serving = Serving::start(&mut program(&home, &["serve", "--config", "g.toml"]));
    write("https://b.example");
    let (code, told) = reload(program(&home, &["serve", "--config", "g.toml", "--reload"]));
    assert!(
        code == 2
            && told.contains("needs a restart: https://b.example is, or was, asked for the checksum database too"),
        "{told}"
    );
    serving.end("-TERM");
}

/// Ends the clients of a test, whether it passes or fails.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn no_request_is_lost_while_upstreams_and_rules_are_reloaded() {
    let names: Vec<String> = (0..40).map(|number| format!("example.com/m{number:02}")).collect();
    let site = Site::of(&names.iter().map(|name| Spec::new(name, "v1.0.0")).collect::<Vec<_>>());
    let mirrors = [site.mirror(), site.mirror()];
    let server = Reloaded::start(&site, &proxy(&site.mirror));
    let (is_over, answered, at) = (AtomicBool::new(false), AtomicU64::new(0), server.at());
    std::thread::scope(|scope| {
        let _ends = Ends(&is_over);
        let client = |first: usize| {
            let (names, is_over, answered) = (&names, &is_over, &answered);
            move || {
                for (sent, number) in (first..).enumerate() {
                    let file = ["list", "v1.0.0.mod", "v1.0.0.zip", "v1.0.0.info"][number % 4];
                    let path = format!("/{}/@v/{file}", names[number / 4 % names.len()]);
                    let reply = get(at, &path);
                    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
                    answered.fetch_add(1, Ordering::Relaxed);
                    if is_over.load(Ordering::Relaxed) && sent as u64 > REQUESTS {
                        return;
                    }
                }
            }
        };
        let clients: Vec<_> = (0..4).map(|client_number| scope.spawn(client(client_number * 40))).collect();
        for number in 0..12 {
            let (code, told) = server.reload(&proxy(&mirrors[number % 2]));
            assert_eq!((code, told.as_str()), (0, "reloaded: changed: proxy\n"));
            let (code, told) = server.rules(&format!("deny example.com/no{number}\n"));
            assert_eq!((code, told.as_str()), (0, "reloaded: changed: 1 module rules\n"));
        }
        is_over.store(true, Ordering::Relaxed);
        clients.into_iter().for_each(|client| client.join().unwrap());
    });
    assert!(answered.into_inner() > 4 * REQUESTS);
}
