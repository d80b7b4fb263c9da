//! A `file://` tree in the layout of the go command's cache, as a source. That it lacks an answer says nothing about the log.
//! An empty file counts as missing, as it does for the go command (which creates the file before it writes it); `supported` may
//! be empty, since its bytes mean nothing. A partial tile is the beginning of every wider one, so a cache with a wider one has
//! it too.
//!
//! The operator names the tree, but others may have filled it: only links that stay inside the tree are followed.

use std::io;
use std::path::Path;

use crate::files::{self, Links, Tree, Unfit};
use crate::sumdb::number::wide;
use crate::sumdb::tile::{Tile, TilePath};
use crate::upstream::http::failure::FailureKind;
use crate::upstream::http::reply::Reply;
use crate::upstream::http::retry::Failed;

/// The most entries of one folder that are searched for a wider tile: a tile has at most 255 partial ones.
const MAX_PARTIALS: usize = 1_024;

/// Reads `path` below `root`; blocking. A missing tree is a failure, a missing file is not.
pub(super) fn read(root: &Path, path: &str, limit: usize) -> Result<Reply, Failed> {
    match read_exact(root, path, limit)? {
        Reply::Missing(why) => Ok(read_wider(root, path).map_or(Reply::Missing(why), Reply::Body)),
        found => Ok(found),
    }
}

fn read_exact(root: &Path, path: &str, limit: usize) -> Result<Reply, Failed> {
    match read_file(root, path, limit) {
        Ok(bytes) if bytes.is_empty() && path != "supported" => Ok(Reply::Missing("has an empty file".to_owned())),
        Ok(bytes) if bytes.len() > limit => {
            Err(Failed::lasting(FailureKind::TooLong, format!("{path} is longer than {limit} bytes")))
        }
        Ok(bytes) => Ok(Reply::Body(bytes)),
        // Most proxies' trees have no folder at all for a database that they do not relay.
        Err(error) if error.kind() == io::ErrorKind::NotFound && path == "supported" => {
            Ok(Reply::Missing("not held".to_owned()))
        }
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            match root.metadata() {
                Ok(found) if found.is_dir() => Ok(Reply::Missing("not held".to_owned())),
                Ok(_) => Err(Failed::broken("is not a folder")),
                Err(error) => Err(Failed::unread(&error, format!("cannot be read: {error}"))),
            }
        }
        Err(error) => Err(match Unfit::of(&error) {
            Some(unfit) => Failed::broken(format!("{path} {unfit}")),
            None => Failed::unread(&error, format!("cannot read {path}: {error}")),
        }),
    }
}

/// The partial hash tile at `path`, cut out of the narrowest wider one that the tree has.
fn read_wider(root: &Path, path: &str) -> Option<Vec<u8>> {
    let TilePath::Hashes(tile) = TilePath::parse(path).ok()? else { return None };
    let full = tile.full();
    let partials = std::fs::read_dir(root.join(format!("{full}.p"))).into_iter().flatten().flatten().take(MAX_PARTIALS);
    let mut widths: Vec<u32> = partials.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    widths.push(full.width());
    widths.sort_unstable();
    let wider = widths.into_iter().filter(|width| *width > tile.width());
    wider.filter_map(|width| Tile::new(tile.level(), tile.index(), width).ok()).find_map(|wider| {
        let mut bytes = read_file(root, &wider.to_string(), wider.byte_len()).ok()?;
        let is_whole = bytes.len() == wider.byte_len();
        bytes.truncate(tile.byte_len());
        is_whole.then_some(bytes)
    })
}

/// At most `limit` + 1 bytes of a regular file of the tree. Anything else (a folder, a pipe that would block) is an error.
fn read_file(root: &Path, path: &str, limit: usize) -> io::Result<Vec<u8>> {
    let file = Tree::open(root)?.file(Path::new(path), Links::Within)?;
    files::read_bounded(file, wide(limit))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn what_a_tree_holds_does_not_hold_and_cannot_give() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        std::fs::create_dir_all(root.join("lookup/x@v1")).unwrap();
        std::fs::write(root.join("latest"), "note").unwrap();
        std::fs::write(root.join("empty"), "").unwrap();
        std::fs::write(root.join("supported"), "").unwrap();
        assert_eq!(read(root, "latest", 4), Ok(Reply::Body(b"note".to_vec())));
        let long = Failed::lasting(FailureKind::TooLong, "latest is longer than 3 bytes");
        assert_eq!(read(root, "latest", 3), Err(long));
        assert_eq!(read(root, "empty", 9), Ok(Reply::Missing("has an empty file".to_owned())));
        assert_eq!(read(root, "supported", 9), Ok(Reply::Body(Vec::new())));
        assert_eq!(read(root, "tile/8/0/000", 9), Ok(Reply::Missing("not held".to_owned())));
        assert_eq!(read(root, "latest/below", 9), Ok(Reply::Missing("not held".to_owned())));
        assert!(read(root, "lookup/x@v1", 9).unwrap_err().why.contains("not a regular file"));
    }

    #[test]
    fn a_partial_tile_is_the_beginning_of_a_wider_one() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let hashes: Vec<u8> = (0..256u32 * 32).map(|at| at.to_le_bytes()[0] ^ at.to_le_bytes()[1]).collect();
        std::fs::create_dir_all(root.join("tile/8/0/000.p")).unwrap();
        std::fs::write(root.join("tile/8/0/000.p/3"), &hashes[..96]).unwrap();
        std::fs::write(root.join("tile/8/0/000.p/5"), &hashes[..150]).unwrap(); // cut short: not a tile
        std::fs::write(root.join("tile/8/0/000.p/7"), &hashes[..224]).unwrap();
        let body = |path: &str| read(root, path, 9000).unwrap();
        assert_eq!(body("tile/8/0/000.p/2"), Reply::Body(hashes[..64].to_vec()));
        assert_eq!(body("tile/8/0/000.p/3"), Reply::Body(hashes[..96].to_vec()));
        assert_eq!(body("tile/8/0/000.p/4"), Reply::Body(hashes[..128].to_vec()));
        assert!(matches!(body("tile/8/0/000.p/8"), Reply::Missing(_)));
        std::fs::write(root.join("tile/8/0/000"), &hashes).unwrap();
        assert_eq!(body("tile/8/0/000.p/8"), Reply::Body(hashes[..256].to_vec()));
        assert!(matches!(body("tile/8/1/000.p/1"), Reply::Missing(_)));
    }

    #[test]
    fn links_are_followed_within_the_tree_and_pipes_are_not_waited_for() {
        use rustix::fs::{CWD, FileType, Mode, mknodat};
        let outside = tempfile::tempdir().unwrap();
        let root = outside.path().join("tree");
        std::fs::create_dir_all(root.join("lookup")).unwrap();
        std::fs::write(outside.path().join("secret"), "secret").unwrap();
        std::fs::write(root.join("note"), "note").unwrap();
        let link = |target: &str, name: &str| std::os::unix::fs::symlink(target, root.join(name)).unwrap();
        link("note", "latest");
        link("../../secret", "lookup/a@v1");
        link("/etc/hostname", "lookup/b@v1");
        mknodat(CWD, root.join("lookup/c@v1"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        assert_eq!(read(&root, "latest", 9), Ok(Reply::Body(b"note".to_vec())));
        for (path, why) in
            [("lookup/a@v1", "leads out of"), ("lookup/b@v1", "leads out of"), ("lookup/c@v1", "named pipe")]
        {
            assert!(read(&root, path, 99).unwrap_err().why.contains(why), "{path}");
        }
        link("tree", "../named");
        assert_eq!(read(&outside.path().join("named"), "latest", 9), Ok(Reply::Body(b"note".to_vec())));
    }

    #[test]
    fn a_tree_that_is_not_there_has_failed() {
        let root = tempfile::tempdir().unwrap();
        assert!(read(&root.path().join("typo"), "latest", 9).unwrap_err().why.contains("cannot be read"));
        assert!(matches!(read(&root.path().join("typo"), "supported", 9), Ok(Reply::Missing(_))));
        std::fs::write(root.path().join("file"), "").unwrap();
        assert_eq!(read(&root.path().join("file"), "latest", 9), Err(Failed::broken("is not a folder")));
    }
}
