//! `direct`: the real go command with a real git, and a repository on this machine in the place of a remote one.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;

use gosumcheck::upstream::{Direct, DirectAccess, DirectSettings, FailureKind, Proxies, ProxyEntry, ProxyPlace, Sent};

use crate::common;
use crate::world::*;

/// A home whose git finds `github.com/acme/m` on this machine, and a folder for sandboxes.
struct World {
    root: tempfile::TempDir,
    go: PathBuf,
}

impl World {
    /// None (and a line that says so) where there is no go or no git.
    fn new() -> Option<World> {
        let go = common::go_command()?;
        if !Command::new("git").arg("--version").output().is_ok_and(|output| output.status.success()) {
            common::skip("there is no git", "GOSUMCHECK_REQUIRE_GO");
            return None;
        }
        let world = World { root: tempfile::tempdir().unwrap(), go };
        fs::create_dir_all(world.repository()).unwrap();
        fs::create_dir_all(world.home()).unwrap();
        let config =
            format!("[url \"file://{}/far/\"]\n\tinsteadOf = https://github.com/\n", world.root.path().display());
        fs::write(world.home().join(".gitconfig"), config).unwrap();
        world.git(&["init", "-q", "-b", "main"]);
        Some(world)
    }

    fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    fn repository(&self) -> PathBuf {
        self.root.path().join("far/acme/m")
    }

    fn sandboxes(&self) -> PathBuf {
        self.root.path().join("sandboxes")
    }

    fn git(&self, arguments: &[&str]) {
        let who = ["-c", "user.name=n", "-c", "user.email=e@example.com", "-c", "commit.gpgsign=false"];
        let mut command = Command::new("git");
        command.args(who).args(arguments).current_dir(self.repository()).env("HOME", self.home());
        command.env("GIT_AUTHOR_DATE", "2020-01-02T03:04:05Z").env("GIT_COMMITTER_DATE", "2020-01-02T03:04:05Z");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    fn commit(&self, file: &str, text: &str) {
        fs::write(self.repository().join(file), text).unwrap();
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", file]);
    }

    fn proxies(&self) -> Proxies {
        let access = DirectAccess::Private { home: Some(self.home()) };
        let settings = DirectSettings { access, ..DirectSettings::below(&self.sandboxes()) };
        let place = ProxyPlace::Direct(Direct::new(self.go.clone(), settings));
        Proxies::new(vec![ProxyEntry { place, falls_back: false }])
    }

    fn is_swept(&self) -> bool {
        is_empty(&self.sandboxes())
    }
}

fn is_empty(folder: &Path) -> bool {
    folder.read_dir().unwrap().next().is_none()
}

#[tokio::test]
async fn a_repository_answers_every_question() {
    let Some(world) = World::new() else { return };
    world.commit("go.mod", "module github.com/acme/m\n\ngo 1.20\n");
    world.git(&["tag", "v1.0.0"]);
    world.commit("m.go", "package m\n");
    world.git(&["tag", "v1.1.0"]);
    world.git(&["branch", "feature"]);
    world.commit("later.go", "package m\n");
    let proxies = world.proxies();
    assert_eq!(body(fetch(&proxies, "github.com/acme/m/@v/list").await), "v1.0.0\nv1.1.0\n");
    for path in ["github.com/acme/m/@latest", "github.com/acme/m/@v/v1.1.0.info", "github.com/acme/m/@v/feature.info"] {
        let text = body(fetch(&proxies, path).await);
        assert!(text.contains(r#""Version":"v1.1.0""#) && text.contains("2020-01-02T03:04:05Z"), "{path}: {text}");
    }
    let main = body(fetch(&proxies, "github.com/acme/m/@v/main.info").await);
    assert!(main.contains(r#""Version":"v1.1.1-0.20200102030405-"#), "{main}");
    let go_mod = body(fetch(&proxies, "github.com/acme/m/@v/v1.0.0.mod").await);
    assert_eq!(go_mod, "module github.com/acme/m\n\ngo 1.20\n");

    let mut sink = Memory::holding(b"another run's zip");
    let zip = asked("github.com/acme/m/@v/v1.1.0.zip");
    let Sent::Whole(origin) = proxies.download(0, &zip, 1 << 20, &mut sink).await.unwrap() else { panic!() };
    assert_eq!((origin.place.as_str(), origin.kept, sink.restarts), ("direct", 0, 1));
    let archive = zip::ZipArchive::new(Cursor::new(&sink.bytes)).unwrap();
    let mut names: Vec<_> = archive.file_names().map(Result::unwrap).collect();
    names.sort_unstable();
    assert_eq!(names, ["github.com/acme/m@v1.1.0/go.mod", "github.com/acme/m@v1.1.0/m.go"]);
    let failure = proxies.download(0, &zip, 10, &mut Memory::default()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::TooLong);
    assert!(world.is_swept(), "sandboxes are removed");
    let state = &proxies.states()[0];
    assert_eq!((state.name.as_str(), state.requests, state.failures), ("direct", 8, 1));
}

#[tokio::test]
async fn what_is_not_there_is_told_apart_from_what_cannot_be_found_out() {
    let Some(world) = World::new() else { return };
    world.commit("go.mod", "module github.com/acme/m\n");
    let proxies = world.proxies();
    assert_eq!(body(fetch(&proxies, "github.com/acme/m/@v/list").await), "", "it exists, untagged");
    for (path, words) in [
        ("github.com/acme/m/@v/v1.0.0.info", "unknown revision v1.0.0"),
        ("github.com/acme/m/@v/v1.0.0.mod", "unknown revision v1.0.0"),
        ("github.com/acme/m/@v/nosuchbranch.info", "unknown revision nosuchbranch"),
        ("github.com/acme/m/sub/@v/list", "no matching versions for query"),
        ("github.com/acme/none/@v/list", "does not"),
        ("github.com/acme/@v/list", "invalid github.com"),
    ] {
        let told = missing(fetch(&proxies, path).await);
        assert!(told.contains(words), "{path}: {told}");
    }
    let sent = proxies.download(0, &asked("github.com/acme/m/@v/v1.0.0.zip"), 1 << 20, &mut Memory::default()).await;
    assert!(matches!(sent, Ok(Sent::Missing(_))), "{sent:?}");
    assert!(world.is_swept());
    // Nothing listens there.
    let config = format!("[url \"{}/\"]\n\tinsteadOf = https://github.com/\n", dead_url().await);
    fs::write(world.home().join(".gitconfig"), config).unwrap();
    for path in ["github.com/acme/m/@v/list", "github.com/acme/m/@v/v1.0.0.info"] {
        let failure = fetch(&proxies, path).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unreachable, "{failure}");
        assert!(!proxies.goes_on(0, &failure));
    }
}

#[cfg(unix)]
mod commands {
    //! A script in the place of the go command, to see what it is given and how it ends.

    use std::os::unix::fs::PermissionsExt as _;
    use std::time::Duration;

    use super::*;

    struct Script {
        root: tempfile::TempDir,
    }

    impl Script {
        fn new(text: &str) -> Script {
            let script = Script { root: tempfile::tempdir().unwrap() };
            let text = format!("#!/bin/sh\nseen='{}'\n{text}", script.root.path().display());
            fs::write(script.root.path().join("go"), text).unwrap();
            fs::set_permissions(script.root.path().join("go"), fs::Permissions::from_mode(0o755)).unwrap();
            script
        }

        /// For private modules: clients that may read these may read what the go command prints.
        fn settings(&self) -> DirectSettings {
            let access = DirectAccess::Private { home: None };
            DirectSettings { access, ..DirectSettings::below(&self.root.path().join("sandboxes")) }
        }

        fn proxies(&self, settings: DirectSettings) -> Proxies {
            let place = ProxyPlace::Direct(Direct::new(self.root.path().join("go"), settings));
            Proxies::new(vec![ProxyEntry { place, falls_back: false }])
        }

        fn read(&self, name: &str) -> Option<String> {
            fs::read_to_string(self.root.path().join(name)).ok().filter(|text| text.ends_with('\n'))
        }

        async fn until(&self, what: impl Fn() -> bool) {
            let seen = async {
                while !what() {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(Duration::from_secs(60), seen).await.unwrap();
        }

        fn is_swept(&self) -> bool {
            is_empty(&self.root.path().join("sandboxes"))
        }
    }

    const LIST: &str = "example.com/m/@v/list";

    #[tokio::test]
    async fn it_sees_only_what_it_may() {
        let script = Script::new("env > $seen/env; pwd > $seen/pwd; echo \"$@\" > $seen/arguments; echo '{}'");
        let settings = DirectSettings { private: "corp.example".to_owned(), ..script.settings() };
        assert_eq!(body(fetch(&script.proxies(settings), LIST).await), "");
        let env = script.read("env").unwrap();
        let sandboxes = script.root.path().join("sandboxes").display().to_string();
        for (name, expected) in [
            ("GOPROXY", "direct"),
            ("GONOSUMDB", "*"),
            ("GOSUMDB", "off"),
            ("GOFLAGS", "-modcacherw"),
            ("GOTOOLCHAIN", "local"),
            ("GO111MODULE", "on"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GOVCS", "public:git|hg,private:all"),
            ("GOPRIVATE", "corp.example"),
            ("HOME", sandboxes.as_str()),
            ("GOMODCACHE", sandboxes.as_str()),
            ("GOPATH", sandboxes.as_str()),
            ("GOCACHE", sandboxes.as_str()),
            ("TMPDIR", sandboxes.as_str()),
        ] {
            assert!(env.lines().any(|line| line.starts_with(&format!("{name}={expected}"))), "{name}: {env}");
        }
        assert!(!env.contains("CARGO"), "{env}");
        assert!(script.read("pwd").unwrap().starts_with(&sandboxes));
        assert_eq!(script.read("arguments").unwrap(), "list -m -versions -retracted -json -- example.com/m@latest\n");
        assert!(script.is_swept());
    }

    #[tokio::test]
    async fn nobody_waits_for_it_for_ever_and_it_ends_with_all_that_it_started() {
        let script = Script::new("sleep 1000 & echo $! > $seen/child; wait");
        let is_dead = |pid: &str| !Command::new("kill").args(["-0", pid.trim()]).output().unwrap().status.success();
        let settings = DirectSettings { total: Duration::from_millis(200), ..script.settings() };
        let failure = fetch(&script.proxies(settings), LIST).await.unwrap_err();
        assert_eq!(failure.why, "timed out: the go command did not finish within 200ms");
        assert_eq!(failure.kind, FailureKind::Timeout);
        if let Some(child) = script.read("child") {
            script.until(|| is_dead(&child)).await;
        }
        script.until(|| script.is_swept()).await;

        let _ = fs::remove_file(script.root.path().join("child"));
        let proxies = script.proxies(script.settings());
        tokio::select! {
            _ = fetch(&proxies, LIST) => panic!("it waits"),
            () = script.until(|| script.read("child").is_some()) => {}
        }
        let child = script.read("child").unwrap();
        script.until(|| is_dead(&child)).await;
        script.until(|| script.is_swept()).await;
    }

    #[tokio::test]
    async fn its_words_are_bounded() {
        let endless = Script::new("yes");
        let failure = fetch(&endless.proxies(endless.settings()), LIST).await.unwrap_err();
        assert_eq!(
            (failure.kind, failure.why.as_str()),
            (FailureKind::TooLong, "the go command printed more than 4194304 bytes")
        );
        endless.until(|| endless.is_swept()).await;
        let wordy = Script::new("yes 'go: a word' | head -c 1000000 >&2; printf '\\n\\033[2Jthe end\\n' >&2; exit 1");
        let failure = fetch(&wordy.proxies(wordy.settings()), LIST).await.unwrap_err();
        assert!(failure.why.ends_with(" / \\u{1b}[2Jthe end") && failure.why.len() < 300, "{failure}");
        let silent = Script::new("exit 2");
        let failure = fetch(&silent.proxies(silent.settings()), LIST).await.unwrap_err();
        assert_eq!(
            (failure.kind, failure.why.as_str()),
            (FailureKind::Unreachable, "the go command failed without a message")
        );
        let senseless = Script::new("echo words");
        let failure = fetch(&senseless.proxies(senseless.settings()), LIST).await.unwrap_err();
        assert!(failure.why.starts_with("the go command's output: "), "{failure}");
        let gone = Proxies::new(vec![ProxyEntry {
            place: ProxyPlace::Direct(Direct::new(PathBuf::from("/nonexistent/go"), silent.settings())),
            falls_back: false,
        }]);
        let failure = fetch(&gone, LIST).await.unwrap_err();
        assert!(failure.why.starts_with("cannot run /nonexistent/go: "), "{failure}");
        silent.until(|| silent.is_swept()).await;
    }

    #[tokio::test]
    async fn one_version_is_asked_for_once_at_a_time_and_few_in_all() {
        // Each run notes which others run at the same time; there may be none.
        let script = Script::new("mkdir $seen/lock || echo both >> $seen/both; rmdir $seen/lock; echo '{}'");
        let settings = || DirectSettings { at_once: 8, ..script.settings() };
        let proxies = script.proxies(settings());
        let same = (0..8).map(|_| fetch(&proxies, LIST));
        futures_util::future::join_all(same).await.into_iter().for_each(|fetched| assert_eq!(body(fetched), ""));
        let one = script.proxies(DirectSettings { at_once: 1, ..settings() });
        let paths: Vec<String> = (0..8).map(|n| format!("example.com/m{n}/@v/list")).collect();
        let others = paths.iter().map(|path| fetch(&one, path));
        futures_util::future::join_all(others).await.into_iter().for_each(|fetched| assert_eq!(body(fetched), ""));
        assert_eq!((script.read("both"), proxies.states()[0].requests), (None, 8));
    }
}
