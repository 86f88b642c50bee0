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
}

#[cfg(target_arch = "x86_64")]
pub use x86::{Narrow, Wide};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m256d, __m512d, _mm256_add_pd, _mm256_fmadd_pd, _mm256_loadu_pd, _mm256_mul_pd,
        _mm256_set1_pd, _mm256_storeu_pd, _mm512_add_pd, _mm512_fmadd_pd, _mm512_loadu_pd,
        _mm512_mul_pd, _mm512_set1_pd, _mm512_storeu_pd,
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
    }
}
