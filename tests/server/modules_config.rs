//! Settings of the module proxy: the upstreams, the options of each, and the messages when they are wrong.

use crate::config::{Given, line};

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";

#[test]
fn upstreams_are_written_as_in_goproxy() {
    let (code, out, err) = Given::file("").run(&[]);
    assert_eq!((code, err.as_str()), (0, ""));
    for shown in [
        "proxy https://proxy.golang.org default",
        "private_proxy default",
        "on_mismatch refuse default",
        "read_ahead all default",
        "prefix default",
        "freshness 60s default",
        "stale 72h default",
        "negative 60s default",
    ] {
        assert_eq!(line(&out, shown.split(' ').next().unwrap()), shown);
    }
    let given = Given::file("proxy = \"https://a.example|direct\"\nstale = \"5m\"\nprefix = \"/artifacts/go/\"\n")
        .env("GOSUMCHECK_PRIVATE", "corp.example")
        .env("GOSUMCHECK_PRIVATE_PROXY", "https://b.example,direct");
    let (code, out, err) = given.run(&["--config", "g.toml", "--on-mismatch", "warn", "--freshness", "5s"]);
    assert_eq!((code, err.as_str()), (0, ""));
    for shown in [
        "proxy https://a.example|direct g.toml:1",
        "private_proxy https://b.example,direct GOSUMCHECK_PRIVATE_PROXY",
        "on_mismatch warn --on-mismatch",
        "prefix /artifacts/go/ g.toml:3",
        "freshness 5s --freshness",
        "stale 5m g.toml:2",
    ] {
        assert_eq!(line(&out, shown.split(' ').next().unwrap()), shown);
    }
    assert_eq!(line(&Given::file("").run(&["--proxy", "off"]).1, "proxy"), "proxy off --proxy");
}

#[test]
fn each_upstream_can_have_its_own_options() {
    let given = Given::file(
        "proxy = \"https://a.example/go/,b.example\"\n\n[upstreams.\"https://a.example/go\"]\nconnect_timeout = \"2s\"\n\
         first_byte_timeout = \"3s\"\nfile_timeout = \"1h\"\nconcurrency = 4\ntries = 2\nbearer_file = \"token\"\nca = \"ca.pem\"\n\
         via = \"http://out.example:3128\"\n[upstreams.\"b.example/\"]\nusername = \"me\"\npassword_file = \"word\"\n",
    );
    for (name, text) in [("token", "t0k3n\n"), ("word", "s3cret"), ("ca.pem", CERTIFICATE)] {
        std::fs::write(given.folder.path().join(name), text).unwrap();
    }
    let (code, out, err) = given.run(&["--config", "g.toml"]);
    assert_eq!((code, err.as_str()), (0, ""));
    for shown in [
        "connect_timeout 2s (https://a.example/go) g.toml:4",
        "first_byte_timeout 3s (https://a.example/go) g.toml:5",
        "file_timeout 1h (https://a.example/go) g.toml:6",
        "concurrency 4 (https://a.example/go) g.toml:7",
        "tries 2 (https://a.example/go) g.toml:8",
        "bearer_file token (https://a.example/go) g.toml:9",
        "ca ca.pem (https://a.example/go) g.toml:10",
        "via http://out.example:3128 (https://a.example/go) g.toml:11",
        "username me (https://b.example) g.toml:13",
        "password_file word (https://b.example) g.toml:14",
    ] {
        assert_eq!(line(&out, shown.split(' ').next().unwrap()), shown);
    }
    assert!(!out.contains("t0k3n") && !out.contains("s3cret"), "{out}");
    // Naming other proxies on the command line needs no change of the file.
    assert_eq!(given.run(&["--config", "g.toml", "--proxy", "https://c.example"]).0, 0);
}

#[test]
fn passwords_in_urls_are_not_shown() {
    let proxy = "https://me:s3cret@a.example/x,https://you:pa55word@b.example|direct";
    let given = Given::file(&format!("proxy = \"{proxy}\"\n[upstreams.\"https://a.example/x\"]\ntries = 1\n"));
    let (code, out, err) = given.run(&["--config", "g.toml"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(line(&out, "proxy"), "proxy https://a.example/x,https://b.example|direct g.toml:1");
    // Nor in the message about another mistake in them.
    let wrong = format!("ftp://me:s3cret@c.example,{proxy}");
    let told = [
        Given::file(&format!("proxy = \"{wrong}\"\n")).run(&["--config", "g.toml"]),
        Given::file("").env("GOSUMCHECK_PROXY", &wrong).run(&[]),
        Given::file("").run(&["--proxy", &wrong]),
    ];
    for (code, out, err) in told {
        assert_eq!((code, out.as_str()), (2, ""));
        assert!(err.contains("GOPROXY entry"), "{err}");
        assert!(!err.contains("s3cret") && !err.contains("pa55word"), "{err}");
    }
}

/// Invalid files, where the mistake is, and the message.
const WRONG: &[(&str, &str, &str)] = &[
    ("proxy = \"noproxy\"\n", "g.toml:1:9: ", "proxy: GOPROXY entry \"noproxy\": invalid proxy URL missing scheme"),
    ("proxy = \"\"\n", "g.toml:1:9: ", "proxy: empty; write \"off\" for nowhere"),
    ("proxy = \",\"\n", "g.toml:1:9: ", "contains no entries"),
    ("proxy = [\"https://a\", \"direct\"]\n", "g.toml:1:9: ", "proxy: takes one value, not a list"),
    ("private_proxy = \"/abs\"\n", "g.toml:1:17: ", "private_proxy: GOPROXY entry"),
    ("private_proxy = \"https://a.example\"\n", "", "private_proxy is set, but no module is private"),
    ("on_mismatch = \"ignore\"\n", "g.toml:1:15: ", "on_mismatch: not one of refuse, warn"),
    ("prefix = \"go\"\n", "g.toml:1:10: ", "prefix: not a path; write it as in /go or /artifacts/go"),
    ("prefix = \"/sumdb/x\"\n", "g.toml:1:10: ", "prefix: /sumdb is a path of the server already"),
    ("stale = \"forever\"\n", "g.toml:1:9: ", "stale: not a duration"),
    ("negative = \"0s\"\n", "g.toml:1:12: ", "negative: out of bounds"),
    ("upstreams = 1\n", "g.toml:1:1: ", "\"upstreams\" is not a setting"),
    ("[upstreams]\ntries = 1\n", "g.toml:2:1: ", "write a table: [upstreams.\"https://host/path\"]"),
    ("[upstreams.direct]\n", "g.toml:1:12: ", "not the URL of a module proxy"),
    ("[upstreams.\"https://a b\"]\n", "g.toml:1:12: ", "no space"),
    ("[upstreams.\"https://me:x@a.example\"]\n", "g.toml:1:12: ", "no password here"),
    ("[upstreams.\"https://other.example\"]\n", "g.toml:1:12: ", "no entry of proxy or private_proxy is this URL"),
    (
        "[upstreams.\"P\"]\ntimeout = \"1s\"\n",
        "g.toml:2:1: ",
        "\"timeout\" is not a setting of an upstream; the settings are conn",
    ),
    ("[upstreams.\"P\"]\nconnect_timeout = 5\n", "g.toml:2:19: ", "connect_timeout: a duration needs a unit"),
    ("[upstreams.\"P\"]\ntries = 99\n", "g.toml:2:9: ", "tries: not a number from 1 to 20"),
    ("[upstreams.\"P\"]\nconcurrency = [1]\n", "g.toml:2:15: ", "concurrency: a TOML array is not accepted"),
    ("[upstreams.\"P\"]\nbearer_file = \"none\"\n", "g.toml:2:15: ", "bearer_file: none: cannot be read"),
    ("[upstreams.\"P\"]\nbearer_file = \"g.toml\"\n", "g.toml:2:15: ", "is not one line of printable ASCII"),
    ("[upstreams.\"P\"]\nca = \"g.toml\"\n", "g.toml:2:6: ", "ca: g.toml: has no certificates in PEM form"),
    ("[upstreams.\"P\"]\nvia = \"http://me:x@h\"\n", "g.toml:2:7: ", "via: not an outbound proxy"),
    ("[upstreams.\"P\"]\nusername = \"a:b\"\n", "g.toml:2:12: ", "username: not the name of a user"),
    ("[upstreams.\"P\"]\nusername = \"me\"\n", "g.toml:1:12: ", "username and password_file go together"),
    ("[upstreams.\"P\"]\n[upstreams.\"P/\"]\n", "g.toml:2:12: ", "this upstream has a table already"),
];

#[test]
fn a_wrong_setting_is_pointed_at() {
    for (text, place, words) in WRONG {
        let (code, out, err) =
            Given::file(&text.replace("\"P", "\"https://proxy.golang.org")).run(&["--config", "g.toml"]);
        assert_eq!((code, out.as_str()), (2, ""), "{text}");
        assert!(err.starts_with(&format!("gosumcheck: {place}")) && err.contains(words), "{text}: {err}");
        assert!(err.matches("g.toml:").count() <= 2 && !err.contains("me:x"), "{err}");
    }
}
