//! With access control each client sees the modules that it may read, on every route: not even that another one is here.

#[path = "../access/world.rs"]
mod company;

use company::{PASSWORD, RULES, World, basic, until};

/// Of these each names a module of team A.
const OF_TEAM_A: [&str; 9] = [
    "/api/v1/modules/corp.example/team-a/Lib",
    "/api/v1/modules/corp.example/team-a/Lib@v1.0.0/files",
    "/api/v1/modules/corp.example/team-a/Lib@v1.0.0/file?path=Lib.go",
    "/api/v1/modules/corp.example/team-a/Lib@v1.0.0/go.mod",
    "/api/v1/explain/corp.example/team-a/Lib@v1.0.0",
    "/modules/corp.example/team-a/Lib",
    "/modules/corp.example/team-a/Lib@v1.0.0",
    "/modules/corp.example/team-a/Lib@v1.0.0?file=Lib.go",
    "/badge/corp.example/team-a/Lib@v1.0.0.svg",
];

#[test]
fn nobody_learns_of_a_module_that_is_not_theirs() {
    let world = World::new();
    let server = world.serve(&format!("[access]\nusers = \"users\"\n{RULES}"), &["--prefix", "/go"]);
    let [alice, bob, carol, mirror] = ["alice", "bob", "carol", "mirror"].map(|name| basic(name, PASSWORD));
    until("there is a head", || server.get("/readyz", "").status == 200);
    // Both teams have built, and a file of each has rotted since.
    for (path, who) in
        [("corp.example/team-a/!lib", &alice), ("corp.example/team-b/lib", &bob), ("example.com/a", &bob)]
    {
        for file in ["v1.0.0.mod", "v1.0.0.zip"] {
            assert_eq!(server.get(&format!("/{path}/@v/{file}"), who).status, 200, "{path}");
        }
    }
    for path in OF_TEAM_A.iter().flat_map(|path| [(*path).to_owned(), format!("/go{path}")]) {
        for (who, status) in [("", 401), (&*alice, 200), (&*bob, 403), (&*carol, 403), (&*mirror, 200)] {
            let reply = server.get(&path, who);
            assert_eq!(reply.status, status, "{path}: {reply:?}");
            let cache = reply.header("cache-control").unwrap();
            assert!(!cache.contains("public"), "{path}: {cache}");
            assert_eq!(reply.header("access-control-allow-origin"), None, "{path}");
        }
        assert!(!server.get(&path, &bob).text().contains("v1.0.0 is"), "{path}");
    }
    assert_eq!(server.get("/api/v1/proofs/corp.example/team-a/Lib@v1.0.0", &alice).status, 403, "no log has it");
    rot(&world, &server);
    let lists = ["/api/v1/modules", "/api/v1/incidents", "/modules", "/modules?contains=corp", "/incidents"];
    for path in lists {
        assert_eq!(server.get(path, "").status, 401, "{path}");
        for (who, own, other) in [(&alice, "team-a/Lib", "team-b"), (&bob, "team-b/lib", "team-a")] {
            let reply = server.get(path, who);
            let text = reply.text();
            assert!(reply.status == 200 && text.contains(own) && !text.contains(other), "{path}: {text}");
        }
        let all = server.get(path, &mirror).text();
        assert!(all.contains("team-a/Lib") && all.contains("team-b/lib"), "{path}: {all}");
        let none = server.get(path, &carol).text();
        assert!(!none.contains("corp.example/"), "{path}: {none}");
    }
    let shown =
        |path, who| crate::client::ask(server.at, "GET", path, &[("Authorization", who), ("Accept", "text/html")]);
    for (who, status) in [("", 401), (&*bob, 403)] {
        let reply = shown("/modules/corp.example/team-a/Lib@v1.0.0", who);
        assert_eq!((reply.status, reply.header("content-type")), (status, Some("text/html; charset=utf-8")));
        assert_eq!(reply.header("www-authenticate").is_some(), status == 401);
        assert!(!reply.text().contains("v1.0.0 is") && !reply.header("cache-control").unwrap().contains("public"));
    }
    let page = |who| shown("/", who);
    assert!(page(&alice).text().contains("team-a/Lib") && !page(&alice).text().contains("team-b"));
    assert!(!page(&carol).text().contains("corp.example/"), "{}", page(&carol).text());
    for path in ["/api/v1/status", "/api/v1/upstreams"] {
        assert_eq!((server.get(path, "").status, server.get(path, &carol).status), (401, 200), "{path}");
    }
}

/// Changes a stored file of each team, and asks for it, so that there is an incident about each.
fn rot(world: &World, server: &company::Server) {
    for (path, who) in [("corp.example/team-a/!lib", "alice"), ("corp.example/team-b/lib", "bob")] {
        let file = world.home.path().join(format!("data/private/{path}/@v/v1.0.0.mod"));
        std::fs::write(&file, "module changed.example\n").unwrap();
        server.get(&format!("/{path}/@v/v1.0.0.mod?again"), &basic(who, PASSWORD));
        let zip = world.home.path().join(format!("data/private/{path}/@v/v1.0.0.zip"));
        std::fs::write(&zip, "no zip any more").unwrap();
        server.get(&format!("/{path}/@v/v1.0.0.zip"), &basic(who, PASSWORD));
    }
}
