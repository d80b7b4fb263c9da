//! Refusals about modules: statuses with the right meaning for the go command, and a text that it shows its user.

use crate::client::get;
use crate::stock::Stock;
use crate::world::log;

const PLAIN: &str = "text/plain; charset=utf-8";

#[test]
fn a_refusal_is_not_404_and_fit_for_the_go_command_to_show() {
    let path = format!("{}.mod", log().lookup_path(0).strip_prefix("lookup/").unwrap().replacen('@', "/@v/", 1));
    let world = Stock::new().text(&path, "module of.another/content\n").serve();
    for _ in 0..2 {
        let reply = get(world.at, &format!("/{path}"));
        assert_eq!((reply.status, reply.header("content-type")), (403, Some(PLAIN)), "{reply:?}");
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        let text = reply.text();
        assert!(text.lines().count() <= 8 && text.lines().all(|line| (1..=80).contains(&line.len())), "{text}");
        assert!(text.starts_with("SECURITY") && text.contains("h1:"), "{text}");
    }
}

#[test]
fn an_outage_is_not_404_and_a_404_is_cached_for_a_minute() {
    let path = "/example.com/m/@v/v1.0.0.zip";
    let stock = Stock::new().text("example.com/m/@v/list", "v1.0.0\n");
    let world = stock.serve();
    let missing = get(world.at, path);
    assert_eq!((missing.status, missing.header("cache-control")), (404, Some("public, max-age=60")));
    // All of it but a port and the request's ID; where lines end depends on the port.
    let text = missing.text().replace('\n', " ");
    let (asked, said) = text.split_once(": 404 Not Found ").unwrap();
    let begins = "not found: example.com/m@v1.0.0 is not in fakelog.example: http://127.0.0.1:";
    assert!(asked.strip_prefix(begins).unwrap().parse::<u16>().is_ok(), "{text}");
    let why = "(server says: not found: example.com/m@v1.0.0: invalid version: unknown revision v1.0.0); none of the 600 \
               records of the log is its record (the full copy was searched) request ID: ";
    assert!(said.starts_with(why) && said.len() - why.len() < 20, "{text}");
    stock.lose_upstream(true);
    for _ in 0..2 {
        let reply = get(world.at, "/example.com/m/@v/list");
        assert_eq!((reply.status, reply.header("retry-after")), (502, None), "{reply:?}");
        assert_eq!((reply.header("content-type"), reply.header("cache-control")), (Some(PLAIN), Some("no-store")));
        assert!(reply.text().contains("there is no such folder"), "{}", reply.text());
    }
    // The failure was not cached.
    stock.lose_upstream(false);
    assert_eq!(get(world.at, "/example.com/m/@v/list").status, 200);
}
