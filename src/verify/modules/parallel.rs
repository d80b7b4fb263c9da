//! Work on files in parallel: the largest files first, so that none of them is begun when the others are done.
//!
//! A file that is larger than one thread's share of all bytes would keep the others waiting however early it is begun, so those
//! are hashed one after the other, each by all threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use parking_lot::Mutex;

use super::scan::Stored;
use crate::database::Progress;
use crate::sumdb::number::wide;

/// A smaller file is not worth more than one thread, in bytes.
const SMALL: u64 = 4 << 20;
/// What the progress is called.
const STAGE: &str = "module bytes";

/// What `work` makes of each file and a number of threads, in the order of the files.
pub(super) fn all<T: Send>(
    files: &[&Stored],
    threads: usize,
    progress: Progress<'_>,
    work: impl Fn(&Stored, usize) -> T + Sync,
) -> Vec<T> {
    let bytes = |file: &Stored| usize::try_from(file.len).unwrap_or(usize::MAX);
    let total = files.iter().fold(0, |sum: usize, file| sum.saturating_add(bytes(file)));
    let mut order: Vec<(usize, &Stored)> = files.iter().copied().enumerate().collect();
    order.sort_by_key(|(at, file)| (std::cmp::Reverse(file.len), *at));
    let (giants, rest) = order.split_at(giants(&order, threads));
    let done = AtomicUsize::new(0);
    let one = |(at, file): &(usize, &Stored), threads| {
        let made = (*at, work(file, threads));
        progress(STAGE, done.fetch_add(bytes(file), Ordering::Relaxed).saturating_add(bytes(file)), total);
        made
    };
    let all = Mutex::new(giants.iter().map(|file| one(file, threads)).collect::<Vec<_>>());
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..threads.min(rest.len()) {
            scope.spawn(|| {
                while let Some(file) = rest.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let made = one(file, 1);
                    all.lock().push(made);
                }
            });
        }
    });
    let mut all = all.into_inner();
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, made)| made).collect()
}

/// How many of the files, the largest first, are larger than a thread's share of what is left.
fn giants(order: &[(usize, &Stored)], threads: usize) -> usize {
    let threads = wide(threads);
    let mut left: u64 = order.iter().fold(0, |sum, (_, file)| sum.saturating_add(file.len));
    let is_giant = |(_, file): &&(usize, &Stored)| {
        let share = left / threads.max(1);
        left = left.saturating_sub(file.len);
        threads > 1 && file.len > share.max(SMALL)
    };
    order.iter().take_while(is_giant).count()
}
