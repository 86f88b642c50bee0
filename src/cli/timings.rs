//! `--timings`: when each iteration ended, and how long each stage took, as one line.

use std::time::Instant;

use crate::engine::run::Progress;
use crate::fit::learn::Stages;

/// The ends of the iterations.
#[derive(Default)]
pub(super) struct Laps {
    last: Option<(usize, Instant)>,
    seconds: Vec<f64>,
}

impl Laps {
    /// An iteration, or the start that it goes on from, has just ended.
    pub(super) fn end_of(&mut self, p: &Progress) {
        let now = Instant::now();
        // The first of a start holds the start too.
        if let Some((restart, then)) = self.last
            && restart == p.restart
        {
            self.seconds.push((now - then).as_secs_f64());
        }
        self.last = Some((p.restart, now));
    }

    /// `timings: read 0.1 compile 0.001 ... seconds`
    pub(super) fn text(mut self, stages: &Stages, write: f64) -> String {
        let iterations: f64 = self.seconds.iter().sum();
        self.seconds.sort_by(f64::total_cmp);
        let at = |k: usize| self.seconds.get(k).copied().unwrap_or(f64::NAN);
        let n = self.seconds.len();
        let middle = 0.5 * (at(n.saturating_sub(1) / 2) + at(n / 2));
        format!(
            "timings: read {:.6}, compile {:.6}, bind {:.6}, start {:.6}, iterations {iterations:.6}, record {:.6}, write {write:.6} \
             seconds; {n} iterations after the first: median {:.6}, least {:.6}, most {:.6} seconds",
            stages.read,
            stages.compile,
            stages.bind,
            stages.run - iterations,
            stages.record,
            middle,
            at(0),
            at(n.saturating_sub(1)),
        )
    }
}
