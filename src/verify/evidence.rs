//! log p(v) by brute force: discrete latents enumerated, Gaussian ones integrated.
//!
//! in: the elements, the params -> out: the log evidence and the size of its parts; the reason where it is out of reach.
//!
//! ```text
//! log p(v) = constant elements + sum over components  log sum over discrete states  exp(c + b'P^-1 b / 2 - log|P / 2 pi| / 2)
//! ```
//!
//! A component holds the factors that some element reads together. For fixed discrete states the log joint of real latents
//! must be a quadratic c + b'x - x'Px/2: its coefficients come from evaluations at 0, +-e_i and e_i + e_j, which determine
//! a quadratic exactly, and one more evaluation shows that it is one.

use crate::naive::Assignment;
use crate::numeric::linalg::{cholesky, solve_lower};
use crate::numeric::logsumexp::logsumexp;

use super::expect::{Reason, World};
use super::factor::{Factor, Q, Site, states};

/// The log evidence and the size of what it was added up from.
///
/// # Errors
/// In words.
pub fn log_evidence(
    world: &World<'_>,
    q: &[Factor],
    values: &mut Assignment,
    budget: usize,
) -> Result<(f64, f64), Reason> {
    for f in q {
        world.place(
            values,
            f,
            &f.q.centre().ok_or("a factor of q is at its limit")?,
        );
    }
    let latent = |f: &usize| q.get(*f).is_some_and(|f| !f.q.is_point());
    let (mut total, mut size) = (0.0, 1.0);
    let mut component: Vec<usize> = (0..q.len()).collect();
    for e in &world.elements {
        let read: Vec<usize> = e.reads.iter().copied().filter(latent).collect();
        if read.is_empty() {
            let l = world.at(values, e)?;
            total += l;
            size += l.abs();
            continue;
        }
        let to = component[read[0]];
        for f in &read[1..] {
            let from = component[*f];
            component
                .iter_mut()
                .filter(|c| **c == from)
                .for_each(|c| *c = to);
        }
    }
    let parts: Vec<usize> = (0..q.len())
        .filter(|f| latent(f) && component[*f] == *f)
        .collect();
    // The representative of a component need not be its smallest member any more; each is met once.
    let mut spent = 0;
    for part in parts {
        let members: Vec<usize> = (0..q.len())
            .filter(|f| latent(f) && component[*f] == part)
            .collect();
        let elements: Vec<usize> = (0..world.elements.len())
            .filter(|e| world.elements[*e].reads.iter().any(|f| members.contains(f)))
            .collect();
        if elements.is_empty() {
            continue;
        }
        let l = Part {
            world,
            elements: &elements,
        }
        .log_sum(q, &members, values, budget, &mut spent)?;
        total += l;
        size += l.abs();
    }
    Ok((total, size))
}

struct Part<'w, 'a> {
    world: &'w World<'a>,
    elements: &'w [usize],
}

impl Part<'_, '_> {
    fn log_joint(&self, values: &Assignment) -> Result<f64, Reason> {
        let mut total = 0.0;
        for e in self.elements {
            total += self.world.at(values, &self.world.elements[*e])?;
        }
        Ok(total)
    }

    fn log_sum(
        &self,
        q: &[Factor],
        members: &[usize],
        values: &mut Assignment,
        budget: usize,
        spent: &mut usize,
    ) -> Result<f64, Reason> {
        let weighted = self
            .elements
            .iter()
            .any(|e| self.world.elements[*e].weight != 1.0);
        if weighted {
            return Err("rows have weights".into());
        }
        let (mut sites, mut shape, mut real) = (vec![], vec![], vec![]);
        for f in members {
            let f = &q[*f];
            match &f.q {
                Q::Table(_, n) => {
                    for (s, n) in f.sites.iter().zip(n) {
                        if self.world.is_read(*s) {
                            sites.push(*s);
                            shape.push(*n);
                        }
                    }
                }
                Q::Gaussian(m, c) => {
                    for (i, s) in f.sites.iter().enumerate() {
                        real.push((*s, m[i], c[i * m.len() + i].sqrt()));
                    }
                }
                Q::States(p, _, covariances) => {
                    let centre = f.q.centre().ok_or("a factor of q is at its limit")?;
                    let c = covariances.first().ok_or("no states")?;
                    let n = centre.len() - 1;
                    for (i, s) in f.sites.iter().enumerate() {
                        match i.checked_sub(1) {
                            Some(i) => real.push((*s, centre[i + 1], c[i * n + i].sqrt())),
                            None if self.world.is_read(*s) => {
                                sites.push(*s);
                                shape.push(p.len());
                            }
                            None => {}
                        }
                    }
                }
                Q::Simplex { .. } | Q::Precision(_) | Q::Line(_) => {
                    return Err("a latent that is neither discrete nor Gaussian".into());
                }
                Q::Point(..) | Q::Choice(..) => {}
            }
        }
        let n = real.len();
        let each = (n * (n + 3) / 2 + 2) as f64 * self.elements.len() as f64;
        let count: f64 = shape.iter().map(|n| *n as f64).product();
        let cost = count * each;
        if cost + *spent as f64 > budget as f64 {
            return Err(format!("{cost:.0} evaluations are too many"));
        }
        *spent += cost as usize;
        let mut logs = vec![];
        for state in 0..count as usize {
            for (s, k) in sites.iter().zip(states(state, &shape)) {
                self.world.set(values, *s, k as f64);
            }
            logs.push(if n == 0 {
                self.log_joint(values)?
            } else {
                self.integral(&real, values)?
            });
        }
        Ok(logsumexp(&logs))
    }

    /// log of the integral over real sites of exp log_joint; each in units of a spread around a centre.
    fn integral(&self, real: &[(Site, f64, f64)], values: &mut Assignment) -> Result<f64, Reason> {
        let n = real.len();
        let mut at = |x: &[f64]| -> Result<f64, Reason> {
            for ((s, m, unit), x) in real.iter().zip(x) {
                self.world.set(values, *s, m + unit * x);
            }
            self.log_joint(values)
        };
        let mut x = vec![0.0; n];
        let c = at(&x)?;
        let (mut b, mut up) = (vec![0.0; n], vec![0.0; n]);
        let mut p = vec![0.0; n * n];
        for i in 0..n {
            x[i] = 1.0;
            up[i] = at(&x)?;
            x[i] = -1.0;
            let down = at(&x)?;
            x[i] = 0.0;
            b[i] = 0.5 * (up[i] - down);
            p[i * n + i] = -(up[i] - 2.0 * c + down);
        }
        for i in 0..n {
            for j in 0..i {
                x[i] = 1.0;
                x[j] = 1.0;
                let both = at(&x)?;
                x[i] = 0.0;
                x[j] = 0.0;
                p[i * n + j] = -(both - up[i] - up[j] + c);
                p[j * n + i] = p[i * n + j];
            }
        }
        for (i, x) in x.iter_mut().enumerate() {
            *x = 1.5 - 0.7 * (i % 4) as f64;
        }
        let mut quadratic = c;
        for i in 0..n {
            quadratic += b[i] * x[i];
            for j in 0..n {
                quadratic -= 0.5 * p[i * n + j] * x[i] * x[j];
            }
        }
        let actual = at(&x)?;
        if (actual - quadratic).abs() > 1e-8 * (1.0 + actual.abs() + c.abs()) {
            return Err("a real latent in which the log joint is not quadratic".into());
        }
        let mut l = vec![0.0; n * n];
        let log = cholesky(&p, n, &mut l).map_err(|_| "an integral without bound")?;
        solve_lower(&l, n, &mut b, 1);
        let square: f64 = b.iter().map(|x| x * x).sum();
        let units: f64 = real.iter().map(|(_, _, unit)| unit.ln()).sum();
        let constant = 0.5 * n as f64 * (2.0 * std::f64::consts::PI).ln();
        Ok(c + 0.5 * square - 0.5 * log + constant + units)
    }
}
