//! The files of a module in and below one of its folders.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::sumdb::hash::Hash;

/// The files right in a folder, each with its name and its path.
pub(super) fn beside<'a>(files: &'a BTreeMap<&str, Hash>, folder: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let start = if folder.is_empty() { 0 } else { folder.len() + 1 };
    below(files, folder).filter_map(move |path| {
        let name = path.get(start..)?;
        (!name.contains('/')).then_some((name, path))
    })
}

/// The paths of all files below a folder.
pub(super) fn below<'a>(files: &'a BTreeMap<&str, Hash>, folder: &str) -> impl Iterator<Item = &'a str> {
    let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    let from = files.range::<str, _>((Bound::Included(prefix.as_str()), Bound::Unbounded));
    from.map(|(path, _)| *path)
        .take_while(move |path| path.starts_with(prefix.as_str()))
        .collect::<Vec<_>>()
        .into_iter()
}
