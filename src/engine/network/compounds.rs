//! The products of indicators of a network, bound to sites: distinct scopes, and which entry of a table each message is.

use std::collections::{BTreeMap, HashMap};

use crate::algebra::Subscript;
use crate::derive::{Block, Compound, Derivation};
use crate::engine::bind::unflatten;
use crate::engine::evaluate::Evaluator;
use crate::engine::places::NOWHERE;
use crate::numeric::site_lists::SiteLists;

use super::{BoundCompound, Instance};

/// Scopes and instances while compounds are read.
pub(super) struct Draft<'a> {
    offsets: &'a [usize],
    states: &'a [usize],
    of: &'a [u32],
    pub(super) scopes: SiteLists,
    /// Only asked, never listed.
    known: HashMap<Vec<u32>, usize>,
    /// For each scope: some compound of lags alone made it.
    pub(super) chained: Vec<bool>,
    pub(super) compounds: Vec<BoundCompound>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(offsets: &'a [usize], states: &'a [usize], of: &'a [u32]) -> Self {
        Draft {
            offsets,
            states,
            of,
            scopes: SiteLists::new(),
            known: HashMap::new(),
            chained: vec![],
            compounds: vec![],
        }
    }

    pub(super) fn add(&mut self, e: &Evaluator<'_>, d: &Derivation, block: &Block, c: &Compound) {
        let places = e.places(c, &d.unknowns);
        let value_axes = &c.axes[c.places..];
        let sizes: Vec<usize> = value_axes.iter().map(|a| e.size(*a)).collect();
        let free: Vec<Option<usize>> = c
            .stats
            .iter()
            .map(|s| match s.index.last() {
                Some(Subscript::Axis(a)) => value_axes.iter().position(|b| a == b),
                _ => None,
            })
            .collect();
        let unknown: Vec<usize> = c
            .stats
            .iter()
            .map(|s| block.unknowns.iter().position(|u| *u == s.of).unwrap_or(0))
            .collect();
        let chained = along_lags(c);
        let mut keys: BTreeMap<Vec<u32>, u32> = BTreeMap::new();
        let mut maps = vec![];
        let mut instances = Vec::with_capacity(places.count);
        for p in 0..places.count {
            let sites: Vec<u32> = places
                .element
                .iter()
                .zip(&unknown)
                .map(|(el, u)| match el[p] {
                    NOWHERE => NOWHERE,
                    x => self.offsets[*u] as u32 + x,
                })
                .collect();
            let fixed: Vec<Option<u32>> = places
                .fixed
                .iter()
                .map(|f| f.as_ref().map(|f| f[p]))
                .collect();
            if sites.contains(&NOWHERE) || fixed.contains(&Some(NOWHERE)) {
                instances.push(Instance {
                    at: 0,
                    map: NOWHERE,
                    unary: true,
                });
                continue;
            }
            let mut scope = sites.clone();
            scope.sort_unstable();
            scope.dedup();
            let positions: Vec<usize> = sites
                .iter()
                .map(|s| scope.binary_search(s).unwrap_or(0))
                .collect();
            let shape: Vec<usize> = scope
                .iter()
                .map(|s| self.states[self.of[*s as usize] as usize])
                .collect();
            let mut key: Vec<u32> = positions.iter().map(|p| *p as u32).collect();
            key.extend(fixed.iter().map(|f| f.map_or(NOWHERE, |f| f)));
            key.extend(shape.iter().map(|s| *s as u32));
            let next = keys.len() as u32;
            let map = *keys.entry(key).or_insert_with(|| {
                maps.push(entries(&shape, &positions, &fixed, &free, &sizes));
                next
            });
            let unary = scope.len() == 1;
            let at = if unary {
                scope[0] as usize
            } else {
                let scopes = &mut self.scopes;
                let flags = &mut self.chained;
                let at = *self.known.entry(scope).or_insert_with_key(|scope| {
                    scopes.push(scope);
                    flags.push(false);
                    scopes.len() - 1
                });
                self.chained[at] |= chained;
                at
            };
            instances.push(Instance { at, map, unary });
        }
        self.compounds.push(BoundCompound {
            block: sizes.iter().product(),
            instances,
            maps,
        });
    }
}

/// Which entries of a scope's table are which entries of the message.
fn entries(
    shape: &[usize],
    positions: &[usize],
    fixed: &[Option<u32>],
    free: &[Option<usize>],
    sizes: &[usize],
) -> Vec<(u32, u32)> {
    let mut out = vec![];
    'entries: for t in 0..shape.iter().product() {
        let state = unflatten(t, shape);
        let mut value: Vec<Option<usize>> = vec![None; sizes.len()];
        for ((p, f), a) in positions.iter().zip(fixed).zip(free) {
            let s = state[*p];
            match (f, a) {
                (Some(f), _) if *f as usize != s => continue 'entries,
                (None, Some(a)) => {
                    if value[*a].is_some_and(|v| v != s) {
                        continue 'entries;
                    }
                    value[*a] = Some(s);
                }
                _ => {}
            }
        }
        let m = value
            .iter()
            .zip(sizes)
            .fold(0, |m, (v, size)| m * size + v.unwrap_or(0));
        out.push((t as u32, m as u32));
    }
    out
}

/// All factors are of one unknown and their places differ by lags of one axis only.
fn along_lags(c: &Compound) -> bool {
    let Some(first) = c.stats.first() else {
        return false;
    };
    c.stats.iter().all(|s| {
        s.of == first.of
            && s.index[..s.index.len() - 1]
                .iter()
                .zip(&first.index)
                .all(|(a, b)| {
                    let base = |x: &Subscript| match x {
                        Subscript::Axis(a) | Subscript::Lag(a, _) => Some(*a),
                        _ => None,
                    };
                    a == b || (base(a).is_some() && base(a) == base(b))
                })
    })
}
