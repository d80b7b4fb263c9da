//! The progress bar: on standard error, only on a terminal, only once the work has taken a while.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use parking_lot::Mutex;

use crate::sumdb::number::wide;

/// Work that ends sooner shows no bar.
const PATIENCE: Duration = Duration::from_millis(500);
const TEMPLATE: &str = "{msg:>14} {wide_bar} {human_pos}/{human_len}";
/// For work that takes minutes or hours.
const LONG_TEMPLATE: &str = "{msg} {wide_bar} {human_pos}/{human_len} {per_sec} {eta} left";

/// A bar that stages of work report to.
pub(super) struct Bar {
    started: Instant,
    bar: Mutex<Option<ProgressBar>>,
    template: &'static str,
}

impl Bar {
    pub(super) fn new() -> Bar {
        Bar { started: Instant::now(), bar: Mutex::new(None), template: TEMPLATE }
    }

    /// One that also shows the speed and the remaining time.
    pub(super) fn long() -> Bar {
        Bar { template: LONG_TEMPLATE, ..Bar::new() }
    }

    /// `done` of `total` steps of `stage`.
    pub(super) fn show(&self, stage: &str, done: usize, total: usize) {
        self.show_from(0, stage, wide(done), wide(total));
    }

    /// The same, where `first` steps had been done before.
    pub(super) fn show_from(&self, first: u64, stage: &str, done: u64, total: u64) {
        if self.started.elapsed() < PATIENCE {
            return;
        }
        let mut slot = self.bar.lock();
        let bar = slot.get_or_insert_with(|| {
            // Draws nothing where standard error is not a terminal.
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let bar = bar.with_position(first);
            bar.with_style(ProgressStyle::with_template(self.template).unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        bar.set_length(total);
        bar.set_position(done);
        bar.set_message(stage.to_owned());
    }

    /// Takes the bar off the screen.
    pub(super) fn clear(&self) {
        if let Some(bar) = self.bar.lock().take() {
            bar.finish_and_clear();
        }
    }
}
