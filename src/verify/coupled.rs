//! Factors of q over elements that are coupled with each other, from the marginals that the engine publishes of them.
//!
//! in: single and joint marginals (or variances and some covariances) -> out: the joint density that has them.
//!
//! ```text
//! discrete    the distribution of largest entropy with these marginals, by iterative proportional fitting:
//!             p(s) <- p(s) target(s_c) / p(s_c) for each scope c in turn
//! Gaussian    the same for variances and selected covariances S_c:
//!             C <- C + B (S_c - C_cc) B',  B = C_:c C_cc^-1
//! in states   r_k = q(z = k),  m_k = E[1[z = k] h] / r_k,  C_k = E[1[z = k] h h'] / r_k - m_k m_k'
//! ```
//!
//! q of an exponential family is the distribution of largest entropy that has its expected statistics, so both are q itself.
//! Deming and Stephan (1940); Speed and Kiiveri (1986).

use std::collections::BTreeMap;

use crate::algebra::{Origin, Subscript, UnknownId};
use crate::data::{BLANK, Cells};
use crate::derive::{Block, BlockId, Compound, MomentKind};
use crate::engine::Engine;
use crate::engine::places::NOWHERE;
use crate::engine::state::State;
use crate::family::StatisticKind;
use crate::numeric::linalg::inverse_spd;

use super::expect::Reason;
use super::factor::{Q, Site};

/// At most this many joint states are written down.
const JOINT: usize = 1 << 14;
/// At most this many coupled numbers.
const NUMBERS: usize = 120;
/// Rounds of fitting.
const ROUNDS: usize = 2000;

/// The sites of a factor and its density.
pub type Read = (Vec<Site>, Q);

/// What one entry of a published product is about: each factor's site, and its state where it is an indicator.
struct Entry {
    sites: Vec<(Site, Option<usize>)>,
    value: f64,
}

/// A block of coupled elements as published.
pub struct Coupled<'e, 'a> {
    /// The engine.
    pub engine: &'e Engine<'a>,
    /// The state.
    pub state: &'e State,
    /// The block.
    pub id: BlockId,
}

impl Coupled<'_, '_> {
    fn block(&self) -> &Block {
        self.engine.derivation.block(self.id)
    }

    fn lacking() -> Reason {
        "the state lacks an expectation of coupled elements".into()
    }

    /// The value of a known cell of a partly blank column.
    fn known(&self, s: Site) -> Option<f64> {
        let Origin::Column(c) = self.engine.derivation.unknowns.get(s.unknown).origin else {
            return None;
        };
        match self.engine.evaluator.data.columns.get(c.index())? {
            Cells::Numbers(v) => v.iter().nth(s.flat).copied().filter(|x| !x.is_nan()),
            Cells::Elements(v) => {
                let cell = v.iter().nth(s.flat).copied().filter(|x| *x != BLANK);
                cell.map(f64::from)
            }
        }
    }

    /// The entries of a published product of statistics.
    fn entries(&self, at: usize, c: &Compound) -> Option<Vec<Entry>> {
        let unknowns = &self.engine.derivation.unknowns;
        let first = *self.block().unknowns.first()?;
        let kind = MomentKind::Compound(first, at as u32);
        let values: Vec<f64> = self.state.moments.get(&kind)?.iter().copied().collect();
        let places = self.engine.evaluator.places(c, unknowns);
        let axes = &c.axes[c.places..];
        let sizes: Vec<usize> = axes.iter().map(|a| self.engine.size(*a)).collect();
        let width: usize = sizes.iter().product();
        let mut out = vec![];
        for p in 0..places.count {
            if places.element.iter().any(|e| e[p] == NOWHERE) {
                continue;
            }
            for v in 0..width {
                let free = super::factor::states(v, &sizes);
                let mut sites = vec![];
                for (i, s) in c.stats.iter().enumerate() {
                    let site = Site {
                        unknown: s.of,
                        flat: places.element[i][p] as usize,
                    };
                    let state = match (s.kind, &places.fixed[i], s.index.last()) {
                        (StatisticKind::Indicator, Some(f), _) => Some(f[p] as usize),
                        (StatisticKind::Indicator, None, Some(Subscript::Axis(a))) => {
                            Some(free[axes.iter().position(|b| a == b)?])
                        }
                        (StatisticKind::Indicator, None, _) => return None,
                        _ => None,
                    };
                    sites.push((site, state));
                }
                let value = *values.get(p * width + v)?;
                if sites.iter().all(|(_, s)| *s != Some(NOWHERE as usize)) {
                    out.push(Entry { sites, value });
                }
            }
        }
        Some(out)
    }

    /// All sites of an unknown.
    fn sites(&self, u: UnknownId) -> Vec<Site> {
        let plates = self.engine.derivation.unknowns.get(u).plates();
        let count = plates.iter().map(|p| self.engine.plate_size(*p)).product();
        (0..count).map(|flat| Site { unknown: u, flat }).collect()
    }

    fn array(&self, kind: MomentKind) -> Result<Vec<f64>, Reason> {
        let a = self.state.moments.get(&kind).ok_or_else(Self::lacking)?;
        Ok(a.iter().copied().collect())
    }

    /// Discrete elements, component by component.
    ///
    /// # Errors
    /// In words.
    pub fn discrete(&self) -> Result<Vec<Read>, Reason> {
        let mut sites = vec![];
        let mut singles: Vec<Vec<f64>> = vec![];
        for u in &self.block().unknowns {
            let q = self.array(MomentKind::Statistic(*u, StatisticKind::Indicator))?;
            let own = self.sites(*u);
            let k = q.len() / own.len().max(1);
            for (s, p) in own.into_iter().zip(q.chunks(k.max(1))) {
                if self.known(s).is_none() {
                    sites.push(s);
                    singles.push(p.to_vec());
                }
            }
        }
        let position = |s: Site| sites.iter().position(|x| *x == s);
        // Joint probabilities by scope; a known site is no part of it.
        let mut scopes: BTreeMap<Vec<usize>, BTreeMap<Vec<usize>, f64>> = BTreeMap::new();
        for (at, c) in self.block().compounds.iter().enumerate() {
            if c.stats.len() < 2 {
                continue;
            }
            'entries: for e in self.entries(at, c).ok_or_else(Self::lacking)? {
                let mut by_site: BTreeMap<usize, usize> = BTreeMap::new();
                for (s, state) in e.sites {
                    let state = state.ok_or_else(Self::lacking)?;
                    if let Some(known) = self.known(s) {
                        if known as usize != state {
                            continue 'entries;
                        }
                        continue;
                    }
                    let i = position(s).ok_or_else(Self::lacking)?;
                    if *by_site.entry(i).or_insert(state) != state {
                        continue 'entries;
                    }
                }
                if by_site.len() > 1 {
                    let (scope, states): (Vec<usize>, Vec<usize>) = by_site.into_iter().unzip();
                    scopes.entry(scope).or_default().insert(states, e.value);
                }
            }
        }
        let mut out = vec![];
        for members in components(sites.len(), scopes.keys()) {
            let shape: Vec<usize> = members.iter().map(|i| singles[*i].len()).collect();
            let count: f64 = shape.iter().map(|n| *n as f64).product();
            if count > JOINT as f64 {
                return Err(format!(
                    "{count:.0} joint states of coupled elements are too many to write down; use fewer rows"
                ));
            }
            let mut fits: Vec<Fit> = vec![];
            for (at, i) in members.iter().enumerate() {
                let targets = singles[*i].iter().enumerate();
                fits.push(Fit::new(
                    &shape,
                    &[at],
                    targets.map(|(k, p)| (vec![k], *p)).collect(),
                ));
            }
            for (scope, targets) in &scopes {
                if scope.first().is_some_and(|i| members.contains(i)) {
                    let places: Vec<usize> = scope
                        .iter()
                        .filter_map(|i| members.iter().position(|m| m == i))
                        .collect();
                    let targets = targets.iter().map(|(s, p)| (s.clone(), *p)).collect();
                    fits.push(Fit::new(&shape, &places, targets));
                }
            }
            let p = fitted(count as usize, &fits);
            out.push((
                members.iter().map(|i| sites[*i]).collect(),
                Q::Table(p, shape),
            ));
        }
        Ok(out)
    }

    /// Real elements, component by component; `mean` gives a site's value.
    ///
    /// # Errors
    /// In words.
    pub fn gaussian(&self, mean: &dyn Fn(Site) -> Option<f64>) -> Result<Vec<Read>, Reason> {
        let mut sites = vec![];
        let mut variances = vec![];
        let parameters = &self.state.blocks[self.id.index()].parameters;
        for (i, u) in self.block().unknowns.iter().enumerate() {
            let found = parameters
                .iter()
                .find(|(of, n, _)| *of == i && *n == "variance");
            let of = &found.ok_or_else(Self::lacking)?.2;
            for (s, v) in self.sites(*u).into_iter().zip(of.iter()) {
                if self.known(s).is_none() {
                    sites.push(s);
                    variances.push(*v);
                }
            }
        }
        let position = |s: Site| sites.iter().position(|x| *x == s);
        let mut pairs: BTreeMap<Vec<usize>, f64> = BTreeMap::new();
        for (at, c) in self.block().compounds.iter().enumerate() {
            if c.stats.len() != 2 {
                continue;
            }
            for e in self.entries(at, c).ok_or_else(Self::lacking)? {
                let found: Option<Vec<usize>> = e.sites.iter().map(|(s, _)| position(*s)).collect();
                if let Some(mut pair) = found
                    && pair[0] != pair[1]
                {
                    pair.sort_unstable();
                    pairs.insert(pair, e.value);
                }
            }
        }
        let mut out = vec![];
        for members in components(sites.len(), pairs.keys()) {
            let n = members.len();
            if n > NUMBERS {
                return Err(format!(
                    "{n} coupled numbers are too many to write down; use fewer rows"
                ));
            }
            let own: Vec<(usize, usize, f64)> = pairs
                .iter()
                .filter_map(|(p, v)| {
                    let at = |i: usize| members.iter().position(|m| *m == p[i]);
                    Some((at(0)?, at(1)?, *v))
                })
                .collect();
            let spread: Vec<f64> = members.iter().map(|i| variances[*i]).collect();
            let covariance = selected(&spread, &own).ok_or("variances that are not above 0")?;
            let own: Vec<Site> = members.iter().map(|i| sites[*i]).collect();
            let mean: Option<Vec<f64>> = own.iter().map(|s| mean(*s)).collect();
            out.push((
                own,
                Q::Gaussian(mean.ok_or_else(Self::lacking)?, covariance),
            ));
        }
        Ok(out)
    }

    /// A discrete site and real ones given each of its states; `groups` are the real sites of each batch element.
    ///
    /// # Errors
    /// In words.
    pub fn in_states(
        &self,
        groups: &[(Site, Vec<Site>)],
        centre: &dyn Fn(Site) -> f64,
    ) -> Result<Vec<Read>, Reason> {
        let z = *self.block().unknowns.first().ok_or_else(Self::lacking)?;
        let r = self.array(MomentKind::Statistic(z, StatisticKind::Indicator))?;
        let k = r.len() / groups.len().max(1);
        let mut first: BTreeMap<(Site, usize, Site), f64> = BTreeMap::new();
        let mut second: BTreeMap<(Site, usize, Site, Site), f64> = BTreeMap::new();
        for (at, c) in self.block().compounds.iter().enumerate() {
            if c.stats.len() < 2 {
                continue;
            }
            for e in self.entries(at, c).ok_or_else(Self::lacking)? {
                let state = e.sites.iter().find_map(|(s, k)| Some((*s, (*k)?)));
                let real: Vec<Site> = e
                    .sites
                    .iter()
                    .filter(|(_, k)| k.is_none())
                    .map(|(s, _)| *s)
                    .collect();
                match (state, real.as_slice()) {
                    (Some((s, k)), [a]) => {
                        first.insert((s, k, *a), e.value);
                    }
                    (Some((s, k)), [a, b]) => {
                        second.insert((s, k, *a, *b), e.value);
                        second.insert((s, k, *b, *a), e.value);
                    }
                    _ => {}
                }
            }
        }
        let unpublished = || "an expectation in each state that no statement reads".to_string();
        let mut out = vec![];
        for (site, real) in groups {
            let p = r
                .get(site.flat * k..(site.flat + 1) * k)
                .ok_or_else(Self::lacking)?;
            let n = real.len();
            let (mut means, mut covariances) = (vec![], vec![]);
            for (k, p) in p.iter().enumerate() {
                let mut mean = vec![0.0; n];
                let mut c = vec![0.0; n * n];
                for (i, a) in real.iter().enumerate() {
                    c[i * n + i] = 1.0;
                    if *p > 0.0 {
                        mean[i] = first.get(&(*site, k, *a)).ok_or_else(unpublished)? / p;
                    }
                }
                if *p > 0.0 {
                    for (i, a) in real.iter().enumerate() {
                        for (j, b) in real.iter().enumerate() {
                            let both = second.get(&(*site, k, *a, *b));
                            let both = both.ok_or_else(unpublished)? / p;
                            c[i * n + j] = both - mean[i] * mean[j];
                        }
                    }
                }
                for (m, s) in mean.iter_mut().zip(real) {
                    *m += centre(*s);
                }
                means.push(mean);
                covariances.push(c);
            }
            let mut sites = vec![*site];
            sites.extend(real);
            out.push((sites, Q::States(p.to_vec(), means, covariances)));
        }
        Ok(out)
    }
}

/// Positions that lists join; each position is in one component.
fn components<'l>(n: usize, lists: impl Iterator<Item = &'l Vec<usize>>) -> Vec<Vec<usize>> {
    let mut of: Vec<usize> = (0..n).collect();
    for l in lists {
        let Some((first, rest)) = l.split_first() else {
            continue;
        };
        let to = of[*first];
        for i in rest {
            let from = of[*i];
            of.iter_mut().filter(|c| **c == from).for_each(|c| *c = to);
        }
    }
    let mut out: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut seen: Vec<usize> = vec![];
    for (i, c) in of.iter().enumerate() {
        let name = match seen.iter().position(|s| s == c) {
            Some(p) => p,
            None => {
                seen.push(*c);
                seen.len() - 1
            }
        };
        out.entry(name).or_default().push(i);
    }
    out.into_values().collect()
}

/// The class of every joint state, and each class's probability; the last one holds what is not published.
struct Fit {
    class: Vec<u32>,
    target: Vec<f64>,
}

impl Fit {
    fn new(shape: &[usize], places: &[usize], targets: Vec<(Vec<usize>, f64)>) -> Fit {
        let count = shape.iter().product();
        let local: Vec<usize> = places.iter().map(|i| shape[*i]).collect();
        let flat = |at: &mut dyn Iterator<Item = usize>| -> usize {
            at.zip(&local).fold(0, |f, (i, n)| f * n + i)
        };
        let rest = targets.len() as u32;
        let mut class_of = vec![rest; local.iter().product()];
        let mut target = vec![];
        for (i, (states, p)) in targets.into_iter().enumerate() {
            class_of[flat(&mut states.into_iter())] = i as u32;
            target.push(p);
        }
        target.push((1.0 - target.iter().sum::<f64>()).max(0.0));
        let class = (0..count)
            .map(|s| {
                let at = super::factor::states(s, shape);
                class_of[flat(&mut places.iter().map(|i| at[*i]))]
            })
            .collect();
        Fit { class, target }
    }
}

fn fitted(count: usize, fits: &[Fit]) -> Vec<f64> {
    let mut p = vec![1.0 / count.max(1) as f64; count];
    for _ in 0..ROUNDS {
        let mut worst = 0.0_f64;
        for f in fits {
            let mut sums = vec![0.0; f.target.len()];
            for (p, c) in p.iter().zip(&f.class) {
                sums[*c as usize] += p;
            }
            let factor: Vec<f64> = sums
                .iter()
                .zip(&f.target)
                .map(|(s, t)| {
                    // What is left over may be the rounding of 0.
                    if *s > 0.0 { t / s } else { 0.0 }
                })
                .collect();
            for (s, t) in sums.iter().zip(&f.target) {
                worst = worst.max((s - t).abs());
            }
            for (p, c) in p.iter_mut().zip(&f.class) {
                *p *= factor[*c as usize];
            }
        }
        if worst < 1e-13 {
            break;
        }
    }
    p
}

/// The covariance with these variances and covariances of pairs and a precision of 0 elsewhere; fitted by cliques of
/// pairs, each whole.
fn selected(variances: &[f64], pairs: &[(usize, usize, f64)]) -> Option<Vec<f64>> {
    let n = variances.len();
    let mut c = vec![0.0; n * n];
    let mut target = vec![f64::NAN; n * n];
    for (i, v) in variances.iter().enumerate() {
        if *v <= 0.0 {
            return None;
        }
        c[i * n + i] = *v;
        target[i * n + i] = *v;
    }
    for (i, j, s) in pairs {
        target[i * n + j] = *s;
        target[j * n + i] = *s;
    }
    let mut cliques: Vec<Vec<usize>> = vec![];
    for (i, j, _) in pairs {
        let mut clique = vec![*i, *j];
        for k in 0..n {
            if !clique.contains(&k) && clique.iter().all(|m| !target[k * n + m].is_nan()) {
                clique.push(k);
            }
        }
        clique.sort_unstable();
        if !cliques.contains(&clique) {
            cliques.push(clique);
        }
    }
    for _ in 0..ROUNDS {
        let mut worst = 0.0_f64;
        for clique in &cliques {
            let k = clique.len();
            let block = |a: &[f64]| -> Vec<f64> {
                let rows = clique.iter();
                rows.flat_map(|i| clique.iter().map(move |j| a[i * n + j]))
                    .collect()
            };
            let own = block(&c);
            let mut gap = block(&target);
            for (g, o) in gap.iter_mut().zip(&own) {
                *g -= o;
            }
            for (x, i) in clique.iter().enumerate() {
                for (y, j) in clique.iter().enumerate() {
                    let unit = (variances[*i] * variances[*j]).sqrt();
                    worst = worst.max(gap[x * k + y].abs() / unit);
                }
            }
            let mut inverse = vec![0.0; k * k];
            inverse_spd(&own, k, &mut inverse).ok()?;
            // B = C_:c C_cc^-1, row by row.
            let b: Vec<Vec<f64>> = (0..n)
                .map(|r| {
                    (0..k)
                        .map(|y| {
                            (0..k)
                                .map(|x| c[r * n + clique[x]] * inverse[x * k + y])
                                .sum()
                        })
                        .collect()
                })
                .collect();
            for r in 0..n {
                let left: Vec<f64> = (0..k)
                    .map(|y| (0..k).map(|x| b[r][x] * gap[x * k + y]).sum())
                    .collect();
                for t in 0..n {
                    c[r * n + t] += left.iter().zip(&b[t]).map(|(l, b)| l * b).sum::<f64>();
                }
            }
        }
        if worst < 1e-13 {
            break;
        }
    }
    for i in 0..n {
        for j in 0..i {
            let x = 0.5 * (c[i * n + j] + c[j * n + i]);
            c[i * n + j] = x;
            c[j * n + i] = x;
        }
    }
    Some(c)
}
