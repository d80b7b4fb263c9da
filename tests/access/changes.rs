//! Files that change under a running server.

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;

use crate::client::{connect, one};
use crate::world::{PASSWORD, World, basic, bearer, until};

const PATH: &str = "/example.com/a/@v/list";

#[test]
fn tokens_are_made_and_revoked_under_a_running_server() {
    let world = World::new();
    let server = world.serve("[[access.rule]]\nwho = \"user:nobody\"\n", &[]);
    let token = bearer(&world.token(&["ci"]));
    until("the token is known", || server.get(PATH, &token).status == 200);
    let ended = bearer(&world.token(&["ended", "--expires", "1ms"]));
    until("the next is known too", || server.get(PATH, &ended).text().contains("has expired"));
    assert_eq!(server.get(PATH, &ended).status, 401);
    // A file that cannot be understood changes nothing, and is complained about.
    let path = world.home.path().join("data/access/tokens.toml");
    let good = fs::read_to_string(&path).unwrap();
    fs::write(&path, "broken").unwrap();
    until("it is complained about", || server.serving.logged().contains("tokens.toml:1: not a file of tokens"));
    assert_eq!(server.get(PATH, &token).status, 200);
    fs::write(&path, good).unwrap();
    assert!(world.run(&["token", "revoke", "ci", "--data", "data"]).status.success());
    until("it is refused", || server.get(PATH, &token).status == 401);
    let (_, logged) = server.serving.end("-TERM");
    assert_eq!(logged.matches("not a file of tokens").count(), 1, "one complaint: {logged}");
}

#[test]
fn a_user_that_is_removed_is_refused_though_it_was_remembered() {
    let world = World::new();
    let server = world.serve("[access]\nusers = \"users\"\n", &[]);
    let alice = basic("alice", PASSWORD);
    assert_eq!(server.get(PATH, &alice).status, 200);
    world.users(&["bob"]);
    until("she is refused", || server.get(PATH, &alice).status == 401);
    assert_eq!(server.get(PATH, &basic("bob", PASSWORD)).status, 200);
}

#[test]
fn rules_of_access_are_taken_over_by_a_reload_or_not_at_all() {
    let world = World::new();
    let only = |who: &str| format!("[access]\nusers = \"users\"\n[[access.rule]]\nwho = \"user:{who}\"\n");
    let server = world.serve(&only("alice"), &[]);
    let (alice, bob) = (basic("alice", PASSWORD), basic("bob", PASSWORD));
    let seen = || [server.get(PATH, &alice).status, server.get(PATH, &bob).status];
    assert_eq!(seen(), [200, 403]);
    // The command line is that of the server, so that the rest is as it was.
    let reload = |settings: &str| {
        let ran = world.command(settings, &["--reload"]).output().unwrap();
        (ran.status.code().unwrap(), String::from_utf8([ran.stdout, ran.stderr].concat()).unwrap())
    };
    assert_eq!(reload(&only("bob")), (0, "reloaded: changed: access control\n".to_owned()));
    assert_eq!(seen(), [403, 200]);
    let wrong = only("alice").replace("\"users\"", "\"none\"");
    let (code, told) = reload(&wrong);
    assert!(code == 2 && told.contains("access.users: none: cannot be read"), "{told}");
    let (code, told) = reload(&(only("alice") + "may = \"fly\"\n"));
    assert!(code == 2 && told.contains("fly"), "{told}");
    assert_eq!(seen(), [403, 200]);
    assert_eq!(reload(""), (0, "reloaded: changed: no access control\n".to_owned()));
    assert_eq!(server.get(PATH, "").status, 200);
}

/// The status of a GET over a connection that stays open.
fn status(stream: &mut TcpStream, authorization: &str) -> u16 {
    let authorization =
        if authorization.is_empty() { String::new() } else { format!("Authorization: {authorization}\r\n") };
    stream.write_all(format!("GET {PATH} HTTP/1.1\r\nHost: localhost\r\n{authorization}\r\n").as_bytes()).unwrap();
    one(stream).status
}

#[test]
fn what_a_connection_brought_before_counts_for_no_other_credentials_and_no_longer_than_they_do() {
    let world = World::new();
    let rules =
        |who: &str| format!("[access]\nusers = \"users\"\n[[access.rule]]\nwho = [\"user:alice\", \"{who}\"]\n");
    let [known, other] = ["known", "other"].map(|name| bearer(&world.token(&[name])));
    let short = bearer(&world.token(&["short", "--expires", "1s"]));
    let server = world.serve(&rules("token:known"), &[]);
    let mut stream = connect(server.at);
    let alice = basic("alice", PASSWORD);
    let longer = format!("{known}x");
    // Scopes let tokens read where no rule decides.
    let rows = [
        (&*known, 200),
        (&known, 200),
        ("", 401),
        (&known, 200),
        (&longer, 401),
        (&known[..known.len() - 1], 401),
        (&alice, 200),
        (&alice, 200),
        ("Bearer ", 401),
        (&other, 200),
        (&known, 200),
    ];
    for (number, (who, expected)) in rows.into_iter().enumerate() {
        assert_eq!(status(&mut stream, who), expected, "{number}");
    }
    // It ends on the same connection as everywhere else.
    let mut ending = connect(server.at);
    until("it has expired", || status(&mut ending, &short) == 401);
    assert!(world.run(&["token", "revoke", "known", "--data", "data"]).status.success());
    until("it is refused", || status(&mut stream, &known) == 401);
    assert_eq!(status(&mut stream, &other), 200);
    // So does what a reload takes back.
    let refusing = rules("user:bob") + "[[access.rule]]\nwho = \"token:other\"\nrefuse = \"no more\"\n";
    let ran = world.command(&refusing, &["--reload"]).output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    assert_eq!((status(&mut stream, &other), status(&mut stream, &alice)), (403, 200));
    world.users(&["bob"]);
    until("she is refused", || status(&mut stream, &alice) == 401);
}
