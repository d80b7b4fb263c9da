//! `direct` for public modules, whose paths clients choose: no run reaches a private address, whatever names, pages, redirects and
//! repositories lead to, and ssh is never run.

mod bounds;
mod host;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use gosumcheck::upstream::{
    Direct, DirectSettings, Failure, FailureKind, Fetched, Proxies, ProxyEntry, ProxyPlace, Sent,
};

use crate::common;
use crate::world::*;
use host::{Answer, World};

const PUBLIC: [&str; 2] = ["8.8.4.4:443", "8.8.8.8:443"];

/// A folder with commands that come first on the `PATH`, and sandboxes.
struct Place {
    root: tempfile::TempDir,
}

impl Place {
    /// With an `ssh` and an `hg` that note how they are run. None where there is no go or no git.
    fn new() -> Option<Place> {
        let go = common::go_command()?;
        if !Command::new("git").arg("--version").output().is_ok_and(|output| output.status.success()) {
            common::skip("there is no git", "GOSUMCHECK_REQUIRE_GO");
            return None;
        }
        let place = Place { root: tempfile::tempdir().unwrap() };
        let here = place.root.path().display().to_string();
        place.script("bin/ssh", &format!("echo \"$@\" >> {here}/ssh\nexit 1"));
        place.script(
            "bin/hg",
            &format!("echo \"$@\" >> {here}/hg\nenv >> {here}/hg\ncat $HGRCPATH >> {here}/hg\nexit 1"),
        );
        place.script("go", &format!("PATH={here}/bin:$PATH exec {} \"$@\"", go.display()));
        Some(place)
    }

    /// With this in the place of the go command.
    fn scripted(text: &str) -> Place {
        let place = Place { root: tempfile::tempdir().unwrap() };
        place.script("go", &format!("seen='{}'\n{text}", place.root.path().display()));
        place
    }

    fn script(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn settings(&self, world: &Arc<World>) -> DirectSettings {
        DirectSettings { access: world.access(), ..DirectSettings::below(&self.path("sandboxes")) }
    }

    fn proxies(&self, settings: DirectSettings) -> Proxies {
        let place = ProxyPlace::Direct(Direct::new(self.path("go"), settings));
        Proxies::new(vec![ProxyEntry { place, falls_back: false }])
    }

    fn is_swept(&self) -> bool {
        self.path("sandboxes").read_dir().map_or(true, |mut entries| entries.next().is_none())
    }

    /// A repository of a module of this path, with the tag v1.0.0.
    fn repository(&self, module: &str) -> PathBuf {
        let folder = self.path("repository");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("go.mod"), format!("module {module}\n\ngo 1.20\n")).unwrap();
        fs::write(folder.join("m.go"), "package m\n").unwrap();
        let who = ["-c", "user.name=n", "-c", "user.email=e@example.com", "-c", "commit.gpgsign=false"];
        for arguments in
            [&["init", "-q", "-b", "main"][..], &["add", "-A"], &["commit", "-q", "-m", "m"], &["tag", "v1.0.0"]]
        {
            let mut command = Command::new("git");
            command.args(who).args(arguments).current_dir(&folder).env("HOME", self.root.path());
            assert!(command.output().unwrap().status.success(), "{arguments:?}");
        }
        folder
    }
}

fn import(content: &str) -> Answer {
    Answer::Page(format!("<meta name=\"go-import\" content=\"{content}\">"))
}

fn refused(fetched: Result<Fetched, Failure>, kind: FailureKind) -> String {
    let failure = fetched.unwrap_err();
    assert_eq!(failure.kind, kind, "{failure}");
    for word in ["connection refused", "dial tcp", "sandboxes"] {
        assert!(!failure.why.contains(word), "{failure}");
    }
    failure.why
}

fn not_public(host: &str) -> String {
    format!("{host} is not a public address: public modules are fetched only from public hosts")
}

#[tokio::test]
async fn a_public_module_is_fetched_from_public_addresses() {
    let Some(place) = Place::new() else { return };
    let repository = place.repository("vanity.example.com/m");
    let world = World::new(&[
        ("vanity.example.com/moved", Answer::Redirect("https://vanity.example.com/m?go-get=1".to_owned())),
        ("vanity.example.com/m", import("vanity.example.com/m git https://git.example.com/acme/m")),
        ("git.example.com/acme/m", Answer::Repository(repository)),
    ])
    .await;
    let proxies = place.proxies(place.settings(&world));
    assert_eq!(body(fetch(&proxies, "vanity.example.com/m/@v/list").await), "v1.0.0\n");
    assert!(body(fetch(&proxies, "vanity.example.com/m/@latest").await).contains(r#""Version":"v1.0.0""#));
    assert_eq!(
        body(fetch(&proxies, "vanity.example.com/m/@v/v1.0.0.mod").await),
        "module vanity.example.com/m\n\ngo 1.20\n"
    );
    let zip = asked("vanity.example.com/m/@v/v1.0.0.zip");
    let sent = proxies.download(0, &zip, 1 << 20, &mut Memory::default()).await.unwrap();
    assert!(matches!(sent, Sent::Whole(_)), "{sent:?}");
    let words = missing(fetch(&proxies, "vanity.example.com/m/@v/v9.0.0.info").await);
    assert!(words.contains("unknown revision v9.0.0"), "{words}");
    let words = missing(fetch(&proxies, "vanity.example.com/none/@v/list").await);
    assert!(words.contains("404 Not Found") && !words.contains("a stranger's words"), "{words}");
    assert_eq!(world.contacts(), PUBLIC);
    assert_eq!((place.read("ssh"), place.read("hg")), (String::new(), String::new()));
    assert!(place.is_swept());
}

/// Pages, redirects and repositories name private addresses; no connection is made to any of them.
#[tokio::test]
async fn nothing_leads_a_run_to_a_private_address() {
    let Some(place) = Place::new() else { return };
    let inner = TcpListener::bind("127.0.0.1:0").unwrap();
    inner.set_nonblocking(true).unwrap();
    let port = inner.local_addr().unwrap().port();
    let places = [
        format!("https://127.0.0.1:{port}/x"),
        format!("https://localhost:{port}/x"),
        format!("https://127.1:{port}/x"),
        "https://inner.example.com/x".to_owned(),
        "https://metadata.example.com/x".to_owned(),
        "https://nat64.example.com/x".to_owned(),
        format!("http://evil.example.com:{port}/x"),
    ];
    let mut answers = Vec::new();
    for (n, to) in places.iter().enumerate() {
        answers.push((format!("evil.example.com/redirect{n}"), Answer::Redirect(to.clone())));
        answers.push((format!("evil.example.com/git{n}"), import(&format!("evil.example.com/git{n} git {to}"))));
        let repository = format!("evil.example.com/moved{n} git https://evil.example.com/repository{n}");
        answers.push((format!("evil.example.com/moved{n}"), import(&repository)));
        answers.push((format!("evil.example.com/repository{n}"), Answer::Redirect(to.clone())));
    }
    for (name, import_of) in [
        ("mod", format!("mod https://127.0.0.1:{port}")),
        ("ssh", "git ssh://git@evil.example.com/corp/private".to_owned()),
        ("scp", "git git@evil.example.com:corp/private".to_owned()),
        ("file", "git file:///etc".to_owned()),
        ("ext", "git ext::sh".to_owned()),
        ("svn", "svn https://evil.example.com/x".to_owned()),
    ] {
        answers.push((format!("evil.example.com/{name}"), import(&format!("evil.example.com/{name} {import_of}"))));
    }
    let answers: Vec<(&str, Answer)> = answers.iter().map(|(url, answer)| (url.as_str(), answer.clone())).collect();
    let world = World::new(&answers).await;
    let proxies = place.proxies(place.settings(&world));
    for (url, _) in answers.iter().filter(|(url, _)| !url.contains("repository")) {
        // git refuses a redirect to http by itself.
        let fetched = fetch(&proxies, &format!("{url}/@v/list")).await;
        if url.ends_with("moved6") {
            assert_eq!(fetched.unwrap_err().kind, FailureKind::Unreachable);
        } else {
            // A page that leads to an inner host leads nowhere: as for the go command, there is no repository.
            let is_lookup = matches!(
                url.rsplit_once('/'),
                Some((_, "redirect0" | "redirect1" | "redirect2" | "redirect3" | "redirect4" | "redirect5"))
            );
            refused(fetched, if is_lookup { FailureKind::NoRepository } else { FailureKind::Forbidden });
        }
    }
    for host in ["inner", "local", "metadata", "nat64"] {
        // The second path says where the repository is, so that none is looked for.
        for (path, kind) in [("x", FailureKind::NoRepository), ("x.git", FailureKind::Forbidden)] {
            let why = refused(fetch(&proxies, &format!("{host}.example.com/{path}/@v/list")).await, kind);
            assert_eq!(why, not_public(&format!("{host}.example.com")), "no address is named");
        }
    }
    let unknown = fetch(&proxies, "nowhere.example.com/x/@v/list").await.unwrap_err();
    assert_eq!(unknown.kind, FailureKind::NoRepository, "nor by the status");
    let unknown_repository = fetch(&proxies, "nowhere.example.com/x.git/@v/list").await.unwrap_err();
    assert_eq!(unknown_repository.kind, FailureKind::NoAddress);
    assert_eq!(unknown_repository.kind.cause(), FailureKind::Forbidden.cause(), "nor by the status");
    assert_eq!(unknown.why, not_public("nowhere.example.com"), "names inside are not told from names that are nowhere");
    assert_eq!(world.contacts(), ["9.9.9.9:443"]);
    assert_eq!(inner.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "nobody came");
    assert_eq!((place.read("ssh"), place.read("hg")), (String::new(), String::new()));
    assert!(place.is_swept());
}

#[tokio::test]
async fn paths_that_are_addresses_are_refused_before_anything_is_run() {
    let place = Place::scripted("echo run >> $seen/runs; echo '{}'");
    let world = World::new(&[]).await;
    let proxies = place.proxies(place.settings(&world));
    for host in ["127.0.0.1", "10.0.0.5", "8.8.8.8", "127.1", "0.0.0.0", "169.254.169.254", "x.localhost"] {
        for path in ["x/@v/list", "secret.git/@v/list", "x/@latest", "x/@v/main.info", "x/@v/v1.0.0.mod"] {
            let kind = if path.starts_with("secret.git") { FailureKind::Forbidden } else { FailureKind::NoRepository };
            let why = refused(fetch(&proxies, &format!("{host}/{path}")).await, kind);
            assert_eq!(why, not_public(host));
        }
    }
    assert_eq!(place.read("runs"), "");
    assert_eq!(body(fetch(&proxies, "evil.example.com/x/@v/list").await), "");
    assert_eq!(place.read("runs"), "run\n");
}

#[tokio::test]
async fn mercurial_is_run_by_way_of_the_guard() {
    let Some(place) = Place::new() else { return };
    let page = import("vanity.example.com/m hg https://git.example.com/m");
    let world = World::new(&[("vanity.example.com/m", page)]).await;
    let proxies = place.proxies(place.settings(&world));
    assert!(fetch(&proxies, "vanity.example.com/m/@v/list").await.is_err());
    let hg = place.read("hg");
    for line in ["always = true", "ssh = false", "user = vcs", "HGPLAIN=1"] {
        assert!(hg.lines().any(|found| found == line), "{line}: {hg}");
    }
    assert_eq!(place.read("ssh"), "");
}

#[tokio::test]
async fn it_has_no_key_and_no_configuration_of_this_user() {
    let place = Place::scripted("env > $seen/env; echo '{}'");
    let world = World::new(&[]).await;
    let settings = DirectSettings { private: "corp.example".to_owned(), ..place.settings(&world) };
    assert_eq!(body(fetch(&place.proxies(settings), "evil.example.com/x/@v/list").await), "");
    let env = place.read("env");
    for line in [
        "GIT_ALLOW_PROTOCOL=https",
        "GIT_SSH_COMMAND=false",
        "GIT_CONFIG_NOSYSTEM=1",
        "GOVCS=*:git|hg",
        "GOPRIVATE=",
        "GOAUTH=off",
        "GIT_TERMINAL_PROMPT=0",
    ] {
        assert!(env.lines().any(|found| found == line), "{line}: {env}");
    }
    for name in ["SSH_AUTH_SOCK", "GIT_SSH=", "NO_PROXY", "no_proxy", "CARGO"] {
        assert!(!env.contains(name), "{name}: {env}");
    }
    let home = format!("HOME={}", place.path("sandboxes").display());
    assert!(env.lines().any(|line| line.starts_with(&home)), "{env}");
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
        assert!(env.lines().any(|line| line.starts_with(&format!("{name}=http://go:"))), "{name}: {env}");
    }
}
