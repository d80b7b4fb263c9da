//! The files of the full log, as another mirror copies them.

use crate::client::{ask, get};
use crate::world::{Plan, RECORDS, World};

#[test]
fn only_committed_bytes_are_served() {
    let world = World::full();
    let (name, dir) = (world.db.name(), world.log().dir().to_path_buf());
    // Bytes that a writer has appended and not committed are not served.
    for file in ["records", "offsets", "hashes.0", "hashes.1"] {
        let path = dir.join(file);
        let committed = std::fs::read(&path).unwrap();
        std::fs::write(&path, [committed.as_slice(), b"not yet"].concat()).unwrap();
        let reply = get(world.at, &format!("/log/{name}/{file}"));
        assert_eq!((reply.status, &reply.body), (200, &committed), "{file}");
        assert_eq!(reply.header("cache-control"), Some("no-cache"));
        let tag = format!("\"{file}-{RECORDS}\"");
        assert_eq!(reply.header("etag"), Some(tag.as_str()));
        let half = committed.len() / 2;
        let range = format!("bytes={half}-");
        let rest = ask(world.at, "GET", &format!("/log/{name}/{file}"), &[("Range", &range), ("If-Range", &tag)]);
        assert_eq!((rest.status, rest.body.as_slice()), (206, &committed[half..]));
        let none = format!("bytes={}-", committed.len());
        assert_eq!(ask(world.at, "GET", &format!("/log/{name}/{file}"), &[("Range", &none)]).status, 416);
        let had = ask(world.at, "HEAD", &format!("/log/{name}/{file}"), &[]);
        assert_eq!(had.header("content-length"), Some(committed.len().to_string().as_str()));
    }
    assert_eq!(get(world.at, &format!("/log/{name}/head")).text(), world.db.head(RECORDS));
    assert_eq!(get(world.at, &format!("/log/{name}/heads")).text(), format!("{}\n", world.db.head(RECORDS)));
    for file in ["hashes.7", "hashes.8", "hashes.00", "hashes.-1", "lock", "progress", "index.sqlite", "evidence", "x"]
    {
        assert_eq!(get(world.at, &format!("/log/{name}/{file}")).status, 404, "{file}");
    }
    assert_eq!(get(world.at, "/log/other/head").status, 404);
}

#[test]
fn a_file_of_several_chunks_is_whole() {
    let world = World::of(Plan { records: 12_000, ..Plan::default() });
    let reply = get(world.at, &format!("/log/{}/records", world.db.name()));
    let file = std::fs::read(world.log().dir().join("records")).unwrap();
    assert!(file.len() > 2 << 20, "more than two chunks: {}", file.len());
    assert!(reply.body == file);
}

#[test]
fn without_a_full_log_files_are_unavailable() {
    let world = World::of(Plan { full: false, ..Plan::default() });
    for file in ["head", "records"] {
        let reply = get(world.at, &format!("/log/{}/{file}", world.db.name()));
        assert_eq!((reply.status, reply.header("retry-after")), (503, Some("10")));
        assert!(reply.text().contains("sync"));
    }
}

/// Other mirrors copy what was proven, not what lies on the disk: of each file a byte in the middle and the last one rot, one after the
/// other, after the file was given once.
#[test]
fn no_rotten_byte_of_a_file_is_given() {
    let world = World::full();
    let (name, dir) = (world.db.name(), world.log().dir().to_path_buf());
    for file in ["records", "offsets", "hashes.0", "hashes.1"] {
        let sound = std::fs::read(dir.join(file)).unwrap();
        let given = || get(world.at, &format!("/log/{name}/{file}")).body;
        assert!(given() == sound, "{file}");
        for at in [sound.len() / 3, sound.len() - 1] {
            let mut rotten = sound.clone();
            rotten[at] ^= 1;
            std::fs::write(dir.join(file), rotten).unwrap();
            assert!(given() == sound, "{file} at {at}");
            let range = format!("bytes={}-", at - 1);
            let rest = ask(world.at, "GET", &format!("/log/{name}/{file}"), &[("Range", &range)]);
            assert!(rest.body == sound[at - 1..], "{file} from {at}");
            std::fs::write(dir.join(file), &sound).unwrap();
        }
    }
}
