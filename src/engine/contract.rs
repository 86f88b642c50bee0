//! Contractions of named arrays: planned for the sizes at hand, then run on slices as often as wanted.
//!
//! ```text
//! out[target] += coef * sum over the other axes of prod_i operand_i
//! ```
//!
//! Operands meet pairwise, the cheapest result first. A pair is a nest of loops with one stride per array; neighbouring
//! loops that run on are one loop, and where three of them are long enough they are a matrix product.

use ndarray::{ArrayView2, ArrayViewMut2, ShapeBuilder};

use crate::algebra::Subscript;
use crate::model::Axis;

/// Products of at least so many numbers go to the matrix product.
const PRODUCT: usize = 2048;
/// A matrix product has at least this many rows, columns and summands.
const SIDE: usize = 4;
/// From so many multiplications on, an array that does not run on is copied into one that does.
const PACK: usize = 1 << 15;

/// A dimension of an array: its axis, its elements, and how far apart they are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Run {
    axis: Axis,
    size: usize,
    stride: usize,
}

/// Where the elements of a named array lie in a slice; each axis occurs once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Layout {
    offset: usize,
    runs: Vec<Run>,
}

impl Layout {
    /// The last axis runs fastest.
    pub fn standard(axes: &[Axis], size: &dyn Fn(Axis) -> usize) -> Layout {
        let mut stride = 1;
        let mut runs: Vec<Run> = axes
            .iter()
            .rev()
            .map(|a| {
                let run = Run {
                    axis: *a,
                    size: size(*a),
                    stride,
                };
                stride *= run.size;
                run
            })
            .collect();
        runs.reverse();
        Layout { offset: 0, runs }
    }

    /// An array of this shape, last dimension fastest, read at subscripts: a repeated axis runs along the diagonal, a fixed
    /// element is an offset. `None` where there are gathers or an element that does not exist.
    pub fn subscripted(index: &[Subscript], shape: &[usize]) -> Option<Layout> {
        let mut out = Layout::default();
        let mut stride = 1;
        if index.len() != shape.len() {
            return None;
        }
        for (s, n) in index.iter().zip(shape).rev() {
            match s {
                Subscript::Axis(a) => match out.runs.iter_mut().find(|r| r.axis == *a) {
                    Some(r) => r.stride += stride,
                    None => out.runs.push(Run {
                        axis: *a,
                        size: *n,
                        stride,
                    }),
                },
                Subscript::Element(e) if (*e as usize) < *n => out.offset += stride * *e as usize,
                _ => return None,
            }
            stride *= n;
        }
        out.runs.reverse();
        Some(out)
    }

    fn get(&self, a: Axis) -> Option<&Run> {
        self.runs.iter().find(|r| r.axis == a)
    }

    fn has(&self, a: Axis) -> bool {
        self.get(a).is_some()
    }

    fn len(&self) -> usize {
        self.runs.iter().map(|r| r.size).product()
    }
}

/// One loop of a nest: how often, and by how much each array goes on.
#[derive(Debug, Clone, Copy)]
struct Loop {
    size: usize,
    a: usize,
    b: usize,
    out: usize,
}

/// What is left inside the outer loops.
#[derive(Debug, Clone, Copy)]
enum Core {
    One(Loop),
    Product {
        rows: Loop,
        columns: Loop,
        summed: Loop,
    },
}

/// A product of two arrays, summed over some axes.
#[derive(Debug, Clone)]
struct Pair {
    a: usize,
    b: usize,
    /// Copies of operands that do not run on.
    packed: [Option<Copy>; 2],
    offsets: [usize; 2],
    outer: Vec<Loop>,
    core: Core,
    len: usize,
    /// Some loop has no step.
    nothing: bool,
}

/// A copy in another order.
#[derive(Debug, Clone)]
struct Copy {
    offset: usize,
    loops: Vec<Loop>,
    len: usize,
}

/// A contraction for operands of known layout.
#[derive(Debug, Clone)]
pub struct Program {
    pairs: Vec<Pair>,
    factor: f64,
    /// From the last result into the target: `a` is the result's stride.
    spread: Vec<Loop>,
    from: usize,
    from_offset: usize,
    to_offset: usize,
}

impl Program {
    /// Plans a contraction. Axes of `all` that no operand has multiply by their size unless they are in the target, along
    /// which the result is then constant.
    pub fn new(
        coef: f64,
        operands: &[Layout],
        all: &[Axis],
        target: &Layout,
        size: &dyn Fn(Axis) -> usize,
    ) -> Program {
        let mut factor = coef;
        for a in all {
            if !target.has(*a) && !operands.iter().any(|t| t.has(*a)) {
                factor *= size(*a) as f64;
            }
        }
        // The slot after the operands holds the number 1.
        let one = operands.len();
        let mut slots: Vec<(usize, Layout)> = operands.iter().cloned().enumerate().collect();
        let mut next = one + 1;
        let mut pairs = vec![];
        let mut join = |pairs: &mut Vec<Pair>,
                        x: (usize, Layout),
                        y: (usize, Layout),
                        keep: &dyn Fn(Axis) -> bool| {
            let (pair, layout) = pair(x, y, keep);
            pairs.push(pair);
            next += 1;
            (next - 1, layout)
        };
        while slots.len() > 1 {
            let (i, j) = cheapest(&slots, target);
            let mut y = slots.remove(j);
            let mut x = slots.remove(i);
            let keep = |a: Axis| target.has(a) || slots.iter().any(|(_, t)| t.has(a));
            // What only one of them has and nothing wants is summed before they meet.
            let (of_x, of_y) = (x.1.clone(), y.1.clone());
            for (this, other) in [(&mut x, &of_y), (&mut y, &of_x)] {
                let alone = |r: &Run| !keep(r.axis) && !other.has(r.axis);
                if this.1.runs.iter().any(alone) {
                    let wanted = |a: Axis| keep(a) || other.has(a);
                    let taken = std::mem::take(this);
                    *this = join(&mut pairs, taken, (one, Layout::default()), &wanted);
                }
            }
            let joined = join(&mut pairs, x, y, &keep);
            slots.push(joined);
        }
        let mut last = slots.pop().unwrap_or((one, Layout::default()));
        if last.1.runs.iter().any(|r| !target.has(r.axis)) {
            last = join(&mut pairs, last, (one, Layout::default()), &|a| {
                target.has(a)
            });
        }
        let spread = target.runs.iter().map(|r| Loop {
            size: r.size,
            a: last.1.get(r.axis).map_or(0, |x| x.stride),
            b: 0,
            out: r.stride,
        });
        Program {
            pairs,
            factor,
            spread: merged(spread.collect()),
            from: last.0,
            from_offset: last.1.offset,
            to_offset: target.offset,
        }
    }

    /// Adds the contraction of operands of the planned layouts to `out`.
    pub fn add(&self, operands: &[&[f64]], out: &mut [f64]) {
        let mut results: Vec<Vec<f64>> = Vec::with_capacity(self.pairs.len());
        let one = [1.0];
        for p in &self.pairs {
            let get = |i: usize| slot(operands, &one, &results, i);
            let mut result = vec![0.0; p.len];
            p.run(get(p.a), get(p.b), &mut result);
            results.push(result);
        }
        let from = slot(operands, &one, &results, self.from);
        add_spread(
            &self.spread,
            self.factor,
            from,
            self.from_offset,
            out,
            self.to_offset,
        );
    }
}

fn slot<'a>(
    operands: &[&'a [f64]],
    one: &'a [f64],
    results: &'a [Vec<f64>],
    i: usize,
) -> &'a [f64] {
    match operands.get(i) {
        Some(o) => o,
        None => results
            .get(i.wrapping_sub(operands.len() + 1))
            .map_or(one, Vec::as_slice),
    }
}

/// The two whose product is smallest.
fn cheapest(slots: &[(usize, Layout)], target: &Layout) -> (usize, usize) {
    let mut best = (0, 1, f64::INFINITY);
    for i in 0..slots.len() {
        for j in i + 1..slots.len() {
            let wanted = |a: Axis| {
                let others = slots.iter().enumerate();
                target.has(a)
                    || others
                        .filter(|(k, _)| *k != i && *k != j)
                        .any(|(_, (_, t))| t.has(a))
            };
            let (x, y) = (&slots[i].1, &slots[j].1);
            let new = y.runs.iter().filter(|r| !x.has(r.axis));
            let kept = x.runs.iter().chain(new).filter(|r| wanted(r.axis));
            let cost: f64 = kept.map(|r| r.size as f64).product();
            if cost < best.2 {
                best = (i, j, cost);
            }
        }
    }
    (best.0, best.1)
}

/// Loops that run on become one; loops of one step go.
fn merged(loops: Vec<Loop>) -> Vec<Loop> {
    let mut out: Vec<Loop> = vec![];
    for l in loops.into_iter().filter(|l| l.size != 1) {
        match out.last_mut() {
            Some(o) if o.a == l.size * l.a && o.b == l.size * l.b && o.out == l.size * l.out => {
                *o = Loop {
                    size: o.size * l.size,
                    ..l
                };
            }
            _ => out.push(l),
        }
    }
    out
}

/// The product of two arrays, and the layout of what it makes.
fn pair(
    (a, la): (usize, Layout),
    (b, lb): (usize, Layout),
    keep: &dyn Fn(Axis) -> bool,
) -> (Pair, Layout) {
    let sorted = |l: &Layout, wanted: &dyn Fn(Axis) -> bool| -> Vec<Axis> {
        let mut runs: Vec<&Run> = l.runs.iter().filter(|r| wanted(r.axis)).collect();
        runs.sort_by_key(|r| std::cmp::Reverse(r.stride));
        runs.iter().map(|r| r.axis).collect()
    };
    let batch = sorted(&la, &|x| lb.has(x) && keep(x));
    let rows = sorted(&la, &|x| !lb.has(x) && keep(x));
    let columns = sorted(&lb, &|x| !la.has(x) && keep(x));
    let mut summed = sorted(&la, &|x| !keep(x));
    summed.extend(sorted(&lb, &|x| !la.has(x) && !keep(x)));
    let sizes: Vec<Run> = la.runs.iter().chain(&lb.runs).copied().collect();
    let size = |x: Axis| sizes.iter().find(|r| r.axis == x).map_or(1, |r| r.size);
    let kept: Vec<Axis> = batch.iter().chain(&rows).chain(&columns).copied().collect();
    let out = Layout::standard(&kept, &size);
    let loops = |la: &Layout, lb: &Layout, axes: &[Axis]| -> Vec<Loop> {
        let stride = |l: &Layout, x: Axis| l.get(x).map_or(0, |r| r.stride);
        let all = axes.iter().map(|x| Loop {
            size: size(*x),
            a: stride(la, *x),
            b: stride(lb, *x),
            out: stride(&out, *x),
        });
        merged(all.collect())
    };
    let total: usize = kept.iter().chain(&summed).map(|x| size(*x)).product();
    let groups =
        |la: &Layout, lb: &Layout| [&batch, &rows, &columns, &summed].map(|g| loops(la, lb, g));
    let mut nest = groups(&la, &lb);
    let mut packed = [None, None];
    let mut layouts = [la, lb];
    let breaks = nest[1..].iter().any(|g| g.len() > 1);
    let small = layouts.iter().map(Layout::len).sum::<usize>() * 4 <= total;
    if breaks && small && total >= PACK {
        let orders: [Vec<Axis>; 2] = [
            batch.iter().chain(&rows).chain(&summed).copied().collect(),
            batch
                .iter()
                .chain(&summed)
                .chain(&columns)
                .copied()
                .collect(),
        ];
        for ((l, order), copy) in layouts.iter_mut().zip(orders).zip(&mut packed) {
            let own: Vec<Axis> = order.into_iter().filter(|x| l.has(*x)).collect();
            let new = Layout::standard(&own, &size);
            if new != *l {
                *copy = Some(Copy::new(l, &new));
                *l = new;
            }
        }
        nest = groups(&layouts[0], &layouts[1]);
    }
    let (outer, core) = arrange(nest);
    let pair = Pair {
        a,
        b,
        packed,
        offsets: [layouts[0].offset, layouts[1].offset],
        outer,
        core,
        len: out.len(),
        nothing: total == 0,
    };
    (pair, out)
}

/// Which loops are the core, and the others from the slowest to the fastest.
fn arrange(nest: [Vec<Loop>; 4]) -> (Vec<Loop>, Core) {
    let longest = |g: &Vec<Loop>| (0..g.len()).max_by_key(|i| g[*i].size);
    let [batch, mut rows, mut columns, mut summed] = nest;
    if let (Some(r), Some(c), Some(s)) = (longest(&rows), longest(&columns), longest(&summed)) {
        let sides = [rows[r].size, columns[c].size, summed[s].size];
        if sides.iter().all(|n| *n >= SIDE) && sides.iter().product::<usize>() >= PRODUCT {
            let core = Core::Product {
                rows: rows.remove(r),
                columns: columns.remove(c),
                summed: summed.remove(s),
            };
            let outer = [batch, rows, columns, summed].concat();
            return (slowest_first(outer), core);
        }
    }
    let mut all = [batch, rows, columns, summed].concat();
    // The inner loop is one that runs through memory, the longest such one.
    let score = |l: &Loop| {
        let near = [l.a, l.b, l.out].iter().all(|s| *s <= 1);
        (near && l.size >= SIDE, l.size)
    };
    let inner = (0..all.len()).max_by_key(|i| score(&all[*i]));
    let one = Loop {
        size: 1,
        a: 0,
        b: 0,
        out: 0,
    };
    let inner = inner.map_or(one, |i| all.remove(i));
    (slowest_first(all), Core::One(inner))
}

fn slowest_first(mut loops: Vec<Loop>) -> Vec<Loop> {
    loops.sort_by_key(|l| std::cmp::Reverse(l.a.max(l.b).max(l.out)));
    loops
}

impl Copy {
    fn new(from: &Layout, to: &Layout) -> Copy {
        let loops = to.runs.iter().map(|r| Loop {
            size: r.size,
            a: from.get(r.axis).map_or(0, |x| x.stride),
            b: 0,
            out: r.stride,
        });
        Copy {
            offset: from.offset,
            loops: merged(loops.collect()),
            len: to.len(),
        }
    }

    fn run(&self, from: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; self.len];
        add_spread(&self.loops, 1.0, from, self.offset, &mut out, 0);
        out
    }
}

impl Pair {
    fn run(&self, a: &[f64], b: &[f64], out: &mut [f64]) {
        let [ca, cb] = &self.packed;
        let (ca, cb) = (ca.as_ref().map(|c| c.run(a)), cb.as_ref().map(|c| c.run(b)));
        if self.nothing {
            return;
        }
        let a = ca.as_deref().unwrap_or(a);
        let b = cb.as_deref().unwrap_or(b);
        self.outer(&self.outer, a, b, out, self.offsets[0], self.offsets[1], 0);
    }

    fn outer(
        &self,
        loops: &[Loop],
        a: &[f64],
        b: &[f64],
        out: &mut [f64],
        i: usize,
        j: usize,
        k: usize,
    ) {
        match loops {
            [] => self.inner(a, b, out, i, j, k),
            [l, rest @ ..] => {
                for n in 0..l.size {
                    self.outer(rest, a, b, out, i + n * l.a, j + n * l.b, k + n * l.out);
                }
            }
        }
    }

    #[inline]
    fn inner(&self, a: &[f64], b: &[f64], out: &mut [f64], i: usize, j: usize, k: usize) {
        match &self.core {
            Core::One(l) => inner(l, &a[i..], &b[j..], &mut out[k..]),
            Core::Product {
                rows,
                columns,
                summed,
            } => {
                let (r, c, s) = (rows.size, columns.size, summed.size);
                let x = ArrayView2::from_shape((r, s).strides((rows.a, summed.a)), &a[i..]);
                let y = ArrayView2::from_shape((s, c).strides((summed.b, columns.b)), &b[j..]);
                let z = (r, c).strides((rows.out, columns.out));
                if let (Ok(x), Ok(y), Ok(mut z)) =
                    (x, y, ArrayViewMut2::from_shape(z, &mut out[k..]))
                {
                    crate::numeric::product::add_product(1.0, &x, &y, 1.0, &mut z);
                }
            }
        }
    }
}

/// One loop: a sum of products into one number, or products side by side.
#[inline]
fn inner(l: &Loop, a: &[f64], b: &[f64], out: &mut [f64]) {
    let n = l.size;
    match (l.out, l.a, l.b) {
        (0, 1, 1) => out[0] += dot(&a[..n], &b[..n]),
        (1, 1, 0) => {
            let y = b[0];
            out[..n]
                .iter_mut()
                .zip(&a[..n])
                .for_each(|(o, x)| *o += x * y);
        }
        (1, 0, 1) => {
            let x = a[0];
            out[..n]
                .iter_mut()
                .zip(&b[..n])
                .for_each(|(o, y)| *o += x * y);
        }
        (1, 1, 1) => {
            let both = a[..n].iter().zip(&b[..n]);
            out[..n]
                .iter_mut()
                .zip(both)
                .for_each(|(o, (x, y))| *o += x * y);
        }
        (0, _, _) => {
            let mut sum = 0.0;
            for m in 0..n {
                sum += a[m * l.a] * b[m * l.b];
            }
            out[0] += sum;
        }
        _ => {
            for m in 0..n {
                out[m * l.out] += a[m * l.a] * b[m * l.b];
            }
        }
    }
}

/// A sum of products in four parts, which are added up in pairs.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut parts = [0.0; 4];
    let (fa, fb) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f64 = fa
        .remainder()
        .iter()
        .zip(fb.remainder())
        .map(|(x, y)| x * y)
        .sum();
    for (x, y) in fa.zip(fb) {
        for (p, (x, y)) in parts.iter_mut().zip(x.iter().zip(y)) {
            *p += x * y;
        }
    }
    (parts[0] + parts[1]) + (parts[2] + parts[3]) + rest
}

/// The side of a tile of a transposition.
const TILE: usize = 16;

fn add_spread(loops: &[Loop], factor: f64, from: &[f64], i: usize, out: &mut [f64], k: usize) {
    match loops {
        [] => out[k] += factor * from[i],
        [l] if l.a == 1 && l.out == 1 => {
            let (x, o) = (&from[i..i + l.size], &mut out[k..k + l.size]);
            o.iter_mut().zip(x).for_each(|(o, x)| *o += factor * x);
        }
        [l] => {
            for n in 0..l.size {
                out[k + n * l.out] += factor * from[i + n * l.a];
            }
        }
        // A transposition goes tile by tile, so that what is read and what is written both stay in the cache. Every number
        // has a place of its own: the order does not matter.
        [l, m] if l.out > 0 && m.out > 0 && !(m.a == 1 && m.out == 1) => {
            for n in (0..l.size).step_by(TILE) {
                for p in (0..m.size).step_by(TILE) {
                    for n in n..(n + TILE).min(l.size) {
                        let (i, k) = (i + n * l.a, k + n * l.out);
                        for p in p..(p + TILE).min(m.size) {
                            out[k + p * m.out] += factor * from[i + p * m.a];
                        }
                    }
                }
            }
        }
        [l, rest @ ..] => {
            for n in 0..l.size {
                add_spread(rest, factor, from, i + n * l.a, out, k + n * l.out);
            }
        }
    }
}

#[cfg(test)]
mod tests;
