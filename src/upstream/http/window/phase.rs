//! How a window grows: what it is doing, and what comes after each round trip.

use std::time::{Duration, Instant};

use super::{Window, number};

/// Growth of the rate of answers that is worth a window twice as large, as in BBR.
const WORTH_DOUBLING: f64 = 1.25;
/// Round trips in a row without such growth that end slow start.
const FLAT_ROUNDS: u32 = 2;
/// How much more is in flight at the end of slow start than the rate of answers takes in the shortest round trip.
const HEADROOM: f64 = 2.0;
/// Round trips between two tries of a larger window.
const ROUNDS_HELD: u32 = 8;
/// The part by which a window is enlarged for such a try, where it is not spaced at least by 1.
const STEP: f64 = 0.125;
/// Round trips of a try: in the first, the answers are still those of the smaller window.
const ROUNDS_TRIED: u32 = 2;
/// The part of a step that the rate must grow by for the larger window to be kept.
const WORTH_A_STEP: f64 = 0.5;
/// From how many times the size that was refused on, that refusal says nothing any more.
const FAR: f64 = 2.0;
/// So many requests in flight keep most sources busy that answer within `NEAR`: 8,000 answers a second or more. Slow start ends
/// there; more are tried one by one.
pub(in crate::upstream::http) const ENOUGH_NEAR: usize = 16;
/// An answer that comes within this time is of a source on this machine or beside it.
pub(super) const NEAR: Duration = Duration::from_millis(2);
/// How long it takes to come back to the size that was refused.
const RECOVERY: Duration = Duration::from_secs(5);

/// What a window is doing.
#[derive(Debug, Clone, Copy)]
pub(super) enum Phase {
    /// `rate` is that of the last round, in answers a second; `flat` rounds brought no more
    SlowStart { rate: Option<f64>, flat: u32 },
    /// for so many `rounds`, of the mean rate `rate`
    Hold { rate: f64, rounds: u32, step: f64 },
    /// a window larger by `step`, for so many `rounds`; before it, the rate was `rate`
    Trial { rate: f64, rounds: u32, step: f64 },
    /// since it was cut at the size `refused`
    Recovery { since: Instant, refused: f64 },
}

impl Window {
    /// An answer came, and the window was used up.
    pub(super) fn grow(&mut self, now: Instant) {
        let grown = match self.phase {
            Phase::SlowStart { flat: 0, .. } if !self.is_enough() => self.size + 1.0,
            Phase::Recovery { since, refused } => {
                let time = now.saturating_duration_since(since).div_duration_f64(RECOVERY);
                let open = (1.0 - time).max(0.0).powi(3);
                self.size.max(refused * (1.0 - open / 2.0)).min(self.size + 1.0)
            }
            Phase::SlowStart { .. } | Phase::Hold { .. } | Phase::Trial { .. } => return,
        };
        self.size = grown.min(self.most);
    }

    /// The phase after a round with `rate` answers a second.
    pub(super) fn after_round(&mut self, now: Instant, rate: f64) -> Phase {
        let held = Phase::Hold { rate, rounds: 1, step: self.first_step() };
        match self.phase {
            Phase::SlowStart { rate: None, .. } => Phase::SlowStart { rate: Some(rate), flat: 0 },
            Phase::SlowStart { rate: Some(before), .. } if rate >= before * WORTH_DOUBLING => {
                Phase::SlowStart { rate: Some(rate), flat: 0 }
            }
            Phase::SlowStart { flat, .. } if flat + 1 >= FLAT_ROUNDS => {
                // It has gone too far: what is in flight beyond this only waits.
                let enough = rate * self.shortest.as_secs_f64() * HEADROOM;
                self.size = self.size.min(enough.max(self.first));
                Phase::Hold { rate, rounds: 1, step: self.first_step() }
            }
            Phase::SlowStart { rate, flat } => Phase::SlowStart { rate, flat: flat + 1 },
            Phase::Hold { rate: mean, rounds, step } => {
                let mean = mean + (rate - mean) / f64::from(rounds + 1);
                let step = step.min(self.most - self.size).max(0.0);
                if rounds < ROUNDS_HELD || step <= 0.0 {
                    return Phase::Hold { rate: mean, rounds: (rounds + 1).min(ROUNDS_HELD), step };
                }
                self.size += step;
                Phase::Trial { rate: mean, rounds: 1, step }
            }
            Phase::Trial { rate, rounds, step } if rounds < ROUNDS_TRIED => {
                Phase::Trial { rate, rounds: rounds + 1, step }
            }
            Phase::Trial { rate: before, step, .. } => {
                let small = self.size - step;
                if rate >= before * (1.0 + WORTH_A_STEP * step / small) {
                    // What helped is tried again at once, twice as far, but not where the source refused it before.
                    return match self.refused.is_some_and(|refused| self.size < refused * FAR) {
                        true => Phase::Hold { rate, rounds: 1, step: self.first_step() },
                        false => Phase::Hold { rate, rounds: ROUNDS_HELD, step: (2.0 * step).min(self.size) },
                    };
                }
                self.size = small;
                Phase::Hold { rate: before, rounds: 1, step: self.first_step() }
            }
            Phase::Recovery { since, refused } => match now.saturating_duration_since(since) < RECOVERY {
                true => Phase::Recovery { since, refused },
                false => held,
            },
        }
    }

    /// Whether the source is so near that many more requests in flight would most likely wait at its processor. The first answers
    /// come over connections that had to be opened: the fastest of them tells.
    fn is_enough(&self) -> bool {
        let is_first_round = matches!(self.phase, Phase::SlowStart { rate: None, .. });
        let took = if is_first_round { Some(self.shortest) } else { self.round_trip };
        self.size >= number(ENOUGH_NEAR) && took.is_some_and(|took| took < NEAR)
    }

    fn first_step(&self) -> f64 {
        if self.size < 1.0 { self.size * STEP } else { (self.size * STEP).max(1.0) }
    }
}
