//! Finitely many weighted values that stand for a factor: exact for the statistics its family has.
//!
//! in: a factor, which of its sites are read -> out: (weight, values of those sites)
//!
//! ```text
//! Gaussian    m +- sqrt(n) L_i, weight 1/2n each                    exact for polynomials of degree 3
//! simplex     softmax(t +- s u), t = E log p, u = (1, -1, 0, ...)   exact for sums of log p_k: s so that the mean
//!                                                                   log-sum-exp is 0
//! precision   (1 +- s) E L with 1 - s^2 = exp(2/d (E log|L| - log|E L|))   exact for L and log|L|; given L, w as a Gaussian
//! ```

use statrs::function::gamma::digamma;

use crate::numeric::linalg::{cholesky, inverse_spd};

use super::factor::{Precision, Q, states};
use super::square::log_det;

/// At most this many points of several factors are crossed.
const CROSSED: f64 = 16.0;

/// A weight and the values it belongs to.
pub type Weighted = (f64, Vec<f64>);

impl Q {
    /// True where sites that are read together must be the whole factor.
    pub fn is_whole(&self) -> bool {
        !matches!(self, Q::Gaussian(..) | Q::Choice(..) | Q::Table(..))
    }

    /// Values inside the support, one for each site.
    pub fn centre(&self) -> Option<Vec<f64>> {
        Some(match self {
            Q::Point(v, _) => v.clone(),
            Q::Choice(s, _) => s.iter().map(|s| *s as f64).collect(),
            Q::Table(_, shape) => vec![0.0; shape.len()],
            Q::Gaussian(m, _) => m.clone(),
            Q::Simplex { a, single } => {
                let total: f64 = a.iter().sum();
                let keep = if *single { 1 } else { a.len() };
                a.iter().take(keep).map(|x| x / total).collect()
            }
            Q::Precision(p) => {
                let mut out = p.mean.clone();
                out.extend(p.value(&p.expected()?)?);
                out
            }
        })
    }

    /// The probability of each state of a site, given the states of others of the same factor.
    pub fn conditional(&self, decided: &[(usize, usize)], site: usize) -> Vec<f64> {
        match self {
            Q::Choice(s, shape) => (0..shape.get(site).copied().unwrap_or(0))
                .map(|k| f64::from(u8::from(s.get(site) == Some(&k))))
                .collect(),
            Q::Table(p, shape) => {
                let mut out = vec![0.0; shape.get(site).copied().unwrap_or(0)];
                if shape.len() == 1 {
                    out.clone_from(p);
                    return out;
                }
                for (i, p) in p.iter().enumerate() {
                    let at = states(i, shape);
                    if *p > 0.0 && decided.iter().all(|(s, k)| at.get(*s) == Some(k)) {
                        out[at[site]] += p;
                    }
                }
                let total: f64 = out.iter().sum();
                if total > 0.0 {
                    out.iter_mut().for_each(|x| *x /= total);
                }
                out
            }
            _ => vec![],
        }
    }

    /// Weighted values of some of its sites; none where they do not exist in double precision.
    pub fn points(&self, sites: &[usize]) -> Option<Vec<Weighted>> {
        match self {
            Q::Point(v, _) => Some(vec![(1.0, pick(v, sites))]),
            Q::Choice(..) | Q::Table(..) => None,
            Q::Gaussian(m, c) => {
                let n = m.len();
                let mean = pick(m, sites);
                let part: Vec<f64> = sites
                    .iter()
                    .flat_map(|i| sites.iter().map(move |j| c[i * n + j]))
                    .collect();
                gaussian(&mean, &part)
            }
            Q::Simplex { a, single } => Some(
                simplex(a)?
                    .into_iter()
                    .map(|(w, p)| {
                        let v = if *single { vec![p[0]] } else { p };
                        (w, pick(&v, sites))
                    })
                    .collect(),
            ),
            Q::Precision(p) => {
                let mut out = vec![];
                for (w, precision) in p.scaled()? {
                    let value = p.value(&precision)?;
                    let means = if p.count > 0 {
                        gaussian(&p.mean, &p.covariance_given(&precision)?)?
                    } else {
                        vec![(1.0, vec![])]
                    };
                    for (u, mut v) in means {
                        v.extend(&value);
                        out.push((w * u, pick(&v, sites)));
                    }
                }
                Some(out)
            }
        }
    }
}

/// One rule for sites of several factors of a block, in their order.
pub fn joint(parts: &[(&Q, &[usize])]) -> Option<Vec<Weighted>> {
    if let [(q, sites)] = parts {
        return q.points(sites);
    }
    if parts.iter().all(|(q, _)| matches!(q, Q::Gaussian(..))) {
        let n: usize = parts.iter().map(|(_, s)| s.len()).sum();
        let mut mean = vec![];
        let mut covariance = vec![0.0; n * n];
        for (q, sites) in parts {
            let Q::Gaussian(m, c) = q else { return None };
            let first = mean.len();
            for (i, s) in sites.iter().enumerate() {
                mean.push(*m.get(*s)?);
                for (j, t) in sites.iter().enumerate() {
                    covariance[(first + i) * n + first + j] = *c.get(s * m.len() + t)?;
                }
            }
        }
        return gaussian(&mean, &covariance);
    }
    let rules: Option<Vec<Vec<Weighted>>> = parts.iter().map(|(q, s)| q.points(s)).collect();
    let rules = rules?;
    let crossed: f64 = rules.iter().map(|r| r.len() as f64).product();
    let mut out: Vec<Weighted> = vec![(1.0, vec![])];
    if crossed <= CROSSED {
        for rule in &rules {
            let mut next = vec![];
            for (w, x) in &out {
                for (u, y) in rule {
                    next.push((w * u, [x.as_slice(), y.as_slice()].concat()));
                }
            }
            out = next;
        }
        return Some(out);
    }
    // Equally many points with equal weights, or a single one.
    let n = rules.iter().map(Vec::len).max()?;
    out = vec![(1.0 / n as f64, vec![]); n];
    for rule in &rules {
        for (i, (_, x)) in out.iter_mut().enumerate() {
            x.extend(&rule.get(i % rule.len().max(1))?.1);
        }
    }
    Some(out)
}

fn pick(v: &[f64], sites: &[usize]) -> Vec<f64> {
    sites.iter().filter_map(|s| v.get(*s).copied()).collect()
}

impl Precision {
    fn value(&self, precision: &[f64]) -> Option<Vec<f64>> {
        let mut out = precision.to_vec();
        if self.inverse {
            inverse_spd(precision, self.d, &mut out).ok()?;
        }
        Some(out)
    }

    fn scaled(&self) -> Option<Vec<Weighted>> {
        let mean = self.expected()?;
        let gap = self.expected_log()? - log_det(&mean, self.d)?;
        let product = (2.0 * gap / self.d as f64).exp();
        if !(product > 1e-280 && product <= 1.0) {
            return None;
        }
        let s = (1.0 - product).sqrt();
        let by = |c: f64| mean.iter().map(|x| c * x).collect();
        Some(vec![(0.5, by(1.0 + s)), (0.5, by(product / (1.0 + s)))])
    }
}

fn gaussian(mean: &[f64], covariance: &[f64]) -> Option<Vec<Weighted>> {
    let n = mean.len();
    let mut l = vec![0.0; n * n];
    cholesky(covariance, n, &mut l).ok()?;
    let far = (n as f64).sqrt();
    let mut out = Vec::with_capacity(2 * n);
    for i in 0..n {
        for sign in [far, -far] {
            let v = (0..n).map(|j| mean[j] + sign * l[j * n + i]).collect();
            out.push((0.5 / n as f64, v));
        }
    }
    Some(out)
}

fn simplex(a: &[f64]) -> Option<Vec<Weighted>> {
    let total: f64 = a.iter().sum();
    let t: Vec<f64> = a.iter().map(|x| digamma(*x) - digamma(total)).collect();
    let softmax = |s: f64| -> (f64, Vec<f64>) {
        let moved: Vec<f64> = t
            .iter()
            .enumerate()
            .map(|(k, t)| t + [s, -s].get(k).unwrap_or(&0.0))
            .collect();
        let top = moved.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let log = top + moved.iter().map(|x| (x - top).exp()).sum::<f64>().ln();
        (log, moved.iter().map(|x| (x - log).exp()).collect())
    };
    let excess = |s: f64| 0.5 * (softmax(s).0 + softmax(-s).0);
    // Increasing in s, below 0 at 0: bisection to the last bit.
    let (mut low, mut high) = (0.0, 1.0);
    while excess(high) < 0.0 {
        high *= 2.0;
        if high > 600.0 {
            return None;
        }
    }
    for _ in 0..200 {
        let mid = 0.5 * (low + high);
        if mid <= low || mid >= high {
            break;
        }
        if excess(mid) < 0.0 {
            low = mid;
        } else {
            high = mid;
        }
    }
    Some(vec![(0.5, softmax(high).1), (0.5, softmax(-high).1)])
}
