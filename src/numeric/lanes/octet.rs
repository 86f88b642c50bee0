//! Eight numbers as one value, in the registers of each instruction set.
//!
//! The arithmetic is that of eight separate numbers in every implementation: the same bits wherever products are fused, and
//! everywhere where they are not.

#![allow(unsafe_code)] // instructions of the set that the caller's function was compiled for

use crate::numeric::vector::fused;

/// Numbers in an octet.
pub const OCTET: usize = 8;

/// Eight numbers.
///
/// # Safety
/// The methods of an implementation are called only inside functions compiled for its instruction set.
pub trait Octet: Copy {
    /// Eight times x.
    unsafe fn splat(x: f64) -> Self;
    /// The numbers at x[at..at + 8]; zeros where the slice ends before.
    unsafe fn load(x: &[f64], at: usize) -> Self;
    /// a b + self.
    unsafe fn add_product(self, a: Self, b: Self) -> Self;
    /// As an array.
    unsafe fn array(self) -> [f64; OCTET];
    /// scale self + shift; where that is NaN, 0.
    unsafe fn on_line(self, scale: Self, shift: Self) -> Self;
    /// Number j of octet i becomes number i of octet j.
    unsafe fn turned(rows: [Self; OCTET]) -> [Self; OCTET];
}

/// Without vector instructions, or with those that the compiler finds.
#[derive(Clone, Copy)]
pub struct Plain([f64; OCTET]);

impl Octet for Plain {
    #[inline(always)]
    unsafe fn splat(x: f64) -> Self {
        Plain([x; OCTET])
    }

    #[inline(always)]
    unsafe fn load(x: &[f64], at: usize) -> Self {
        Plain(
            x.get(at..)
                .and_then(|x| x.first_chunk().copied())
                .unwrap_or([0.0; OCTET]),
        )
    }

    #[inline(always)]
    unsafe fn add_product(self, a: Self, b: Self) -> Self {
        Plain(std::array::from_fn(|i| {
            fused::<false>(a.0[i], b.0[i], self.0[i])
        }))
    }

    #[inline(always)]
    unsafe fn array(self) -> [f64; OCTET] {
        self.0
    }

    #[inline(always)]
    unsafe fn on_line(self, scale: Self, shift: Self) -> Self {
        Plain(std::array::from_fn(|i| {
            let x = fused::<false>(self.0[i], scale.0[i], shift.0[i]);
            if x.is_nan() { 0.0 } else { x }
        }))
    }

    #[inline(always)]
    unsafe fn turned(rows: [Self; OCTET]) -> [Self; OCTET] {
        std::array::from_fn(|j| Plain(std::array::from_fn(|i| rows[i].0[j])))
    }
}

/// Asks for the cache lines of these numbers.
#[inline(always)]
pub fn fetch(x: &[f64]) {
    #[cfg(target_arch = "x86_64")]
    for line in x.chunks(OCTET) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint on a place that is there to read.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = x;
}

#[cfg(target_arch = "x86_64")]
pub use x86::{Narrow, Wide};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m256d, __m512d, _CMP_ORD_Q, _mm256_add_pd, _mm256_and_pd, _mm256_cmp_pd, _mm256_fmadd_pd,
        _mm256_loadu_pd, _mm256_mul_pd, _mm256_permute2f128_pd, _mm256_set1_pd, _mm256_storeu_pd,
        _mm256_unpackhi_pd, _mm256_unpacklo_pd, _mm512_add_pd, _mm512_cmp_pd_mask, _mm512_fmadd_pd,
        _mm512_loadu_pd, _mm512_maskz_mov_pd, _mm512_mul_pd, _mm512_set1_pd, _mm512_shuffle_f64x2,
        _mm512_storeu_pd, _mm512_unpackhi_pd, _mm512_unpacklo_pd,
    };

    use super::{OCTET, Octet};

    /// One AVX-512 register; products are fused with the sum or not.
    #[derive(Clone, Copy)]
    pub struct Wide<const FUSED: bool>(__m512d);

    impl<const FUSED: bool> Octet for Wide<FUSED> {
        #[inline(always)]
        unsafe fn splat(x: f64) -> Self {
            // SAFETY: the caller is compiled for AVX-512.
            Wide(unsafe { _mm512_set1_pd(x) })
        }

        #[inline(always)]
        unsafe fn load(x: &[f64], at: usize) -> Self {
            match x.get(at..at + OCTET) {
                // SAFETY: eight numbers lie there; the caller is compiled for AVX-512.
                Some(x) => Wide(unsafe { _mm512_loadu_pd(x.as_ptr()) }),
                None => unsafe { Self::splat(0.0) },
            }
        }

        #[inline(always)]
        unsafe fn add_product(self, a: Self, b: Self) -> Self {
            // SAFETY: the caller is compiled for AVX-512.
            Wide(unsafe {
                if FUSED {
                    _mm512_fmadd_pd(a.0, b.0, self.0)
                } else {
                    _mm512_add_pd(_mm512_mul_pd(a.0, b.0), self.0)
                }
            })
        }

        #[inline(always)]
        unsafe fn array(self) -> [f64; OCTET] {
            let mut out = [0.0; OCTET];
            // SAFETY: the array has room for eight numbers; the caller is compiled for AVX-512.
            unsafe { _mm512_storeu_pd(out.as_mut_ptr(), self.0) };
            out
        }

        #[inline(always)]
        unsafe fn on_line(self, scale: Self, shift: Self) -> Self {
            // SAFETY: the caller is compiled for AVX-512.
            unsafe {
                let x = shift.add_product(self, scale).0;
                Wide(_mm512_maskz_mov_pd(
                    _mm512_cmp_pd_mask::<_CMP_ORD_Q>(x, x),
                    x,
                ))
            }
        }

        #[inline(always)]
        unsafe fn turned(r: [Self; OCTET]) -> [Self; OCTET] {
            // SAFETY: the caller is compiled for AVX-512.
            unsafe {
                // Macros: closures would not be compiled for AVX-512. Pairs of columns in each quarter, then quarters.
                macro_rules! quarters {
                    ($of:ident) => {{
                        let (p, q) = ($of(r[0].0, r[1].0), $of(r[2].0, r[3].0));
                        let (s, t) = ($of(r[4].0, r[5].0), $of(r[6].0, r[7].0));
                        let a = _mm512_shuffle_f64x2::<0x88>(p, q);
                        let b = _mm512_shuffle_f64x2::<0xdd>(p, q);
                        let c = _mm512_shuffle_f64x2::<0x88>(s, t);
                        let d = _mm512_shuffle_f64x2::<0xdd>(s, t);
                        [
                            Wide(_mm512_shuffle_f64x2::<0x88>(a, c)),
                            Wide(_mm512_shuffle_f64x2::<0x88>(b, d)),
                            Wide(_mm512_shuffle_f64x2::<0xdd>(a, c)),
                            Wide(_mm512_shuffle_f64x2::<0xdd>(b, d)),
                        ]
                    }};
                }
                let [c0, c2, c4, c6] = quarters!(_mm512_unpacklo_pd);
                let [c1, c3, c5, c7] = quarters!(_mm512_unpackhi_pd);
                [c0, c1, c2, c3, c4, c5, c6, c7]
            }
        }
    }

    /// Two AVX2 registers; products are fused with the sum or not.
    #[derive(Clone, Copy)]
    pub struct Narrow<const FUSED: bool>(__m256d, __m256d);

    impl<const FUSED: bool> Octet for Narrow<FUSED> {
        #[inline(always)]
        unsafe fn splat(x: f64) -> Self {
            // SAFETY: the caller is compiled for AVX2.
            let v = unsafe { _mm256_set1_pd(x) };
            Narrow(v, v)
        }

        #[inline(always)]
        unsafe fn load(x: &[f64], at: usize) -> Self {
            match x.get(at..at + OCTET) {
                // SAFETY: eight numbers lie there; the caller is compiled for AVX2.
                Some(x) => unsafe {
                    Narrow(
                        _mm256_loadu_pd(x.as_ptr()),
                        _mm256_loadu_pd(x.as_ptr().add(OCTET / 2)),
                    )
                },
                None => unsafe { Self::splat(0.0) },
            }
        }

        #[inline(always)]
        unsafe fn add_product(self, a: Self, b: Self) -> Self {
            // SAFETY: the caller is compiled for AVX2 and FMA.
            unsafe {
                let sum = |a, b, c| {
                    if FUSED {
                        _mm256_fmadd_pd(a, b, c)
                    } else {
                        _mm256_add_pd(_mm256_mul_pd(a, b), c)
                    }
                };
                Narrow(sum(a.0, b.0, self.0), sum(a.1, b.1, self.1))
            }
        }

        #[inline(always)]
        unsafe fn array(self) -> [f64; OCTET] {
            let mut out = [0.0; OCTET];
            // SAFETY: the array has room for eight numbers; the caller is compiled for AVX2.
            unsafe {
                _mm256_storeu_pd(out.as_mut_ptr(), self.0);
                _mm256_storeu_pd(out.as_mut_ptr().add(OCTET / 2), self.1);
            }
            out
        }

        #[inline(always)]
        unsafe fn on_line(self, scale: Self, shift: Self) -> Self {
            // SAFETY: the caller is compiled for AVX2 and FMA.
            unsafe {
                let x = shift.add_product(self, scale);
                Narrow(
                    _mm256_and_pd(_mm256_cmp_pd::<_CMP_ORD_Q>(x.0, x.0), x.0),
                    _mm256_and_pd(_mm256_cmp_pd::<_CMP_ORD_Q>(x.1, x.1), x.1),
                )
            }
        }

        #[inline(always)]
        unsafe fn turned(r: [Self; OCTET]) -> [Self; OCTET] {
            // SAFETY: the caller is compiled for AVX2.
            unsafe {
                macro_rules! quarter {
                    ($first:literal, $half:tt) => {{
                        let (a, b) = (r[$first].$half, r[$first + 1].$half);
                        let (c, d) = (r[$first + 2].$half, r[$first + 3].$half);
                        let (low, high) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
                        let (lower, higher) = (_mm256_unpacklo_pd(c, d), _mm256_unpackhi_pd(c, d));
                        [
                            _mm256_permute2f128_pd::<0x20>(low, lower),
                            _mm256_permute2f128_pd::<0x20>(high, higher),
                            _mm256_permute2f128_pd::<0x31>(low, lower),
                            _mm256_permute2f128_pd::<0x31>(high, higher),
                        ]
                    }};
                }
                let (a, b) = (quarter!(0, 0), quarter!(4, 0));
                let (c, d) = (quarter!(0, 1), quarter!(4, 1));
                [
                    Narrow(a[0], b[0]),
                    Narrow(a[1], b[1]),
                    Narrow(a[2], b[2]),
                    Narrow(a[3], b[3]),
                    Narrow(c[0], d[0]),
                    Narrow(c[1], d[1]),
                    Narrow(c[2], d[2]),
                    Narrow(c[3], d[3]),
                ]
            }
        }
    }
}
