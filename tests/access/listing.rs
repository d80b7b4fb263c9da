//! Lists of modules name only what the client may read.

use crate::world::{PASSWORD, RULES, Server, World, basic, bearer, until};

const MODULES: [(&str, &str); 3] = [
    ("example.com/a", "/example.com/a/@v/v1.0.0.zip"),
    ("corp.example/team-a/Lib", "/corp.example/team-a/!lib/@v/v1.0.0.zip"),
    ("corp.example/team-b/lib", "/corp.example/team-b/lib/@v/v1.0.0.zip"),
];

/// The modules that a list names.
fn listed(server: &Server, path: &str, authorization: &str) -> Vec<&'static str> {
    let reply = server.get(path, authorization);
    assert_eq!(reply.status, 200, "{path}: {reply:?}");
    let text = reply.text();
    MODULES.iter().map(|(module, _)| *module).filter(|module| text.contains(module)).collect()
}

#[test]
fn each_client_sees_what_it_may_read() {
    let world = World::new();
    let [all, a, b, public] = [vec![0, 1, 2], vec![0, 1], vec![0, 2], vec![0]]
        .map(|places: Vec<usize>| places.into_iter().map(|place| MODULES[place].0).collect::<Vec<_>>());
    let server = world.serve(&format!("[access]\nusers = \"users\"\n{RULES}"), &[]);
    let mirror = basic("mirror", PASSWORD);
    for (_, path) in MODULES {
        assert_eq!(server.get(path, &mirror).status, 200, "{path}");
    }
    let scoped = bearer(&world.token(&["scoped", "--module", "corp.example/team-a"]));
    until("the token is known", || server.get("/index", &scoped).status != 401);
    for path in ["/index", "/catalog"] {
        assert_eq!(listed(&server, path, &mirror), all, "{path}");
        assert_eq!(listed(&server, path, &basic("alice", PASSWORD)), a, "{path}");
        assert_eq!(listed(&server, path, &basic("bob", PASSWORD)), b, "{path}");
        assert_eq!(listed(&server, path, &basic("carol", PASSWORD)), public, "{path}");
        // Rules alone would show it public modules too: its scopes are the most.
        assert_eq!(listed(&server, path, &scoped), [""; 0], "{path}");
        assert_eq!(server.get(path, "").status, 401, "{path}");
    }
    // What is hidden takes no place on a page.
    assert_eq!(listed(&server, "/catalog?pagesize=1", &basic("bob", PASSWORD)), [MODULES[2].0]);
    // Neither the page nor its token names what is hidden.
    let page = server.get("/catalog?pagesize=1", &basic("carol", PASSWORD)).text();
    assert_eq!(page, "{\"modules\":[{\"module\":\"example.com/a\",\"version\":\"v1.0.0\"}]}\n");
}

#[test]
fn where_nothing_says_who_may_read_private_modules_none_is_named() {
    let world = World::new();
    let server = world.serve("", &[]);
    for (_, path) in MODULES {
        assert_eq!(server.get(path, "").status, 200, "{path}");
    }
    assert_eq!(listed(&server, "/index", ""), [MODULES[0].0]);
    assert_eq!(listed(&server, "/catalog", ""), [MODULES[0].0]);
}
