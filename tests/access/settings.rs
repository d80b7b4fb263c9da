//! What is said of wrong settings: one clear message, with its line; and no secret in any.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::world::{PASSWORD, RULES, World};

/// Runs `--check-config` with this text; gives the exit code, standard output and standard error.
fn check(world: &World, settings: &str) -> (i32, String, String) {
    let ran = world.command(settings, &["--check-config"]).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (ran.status.code().unwrap(), text(ran.stdout), text(ran.stderr))
}

#[test]
fn each_wrong_setting_has_one_message_with_its_line() {
    let world = World::new();
    world.write("md5", "alice:$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/\n");
    world.write("open", "alice:x\n");
    fs::set_permissions(world.home.path().join("open"), fs::Permissions::from_mode(0o666)).unwrap();
    world.write("jwks", "{\"keys\":[]}");
    let issuer = "[[access.issuer]]\nname = \"ci\"\nissuer = \"https://ci.example\"\n";
    for (settings, words) in [
        ("[access]\nuser = \"users\"\n", "gosumcheck.toml:2:1: "),
        ("[access]\nusers = \"nowhere\"\n", "gosumcheck.toml:2:9: access.users: nowhere: cannot be read"),
        ("[access]\nusers = \"md5\"\n", "md5:1: user \"alice\": Apache's MD5"),
        ("[access]\nusers = \"open\"\n", "open: others than its owner may write it"),
        (
            "[access]\nnetworks = [\"10.0.0.1/8\"]\n",
            "gosumcheck.toml:2:13: access.networks: has bits beyond its length; write 10.0.0.0/8",
        ),
        ("[access]\nnetworks = [\"corp\"]\n", "gosumcheck.toml:2:13: access.networks: not a network"),
        ("[access]\nclient_rate = 0\n", "gosumcheck.toml:2:15: access.client_rate: not a number from 1"),
        ("[access]\nrule = 1\n", "gosumcheck.toml:2:8: write it as [[access.rule]]"),
        ("[[access.rule]]\nmay = \"read\"\n", "gosumcheck.toml:1:1: who is missing"),
        (
            "[[access.rule]]\nwho = \"alice\"\n",
            "gosumcheck.toml:2:7: who: \"alice\": write anyone, signed-in, user:NAME",
        ),
        ("[[access.rule]]\nwho = \"user:\"\n", "gosumcheck.toml:2:7: who: "),
        (
            "[[access.rule]]\nwho = \"group:b\"\n",
            "gosumcheck.toml:2:7: no group \"b\" in [access.groups]; there is none",
        ),
        (
            "[[access.rule]]\nwho = \"group:b\"\n[access.groups]\na = []\n",
            "gosumcheck.toml:2:7: no group \"b\" in [access.groups]; there is a",
        ),
        (
            "[[access.rule]]\nwho = \"anyone\"\nmay = [\"read\", \"write\"]\n",
            "gosumcheck.toml:3:16: may: \"write\" is not one of read, page, metrics, admin",
        ),
        (
            "[[access.rule]]\nwho = \"anyone\"\nmodule = \"a.b\"\n",
            "gosumcheck.toml:3:1: \"module\" is not a setting of a rule; the settings are who, may, modules, refuse",
        ),
        ("[[access.rule]]\nwho = \"anyone\"\nmodules = \"https://a.b\"\n", "gosumcheck.toml:3:11: modules: "),
        (
            "[[access.rule]]\nwho = \"anyone\"\nmay = \"metrics\"\nmodules = \"a.b\"\n",
            "gosumcheck.toml:1:1: modules is only for may",
        ),
        ("[access.groups]\na = [\"signed-in\"]\n", "gosumcheck.toml:2:6: a: \"signed-in\" cannot be in a group"),
        ("[[access.issuer]]\nname = \"ci\"\n", "gosumcheck.toml:1:1: issuer is missing"),
        (issuer, "gosumcheck.toml:1:1: audience is missing"),
        (
            &format!("{issuer}audience = \"a\"\njwks = \"http://ci.example/keys\"\n"),
            "gosumcheck.toml:5:8: jwks: not an https URL",
        ),
        (&format!("{issuer}audience = \"a\"\njwks = \"nowhere\"\n"), "nowhere: cannot be read"),
        (&format!("{issuer}audience = \"a\"\njwks = \"jwks\"\n"), "jwks: has no key that can be used"),
        (&format!("{issuer}audience = \"a\"\ngroups.x = {{}}\n"), "gosumcheck.toml:5:8: names no claim"),
        (&format!("{issuer}audience = \"a\"\nclaims = \"x\"\n"), "gosumcheck.toml:5:10: claims: write a table"),
        (
            &format!("{issuer}audience = \"a\"\n{issuer}audience = \"b\"\n"),
            "gosumcheck.toml:5:1: this issuer, or its name, has a table already",
        ),
    ] {
        let (code, out, err) = check(&world, settings);
        assert_eq!((code, out.as_str()), (2, ""), "{settings}: {err}");
        let first = err.lines().next().unwrap();
        assert!(first.contains(words), "{settings}: {err}");
        assert!(err.lines().filter(|line| line.starts_with("gosumcheck: ")).count() <= 4, "{err}");
    }
}

#[test]
fn what_is_in_effect_is_shown_without_secrets() {
    let world = World::new();
    let token = world.token(&["ci-a"]);
    let settings = format!("[access]\nusers = \"users\"\nclient_rate = 50\n{RULES}");
    let (code, out, err) = check(&world, &settings);
    assert_eq!(code, 0, "{err}");
    for words in [
        "access.users             users",
        "access.client_rate       50",
        "team-a: user:alice, token:ci-a",
        "group:team-a may read corp.example/team-a",
        "anyone may not read corp.example",
        "user:prom may metrics",
        "gosumcheck.toml:9",
    ] {
        assert!(out.contains(words), "{words} in {out}");
    }
    let users = fs::read_to_string(world.home.path().join("users")).unwrap();
    let secrets = users.lines().filter_map(|line| line.split_once(':')).map(|(_, hash)| hash);
    for secret in secrets.chain([PASSWORD, &token]) {
        assert!(!out.contains(secret) && !err.contains(secret), "{out}{err}");
    }
}

#[test]
fn the_token_command_prints_a_token_once() {
    let world = World::new();
    let token = world.token(&[
        "ci-a",
        "--may",
        "read",
        "--may",
        "page",
        "--module",
        "corp.example/a,corp.example/b",
        "--expires",
        "12h",
    ]);
    let never = world.token(&["ci-b", "--expires", "never"]);
    assert!(token.starts_with("gst_") && token != never);
    let list = || String::from_utf8(world.run(&["token", "list", "--data", "data"]).stdout).unwrap();
    let listed = list();
    assert!(listed.lines().count() == 2 && listed.contains("read,page: corp.example/a,corp.example/b"), "{listed}");
    assert!(listed.contains("never") && listed.contains("all modules"), "{listed}");
    for token in [&token, &never] {
        let secret = token.splitn(3, '_').nth(2).unwrap();
        assert!(!listed.contains(secret), "{listed}");
    }
    for (args, words) in [
        (&["create", "ci-a"][..], "there is a token \"ci-a\" already"),
        (&["create", "a b"], "is not the name of a token"),
        (&["create", "c", "--expires", "soon"], "--expires: not a duration"),
        (&["create", "c", "--module", "https://a.b"], "--module: "),
        (&["create", "c", "--may", "metrics", "--module", "a.b"], "--module is for --may read"),
        (&["revoke", "nobody"], "there is no token \"nobody\""),
    ] {
        let ran = world.run(&[&["token"], args, &["--data", "data"]].concat());
        let err = String::from_utf8(ran.stderr).unwrap();
        assert!(ran.status.code() == Some(2) && ran.stdout.is_empty() && err.contains(words), "{args:?}: {err}");
    }
    let revoked = world.run(&["token", "revoke", "ci-b", "--data", "data"]);
    assert!(revoked.status.success() && list().lines().count() == 1);
}

#[test]
fn slips_of_the_pen_are_said() {
    let world = World::new();
    let twice = "[access.rule]\nwho = \"anyone\"\n[access.rule] # twice\nwho = \"anyone\"\n";
    let (code, _, err) = check(&world, twice);
    let words = "gosumcheck.toml:3:9: this table may be repeated: write it as [[access.rule]]";
    assert!(code == 2 && err.contains(words), "{err}");
    world.token(&["ci-a"]);
    let settings = "[store]\nmax_size = 20\n[access.groups]\nteam = [\"token:ci-a\", \"token:ci-b\"]\n[[access.rule]]\nwho = \"token:ci-c\"\n";
    let (code, _, err) = check(&world, settings);
    assert!(
        code == 0 && err.contains("store.max_size: 20 bytes hold no module; a size has a unit, as in 20GB"),
        "{err}"
    );
    let (_, logged) = world.serve(settings, &[]).serving.end("-TERM");
    for (name, is_missing) in [("ci-a", false), ("ci-b", true), ("ci-c", true)] {
        let words = format!("no token is called \"{name}\" yet: gosumcheck token create {name}");
        assert_eq!(logged.contains(&words), is_missing, "{name}: {logged}");
    }
}
