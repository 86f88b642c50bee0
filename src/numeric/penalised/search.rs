//! Feature-sign search on a quadratic with unit diagonal.
//!
//! ```text
//! settle:  with the signs s of the active coordinates held, d = A_SS^-1 (g - l s); the objective along v + t d is a concave
//!          piecewise quadratic with slope  d'(g - l s) (1 - t) - sum over sign changes before t of 2 l_i |d_i|,  whose zero is
//!          found exactly; a coordinate on whose sign change the maximum falls leaves. Repeat until t = 1 changes no sign.
//! enter:   the coordinate whose condition at 0 is missed most joins with the sign of its gradient, and others with it that miss
//!          theirs by nearly as much; of those, the ones that the direction pulls the other way leave at once.
//! ```
//!
//! Every step raises the objective and every settled active set is the best for its signs, so none comes twice.

use super::active_set::ActiveSet;
use super::kernels::{self, Prices};
use super::{Failure, Penalised, Solved, TOLERANCE};

/// What is left of a coordinate's unit diagonal by the active ones when it counts as dependent on them.
const DEPENDENT: f64 = 1e-12;
/// Less than this is nothing but rounding.
const ROUNDING: f64 = 1e-13;

/// Others join with the one that misses its condition most if they miss theirs by this share of it.
const SHARE: f64 = 0.5;
/// So many join at once, at most: one for each so many that are active, and these.
const JOINING: (usize, usize) = (2, 4);

/// Working memory of one thread.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(super) b: Vec<f64>,
    pub(super) g: Vec<f64>,
    pub(super) v: Vec<f64>,
    pub(super) up: Vec<f64>,
    pub(super) down: Vec<f64>,
    /// The largest |b_i|.
    pub(super) scale: f64,
    pub(super) touched: Vec<usize>,
    pub(super) changes: Vec<f64>,
    set: ActiveSet,
    /// Aligned with the active set: the sign held, g - l s, the direction, and v when settling began.
    signs: Vec<f64>,
    slopes: Vec<f64>,
    direction: Vec<f64>,
    before: Vec<f64>,
    kinks: Vec<Kink>,
    /// Coordinates that may join: by how much their condition is missed, and which.
    joining: Vec<(f64, usize)>,
}

/// Where along a direction a coordinate becomes 0, and by how much the slope falls there.
#[derive(Debug, Clone, Copy)]
struct Kink {
    at: f64,
    fall: f64,
}

impl Scratch {
    pub(super) fn reset(&mut self, stride: usize) {
        for list in [&mut self.b, &mut self.g, &mut self.v] {
            list.clear();
            list.resize(stride, 0.0);
        }
        for list in [&mut self.up, &mut self.down] {
            list.clear();
            list.resize(stride, f64::INFINITY);
        }
        self.scale = 0.0;
    }

    /// The gradient of active coordinate i on the side of zero on which its sign is.
    fn slope(&self, i: usize, sign: f64) -> f64 {
        if sign > 0.0 {
            self.g[i] - self.up[i]
        } else {
            self.g[i] + self.down[i]
        }
    }

    fn drop_member(&mut self, at: usize) {
        self.set.remove(at);
        self.signs.remove(at);
        for list in [&mut self.slopes, &mut self.direction] {
            if at < list.len() {
                list.remove(at);
            }
        }
    }
}

/// What came of an attempt to make a coordinate active.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry {
    Active,
    /// It became 0, or what it misses is rounding.
    Not,
}

/// Maximises from the start in the scratch; `active` of the result is left 0.
pub(super) fn maximise(matrix: &Penalised, scratch: &mut Scratch) -> Result<Solved, Failure> {
    if scratch.scale == 0.0 {
        // Nothing pulls: 0 is a maximum, whatever the penalties.
        let moved = scratch.v.iter().any(|v| *v != 0.0);
        scratch.v.fill(0.0);
        return Ok(solved(usize::from(moved), 0.0));
    }
    matrix.refresh(scratch);
    let kkt = matrix.violation(scratch);
    if kkt <= TOLERANCE {
        return Ok(solved(0, kkt));
    }
    scratch.set.clear();
    scratch.signs.clear();
    for j in 0..matrix.n {
        if scratch.v[j] != 0.0 {
            enter(matrix, scratch, j, scratch.v[j].signum())?;
        }
    }
    let mut iterations = 1;
    let mut checks = 0;
    let mut size = 0;
    for _ in 0..20 * matrix.n + 100 {
        iterations += settle(matrix, scratch);
        // Where none of those that joined stayed, the next one joins alone: it cannot be pulled the other way.
        let grown = scratch.set.members.len() > size;
        size = scratch.set.members.len();
        let prices = Prices {
            up: &scratch.up,
            down: &scratch.down,
        };
        let (missed, j) = kernels::worst(&scratch.g, &prices);
        let done = missed <= TOLERANCE * scratch.scale;
        if !done {
            let sign = if scratch.g[j] > 0.0 { 1.0 } else { -1.0 };
            if scratch.v[j] == 0.0
                && !scratch.set.members.contains(&j)
                && enter(matrix, scratch, j, sign)? == Entry::Active
            {
                if grown {
                    join(matrix, scratch, missed);
                }
                continue;
            }
        }
        // Finished, or held up by rounding: look again with a gradient that is free of accumulated error.
        matrix.refresh(scratch);
        checks += 1;
        if matrix.violation(scratch) <= TOLERANCE || checks > 3 {
            break;
        }
    }
    Ok(solved(iterations, matrix.violation(scratch)))
}

/// Makes further coordinates active, those first that miss their conditions most; not those that depend on active ones.
fn join(matrix: &Penalised, scratch: &mut Scratch, most: f64) {
    let (every, least) = JOINING;
    let room = scratch.set.members.len() / every + least;
    let floor = (SHARE * most).max(TOLERANCE * scratch.scale);
    let Scratch {
        joining,
        set,
        g,
        v,
        up,
        down,
        ..
    } = scratch;
    joining.clear();
    for i in 0..matrix.n {
        let missed = (g[i] - up[i]).max(-g[i] - down[i]);
        if missed >= floor && v[i] == 0.0 && !set.members.contains(&i) {
            joining.push((missed, i));
        }
    }
    joining.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    for &(_, i) in joining.iter().take(room) {
        if set.add(i, matrix.column(i), DEPENDENT).is_ok() {
            scratch.signs.push(if g[i] > 0.0 { 1.0 } else { -1.0 });
        }
    }
}

fn solved(iterations: usize, kkt: f64) -> Solved {
    Solved {
        iterations,
        kkt,
        active: 0,
    }
}

/// Moves to the maximum for the active set, dropping what becomes 0; returns the number of solutions.
fn settle(matrix: &Penalised, scratch: &mut Scratch) -> usize {
    let size = scratch.set.members.len();
    scratch.touched.clear();
    scratch.touched.extend_from_slice(&scratch.set.members);
    scratch.before.clear();
    scratch.slopes.clear();
    for k in 0..size {
        let i = scratch.set.members[k];
        scratch.before.push(scratch.v[i]);
        let slope = scratch.slope(i, scratch.signs[k]);
        scratch.slopes.push(slope);
    }
    let mut steps = 0;
    while steps < 4 * size + 10 {
        steps += 1;
        if move_once(scratch) {
            break;
        }
    }
    scratch.changes.clear();
    for (&i, before) in scratch.touched.iter().zip(&scratch.before) {
        scratch.changes.push(scratch.v[i] - before);
    }
    kernels::subtract_columns(
        &mut scratch.g,
        &matrix.scaled,
        &scratch.touched,
        &scratch.changes,
    );
    steps
}

/// One direction and one exact line search; true if no sign changed, that is, the active set is settled.
fn move_once(scratch: &mut Scratch) -> bool {
    scratch.direction.clear();
    scratch.direction.extend_from_slice(&scratch.slopes);
    scratch.set.solve(&mut scratch.direction);
    let mut slope = 0.0;
    scratch.kinks.clear();
    let mut wrong = 0;
    for (k, (&i, &d)) in scratch
        .set
        .members
        .iter()
        .zip(&scratch.direction)
        .enumerate()
    {
        let v = scratch.v[i];
        slope += d * scratch.slopes[k];
        if v == 0.0 && d * scratch.signs[k] < 0.0 && scratch.up[i] + scratch.down[i] > 0.0 {
            wrong += 1;
        }
        let at = -v / d;
        let fall = (scratch.up[i] + scratch.down[i]) * d.abs();
        if v * d < 0.0 && at < 1.0 && fall > 0.0 {
            scratch.kinks.push(Kink { at, fall });
        }
    }
    if wrong > 0 {
        // They would move away from where they are pulled to: by rounding, or because of others that joined with them.
        for k in (0..scratch.set.members.len()).rev() {
            let i = scratch.set.members[k];
            let away = scratch.direction[k] * scratch.signs[k] < 0.0;
            if scratch.v[i] == 0.0 && away && scratch.up[i] + scratch.down[i] > 0.0 {
                scratch.drop_member(k);
            }
        }
        return scratch.set.members.is_empty();
    }
    // Also where a direction is no ascent because the matrix is indefinite.
    if slope.is_nan() || slope <= 0.0 {
        return true;
    }
    let step = line_search(&mut scratch.kinks, slope, slope);
    let t = step.map_or(1.0, |s| s.0);
    let mut crossed = false;
    let mut k = 0;
    while k < scratch.set.members.len() {
        let i = scratch.set.members[k];
        let (v, d) = (scratch.v[i], scratch.direction[k]);
        let fall = scratch.up[i] + scratch.down[i];
        scratch.slopes[k] *= 1.0 - t;
        let new = v + t * d;
        if v * d < 0.0 && fall > 0.0 && (-v / d <= t || new * v <= 0.0) {
            crossed = true;
            // Also where the sum rounds to the other side of 0 than the quotient.
            if -v / d >= t || new * v >= 0.0 || fall == f64::INFINITY {
                scratch.v[i] = 0.0;
                scratch.drop_member(k);
                continue;
            }
            scratch.slopes[k] += fall * scratch.signs[k];
            scratch.signs[k] = -scratch.signs[k];
        }
        scratch.v[i] = new;
        k += 1;
    }
    !crossed || scratch.set.members.is_empty()
}

/// The t at which a slope that begins at `slope`, falls by `curvature` per unit and by each kink's fall at the kink becomes 0 or
/// less, and whether that is at a kink; none if no kink comes before the zero of the smooth part.
fn line_search(kinks: &mut [Kink], slope: f64, curvature: f64) -> Option<(f64, bool)> {
    kinks.sort_by(|a, b| a.at.total_cmp(&b.at));
    let mut fallen = 0.0;
    for kink in &*kinks {
        let here = slope - curvature * kink.at;
        if here - fallen <= 0.0 {
            break;
        }
        fallen += kink.fall;
        if here - fallen <= 0.0 {
            return Some((kink.at, true));
        }
    }
    (fallen > 0.0).then(|| ((slope - fallen) / curvature, false))
}

/// Makes coordinate j active. Where its row depends on those of the active ones, first moves along the flat direction
/// e_j - A_SS^-1 A_Sj until something becomes 0.
fn enter(matrix: &Penalised, scratch: &mut Scratch, j: usize, sign: f64) -> Result<Entry, Failure> {
    // Each round removes an active coordinate.
    for _ in 0..=matrix.n {
        let v = scratch.v[j];
        let sign = if v == 0.0 { sign } else { v.signum() };
        let left = match scratch.set.add(j, matrix.column(j), DEPENDENT) {
            Ok(()) => {
                scratch.signs.push(sign);
                return Ok(Entry::Active);
            }
            Err(left) => left,
        };
        match slide(matrix, scratch, j, sign, left.max(0.0))? {
            Slid::Dropped => {}
            Slid::Out => return Ok(Entry::Not),
            Slid::Curved => {
                return Ok(match scratch.set.add(j, matrix.column(j), ROUNDING) {
                    Ok(()) => {
                        scratch.signs.push(sign);
                        Entry::Active
                    }
                    Err(_) => Entry::Not,
                });
            }
        }
    }
    Ok(Entry::Not)
}

enum Slid {
    /// Active coordinates became 0 and left.
    Dropped,
    /// The entering coordinate is 0.
    Out,
    /// The direction is not quite flat and its maximum comes first.
    Curved,
}

fn slide(
    matrix: &Penalised,
    scratch: &mut Scratch,
    j: usize,
    sign: f64,
    curvature: f64,
) -> Result<Slid, Failure> {
    scratch.direction.clear();
    scratch
        .direction
        .extend(scratch.set.tried.iter().map(|w| -w));
    let (set, direction) = (&scratch.set, &mut scratch.direction);
    set.solve_transposed(direction);
    // A part that is nothing but rounding would have its kink far out.
    let rounding = 1e-11 * direction.iter().fold(1.0f64, |m, d| m.max(d.abs()));
    for d in direction.iter_mut().filter(|d| d.abs() <= rounding) {
        *d = 0.0;
    }
    let entering = scratch.v[j] == 0.0;
    let mut slope = scratch.slope(j, sign);
    let mut length = 1.0;
    for (k, &i) in scratch.set.members.iter().enumerate() {
        slope += scratch.direction[k] * scratch.slope(i, scratch.signs[k]);
        length += scratch.direction[k].abs();
    }
    let flat = 1e-9 * scratch.scale * length;
    let mut way = if entering { sign } else { slope.signum() };
    if entering && slope * way <= 0.0 {
        return Ok(Slid::Out);
    }
    let steep = slope.abs();
    let mut stop = collect_and_search(scratch, j, way, steep, flat);
    if stop.is_none() && !entering && steep <= flat {
        way = -way;
        stop = collect_and_search(scratch, j, way, 0.0, flat);
    }
    let Some(t) = stop else {
        return if steep <= flat {
            // Flat and free of kinks: where it stands is as good as anywhere.
            Ok(Slid::Out)
        } else if curvature > ROUNDING {
            Ok(Slid::Curved)
        } else {
            Err(Failure::Unbounded { coordinate: j })
        };
    };
    scratch.touched.clear();
    scratch.changes.clear();
    for k in (0..scratch.set.members.len()).rev() {
        let i = scratch.set.members[k];
        let (v, d) = (scratch.v[i], way * scratch.direction[k]);
        let fall = scratch.up[i] + scratch.down[i];
        let moved = v + t * d;
        let passed = v * d < 0.0 && fall > 0.0 && (-v / d <= t || moved * v <= 0.0);
        let gone = passed && (-v / d >= t || moved * v >= 0.0 || fall == f64::INFINITY);
        let new = if gone { 0.0 } else { moved };
        scratch.touched.push(i);
        scratch.changes.push(new - v);
        scratch.v[i] = new;
        if gone {
            scratch.drop_member(k);
        } else if passed {
            scratch.signs[k] = -scratch.signs[k];
        }
    }
    let v = scratch.v[j];
    let new = if v * way < 0.0 && -v / way == t {
        0.0
    } else {
        v + t * way
    };
    scratch.touched.push(j);
    scratch.changes.push(new - v);
    scratch.v[j] = new;
    kernels::subtract_columns(
        &mut scratch.g,
        &matrix.scaled,
        &scratch.touched,
        &scratch.changes,
    );
    Ok(if new == 0.0 { Slid::Out } else { Slid::Dropped })
}

/// The step along `way` times the scratch's direction (and 1 for j) at which the slope is gone; on a flat line the first kink.
fn collect_and_search(
    scratch: &mut Scratch,
    j: usize,
    way: f64,
    slope: f64,
    flat: f64,
) -> Option<f64> {
    scratch.kinks.clear();
    let members = scratch.set.members.iter().copied();
    let all = members.zip(scratch.direction.iter().copied());
    for (i, d) in all.chain([(j, 1.0)]) {
        let (v, d) = (scratch.v[i], way * d);
        let fall = (scratch.up[i] + scratch.down[i]) * d.abs();
        if v * d < 0.0 && fall > 0.0 {
            scratch.kinks.push(Kink { at: -v / d, fall });
        }
    }
    if slope <= flat {
        let first = scratch.kinks.iter().map(|k| k.at);
        return first.min_by(f64::total_cmp);
    }
    line_search(&mut scratch.kinks, slope, 0.0).and_then(|(t, at_kink)| at_kink.then_some(t))
}
