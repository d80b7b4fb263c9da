//! A folder whose content is a stranger's: files are opened by names below it, one component after another and never through a
//! link that leads out of it, also where somebody exchanges folders for links meanwhile.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Component, Path};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, openat, readlinkat, statat};
use rustix::io::{Errno, retry_on_intr};

use super::{READ, Unfit, require_regular};

/// Links on the way to one file, as many as Linux follows.
const MAX_LINKS: usize = 40;
/// How a folder is opened to look names up in it.
const FOLDER: OFlags = LOOK_UP.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
#[cfg(target_os = "linux")]
const LOOK_UP: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const LOOK_UP: OFlags = OFlags::RDONLY;

/// An open folder.
#[derive(Debug)]
pub struct Tree {
    root: OwnedFd,
}

/// What becomes of links below a tree's root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// none is followed
    Refused,
    /// those that stay in the tree are followed: relative ones, without `..` above its root
    Within,
}

/// Whether a path must stay below the folder that it starts at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beneath {
    Yes,
    No,
}

impl Tree {
    /// Opens the folder at `path`, which may be a link itself.
    ///
    /// # Errors
    /// Those of the system; `NotADirectory` for anything else than a folder.
    pub fn open(path: &Path) -> io::Result<Tree> {
        Ok(Tree { root: retry_on_intr(|| openat(CWD, path, FOLDER, Mode::empty()))? })
    }

    /// Opens the regular file with the name `relative` below the root for reading.
    ///
    /// # Errors
    /// Those of the system, and an [`Unfit`].
    pub fn file(&self, relative: &Path, links: Links) -> io::Result<File> {
        let mut folders: Vec<OwnedFd> = Vec::new();
        let mut left: Vec<OsString> = Vec::new();
        push(&mut left, relative)?;
        let mut followed = 0;
        while let Some(name) = left.pop() {
            if name == ".." {
                folders.pop().ok_or(Unfit::Leaves)?;
                continue;
            }
            let here = folders.last().unwrap_or(&self.root);
            match kind(here, &name)? {
                FileType::Symlink if links == Links::Refused => return Err(Unfit::Link.into()),
                FileType::Symlink if followed == MAX_LINKS => return Err(Errno::LOOP.into()),
                FileType::Symlink => {
                    followed += 1;
                    let target = retry_on_intr(|| readlinkat(here, &name, Vec::new()))?;
                    push(&mut left, Path::new(OsStr::from_bytes(target.as_bytes())))?;
                }
                FileType::Directory => {
                    let folder = retry_on_intr(|| openat(here, &name, FOLDER.union(OFlags::NOFOLLOW), Mode::empty()))?;
                    folders.push(folder);
                }
                FileType::RegularFile if left.is_empty() => {
                    let file = retry_on_intr(|| openat(here, &name, READ.union(OFlags::NOFOLLOW), Mode::empty()))?;
                    let file = File::from(file);
                    require_regular(file.metadata()?.file_type())?;
                    return Ok(file);
                }
                _ if !left.is_empty() => return Err(io::ErrorKind::NotADirectory.into()),
                FileType::Fifo => return Err(Unfit::Pipe.into()),
                FileType::Socket => return Err(Unfit::Socket.into()),
                FileType::CharacterDevice | FileType::BlockDevice => return Err(Unfit::Device.into()),
                FileType::RegularFile | FileType::Unknown => return Err(Unfit::Other.into()),
            }
        }
        Err(Unfit::Folder.into())
    }
}

/// Opens the regular file with the name `relative` below the folder `root`, which may be a link itself; no link is followed on the
/// way to it. In one step where the system can do that and the path of `root` has no link either, else in two or more.
///
/// # Errors
/// Those of the system, and an [`Unfit`].
pub fn open_below(root: &Path, relative: &Path) -> io::Result<(File, Metadata)> {
    let is_plain = relative.components().all(|component| matches!(component, Component::Normal(_)));
    let file = match is_plain.then(|| open_at_once(CWD, &root.join(relative), Beneath::No)).flatten() {
        // A link: perhaps on the way to the root, where links are followed.
        Some(Err(error)) if Unfit::of(&error) == Some(Unfit::Link) => open_in_tree(&Tree::open(root)?, relative)?,
        Some(opened) => opened?,
        None => open_in_tree(&Tree::open(root)?, relative)?,
    };
    let found = file.metadata()?;
    require_regular(found.file_type())?;
    Ok((file, found))
}

/// The same below an open folder.
fn open_in_tree(tree: &Tree, relative: &Path) -> io::Result<File> {
    match open_at_once(tree.root.as_fd(), relative, Beneath::Yes) {
        Some(opened) => opened,
        None => tree.file(relative, Links::Refused),
    }
}

/// Opens a path through no link at all. None where the system cannot tell, or has no such call.
#[cfg(target_os = "linux")]
fn open_at_once(folder: BorrowedFd<'_>, path: &Path, beneath: Beneath) -> Option<io::Result<File>> {
    use rustix::fs::{ResolveFlags, openat2};
    let within = if beneath == Beneath::Yes { ResolveFlags::BENEATH } else { ResolveFlags::empty() };
    let how = within.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);
    match retry_on_intr(|| openat2(folder, path, READ.union(OFlags::NOFOLLOW), Mode::empty(), how)) {
        Ok(file) => Some(Ok(File::from(file))),
        // A device is opened by nobody who looks first, as the other way does.
        Err(Errno::LOOP) => Some(Err(Unfit::Link.into())),
        Err(Errno::NOSYS | Errno::PERM | Errno::AGAIN | Errno::XDEV | Errno::INVAL | Errno::NXIO | Errno::NODEV) => {
            None
        }
        Err(error) => Some(Err(error.into())),
    }
}

#[cfg(not(target_os = "linux"))]
fn open_at_once(_: BorrowedFd<'_>, _: &Path, _: Beneath) -> Option<io::Result<File>> {
    None
}

/// What `name` is in the folder `here`, by itself: a link is a link.
fn kind(here: &OwnedFd, name: &OsStr) -> io::Result<FileType> {
    let found = retry_on_intr(|| statat(here, name, AtFlags::SYMLINK_NOFOLLOW))?;
    Ok(FileType::from_raw_mode(found.st_mode))
}

/// Puts the components of `path` on those that are left, the first one on top.
fn push(left: &mut Vec<OsString>, path: &Path) -> io::Result<()> {
    for component in path.components().rev() {
        match component {
            Component::Normal(name) => left.push(name.to_owned()),
            Component::ParentDir => left.push(OsString::from_vec(b"..".to_vec())),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return Err(Unfit::Leaves.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::symlink;

    use rustix::fs::mknodat;

    use super::*;

    #[test]
    fn a_name_does_not_lead_out_of_the_tree() {
        let outside = tempfile::tempdir().unwrap();
        let root = outside.path().join("tree");
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        std::fs::write(outside.path().join("secret"), "secret").unwrap();
        std::fs::write(root.join("a/file"), "inside").unwrap();
        let link = |name: &str, target: &str| symlink(target, root.join(name)).unwrap();
        link("up", "../secret");
        link("a/b/up", "../../../secret");
        link("absolute", outside.path().join("secret").to_str().unwrap());
        link("inside-but-absolute", root.join("a/file").to_str().unwrap());
        link("there-and-back", "../tree/a/file");
        link("inside", "a/b/../file");
        link("folder", "a");
        link("chain", "folder/b/../file");
        link("out", "..");
        link("loop", "loop");
        mknodat(CWD, root.join("pipe"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        symlink(&root, outside.path().join("named")).unwrap();
        for tree in [&root, &outside.path().join("named")] {
            let tree = Tree::open(tree).unwrap();
            let read =
                |name: &str, links| tree.file(Path::new(name), links).map(|file| io::read_to_string(file).unwrap());
            let unfit = |name: &str, links| Unfit::of(&read(name, links).unwrap_err());
            for name in ["a/file", "./a/b/../file", "inside", "folder/file", "chain"] {
                assert_eq!(read(name, Links::Within).unwrap(), "inside", "{name}");
            }
            for name in ["up", "a/b/up", "absolute", "inside-but-absolute", "there-and-back", "out/secret", "../secret"]
            {
                assert_eq!(unfit(name, Links::Within), Some(Unfit::Leaves), "{name}");
            }
            for name in ["up", "inside", "folder/file", "chain", "absolute", "loop"] {
                assert_eq!(unfit(name, Links::Refused), Some(Unfit::Link), "{name}");
            }
            assert_eq!(read("a/file", Links::Refused).unwrap(), "inside");
            assert_eq!(unfit("pipe", Links::Within), Some(Unfit::Pipe));
            assert_eq!(
                (unfit("a", Links::Within), unfit("", Links::Refused)),
                (Some(Unfit::Folder), Some(Unfit::Folder))
            );
            let kind = |name: &str| read(name, Links::Within).unwrap_err().kind();
            assert_eq!((kind("none"), kind("a/file/x")), (io::ErrorKind::NotFound, io::ErrorKind::NotADirectory));
            assert!(read("loop", Links::Within).unwrap_err().to_string().contains("symbolic links"));
        }
        assert_eq!(Tree::open(&root.join("a/file")).unwrap_err().kind(), io::ErrorKind::NotADirectory);
        // In one step or in many, no link is followed.
        for root in [&root, &outside.path().join("named")] {
            let (file, found) = open_below(root, Path::new("a/file")).unwrap();
            assert_eq!((io::read_to_string(file).unwrap().as_str(), found.len()), ("inside", 6));
            for name in
                ["up", "inside", "folder/file", "chain", "absolute", "loop", "out/secret", "a/b/up", "pipe", "a"]
            {
                assert!(Unfit::of(&open_below(root, Path::new(name)).unwrap_err()).is_some(), "{name}");
            }
            let kind = |name: &str| open_below(root, Path::new(name)).unwrap_err().kind();
            assert_eq!((kind("none"), kind("a/file/x")), (io::ErrorKind::NotFound, io::ErrorKind::NotADirectory));
        }
    }
}
