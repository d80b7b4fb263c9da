//! The window of an ordered flow: things are requested in order, arrive in any order, and leave in order. It is bounded by how many
//! places are open between the oldest and the newest, and by the bytes of what has arrived and waits for one before it.

use std::collections::BTreeMap;

/// The window. A place is the number of a request, counted from 0.
#[derive(Debug)]
pub(super) struct Window<T> {
    /// how many places may be open
    places: u64,
    /// bytes that may be held; one more answer is let in whatever it weighs
    bytes: usize,
    /// the first place that was not left yet
    oldest: u64,
    /// the next place to be requested
    next: u64,
    /// what has arrived, with its bytes
    arrived: BTreeMap<u64, (T, usize)>,
    held: usize,
    /// what one answer usually has, in bytes: a mean in which new ones count for an eighth
    usual: usize,
}

impl<T> Window<T> {
    /// An empty one. Until answers have arrived, each is expected to have `usual` bytes.
    pub(super) fn new(places: u64, bytes: usize, usual: usize) -> Window<T> {
        Window { places, bytes, oldest: 0, next: 0, arrived: BTreeMap::new(), held: 0, usual }
    }

    /// Whether one more may be requested: its answer and those that are on their way will fit, if they are as long as usual.
    pub(super) fn has_room(&self) -> bool {
        let open = self.next - self.oldest;
        let on_their_way = usize::try_from(open).unwrap_or(usize::MAX).saturating_sub(self.arrived.len());
        let expected = on_their_way.saturating_add(1).saturating_mul(self.usual);
        open < self.places && (open == 0 || self.held.saturating_add(expected) <= self.bytes)
    }

    /// The place of the next request.
    pub(super) fn open(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    /// The answer to the request of that place.
    pub(super) fn arrive(&mut self, place: u64, answer: T, bytes: usize) {
        self.usual = (self.usual - self.usual / 8).saturating_add(bytes / 8).max(1);
        self.held = self.held.saturating_add(bytes);
        self.arrived.insert(place, (answer, bytes));
    }

    /// What is next in order, if it has arrived. Its place is free.
    pub(super) fn leave(&mut self) -> Option<T> {
        let (answer, bytes) = self.arrived.remove(&self.oldest)?;
        self.oldest += 1;
        self.held -= bytes;
        Some(answer)
    }

    /// Whether nothing is on its way or waits.
    pub(super) fn is_empty(&self) -> bool {
        self.oldest == self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers as random as a test needs them.
    fn numbers(seed: u64) -> impl FnMut(usize) -> usize {
        let mut random = seed;
        move |below| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(random >> 33).unwrap_or(0) % below.max(1)
        }
    }

    #[test]
    fn what_arrives_in_any_order_leaves_in_order_and_the_bounds_hold() {
        const PLACES: u64 = 40;
        const BYTES: usize = 10_000;
        const JOBS: usize = 8;
        for (seed, longest) in (0..200).zip([100, 700, 2000].into_iter().cycle()) {
            let mut next = numbers(seed);
            let mut window = Window::new(PLACES, BYTES, 100);
            let (mut on_their_way, mut left, mut opened) = (Vec::new(), Vec::new(), 0);
            while left.len() < 500 {
                while opened < 500 && on_their_way.len() < JOBS && window.has_room() {
                    on_their_way.push(window.open());
                    opened += 1;
                }
                assert!(!on_their_way.is_empty(), "seed {seed}: it stands still");
                let place = on_their_way.swap_remove(next(on_their_way.len()));
                window.arrive(place, place, next(longest));
                assert!(window.next - window.oldest <= PLACES, "seed {seed}");
                // Those that were on their way may be longer than was usual when they were asked for.
                assert!(window.held <= BYTES + longest * JOBS, "seed {seed}: {}", window.held);
                left.extend(std::iter::from_fn(|| window.leave()));
            }
            assert_eq!(left, (0..500).collect::<Vec<_>>(), "seed {seed}");
            assert!(window.is_empty() && window.held == 0, "seed {seed}");
        }
    }

    #[test]
    fn while_the_oldest_is_waited_for_no_more_is_requested_than_the_window_holds() {
        let requested = |places, bytes| {
            let mut window = Window::new(places, bytes, 50);
            window.open();
            while window.has_room() {
                let place = window.open();
                window.arrive(place, (), 50);
            }
            (window.next, window.held)
        };
        assert_eq!(requested(8, 1_000_000), (8, 350));
        let (requests, held) = requested(1_000_000, 1000);
        assert!((900..=1000).contains(&held), "{held} bytes of {requests} requests");
    }

    #[test]
    fn an_answer_that_is_longer_than_all_may_be_is_let_in_alone() {
        let mut window = Window::new(8, 100, 10);
        let place = window.open();
        window.arrive(place, (), 5000);
        assert!(!window.has_room());
        assert!(window.leave().is_some() && window.has_room());
    }
}
