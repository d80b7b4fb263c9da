//! Which settings make a module private, by what a public mirror and the log were asked; and patterns that match nothing.

use std::fs;

use super::{LIST, PUBLIC_ZIP, Server, ask_all, command, leaked, site};
use crate::client::get;

/// Each of go's settings that exempts a module from something makes it private here, whatever the others say.
#[test]
fn any_of_gos_settings_makes_a_module_private() {
    let secret = "secret.corp.example";
    for env in [
        &[("GOPRIVATE", secret), ("GONOPROXY", secret), ("GONOSUMDB", "other.example")][..],
        &[("GOPRIVATE", secret), ("GONOSUMDB", "other.example")],
        &[("GOPRIVATE", secret)],
        &[("GONOPROXY", secret)],
        &[("GONOSUMDB", secret)],
        &[("GONOPROXY", "secret.corp.example/Payroll"), ("GONOSUMDB", "other.example")],
        &[("GOPRIVATE", secret), ("GONOPROXY", "none")],
        &[("GOPRIVATE", secret), ("GONOSUMDB", "none")],
    ] {
        let site = site();
        let server = Server::start(&site, env, &[]);
        assert_eq!(ask_all(&site, server.at()), [""; 0], "{env:?}");
        let refused = get(server.at(), LIST);
        assert_eq!((refused.status, refused.header("cache-control")), (403, Some("no-store")), "{env:?}");
        assert_eq!(get(server.at(), PUBLIC_ZIP).status, 200, "{env:?}");
        server.stop();
    }
    // The same from the file of `go env -w`, and `none` of our own overrules all of them.
    let site = site();
    let file = tempfile::NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    fs::write(file.path(), "GOPRIVATE=secret.corp.example\nGONOSUMDB=other.example\n").unwrap();
    let env = [("GOENV", file.path().to_str().unwrap())];
    let server = Server::start(&site, &env, &[]);
    assert_eq!(ask_all(&site, server.at()), [""; 0]);
    server.stop();
    let server = Server::start(&site, &env, &["--private", "none"]);
    assert!(!ask_all(&site, server.at()).is_empty());
    server.stop();
}

/// A pattern that go passes over in silence is reported at the start, and what it was meant to name stays here.
#[test]
fn a_pattern_of_go_that_matches_nothing_lets_no_name_out() {
    for pattern in [
        " secret.corp.example",
        "other.example, secret.corp.example",
        "\tsecret.corp.example\t",
        "https://secret.corp.example",
        "ssh://git@secret.corp.example/Payroll",
        "\"secret.corp.example\"",
        "'secret.corp.example/Payroll'",
        "Secret.Corp.Example",
        "/secret.corp.example",
        "secret.corp.example//",
        "secret.corp.example/...",
        "secret.corp.example:443/Payroll",
        "secret.corp.example/Payroll@v1.0.0",
        "secret.corp.example/[a-",
        "*.corp.example/Pay[",
        "secret.corp.example\\",
    ] {
        for setting in ["GOPRIVATE", "GONOPROXY", "GONOSUMDB"] {
            let site = site();
            let server = Server::start(&site, &[(setting, pattern)], &[]);
            let status = get(server.at(), LIST).status;
            assert_eq!((status, leaked(&site)), (403, Vec::new()), "{setting}={pattern:?}");
            assert_eq!(get(server.at(), PUBLIC_ZIP).status, 200, "{setting}={pattern:?}");
            let said = server.stop();
            let warned = said.lines().find(|line| line.contains("warning: ") && line.contains(setting));
            assert!(warned.is_some_and(|line| line.contains("matches no module")), "{setting}={pattern:?}: {said}");
        }
    }
}

/// Nothing can be made of these: the server says so, and says that nothing is private by them.
#[test]
fn a_pattern_of_go_that_names_no_host_is_reported() {
    for pattern in ["[secret.corp.example", "corp", "*/", "secret", "/"] {
        let site = site();
        let server = Server::start(&site, &[("GOPRIVATE", pattern)], &[]);
        let said = server.stop();
        let is_sound = pattern == "*/";
        assert_eq!(said.contains("warning: GOPRIVATE"), !is_sound, "{pattern:?}: {said}");
    }
}

/// A pattern of our own that matches nothing stops the program before it asks anybody.
#[test]
fn a_pattern_of_ours_that_matches_nothing_is_a_usage_error() {
    let site = site();
    for (pattern, words) in [
        (" secret.corp.example", "\"secret.corp.example\""),
        ("other.example, secret.corp.example", "\"secret.corp.example\""),
        ("https://secret.corp.example", "\"secret.corp.example\""),
        ("secret.corp.example/[a-", "malformed"),
        ("/abs", "slash"),
        ("Secret.Corp.Example", "\"secret.corp.example\""),
        ("secret.corp.example/a//b", "slash"),
        ("secret.corp.example/...", "dot"),
        ("secret", "dot"),
        ("secret.corp.example/a\u{7}", "'\\u{7}'"),
        ("secret.corp.example/é", "'é'"),
        ("none,secret.corp.example", "none"),
        ("", "\"none\""),
        (",", "\"none\""),
    ] {
        let file = format!("private = {pattern:?}\n").replace("\\u{7}", "\\u0007");
        let from_flag = command(&site, &[], &["--private", pattern]);
        let from_file = command(&site, &[], &["--config", "g.toml"]);
        fs::write(from_file.1.path().join("g.toml"), file).unwrap();
        let mut all = vec![from_flag, from_file];
        // Blanks at the ends of an entry do not belong to it in a variable, and an empty one is as good as unset.
        if pattern.trim_matches(',') == pattern.trim() && !pattern.contains(", ") && !pattern.starts_with(' ') {
            all.push(command(&site, &[("GOSUMCHECK_PRIVATE", pattern)], &[]));
        }
        for (mut command, _home) in all {
            let ran = command.arg("--check-config").output().unwrap();
            let said = String::from_utf8(ran.stderr).unwrap();
            if pattern.is_empty() && ran.status.success() {
                continue; // the empty variable
            }
            assert_eq!((ran.status.code(), ran.stdout.len()), (Some(2), 0), "{pattern:?}: {said}");
            assert!(said.contains(words), "{pattern:?}: {said}");
        }
    }
    for pattern in ["secret.corp.example,", "*", "*.example/x*", "a.b/[a-c]/", "[a-z]*.example", "a.b/\\[", "?.?"] {
        let (mut command, _home) = command(&site, &[], &["--check-config", "--private", pattern]);
        let ran = command.output().unwrap();
        let can_match = pattern != "a.b/\\[";
        assert_eq!(ran.status.success(), can_match, "{pattern}: {}", String::from_utf8_lossy(&ran.stderr));
    }
}
