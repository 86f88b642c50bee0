//! Rows whose states have the product of a few table rows as weights: normalised, and added to sums of the same shape.
//!
//! ```text
//! p[k] = prod over the entries (t, r) of a row of table_t[r, k]        total = sum_k p[k]
//! sum_t[r, k] += w p[k] / total                                        for every entry
//! ```
//!
//! No exp and no log is taken of a row: the tables hold exponentials. Rows are as wide as whole octets; what is added to fill
//! them up is 0.

#![allow(unsafe_code)] // calls of functions for an instruction set that was found at run time

#[cfg(target_arch = "x86_64")]
use super::lanes::octet::{Narrow, Wide};
use super::lanes::octet::{OCTET, Octet, Plain, fetch};
use super::lanes::total;
use super::lines::Lines;

/// Rows that are asked for ahead of their turn.
const AHEAD: usize = 4;

/// Products at or below this are left to the caller, who has logarithms.
pub const SMALLEST: f64 = 1e-200;

/// The next multiple of an octet.
pub fn padded(states: usize) -> usize {
    states.next_multiple_of(OCTET).max(OCTET)
}

/// The table rows that a chunk of rows reads.
#[derive(Debug, Clone, Default)]
pub struct Entries {
    /// (table, row) pairs, row after row.
    pub list: Vec<(u32, u32)>,
    /// Where the pairs of each row end.
    pub ends: Vec<u32>,
}

impl Entries {
    /// Forgets all rows.
    pub fn clear(&mut self) {
        self.list.clear();
        self.ends.clear();
    }

    /// Ends a row.
    pub fn end_row(&mut self) {
        self.ends.push(self.list.len() as u32);
    }

    /// The entries of a row.
    pub fn row(&self, i: usize) -> &[(u32, u32)] {
        let end = self.ends.get(i).map_or(0, |e| *e as usize);
        let start = match i {
            0 => 0,
            i => self.ends.get(i - 1).map_or(0, |e| *e as usize),
        };
        self.list.get(start..end).unwrap_or(&[])
    }
}

/// Sums for some rows of each table.
pub struct Sums<'a> {
    /// By table: the row that its sums begin with.
    pub starts: &'a [usize],
    /// By table: rows of `width` numbers.
    pub sums: &'a mut [Lines],
}

impl Sums<'_> {
    /// The sum of a table row, to read.
    #[inline(always)]
    fn read(&self, table: u32, row: u32, width: usize) -> Option<&[f64]> {
        let table = table as usize;
        let from = (row as usize).wrapping_sub(*self.starts.get(table)?) * width;
        self.sums.get(table)?.get(from..from + width)
    }

    /// The sum of a table row.
    #[inline(always)]
    fn at(&mut self, table: u32, row: u32, width: usize) -> Option<&mut [f64]> {
        let table = table as usize;
        let from = (row as usize).wrapping_sub(*self.starts.get(table)?) * width;
        self.sums.get_mut(table)?.get_mut(from..from + width)
    }
}

/// Mixes a chunk of rows. `totals` gets the sums over states; a row whose total is not above [`SMALLEST`] and finite is added
/// nowhere. With `kept`, rows x width, the normalised p are kept.
pub fn mix(
    tables: &[Lines],
    entries: &Entries,
    width: usize,
    weights: Option<&[f64]>,
    totals: &mut [f64],
    sums: Sums<'_>,
    kept: Option<&mut [f64]>,
) {
    let job = Job {
        tables,
        entries,
        width,
        weights,
    };
    super::vector::choose!(mix_512, mix_256, mix_plain, &job, totals, sums, kept);
}

struct Job<'a> {
    tables: &'a [Lines],
    entries: &'a Entries,
    width: usize,
    weights: Option<&'a [f64]>,
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,fma")]
fn mix_512<const FUSED: bool>(
    job: &Job<'_>,
    totals: &mut [f64],
    sums: Sums<'_>,
    kept: Option<&mut [f64]>,
) {
    // SAFETY: this function is compiled for the instruction set of the octets.
    unsafe { by_width::<Wide<FUSED>>(job, totals, sums, kept) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn mix_256<const FUSED: bool>(
    job: &Job<'_>,
    totals: &mut [f64],
    sums: Sums<'_>,
    kept: Option<&mut [f64]>,
) {
    // SAFETY: as above.
    unsafe { by_width::<Narrow<FUSED>>(job, totals, sums, kept) }
}

fn mix_plain(job: &Job<'_>, totals: &mut [f64], sums: Sums<'_>, kept: Option<&mut [f64]>) {
    // SAFETY: plain octets need no instruction set.
    unsafe { by_width::<Plain>(job, totals, sums, kept) }
}

/// A few widths have the number of octets known, so that a row of products stays in registers.
#[inline(always)]
unsafe fn by_width<O: Octet>(
    job: &Job<'_>,
    totals: &mut [f64],
    sums: Sums<'_>,
    kept: Option<&mut [f64]>,
) {
    macro_rules! rows {
        ($v:literal) => {
            // SAFETY: the caller is compiled for the octets.
            unsafe { rows::<O, $v>(job, totals, sums, kept) }
        };
    }
    match job.width / OCTET {
        1 => rows!(1),
        2 => rows!(2),
        3 => rows!(3),
        4 => rows!(4),
        5 => rows!(5),
        6 => rows!(6),
        7 => rows!(7),
        8 => rows!(8),
        _ => rows!(0),
    }
}

/// V octets, or any number where V = 0.
#[inline(always)]
unsafe fn rows<O: Octet, const V: usize>(
    job: &Job<'_>,
    totals: &mut [f64],
    mut sums: Sums<'_>,
    mut kept: Option<&mut [f64]>,
) {
    let width = job.width;
    let mut p = Lines::filled(0.0, width);
    for (i, t) in totals.iter_mut().enumerate() {
        let row = job.entries.row(i);
        fetch_ahead(job, &sums, i + AHEAD);
        // SAFETY: the caller is compiled for the octets.
        unsafe {
            *t = match row {
                // Nothing says how many states there are: the caller knows.
                [] => 0.0,
                [(a, b)] => one::<O>(at(job.tables, *a, *b, width), &mut p),
                [(a, b), (c, d)] if V > 0 => {
                    let (x, y) = (at(job.tables, *a, *b, width), at(job.tables, *c, *d, width));
                    let scale = job.weights.and_then(|w| w.get(i)).copied().unwrap_or(1.0);
                    let mut products = [O::splat(0.0); V];
                    let mut sum = O::splat(0.0);
                    let unit = O::splat(1.0);
                    for (v, p) in products.iter_mut().enumerate() {
                        *p = p.add_product(O::load(x, v * OCTET), O::load(y, v * OCTET));
                        sum = sum.add_product(*p, unit);
                    }
                    *t = total(&sum.array());
                    if !(*t > SMALLEST && t.is_finite()) {
                        continue;
                    }
                    let scale = O::splat(scale / *t);
                    for (a, b) in row {
                        let Some(s) = sums.at(*a, *b, V * OCTET) else {
                            continue;
                        };
                        for (v, p) in products.iter().enumerate() {
                            let x = O::load(s, v * OCTET).add_product(*p, scale);
                            s[v * OCTET..(v + 1) * OCTET].copy_from_slice(&x.array());
                        }
                    }
                    if let Some(k) = kept
                        .as_mut()
                        .and_then(|k| k.get_mut(i * width..(i + 1) * width))
                    {
                        for (k, p) in k.chunks_exact_mut(OCTET).zip(&products) {
                            for (k, p) in k.iter_mut().zip(p.array()) {
                                *k = p / *t;
                            }
                        }
                    }
                    continue;
                }
                [(a, b), (c, d)] => two::<O>(
                    at(job.tables, *a, *b, width),
                    at(job.tables, *c, *d, width),
                    &mut p,
                ),
                [(a, b), (c, d), rest @ ..] => {
                    two::<O>(
                        at(job.tables, *a, *b, width),
                        at(job.tables, *c, *d, width),
                        &mut p,
                    );
                    let mut total = 0.0;
                    for (a, b) in rest {
                        total = times::<O>(at(job.tables, *a, *b, width), &mut p);
                    }
                    total
                }
            };
            if !(*t > SMALLEST && t.is_finite()) {
                continue;
            }
            let scale = job.weights.and_then(|w| w.get(i)).copied().unwrap_or(1.0) / *t;
            if scale != 0.0 {
                for (a, b) in row {
                    if let Some(s) = sums.at(*a, *b, width) {
                        add::<O>(s, &p, scale);
                    }
                }
            }
            if let Some(k) = kept
                .as_mut()
                .and_then(|k| k.get_mut(i * width..(i + 1) * width))
            {
                for (k, p) in k.iter_mut().zip(p.iter()) {
                    *k = p / *t;
                }
            }
        }
    }
}

/// Asks for the table rows and sums of a row that is soon to be mixed: they lie anywhere in tables that may not fit in the
/// second-level cache.
#[inline(always)]
fn fetch_ahead(job: &Job<'_>, sums: &Sums<'_>, i: usize) {
    let (before, row) = (job.entries.row(i - 1), job.entries.row(i));
    for (slot, (a, b)) in row.iter().enumerate() {
        if before.get(slot) != Some(&(*a, *b)) {
            fetch(at(job.tables, *a, *b, job.width));
            if let Some(s) = sums.read(*a, *b, job.width) {
                fetch(s);
            }
        }
    }
}

#[inline(always)]
fn at(tables: &[Lines], table: u32, row: u32, width: usize) -> &[f64] {
    let from = row as usize * width;
    tables
        .get(table as usize)
        .and_then(|t| t.get(from..from + width))
        .unwrap_or(&[])
}

#[inline(always)]
unsafe fn one<O: Octet>(a: &[f64], p: &mut [f64]) -> f64 {
    // SAFETY: the caller is compiled for the octets.
    unsafe {
        let mut sum = O::splat(0.0);
        let unit = O::splat(1.0);
        for (v, p) in p.chunks_exact_mut(OCTET).enumerate() {
            let x = O::load(a, v * OCTET);
            sum = sum.add_product(x, unit);
            p.copy_from_slice(&x.array());
        }
        total(&sum.array())
    }
}

#[inline(always)]
unsafe fn two<O: Octet>(a: &[f64], b: &[f64], p: &mut [f64]) -> f64 {
    // SAFETY: the caller is compiled for the octets.
    unsafe {
        let mut sum = O::splat(0.0);
        let unit = O::splat(1.0);
        for (v, p) in p.chunks_exact_mut(OCTET).enumerate() {
            let x = O::splat(0.0).add_product(O::load(a, v * OCTET), O::load(b, v * OCTET));
            sum = sum.add_product(x, unit);
            p.copy_from_slice(&x.array());
        }
        total(&sum.array())
    }
}

#[inline(always)]
unsafe fn times<O: Octet>(a: &[f64], p: &mut [f64]) -> f64 {
    // SAFETY: the caller is compiled for the octets.
    unsafe {
        let mut sum = O::splat(0.0);
        let unit = O::splat(1.0);
        for (v, p) in p.chunks_exact_mut(OCTET).enumerate() {
            let x = O::splat(0.0).add_product(O::load(a, v * OCTET), O::load(p, 0));
            sum = sum.add_product(x, unit);
            p.copy_from_slice(&x.array());
        }
        total(&sum.array())
    }
}

#[inline(always)]
unsafe fn add<O: Octet>(sum: &mut [f64], p: &[f64], scale: f64) {
    // SAFETY: the caller is compiled for the octets.
    unsafe {
        let scale = O::splat(scale);
        for (v, s) in sum.chunks_exact_mut(OCTET).enumerate() {
            let x = O::load(s, 0).add_product(O::load(p, v * OCTET), scale);
            s.copy_from_slice(&x.array());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_normalised_and_added_to_what_they_read() {
        // Table 0 has 2 rows, table 1 has 3; 3 states in 8 places; rows with 0 to 3 entries.
        let width = padded(3);
        let table = |rows: usize, first: f64| -> Lines {
            let mut t = Lines::filled(0.0, rows * width);
            for r in 0..rows {
                for k in 0..3 {
                    t[r * width + k] = first + r as f64 + 0.5 * k as f64;
                }
            }
            t
        };
        let tables = vec![table(2, 1.0), table(3, 2.0)];
        let lists: [&[(u32, u32)]; 4] = [
            &[(0, 1)],
            &[(0, 0), (1, 2)],
            &[(0, 1), (1, 0), (1, 0)],
            &[(1, 1), (0, 0)],
        ];
        let mut entries = Entries::default();
        for l in lists {
            entries.list.extend_from_slice(l);
            entries.end_row();
        }
        let weights = [1.0, 2.0, 0.5, 0.0];
        let mut totals = vec![0.0; 4];
        let mut sums = vec![Lines::filled(0.0, 2 * width), Lines::filled(0.0, 3 * width)];
        let mut kept = vec![0.0; 4 * width];
        mix(
            &tables,
            &entries,
            width,
            Some(&weights),
            &mut totals,
            Sums {
                starts: &[0, 0],
                sums: &mut sums,
            },
            Some(&mut kept),
        );
        let mut want = [vec![0.0; 2 * width], vec![0.0; 3 * width]];
        for (i, l) in lists.iter().enumerate() {
            let p: Vec<f64> = (0..3)
                .map(|k| {
                    l.iter()
                        .map(|(t, r)| tables[*t as usize][*r as usize * width + k])
                        .product()
                })
                .collect();
            let z: f64 = p.iter().sum();
            assert!((totals[i] - z).abs() < 1e-13 * z);
            for k in 0..3 {
                assert!((kept[i * width + k] - p[k] / z).abs() < 1e-15);
                for (t, r) in l.iter() {
                    want[*t as usize][*r as usize * width + k] += weights[i] * p[k] / z;
                }
            }
        }
        for (a, b) in sums
            .iter()
            .flat_map(|s| s.iter())
            .zip(want.iter().flatten())
        {
            assert!((a - b).abs() < 1e-14);
        }
    }

    #[test]
    fn an_underflowing_row_is_left_to_the_caller() {
        let width = padded(2);
        let mut table = Lines::filled(0.0, width);
        table[0] = 1e-150;
        let mut entries = Entries::default();
        entries.list.extend([(0, 0), (0, 0)]);
        entries.end_row();
        let mut totals = [1.0];
        let mut sums = vec![Lines::filled(0.0, width)];
        mix(
            &[table],
            &entries,
            width,
            None,
            &mut totals,
            Sums {
                starts: &[0],
                sums: &mut sums,
            },
            None,
        );
        assert!(totals[0] <= SMALLEST);
        assert!(sums[0].iter().all(|x| *x == 0.0));
    }
}
