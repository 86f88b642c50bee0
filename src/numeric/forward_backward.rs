//! Forward-backward along one chain, scaled so that no product underflows.
//!
//! in: weights e (rows x states) and transition matrices M -> out: marginals, what the pairs need, and the scales.
//!
//! ```text
//! c_n alpha_n[k] = e_n[k] sum_j alpha_(n-1)[j] M_n[j, k]        sum_k alpha_n[k] = 1       log Z = sum_n log c_n
//! b_n[k] = e_n[k] beta_n[k] / c_n      beta_(n-1)[j] = sum_k M_n[j, k] b_n[k]              beta_last = 1
//! q(n = k) = alpha_n[k] beta_n[k]      q(n-1 = j, n = k) = alpha_(n-1)[j] M_n[j, k] b_n[k]
//! ```
//!
//! Rabiner 1989. Rows are as wide as whole octets, filled up with 0.

#![allow(unsafe_code)] // calls of functions for an instruction set that was found at run time

#[cfg(target_arch = "x86_64")]
use super::lanes::octet::{Narrow, Wide};
use super::lanes::octet::{OCTET, Octet, Plain};
use super::lanes::total;

/// Scales at or below this are left to the caller, who has logarithms.
pub const SMALLEST: f64 = 1e-200;

/// The transition matrices of a chain, each states x width, by row.
pub enum Transitions<'a> {
    /// One for all rows, and its transpose.
    Constant(&'a [f64], &'a [f64]),
    /// One per row, the first row's unused.
    PerRow(&'a [f64]),
}

/// Runs both directions on a chain of `scale.len()` rows.
///
/// `e`, `alpha`, `b` and `q` are rows x width. Returns false where a scale is not above [`SMALLEST`] and finite; the outputs then
/// mean nothing.
pub fn forward_backward(
    e: &[f64],
    m: &Transitions<'_>,
    states: usize,
    width: usize,
    out: Outputs<'_>,
) -> bool {
    super::vector::choose!(run_512, run_256, run_plain, e, m, states, width, out)
}

/// sum += w sum_n alpha_n b_n', states x width, for rows of alpha and b side by side.
pub fn outer_sum(alpha: &[f64], b: &[f64], w: f64, states: usize, width: usize, sum: &mut [f64]) {
    super::vector::choose!(
        outer_512,
        outer_256,
        outer_plain,
        alpha,
        b,
        w,
        states,
        width,
        sum
    );
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,fma")]
fn outer_512<const FUSED: bool>(
    alpha: &[f64],
    b: &[f64],
    w: f64,
    states: usize,
    width: usize,
    sum: &mut [f64],
) {
    // SAFETY: this function is compiled for the instruction set of the octets.
    unsafe { outer::<Wide<FUSED>>(alpha, b, w, states, width, sum) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn outer_256<const FUSED: bool>(
    alpha: &[f64],
    b: &[f64],
    w: f64,
    states: usize,
    width: usize,
    sum: &mut [f64],
) {
    // SAFETY: as above.
    unsafe { outer::<Narrow<FUSED>>(alpha, b, w, states, width, sum) }
}

fn outer_plain(alpha: &[f64], b: &[f64], w: f64, states: usize, width: usize, sum: &mut [f64]) {
    // SAFETY: plain octets need no instruction set.
    unsafe { outer::<Plain>(alpha, b, w, states, width, sum) }
}

/// Tiles of eight states by one octet.
#[inline(always)]
unsafe fn outer<O: Octet>(
    alpha: &[f64],
    b: &[f64],
    w: f64,
    states: usize,
    width: usize,
    sum: &mut [f64],
) {
    for first in (0..states).step_by(OCTET) {
        for at in (0..width).step_by(OCTET) {
            // SAFETY: the caller is compiled for the octets.
            unsafe {
                let mut part = [O::splat(0.0); OCTET];
                for (x, y) in alpha.chunks_exact(width).zip(b.chunks_exact(width)) {
                    let y = O::load(y, at);
                    // Rows are filled up with 0 to whole octets.
                    if let Some(x) = x[first..].first_chunk::<OCTET>() {
                        for (p, x) in part.iter_mut().zip(x) {
                            *p = p.add_product(O::splat(*x), y);
                        }
                    }
                }
                for (j, p) in part.iter().enumerate().take(states - first) {
                    let to = (first + j) * width + at;
                    for (s, x) in sum[to..to + OCTET].iter_mut().zip(p.array()) {
                        *s += w * x;
                    }
                }
            }
        }
    }
}

/// Where the results go.
pub struct Outputs<'a> {
    /// alpha, rows x width.
    pub alpha: &'a mut [f64],
    /// b, rows x width.
    pub b: &'a mut [f64],
    /// Marginals, rows x width.
    pub q: &'a mut [f64],
    /// c, by row.
    pub scale: &'a mut [f64],
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,fma")]
fn run_512<const FUSED: bool>(
    e: &[f64],
    m: &Transitions<'_>,
    states: usize,
    width: usize,
    out: Outputs<'_>,
) -> bool {
    // SAFETY: this function is compiled for the instruction set of the octets.
    unsafe { by_width::<Wide<FUSED>>(e, m, states, width, out) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_256<const FUSED: bool>(
    e: &[f64],
    m: &Transitions<'_>,
    states: usize,
    width: usize,
    out: Outputs<'_>,
) -> bool {
    // SAFETY: as above.
    unsafe { by_width::<Narrow<FUSED>>(e, m, states, width, out) }
}

fn run_plain(
    e: &[f64],
    m: &Transitions<'_>,
    states: usize,
    width: usize,
    out: Outputs<'_>,
) -> bool {
    // SAFETY: plain octets need no instruction set.
    unsafe { by_width::<Plain>(e, m, states, width, out) }
}

#[inline(always)]
unsafe fn by_width<O: Octet>(
    e: &[f64],
    m: &Transitions<'_>,
    states: usize,
    width: usize,
    out: Outputs<'_>,
) -> bool {
    // SAFETY: the caller is compiled for the octets.
    unsafe {
        match width / OCTET {
            1 => both::<O, 1>(e, m, states, width, out),
            2 => both::<O, 2>(e, m, states, width, out),
            3 => both::<O, 3>(e, m, states, width, out),
            4 => both::<O, 4>(e, m, states, width, out),
            _ => both::<O, 0>(e, m, states, width, out),
        }
    }
}

/// V octets per row, or any number where V = 0.
#[inline(always)]
unsafe fn both<O: Octet, const V: usize>(
    e: &[f64],
    m: &Transitions<'_>,
    states: usize,
    width: usize,
    out: Outputs<'_>,
) -> bool {
    let rows = out.scale.len();
    let row = |n: usize| n * width..(n + 1) * width;
    let size = states * width;
    // SAFETY: the caller is compiled for the octets.
    unsafe {
        // Forward. The last row enters unscaled, and its scale meets e: the sum and the product then run side by side.
        let mut inverse = 1.0;
        for n in 0..rows {
            let (before, now) = out.alpha.split_at_mut(n * width);
            let now = &mut now[..width];
            if n == 0 {
                now.copy_from_slice(&e[row(0)]);
            } else {
                let matrix = match m {
                    Transitions::Constant(m, _) => m,
                    Transitions::PerRow(m) => &m[n * size..(n + 1) * size],
                };
                let before = &before[row(n - 1)];
                product::<O, V>(before, matrix, states, width, now);
                scaled::<O>(now, &e[row(n)], inverse);
            }
            let c = sum::<O>(now);
            out.scale[n] = c;
            if !(c > SMALLEST && c.is_finite()) {
                return false;
            }
            inverse = 1.0 / c;
        }
        // Backward: beta in q until it meets alpha.
        for n in (0..rows).rev() {
            let inverse = 1.0 / out.scale[n];
            if n + 1 == rows {
                out.q[row(n)].fill(1.0);
            } else {
                let next = &out.b[row(n + 1)];
                match m {
                    Transitions::Constant(_, m) => {
                        product::<O, V>(next, m, states, width, &mut out.q[row(n)]);
                    }
                    Transitions::PerRow(m) => {
                        let matrix = &m[(n + 1) * size..(n + 2) * size];
                        let beta = &mut out.q[row(n)];
                        for (j, x) in beta.iter_mut().enumerate() {
                            *x = match matrix.get(j * width..(j + 1) * width) {
                                Some(m) => dot::<O>(m, next),
                                None => 0.0,
                            };
                        }
                    }
                }
            }
            let scale = O::splat(inverse);
            let zero = O::splat(0.0);
            for at in row(n).step_by(OCTET) {
                let beta = O::load(out.q, at);
                let b = zero.add_product(zero.add_product(O::load(e, at), beta), scale);
                let alpha = zero.add_product(O::load(out.alpha, at), scale);
                let q = zero.add_product(alpha, beta);
                out.b[at..at + OCTET].copy_from_slice(&b.array());
                out.alpha[at..at + OCTET].copy_from_slice(&alpha.array());
                out.q[at..at + OCTET].copy_from_slice(&q.array());
            }
        }
    }
    true
}

/// out = x' m: even and odd rows of m in two sums, which do not wait for each other.
#[inline(always)]
unsafe fn product<O: Octet, const V: usize>(
    x: &[f64],
    m: &[f64],
    states: usize,
    width: usize,
    out: &mut [f64],
) {
    // SAFETY: the caller is compiled for the octets.
    unsafe {
        if V > 0 {
            let mut even = [O::splat(0.0); V];
            let mut odd = [O::splat(0.0); V];
            for j in (0..states).step_by(2) {
                let a = O::splat(x[j]);
                for (v, even) in even.iter_mut().enumerate() {
                    *even = even.add_product(a, O::load(m, j * width + v * OCTET));
                }
                if j + 1 < states {
                    let a = O::splat(x[j + 1]);
                    for (v, odd) in odd.iter_mut().enumerate() {
                        *odd = odd.add_product(a, O::load(m, (j + 1) * width + v * OCTET));
                    }
                }
            }
            let unit = O::splat(1.0);
            for v in 0..V {
                let s = even[v].add_product(odd[v], unit).array();
                out[v * OCTET..(v + 1) * OCTET].copy_from_slice(&s);
            }
        } else {
            for (v, out) in out.chunks_exact_mut(OCTET).enumerate() {
                let mut sum = O::splat(0.0);
                for j in 0..states {
                    sum = sum.add_product(O::splat(x[j]), O::load(m, j * width + v * OCTET));
                }
                out.copy_from_slice(&sum.array());
            }
        }
    }
}

/// x = x e s, number by number.
#[inline(always)]
unsafe fn scaled<O: Octet>(x: &mut [f64], e: &[f64], s: f64) {
    // SAFETY: the caller is compiled for the octets.
    unsafe {
        let zero = O::splat(0.0);
        let s = O::splat(s);
        for (v, x) in x.chunks_exact_mut(OCTET).enumerate() {
            let weight = zero.add_product(O::load(e, v * OCTET), s);
            x.copy_from_slice(&zero.add_product(O::load(x, 0), weight).array());
        }
    }
}

#[inline(always)]
unsafe fn sum<O: Octet>(x: &[f64]) -> f64 {
    // SAFETY: the caller is compiled for the octets.
    unsafe {
        let unit = O::splat(1.0);
        let mut s = O::splat(0.0);
        for at in (0..x.len()).step_by(OCTET) {
            s = s.add_product(O::load(x, at), unit);
        }
        total(&s.array())
    }
}

#[inline(always)]
unsafe fn dot<O: Octet>(x: &[f64], y: &[f64]) -> f64 {
    // SAFETY: the caller is compiled for the octets.
    unsafe {
        let mut s = O::splat(0.0);
        for at in (0..x.len()).step_by(OCTET) {
            s = s.add_product(O::load(x, at), O::load(y, at));
        }
        total(&s.array())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::mixing::padded;

    /// Weights of all paths of a chain, by enumeration.
    fn enumerated(
        e: &[f64],
        m: &[Vec<f64>],
        states: usize,
        rows: usize,
    ) -> (f64, Vec<f64>, Vec<f64>) {
        let mut z = 0.0;
        let mut q = vec![0.0; rows * states];
        let mut pairs = vec![0.0; rows * states * states];
        for path in 0..states.pow(rows as u32) {
            let at = |n: usize| path / states.pow(n as u32) % states;
            let mut w = 1.0;
            for n in 0..rows {
                w *= e[n * states + at(n)];
                if n > 0 {
                    w *= m[n][at(n - 1) * states + at(n)];
                }
            }
            z += w;
            for n in 0..rows {
                q[n * states + at(n)] += w;
                if n > 0 {
                    pairs[(n * states + at(n - 1)) * states + at(n)] += w;
                }
            }
        }
        q.iter_mut().chain(&mut pairs).for_each(|x| *x /= z);
        (z, q, pairs)
    }

    fn check(states: usize, rows: usize, constant: bool) {
        let width = padded(states);
        let number = |i: usize| 0.05 + ((i * 7919 + 13) % 101) as f64 / 101.0;
        let e: Vec<f64> = (0..rows * states).map(number).collect();
        let m: Vec<Vec<f64>> = (0..rows)
            .map(|n| {
                let n = if constant { 0 } else { n };
                (0..states * states)
                    .map(|i| number(i + 31 * n + 5))
                    .collect()
            })
            .collect();
        let spread = |x: &[f64], wide: usize| -> Vec<f64> {
            let mut out = vec![0.0; x.len() / states * wide];
            for (i, v) in x.iter().enumerate() {
                out[i / states * wide + i % states] = *v;
            }
            out
        };
        let we = spread(&e, width);
        let matrices: Vec<f64> = m.iter().flat_map(|m| spread(m, width)).collect();
        let mut transposed = vec![0.0; states * states];
        for j in 0..states {
            for k in 0..states {
                transposed[k * states + j] = m[0][j * states + k];
            }
        }
        let transposed = spread(&transposed, width);
        let transitions = if constant {
            Transitions::Constant(&matrices[..states * width], &transposed)
        } else {
            Transitions::PerRow(&matrices)
        };
        let (mut alpha, mut b, mut q) = (
            vec![0.0; rows * width],
            vec![0.0; rows * width],
            vec![0.0; rows * width],
        );
        let mut scale = vec![0.0; rows];
        assert!(forward_backward(
            &we,
            &transitions,
            states,
            width,
            Outputs {
                alpha: &mut alpha,
                b: &mut b,
                q: &mut q,
                scale: &mut scale,
            },
        ));
        let (z, want, pairs) = enumerated(&e, &m, states, rows);
        if constant && rows > 1 {
            let mut sum = vec![0.0; states * width];
            let last = (rows - 1) * width;
            outer_sum(&alpha[..last], &b[width..], 2.0, states, width, &mut sum);
            for j in 0..states {
                for k in 0..states {
                    let want: f64 = (1..rows)
                        .map(|n| pairs[(n * states + j) * states + k])
                        .sum();
                    let got = sum[j * width + k] * m[0][j * states + k];
                    assert!((got - 2.0 * want).abs() < 1e-12);
                }
            }
        }
        let log_z: f64 = scale.iter().map(|c| c.ln()).sum();
        assert!((log_z - z.ln()).abs() < 1e-12);
        for n in 0..rows {
            for k in 0..states {
                assert!((q[n * width + k] - want[n * states + k]).abs() < 1e-13);
                for j in 0..states {
                    if n > 0 {
                        let got =
                            alpha[(n - 1) * width + j] * m[n][j * states + k] * b[n * width + k];
                        let want = pairs[(n * states + j) * states + k];
                        assert!((got - want).abs() < 1e-13);
                    }
                }
            }
        }
    }

    #[test]
    fn chains_agree_with_enumeration() {
        for (states, rows) in [(1, 4), (2, 1), (2, 7), (3, 5), (8, 4), (9, 3), (34, 2)] {
            check(states, rows, true);
            check(states, rows, false);
        }
    }

    #[test]
    fn an_impossible_row_is_told() {
        let e = vec![0.0; 16];
        let m = vec![0.5; 16];
        let mut x = vec![vec![0.0; 16]; 3];
        let [alpha, b, q] = x.as_mut_slice() else {
            return;
        };
        let mut scale = vec![0.0; 2];
        let out = Outputs {
            alpha,
            b,
            q,
            scale: &mut scale,
        };
        assert!(!forward_backward(
            &e,
            &Transitions::Constant(&m, &m),
            2,
            8,
            out
        ));
    }
}
