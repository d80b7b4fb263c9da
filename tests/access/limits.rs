//! Networks, rates, concurrency, failed logins: counted, with no assertion about time. That a rate holds within 5 % is tested with a
//! clock of its own beside the code.

use std::io::{Read as _, Write as _};

use crate::client::{connect, head};
use crate::world::{PASSWORD, World, basic, bearer, until};

const PATH: &str = "/example.com/a/@v/list";

#[test]
fn too_many_requests_are_told_when_to_come_again() {
    let world = World::new();
    let server = world.serve("[access]\nclient_rate = 1\nburst = 5\n", &[]);
    let statuses: Vec<u16> = (0..40).map(|_| server.get(PATH, "").status).collect();
    assert!(statuses[..5].iter().all(|status| *status == 200), "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 200 | 429)) && statuses.contains(&429), "{statuses:?}");
    for path in ["/healthz", "/readyz"] {
        assert_eq!(server.get(path, "").status, 200, "{path} is not counted");
    }
    until("one is refused", || {
        let reply = server.get(PATH, "");
        let again = reply.header("retry-after").map(|text| text.parse::<u64>().unwrap());
        reply.status == 429 && again == Some(1) && reply.text().contains("too many requests from this address")
    });
}

#[test]
fn each_credential_has_a_rate_of_its_own() {
    let world = World::new();
    let [one, two] = ["one", "two"].map(|name| bearer(&world.token(&[name])));
    let server = world.serve("[access]\nusers = \"users\"\ncredential_rate = 1\nburst = 3\n", &[]);
    until("the first has used its rate up", || server.get(PATH, &one).status == 429);
    assert_eq!(server.get(PATH, &two).status, 200, "another token of the same address");
    assert_eq!(server.get(PATH, &basic("alice", PASSWORD)).status, 200);
}

#[test]
fn a_body_that_is_being_sent_counts() {
    let world = World::new();
    let zip = "/corp.example/team-a/!lib/@v/v1.0.0.zip";
    let server = world.serve("[access]\nclient_concurrency = 1\n", &[]);
    assert_eq!(server.get(zip, "").status, 200);
    let mut slow = connect(server.at);
    slow.write_all(head("GET", zip, &[]).as_bytes()).unwrap();
    slow.read_exact(&mut [0; 1000]).unwrap();
    let refused = server.get(PATH, "");
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("1")), "{refused:?}");
    assert_eq!(server.get("/healthz", "").status, 200);
    drop(slow);
    until("it is over", || server.get(PATH, "").status == 200);
}

#[test]
fn only_the_named_networks_are_answered() {
    let world = World::new();
    let server = world.serve("[access]\nnetworks = [\"192.0.2.0/24\", \"2001:db8::/32\"]\n", &[]);
    let refused = server.get(PATH, "");
    assert_eq!((refused.status, server.get("/healthz", "").status), (403, 200));
    assert!(refused.text().contains("127.0.0.1"), "{refused:?}");
    drop(server);
    let server = world.serve("[access]\nnetworks = [\"127.0.0.1\"]\n", &[]);
    assert_eq!(server.get(PATH, "").status, 200);
}

#[test]
fn guessing_passwords_is_slowed_and_known_ones_are_not() {
    let world = World::new();
    let token = bearer(&world.token(&["ci"]));
    let server = world.serve("[access]\nusers = \"users\"\n", &[]);
    let alice = basic("alice", PASSWORD);
    assert_eq!(server.get(PATH, &alice).status, 200);
    let guess = |n: usize| {
        server.get(PATH, &basic(if n.is_multiple_of(2) { "alice" } else { "nobody" }, &format!("guess {n}"))).status
    };
    let statuses: Vec<u16> = (0..20).map(guess).collect();
    assert!(statuses[..5].iter().all(|status| *status == 401) && statuses.contains(&429), "{statuses:?}");
    for known in [&alice, &token] {
        assert_eq!(server.get(PATH, known).status, 200, "it needs no verification");
    }
}
