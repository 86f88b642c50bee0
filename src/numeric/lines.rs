//! Arrays of numbers that begin at a cache line, so that no octet of them lies across two.

#![allow(unsafe_code)] // a slice of lines read as a slice of numbers

use std::ops::{Deref, DerefMut};

const LINE: usize = 8;

#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Line([f64; LINE]);

/// Numbers that begin at a cache line.
#[derive(Debug, Clone, Default)]
pub struct Lines {
    lines: Vec<Line>,
    len: usize,
}

impl Lines {
    /// `len` times x.
    pub fn filled(x: f64, len: usize) -> Lines {
        Lines {
            lines: vec![Line([x; LINE]); len.div_ceil(LINE)],
            len,
        }
    }

    /// As [`Vec::resize`]; what was there is forgotten.
    pub fn reset(&mut self, x: f64, len: usize) {
        self.lines.clear();
        self.lines.resize(len.div_ceil(LINE), Line([x; LINE]));
        self.len = len;
    }
}

impl Deref for Lines {
    type Target = [f64];

    fn deref(&self) -> &[f64] {
        // SAFETY: a line is eight numbers without gaps, and the lines hold at least `len` numbers.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl DerefMut for Lines {
    fn deref_mut(&mut self) -> &mut [f64] {
        // SAFETY: as above, and the lines are borrowed alone.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_kept_and_begin_at_a_line() {
        for len in [0, 1, 8, 13, 1000] {
            let mut x = Lines::filled(2.0, len);
            assert_eq!(x.len(), len);
            assert!(x.iter().all(|v| *v == 2.0));
            assert_eq!(x.as_ptr() as usize % 64, 0);
            if let Some(v) = x.last_mut() {
                *v = 3.0;
            }
            assert_eq!(x.iter().filter(|v| **v == 3.0).count(), len.min(1));
            x.reset(0.0, 5);
            assert_eq!(&x[..], &[0.0; 5]);
        }
    }
}
