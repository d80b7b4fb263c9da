//! Git histories: each line that any commit ever had is judged once, and of a wrong one it is told where it was, since when, and by
//! whose commit it came and went.

use serde_json::json;

use crate::repository::{Stream, findings, git, import, lines, report, time, world};

const WRONG: &str = "a.example/m0 v1.0.0 h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
const CONFLICT: &str = "<<<<<<< HEAD\n";

/// 5,000 commits: a wrong line that a merge brought to main, that was mended there and not on another branch; a conflict that was
/// committed; a folder that was renamed; a submodule; a link.
struct Known {
    stream: Stream,
    wrong: u64,
    merge: u64,
    mended: u64,
    carried: u64,
    conflict: u64,
}

fn known(lines: &[String]) -> Known {
    let mut stream = Stream::default();
    let all: String = lines.concat();
    let root =
        stream.commit("main", "dev", &[], &[("go.sum", &lines[0]), ("x/module", "submodule"), ("README", "x\n")]);
    let base = stream.run("main", root, 1_000, "go.sum", lines, "");
    let wrong = stream.commit("topic", "mallory", &[base], &[("go.sum", &format!("{all}{WRONG}"))]);
    let topic = stream.run("topic", wrong, 99, "go.sum", lines, WRONG);
    let main = stream.run("main", base, 500, "go.sum", lines, "");
    let merge = stream.commit("main", "alice", &[main, topic], &[("go.sum", &format!("{WRONG}{all}"))]);
    let main = stream.run("main", merge, 200, "go.sum", lines, WRONG);
    let renamed = stream.commit("main", "dev", &[main], &[("go.sum", ""), ("sub/go.sum", &format!("{all}{WRONG}"))]);
    let release = stream.run("release", renamed, 50, "sub/go.sum", lines, WRONG);
    let _ = release;
    let mended = stream.commit("main", "bob", &[renamed], &[("sub/go.sum", &all)]);
    let conflict = stream.commit("main", "carol", &[mended], &[("sub/go.sum", &format!("{all}{CONFLICT}"))]);
    let main = stream.commit("main", "dev", &[conflict], &[("sub/go.sum", &all), ("sub/link/go.sum", "../go.sum")]);
    let rest = 5_000 - stream.commits;
    stream.run("main", main, rest, "sub/go.sum", lines, "");
    Known { stream, wrong, merge, mended, carried: 100 + 1 + 200 + 1 + 50, conflict }
}

#[test]
fn a_history_of_5000_commits_gives_the_known_answer() {
    let Some(world) = world() else { return };
    let lines = lines(&world);
    let known = known(&lines);
    assert_eq!(known.stream.commits, 5_000);
    let path = import(&world, &known.stream);
    let id = |revision: &str| git(&world, &path, &["rev-parse", revision], b"").trim().to_owned();
    let (code, report) = report(&world, &["--history", path.to_str().unwrap()]);
    assert_eq!((code, report["files"].as_array().unwrap().len()), (1, 1), "{report:#}");
    assert_eq!(report["total_lines"], lines.len() + 2);
    assert_eq!(report["files"][0]["artifact"], "git-history");
    assert!(
        report["files"][0]["about"].as_str().unwrap().starts_with("5,000 commits of 3 branches and tags"),
        "{report:#}"
    );
    let notices = report["notices"].to_string();
    assert!(notices.contains("1 submodule not read") && notices.contains("x/module"), "{notices}");

    let findings = findings(&report);
    let [differs, malformed] = findings.as_slice() else { panic!("{findings:#?}") };
    assert_eq!((&differs["verdict"], &differs["text"]), (&json!("differs"), &json!(WRONG.trim())));
    assert_eq!((&differs["file"], &differs["line"]), (&json!("go.sum"), &json!(lines.len() + 1)));
    let history = &differs["history"];
    let came = &history["came"][0];
    assert_eq!(differs["commit"], came["commit"]);
    assert_eq!((&came["time"], &came["author"]), (&json!(time(known.wrong)), &json!("mallory <mallory@a.example>")));
    assert_eq!((history["came"].as_array().unwrap().len(), &history["more_came"]), (1, &json!(0)));
    let [went] = history["went"].as_array().unwrap().as_slice() else { panic!("{history:#}") };
    assert_eq!((&went["time"], &went["author"]), (&json!(time(known.mended)), &json!("bob <bob@a.example>")));
    assert_eq!((&history["commits"], &history["is_older"]), (&json!(known.carried), &json!(false)));
    assert_eq!(history["last"]["commit"], id("release"));
    let branches = json!([
        { "name": "release", "has_it_now": true },
        { "name": "topic", "has_it_now": true },
        { "name": "main", "has_it_now": false },
    ]);
    assert_eq!(history["branches"], branches);
    assert!(known.merge > known.wrong);

    assert_eq!((&malformed["verdict"], &malformed["text"]), (&json!("malformed"), &json!(CONFLICT.trim())));
    assert_eq!(malformed["history"]["came"][0]["time"], json!(time(known.conflict)));
    assert_eq!(malformed["history"]["commits"], 1);

    let text = world.audit(&["--history", path.to_str().unwrap()]);
    text.says(
        1,
        &[
            "DIFFERS",
            "in 352 commits",
            "by mallory",
            "by bob",
            "is still on release, topic; was on main",
            "1 malformed",
        ],
    );
    for format in ["sarif", "junit"] {
        let ran = world.audit(&["--history", path.to_str().unwrap(), "--format", format]);
        assert!(ran.code == 1 && ran.out.contains("came with") && ran.out.contains("mallory"), "{}", ran.out);
    }
}

#[test]
fn ranges_folders_and_borrowed_objects() {
    let Some(world) = world() else { return };
    let lines = lines(&world);
    let all = lines.concat();
    let mut stream = Stream::default();
    let wrong = format!("{all}{WRONG}");
    let one = stream.commit("main", "one", &[], &[("go.sum", &wrong), ("x/go.work.sum", &lines[0])]);
    let two = stream.commit("main", "two", &[one], &[("README", "x\n")]);
    let three = stream.commit("main", "three", &[two], &[("go.sum", &all)]);
    stream.commit("main", "four", &[three], &[("go.sum", &lines[1])]);
    let bare = import(&world, &stream);
    let bare = bare.to_str().unwrap();
    // Nothing of main~1.. had it; main~3..main began with it.
    assert_eq!(report(&world, &["--history", "main~1..main", bare]).0, 0);
    let (code, ranged) = report(&world, &["--history", "main~3..main", bare]);
    let history = &findings(&ranged)[0]["history"];
    assert_eq!((code, &history["commits"], &history["is_older"]), (1, &json!(1), &json!(true)), "{ranged:#}");
    assert_eq!((&history["came"], &history["went"][0]["author"]), (&json!([]), &json!("three <three@a.example>")));
    assert_eq!(report(&world, &["--history", bare, "--exclude", "/go.sum"]).1["total_lines"], 1);
    world.audit(&["--history", "nowhere", bare]).says(2, &["--history \"nowhere\""]);
    world.audit(&["--history", "main", world.home.path().to_str().unwrap()]).says(2, &["no git repository"]);

    // A folder below a working tree, whose objects are another repository's.
    let clone = world.home.path().join("clone");
    git(&world, world.home.path(), &["clone", "--quiet", "--shared", bare, clone.to_str().unwrap()], b"");
    std::fs::create_dir(clone.join("below")).unwrap();
    git(&world, &clone, &["pack-refs", "--all"], b"");
    let (code, cloned) = report(&world, &["--history", clone.join("below").to_str().unwrap()]);
    assert_eq!((code, &cloned["total_lines"]), (1, &json!(lines.len() + 1)));
    assert_eq!(cloned["files"].as_array().unwrap().len(), 1, "{cloned:#}");
    let branches = ["main", "origin/HEAD", "origin/main"].map(|name| json!({ "name": name, "has_it_now": false }));
    assert_eq!(findings(&cloned)[0]["history"]["branches"], json!(branches));
    // SARIF names the file of the working tree, whichever folder of it was named.
    for (named, file) in
        [(clone.join("below"), format!("file://{}/go.sum", clone.display())), (bare.into(), "go.sum".to_owned())]
    {
        let sarif = world.audit(&["--history", named.to_str().unwrap(), "--format", "sarif"]).json();
        let location = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"];
        assert_eq!(location["uri"], file);
    }

    // What is not in a shallow clone was not seen, unless nobody asked for it.
    let shallow = world.home.path().join("shallow");
    let url = format!("file://{bare}");
    git(&world, world.home.path(), &["clone", "--quiet", "--depth=2", &url, shallow.to_str().unwrap()], b"");
    let shallow = shallow.to_str().unwrap();
    world.audit(&["--history", shallow]).says(2, &["is a shallow clone", "git fetch --unshallow", "1 file not read"]);
    assert_eq!(report(&world, &["--history", "HEAD~1..HEAD", shallow]).0, 0);
}

#[test]
fn damaged_and_hostile_repositories_end_with_words() {
    let Some(world) = world() else { return };
    let lines = lines(&world);
    let mut stream = Stream::default();
    let root = stream.commit("main", "dev", &[], &[("go.sum", &lines[0])]);
    let deep = format!("{}go.sum", "d/".repeat(100));
    let two = stream.commit("main", "dev", &[root], &[(&deep, &lines[1]), ("link/go.sum", "../../etc/passwd")]);
    stream.commit("main", "dev", &[two], &[(&deep, ""), ("other/go.sum", "secret\nsecret two\n")]);
    let bare = import(&world, &stream);
    let path = bare.to_str().unwrap();
    let ran = world.audit(&["--history", path]);
    ran.says(1, &["is a link", "more than 64 folders deep", "this is not a go.sum file"]);
    assert!(!ran.out.contains("secret"), "{}", ran.out);

    // Each object cut off or changed in the middle: words, and no more lines than before.
    let packs = std::fs::read_dir(bare.join("objects/pack")).unwrap().map(|entry| entry.unwrap().path());
    let pack = packs.into_iter().find(|path| path.extension().is_some_and(|end| end == "pack")).unwrap();
    let whole = std::fs::read(&pack).unwrap();
    std::fs::remove_file(&pack).unwrap();
    for at in (0..whole.len()).step_by(whole.len() / 40) {
        let mut changed = whole.clone();
        changed[at] ^= 0x55;
        for bytes in [&whole[..at], &changed] {
            std::fs::write(&pack, bytes).unwrap();
            let ran = world.audit(&["--history", path]);
            assert!([1, 2].contains(&ran.code) && !ran.err.contains("panicked"), "{at}: {}{}", ran.out, ran.err);
        }
    }
}

#[test]
fn a_link_is_judged_by_where_it_stands_in_which_commit() {
    let Some(world) = world() else { return };
    let lines = lines(&world);
    let mut stream = Stream::default();
    let files = [("a/go.sum", lines[0].as_str()), ("a/link/go.sum", "../go.sum"), ("b/go.sum", &lines[1])];
    let one = stream.commit("main", "dev", &[], &files);
    let path = import(&world, &stream);
    world.audit(&["--history", path.to_str().unwrap()]).says(0, &["2 verified"]);
    // The same link in another place, where it leads nowhere; and then without what it led to.
    let two = stream.commit("main", "dev", &[one], &[("c/link/go.sum", "../go.sum")]);
    stream.commit("main", "dev", &[two], &[("a/go.sum", "")]);
    std::fs::remove_dir_all(&path).unwrap();
    let path = import(&world, &stream);
    let id = |revision: &str| git(&world, &path, &["rev-parse", revision], b"").trim().to_owned();
    let lost = [format!("{}:c/link/go.sum", id("main~1")), format!("{}:a/link/go.sum", id("main"))];
    let ran = world.audit(&["--history", path.to_str().unwrap()]);
    ran.says(2, &["2 verified", "is a link that does not lead to a go.sum file", &lost[0], &lost[1]]);
    assert_eq!(ran.out.matches("is a link that").count(), 2, "{}", ran.out);
}

#[cfg(unix)]
#[test]
fn nothing_in_a_repository_is_waited_for() {
    let Some(world) = world() else { return };
    let mut stream = Stream::default();
    stream.commit("main", "dev", &[], &[("go.sum", &lines(&world)[0])]);
    let bare = import(&world, &stream);
    let fifo = bare.join("objects/pack/pack-0.idx");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RUSR).unwrap();
    world.audit(&["--history", bare.to_str().unwrap()]).says(2, &["is a named pipe"]);
}
