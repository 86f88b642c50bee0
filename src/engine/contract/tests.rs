//! Every program against the loop over all elements of all axes.

use super::*;
use crate::algebra::Subscript;
use crate::model::PlateId;

fn axis(i: u32) -> Axis {
    Axis {
        plate: PlateId(i),
        id: i,
    }
}

/// Numbers that repeat only after long.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// An array with its subscripts, each an axis or a fixed element.
struct Array {
    index: Vec<Subscript>,
    shape: Vec<usize>,
    values: Vec<f64>,
}

impl Array {
    fn new(index: Vec<Subscript>, sizes: &[usize], u: &mut Numbers) -> Array {
        let size = |s: &Subscript| match s {
            Subscript::Axis(a) => sizes[a.id as usize],
            _ => 3,
        };
        let shape: Vec<usize> = index.iter().map(size).collect();
        let len = shape.iter().product();
        let values = (0..len).map(|_| u.below(2001) as f64 / 1000.0 - 1.0);
        Array {
            values: values.collect(),
            index,
            shape,
        }
    }

    fn place(&self, at: &[usize]) -> usize {
        let along = |s: &Subscript| match s {
            Subscript::Axis(a) => at[a.id as usize],
            Subscript::Element(e) => *e as usize,
            _ => 0,
        };
        let both = self.index.iter().zip(&self.shape);
        both.fold(0, |p, (s, n)| p * n + along(s))
    }
}

fn agrees(
    operands: &[Array],
    target: &[Subscript],
    all: &[Axis],
    sizes: &[usize],
    u: &mut Numbers,
) {
    let mut out = Array::new(target.to_vec(), sizes, u);
    let mut wanted = out.values.clone();
    // What neither occurs nor is summed over stands still.
    let met = |i: usize| {
        let a = axis(i as u32);
        let in_index = |index: &[Subscript]| index.contains(&Subscript::Axis(a));
        all.contains(&a) || in_index(target) || operands.iter().any(|o| in_index(&o.index))
    };
    let range = |i: usize| if met(i) { sizes[i] } else { 1 };
    let ranges: Vec<usize> = (0..sizes.len()).map(range).collect();
    for flat in 0..ranges.iter().product() {
        let mut at = vec![0; sizes.len()];
        let mut rest = flat;
        for (a, n) in at.iter_mut().zip(&ranges).rev() {
            *a = rest % n;
            rest /= n;
        }
        let product: f64 = operands.iter().map(|o| o.values[o.place(&at)]).product();
        wanted[out.place(&at)] += 0.5 * product;
    }
    let size = |a: Axis| sizes[a.id as usize];
    let layouts: Option<Vec<Layout>> = operands
        .iter()
        .map(|o| Layout::subscripted(&o.index, &o.shape))
        .collect();
    let to = Layout::subscripted(target, &out.shape).expect("a layout");
    let program = Program::new(0.5, &layouts.expect("layouts"), all, &to, &size);
    let slices: Vec<&[f64]> = operands.iter().map(|o| o.values.as_slice()).collect();
    program.add(&slices, &mut out.values);
    for (x, y) in out.values.iter().zip(&wanted) {
        let text: Vec<&Vec<Subscript>> = operands.iter().map(|o| &o.index).collect();
        let near = (x - y).abs() <= 1e-10 * y.abs().max(1.0);
        assert!(near, "{x} for {y}: {text:?} to {target:?} of {sizes:?}");
    }
}

#[test]
fn any_contraction_equals_the_loop() {
    let mut u = Numbers(1);
    for round in 0..600 {
        let sizes: Vec<usize> = (0..5)
            .map(|_| [1, 2, 3, 5, 9, 0][u.below(if round % 20 == 0 { 6 } else { 5 }) as usize])
            .collect();
        let index = |u: &mut Numbers, most: u64| -> Vec<Subscript> {
            (0..u.below(most + 1))
                .map(|_| match u.below(8) {
                    0 => Subscript::Element(u.below(3) as u32),
                    _ => Subscript::Axis(axis(u.below(5) as u32)),
                })
                .collect()
        };
        let operands: Vec<Array> = (0..u.below(5))
            .map(|_| {
                let i = index(&mut u, 4);
                Array::new(i, &sizes, &mut u)
            })
            .collect();
        let target = index(&mut u, 3);
        let all: Vec<Axis> = (0..5).filter(|_| u.below(2) == 0).map(axis).collect();
        agrees(&operands, &target, &all, &sizes, &mut u);
    }
}

#[test]
fn large_products_equal_the_loop() {
    let mut u = Numbers(2);
    let sizes = [12, 7, 11, 13, 6];
    let a = |i: u32| Subscript::Axis(axis(i));
    // Rows and summed axes that do not run on, in either operand; a batch; a matrix product of all but one.
    for (x, y, to) in [
        (vec![0, 2, 1], vec![3, 1, 0], vec![2, 3]),
        (vec![2, 0, 3], vec![0, 1, 3], vec![1, 2]),
        (vec![4, 0, 2], vec![4, 2, 3], vec![4, 0, 3]),
        (vec![0, 1, 2, 3], vec![2, 4], vec![3, 4, 0, 1]),
        (vec![1, 2], vec![2, 3], vec![3, 1]),
    ] {
        let mut array = |i: Vec<u32>| Array::new(i.into_iter().map(a).collect(), &sizes, &mut u);
        let operands = [array(x), array(y)];
        let target: Vec<Subscript> = to.into_iter().map(a).collect();
        agrees(&operands, &target, &[], &sizes, &mut u);
    }
}
