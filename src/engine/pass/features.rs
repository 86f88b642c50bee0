//! The features of a pass as lanes: which are columns of the data turned over, which are products of them.
//!
//! ```text
//! feature f of row n      product of the numbers that a position of a key's data is: 1, x_a, x_a x_b (a <= b)
//! ```

use crate::numeric::lanes::{Place, multiply, turn};

use super::BoundPass;

/// How the features of a chunk are made. Their lanes come first, then those that are only a factor of some feature.
#[derive(Default)]
pub(super) struct Features {
    /// How many there are.
    pub(super) count: usize,
    /// Lanes in all.
    lanes: usize,
    /// Features that are 1.
    ones: Vec<usize>,
    read: Vec<Read>,
    /// In turn, lane c = lane a times lane b.
    products: Vec<(usize, usize, usize)>,
}

/// Lanes of one array: a key and a factor of it that read it.
struct Read {
    key: usize,
    factor: usize,
    places: Vec<Place>,
}

/// One number of a column, along the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lane {
    key: usize,
    factor: usize,
    inner: usize,
}

/// Each feature as a product of lanes, while they are collected.
#[derive(Default)]
pub(super) struct Collected {
    lanes: Vec<Lane>,
    products: Vec<Vec<usize>>,
}

impl Collected {
    /// Adds those of a key; returns the place of its first feature.
    pub(super) fn add(&mut self, pass: &BoundPass, key: usize) -> usize {
        let first = self.products.len();
        let k = &pass.keys[key];
        match k.symmetric {
            Some(d) => {
                let own: Vec<usize> = (0..d).map(|a| self.lane(pass, key, 0, a)).collect();
                for a in 0..d {
                    for b in a..d {
                        self.products.push(vec![own[a], own[b]]);
                    }
                }
            }
            None => {
                for a in 0..k.positions {
                    let factors = (0..k.data.len())
                        .map(|f| self.lane(pass, key, f, k.data[f].by_data[a]))
                        .collect();
                    self.products.push(factors);
                }
            }
        }
        first
    }

    /// The lane of an inner position of a factor; one for equal arrays.
    fn lane(&mut self, pass: &BoundPass, key: usize, factor: usize, inner: usize) -> usize {
        let column = |l: &Lane| &pass.keys[l.key].data[l.factor];
        let new = Lane { key, factor, inner };
        let same = |l: &Lane| l.inner == inner && column(l).same(column(&new));
        self.lanes.iter().position(same).unwrap_or_else(|| {
            self.lanes.push(new);
            self.lanes.len() - 1
        })
    }

    /// Gives every lane its place: that of the first feature that is this lane alone, else one behind the features.
    pub(super) fn arranged(self, pass: &BoundPass) -> Features {
        let mut alone = vec![None; self.lanes.len()];
        for (at, p) in self.products.iter().enumerate().rev() {
            if let [l] = p.as_slice() {
                alone[*l] = Some(at);
            }
        }
        let mut out = Features {
            count: self.products.len(),
            lanes: self.products.len(),
            ..Features::default()
        };
        let mut places = vec![];
        for (lane, alone) in self.lanes.iter().zip(alone) {
            let at = alone.unwrap_or(out.lanes);
            out.lanes += usize::from(alone.is_none());
            places.push(at);
            out.read_into(pass, *lane, at);
        }
        for (at, p) in self.products.iter().enumerate() {
            match p.as_slice() {
                [] => out.ones.push(at),
                [a] if places[*a] == at => {}
                [a] => out.read_into(pass, self.lanes[*a], at),
                [a, b, rest @ ..] => {
                    out.products.push((places[*a], places[*b], at));
                    let rest = rest.iter().map(|c| (at, places[*c], at));
                    out.products.extend(rest);
                }
            }
        }
        for r in &mut out.read {
            r.places.sort_by_key(|p| p.inner);
        }
        out
    }
}

impl Features {
    fn read_into(&mut self, pass: &BoundPass, lane: Lane, at: usize) {
        let column = |key: usize, factor: usize| &pass.keys[key].data[factor];
        let own = column(lane.key, lane.factor);
        let place = Place {
            inner: lane.inner,
            line: own.line(lane.inner),
            lane: at,
        };
        let same = |r: &&mut Read| column(r.key, r.factor).same(own);
        match self.read.iter_mut().find(same) {
            Some(r) => r.places.push(place),
            None => self.read.push(Read {
                key: lane.key,
                factor: lane.factor,
                places: vec![place],
            }),
        }
    }

    /// The lanes of the rows from..to, padded to m.
    pub(super) fn fill(
        &self,
        pass: &BoundPass,
        from: usize,
        to: usize,
        m: usize,
        x: &mut Vec<f64>,
    ) {
        x.resize(self.lanes * m, 0.0);
        for r in &self.read {
            let c = &pass.keys[r.key].data[r.factor];
            turn(c.rows(from, to), c.width, &r.places, m, x);
        }
        for f in &self.ones {
            let lane = &mut x[f * m..(f + 1) * m];
            lane[..to - from].fill(1.0);
            lane[to - from..].fill(0.0);
        }
        multiply(x, m, &self.products);
    }

    /// What is read for the rows from..to, as far as there are some.
    pub(super) fn cells<'p>(&self, pass: &'p BoundPass, from: usize, to: usize) -> Vec<&'p [f64]> {
        let to = to.min(pass.rows);
        let column = |r: &Read| pass.keys[r.key].data[r.factor].rows(from, to);
        self.read.iter().map(column).collect()
    }
}
