//! Matrix products of a chunk of rows whose columns lie side by side: entry (f, i) of a chunk of m rows is at f m + i.
//!
//! ```text
//! product      out[w, i] = sum_f t[f, w] x[f, i]          log densities of row i under all states w
//! accumulate   sum[f, w] += sum_i x[f, i] r[w, i]         expected statistics
//! ```
//!
//! The rows fill the vector registers, so that both products, and every elementwise step between them, run over whole
//! registers whatever the number of states. On x86-64 the widest instruction set of the machine is chosen at run time. Sums over
//! f go in order and sums over rows by eight partial sums of fixed places: AVX2 and AVX-512 give the same bits.

#![allow(unsafe_code)] // calls of functions for an instruction set that was found at run time

pub(super) mod octet;

#[cfg(target_arch = "x86_64")]
use octet::{Narrow, Wide};
use octet::{OCTET, Octet, Plain};

/// A chunk has a multiple of this many rows; the last ones are 0 where there are fewer.
pub const STRIP: usize = 16;

/// The next multiple of [`STRIP`].
pub fn padded(rows: usize) -> usize {
    rows.next_multiple_of(STRIP)
}

/// out (width x m) = t' x, for t (features x width, row-major) and x (features x m).
///
/// # Panics
/// Where a slice is shorter than its shape, or m is no multiple of [`STRIP`].
pub fn product(t: &[f64], x: &[f64], features: usize, width: usize, m: usize, out: &mut [f64]) {
    assert!(m.is_multiple_of(STRIP), "padded rows");
    assert!(t.len() >= features * width && x.len() >= features * m && out.len() >= width * m);
    let shape = Shape { features, width, m };
    super::vector::choose!(product_512, product_256, product_plain, t, x, shape, out);
}

/// sum (features x width, row-major) += x r', for x (features x m) and r (width x m).
///
/// # Panics
/// As [`product`].
pub fn accumulate(x: &[f64], r: &[f64], features: usize, width: usize, m: usize, sum: &mut [f64]) {
    assert!(m.is_multiple_of(STRIP), "padded rows");
    assert!(x.len() >= features * m && r.len() >= width * m && sum.len() >= features * width);
    let shape = Shape { features, width, m };
    super::vector::choose!(
        accumulate_512,
        accumulate_256,
        accumulate_plain,
        x,
        r,
        shape,
        sum
    );
}

/// Replaces eta (states x m) by its softmax over the states, lane by lane; `log_z` gets the m normalisers. Where every
/// state is impossible, q is 0 and log Z below any floor.
///
/// # Panics
/// Where a slice is shorter than its shape.
pub fn softmax(eta: &mut [f64], states: usize, m: usize, log_z: &mut [f64]) {
    assert!(eta.len() == states * m && log_z.len() >= m);
    let mut top = vec![f64::MIN; m];
    super::vector::choose!(shift_512, shift_256, shift_plain, eta, m, &mut top);
    super::vector::exp_in_place(eta);
    let sum = &mut log_z[..m];
    super::vector::choose!(normalise_512, normalise_256, normalise_plain, eta, m, sum);
    super::vector::log_in_place(sum);
    for (z, t) in sum.iter_mut().zip(&top) {
        *z += t;
    }
}

/// out = x y, number by number, as far as all slices go.
pub fn multiply(x: &[f64], y: &[f64], out: &mut [f64]) {
    super::vector::choose!(multiply_512, multiply_256, multiply_plain, x, y, out);
}

#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx512f,avx512dq"))]
fn multiply_512<const FUSED: bool>(x: &[f64], y: &[f64], out: &mut [f64]) {
    multiply_plain(x, y, out);
}

#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
fn multiply_256<const FUSED: bool>(x: &[f64], y: &[f64], out: &mut [f64]) {
    multiply_plain(x, y, out);
}

#[inline(always)]
fn multiply_plain(x: &[f64], y: &[f64], out: &mut [f64]) {
    for ((o, x), y) in out.iter_mut().zip(x).zip(y) {
        *o = x * y;
    }
}

#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx512f,avx512dq"))]
fn shift_512<const FUSED: bool>(eta: &mut [f64], m: usize, top: &mut [f64]) {
    shift_plain(eta, m, top);
}

#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
fn shift_256<const FUSED: bool>(eta: &mut [f64], m: usize, top: &mut [f64]) {
    shift_plain(eta, m, top);
}

/// Takes the largest of each lane out.
#[inline(always)]
fn shift_plain(eta: &mut [f64], m: usize, top: &mut [f64]) {
    for row in eta.chunks_exact(m) {
        for (t, x) in top.iter_mut().zip(row) {
            *t = if *x > *t { *x } else { *t };
        }
    }
    for row in eta.chunks_exact_mut(m) {
        for (x, t) in row.iter_mut().zip(top.iter()) {
            *x -= t;
        }
    }
}

#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx512f,avx512dq"))]
fn normalise_512<const FUSED: bool>(x: &mut [f64], m: usize, sum: &mut [f64]) {
    normalise_plain(x, m, sum);
}

#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2"))]
fn normalise_256<const FUSED: bool>(x: &mut [f64], m: usize, sum: &mut [f64]) {
    normalise_plain(x, m, sum);
}

/// Divides each lane by its sum.
#[inline(always)]
fn normalise_plain(x: &mut [f64], m: usize, sum: &mut [f64]) {
    sum.fill(0.0);
    for row in x.chunks_exact(m) {
        for (s, x) in sum.iter_mut().zip(row) {
            *s += x;
        }
    }
    let inverse: Vec<f64> = sum
        .iter()
        .map(|s| if *s > 0.0 { 1.0 / s } else { 0.0 })
        .collect();
    for row in x.chunks_exact_mut(m) {
        for (x, i) in row.iter_mut().zip(&inverse) {
            *x *= i;
        }
    }
}

#[derive(Clone, Copy)]
struct Shape {
    features: usize,
    width: usize,
    m: usize,
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,fma")]
fn product_512<const FUSED: bool>(t: &[f64], x: &[f64], s: Shape, out: &mut [f64]) {
    // SAFETY: this function is compiled for the instruction set of the octets.
    unsafe { product_tiles::<Wide<FUSED>, 2, 12>(t, x, s, out) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn product_256<const FUSED: bool>(t: &[f64], x: &[f64], s: Shape, out: &mut [f64]) {
    // SAFETY: as above.
    unsafe { product_tiles::<Narrow<FUSED>, 1, 6>(t, x, s, out) }
}

fn product_plain(t: &[f64], x: &[f64], s: Shape, out: &mut [f64]) {
    // SAFETY: plain octets need no instruction set.
    unsafe { product_tiles::<Plain, 1, 4>(t, x, s, out) }
}

/// Tiles of at most `MOST` states, as even as they can be, and V octets of rows.
#[inline(always)]
unsafe fn product_tiles<O: Octet, const V: usize, const MOST: usize>(
    t: &[f64],
    x: &[f64],
    s: Shape,
    out: &mut [f64],
) {
    let tiles = s.width.div_ceil(MOST).max(1);
    let mut from = 0;
    for i in 0..tiles {
        let to = s.width * (i + 1) / tiles;
        macro_rules! tile {
            ($w:literal) => {
                // SAFETY: the caller is compiled for the octets.
                unsafe { product_tile::<O, V, $w>(t, x, s, from, out) }
            };
        }
        match to - from {
            0 => {}
            1 => tile!(1),
            2 => tile!(2),
            3 => tile!(3),
            4 => tile!(4),
            5 => tile!(5),
            6 => tile!(6),
            7 => tile!(7),
            8 => tile!(8),
            9 => tile!(9),
            10 => tile!(10),
            11 => tile!(11),
            _ => tile!(12),
        }
        from = to;
    }
}

#[inline(always)]
unsafe fn product_tile<O: Octet, const V: usize, const W: usize>(
    t: &[f64],
    x: &[f64],
    s: Shape,
    from: usize,
    out: &mut [f64],
) {
    for strip in (0..s.m).step_by(V * OCTET) {
        // SAFETY: the caller is compiled for the octets.
        unsafe {
            let mut sum = [[O::splat(0.0); V]; W];
            for f in 0..s.features {
                let Some(t) = t[f * s.width + from..].first_chunk::<W>() else {
                    return;
                };
                let mut a = [O::splat(0.0); V];
                for (v, a) in a.iter_mut().enumerate() {
                    *a = O::load(x, f * s.m + strip + v * OCTET);
                }
                for w in 0..W {
                    let b = O::splat(t[w]);
                    for v in 0..V {
                        sum[w][v] = sum[w][v].add_product(a[v], b);
                    }
                }
            }
            for (w, sum) in sum.iter().enumerate() {
                for (v, sum) in sum.iter().enumerate() {
                    let at = (from + w) * s.m + strip + v * OCTET;
                    out[at..at + OCTET].copy_from_slice(&sum.array());
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,fma")]
fn accumulate_512<const FUSED: bool>(x: &[f64], r: &[f64], s: Shape, sum: &mut [f64]) {
    // SAFETY: this function is compiled for the instruction set of the octets.
    unsafe { accumulate_tiles::<Wide<FUSED>, 4, 5>(x, r, s, sum) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn accumulate_256<const FUSED: bool>(x: &[f64], r: &[f64], s: Shape, sum: &mut [f64]) {
    // SAFETY: as above.
    unsafe { accumulate_tiles::<Narrow<FUSED>, 2, 3>(x, r, s, sum) }
}

fn accumulate_plain(x: &[f64], r: &[f64], s: Shape, sum: &mut [f64]) {
    // SAFETY: plain octets need no instruction set.
    unsafe { accumulate_tiles::<Plain, 2, 2>(x, r, s, sum) }
}

/// Tiles of F features and at most `MOST` states.
#[inline(always)]
unsafe fn accumulate_tiles<O: Octet, const F: usize, const MOST: usize>(
    x: &[f64],
    r: &[f64],
    s: Shape,
    sum: &mut [f64],
) {
    let tiles = s.width.div_ceil(MOST).max(1);
    let whole = s.features / F * F;
    let mut f = 0;
    while f < s.features {
        let mut from = 0;
        for i in 0..tiles {
            let to = s.width * (i + 1) / tiles;
            macro_rules! tile {
                ($f:expr, $w:literal) => {
                    // SAFETY: the caller is compiled for the octets.
                    unsafe { accumulate_tile::<O, { $f }, $w>(x, r, s, f, from, sum) }
                };
            }
            match (f < whole, to - from) {
                (_, 0) => {}
                (true, 1) => tile!(F, 1),
                (true, 2) => tile!(F, 2),
                (true, 3) => tile!(F, 3),
                (true, 4) => tile!(F, 4),
                (true, _) => tile!(F, 5),
                (false, 1) => tile!(1, 1),
                (false, 2) => tile!(1, 2),
                (false, 3) => tile!(1, 3),
                (false, 4) => tile!(1, 4),
                (false, _) => tile!(1, 5),
            }
            from = to;
        }
        f += if f < whole { F } else { 1 };
    }
}

#[inline(always)]
unsafe fn accumulate_tile<O: Octet, const F: usize, const W: usize>(
    x: &[f64],
    r: &[f64],
    s: Shape,
    f: usize,
    w: usize,
    sum: &mut [f64],
) {
    // SAFETY: the caller is compiled for the octets.
    unsafe {
        let mut part = [[O::splat(0.0); W]; F];
        for at in (0..s.m).step_by(OCTET) {
            let mut b = [O::splat(0.0); W];
            for (j, b) in b.iter_mut().enumerate() {
                *b = O::load(r, (w + j) * s.m + at);
            }
            for i in 0..F {
                let a = O::load(x, (f + i) * s.m + at);
                for j in 0..W {
                    part[i][j] = part[i][j].add_product(a, b[j]);
                }
            }
        }
        for (i, row) in part.iter().enumerate() {
            for (j, p) in row.iter().enumerate() {
                sum[(f + i) * s.width + w + j] += total(&p.array());
            }
        }
    }
}

/// The sum of eight numbers in a fixed order.
#[inline(always)]
pub(super) fn total(p: &[f64; OCTET]) -> f64 {
    ((p[0] + p[4]) + (p[2] + p[6])) + ((p[1] + p[5]) + (p[3] + p[7]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(n: usize, seed: u64) -> Vec<f64> {
        let mut s = seed;
        (0..n)
            .map(|_| {
                s = s
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                (s >> 11) as f64 / (1u64 << 52) as f64 - 1.0
            })
            .collect()
    }

    #[test]
    fn both_products_equal_their_loops() {
        for (features, width, m) in [
            (1, 1, 16),
            (3, 5, 32),
            (7, 13, 48),
            (66, 10, 64),
            (5, 50, 16),
        ] {
            let t = numbers(features * width, 1);
            let x = numbers(features * m, 2);
            let mut out = vec![9.0; width * m];
            product(&t, &x, features, width, m, &mut out);
            let r = numbers(width * m, 3);
            let mut sum = numbers(features * width, 4);
            let before = sum.clone();
            accumulate(&x, &r, features, width, m, &mut sum);
            for w in 0..width {
                for i in 0..m {
                    let want: f64 = (0..features).map(|f| t[f * width + w] * x[f * m + i]).sum();
                    assert!((out[w * m + i] - want).abs() < 1e-13 * features as f64);
                }
                for f in 0..features {
                    let want: f64 = (0..m).map(|i| x[f * m + i] * r[w * m + i]).sum();
                    let got = sum[f * width + w] - before[f * width + w];
                    assert!((got - want).abs() < 1e-13 * m as f64);
                }
            }
        }
    }

    #[test]
    fn softmax_runs_along_the_states() {
        let (states, m) = (5, 16);
        let mut eta: Vec<f64> = numbers(states * m, 9).iter().map(|x| 300.0 * x).collect();
        for s in 0..states {
            eta[s * m + 3] = f64::NEG_INFINITY;
        }
        eta[2 * m + 4] = f64::NEG_INFINITY;
        let before = eta.clone();
        let mut z = vec![0.0; m];
        softmax(&mut eta, states, m, &mut z);
        for i in 0..m {
            let lane: Vec<f64> = (0..states).map(|s| before[s * m + i]).collect();
            let want = crate::numeric::logsumexp::logsumexp(&lane);
            if i == 3 {
                // The floor of log 0 is far below any sum of log densities.
                assert!(z[i] < 0.5 * crate::numeric::LOG_ZERO);
                assert!((0..states).all(|s| eta[s * m + i] == 0.0));
                continue;
            }
            assert!((z[i] - want).abs() < 1e-12 * want.abs().max(1.0));
            for s in 0..states {
                assert!((eta[s * m + i] - (lane[s] - want).exp()).abs() < 1e-14);
            }
        }
    }

    #[test]
    fn fused_paths_give_the_same_bits() {
        #[cfg(target_arch = "x86_64")]
        if crate::numeric::vector::machine_has(crate::numeric::vector::InstructionSet::Avx512)
            && crate::numeric::vector::machine_has(crate::numeric::vector::InstructionSet::Avx2)
        {
            let shape = Shape {
                features: 11,
                width: 13,
                m: 48,
            };
            let (t, x) = (numbers(11 * 13, 5), numbers(11 * 48, 6));
            let (mut a, mut b) = (vec![0.0; 13 * 48], vec![0.0; 13 * 48]);
            let (mut c, mut d) = (vec![0.0; 11 * 13], vec![0.0; 11 * 13]);
            // SAFETY: the instruction sets were just found.
            unsafe {
                product_512::<true>(&t, &x, shape, &mut a);
                product_256::<true>(&t, &x, shape, &mut b);
                accumulate_512::<true>(&x, &a, shape, &mut c);
                accumulate_256::<true>(&x, &a, shape, &mut d);
            }
            assert_eq!(a, b);
            assert_eq!(c, d);
            let (mut e, mut f) = (vec![0.0; 11 * 13], vec![0.0; 11 * 13]);
            // SAFETY: as above.
            unsafe {
                product_512::<false>(&t, &x, shape, &mut a);
                accumulate_512::<false>(&x, &a, shape, &mut e);
            }
            product_plain(&t, &x, shape, &mut b);
            accumulate_plain(&x, &b, shape, &mut f);
            assert_eq!(a, b);
            assert_eq!(e, f);
        }
    }
}
