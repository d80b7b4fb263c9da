//! How much memory a long list of questions takes: the tiles of some of them at a time, never those of all.

use super::fake::FakeSumdb;
use super::world::World;

/// Records of the log, and one question for each of its tiles.
const RECORDS: u64 = 300_000;
const TILE: u64 = 256;
/// Bytes of one tile of leaves.
const TILE_BYTES: u64 = 8 << 10;

#[test]
fn the_tiles_of_earlier_questions_are_dropped() {
    let log = FakeSumdb::synthetic(RECORDS, 11);
    let world = World::new(&log);
    let ids: Vec<u64> = (0..RECORDS).step_by(256).collect();
    world.prove(&[&log.serve().url()], &ids);
    let offline = allocation_counter::measure(|| world.prove(&[], &ids));
    let all = RECORDS / TILE * TILE_BYTES;
    assert!(offline.bytes_max < all, "{} bytes, and all tiles have {all}", offline.bytes_max);
}
