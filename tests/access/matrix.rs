//! Each rule for each credential, route and spelling of a path: the status, and that of a 404 nobody learns anything.

use crate::world::{PASSWORD, RULES, Server, World, basic, bearer, until, words};

/// Columns: nobody, alice, bob, carol, mirror, prom, ci-a, ci-b (scoped to what a rule refuses), metrics token, unknown token, malformed.
type Row = [u16; 11];

const OK: u16 = 200;

fn of(paths: &[&str]) -> Vec<String> {
    paths.iter().map(|path| (*path).to_owned()).collect()
}

/// What is about a module, the page, metrics, and nothing.
fn rows() -> Vec<(Row, Vec<String>)> {
    vec![
        ([OK; 11], of(&["/healthz", "/readyz", "/%68ealthz", "/go/healthz"])),
        (
            [401, 200, 200, 200, 200, 200, 403, 403, 403, 401, 401],
            of(&["/", "/go/", "/go", "/version", "/go/version", "/api/v1/status", "/go/%61pi/v1/upstreams"]),
        ),
        ([401, 403, 403, 403, 403, 200, 403, 403, 200, 401, 401], of(&["/metrics", "/go/metrics", "/%6detrics"])),
        (
            [401, 200, 403, 403, 200, 403, 200, 403, 403, 401, 401],
            of(&[
                "/corp.example/team-a/!lib/@v/list",
                "/corp.example/team-a/%21lib/@v/list",
                "/corp%2eexample/team%2Da/!lib/%40v/list",
                "/cached-only/corp.example/team-a/!lib/@v/list",
                "/go/corp.example/team-a/%21lib/@v/list",
                "/go/cached-only/corp.example/team-a/%21lib/@v/list",
                "/corp.example/team-a/!lib/@latest",
                "/corp.example/team-a/!lib/@v/v1.0.0.info",
                "/corp.example/team-a/!lib/@v/v1.0.0.mod",
                "/corp.example/team-a/%21lib/@v/v1.0.0.%6dod",
                "/explain/corp.example/team-a/Lib@v1.0.0",
                "/go/%65xplain/corp.example/team-a/%4cib%40v1.0.0",
                "/corp.example/team-a/!lib/@v/list?of=/example.com/a/@v/list",
                "/corp.example/team-a/%21%6Cib/@v/list?",
                "http://localhost/corp.example/team-a/!lib/@v/list",
                "http://localhost/go/corp.example/team-a/%21lib/@latest",
                "/api/v1/explain/corp.example/team-a/Lib@v1.0.0",
                "/api/v1/explain/corp.example%2Fteam-a%2fLib@v1.0.0",
                "/badge/corp.example/team-a/Lib@v1.0.0.svg",
            ]),
        ),
        (
            [401, 403, 200, 403, 200, 403, 403, 403, 403, 401, 401],
            of(&[
                "/corp.example/team-b/lib/@v/list",
                "/corp.example/team-b/lib/@v/v1.0.0.zip",
                "/corp.example/te%61m-b/lib/@latest",
            ]),
        ),
        // Of no team: nobody learns that there is no such module but who may read all.
        (
            [401, 403, 403, 403, 404, 403, 403, 403, 403, 401, 401],
            of(&[
                "/corp.example/other/@v/list",
                "/corp.example/@latest",
                "/corp.example/team-ab/@v/list",
                "/corp.example/!team-a/lib/@v/list",
            ]),
        ),
        (
            [401, 200, 200, 200, 200, 200, 200, 403, 403, 401, 401],
            of(&["/example.com/a/@v/list", "/example.com/%61/@v/v1.0.0.zip", "/example.com/a/@v/v1.0.0.mod"]),
        ),
        // Lists: for all who may read something, of what they may read.
        (
            [401, 200, 200, 200, 200, 200, 200, 200, 403, 401, 401],
            of(&["/index", "/%69ndex", "/catalog", "/go/catalog", "/api/v1/modules", "/modules", "/incidents"]),
        ),
    ]
}

/// What no resource has, and what is not a path here.
fn rows_of_nothing() -> Vec<(Row, Vec<String>)> {
    vec![
        // What no resource has: 404 for those who may read something, and nothing for strangers.
        (
            [401, 404, 404, 404, 404, 404, 404, 404, 403, 401, 401],
            of(&[
                "/corp.example/team-a/Lib/@v/list",
                "/corp.example//team-a/!lib/@v/list",
                "//corp.example/team-a/!lib/@v/list",
                "/corp.example/team-a/../team-b/lib/@v/list",
                "/corp.example/team-a/./!lib/@v/list",
                "/corp.example/team-a/%2521lib/@v/list",
                "/corp.example/team-a/!lib/@v/list/",
                "/Metrics",
                "/metrics/",
                "/corp.example/team-a/%2E%2e/team-b/lib/@v/list",
                "/corp.example/team-a/%2e/!lib/@v/list",
                "/CORP.example/team-a/!lib/@v/list",
                "/GO/corp.example/team-a/!lib/@v/list",
                "/Cached-Only/corp.example/team-a/!lib/@v/list",
                "/corp.example/team-a/!!lib/@v/list",
                "/corp.example/team-a/!Lib/@v/list",
                "/vulndb/index/db.json",
            ]),
        ),
        (
            [401, 400, 400, 400, 400, 400, 400, 400, 403, 401, 401],
            of(&[
                "/corp.example%2fteam-a/!lib/@v/list",
                "/corp.example%2Fteam-a/!lib/@v/list",
                "/corp.example/team-a/!lib%2F@v%2Flist",
                "/corp.example/team-a%5c!lib/@v/list",
                "/corp.example/team-a/!lib/@v/list%00",
                "/%",
                "/tile/9/0/000",
            ]),
        ),
    ]
}

/// What is about the checksum database `name`.
fn rows_of_database(name: &str) -> Vec<(Row, Vec<String>)> {
    let origin = "46613be2987d5d316f5ad065e4aa2eee26ccdd3de17a3735cd0da18156a22bdd";
    let all = |paths: &[&str]| -> Vec<String> {
        let each = |path: &&str| [format!("/{path}"), format!("/sumdb/{name}/{path}"), format!("/go/{path}")];
        paths.iter().flat_map(each).collect()
    };
    vec![
        // The checksum database is not asked about a private module, by no client.
        (
            [401, 403, 403, 403, 403, 403, 403, 403, 403, 401, 401],
            all(&["lookup/corp.example/other@v1.0.0", "lookup/corp.example/team-a/%21lib@v1.0.0"]),
        ),
        (
            [401, 200, 200, 200, 200, 200, 200, 403, 403, 401, 401],
            all(&["lookup/example.com/a@v1.0.0", "lookup/example.com/a%40v1.0.0", "%6cookup/example.com/a@v1.0.0"]),
        ),
        // What tells nothing of modules: for all who may read something.
        (
            [401, 200, 200, 200, 200, 200, 200, 200, 403, 401, 401],
            all(&["latest", "supported", "tile/8/0/000.p/1", "%74ile/8/0/000.p/1"]),
        ),
        // Records name all modules, and so does the log.
        (
            [401, 403, 403, 403, 200, 403, 403, 403, 403, 401, 401],
            all(&["tile/8/data/000.p/1", "tile/8/%64ata/000.p/1"]),
        ),
        ([401, 403, 403, 403, 200, 403, 403, 403, 403, 401, 401], vec![format!("/tlog/{origin}/tile/entries/000.p/1")]),
        ([401, 403, 403, 403, 503, 403, 403, 403, 403, 401, 401], vec![format!("/log/{name}/records")]),
        (
            [401, 200, 200, 200, 200, 200, 200, 200, 403, 401, 401],
            vec![format!("/gossip/{name}"), format!("/tlog/{origin}/checkpoint")],
        ),
    ]
}

/// One cell: the answer has that status, and what belongs to it.
fn check(server: &Server, method: &str, path: &str, authorization: &str, expected: u16, is_public: bool) {
    let reply = server.ask(method, path, authorization);
    let cell = format!("{method} {path} with {authorization:.20}");
    assert_eq!(reply.status, expected, "{cell}: {reply:?}");
    let cache = reply.header("cache-control").unwrap();
    assert!(is_public || !cache.starts_with("public"), "{cell}: {cache}");
    let challenge = reply.header("www-authenticate");
    assert_eq!(challenge.is_some_and(|text| text.contains("Basic realm=")), expected == 401, "{cell}");
    if method == "GET" && matches!(expected, 401 | 403) {
        let text = reply.text();
        assert_eq!(reply.header("content-type"), Some("text/plain; charset=utf-8"), "{cell}");
        assert!((1..=8).contains(&text.lines().count()), "{cell}: {text}");
        assert!(text.lines().all(|line| (1..=80).contains(&line.len())), "{cell}: {text}");
        assert!(expected == 403 || !text.contains("not found"), "{cell}: {text}");
    }
}

#[test]
fn every_cell() {
    let world = World::new();
    let [ci_a, ci_b, scraper] =
        [&["ci-a"][..], &["ci-b", "--module", "corp.example/team-b"], &["scraper", "--may", "metrics"]]
            .map(|args| world.token(args));
    let server = world.serve(&format!("[access]\nusers = \"users\"\n{RULES}"), &["--prefix", "/go"]);
    let user = |name: &str| basic(name, PASSWORD);
    let credentials = [
        String::new(),
        user("alice"),
        user("bob"),
        user("carol"),
        user("mirror"),
        user("prom"),
        bearer(&ci_a),
        basic("anything", &ci_b),
        basic("", &scraper),
        bearer("gst_0123456789_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        "Digest nonsense".to_owned(),
    ];
    until("there is a head", || server.get("/readyz", "").status == 200);
    let rows: Vec<_> =
        rows().into_iter().chain(rows_of_nothing()).chain(rows_of_database(world.site.log.name())).collect();
    // Twice: the second time most answers come from memory, and the clients come in the other order.
    for columns in [(0..11).collect::<Vec<usize>>(), (0..11).rev().collect()] {
        for (row, path) in rows.iter().flat_map(|(row, paths)| paths.iter().map(move |path| (row, path))) {
            for column in &columns {
                for method in ["GET", "HEAD"] {
                    check(&server, method, path, &credentials[*column], row[*column], row[0] == OK);
                }
            }
        }
    }
    let refused = words(&server.get("/corp.example/other/@v/list", &user("alice")));
    assert_eq!(refused, "user:alice may not read corp.example/other:\nask the team that owns it\n");
    let refused = words(&server.get("/metrics", &user("alice")));
    assert_eq!(refused, "user:alice may not read /metrics:\nno rule lets it\n");
    let refused = words(&server.get("/corp.example/team-a/!lib/@v/list", ""));
    assert!(refused.ends_with("sign in to read corp.example/team-a/Lib\n"), "{refused}");
    // No secret in the log, nor in metrics.
    let metrics = server.get("/metrics", &user("prom")).text();
    let (code, logged) = server.serving.end("-TERM");
    assert_eq!(code, 0);
    for secret in [PASSWORD, &ci_a, &ci_b, &scraper]
        .into_iter()
        .map(str::to_owned)
        .chain(credentials.into_iter().filter(|text| !text.is_empty()))
    {
        // What follows the scheme, and of a token what follows its ID; a token's secret may have underscores too.
        let secret = secret.rsplit(' ').next().unwrap();
        let secret = secret.splitn(3, '_').last().unwrap().to_owned();
        assert!(secret.len() >= 8 || secret == PASSWORD, "{secret}");
        assert!(!logged.contains(&secret) && !metrics.contains(&secret), "{secret} in {logged}");
    }
}

#[test]
fn without_settings_everybody_may_everything() {
    let world = World::new();
    let server = world.serve("", &[]);
    for path in ["/", "/metrics", "/corp.example/team-a/!lib/@v/list", "/latest", "/example.com/a/@v/list"] {
        assert_eq!(server.get(path, "").status, 200, "{path}");
        assert_eq!(server.get(path, &basic("alice", "wrong")).status, 200, "{path}");
    }
    let cache = server.get("/example.com/a/@v/v1.0.0.mod", "");
    assert!(cache.header("cache-control").unwrap().starts_with("public"));
    let (_, logged) = server.serving.end("-TERM");
    assert!(!logged.contains("EVERYBODY"), "on a loopback address: {logged}");
    let server = world.serve("", &["--listen", "0.0.0.0:0"]);
    let (_, logged) = server.serving.end("-TERM");
    assert!(logged.contains("EVERYBODY who can reach 0.0.0.0:") && logged.contains("docs/access.md"), "{logged}");
}

#[test]
fn without_rules_all_who_sign_in_may_read() {
    let world = World::new();
    let server = world.serve("[access]\nusers = \"users\"\n", &["--admin-listen", "127.0.0.1:0"]);
    let alice = basic("alice", PASSWORD);
    for path in ["/", "/corp.example/team-a/!lib/@v/list", "/latest", "/example.com/a/@v/list"] {
        assert_eq!((server.get(path, "").status, server.get(path, &alice).status), (401, 200), "{path}");
    }
    assert_eq!((server.get("/metrics", "").status, server.get("/metrics", &alice).status), (401, 403));
    for wrong in
        [basic("alice", ""), basic("Alice", PASSWORD), basic("", PASSWORD), basic("alice", &format!("{PASSWORD} "))]
    {
        assert_eq!(server.get("/latest", &wrong).status, 401);
    }
}
