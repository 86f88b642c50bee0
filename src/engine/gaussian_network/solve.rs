//! One update of a Gaussian network: J and b from the messages, known numbers conditioned on, clusters eliminated.

use ndarray::ArrayD;

use crate::numeric::gaussian_elimination::GaussianError;

use super::{Cluster, Entry, GaussianNetwork, Solution};

impl GaussianNetwork {
    /// One update: clusters one after the other, each given the others' means.
    pub(super) fn update(
        &self,
        messages: &[Option<&[f64]>],
        before: Vec<f64>,
        latent: bool,
    ) -> Result<Solution, (usize, String)> {
        let mut b = vec![0.0; self.owner.len()];
        let mut blocks = vec![0.0; self.block_at.last().copied().unwrap_or(0)];
        let mut pairs = vec![0.0; self.pair_at.last().copied().unwrap_or(0)];
        for (entries, m) in self.compounds.iter().zip(messages) {
            let Some(m) = m else { continue };
            for (e, v) in entries.iter().zip(*m) {
                match e {
                    Entry::Nowhere => {}
                    Entry::Linear(i) => b[*i] += v,
                    Entry::Within(i, j) => {
                        blocks[*i] -= v;
                        blocks[*j] -= v;
                    }
                    Entry::Between(i) => pairs[*i] -= v,
                }
            }
        }
        self.condition(&mut b, &mut blocks, &mut pairs);
        let mut out = Solution {
            mean: before,
            blocks: vec![0.0; blocks.len()],
            pairs: vec![0.0; pairs.len()],
            entropy: 0.0,
        };
        for c in &self.clusters {
            self.solve(c, &b, &blocks, &pairs, latent, &mut out)?;
        }
        self.known_again(&mut out);
        Ok(out)
    }

    fn solve(
        &self,
        c: &Cluster,
        b: &[f64],
        blocks: &[f64],
        pairs: &[f64],
        latent: bool,
        out: &mut Solution,
    ) -> Result<(), (usize, String)> {
        let mut linear = vec![];
        let mut own = vec![];
        let mut start = vec![];
        for v in &c.sites {
            let v = *v as usize;
            start.push(linear.len());
            linear.extend_from_slice(&b[self.number_at[v]..self.number_at[v + 1]]);
            own.extend_from_slice(&blocks[self.block_at[v]..self.block_at[v + 1]]);
        }
        for p in &c.edges {
            let (i, j) = self.pairs[*p as usize];
            let block = &pairs[self.pair_at[*p as usize]..self.pair_at[*p as usize + 1]];
            let (ni, nj) = (self.dims[i as usize], self.dims[j as usize]);
            let here = c.sites.binary_search(&i);
            for x in 0..ni {
                for y in 0..nj {
                    let w = block[x * nj + y];
                    match here {
                        Ok(k) => {
                            linear[start[k] + x] -= w * out.mean[self.number_at[j as usize] + y];
                        }
                        Err(_) => {
                            if let Ok(k) = c.sites.binary_search(&j) {
                                linear[start[k] + y] -=
                                    w * out.mean[self.number_at[i as usize] + x];
                            }
                        }
                    }
                }
            }
        }
        let mut between = vec![];
        for p in &c.pairs {
            between.extend_from_slice(
                &pairs[self.pair_at[*p as usize]..self.pair_at[*p as usize + 1]],
            );
        }
        own.extend_from_slice(&between);
        let failed = |e: GaussianError| {
            let site = match e {
                GaussianError::NotPositiveDefinite { site } => site,
                GaussianError::Length { .. } => 0,
            };
            let v = c.sites.get(site).copied().unwrap_or(0) as usize;
            (
                self.number_at[v],
                "the precision matrix is not positive definite".to_string(),
            )
        };
        let factor = c.elimination.factorise(&own).map_err(failed)?;
        let mean = c.elimination.mean(&factor, &linear).map_err(failed)?;
        let covariances = latent.then(|| c.elimination.covariances(&factor));
        let (mut at, mut block_from) = (0, 0);
        let mut free = 0;
        for v in &c.sites {
            let v = *v as usize;
            let n = self.dims[v];
            out.mean[self.number_at[v]..self.number_at[v + 1]].copy_from_slice(&mean[at..at + n]);
            free += (self.number_at[v]..self.number_at[v + 1])
                .filter(|i| self.clamps.get(*i).is_none_or(|x| x.is_nan()))
                .count();
            at += n;
            if let Some(q) = &covariances {
                out.blocks[self.block_at[v]..self.block_at[v + 1]]
                    .copy_from_slice(&q.variances[block_from..block_from + n * n]);
                block_from += n * n;
            }
        }
        if let Some(q) = &covariances {
            let mut from = 0;
            for p in &c.pairs {
                let (a, b) = (self.pair_at[*p as usize], self.pair_at[*p as usize + 1]);
                out.pairs[a..b].copy_from_slice(&q.pairs[from..from + b - a]);
                from += b - a;
            }
            out.entropy +=
                0.5 * (free as f64 * (1.0 + (2.0 * std::f64::consts::PI).ln()) - factor.log_det);
        }
        Ok(())
    }

    /// Conditions on the known numbers: their part of J goes to b, they themselves become their values.
    fn condition(&self, b: &mut [f64], blocks: &mut [f64], pairs: &mut [f64]) {
        if self.clamps.is_empty() {
            return;
        }
        for (v, n) in self.dims.iter().enumerate() {
            let (at, first) = (self.block_at[v], self.number_at[v]);
            for x in 0..*n {
                let known = self.clamps[first + x];
                if known.is_nan() {
                    continue;
                }
                for y in 0..*n {
                    if self.clamps[first + y].is_nan() {
                        b[first + y] -= blocks[at + y * n + x] * known;
                    }
                    blocks[at + x * n + y] = 0.0;
                    blocks[at + y * n + x] = 0.0;
                }
                blocks[at + x * n + x] = 1.0;
            }
        }
        for (p, (i, j)) in self.pairs.iter().enumerate() {
            let (first_i, first_j) = (self.number_at[*i as usize], self.number_at[*j as usize]);
            let (ni, nj) = (self.dims[*i as usize], self.dims[*j as usize]);
            for x in 0..ni {
                for y in 0..nj {
                    let w = &mut pairs[self.pair_at[p] + x * nj + y];
                    let (a, c) = (self.clamps[first_i + x], self.clamps[first_j + y]);
                    if a.is_nan() && !c.is_nan() {
                        b[first_i + x] -= *w * c;
                    }
                    if c.is_nan() && !a.is_nan() {
                        b[first_j + y] -= *w * a;
                    }
                    if !a.is_nan() || !c.is_nan() {
                        *w = 0.0;
                    }
                }
            }
        }
        for (x, known) in b.iter_mut().zip(&self.clamps) {
            if !known.is_nan() {
                *x = *known;
            }
        }
    }

    /// Known numbers have no variance.
    fn known_again(&self, out: &mut Solution) {
        if self.clamps.is_empty() {
            return;
        }
        for (v, n) in self.dims.iter().enumerate() {
            for x in 0..*n {
                let number = self.number_at[v] + x;
                if !self.clamps[number].is_nan() {
                    out.mean[number] = self.clamps[number];
                    if let Some(c) = out.blocks.get_mut(self.block_at[v] + x * n + x) {
                        *c = 0.0;
                    }
                }
            }
        }
    }

    pub(super) fn means(&self, values: &[Option<&ArrayD<f64>>]) -> Vec<f64> {
        let mut out = vec![0.0; self.owner.len()];
        for (numbers, v) in self.numbers.iter().zip(values) {
            if let Some(v) = v {
                for (n, x) in numbers.iter().zip(v.iter()) {
                    out[*n as usize] = *x;
                }
            }
        }
        out
    }

    /// The covariance that a compound of two factors needs, flat over its axes.
    pub(super) fn covariance(&self, q: &Solution, compound: usize) -> Vec<f64> {
        self.compounds[compound]
            .iter()
            .map(|e| match e {
                Entry::Nowhere | Entry::Linear(_) => 0.0,
                Entry::Within(i, _) => q.blocks[*i],
                Entry::Between(i) => q.pairs[*i],
            })
            .collect()
    }

    pub(super) fn variances(&self, q: &Solution) -> Vec<f64> {
        let mut out = Vec::with_capacity(self.owner.len());
        for (v, n) in self.dims.iter().enumerate() {
            out.extend((0..*n).map(|x| q.blocks[self.block_at[v] + x * n + x]));
        }
        out
    }
}
