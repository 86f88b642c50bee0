//! Sums over rows of products of table rows that each row looks up.
//!
//! ```text
//! out[target(n) + ...] += coef w_n prod_i table_i[look-up_i(n) + ...]        n rows, ... loops that all rows share
//! ```

#![allow(unsafe_code)] // calls of functions for an instruction set that was found at run time

use super::vector::dispatch::{dispatched, fused};

/// No element: a row that looks it up adds nothing.
const BLANK: u32 = u32::MAX;
/// Numbers of a sum that are added side by side.
const SIDE: usize = 8;

/// Where an array is read or written.
#[derive(Debug, Clone, Default)]
pub struct Place<'a> {
    /// How far one row goes on.
    pub row: usize,
    /// By row the element that is looked up, and how far one element goes on.
    pub gathers: Vec<(&'a [u32], usize)>,
    /// By step of the outer loops: how far it goes.
    pub outer: Vec<usize>,
    /// How far one step of the inner loop goes.
    pub inner: usize,
}

/// A sum over rows.
#[derive(Debug, Clone)]
pub struct Sum<'a> {
    /// A factor of every row.
    pub coef: f64,
    /// By row, a factor.
    pub weights: Option<&'a [f64]>,
    /// Arrays and where they are read; their inner step is 0 or 1.
    pub tables: Vec<(&'a [f64], Place<'a>)>,
    /// Where the products are added.
    pub target: Place<'a>,
    /// Steps of the inner loop.
    pub length: usize,
}

impl Place<'_> {
    #[inline(always)]
    fn at(&self, n: usize) -> Option<usize> {
        let mut at = self.row * n;
        for (elements, stride) in &self.gathers {
            match elements.get(n) {
                Some(e) if *e != BLANK => at += stride * *e as usize,
                _ => return None,
            }
        }
        Some(at)
    }
}

/// Which rows are added, in their order.
#[derive(Debug, Clone)]
pub enum Rows<'a> {
    /// Those that follow each other.
    Range(std::ops::Range<usize>),
    /// Any.
    List(&'a [u32]),
}

dispatched! {
    /// Adds rows to `out`, which begins at place `begin` of the target.
    pub fn add_rows(sum: &Sum<'_>, rows: Rows<'_>, begin: usize, out: &mut [f64]) -> () = add_rows_body;
}

#[inline(always)]
fn add_rows_body<const FUSED: bool>(sum: &Sum<'_>, rows: Rows<'_>, begin: usize, out: &mut [f64]) {
    match rows {
        Rows::Range(r) => add_each::<FUSED>(sum, r, begin, out),
        Rows::List(l) => add_each::<FUSED>(sum, l.iter().map(|n| *n as usize), begin, out),
    }
}

#[inline(always)]
fn add_each<const FUSED: bool>(
    sum: &Sum<'_>,
    rows: impl Iterator<Item = usize>,
    begin: usize,
    out: &mut [f64],
) {
    // Few tables are held in registers.
    match sum.tables.as_slice() {
        [] => few_tables::<FUSED, 0>(sum, [], rows, begin, out),
        [a] => few_tables::<FUSED, 1>(sum, [a], rows, begin, out),
        [a, b] => few_tables::<FUSED, 2>(sum, [a, b], rows, begin, out),
        [a, b, c] => few_tables::<FUSED, 3>(sum, [a, b, c], rows, begin, out),
        [a, b, c, d] => few_tables::<FUSED, 4>(sum, [a, b, c, d], rows, begin, out),
        many => many_tables::<FUSED>(sum, many, rows, begin, out),
    }
}

#[inline(always)]
fn few_tables<const FUSED: bool, const T: usize>(
    sum: &Sum<'_>,
    tables: [&(&[f64], Place<'_>); T],
    rows: impl Iterator<Item = usize>,
    begin: usize,
    out: &mut [f64],
) {
    let length = sum.length;
    'rows: for n in rows {
        let w = sum.coef * sum.weights.map_or(1.0, |w| w[n]);
        let Some(target) = sum.target.at(n) else {
            continue;
        };
        if w == 0.0 {
            continue;
        }
        let mut at = [0; T];
        for (at, (_, place)) in at.iter_mut().zip(tables) {
            match place.at(n) {
                Some(x) => *at = x,
                None => continue 'rows,
            }
        }
        for (m, o) in sum.target.outer.iter().enumerate() {
            let mut x = w;
            let mut runs: [&[f64]; T] = [&[]; T];
            let mut count = 0;
            for ((values, place), at) in tables.iter().zip(at) {
                let i = at + place.outer[m];
                if place.inner == 0 {
                    x *= values[i];
                } else {
                    runs[count] = &values[i..i + length];
                    count += 1;
                }
            }
            let o = target + o - begin;
            add_product::<FUSED>(x, &runs[..count], sum.target.inner, length, &mut out[o..]);
        }
    }
}

/// Any number of tables.
#[inline(always)]
fn many_tables<const FUSED: bool>(
    sum: &Sum<'_>,
    tables: &[(&[f64], Place<'_>)],
    rows: impl Iterator<Item = usize>,
    begin: usize,
    out: &mut [f64],
) {
    let length = sum.length;
    for n in rows {
        let w = sum.coef * sum.weights.map_or(1.0, |w| w[n]);
        let at: Option<Vec<usize>> = tables.iter().map(|(_, place)| place.at(n)).collect();
        let (Some(target), Some(at)) = (sum.target.at(n), at) else {
            continue;
        };
        for (m, o) in sum.target.outer.iter().enumerate() {
            let mut x = w;
            let mut runs: Vec<&[f64]> = Vec::with_capacity(tables.len());
            for ((values, place), at) in tables.iter().zip(&at) {
                let i = at + place.outer[m];
                match place.inner {
                    0 => x *= values[i],
                    _ => runs.push(&values[i..i + length]),
                }
            }
            if x != 0.0 {
                let o = target + o - begin;
                add_product::<FUSED>(x, &runs, sum.target.inner, length, &mut out[o..]);
            }
        }
    }
}

/// Adds x times the products of the runs to places `step` apart.
#[inline(always)]
fn add_product<const FUSED: bool>(
    x: f64,
    runs: &[&[f64]],
    step: usize,
    length: usize,
    out: &mut [f64],
) {
    match step {
        1 => add_run::<FUSED>(x, runs, &mut out[..length]),
        0 => out[0] += x * total::<FUSED>(runs, length),
        _ => {
            for l in 0..length {
                out[l * step] += x * runs.iter().map(|r| r[l]).product::<f64>();
            }
        }
    }
}

/// out += x times the products of the runs.
#[inline(always)]
fn add_run<const FUSED: bool>(x: f64, runs: &[&[f64]], out: &mut [f64]) {
    match runs {
        [] => out.iter_mut().for_each(|o| *o += x),
        [a] => by_side([a, a], out, |[a, _], o| fused::<FUSED>(x, a, o)),
        [a, b] => by_side([a, b], out, |[a, b], o| fused::<FUSED>(x * a, b, o)),
        [a, b, rest @ ..] => {
            for (l, o) in out.iter_mut().enumerate() {
                let y: f64 = rest.iter().map(|r| r[l]).product();
                *o = fused::<FUSED>(x * y * a[l], b[l], *o);
            }
        }
    }
}

/// Changes numbers side by side, whole registers as long as there are some.
#[inline(always)]
fn by_side(runs: [&[f64]; 2], out: &mut [f64], f: impl Fn([f64; 2], f64) -> f64) {
    let [a, b] = runs.map(|r| r.as_chunks::<SIDE>());
    let (wide, rest) = out.as_chunks_mut::<SIDE>();
    for ((o, a), b) in wide.iter_mut().zip(a.0).zip(b.0) {
        for i in 0..SIDE {
            o[i] = f([a[i], b[i]], o[i]);
        }
    }
    for ((o, a), b) in rest.iter_mut().zip(a.1).zip(b.1) {
        *o = f([*a, *b], *o);
    }
}

/// The sum of the products of the runs.
#[inline(always)]
fn total<const FUSED: bool>(runs: &[&[f64]], length: usize) -> f64 {
    match runs {
        [] => length as f64,
        [a] => dot::<FUSED, 1>(a, a, 1.0),
        [a, b] => dot::<FUSED, 2>(a, b, 0.0),
        [a, b, rest @ ..] => (0..length)
            .map(|l| a[l] * b[l] * rest.iter().map(|r| r[l]).product::<f64>())
            .sum(),
    }
}

/// sum a b, or sum a where there is one run.
#[inline(always)]
fn dot<const FUSED: bool, const RUNS: usize>(a: &[f64], b: &[f64], one: f64) -> f64 {
    let mut lanes = [0.0; SIDE];
    let (x, y) = (a.as_chunks::<SIDE>(), b.as_chunks::<SIDE>());
    let second = |b: f64| if RUNS == 1 { one } else { b };
    for (a, b) in x.0.iter().zip(y.0) {
        for i in 0..SIDE {
            lanes[i] = fused::<FUSED>(a[i], second(b[i]), lanes[i]);
        }
    }
    for (s, (a, b)) in lanes.iter_mut().zip(x.1.iter().zip(y.1)) {
        *s = fused::<FUSED>(*a, second(*b), *s);
    }
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + b) + (c + d)) + ((e + f) + (g + h))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_add_products_of_what_they_look_up() {
        // 3 tables: by user 3 x (2 x 9), by item 2 x 9, by row 4; the target by user, summed or not.
        let number = |i: usize| ((i * 37 + 11) % 101) as f64 / 50.0 - 1.0;
        let by_user: Vec<f64> = (0..54).map(number).collect();
        let by_item: Vec<f64> = (60..78).map(number).collect();
        let by_row: Vec<f64> = (80..84).map(number).collect();
        let users = [2, 0, BLANK, 2];
        let items = [1, 0, 1, 1];
        let weights = [1.0, 0.5, 1.0, 2.0];
        for (inner, width) in [(1, 9), (0, 1), (2, 18)] {
            let sum = Sum {
                coef: -1.5,
                weights: Some(&weights),
                tables: vec![
                    (
                        &by_user,
                        Place {
                            gathers: vec![(&users, 18)],
                            outer: vec![0, 9],
                            inner: 1,
                            ..Place::default()
                        },
                    ),
                    (
                        &by_item,
                        Place {
                            gathers: vec![(&items, 9)],
                            outer: vec![0, 0],
                            inner: 1,
                            ..Place::default()
                        },
                    ),
                    (
                        &by_row,
                        Place {
                            row: 1,
                            outer: vec![0, 0],
                            ..Place::default()
                        },
                    ),
                ],
                target: Place {
                    gathers: vec![(&users, width)],
                    outer: vec![0, 0],
                    inner,
                    ..Place::default()
                },
                length: 9,
            };
            let mut out = vec![0.0; 3 * width];
            add_rows(&sum, Rows::Range(0..4), 0, &mut out);
            let mut want = vec![0.0; 3 * width];
            for n in [0, 1, 3] {
                let (u, i) = (users[n] as usize, items[n] as usize);
                for m in 0..2 {
                    for l in 0..9 {
                        want[u * width + inner * l] += -1.5
                            * weights[n]
                            * by_user[u * 18 + 9 * m + l]
                            * by_item[i * 9 + l]
                            * by_row[n];
                    }
                }
            }
            for (a, b) in out.iter().zip(&want) {
                assert!((a - b).abs() < 1e-13, "{a} {b}");
            }
            // Element by element: the rows of user 0, and those of user 2 into their own part.
            let mut by_user = vec![0.0; 3 * width];
            add_rows(&sum, Rows::List(&[1]), 0, &mut by_user);
            add_rows(
                &sum,
                Rows::List(&[0, 3]),
                2 * width,
                &mut by_user[2 * width..],
            );
            for (a, b) in by_user.iter().zip(&want) {
                assert!((a - b).abs() < 1e-13, "{a} {b}");
            }
        }
    }
}
