//! Names and passwords in URLs of the settings, and secrets in the paths of webhooks: in nothing that the server shows, whatever
//! fails.

use std::fs;
use std::thread;

use crate::common::Serving;
use crate::kit::{Site, Spec};
use crate::traces::collector;
use crate::world::{home, program};

/// Is in each URL.
const SECRET: &str = "s3cret";
/// Nobody listens there.
const DEAD: &str = "http://me:s3cret@127.0.0.1:1";

fn with_login(url: &str) -> String {
    url.replacen("://", "://me:s3cret@", 1)
}

/// Each setting whose value has a URL, and what a webhook and a command may have.
fn settings(site: &Site) -> String {
    let proxy = with_login(&site.mirror.url());
    let key = site.log.vkey();
    let log = with_login(&site.served.url());
    format!(
        "listen = \"127.0.0.1:0\"\ndata = \"data\"\nrules = \"rules\"\nsumdb = \"{key} {log}\"\nproxy = \"{DEAD}|{proxy}\"\n\
         private = \"corp.example\"\nprivate_proxy = \"{DEAD}/private\"\n\n[heads]\nroutes = [\"{DEAD}/latest\", \"{log}/latest\"]\n\n\
         [log]\nlevel = \"debug\"\naccess = \"all\"\n\n[verify]\nnotify = [\"https://127.0.0.1:1/services/s3cret\", \"command:tell s3cret\"]\n"
    )
}

#[test]
fn no_secret_of_a_url_is_in_anything_that_is_shown() {
    let names = ["example.com/a", "team.example/x"].map(|name| Spec::new(name, "v1.0.0"));
    let site = Site::of(&names);
    let home = home(&format!("route public team.example = {DEAD}/team\n"));
    fs::write(home.path().join("g.toml"), settings(&site)).unwrap();
    let (at, posts) = collector();
    let traced = thread::spawn(move || {
        let mut all = String::new();
        while let Ok((_, body)) = posts.recv() {
            let is_last = body.to_string().contains("/last");
            all += &body.to_string();
            if is_last {
                break;
            }
        }
        all
    });
    let endpoint = format!("http://{at}");
    let args = ["serve", "--config", "g.toml", "--otlp-endpoint", &endpoint, "--read-ahead", "off"];
    let checked = program(&home, &[&args[..], &["--check-config"]].concat()).output().unwrap();
    let mut shown = vec![("--check-config".to_owned(), checked.stdout), ("its messages".to_owned(), checked.stderr)];
    let serving = Serving::start(&mut program(&home, &args));
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for (path, status) in [
        ("/example.com/a/@v/v1.0.0.zip", 200),
        ("/example.com/a/@v/list", 200),
        ("/corp.example/x/@v/v1.0.0.zip", 502),
        ("/corp.example/x/@v/list", 502),
        ("/team.example/x/@v/v1.0.0.zip", 502),
        ("/explain/team.example/x@v1.0.0", 200),
        ("/explain/example.com/a@v1.0.0", 200),
        ("/", 200),
        ("/readyz", 200),
        ("/incidents", 200),
        ("/integrity", 200),
        ("/api/v1/status", 200),
        ("/api/v1/upstreams", 200),
        ("/api/v1/incidents", 200),
        ("/metrics", 200),
        ("/last", 404),
    ] {
        for accept in ["text/html", "*/*"] {
            let reply =
                crate::client::ask(serving.address(), "GET", path, &[("traceparent", trace), ("accept", accept)]);
            let text = String::from_utf8_lossy(&reply.body);
            assert_eq!(reply.status, status, "{path}: {text}");
            shown.push((path.to_owned(), format!("{:?}{text}", reply.headers).into_bytes()));
        }
    }
    shown.push(("traces".to_owned(), traced.join().unwrap().into_bytes()));
    let reloaded = program(&home, &[&args[..], &["--reload"]].concat()).output().unwrap();
    shown.push(("--reload".to_owned(), [reloaded.stdout, reloaded.stderr].concat()));
    let explained = program(&home, &["explain", "--config", "g.toml", "team.example/x@v1.0.0"]).output().unwrap();
    shown.push(("explain".to_owned(), [explained.stdout, explained.stderr].concat()));
    let (code, logged) = serving.end("-TERM");
    assert_eq!(code, 0);
    shown.push(("the log".to_owned(), logged.into_bytes()));
    for (what, text) in shown {
        let text = String::from_utf8(text).unwrap();
        let is_filled = what == "its messages" || !text.is_empty();
        assert!(is_filled && !text.contains(SECRET), "{what}: {text}");
    }
    assert!(String::from_utf8(checked_lines(&home)).unwrap().contains("https://127.0.0.1:1, the command"));
}

/// What `--check-config` says of the targets of messages.
fn checked_lines(home: &tempfile::TempDir) -> Vec<u8> {
    let ran = program(home, &["serve", "--config", "g.toml", "--check-config"]).output().unwrap();
    let text = String::from_utf8(ran.stdout).unwrap();
    text.lines().filter(|line| line.starts_with("verify.notify ")).collect::<String>().into_bytes()
}

/// A mistake beside a secret is pointed at without it.
#[test]
fn messages_about_wrong_settings_do_not_repeat_secrets() {
    let home = home("");
    for (text, words) in [
        ("verify.notify = [\"https:/hooks.example/s3cret\"]\n", "g.toml:1:18: verify.notify: not a target"),
        ("verify.notify = [\n  \"hooks.example/s3cret\",\n]\n", "g.toml:2:3: verify.notify: not a target"),
        (
            "[upstreams.\"https://proxy.golang.org\"]\npassword = \"s3cret\"\n",
            "g.toml:2:1: \"password\" is not a setting",
        ),
        ("[upstreams.\"https://me:s3cret@a.example\"]\ntries = 1\n", "g.toml:1:"),
        ("private_proxy = \"ftp://me:s3cret@a.example\"\n", "g.toml:1:17: private_proxy: "),
        ("heads.routes = [\"https://me:s3cret@a.example\"]\n", "g.toml:1:17: heads.routes: "),
        ("otlp_endpoint = \"http://me:s3cret@127.0.0.1:4318\"\n", "g.toml:1:17: otlp_endpoint: "),
        (
            "private = \"corp.example\"\nproxy = \"https://a.example\"\n[upstreams.\"https://a.example\"]\nvia = \"http://me:s3cret@b.example:1\"\n",
            "g.toml:4:7: via: ",
        ),
        ("[[access.issuer]]\nname = \"ci\"\nissuer = \"http://me:s3cret@a.example\"\naudience = \"x\"\n", "issuer"),
    ] {
        fs::write(home.path().join("g.toml"), text).unwrap();
        let ran = program(&home, &["serve", "--config", "g.toml", "--check-config"]).output().unwrap();
        let err = String::from_utf8([ran.stdout, ran.stderr].concat()).unwrap();
        assert!(ran.status.code() == Some(2) && err.contains(words) && !err.contains(SECRET), "{text}: {err}");
    }
    let ran = program(&home, &["serve", "--verify-notify", "hooks.example/s3cret", "--check-config"]).output().unwrap();
    let err = String::from_utf8(ran.stderr).unwrap();
    assert!(err.contains("--verify-notify: not a target") && !err.contains(SECRET), "{err}");
}
