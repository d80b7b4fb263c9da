//! Paths inside a module: which are valid on every file system, and which would be one file on some.
//! (golang.org/x/mod/module/module.go, CheckFilePath; zip/zip.go, collisionChecker)

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hasher};

use super::unicode::{fold, is_letter};
use crate::sumdb::hash::{Hash, sha256};
use crate::sumdb::module::WINDOWS_RESERVED;

/// Files and folders of one module, those only implied by a path included. Go has no limit; each costs about 50 bytes.
const MAX_PATHS: u32 = 1 << 20;

/// Punctuation that a file name may have beside letters and digits (module.go, fileNameOK).
const PUNCTUATION: &str = "!#$%&()+,-.=@[]^_{}~ ";

/// Go's module.CheckFilePath: a relative, clean, portable path with slashes.
pub(super) fn check_file_path(path: &str) -> Result<(), String> {
    path.split('/').try_for_each(check_element)
}

fn check_element(element: &str) -> Result<(), String> {
    if element.is_empty() {
        return Err("an empty path element".to_owned());
    }
    if element.chars().all(|c| c == '.') {
        return Err("a path element of dots only".to_owned());
    }
    if element.ends_with('.') {
        return Err("a path element that ends with a dot".to_owned());
    }
    let valid = |c: char| c.is_ascii_digit() || is_letter(c) || PUNCTUATION.contains(c);
    if let Some(bad) = element.chars().find(|&c| !valid(c)) {
        return Err(format!("the character {bad:?} in its path"));
    }
    let stem = element.split('.').next().unwrap_or(element);
    match WINDOWS_RESERVED.iter().find(|name| name.eq_ignore_ascii_case(stem)) {
        Some(name) => Err(format!("{name} is a reserved name on Windows")),
        None => Ok(()),
    }
}

/// The paths so far, as a tree of folded elements: two that are one under case folding meet in one place. A zip may have a
/// million paths, so a place is known by a hash, its spelling stays in the zip's names, and all places are one block of memory,
/// which goes back to the system at once: 50 bytes each.
#[derive(Default)]
pub(super) struct Paths<'a> {
    places: HashMap<Folded, Place<'a>, BuildHasherDefault<FirstBits>>,
}

/// The first half of the SHA-256 of the place of the parent (0 is the root, the first child is 1) and the folded element. If
/// ever two places had one hash, the second would be refused.
type Folded = u128;

/// A hash function for what is a hash already.
#[derive(Default)]
struct FirstBits(u64);

impl Hasher for FirstBits {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.first_chunk().map_or(0, |first| u64::from_le_bytes(*first));
    }
}

struct Place<'a> {
    number: u32,
    is_folder: bool,
    /// The element as it was first spelled.
    spelled: &'a str,
}

impl<'a> Paths<'a> {
    /// No path yet, with room for so many.
    pub(super) fn with_room(paths: usize) -> Paths<'a> {
        Paths { places: HashMap::with_capacity_and_hasher(paths, BuildHasherDefault::default()) }
    }

    /// Adds a path and the folders that it implies.
    ///
    /// # Errors
    /// If one of them is there already under another spelling, as both file and folder, or as a file.
    pub(super) fn add(&mut self, path: &'a str, is_folder: bool) -> Result<(), String> {
        let mut parent = 0;
        let mut elements = path.split('/').peekable();
        while let Some(element) = elements.next() {
            let is_last = elements.peek().is_none();
            let is_folder = is_folder || !is_last;
            let number = u32::try_from(self.places.len() + 1).unwrap_or(u32::MAX);
            match self.places.entry(folded(parent, element)) {
                Entry::Vacant(_) if number > MAX_PATHS => return Err(format!("more than {MAX_PATHS} paths")),
                Entry::Vacant(slot) => {
                    slot.insert(Place { number, is_folder, spelled: element });
                    parent = number;
                }
                Entry::Occupied(slot) => {
                    let there = slot.get();
                    if there.spelled != element {
                        return Err("it differs only by case from another path".to_owned());
                    }
                    if there.is_folder != is_folder {
                        return Err("it makes one path both a file and a folder".to_owned());
                    }
                    if !is_folder {
                        return Err("a file of that name is there already".to_owned());
                    }
                    parent = there.number;
                }
            }
        }
        Ok(())
    }
}

/// What a place is known by.
fn folded(parent: u32, element: &str) -> Folded {
    let mut known_by = parent.to_le_bytes().to_vec();
    known_by.extend(element.chars().map(fold).collect::<String>().as_bytes());
    let Hash(hash) = sha256(&known_by);
    hash.first_chunk().map_or(0, |half| Folded::from_le_bytes(*half))
}
