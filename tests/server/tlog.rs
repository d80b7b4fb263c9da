//! The log as C2SP tlog-tiles: other paths, the same bytes, records framed by their lengths.

use crate::client::get;
use crate::world::{RECORDS, World};

const ORIGIN: &str = "46613be2987d5d316f5ad065e4aa2eee26ccdd3de17a3735cd0da18156a22bdd";

#[test]
fn a_tlog_tiles_client_finds_the_log() {
    let world = World::full();
    let below = |path: &str| format!("/tlog/{ORIGIN}/{path}");
    let checkpoint = get(world.at, &below("checkpoint"));
    assert_eq!(checkpoint.text(), world.db.head(RECORDS));
    for (path, tile) in
        [("tile/0/000", "tile/8/0/000"), ("tile/0/001.p/9", "tile/8/0/001.p/9"), ("tile/1/000.p/2", "tile/8/1/000.p/2")]
    {
        assert_eq!(get(world.at, &below(path)).body, world.db.honest(tile).unwrap());
    }
    for (path, first, count) in [("tile/entries/000", 0, 256), ("tile/entries/002.p/88", 512, 88)] {
        let reply = get(world.at, &below(path));
        assert_eq!(reply.header("content-type"), Some("application/octet-stream"));
        let mut rest = reply.body.as_slice();
        for id in first..first + count {
            let len = usize::from(u16::from_be_bytes([rest[0], rest[1]]));
            assert_eq!(&rest[2..2 + len], world.db.record_text(id).as_bytes());
            rest = &rest[2 + len..];
        }
        assert!(rest.is_empty());
    }
    for (path, status) in [
        (below("tile/8/0/000"), 400),
        (below("tile/data/000"), 400),
        (below("tile/0/0"), 400),
        (below("tile/0/003"), 404),
        (below("latest"), 404),
        ("/tlog/00/checkpoint".to_owned(), 404),
        (format!("/tlog/{ORIGIN}"), 404),
    ] {
        assert_eq!(get(world.at, &path).status, status, "{path}");
    }
}
