//! Finitely many weighted values that stand for a factor: exact for the statistics its family has.
//!
//! in: a factor, which of its sites are read -> out: (weight, values of those sites)
//!
//! ```text
//! Gaussian    m +- sqrt(n) L_i, weight 1/2n each                    exact for polynomials of degree 3
//! simplex     softmax(t +- s u), t = E log p, u = (1, -1, 0, ...)   exact for sums of log p_k: s so that the mean
//!                                                                   log-sum-exp is 0
//! line        few nodes that keep its statistics
//! precision   (1 +- s) E L with 1 - s^2 = exp(2/d (E log|L| - log|E L|))   exact for L and log|L|; given L, w as a Gaussian
//! ```

use crate::numeric::linalg::{cholesky, inverse_spd};

use super::digamma::digamma;
use super::factor::Q;
use super::precision::Precision;
use super::square::log_det;

/// At most this many points of several factors are crossed.
const CROSSED: f64 = 16.0;
/// The same where their rules have weights of their own, so that they cannot be paired.
const LINES: f64 = 4096.0;

/// A weight and the values it belongs to.
pub type Weighted = (f64, Vec<f64>);

impl Q {
    /// True where sites that are read together must be the whole factor.
    pub fn is_whole(&self) -> bool {
        !matches!(
            self,
            Q::Gaussian(..) | Q::Choice(..) | Q::Table(..) | Q::States(..)
        )
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
            Q::States(p, means, _) => {
                let mut out = vec![0.0; 1 + means.first()?.len()];
                for (p, m) in p.iter().zip(means) {
                    for (o, m) in out.iter_mut().skip(1).zip(m) {
                        *o += p * m;
                    }
                }
                out
            }
            Q::Line(line) => {
                vec![line.nodes.iter().max_by(|a, b| a.0.total_cmp(&b.0))?.1]
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
            Q::States(p, _, _) if site == 0 => p.clone(),
            Q::Table(p, shape) => {
                let mut out = vec![0.0; shape.get(site).copied().unwrap_or(0)];
                if shape.len() == 1 {
                    out.clone_from(p);
                    return out;
                }
                // The state of a site in joint state i is i / stride modulo its number of states.
                let stride = |s: usize| -> usize { shape.iter().skip(s + 1).product() };
                let fixed: Vec<(usize, usize, usize)> = decided
                    .iter()
                    .filter_map(|(s, k)| Some((stride(*s), *shape.get(*s)?, *k)))
                    .collect();
                let (own, n) = (stride(site), out.len().max(1));
                for (i, p) in p.iter().enumerate() {
                    if *p > 0.0 && fixed.iter().all(|(d, n, k)| i / d % n == *k) {
                        out[i / own % n] += p;
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
    ///
    /// `decided` are the states of discrete sites of the same factor.
    pub fn points(&self, sites: &[usize], decided: &[(usize, usize)]) -> Option<Vec<Weighted>> {
        match self {
            Q::States(p, means, covariances) => {
                let only = decided.iter().find(|(s, _)| *s == 0).map(|(_, k)| *k);
                let real: Option<Vec<usize>> = sites.iter().map(|s| s.checked_sub(1)).collect();
                let real = real?;
                let mut out = vec![];
                for (k, ((p, m), c)) in p.iter().zip(means).zip(covariances).enumerate() {
                    let weight = match only {
                        Some(o) => f64::from(u8::from(o == k)),
                        None => *p,
                    };
                    if weight > 0.0 {
                        let inside = Q::Gaussian(m.clone(), c.clone()).points(&real, &[])?;
                        out.extend(inside.into_iter().map(|(w, x)| (weight * w, x)));
                    }
                }
                Some(out)
            }
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
            Q::Line(line) => Some(line.few.clone()),
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

/// A factor, the sites of it that are read, and the states of others that are decided.
pub type Part<'q> = (&'q Q, &'q [usize], Vec<(usize, usize)>);

/// One rule for sites of several factors of a block, in their order.
pub fn joint(parts: &[Part<'_>]) -> Option<Vec<Weighted>> {
    if let [(q, sites, decided)] = parts {
        return q.points(sites, decided);
    }
    if parts.iter().all(|(q, _, _)| matches!(q, Q::Gaussian(..))) {
        let n: usize = parts.iter().map(|(_, s, _)| s.len()).sum();
        let mut mean = vec![];
        let mut covariance = vec![0.0; n * n];
        for (q, sites, _) in parts {
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
    let lines = parts
        .iter()
        .any(|(q, _, _)| matches!(q, Q::Line(_) | Q::States(..)));
    let rules: Option<Vec<Vec<Weighted>>> = parts.iter().map(|(q, s, d)| q.points(s, d)).collect();
    let rules = rules?;
    let crossed: f64 = rules.iter().map(|r| r.len() as f64).product();
    let mut out: Vec<Weighted> = vec![(1.0, vec![])];
    if lines && crossed > LINES {
        // A statement that reads several numbers of a quadratic block is quadratic in them: their moments are enough.
        let quadratic =
            |q: &Q| matches!(q, Q::Line(l) if l.exponent.whole || l.exponent.square != 0.0);
        if !parts.iter().all(|(q, _, _)| quadratic(q)) {
            return None;
        }
        let moment =
            |r: &[Weighted], p: i32| -> f64 { r.iter().map(|(w, x)| w * x[0].powi(p)).sum() };
        let n = rules.len();
        let mean: Vec<f64> = rules.iter().map(|r| moment(r, 1)).collect();
        let mut covariance = vec![0.0; n * n];
        for (i, r) in rules.iter().enumerate() {
            covariance[i * n + i] = (moment(r, 2) - mean[i] * mean[i]).max(0.0);
        }
        return gaussian(&mean, &covariance);
    }
    if lines || crossed <= CROSSED {
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
