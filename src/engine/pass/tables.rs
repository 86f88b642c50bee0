//! Chunks of rows all of whose keys are gathers: exp is taken of the tables, rows are products of table rows.
//!
//! ```text
//! T'_key[e, k] = exp(T_key[e, k] - max_k T_key[e, k])        p_n[k] = prod over keys T'_key[column[n], k]
//! r_n = p_n / sum p_n        log Z_n = log sum p_n + sum over keys of the maxima
//! ```
//!
//! A row whose product underflows is done again with logarithms.

use rayon::prelude::*;

use crate::numeric::lines::Lines;
use crate::numeric::mixing::{Entries, SMALLEST, Sums, mix, padded};
use crate::numeric::vector::{exp_in_place, log_in_place};

use super::{BoundKey, BoundPass, Part, PassResult, RowResults, Table, softmax};

/// Table rows that a thread makes or merges at once.
const TOGETHER: usize = 512;

/// Rows of a chunk's list of table rows.
const BATCH: usize = 256;

/// Exponentials of the tables of a pass.
pub(super) struct ExpTables<'a> {
    tables: &'a [Table],
    /// By key: rows of `width` numbers.
    exps: Vec<Lines>,
    /// By key and row: what was taken out.
    shifts: Vec<Vec<f64>>,
    /// By key: table rows that a data position and each gather step over.
    steps: Vec<(usize, Vec<usize>)>,
    width: usize,
    all: Vec<usize>,
}

impl<'a> ExpTables<'a> {
    /// `None` where some key is no plain gather.
    pub(super) fn new(pass: &BoundPass, tables: &'a [Table]) -> Option<ExpTables<'a>> {
        let plain = |k: &super::BoundKey| {
            k.full && !k.local_data() && if k.dense() { k.data.is_empty() } else { k.mask }
        };
        let some = pass.keys.iter().any(|k| !k.dense());
        if !pass.exp_tables
            || pass.hard
            || !pass.clamps.is_empty()
            || !some
            || !pass.keys.iter().all(plain)
        {
            return None;
        }
        let states = pass.states.max(1);
        let width = padded(states);
        let (mut exps, mut shifts) = (vec![], vec![]);
        for t in tables {
            let rows = t.len() / states;
            let mut wide = Lines::filled(0.0, rows * width);
            let mut shift = vec![0.0; rows];
            wide.par_chunks_mut(TOGETHER * width)
                .zip(shift.par_chunks_mut(TOGETHER))
                .zip(t.par_chunks(TOGETHER * states))
                .for_each(|((wide, shift), t)| exponentials(wide, shift, t, width, states));
            exps.push(wide);
            shifts.push(shift);
        }
        Some(ExpTables {
            tables,
            exps,
            shifts,
            steps: pass
                .keys
                .iter()
                .map(|k| {
                    let gathers = k.selectors.iter().map(|(_, s)| s / states);
                    (k.stride / states, gathers.collect())
                })
                .collect(),
            width,
            all: (0..pass.keys.len()).collect(),
        })
    }

    /// Runs chunks into one partial sum.
    pub(super) fn part(&self, pass: &BoundPass, chunks: &[(usize, usize)], keep: bool) -> Part {
        let states = pass.states.max(1);
        let mut result = PassResult::default();
        let mut kept = vec![];
        let plain = self.plain(pass);
        let (starts, mut sums) = self.empty_sums(plain.as_deref(), chunks);
        let mut entries = Entries::default();
        let mut weights = vec![];
        let mut shift = vec![];
        let mut totals = vec![];
        let mut wide = vec![];
        let per_batch = (BATCH / pass.elements.max(1)).max(1);
        for &(from, to) in chunks {
            let mut rows = RowResults::default();
            let mut start = from;
            while start < to {
                let end = (start + per_batch).min(to);
                entries.clear();
                weights.clear();
                shift.clear();
                let listed = plain
                    .as_ref()
                    .is_some_and(|p| fill(p, start, end, &mut entries, &mut shift));
                if !listed {
                    entries.clear();
                    shift.clear();
                    for n in start..end {
                        for e in 0..pass.elements {
                            shift.push(self.list(pass, n, e, &mut entries));
                        }
                    }
                }
                match &pass.weights {
                    Some(w) if pass.elements == 1 => weights.extend_from_slice(&w[start..end]),
                    _ => {
                        for n in start..end {
                            weights.extend(std::iter::repeat_n(pass.weight(n), pass.elements));
                        }
                    }
                }
                totals.clear();
                totals.resize(shift.len(), 0.0);
                if keep {
                    wide.clear();
                    wide.resize(shift.len() * self.width, 0.0);
                }
                mix(
                    &self.exps,
                    &entries,
                    self.width,
                    pass.weights.as_ref().map(|_| weights.as_slice()),
                    &mut totals,
                    Sums {
                        starts: &starts,
                        sums: &mut sums,
                    },
                    keep.then_some(wide.as_mut_slice()),
                );
                let failed: Vec<(usize, f64, Vec<f64>)> = totals
                    .iter()
                    .enumerate()
                    .filter(|(_, t)| !(**t > SMALLEST && t.is_finite()))
                    .map(|(i, _)| {
                        let mut eta = vec![0.0; states];
                        let n = start + i / pass.elements;
                        pass.gather_eta(&self.all, self.tables, n, i % pass.elements, &mut eta);
                        let z = softmax(&mut eta);
                        (i, z, eta)
                    })
                    .collect();
                log_in_place(&mut totals);
                for (t, s) in totals.iter_mut().zip(&shift) {
                    *t += s;
                }
                for (i, z, q) in &failed {
                    totals[*i] = *z;
                    let scale = weights[*i];
                    for (g, row) in entries.row(*i) {
                        let at = (*row as usize - starts[*g as usize]) * self.width;
                        let sum = &mut sums[*g as usize][at..at + states];
                        for (s, q) in sum.iter_mut().zip(q) {
                            *s += scale * q;
                        }
                    }
                    if keep {
                        wide[i * self.width..i * self.width + states].copy_from_slice(q);
                    }
                }
                pass.check(&mut result, &totals, start);
                if keep {
                    for q in wide.chunks(self.width) {
                        rows.q.extend_from_slice(&q[..states]);
                    }
                    rows.log_z.extend_from_slice(&totals);
                }
                start = end;
            }
            if keep {
                kept.push((from, rows));
            }
        }
        Part {
            result,
            kept,
            wide: starts.into_iter().zip(sums).collect(),
        }
    }

    /// Sums of 0 for the table rows that these rows can read: sorted labels read a small part of a table.
    fn empty_sums(
        &self,
        plain: Option<&[LookUp<'_>]>,
        chunks: &[(usize, usize)],
    ) -> (Vec<usize>, Vec<Lines>) {
        let rows = match (chunks.first(), chunks.last()) {
            (Some((from, _)), Some((_, to))) => *from..*to,
            _ => 0..0,
        };
        let span = |(g, e): (usize, &Lines)| {
            let all = (0, e.len() / self.width);
            let (start, end) = plain.map_or(all, |p| p[g].span(rows.clone()).unwrap_or(all));
            (start, Lines::filled(0.0, (end - start) * self.width))
        };
        self.exps.iter().enumerate().map(span).unzip()
    }

    /// Adds up partial sums in order, and leaves out what fills rows up.
    pub(super) fn merge(&self, parts: &[Part], states: usize, accumulated: &mut [Vec<f64>]) {
        for (g, out) in accumulated.iter_mut().enumerate() {
            out.par_chunks_mut(states * TOGETHER)
                .enumerate()
                .for_each(|(c, out)| {
                    for (start, wide) in parts.iter().filter_map(|p| p.wide.get(g)) {
                        let first = c * TOGETHER;
                        let skipped = start.saturating_sub(first);
                        let from = first.saturating_sub(*start) * self.width;
                        let rows = wide.get(from..).unwrap_or(&[]).chunks(self.width);
                        for (o, s) in out.chunks_mut(states).skip(skipped).zip(rows) {
                            for (o, s) in o.iter_mut().zip(s) {
                                *o += s;
                            }
                        }
                    }
                });
        }
    }

    /// The keys as one look-up each, where all are.
    fn plain<'p>(&'p self, pass: &'p BoundPass) -> Option<Vec<LookUp<'p>>> {
        let look_up = |(g, k): (usize, &'p BoundKey)| {
            let one = k.positions == 1 && k.data.is_empty();
            let (c, step) = match (k.selectors.as_slice(), self.steps[g].1.as_slice()) {
                ([(c, _)], [step]) if one => (c, *step),
                _ => return None,
            };
            Some(LookUp {
                values: &c.values,
                width: c.width,
                inner: c.by_data[0],
                step,
                shifts: &self.shifts[g],
            })
        };
        (pass.elements == 1)
            .then(|| pass.keys.iter().enumerate().map(look_up).collect())
            .flatten()
    }

    /// Lists the table rows that an element of a row reads; returns the sum of their shifts.
    #[inline]
    fn list(&self, pass: &BoundPass, n: usize, e: usize, entries: &mut Entries) -> f64 {
        let mut shift = 0.0;
        for (g, k) in pass.keys.iter().enumerate() {
            for a in 0..k.positions {
                if !k.data.is_empty() && k.factor(n, a) == 0.0 {
                    continue;
                }
                let Some(row) = k.base_in(n, a, &self.steps[g]) else {
                    continue;
                };
                let row = row + e;
                shift += self.shifts[g][row];
                entries.list.push((g as u32, row as u32));
            }
        }
        entries.end_row();
        shift
    }
}

/// A key that looks up one table row for every row.
struct LookUp<'p> {
    values: &'p [u32],
    width: usize,
    inner: usize,
    step: usize,
    shifts: &'p [f64],
}

impl LookUp<'_> {
    /// The first table row that these rows read and the one after the last; `None` where a look-up is blank or there are none.
    fn span(&self, rows: std::ops::Range<usize>) -> Option<(usize, usize)> {
        let values = self
            .values
            .get(rows.start * self.width..rows.end * self.width)?;
        let own = values.iter().skip(self.inner).step_by(self.width);
        let (low, high) = match self.width {
            1 => extremes(values.iter()),
            _ => extremes(own),
        };
        (low <= high && high != crate::data::BLANK)
            .then(|| (low as usize * self.step, (high as usize + 1) * self.step))
    }
}

/// The least and the largest.
fn extremes<'a>(values: impl Iterator<Item = &'a u32>) -> (u32, u32) {
    values.fold((u32::MAX, 0), |(low, high), v| (low.min(*v), high.max(*v)))
}

/// Lists the table rows of rows; false where some look-up is blank.
fn fill(
    look_ups: &[LookUp<'_>],
    start: usize,
    end: usize,
    entries: &mut Entries,
    shift: &mut Vec<f64>,
) -> bool {
    let count = look_ups.len();
    let rows = end - start;
    entries.list.resize(rows * count, (0, 0));
    shift.resize(rows, 0.0);
    for (g, l) in look_ups.iter().enumerate() {
        let list = entries.list.iter_mut().skip(g).step_by(count);
        let values = l.values[start * l.width..].iter().skip(l.inner);
        for ((entry, s), v) in list.zip(shift.iter_mut()).zip(values.step_by(l.width)) {
            if *v == crate::data::BLANK {
                return false;
            }
            let row = *v as usize * l.step;
            *s += l.shifts[row];
            *entry = (g as u32, row as u32);
        }
    }
    entries.ends.extend((1..=rows).map(|i| (i * count) as u32));
    true
}

/// Exponentials of table rows over their maxima, which are kept; what fills rows up is 0.
fn exponentials(wide: &mut [f64], shift: &mut [f64], t: &[f64], width: usize, states: usize) {
    for ((out, m), row) in wide
        .chunks_mut(width)
        .zip(shift.iter_mut())
        .zip(t.chunks(states))
    {
        *m = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let (out, rest) = out.split_at_mut(row.len());
        for (o, x) in out.iter_mut().zip(row) {
            *o = x - *m;
        }
        rest.fill(f64::NEG_INFINITY);
    }
    exp_in_place(wide);
}
