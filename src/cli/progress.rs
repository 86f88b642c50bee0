//! Progress on standard error: a bar on a terminal, elsewhere a line now and then.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output::say;
use crate::engine::run::Progress;

/// Shows the iterations of a run.
pub(super) struct Shown {
    how: How,
    restarts: usize,
    started: Instant,
}

enum How {
    Quiet,
    Lines,
    /// The bar appears only in runs that are long enough to be read.
    Bar {
        bar: Option<ProgressBar>,
        most: u64,
    },
}

impl Shown {
    pub(super) fn new(quiet: bool, most: usize, restarts: usize) -> Self {
        let how = match (quiet, io::stderr().is_terminal()) {
            (true, _) => How::Quiet,
            (false, true) => How::Bar {
                bar: None,
                most: most as u64,
            },
            (false, false) => How::Lines,
        };
        Shown {
            how,
            restarts,
            started: Instant::now(),
        }
    }

    /// One more iteration.
    pub(super) fn tell(&mut self, p: &Progress) {
        let start = if self.restarts > 1 {
            format!("start {} of {}, ", p.restart + 1, self.restarts)
        } else {
            String::new()
        };
        let change = p
            .change
            .map_or(String::new(), |c| format!(", change {c:.2e}"));
        match &mut self.how {
            How::Quiet => {}
            How::Lines => {
                if is_round(p.iteration) {
                    say(&format!(
                        "{start}iteration {}, objective {:.6}{change}",
                        p.iteration, p.objective
                    ));
                }
            }
            How::Bar { bar, most } => {
                if bar.is_none() && self.started.elapsed() > Duration::from_millis(200) {
                    let target = ProgressDrawTarget::stderr_with_hz(10);
                    let new = ProgressBar::with_draw_target(Some(*most), target);
                    if let Ok(style) = ProgressStyle::with_template(
                        "{wide_bar} {pos} of at most {len} {msg} (at most {eta} left)",
                    ) {
                        new.set_style(style);
                    }
                    *bar = Some(new);
                }
                if let Some(bar) = bar {
                    bar.set_message(format!("{start}objective {:.4}{change}", p.objective));
                    bar.set_position(p.iteration as u64);
                }
            }
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        if let How::Bar { bar: Some(bar), .. } = &self.how {
            bar.finish_and_clear();
        }
    }
}

/// 1, 2, 5, 10, 20, 50, ...
fn is_round(n: usize) -> bool {
    let mut m = n;
    while m >= 10 && m.is_multiple_of(10) {
        m /= 10;
    }
    matches!(m, 1 | 2 | 5)
}

#[cfg(test)]
mod tests {
    #[test]
    fn lines_grow_rare() {
        let told: Vec<usize> = (0..300).filter(|n| super::is_round(*n)).collect();
        assert_eq!(told, [1, 2, 5, 10, 20, 50, 100, 200]);
    }
}
