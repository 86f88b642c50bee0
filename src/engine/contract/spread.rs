//! Arrays added to others in another order.

use rayon::prelude::*;

use super::{Layout, Loop, SHARED, merged};

/// The side of the squares in which arrays are transposed.
const SQUARE: usize = 16;

/// A copy in another order.
#[derive(Debug, Clone)]
pub(super) struct Copy {
    offset: usize,
    loops: Vec<Loop>,
    len: usize,
}

impl Copy {
    pub(super) fn new(from: &Layout, to: &Layout) -> Copy {
        let loops = to.runs.iter().map(|r| Loop {
            size: r.size,
            a: from.get(r.axis).map_or(0, |x| x.stride),
            b: 0,
            out: r.stride,
        });
        Copy {
            offset: from.offset,
            loops: merged(loops.collect()),
            len: to.len(),
        }
    }

    pub(super) fn run(&self, from: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; self.len];
        add_spread(&self.loops, 1.0, from, self.offset, &mut out, 0);
        out
    }
}

/// out += factor * from, along loops.
pub(super) fn add_spread(
    loops: &[Loop],
    factor: f64,
    from: &[f64],
    i: usize,
    out: &mut [f64],
    k: usize,
) {
    let steps: usize = loops.iter().map(|l| l.size).product();
    // Where each step of the outermost loop has a stretch of the target for itself, threads share them.
    if let [l, rest @ ..] = loops
        && steps >= SHARED
        && k == 0
        && l.size > 1
        && rest.iter().map(|r| (r.size - 1) * r.out).sum::<usize>() < l.out
    {
        let together = (SHARED / 4).div_ceil(steps / l.size);
        out.par_chunks_mut(together * l.out)
            .enumerate()
            .for_each(|(c, out)| {
                let first = c * together;
                let own = Loop {
                    size: together.min(l.size.saturating_sub(first)),
                    ..*l
                };
                let mut loops = vec![own];
                loops.extend(rest);
                spread(&loops, factor, from, i + first * l.a, out, 0);
            });
    } else {
        spread(loops, factor, from, i, out, k);
    }
}

fn spread(loops: &[Loop], factor: f64, from: &[f64], i: usize, out: &mut [f64], k: usize) {
    match loops {
        [] => out[k] += factor * from[i],
        [l] if l.a == 1 && l.out == 1 => {
            let (x, o) = (&from[i..i + l.size], &mut out[k..k + l.size]);
            o.iter_mut().zip(x).for_each(|(o, x)| *o += factor * x);
        }
        [l] => {
            for n in 0..l.size {
                out[k + n * l.out] += factor * from[i + n * l.a];
            }
        }
        // A transposition, in squares whose cache lines are used up while they are near.
        [l, r] if r.a != 1 || r.out != 1 => {
            for n0 in (0..l.size).step_by(SQUARE) {
                for m0 in (0..r.size).step_by(SQUARE) {
                    for n in n0..(n0 + SQUARE).min(l.size) {
                        for m in m0..(m0 + SQUARE).min(r.size) {
                            out[k + n * l.out + m * r.out] += factor * from[i + n * l.a + m * r.a];
                        }
                    }
                }
            }
        }
        [l, rest @ ..] => {
            for n in 0..l.size {
                spread(rest, factor, from, i + n * l.a, out, k + n * l.out);
            }
        }
    }
}
