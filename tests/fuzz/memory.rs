//! An allocator that counts, for each thread by itself: what a parser takes at most at one time, and what it takes in all.
//! The second stands for its steps: it does not depend on the machine, as time does.

#![expect(unsafe_code, reason = "the one way to count allocations; every call is passed on as it came")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static LIVE: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
    static TOTAL: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, counted.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

// SAFETY: each method does what the system's allocator does with the same arguments; the counters are plain cells of the
// thread, which neither allocate nor unwind.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        give(layout.size());
        // SAFETY: as above; every block came from `System`.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Counted as the worst that it can be: a new block beside the old one.
        take(size);
        give(layout.size());
        // SAFETY: as above.
        unsafe { System.realloc(block, layout, size) }
    }
}

fn take(size: usize) {
    let live = LIVE.get().wrapping_add(size);
    LIVE.set(live);
    TOTAL.set(TOTAL.get().wrapping_add(size));
    // A block of another thread that is freed here can make the count of this one negative.
    if live.cast_signed() > PEAK.get().cast_signed() {
        PEAK.set(live);
    }
}

fn give(size: usize) {
    LIVE.set(LIVE.get().wrapping_sub(size));
}

/// What some work took from the allocator, in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Taken {
    /// at most at one time
    pub peak: usize,
    /// in all, whether given back or not
    pub total: usize,
}

/// Does `work` and says what it took on this thread.
pub fn measure<T>(work: impl FnOnce() -> T) -> (T, Taken) {
    let (live, total) = (LIVE.get(), TOTAL.get());
    PEAK.set(live);
    let done = work();
    (done, Taken { peak: PEAK.get().wrapping_sub(live), total: TOTAL.get().wrapping_sub(total) })
}

#[test]
fn what_is_taken_is_counted() {
    let (kept, taken) = measure(|| {
        drop(std::hint::black_box(vec![1_u8; 1000]));
        std::hint::black_box(vec![1_u8; 300])
    });
    assert_eq!((taken.peak, taken.total), (1000, 1300));
    assert_eq!(kept.len(), 300);
}
