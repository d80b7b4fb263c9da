//! Data tiles of the full log, which are sent from the file that they lie in for as long as they are proven there.

use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::client::{ask, get};
use crate::kit::until;
use crate::raw_http2::{Event, RawHttp2};
use crate::world::World;

const TILE: &str = "tile/8/data/000";

/// Waits until a change of the file would show: only then is relied on what was proven of it.
fn settled(dir: &Path) {
    for name in ["records", "offsets"] {
        let changed = || dir.join(name).metadata().unwrap().modified().unwrap();
        until("a change would show", || SystemTime::now() > changed() + Duration::from_millis(200));
    }
}

/// However the tile is asked for, it is what the log has.
#[track_caller]
fn is_given(world: &World, whence: &str) {
    let truth = world.db.honest(TILE).unwrap();
    let path = format!("/{TILE}");
    assert!(get(world.at, &path).body == truth, "{whence}");
    for (range, part) in [("bytes=1-300", 1..301), ("bytes=-1", truth.len() - 1..truth.len())] {
        let reply = ask(world.at, "GET", &path, &[("Range", range)]);
        assert!(reply.status == 206 && reply.body == truth[part], "{whence}: {range}");
    }
    let had = ask(world.at, "HEAD", &path, &[]);
    let length = truth.len().to_string();
    assert_eq!((had.header("content-length"), had.body.len()), (Some(length.as_str()), 0), "{whence}");
    assert_eq!(had.header("vary"), Some("accept-encoding"), "{whence}");
    let mut http2 = RawHttp2::open(world.at, 1 << 20);
    http2.get(1, &path);
    let mut sent = 0;
    loop {
        match http2.event(Duration::from_secs(60)).unwrap() {
            Event::Data { bytes, last, .. } => {
                sent += bytes;
                if last {
                    break;
                }
            }
            Event::Head { block, .. } => assert!(RawHttp2::is_ok(&block), "{whence}"),
            other => panic!("{whence}: {other:?}"),
        }
    }
    assert_eq!(sent, truth.len(), "{whence}");
}

#[test]
fn a_tile_is_what_it_was_whatever_becomes_of_the_file() {
    let world = World::full();
    let dir = world.log().dir().to_path_buf();
    settled(&dir);
    // First it is proven, then sent from the file, then found among the answers.
    for time in 0..3 {
        is_given(&world, &format!("time {time}"));
    }
    let held = world.metric("gosumcheck_hot_bytes");
    assert!(held < world.db.honest(TILE).unwrap().len() as f64, "{held} bytes: it is not in memory");
    for (name, at) in [("records", 0), ("records", 5_000), ("offsets", 0), ("offsets", 8), ("offsets", 15)] {
        let sound = std::fs::read(dir.join(name)).unwrap();
        let mut rotten = sound.clone();
        rotten[at] ^= 1;
        std::fs::write(dir.join(name), rotten).unwrap();
        is_given(&world, &format!("byte {at} of {name} rotted"));
        settled(&dir);
        is_given(&world, &format!("byte {at} of {name} rotted a while ago"));
        std::fs::write(dir.join(name), sound).unwrap();
        settled(&dir);
        is_given(&world, &format!("{name} is back"));
    }
    // What is cut off is not there at all.
    let records = std::fs::read(dir.join("records")).unwrap();
    std::fs::write(dir.join("records"), &records[..100]).unwrap();
    is_given(&world, "records were cut off");
}
