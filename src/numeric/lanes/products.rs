//! Matrix products: x is features x m, r is width x m, t and the sum are features x width, row-major.

#[cfg(target_arch = "x86_64")]
use super::octet::{Narrow, Wide};
use super::octet::{OCTET, Octet, Plain, fetch};
use super::{STRIP, total};

/// out (width x m) = t' x, for t (features x width, row-major) and x (features x m). Meanwhile the numbers `ahead`, which are
/// wanted next, are on their way from memory.
///
/// # Panics
/// Where a slice is shorter than its shape, or m is no multiple of [`STRIP`].
pub fn product(
    t: &[f64],
    x: &[f64],
    features: usize,
    width: usize,
    m: usize,
    out: &mut [f64],
    ahead: &[&[f64]],
) {
    assert!(m.is_multiple_of(STRIP), "padded rows");
    assert!(t.len() >= features * width && x.len() >= features * m && out.len() >= width * m);
    let shape = Shape { features, width, m };
    crate::numeric::vector::choose!(
        product_512,
        product_256,
        product_plain,
        t,
        x,
        shape,
        out,
        ahead
    );
}

/// sum (features x width, row-major) += x r', for x (features x m) and r (width x m).
///
/// # Panics
/// As [`product`].
pub fn accumulate(x: &[f64], r: &[f64], features: usize, width: usize, m: usize, sum: &mut [f64]) {
    assert!(m.is_multiple_of(STRIP), "padded rows");
    assert!(x.len() >= features * m && r.len() >= width * m && sum.len() >= features * width);
    let shape = Shape { features, width, m };
    crate::numeric::vector::choose!(
        accumulate_512,
        accumulate_256,
        accumulate_plain,
        x,
        r,
        shape,
        sum
    );
}

#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub(super) features: usize,
    pub(super) width: usize,
    pub(super) m: usize,
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,fma")]
pub(super) fn product_512<const FUSED: bool>(
    t: &[f64],
    x: &[f64],
    s: Shape,
    out: &mut [f64],
    ahead: &[&[f64]],
) {
    // SAFETY: this function is compiled for the instruction set of the octets.
    unsafe { product_tiles::<Wide<FUSED>, 2, 12>(t, x, s, out, ahead) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
pub(super) fn product_256<const FUSED: bool>(
    t: &[f64],
    x: &[f64],
    s: Shape,
    out: &mut [f64],
    ahead: &[&[f64]],
) {
    // SAFETY: as above.
    unsafe { product_tiles::<Narrow<FUSED>, 1, 6>(t, x, s, out, ahead) }
}

pub(super) fn product_plain(t: &[f64], x: &[f64], s: Shape, out: &mut [f64], ahead: &[&[f64]]) {
    // SAFETY: plain octets need no instruction set.
    unsafe { product_tiles::<Plain, 1, 4>(t, x, s, out, ahead) }
}

/// Tiles of at most `MOST` states, as even as they can be, and V octets of rows.
#[inline(always)]
unsafe fn product_tiles<O: Octet, const V: usize, const MOST: usize>(
    t: &[f64],
    x: &[f64],
    s: Shape,
    out: &mut [f64],
    ahead: &[&[f64]],
) {
    let tiles = s.width.div_ceil(MOST).max(1);
    let mut from = 0;
    for i in 0..tiles {
        let to = s.width * (i + 1) / tiles;
        macro_rules! tile {
            ($w:literal) => {
                // SAFETY: the caller is compiled for the octets.
                unsafe { product_tile::<O, V, $w>(t, x, s, from, out, ahead) }
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
    ahead: &[&[f64]],
) {
    for strip in (0..s.m).step_by(V * OCTET) {
        if from == 0 {
            for a in ahead {
                let part = |i: usize| a.len() * i / s.m;
                fetch(&a[part(strip)..part(strip + V * OCTET)]);
            }
        }
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
pub(super) fn accumulate_512<const FUSED: bool>(x: &[f64], r: &[f64], s: Shape, sum: &mut [f64]) {
    // SAFETY: this function is compiled for the instruction set of the octets.
    unsafe { accumulate_tiles::<Wide<FUSED>, 4, 5>(x, r, s, sum) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
pub(super) fn accumulate_256<const FUSED: bool>(x: &[f64], r: &[f64], s: Shape, sum: &mut [f64]) {
    // SAFETY: as above.
    unsafe { accumulate_tiles::<Narrow<FUSED>, 2, 3>(x, r, s, sum) }
}

pub(super) fn accumulate_plain(x: &[f64], r: &[f64], s: Shape, sum: &mut [f64]) {
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
            for (i, part) in part.iter_mut().enumerate() {
                let a = O::load(x, (f + i) * s.m + at);
                for (part, b) in part.iter_mut().zip(b) {
                    *part = part.add_product(a, b);
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
