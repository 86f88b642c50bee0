//! Integrals of several functions over the same panels, refined until each is accurate.
//!
//! ```text
//! int_a^b f ~ h sum_i w_i f(c + h x_i),   c = (a + b)/2, h = (b - a)/2         15 Kronrod nodes, 7 of them Gauss's
//! error ~ r min(1, (200 |K - G| / r)^(3/2)),   r = int |f - mean f|
//! ```
//!
//! Piessens et al., QUADPACK (1983), which also has the nodes.

/// Half of the Kronrod nodes, from the outside to the middle, with their weights; every second is a Gauss node.
const NODES: [(f64, f64); 8] = [
    (0.991_455_371_120_812_6, 0.022_935_322_010_529_224),
    (0.949_107_912_342_758_5, 0.063_092_092_629_978_56),
    (0.864_864_423_359_769_1, 0.104_790_010_322_250_18),
    (0.741_531_185_599_394_4, 0.140_653_259_715_525_92),
    (0.586_087_235_467_691_1, 0.169_004_726_639_267_9),
    (0.405_845_151_377_397_2, 0.190_350_578_064_785_42),
    (0.207_784_955_007_898_46, 0.204_432_940_075_298_89),
    (0.0, 0.209_482_141_084_727_82),
];
const GAUSS: [f64; 4] = [
    0.129_484_966_168_869_7,
    0.279_705_391_489_276_64,
    0.381_830_050_505_118_9,
    0.417_959_183_673_469_4,
];

/// A part of the absolute integral below which errors that do not fall by halving are taken for noise of the functions.
const NOISE: f64 = 1e-8;
/// As many halvings show it.
const STALLS: u8 = 3;

/// The functions at a point: writes one value each, finite.
pub type Integrands<'a> = dyn FnMut(f64, &mut [f64]) + 'a;

/// One interval with the integrals over it.
#[derive(Debug, Clone)]
pub struct Panel {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// The integrals.
    pub integral: Vec<f64>,
    /// The integrals of the absolute values.
    pub absolute: Vec<f64>,
    /// An estimate of their errors.
    pub error: Vec<f64>,
    /// How many halvings in a row did not help.
    stalled: u8,
}

impl Panel {
    /// The integrals of `n` functions over one interval by the rule.
    pub fn new(low: f64, high: f64, n: usize, integrands: &mut Integrands) -> Panel {
        let (centre, half) = (0.5 * (low + high), 0.5 * (high - low));
        let mut values = vec![0.0; 15 * n];
        for (i, (node, _)) in NODES.iter().enumerate() {
            integrands(centre - half * node, &mut values[i * n..(i + 1) * n]);
            if i < 7 {
                let mirror = (14 - i) * n;
                integrands(centre + half * node, &mut values[mirror..mirror + n]);
            }
        }
        let weight = |i: usize| NODES[i.min(14 - i)].1;
        let mut panel = Panel {
            low,
            high,
            integral: vec![0.0; n],
            absolute: vec![0.0; n],
            error: vec![0.0; n],
            stalled: 0,
        };
        for k in 0..n {
            let at = |i: usize| values[i * n + k];
            let kronrod: f64 = (0..15).map(|i| weight(i) * at(i)).sum();
            let gauss: f64 = (0..7).map(|j| GAUSS[j.min(6 - j)] * at(2 * j + 1)).sum();
            let absolute: f64 = (0..15).map(|i| weight(i) * at(i).abs()).sum();
            let spread: f64 = (0..15)
                .map(|i| weight(i) * (at(i) - 0.5 * kronrod).abs())
                .sum();
            let difference = (kronrod - gauss).abs();
            panel.integral[k] = half * kronrod;
            panel.absolute[k] = half * absolute;
            panel.error[k] = if spread > 0.0 {
                half * spread * (200.0 * difference / spread).powf(1.5).min(1.0)
            } else {
                0.0
            };
        }
        panel
    }
}

/// When to stop.
pub struct Accuracy<'a> {
    /// The part of its absolute integral that the error of an integral may be.
    pub tolerance: f64,
    /// The relative error of the integrands at a point that comes from rounding: errors below it are not chased.
    pub rounding: &'a dyn Fn(f64) -> f64,
    /// The most evaluations.
    pub budget: usize,
}

/// Panels between the sorted breaks, halved until the error of every integral is within the tolerance or at rounding, or
/// the next round would take more evaluations than there may be.
pub fn refine(
    breaks: &[f64],
    n: usize,
    integrands: &mut Integrands,
    accuracy: &Accuracy,
) -> Vec<Panel> {
    let mut panels: Vec<Panel> = breaks
        .windows(2)
        .filter(|w| w[1] > w[0])
        .map(|w| Panel::new(w[0], w[1], n, integrands))
        .collect();
    let mut spent = 15 * panels.len();
    loop {
        let mut excess = vec![0.0; panels.len()];
        let mut scales = vec![0.0; n];
        let mut done = true;
        for k in 0..n {
            let scale: f64 = panels.iter().map(|p| p.absolute[k]).sum();
            scales[k] = scale;
            let chased = |p: &Panel| {
                let rounding = (accuracy.rounding)(p.low).max((accuracy.rounding)(p.high));
                if p.stalled < STALLS && p.error[k] > rounding * p.absolute[k] {
                    p.error[k]
                } else {
                    0.0
                }
            };
            let errors: Vec<f64> = panels.iter().map(chased).collect();
            let error: f64 = errors.iter().sum();
            if error > accuracy.tolerance * scale {
                done = false;
                for (e, own) in excess.iter_mut().zip(&errors) {
                    *e = f64::max(*e, own / error);
                }
            }
        }
        // What matters: the panels that hold more than their share of an error.
        let share = 0.5 / panels.len().max(1) as f64;
        let split = excess.iter().filter(|e| **e > share).count();
        if done || split == 0 || spent + 30 * split > accuracy.budget {
            return panels;
        }
        spent += 30 * split;
        let mut next = Vec::with_capacity(panels.len() + split);
        for (panel, excess) in panels.into_iter().zip(excess) {
            let middle = 0.5 * (panel.low + panel.high);
            if excess > share && panel.low < middle && middle < panel.high {
                let mut left = Panel::new(panel.low, middle, n, integrands);
                let mut right = Panel::new(middle, panel.high, n, integrands);
                let stalls = (0..n).all(|k| {
                    let small = panel.error[k] <= NOISE * scales[k];
                    let settled = panel.error[k] <= accuracy.tolerance * 1e-3 * scales[k];
                    small && (settled || left.error[k] + right.error[k] > 0.7 * panel.error[k])
                });
                left.stalled = if stalls { panel.stalled + 1 } else { 0 };
                right.stalled = left.stalled;
                next.extend([left, right]);
            } else {
                next.push(panel);
            }
        }
        panels = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_up_to_degree_twenty_two_are_exact() {
        let mut f = |x: f64, out: &mut [f64]| {
            for (d, v) in out.iter_mut().enumerate() {
                *v = x.powi(d as i32);
            }
        };
        let panel = Panel::new(-0.5, 2.0, 23, &mut f);
        for d in 0..23 {
            let n = d as i32 + 1;
            let want = (2f64.powi(n) - (-0.5f64).powi(n)) / f64::from(n);
            assert!((panel.integral[d] / want - 1.0).abs() < 1e-13, "{d}");
            // The 7-point rule alone is exact up to 13.
            assert!(d > 13 || panel.error[d] < 1e-12 * want, "{d}");
        }
    }

    #[test]
    fn kinks_and_jumps_are_halved_away_within_the_budget() {
        let mut evaluations = 0;
        let mut f = |x: f64, out: &mut [f64]| {
            evaluations += 1;
            out[0] = (x - 0.3).abs();
            out[1] = if x < 0.7 { 1.0 } else { 0.0 };
        };
        let accuracy = |budget: usize| Accuracy {
            tolerance: 1e-11,
            rounding: &|_| 0.0,
            budget,
        };
        let panels = refine(&[0.0, 1.0], 2, &mut f, &accuracy(20_000));
        let total = |k: usize| panels.iter().map(|p| p.integral[k]).sum::<f64>();
        assert!((total(0) - 0.29).abs() < 1e-11);
        assert!((total(1) - 0.7).abs() < 1e-10);
        assert!(evaluations < 3000);
        let mut noise = |x: f64, out: &mut [f64]| out[0] = (1e9 * x).sin();
        assert!(refine(&[0.0, 1.0], 1, &mut noise, &accuracy(3000)).len() <= 200);
    }
}
