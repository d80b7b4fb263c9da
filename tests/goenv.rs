//! The go command's settings: precedence, defaults, files; and, where a `go` is installed, the same as `go env` says.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stderr)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use gosumcheck::config::sumdb::SUM_GOLANG_ORG;
use gosumcheck::config::{GoEnv, GoEnvOrigin, Private, Sumdb};
use gosumcheck::sumdb::note::{SignerKey, VerifierKey};

type Env<'a> = &'a [(&'a str, &'a str)];

fn env<'a>(pairs: Env<'a>) -> impl Fn(&str) -> Option<String> + 'a {
    move |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
}

fn name_of(go: &GoEnv) -> String {
    match go.sumdb().unwrap() {
        Sumdb::Off => "off".to_owned(),
        Sumdb::On { name, .. } => name,
    }
}

fn key(name: &str) -> String {
    SignerKey::from_seed(name, [7; 32]).unwrap().verifier().to_string()
}

/// `GOSUMDB=NAME+1+x` with a real key in place of `+1+x`.
fn keyed(text: &str) -> String {
    let line = |line: &str| match line.strip_suffix("+1+x").and_then(|line| line.rsplit_once('=')) {
        Some((setting, name)) => format!("{setting}={}", key(name)),
        None => line.to_owned(),
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_environment_goes_before_the_users_file_before_the_installation() {
    let process = key("process");
    let user = "GOSUMDB=user+1+x\n";
    let installed = "# comment\nGOSUMDB=installed+1+x\nGOPROXY=https://proxy.example,direct\n";
    for (pairs, user, installed, expected, origin) in [
        (&[("GOSUMDB", process.as_str())][..], user, installed, "process", GoEnvOrigin::Environment),
        (&[("GOSUMDB", "")], user, installed, "user", GoEnvOrigin::User),
        (&[], "", installed, "installed", GoEnvOrigin::Installation),
        (
            &[],
            "#GOSUMDB=c+1+x\n GOSUMDB=s+1+x\ngosumdb=l+1+x\nGOSUMDB",
            installed,
            "installed",
            GoEnvOrigin::Installation,
        ),
        (&[], "GOSUMDB=first+1+x\nGOSUMDB=last+1+x", "", "last", GoEnvOrigin::User),
        (&[], "GOSUMDB=\n", installed, "sum.golang.org", GoEnvOrigin::BuiltIn),
        (&[], "", "", "sum.golang.org", GoEnvOrigin::BuiltIn),
    ] {
        let go = GoEnv::resolve(env(pairs), &keyed(user), &keyed(installed));
        assert_eq!((name_of(&go).as_str(), go.origin("GOSUMDB")), (expected, origin));
    }
    let go = GoEnv::resolve(env(&[]), "", installed);
    assert!(go.proxies().unwrap().entries().eq([("https://proxy.example", false), ("direct", false)]));
}

#[test]
fn without_an_installation_no_proxy_is_assumed() {
    let go = GoEnv::resolve(env(&[]), "", "");
    assert_eq!(go.proxies().unwrap().entries().len(), 0);
    let known = VerifierKey::parse(SUM_GOLANG_ORG).unwrap();
    let expected = Sumdb::On { name: "sum.golang.org".to_owned(), key: Box::new(known), url: None };
    assert_eq!(go.sumdb().unwrap(), expected);
}

#[test]
fn gonosumdb_replaces_goprivate_where_it_is_set() {
    for (pairs, patterns, setting) in [
        (&[][..], "", "GOPRIVATE"),
        (&[("GOPRIVATE", "corp.example")], "corp.example", "GOPRIVATE"),
        (&[("GOPRIVATE", "corp.example"), ("GONOSUMDB", "")], "corp.example", "GOPRIVATE"),
        (&[("GOPRIVATE", "corp.example"), ("GONOSUMDB", "a,b")], "a,b", "GONOSUMDB"),
        (&[("GOPRIVATE", "corp.example"), ("GONOSUMDB", "none")], "", "GONOSUMDB"),
    ] {
        let go = GoEnv::resolve(env(pairs), "", "");
        let origin = if pairs.is_empty() { GoEnvOrigin::BuiltIn } else { GoEnvOrigin::Environment };
        assert_eq!(go.private(), Private { patterns, setting, origin }, "{pairs:?}");
    }
    // Precedence is per setting: GONOSUMDB of a file still replaces GOPRIVATE of the environment.
    let go = GoEnv::resolve(env(&[("GOPRIVATE", "corp.example")]), "GONOSUMDB=other.example\n", "");
    assert_eq!(go.private().patterns, "other.example");
}

#[test]
fn for_a_server_every_setting_that_exempts_a_module_counts() {
    for (pairs, expected) in [
        (&[][..], &[][..]),
        (&[("GOPRIVATE", "a.b")], &[("GOPRIVATE", "a.b")]),
        (&[("GOPRIVATE", "a.b"), ("GONOSUMDB", "c.d")], &[("GOPRIVATE", "a.b"), ("GONOSUMDB", "c.d")]),
        (&[("GONOPROXY", "a.b"), ("GONOSUMDB", "none")], &[("GONOPROXY", "a.b")]),
        (&[("GOPRIVATE", "a.b"), ("GONOPROXY", "none"), ("GONOSUMDB", " none ")], &[("GOPRIVATE", "a.b")]),
    ] {
        let go = GoEnv::resolve(env(pairs), "", "");
        let found: Vec<_> =
            go.private_from_anybody().iter().map(|private| (private.setting, private.patterns)).collect();
        assert_eq!(found, expected, "{pairs:?}");
    }
    let go = GoEnv::resolve(env(&[("GONOSUMDB", "a.b")]), "GONOPROXY=c.d\n", "GOPRIVATE=e.f\n");
    let origins: Vec<GoEnvOrigin> = go.private_from_anybody().iter().map(|private| private.origin).collect();
    assert_eq!(origins, [GoEnvOrigin::Installation, GoEnvOrigin::User, GoEnvOrigin::Environment]);
}

#[test]
fn folders_have_gos_defaults() {
    for (pairs, modcache, head) in [
        (&[][..], None, None),
        (&[("HOME", "/home/me")], Some("/home/me/go/pkg/mod"), Some("/home/me/go/pkg/sumdb/n/latest")),
        (&[("HOME", "/h"), ("GOPATH", "/a:/b")], Some("/a/pkg/mod"), Some("/a/pkg/sumdb/n/latest")),
        (&[("HOME", "/h"), ("GOMODCACHE", "/m")], Some("/m"), Some("/h/go/pkg/sumdb/n/latest")),
        (&[("GOMODCACHE", "/m"), ("GOPATH", ":/b")], Some("/m"), None),
        (&[("HOME", "/h"), ("GOROOT", "/h/go")], None, None),
    ] {
        let go = GoEnv::read(env(pairs));
        assert_eq!(go.modcache().as_deref(), modcache.map(Path::new), "{pairs:?}");
        assert_eq!(go.sumdb_head("n").as_deref(), head.map(Path::new), "{pairs:?}");
        let cache = modcache.map(|folder| Path::new(folder).join("cache/download/sumdb/n"));
        assert_eq!(go.sumdb_cache("n"), cache);
    }
}

#[test]
fn settings_without_effect_change_nothing_and_one_is_warned_of() {
    let go = GoEnv::resolve(env(&[("GOINSECURE", "*"), ("GOFLAGS", "-insecure -mod=mod")]), "", "");
    assert_eq!((name_of(&go).as_str(), go.private().patterns, go.warnings().len()), ("sum.golang.org", "", 0));
    let go = GoEnv::resolve(env(&[]), "GONOSUMCHECK=1\n", "");
    assert_eq!((name_of(&go).as_str(), go.private().patterns), ("sum.golang.org", ""));
    assert!(go.warnings()[0].starts_with("GONOSUMCHECK (from go env -w) has no effect"));
}

#[test]
fn files_are_found_where_go_looks_for_them() {
    let root = tempfile::tempdir().unwrap();
    let at = |path: &str| root.path().join(path).display().to_string();
    let write = |path: &str, text: &str| {
        fs::create_dir_all(root.path().join(path).parent().unwrap()).unwrap();
        fs::write(root.path().join(path), keyed(text)).unwrap();
    };
    write("xdg/go/env", "GOSUMDB=xdg+1+x\n");
    write("named", "GOSUMDB=named+1+x\n");
    write("rooted", &format!("GOROOT={}\n", at("other-root")));
    write("go-root/go.env", "GOSUMDB=root+1+x\n");
    write("go-root/bin/go", "");
    write("other-root/go.env", "GOSUMDB=other+1+x\n");
    let (xdg, named, rooted) = (at("xdg"), at("named"), at("rooted"));
    let (goroot, bin, nobin) = (at("go-root"), at("go-root/bin"), at("xdg"));
    let mut cases: Vec<(Vec<(&str, &str)>, &str)> = vec![
        (vec![("GOENV", &named), ("XDG_CONFIG_HOME", &xdg)], "named"),
        (vec![("GOENV", "off"), ("XDG_CONFIG_HOME", &xdg)], "sum.golang.org"),
        (vec![("XDG_CONFIG_HOME", "xdg"), ("HOME", "/nonexistent")], "sum.golang.org"),
        (vec![("GOENV", "off"), ("GOROOT", &goroot)], "root"),
        (vec![("GOENV", "off"), ("PATH", &bin)], "root"),
        (vec![("GOENV", "off"), ("PATH", &nobin)], "sum.golang.org"),
        (vec![("GOENV", &rooted), ("GOROOT", &goroot)], "other"),
    ];
    if cfg!(target_os = "linux") {
        cases.push((vec![("XDG_CONFIG_HOME", &xdg), ("GOROOT", &goroot)], "xdg"));
    }
    for (pairs, expected) in cases {
        assert_eq!(name_of(&GoEnv::read(env(&pairs))), expected, "{pairs:?}");
    }
    #[cfg(unix)]
    {
        fs::create_dir_all(root.path().join("usr/bin")).unwrap();
        std::os::unix::fs::symlink(at("go-root/bin/go"), at("usr/bin/go")).unwrap();
        let path = at("usr/bin");
        assert_eq!(name_of(&GoEnv::read(env(&[("GOENV", "off"), ("PATH", &path)]))), "root");
    }
}

#[test]
fn the_real_go_says_the_same() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("env");
    fs::write(&file, "GOPRIVATE=file.example\nGOPROXY=https://a.example|direct\nGOMODCACHE=/m\n").unwrap();
    let (home, file) = (home.path().display().to_string(), file.display().to_string());
    let path = std::env::var("PATH").unwrap_or_default();
    let cases: [Env; 5] = [
        &[],
        &[("GOENV", "off")],
        &[("GOENV", &file)],
        &[("GOENV", &file), ("GOPRIVATE", "env.example"), ("GOSUMDB", "off")],
        &[("GOENV", &file), ("GONOSUMDB", "none"), ("GOPROXY", "off"), ("GOPATH", "/p:/q"), ("GOMODCACHE", "/n")],
    ];
    for case in cases {
        let mut pairs = vec![("HOME", home.as_str()), ("PATH", path.as_str())];
        pairs.extend_from_slice(case);
        let names = ["GOSUMDB", "GOPROXY", "GONOSUMDB", "GOMODCACHE"];
        let output = Command::new("go").arg("env").args(names).env_clear().envs(pairs.iter().copied()).output();
        let Ok(output) = output else {
            eprintln!("skipped: there is no go command to compare with");
            return;
        };
        let text = String::from_utf8(output.stdout).unwrap();
        let said: BTreeMap<&str, &str> = names.into_iter().zip(text.lines()).collect();
        let go = GoEnv::read(env(&pairs));
        assert_eq!(go.sumdb().unwrap(), Sumdb::parse(said["GOSUMDB"]).unwrap(), "{case:?}");
        assert_eq!(go.private().patterns, said["GONOSUMDB"].replace("none", ""), "{case:?}");
        assert_eq!(go.modcache(), Some(PathBuf::from(said["GOMODCACHE"])), "{case:?}");
        let proxies = gosumcheck::config::ProxyList::parse(said["GOPROXY"]).unwrap();
        assert_eq!(go.proxies().unwrap(), proxies, "{case:?}");
    }
}
