//! A quick look at a log, which reads neither records nor leaf hashes, a thousandth of it: whether the files reach to the head, the
//! hashes above the leaves fold to its root, and `offsets` can be the table of its data tiles.

use super::files::Files;
use super::levels::Levels;
use crate::fault::Fault;
use crate::store::Log;
use crate::sumdb::checkpoint::Tree;
use crate::sumdb::hash::Hash;
use crate::sumdb::number::wide;

/// What is wrong with the log of `tree` at first sight; none where nothing is.
///
/// # Errors
/// `Unavailable`: a file cannot be opened.
pub fn structure(log: &Log, tree: Tree) -> Result<Option<String>, Fault> {
    let files = Files::open(log, tree)?;
    let levels = Levels::read(&files);
    let edge = if files.full_tiles() < files.tiles() { files.leaves(files.full_tiles()) } else { Vec::new() };
    let leaves = files.hashes.first().map_or(0, |file| file.len() / wide(Hash::LEN));
    if leaves < tree.size {
        return Ok(Some(format!("hashes.0 has {leaves} of {} hashes", tree.size)));
    }
    if !levels.are_whole(&edge) {
        return Ok(Some("the hashes above the leaves do not fold to the root of the signed head".to_owned()));
    }
    if !files.has_all_offsets() {
        return Ok(Some("offsets ends before the last data tile".to_owned()));
    }
    let wrong = (0..files.full_tiles()).find(|tile| files.place(*tile).is_none());
    Ok(wrong.map(|tile| format!("data tile {tile} cannot be where offsets says, or records ends before it does")))
}
