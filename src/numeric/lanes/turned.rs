//! Rows to lanes: squares of eight rows by eight positions are turned over in registers.

use super::STRIP;
#[cfg(target_arch = "x86_64")]
use super::octet::{Narrow, Wide};
use super::octet::{OCTET, Octet, Plain};

/// Where an inner position of a row goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// Its position in the row.
    pub inner: usize,
    /// What it is multiplied with and then moved by.
    pub line: (f64, f64),
    /// Its lane.
    pub lane: usize,
}

/// Turns rows of `width` numbers over into lanes of m; NaN, and what is beyond the last row, is 0.
///
/// # Panics
/// Where there is no such position or lane, or m is no multiple of [`STRIP`] or below the number of rows.
pub fn turn(rows: &[f64], width: usize, places: &[Place], m: usize, lanes: &mut [f64]) {
    let all = m.is_multiple_of(STRIP) && rows.len() <= m * width;
    assert!(all && places.iter().all(|p| p.inner < width), "padded rows");
    crate::numeric::vector::choose!(
        turn_512, turn_256, turn_plain, rows, width, places, m, lanes
    );
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,fma")]
pub(super) fn turn_512<const FUSED: bool>(
    rows: &[f64],
    width: usize,
    places: &[Place],
    m: usize,
    lanes: &mut [f64],
) {
    // SAFETY: this function is compiled for the instruction set of the octets.
    unsafe { turn_octets::<Wide<FUSED>>(rows, width, places, m, lanes) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
pub(super) fn turn_256<const FUSED: bool>(
    rows: &[f64],
    width: usize,
    places: &[Place],
    m: usize,
    lanes: &mut [f64],
) {
    // SAFETY: as above.
    unsafe { turn_octets::<Narrow<FUSED>>(rows, width, places, m, lanes) }
}

pub(super) fn turn_plain(
    rows: &[f64],
    width: usize,
    places: &[Place],
    m: usize,
    lanes: &mut [f64],
) {
    // SAFETY: plain octets need no instruction set.
    unsafe { turn_octets::<Plain>(rows, width, places, m, lanes) }
}

/// Squares of eight rows by eight positions; places are in the order of their positions.
#[inline(always)]
unsafe fn turn_octets<O: Octet>(
    rows: &[f64],
    width: usize,
    places: &[Place],
    m: usize,
    lanes: &mut [f64],
) {
    let mut padded = vec![];
    for at in (0..m).step_by(OCTET) {
        let mut block = &rows[(at * width).min(rows.len())..];
        // A square at the end reads on behind the last row.
        if block.len() < (OCTET + 1) * width + OCTET {
            padded.clear();
            padded.extend_from_slice(&block[..block.len().min(OCTET * width)]);
            padded.resize(OCTET * width + OCTET, f64::NAN);
            block = &padded;
        }
        for own in places.chunk_by(|a, b| a.inner / OCTET == b.inner / OCTET) {
            let first = own.first().map_or(0, |p| p.inner / OCTET * OCTET);
            // SAFETY: the caller is compiled for the octets.
            unsafe {
                let mut square = [O::splat(0.0); OCTET];
                for (i, row) in square.iter_mut().enumerate() {
                    *row = O::load(block, i * width + first);
                }
                let columns = O::turned(square);
                for p in own {
                    let (scale, shift) = (O::splat(p.line.0), O::splat(p.line.1));
                    let x = columns[p.inner % OCTET].on_line(scale, shift);
                    if let Some(out) = lanes[p.lane * m + at..].first_chunk_mut() {
                        *out = x.array();
                    }
                }
            }
        }
    }
}
